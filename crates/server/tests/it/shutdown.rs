//! Stopping: what runs is finished, tails end, nothing new is taken.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::{Answer, World};

#[test]
fn a7_open_tails_end_and_do_not_hold_up_the_stop() {
    let mut world = World::start();
    world.record("acme", &json!({"action": "x.y"}));
    let headers = [("authorization", format!("Bearer {}", world.admin))];
    let mut tails: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = world.open("GET", "/v1/workspaces/acme/tail", &headers, b"");
            let mut head = [0; 15];
            stream.read_exact(&mut head).expect("a head");
            stream
        })
        .collect();
    let begun = Instant::now();
    assert!(world.stop(), "everything ended by itself");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for tail in &mut tails {
        let mut rest = String::new();
        tail.read_to_string(&mut rest).expect("the stream ends in order");
        assert!(rest.contains("event: end"), "{rest}");
        assert!(rest.ends_with("0\r\n\r\n"), "the framing ends too: {rest}");
    }
}

#[test]
fn a_request_that_is_being_sent_is_still_answered() {
    let mut world = World::start();
    let body = r#"{"action":"x.y","id":"late"}"#;
    let mut stream = world.connect();
    let head = format!(
        "POST /v1/workspaces/acme/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-length: {}\r\n\r\n",
        world.admin,
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(&body.as_bytes()[..5]).expect("sent");
    std::thread::sleep(Duration::from_millis(200));
    let rest = body.as_bytes()[5..].to_vec();
    let mut feeder = stream.try_clone().expect("a second handle");
    let feeding = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        feeder.write_all(&rest).expect("the server still listens");
    });
    assert!(world.stop());
    feeding.join().expect("fed");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    let answer = Answer::parse(&bytes);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let acme = world.store.directory().by_name("acme").expect("recorded");
    assert_eq!(acme.edge.size(), 1);
}

#[test]
fn what_does_not_end_is_cut_after_the_drain_time() {
    let mut world = World::with(&[("drain_timeout", "300ms"), ("body_idle_timeout", "60s")]);
    let mut stream = world.connect();
    let head = format!(
        "POST /v1/workspaces/acme/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-length: 1000\r\n\r\n",
        world.admin
    );
    stream.write_all(head.as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    assert!(!world.stop(), "something had to be cut");
    assert!(begun.elapsed() < Duration::from_secs(5));
    let mut bytes = Vec::new();
    // Closed or reset: either way it is over.
    let _ = stream.read_to_end(&mut bytes);
    assert!(world.store.directory().by_name("acme").is_none());
}

#[test]
fn after_the_stop_nobody_is_let_in() {
    let mut world = World::start();
    let address = world.address;
    assert!(world.stop());
    assert!(std::net::TcpStream::connect(address).is_err());
}
