//! Imported files: what comes in, what is refused with its line, and that nothing comes in twice.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::support::{Directory, KEY, Server};

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

/// Stands for a server: answers `answered` requests as if every event of them was created, then hangs
/// up on every further one. Returns how many events it was sent in answered requests.
fn stand_in(listener: &TcpListener, answered: usize, ended: &AtomicBool) -> usize {
    let mut left = answered;
    let mut events = 0;
    listener.set_nonblocking(true).expect("a listener");
    while !ended.load(Ordering::SeqCst) {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(std::time::Duration::from_millis(5));
            continue;
        };
        stream.set_nonblocking(false).expect("a stream");
        let mut stream = BufReader::new(stream);
        while let Some(lines) = request_lines(&mut stream) {
            if left == 0 {
                break;
            }
            left -= 1;
            events += lines;
            let results: Vec<_> = (0..lines).map(|_| json!({"status": "created"})).collect();
            let body = json!({ "results": results }).to_string();
            let head = format!("HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.get_mut().write_all((head + &body).as_bytes()).expect("the client reads");
        }
    }
    events
}

/// Reads a request and counts the lines of its body.
fn request_lines(stream: &mut BufReader<std::net::TcpStream>) -> Option<usize> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(body.iter().filter(|byte| **byte == b'\n').count())
}

#[test]
fn an_interrupted_import_goes_on_where_it_was() {
    let directory = Directory::new();
    let event = |n: usize| format!("{{\"id\":\"e{n}\",\"action\":\"x.create\"}}\n");
    directory.write("events.ndjson", (0..5000).map(event).collect::<String>());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let import = |answered: usize| {
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let server = scope.spawn(|| stand_in(&listener, answered, &ended));
            let arguments = ["import", "events.ndjson", "-w", "acme", "--url", &url, "--key", KEY];
            let ran = directory.run(&arguments);
            ended.store(true, Ordering::SeqCst);
            (ran, server.join().expect("it ends"))
        })
    };
    let (first, sent) = import(2);
    assert_eq!((first.code, sent), (5, 2_000), "{first:?}");
    let (second, sent) = import(100);
    assert_eq!((second.code, sent), (0, 3_000), "{second:?}");
    assert!(second.err.contains("going on behind 2000 records"), "{second:?}");
    assert!(second.out.contains("5000 imported"), "all of it is counted: {second:?}");
    let (third, sent) = import(100);
    assert_eq!((third.code, sent), (0, 5_000), "a finished import begins anew");
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
