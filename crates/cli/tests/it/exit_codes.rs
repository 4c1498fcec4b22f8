//! What went wrong is told by the exit code, as `--help` documents it.

use crate::support::{Directory, KEY, Server};

#[test]
fn each_failure_has_its_code() {
    let directory = Directory::new();
    directory.write("events.ndjson", "{\"id\":\"a\",\"action\":\"x.create\"}\n");
    let data = directory.join("data");
    let imported = directory.run(&["import", "events.ndjson", "-w", "acme", "--data", "data"]);
    assert_eq!(imported.code, 0, "{imported:?}");
    let nobody = ["--url", "http://127.0.0.1:9", "--key", KEY];
    let ran = directory.run(&[&["search", "-w", "acme"], &nobody[..]].concat());
    assert_eq!(ran.code, 5, "nobody listens there: {ran:?}");
    let ran = directory.run(&["verify", "--data", "nowhere"]);
    assert_eq!(ran.code, 2, "no such directory: {ran:?}");
    directory.write("not_ours", "");
    std::fs::create_dir(directory.join("other")).expect("writable");
    let ran = directory.run(&["verify", "--data", "other"]);
    assert_eq!(ran.code, 2, "not a data directory: {ran:?}");
    assert_eq!(std::fs::read_dir(directory.join("other")).expect("there").count(), 0, "untouched");

    let server = Server::start(&directory, &data);
    let ask = |verb: &[&str], flags: &[&str]| directory.run(&[verb, flags].concat()).code;
    assert_eq!(ask(&["search", "-w", "acme"], &server.flags()), 0);
    assert_eq!(ask(&["search", "-w", "acme"], &["--url", &server.url]), 6, "no key");
    let wrong = ["--url", &server.url, "--key", "some-key-that-is-not-known-here"];
    assert_eq!(ask(&["search", "-w", "acme"], &wrong), 6, "wrong key");
    assert_eq!(ask(&["show", "-w", "acme", "nothing"], &server.flags()), 7, "no such event");
    assert_eq!(ask(&["search", "-w", "acme", "acton:x"], &server.flags()), 2, "no such field");
    assert_eq!(ask(&["verify", "--data", "data"], &[]), 8, "the server has it open");
    assert_eq!(ask(&["doctor"], &server.flags()), 0);
}

#[test]
fn a_failure_in_json_mode_is_json_on_standard_error() {
    let ran = Directory::new().run(&["verify", "--data", "nowhere", "--json"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    let error: serde_json::Value = serde_json::from_str(&ran.err).expect("JSON");
    assert_eq!(error["error"]["code"], 2);
}

#[test]
fn a_server_beyond_this_machine_needs_a_word_for_it() {
    let directory = Directory::new();
    let ran = directory.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("--allow-plain-http"), "{}", ran.err);
    assert!(!directory.join("proofbook-data").exists(), "nothing was made");
}
