//! Server-sent events: whole, in order, resumable.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::world::World;

/// A tail as a browser's EventSource would read it.
struct Follower(BufReader<TcpStream>);

impl Follower {
    fn open(world: &World, query: &str, key: &str, last: Option<u64>) -> Self {
        let mut headers = vec![("authorization", format!("Bearer {key}"))];
        if let Some(last) = last {
            headers.push(("last-event-id", last.to_string()));
        }
        let stream = world.open("GET", &format!("/v1/workspaces/acme/tail{query}"), &headers, b"");
        let mut follower = Self(BufReader::new(stream));
        while follower.line() != ": connected" {}
        follower
    }

    /// Returns the next line of the stream, framing left out.
    fn line(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).expect("the stream goes on") > 0, "it ended");
            let line = line.trim_end().to_owned();
            let is_size = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !is_size {
                return line;
            }
        }
    }

    /// Returns the next event: its id and its data.
    fn event(&mut self) -> (Option<u64>, Value) {
        let mut id = None;
        loop {
            let line = self.line();
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.parse().ok();
            }
            if let Some(text) = line.strip_prefix("data: ") {
                return (id, serde_json::from_str(text).expect("JSON"));
            }
        }
    }
}

fn record(world: &World, n: u64) {
    let action = if n.is_multiple_of(2) { "x.even" } else { "x.odd" };
    world.record("acme", &json!({"action": action, "id": format!("e{n}")}));
}

#[test]
fn a_tail_shows_what_comes_after_it_began() {
    let world = World::start();
    record(&world, 0);
    let mut follower = Follower::open(&world, "", &world.admin, None);
    for n in 1..5 {
        record(&world, n);
        let (id, event) = follower.event();
        assert_eq!((id, event["id"].as_str()), (Some(n), Some(format!("e{n}").as_str())));
        assert_eq!(event, world.get(&format!("/v1/workspaces/acme/events/e{n}")).json());
    }
}

#[test]
fn a_tail_resumes_without_gap_or_repeat() {
    let world = World::start();
    for n in 0..250 {
        record(&world, n);
    }
    let mut seen = Vec::new();
    let mut last = None;
    // Comes back after every few events, as over a bad line.
    while seen.len() < 250 {
        let query = if last.is_none() { "?after=0" } else { "" };
        let mut follower = Follower::open(&world, query, &world.admin, last);
        if last.is_none() {
            seen.push(0);
        }
        for _ in 0..37.min(250 - seen.len()) {
            let (id, _) = follower.event();
            seen.push(id.expect("an id"));
        }
        last = seen.last().copied();
    }
    assert_eq!(seen, (0..250).collect::<Vec<u64>>());
}

#[test]
fn a_filter_lets_through_only_what_it_names() {
    let world = World::start();
    record(&world, 0);
    let mut follower = Follower::open(&world, "?q=action:x.even", &world.admin, Some(0));
    for n in 1..7 {
        record(&world, n);
    }
    let ids: Vec<Option<u64>> = (0..3).map(|_| follower.event().0).collect();
    assert_eq!(ids, [Some(2), Some(4), Some(6)]);
}

#[test]
fn a_tail_ends_when_its_key_is_revoked() {
    let world = World::start();
    record(&world, 0);
    let key = world.key_info(&["read"], &["acme"]);
    let mut follower = Follower::open(&world, "", key["key"].as_str().expect("key"), None);
    let path = format!("/v1/keys/{}", key["id"].as_str().expect("id"));
    assert_eq!(world.send("DELETE", &path, &world.admin, "").status, 200);
    record(&world, 1);
    while follower.line() != "event: end" {}
    assert!(follower.line().contains("key"));
}

#[test]
fn a_last_event_id_that_is_no_number_is_refused() {
    let world = World::start();
    record(&world, 0);
    let headers =
        [("authorization", format!("Bearer {}", world.admin)), ("last-event-id", "x".to_owned())];
    let answer = world.send_with("GET", "/v1/workspaces/acme/tail", &headers, b"");
    answer.problem(400, "invalid_parameter");
    world.get("/v1/workspaces/none/tail").problem(404, "not_found");
}
