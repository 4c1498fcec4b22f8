//! Clients that take their time on purpose.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::{Answer, PATIENCE, World};

/// Reads until the server closes; returns what came and how long it took.
fn read_to_close(stream: &mut std::net::TcpStream) -> (Vec<u8>, Duration) {
    let begun = Instant::now();
    let mut bytes = Vec::new();
    // A reset is a close as well.
    let _ = stream.read_to_end(&mut bytes);
    (bytes, begun.elapsed())
}

#[test]
fn a_head_that_trickles_is_cut_off() {
    let world = World::with(&[("head_timeout", "300ms")]);
    let mut stream = world.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nx-slow: ").expect("sent");
    let begun = Instant::now();
    // One byte at a time, for as long as the server listens.
    while begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(50));
        if stream.write_all(b"a").is_err() {
            break;
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "the server waited for ever");
}

#[test]
fn an_idle_connection_is_closed() {
    let world = World::with(&[("head_timeout", "300ms")]);
    let mut idle = world.connect();
    let (_, took) = read_to_close(&mut idle);
    assert!(took < Duration::from_secs(10), "never sent anything: {took:?}");
    // The same between two requests.
    let mut kept = world.connect();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
    let (bytes, took) = read_to_close(&mut kept);
    assert!(bytes.starts_with(b"HTTP/1.1 200"));
    assert!(took < Duration::from_secs(10), "kept alive: {took:?}");
}

#[test]
fn a_body_that_trickles_is_answered_408_and_nothing_is_recorded() {
    for (whole, pause, step) in [("400ms", "10s", 50), ("10s", "300ms", 5_000)] {
        let world = World::with(&[("body_timeout", whole), ("body_idle_timeout", pause)]);
        let mut stream = world.connect();
        let head = format!(
            "POST /v1/workspaces/acme/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
             connection: close\r\ncontent-length: 100000\r\n\r\n[",
            world.admin
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let mut feeder = stream.try_clone().expect("a second handle");
        let feeding = std::thread::spawn(move || {
            for _ in 0..100 {
                std::thread::sleep(Duration::from_millis(step));
                if feeder.write_all(b" ").is_err() {
                    return;
                }
                if step > 1000 {
                    return;
                }
            }
        });
        let (bytes, took) = read_to_close(&mut stream);
        assert!(took < Duration::from_secs(9), "{took:?}");
        Answer::parse(&bytes).problem(408, "timeout");
        assert!(world.store.directory().by_name("acme").is_none());
        feeding.join().expect("the feeder ends");
    }
}

#[test]
fn a_client_that_takes_nothing_of_its_answer_is_cut_off() {
    let world = World::with(&[("write_timeout", "300ms"), ("export_tasks", "1")]);
    let events: Vec<String> = (0..2000)
        .map(|n| {
            json!({"action": "x.y", "id": format!("e{n}"), "before": "x".repeat(4000)}).to_string()
        })
        .collect();
    for part in events.chunks(500) {
        assert_eq!(
            world.post("/v1/workspaces/acme/events", &format!("[{}]", part.join(","))).status,
            201
        );
    }
    let headers = [("authorization", format!("Bearer {}", world.admin))];
    let path = "/v1/workspaces/acme/export?format=ndjson";
    let lazy = world.open("GET", path, &headers, b"");
    // It holds the only place until it is cut off.
    std::thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    loop {
        let answer = world.get(path);
        if answer.status == 200 {
            assert!(answer.is_whole);
            assert_eq!(answer.text().lines().count(), 2000);
            break;
        }
        answer.problem(503, "overloaded");
        assert!(begun.elapsed() < PATIENCE, "the place never became free");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(lazy);
}
