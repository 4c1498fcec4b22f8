//! More than there are places for: refused politely, nothing acknowledged lost.

use std::io::Read as _;
use std::sync::atomic::{AtomicU64, Ordering};

use proofbook_store::log::LogOptions;
use serde_json::json;

use crate::world::{Answer, World};

const PATH: &str = "/v1/workspaces/acme/events";

#[test]
fn a7_overload_is_answered_and_every_acknowledged_event_is_there() {
    let world = World::with(&[("ingest_tasks", "1"), ("queue_timeout", "50ms")]);
    let (created, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let event = |n: usize, k: usize| {
        json!({"action": "x.y", "id": format!("{n}-{k}"), "before": "x".repeat(2000)}).to_string()
    };
    std::thread::scope(|scope| {
        for n in 0..12 {
            let (world, created, refused) = (&world, &created, &refused);
            scope.spawn(move || {
                for round in 0..4 {
                    let events: Vec<String> = (0..400).map(|k| event(n, round * 400 + k)).collect();
                    let answer = world.post(PATH, &format!("[{}]", events.join(",")));
                    match answer.status {
                        201 => created.fetch_add(400, Ordering::Relaxed),
                        429 | 503 => {
                            assert!(answer.header("retry-after").is_some());
                            let document = answer.json();
                            assert_eq!(document["code"], "busy", "{document}");
                            refused.fetch_add(1, Ordering::Relaxed)
                        }
                        other => panic!("{other}: {}", answer.text()),
                    };
                }
            });
        }
    });
    let total = world.get(PATH).json()["total"].as_u64().expect("exact");
    assert_eq!(total, created.load(Ordering::Relaxed));
    assert!(refused.load(Ordering::Relaxed) > 0, "the test overloads nothing");
}

#[test]
fn bodies_together_stay_within_their_memory() {
    let world = World::with(&[("queue_timeout", "200ms"), ("body_idle_timeout", "20s")]);
    // Two bodies that declare 16 MiB and send nothing yet: the second finds no memory left for it.
    let headers = [
        ("authorization", format!("Bearer {}", world.admin)),
        ("content-length", (16 * 1024 * 1024).to_string()),
    ];
    let open = || {
        use std::io::Write as _;
        let mut stream = world.connect();
        let mut head = format!("POST {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
        for (name, value) in &headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n[").as_bytes()).expect("sent");
        stream
    };
    let first = open();
    wait_for(|| world.get("/metrics").text().contains("body_memory_bytes 33554432"));
    let mut second = open();
    let mut bytes = Vec::new();
    second.read_to_end(&mut bytes).expect("an answer");
    let answer = Answer::parse(&bytes);
    answer.problem(429, "busy");
    assert_eq!(answer.header("retry-after"), Some("1"));
    // Small requests still find their share beside the large one.
    assert_eq!(world.post(PATH, r#"{"action":"x.y"}"#).status, 201);
    drop(first);
    wait_for(|| world.get("/metrics").text().contains("body_memory_bytes 0"));
}

#[test]
fn one_connection_too_many_is_told_so() {
    let world = World::with(&[("connections", "3")]);
    let held: Vec<_> = (0..3).map(|_| world.connect()).collect();
    // Until they are accepted, which no answer tells.
    std::thread::sleep(std::time::Duration::from_millis(200));
    let mut over = world.connect();
    let mut bytes = Vec::new();
    over.read_to_end(&mut bytes).expect("an answer");
    let answer = Answer::parse(&bytes);
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("overloaded")));
    drop(held);
    wait_for(|| {
        let mut stream = world.open("GET", "/healthz", &[], b"");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).is_ok() && bytes.starts_with(b"HTTP/1.1 200")
    });
}

#[test]
fn tails_have_a_number_of_places() {
    let world = World::with(&[("tails", "2")]);
    world.record("acme", &json!({"action": "x.y"}));
    let headers = [("authorization", format!("Bearer {}", world.admin))];
    let tail = "/v1/workspaces/acme/tail";
    let held: Vec<_> = (0..2)
        .map(|_| {
            let mut stream = world.open("GET", tail, &headers, b"");
            let mut head = [0; 12];
            stream.read_exact(&mut head).expect("a head");
            stream
        })
        .collect();
    let answer = world.get(tail);
    answer.problem(503, "overloaded");
    assert!(answer.header("retry-after").is_some());
    drop(held);
}

#[test]
fn a_query_over_its_budget_says_so_and_answers_nothing_partial() {
    let world = World::with(&[("query_bytes", "1KiB")]);
    let events: Vec<String> = (0..3000)
        .map(|n| json!({"action": "x.y", "metadata": {"word": format!("w{n}")}}).to_string())
        .collect();
    assert_eq!(world.post(PATH, &format!("[{}]", events.join(","))).status, 201);
    let answer = world.get(&format!("{PATH}?q=nothing-of-that-kind"));
    if answer.status == 200 {
        assert!(answer.json()["total"].is_null(), "{}", answer.text());
    } else {
        let document = answer.problem(422, "over_budget");
        assert_eq!(document["errors"][0]["limit"], 1024);
    }
}

#[test]
fn a_full_disk_is_507_and_what_was_acknowledged_stays() {
    // Small files, so that the space reserved for the log is soon used up.
    let world = World::with_log_files(&[], LogOptions { file_bytes: 256 * 1024 });
    world.record("acme", &json!({"action": "x.y", "id": "before"}));
    world.disk.set_capacity(Some(1));
    let mut word = 1_u64;
    let noise: String = (0..20_000)
        .map(|_| {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'a' + (word >> 59) as u8 % 26)
        })
        .collect();
    let big = json!({"action": "x.y", "before": noise}).to_string();
    let mut seen = 0;
    for _ in 0..200 {
        let answer = world.post(PATH, &big);
        seen = answer.status;
        if seen != 201 {
            break;
        }
    }
    assert_eq!(seen, 507, "the disk is full");
    let answer = world.post(PATH, &big);
    answer.problem(507, "no_space");
    assert_eq!(answer.header("retry-after"), Some("30"));
    assert_eq!(world.get("/readyz").status, 503);
    assert_eq!(world.get(&format!("{PATH}/before")).status, 200);
    world.disk.set_capacity(None);
    wait_for(|| world.post(PATH, &big).status == 201);
    assert_eq!(world.get("/readyz").status, 200);
}

/// Waits until something holds.
fn wait_for(mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < crate::world::PATIENCE, "it never came to hold");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_client_that_still_sends_when_it_is_refused_reads_why() {
    let world = World::start();
    let body = vec![b' '; 20 * 1024 * 1024];
    for _ in 0..5 {
        let mut stream =
            world.open("POST", PATH, &[("authorization", "Bearer x".to_owned())], &body);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("no reset before the answer");
        Answer::parse(&bytes).problem(401, "unauthenticated");
    }
}
