//! The client verbs against a running server.

use std::process::Stdio;

use serde_json::json;

use crate::support::{Directory, KEY, Server};

#[test]
fn keys_workspaces_and_catalogs_are_administered() {
    let directory = Directory::new();
    let server = Server::start(&directory, &directory.join("data"));
    let run = |arguments: &[&str]| directory.run(&[arguments, &server.flags()].concat());

    let put = run(&[
        "workspace",
        "put",
        "acme",
        "--preset",
        "clienwork",
        "--title",
        "Acme Inc",
        "--json",
    ]);
    assert_eq!(put.code, 0, "{put:?}");
    let put = run(&["workspace", "put", "acme", "--owner-email", "ada@acme.example", "--json"]);
    assert_eq!(put.json()["preset"], json!("clienwork"), "what is not given stays");
    assert_eq!(put.json()["owner"]["email"], json!("ada@acme.example"));
    assert!(run(&["workspace", "list"]).out.contains("Acme Inc"));

    let key = run(&["key", "create", "billing", "--scope", "write", "-w", "acme"]);
    let text = key.out.trim().to_owned();
    assert!(text.starts_with("pb_"), "{key:?}");
    let id = text.split('_').nth(1).expect("a public id").to_owned();
    assert!(run(&["key", "list"]).out.contains(&id));
    let foreign = ["--url", &server.url, "--key", &text];
    assert_eq!(directory.run(&[&["search", "-w", "acme"], &foreign[..]].concat()).code, 6);
    assert_eq!(run(&["key", "revoke", &id]).code, 0);

    assert!(run(&["catalog", "list"]).out.contains("clienwork"));
    assert!(run(&["catalog", "show", "clienwork"]).out.contains("ACTION"));
    directory.write("bad.toml", "name = \"mine\"\n[[actions]]\nnam = \"a.b\"\n");
    let checked = directory.run(&["catalog", "check", "bad.toml"]);
    assert_eq!(checked.code, 2, "{checked:?}");
    assert!(checked.err.contains("line 3"), "{}", checked.err);
}

#[test]
fn an_event_is_shown_exported_and_tailed() {
    let directory = Directory::new();
    let server = Server::start(&directory, &directory.join("data"));
    let run = |arguments: &[&str]| directory.run(&[arguments, &server.flags()].concat());
    directory.write(
        "one.ndjson",
        "{\"id\":\"ev-1\",\"action\":\"project.update\",\"actor\":{\"type\":\"user\",\"id\":\"u\",\
         \"name\":\"A\\u001b[31mda\"},\"before\":{\"plan\":\"free\"},\"after\":{\"plan\":\"pro\"}}\n",
    );
    assert_eq!(run(&["import", "one.ndjson", "-w", "acme"]).code, 0);
    let shown = run(&["show", "ev-1", "-w", "acme"]);
    assert!(shown.out.contains("/plan: free → pro"), "{shown:?}");
    assert!(!shown.out.contains('\u{1b}'), "no stored byte steers the terminal");
    assert!(!run(&["search", "-w", "acme"]).out.contains('\u{1b}'));
    let exported = run(&["export", "-w", "acme", "--output", "all.ndjson"]);
    assert_eq!(exported.code, 0, "{exported:?}");
    let text = std::fs::read_to_string(directory.join("all.ndjson")).expect("written");
    assert!(text.contains("\"ev-1\""), "{text}");

    let mut tail = directory
        .command(&[
            "tail",
            "--json",
            "-w",
            "acme",
            "--after",
            "0",
            "--url",
            &server.url,
            "--key",
            KEY,
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    directory.write("two.ndjson", "{\"id\":\"ev-2\",\"action\":\"project.delete\"}\n");
    assert_eq!(run(&["import", "two.ndjson", "-w", "acme"]).code, 0);
    let mut lines =
        std::io::BufRead::lines(std::io::BufReader::new(tail.stdout.take().expect("piped")));
    let event = loop {
        let line = lines.next().expect("an event comes").expect("text");
        let event: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        if event["id"] == json!("ev-2") {
            break event;
        }
    };
    assert_eq!(event["action"], json!("project.delete"));
    tail.kill().expect("it still runs");
    tail.wait().expect("it ends");
}

#[test]
fn the_demo_tells_its_stories() {
    let directory = Directory::new();
    let ran = directory.run(&["demo", "--once", "--json", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let told = ran.json();
    let workspaces = told["workspaces"].as_array().expect("workspaces");
    assert_eq!(workspaces.len(), 5);
    assert!(workspaces.iter().all(|one| one["events"].as_u64() > Some(50)), "{told}");
}

#[test]
fn a_server_that_is_asked_to_stop_as_soon_as_it_answers_ends_in_order() {
    let directory = Directory::new();
    for _ in 0..5 {
        let server = Server::start(&directory, &directory.join("data"));
        assert_eq!(server.stop(), Some(0));
    }
}
