//! B5: heads that the server carries to witnesses itself. The witnesses here listen on loopback and count
//! what they are asked; what a real one decides is tested with the binary.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proofbook_ledger::consistency::ConsistencyLines;
use proofbook_ledger::policy::Policy;
use proofbook_ledger::proof::verify_consistency;
use proofbook_ledger::{Checkpoint, Note, SigningKey};
use serde_json::json;

use crate::world::{PATIENCE, World};

/// What a witness does.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// It cosigns what continues the last head.
    Honest,
    /// It answers this status and body.
    Says(u16, &'static str),
    /// It takes connections and answers nothing.
    Silent,
}

struct Witness {
    policy: String,
    /// The first line of each request, such as `old 5`.
    asked: Arc<Mutex<Vec<String>>>,
    manner: Arc<Mutex<Manner>>,
}

impl Witness {
    fn start(manner: Manner) -> Self {
        let key = SigningKey::cosigner_from_seed("w.example", &[3; 32]).expect("a key");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/w/", listener.local_addr().expect("bound"));
        let policy = format!("witness w {} {url}\nquorum w\n", key.verifier());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let manner = Arc::new(Mutex::new(manner));
        let (seen, current) = (asked.clone(), manner.clone());
        std::thread::spawn(move || {
            let mut last: Option<Checkpoint> = None;
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let manner = *current.lock().expect("whole");
                if manner == Manner::Silent {
                    seen.lock().expect("whole").push("silence".to_owned());
                    silent.push(stream);
                    continue;
                }
                let body = read_request(&mut stream);
                let lines = ConsistencyLines::parse(body.as_bytes()).expect("a request");
                seen.lock().expect("whole").push(format!("old {}", lines.old_size));
                let (status, answer) = match manner {
                    Manner::Says(status, body) => (status, body.to_owned()),
                    _ => decide(&key, &lines, &mut last),
                };
                let length = answer.len();
                let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n");
                let _ = stream.write_all(format!("{head}{answer}").as_bytes());
            }
        });
        Self { policy, asked, manner }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("whole").clone()
    }

    fn becomes(&self, manner: Manner) {
        *self.manner.lock().expect("whole") = manner;
    }

    /// Tells whether a note has its cosignature, which holds.
    fn cosigned(&self, note: &str) -> bool {
        let policy = Policy::parse(self.policy.as_bytes()).expect("a policy");
        let note = Note::parse(note.as_bytes()).expect("a note");
        policy.evaluate(&note).expect("no line that does not hold").is_met
    }
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).expect("a request");
        text.push_str(std::str::from_utf8(&buffer[..count]).expect("text"));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("POST /w/add-checkpoint HTTP/1.1\r\n"), "{head}");
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length.and_then(|text| text.parse().ok()) == Some(body.len()) {
            return body.to_owned();
        }
    }
}

fn decide(
    key: &SigningKey,
    lines: &ConsistencyLines,
    last: &mut Option<Checkpoint>,
) -> (u16, String) {
    let text = Note::parse(lines.checkpoint.as_bytes()).expect("a note").text();
    let head = Checkpoint::parse(text).expect("a checkpoint");
    if let Some(last) = last {
        if last.size != lines.old_size {
            return (409, format!("{}\n", last.size));
        }
        verify_consistency(last.size, &last.root, head.size, &head.root, &lines.proof)
            .expect("it continues");
    }
    *last = Some(head);
    (200, format!("{}\n", key.cosign(text, 1_795_339_800)))
}

fn record(world: &World, workspace: &str) {
    world.record(workspace, &json!({"action": "note.create"}));
}

fn checkpoint(world: &World, workspace: &str) -> String {
    let answer = world.get(&format!("/v1/workspaces/{workspace}/log/checkpoint"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

fn count(world: &World, outcome: &str) -> u64 {
    let name = format!("proofbook_witness_submissions_total{{outcome=\"{outcome}\"}} ");
    let metrics = world.get("/metrics").text();
    let value = metrics.lines().find_map(|line| line.strip_prefix(&name).map(str::to_owned));
    value.unwrap_or_else(|| panic!("{name} in {metrics}")).parse().expect("a number")
}

#[test]
fn b5_a_head_is_carried_once_and_the_next_one_from_where_the_last_was() {
    let witness = Witness::start(Manner::Honest);
    let world = World::with_witnesses(&[], &witness.policy);
    (0..5).for_each(|_| record(&world, "acme"));
    assert!(witness.asked().is_empty(), "nobody reads the head yet");
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..8).map(|_| scope.spawn(|| checkpoint(&world, "acme"))).collect();
        for reader in readers {
            assert!(witness.cosigned(&reader.join().expect("it answers")));
        }
    });
    for path in ["keys", "heads", "consistency?from=2", "checkpoint"] {
        assert_eq!(world.get(&format!("/v1/workspaces/acme/log/{path}")).status, 200);
    }
    assert_eq!(witness.asked(), ["old 0"]);
    record(&world, "acme");
    world.clock.advance(11_000_000);
    assert!(witness.cosigned(&checkpoint(&world, "acme")));
    assert_eq!(witness.asked(), ["old 0", "old 5"]);
    assert_eq!(count(&world, "cosigned"), 2);
    // A head that is published anew after a day is cosigned anew, with a newer time.
    world.clock.advance(25 * 3600 * 1_000_000);
    let note = checkpoint(&world, "acme");
    assert!(witness.cosigned(&note));
    assert_eq!(note.matches("\u{2014} w.example ").count(), 1, "one line: {note}");
    assert_eq!(witness.asked(), ["old 0", "old 5", "old 6"]);
}

#[test]
fn b5_a_witness_that_says_the_same_size_again_is_not_asked_for_ever() {
    let witness = Witness::start(Manner::Honest);
    let world = World::with_witnesses(&[], &witness.policy);
    (0..5).for_each(|_| record(&world, "acme"));
    checkpoint(&world, "acme");
    // As one that was put back from a backup, and then does not take what it asked for.
    witness.becomes(Manner::Says(409, "3\n"));
    record(&world, "acme");
    world.clock.advance(11_000_000);
    assert!(!witness.cosigned(&checkpoint(&world, "acme")));
    assert_eq!(witness.asked(), ["old 0", "old 5", "old 3"], "no third time for the same answer");
    assert_eq!(count(&world, "refused"), 1);
}

#[test]
fn b5_a_witness_that_knows_another_history_is_counted_and_not_pressed() {
    for (status, body, outcome) in
        [(409, "99\n", "ahead"), (422, "", "forked"), (404, "", "refused"), (200, "", "invalid")]
    {
        let witness = Witness::start(Manner::Says(status, body));
        let world = World::with_witnesses(&[], &witness.policy);
        record(&world, "acme");
        let note = checkpoint(&world, "acme");
        assert!(!witness.cosigned(&note), "{outcome}");
        assert_eq!(checkpoint(&world, "acme"), note);
        assert_eq!(witness.asked(), ["old 0"], "left alone for a while");
        assert_eq!(count(&world, outcome), 1);
        // What it says of one log is no reason to leave the others alone.
        witness.becomes(Manner::Honest);
        record(&world, "other");
        assert!(witness.cosigned(&checkpoint(&world, "other")), "{outcome}");
    }
}

#[test]
fn b5_a_silent_witness_takes_no_places_and_one_request_waits_once_for_all_its_heads() {
    let witness = Witness::start(Manner::Silent);
    let world = World::with_witnesses(&[("query_tasks", "1")], &witness.policy);
    let names: Vec<String> = (0..9).map(|number| format!("ws{number}")).collect();
    names.iter().for_each(|name| record(&world, name));
    let batch: Vec<_> =
        names.iter().map(|name| json!({"workspace": name, "action": "note.create"})).collect();
    let batch = json!(batch).to_string();
    std::thread::scope(|scope| {
        let began = Instant::now();
        let waits = scope.spawn(|| world.post("/v1/events?wait=head", &batch));
        std::thread::sleep(Duration::from_millis(500));
        assert!(!witness.asked().is_empty());
        let list = Instant::now();
        assert_eq!(world.get("/v1/workspaces/ws0/events").status, 200);
        record(&world, "ws0");
        assert!(list.elapsed() < Duration::from_secs(2), "{:?}", list.elapsed());
        let answer = waits.join().expect("it answers");
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert!(answer.json()["results"][8]["proof"].is_string(), "{}", answer.text());
        let took = began.elapsed();
        assert!(took > Duration::from_secs(4) && took < Duration::from_secs(9), "{took:?}");
    });
    assert!(witness.asked().len() <= 4, "{:?}", witness.asked());
    let began = Instant::now();
    names.iter().for_each(|name| drop(checkpoint(&world, name)));
    assert!(began.elapsed() < Duration::from_secs(3), "left alone: {:?}", began.elapsed());
}

fn until(holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "it never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn b5_readers_without_patience_teach_us_too_that_a_witness_is_silent() {
    let witness = Witness::start(Manner::Silent);
    let world = World::with_witnesses(&[], &witness.policy);
    record(&world, "acme");
    let headers = [("authorization", format!("Bearer {}", world.admin))];
    let reader = world.open("GET", "/v1/workspaces/acme/log/checkpoint", &headers, b"");
    until(|| !witness.asked().is_empty());
    drop(reader);
    until(|| count(&world, "unreachable") == 1);
    let began = Instant::now();
    checkpoint(&world, "acme");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(witness.asked().len(), 1);
}
