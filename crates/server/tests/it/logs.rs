//! What the server's own log says of requests, and what it must never say.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::world::World;

/// Lines that were logged, of every test of this binary.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no test panics here").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_log_names_routes_and_public_ids_and_nothing_that_was_sent() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");

    let world = World::start();
    let key = world.key_info(&["read", "write"], &["canary-workspace"]);
    let secret = key["key"].as_str().expect("key").to_owned();
    let canaries = ["canary-body", "canary-query", "canary-id", "canary-header", "canary-path"];
    let headers = [
        ("authorization", format!("Bearer {secret}")),
        ("x-note", "canary-header".to_owned()),
        ("x-request-id", "line-1".to_owned()),
        ("user-agent", "canary-header".to_owned()),
    ];
    let event = json!({"action": "x.y", "id": "canary-id", "description": "canary-body\u{1b}[31m\n{\"level\":\"fake\"}"});
    let path = "/v1/workspaces/canary-workspace/events";
    world.send_with("POST", path, &headers, event.to_string().as_bytes());
    world.send_with("POST", path, &headers, b"{canary-body");
    world.send_with("GET", &format!("{path}?q=canary-query"), &headers, b"");
    world.send_with("GET", &format!("{path}?q=(canary-query"), &headers, b"");
    world.send_with("GET", &format!("{path}/canary-id"), &headers, b"");
    world.send_with("GET", "/canary-path%0a%1b[31m", &headers, b"");
    world.send_with("GET", "/v1/workspaces/canary-workspace/export?q=canary-query", &headers, b"");
    let minted = world.mint("canary-workspace", "owner", &json!({})).json();
    let token = minted["token"].as_str().expect("a token").to_owned();
    world.send("GET", path, &token, "");
    world.send("GET", "/v1/workspaces/other/events", &token, "");
    let portal = world.send("GET", minted["url"].as_str().expect("a link"), "", "");
    assert_eq!(portal.status, 303, "{}", portal.text());
    let printed = world.send("POST", "/v1/workspaces/canary-workspace/print", &token, "{}").json();
    let ticket = world.send("GET", printed["url"].as_str().expect("a link"), "", "");
    assert_eq!(ticket.status, 200, "{}", ticket.text());
    let embed = minted["embed_url"].as_str().expect("a link").split('#').next().expect("a path");
    assert_eq!(world.send("GET", embed, "", "").header("referrer-policy"), Some("no-referrer"));
    drop(world);

    let text = lines.0.lock().expect("no test panics here").clone();
    let text = String::from_utf8(text).expect("UTF-8");
    for canary in canaries {
        assert!(!text.contains(canary), "{canary} is in the log");
    }
    let half = secret.splitn(3, '_').nth(2).expect("a secret");
    assert!(!text.contains(half), "a key is in the log");
    for sealed in [&token, &minted["url"].as_str().expect("a link")["/portal/".len()..].to_owned()]
    {
        assert!(!text.contains(&sealed[..40]), "a token or link is in the log");
    }
    assert!(!text.contains("ticket="), "a ticket is in the log");
    assert!(!text.contains('\u{1b}'), "an escape is in the log");
    // One request, one line, each a JSON object.
    let mine: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .filter(|line: &Value| line["fields"]["request_id"] == "line-1")
        .collect();
    assert_eq!(mine.len(), 7);
    assert_eq!(mine[0]["fields"]["route"], "/v1/workspaces/{ws}/events");
    assert_eq!(mine[0]["fields"]["key"], key["id"]);
    assert_eq!(mine[5]["fields"]["route"], "-");
}
