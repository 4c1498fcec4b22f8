//! `/v1/destinations`: a webhook from its making to its removal, against a receiver on loopback.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use proofbook_store::delivered::{DeadLetter, Progress};
use serde_json::{Value, json};

use crate::world::{PATIENCE, World};

/// One request as a receiver sees it.
struct Got {
    head: String,
    body: Value,
}

/// Listens on loopback and takes everything.
fn receiver() -> (String, Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/in?token=s3cret", listener.local_addr().expect("an address"));
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let sender = sender.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
                loop {
                    let mut head = String::new();
                    while !head.ends_with("\r\n\r\n") {
                        if reader.read_line(&mut head).unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    let lower = head.to_lowercase();
                    let length = lower.split("content-length: ").nth(1).expect("a length");
                    let length = length.split("\r\n").next().expect("a line");
                    let mut body = vec![0; length.parse().expect("a number")];
                    reader.read_exact(&mut body).expect("the body");
                    let body = serde_json::from_slice(&body).expect("JSON");
                    let _ = sender.send(Got { head: lower, body });
                    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("answered");
                }
            });
        }
    });
    (url, receiver)
}

fn next(receiver: &Receiver<Got>) -> Got {
    receiver.recv_timeout(PATIENCE).expect("a message")
}

#[test]
fn p3_a_webhook_is_told_in_order_paused_resumed_replayed_and_removed() {
    let world = World::with(&[("webhook_allow", "127.0.0.1")]);
    let (url, messages) = receiver();
    let draft = json!({"name": "siem", "url": url, "signatures": ["hmac", "ed25519"]});
    let made = world.post("/v1/destinations", &draft.to_string());
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let path = format!("/v1/destinations/{}", made["id"].as_str().expect("an id"));
    assert!(made["secrets"][0].as_str().expect("a secret").starts_with("whsec_"));
    assert_eq!(made["secrets"][1], made["signatures"]["ed25519"][0], "the public key");
    for number in 0..3 {
        world.record("acme", &json!({"id": format!("e-{number}"), "action": "x.y"}));
    }
    for number in 0..3 {
        let got = next(&messages);
        assert_eq!(got.body["data"]["seq"], number);
        assert_eq!(got.body["type"], "audit_log.event");
        assert!(got.head.contains("webhook-signature: v1,"), "{}", got.head);
        assert!(got.head.contains(" v1a,"), "{}", got.head);
        assert!(got.head.starts_with("post /in?token=s3cret "));
    }
    let shown = world.get(&path);
    assert!(
        !shown.text().contains("s3cret") && !shown.text().contains("whsec_"),
        "{}",
        shown.text()
    );
    assert_eq!(shown.json()["status"]["state"], "working");
    let metrics = world.get("/metrics").text();
    let sent = metrics.lines().find(|line| line.starts_with("proofbook_delivery_sent_total{"));
    // The third answer may not be counted yet.
    assert!(sent.is_some_and(|line| line.contains("kind=\"webhook\"")), "{sent:?}");

    assert_eq!(world.post(&format!("{path}/pause"), "").status, 200);
    assert_eq!(world.get(&path).json()["status"]["state"], "paused");
    assert_eq!(world.post(&format!("{path}/resume"), "").status, 200);
    world.record("acme", &json!({"id": "e-3", "action": "x.y"}));
    assert_eq!(next(&messages).body["data"]["seq"], 3);

    let replay = json!({"workspace": "acme", "seq": 2}).to_string();
    assert_eq!(world.post(&format!("{path}/replay"), &replay).status, 200);
    assert_eq!(next(&messages).body["data"]["seq"], 2);
    assert_eq!(next(&messages).body["data"]["seq"], 3);

    let tested = world.post(&format!("{path}/test"), "").json();
    assert_eq!(tested["result"], "taken", "{tested}");
    assert_eq!(next(&messages).body["type"], "audit_log.test");

    let rotated = world.post(&format!("{path}/rotate"), "").json();
    assert_eq!(rotated["signatures"]["hmac"], 2);
    assert_ne!(rotated["secrets"][0], made["secrets"][0]);
    let finished = world.post(&format!("{path}/rotate"), "{\"finish\":true}").json();
    assert_eq!(finished["signatures"]["hmac"], 1);

    assert_eq!(
        world.get(&format!("{path}/dead-letters")).json(),
        json!({"data": [], "dropped": 0})
    );
    assert_eq!(world.send("DELETE", &path, &world.admin, "").status, 204);
    assert_eq!(world.get(&path).status, 404);

    let answer = world.get("/v1/workspaces/_system/events?q=target.type:destination%20action:audit_log.*&sort=seq&limit=100");
    let acts: Vec<String> = answer.json()["data"]
        .as_array()
        .expect("data")
        .iter()
        .map(|event| event["action"].as_str().expect("an action").to_owned())
        .collect();
    // Made, paused, resumed, replayed, rotated twice; then removed.
    assert_eq!(acts.len(), 7, "{acts:?}");
    assert!(acts[..6].iter().all(|action| action == "audit_log.destination_changed"));
    assert_eq!(acts[6], "audit_log.destination_removed");
    assert!(!answer.text().contains("s3cret") && !answer.text().contains("whsec_"));
}

#[test]
fn p3_a_dead_letter_is_sent_again_by_who_asks_and_each_try_is_an_event() {
    let world = World::with(&[("webhook_allow", "127.0.0.1")]);
    let (url, messages) = receiver();
    let draft = json!({"name": "siem", "url": url});
    let made = world.post("/v1/destinations", &draft.to_string()).json();
    let id = made["id"].as_str().expect("an id").to_owned();
    world.record("acme", &json!({"id": "e-0", "action": "x.y"}));
    let first = next(&messages);
    let workspace = world.store.directory().by_name("acme").expect("a workspace").uid;
    let dead =
        DeadLetter { workspace, seq: 0, at: 1, attempts: 8, reason: "answered 400".to_owned() };
    let news = Progress { destination: id.clone(), dead: vec![dead], ..Progress::default() };
    world.store.record_progress(&[news]).expect("recorded");
    let path = format!("/v1/destinations/{id}/dead-letters");
    assert_eq!(world.get(&path).json()["data"][0]["reason"], "answered 400");
    let resend = |seq: u64| {
        let body = json!({"workspace": "acme", "seq": seq});
        world.post(&format!("{path}/resend"), &body.to_string())
    };
    resend(1).problem(404, "not_found");
    let answer = resend(0);
    assert_eq!(answer.json(), json!({"result": "taken", "detail": null}), "{}", answer.text());
    let again = next(&messages);
    assert_eq!(again.body, first.body);
    let id_of = |got: &Got| {
        let line = got.head.lines().find(|line| line.starts_with("webhook-id:"));
        line.map(str::to_owned).expect("an id")
    };
    assert_eq!(id_of(&again), id_of(&first), "the same delivery id");
    let until = std::time::Instant::now() + PATIENCE;
    while world.get(&path).json()["data"] != json!([]) {
        assert!(std::time::Instant::now() < until, "it stays a dead letter");
        thread::sleep(std::time::Duration::from_millis(20));
    }
    let acts = world.events_of("_system", "audit_log.dead_letter_resent", 1);
    assert_eq!(acts[0]["metadata"], json!({"workspace": "acme", "seq": 0}));
    assert_eq!(acts[0]["targets"][0]["name"], "siem");
}

#[test]
fn p7_what_cannot_be_a_webhook_is_refused_by_place() {
    let world = World::start();
    for (draft, pointer) in [
        (json!({"url": "https://a.example/"}), "/name"),
        (json!({"name": "x"}), "/url"),
        (json!({"name": "x", "url": "ftp://a.example/"}), "/url"),
        (json!({"name": "x", "url": "http://a.example/"}), "/url"),
        (json!({"name": "x", "url": "https://u:p@a.example/"}), "/url"),
        (json!({"name": "x", "url": "https://a.example/", "format": "xml"}), "/format"),
        (json!({"name": "x", "url": "https://a.example/", "filter": "actor:("}), "/filter"),
        (json!({"name": "x", "url": "https://a.example/", "workspaces": ["a b"]}), "/workspaces/0"),
        (json!({"name": "x", "url": "https://a.example/", "signatures": ["md5"]}), "/signatures/0"),
        (json!({"name": "x", "url": "https://a.example/", "start": "soon"}), "/start"),
        (json!({"name": "x", "url": "https://a.example/", "kind": "mail"}), "/kind"),
    ] {
        let answer = world.post("/v1/destinations", &draft.to_string());
        assert_eq!(answer.status, 400, "{draft}: {}", answer.text());
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{draft}");
    }
}

#[test]
fn p7_a_target_inside_is_not_called_and_the_failure_is_shown() {
    let world = World::with(&[("webhook_allow", "127.0.0.1:1")]);
    let (url, messages) = receiver();
    let draft = json!({"name": "inside", "url": url});
    let made = world.post("/v1/destinations", &draft.to_string()).json();
    let path = format!("/v1/destinations/{}/test", made["id"].as_str().expect("an id"));
    let tested = world.post(&path, "").json();
    assert_eq!(tested["result"], "failed");
    assert!(tested["detail"].as_str().expect("why").contains("127.0.0.1"), "{tested}");
    assert!(messages.try_recv().is_err());
}
