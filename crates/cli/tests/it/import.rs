//! Imported files: what comes in, what is refused with its line, and that nothing comes in twice.

use std::path::Path;

use serde_json::json;

use crate::support::{Directory, Server};

fn sample(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings/samples");
    std::fs::read_to_string(root.join(format!("{name}.ndjson"))).expect("a sample")
}

#[test]
fn a_file_imported_twice_adds_nothing() {
    let directory = Directory::new();
    directory.write("trail.ndjson", sample("cloudtrail"));
    let arguments =
        ["import", "--json", "--map", "cloudtrail", "trail.ndjson", "-w", "acme", "--data", "data"];
    let lines = sample("cloudtrail").lines().count();
    let first = directory.run(&arguments);
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(first.json()["created"], json!(lines));
    let second = directory.run(&arguments);
    assert_eq!(
        (second.json()["created"].clone(), second.json()["duplicates"].clone()),
        (json!(0), json!(lines))
    );
    let verified = directory.run(&["verify", "--json", "--data", "data"]);
    assert_eq!((verified.code, verified.json()["events"].clone()), (0, json!(lines)));
}

#[test]
fn compression_makes_no_difference() {
    let directory = Directory::new();
    let text = sample("okta");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, text.as_bytes()).expect("in memory");
    directory.write("okta.gz", gzip.finish().expect("in memory"));
    directory.write("okta.zst", zstd::stream::encode_all(text.as_bytes(), 1).expect("in memory"));
    let run = |file: &str| {
        directory.run(&["import", "--json", "--map", "okta", file, "-w", "acme", "--data", "data"])
    };
    assert_eq!(run("okta.gz").json()["created"], json!(text.lines().count()));
    assert_eq!(run("okta.zst").json()["duplicates"], json!(text.lines().count()));
}

#[test]
fn a_bad_line_is_named_and_costs_only_itself() {
    let directory = Directory::new();
    let text = "{\"id\":\"a\",\"action\":\"x.create\"}\n\n{\"id\":\"b\",\"action\":\"x.create\",\"actr\":{}}\n\
                {\"id\":\n{\"id\":\"c\",\"action\":\"x.create\"}\n{\"id\":\"a\",\"action\":\"x.delete\"}\n";
    directory.write("events.ndjson", text);
    let ran = directory.run(&[
        "import",
        "--json",
        "events.ndjson",
        "-w",
        "acme",
        "--data",
        "data",
        "--errors",
        "errors.ndjson",
    ]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let answer = ran.json();
    assert_eq!((answer["created"].clone(), answer["refused"].clone()), (json!(2), json!(3)));
    let lines: Vec<_> = answer["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| {
            (error["line"].as_u64().expect("a line"), error["pointer"].as_str().expect("a place"))
        })
        .collect();
    assert_eq!(lines, [(3, "/actr"), (4, "/id"), (6, "/id")]);
    let written = std::fs::read_to_string(directory.join("errors.ndjson")).expect("written");
    assert_eq!(written.lines().count(), 3);
    let shown = directory.run(&["import", "events.ndjson", "-w", "acme", "--data", "data"]);
    assert!(shown.err.contains("line 3: /actr:"), "{}", shown.err);
    assert!(
        shown.err.contains("did you mean `actor`") || shown.err.contains("actor"),
        "{}",
        shown.err
    );
}

#[test]
fn an_interrupted_import_goes_on_where_it_was() {
    let directory = Directory::new();
    let event = |n: usize| format!("{{\"id\":\"e{n}\",\"action\":\"x.create\"}}\n");
    let all: String = (0..5000).map(event).collect();
    directory.write("events.ndjson", &all);
    // The same import, ended by its sink: the server goes away.
    let data = directory.join("data");
    let server = Server::start(&directory, &data);
    let url = server.url.clone();
    let mut arguments = vec!["import", "--json", "events.ndjson", "-w", "acme"];
    let flags = server.flags().map(str::to_owned);
    arguments.extend(flags.iter().map(String::as_str));
    assert_eq!(directory.run(&arguments).json()["created"], json!(5000));
    drop(server);
    let failed = directory.run(&arguments);
    assert_eq!(failed.code, 5, "{failed:?} {url}");
    let again =
        directory.run(&["import", "--json", "events.ndjson", "-w", "acme", "--data", "data"]);
    assert_eq!(again.json()["duplicates"], json!(5000));
}

#[test]
fn what_was_imported_into_a_stopped_store_is_found_by_its_server() {
    let directory = Directory::new();
    directory.write("trail.ndjson", sample("github"));
    let lines = sample("github").lines().count();
    let ran = directory.run(&[
        "import",
        "--map",
        "github",
        "trail.ndjson",
        "-w",
        "acme",
        "--data",
        "data",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let server = Server::start(&directory, &directory.join("data"));
    let search = |rest: &[&str]| {
        directory.run(&[&["search", "--json", "-w", "acme"], rest, &server.flags()].concat()).json()
    };
    assert_eq!(search(&["--count"])["total"], json!(lines));
    assert_eq!(search(&["action:repo.create"])["data"][0]["action"], json!("repo.create"));
    let none = search(&["--count", "-action:*"]);
    assert_eq!(none["total"], json!(0), "a filter may begin with a minus");
}
