//! `witness` and `watch` against a real server: growth, a restart of the witness, a rolled back log.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use crate::ledger_world::World;
use crate::support::{Directory, KEY, Server};

/// A running witness.
struct Witness {
    child: Child,
    url: String,
    vkey: String,
}

impl Witness {
    fn start(directory: &Directory, logs: &str) -> Self {
        let arguments = [
            "witness",
            "--name",
            "w.example",
            "--logs",
            logs,
            "--state",
            "w",
            "--listen",
            "127.0.0.1:0",
            "--json",
        ];
        let mut child = directory
            .command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("it says where it is");
        let told: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let text = |key: &str| told[key].as_str().expect("a text").to_owned();
        Self { url: text("url"), vkey: text("vkey"), child }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // Killed, as a machine that loses power would.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn b5_watch_keeps_heads_and_carries_them_to_a_witness() {
    let directory = Directory::new();
    let events = |from: u32, to: u32| -> String {
        (from..to).map(|n| format!("{{\"id\":\"e{n}\",\"action\":\"x.create\"}}\n")).collect()
    };
    directory.write("first.ndjson", events(0, 10));
    directory.write("second.ndjson", events(10, 300));
    let server = Server::start(&directory, &directory.join("data"));
    let import = |file: &str| {
        let ran = directory.run(&[&["import", file, "-w", "acme"], &server.flags()[..]].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
    };
    import("first.ndjson");
    let agent = ureq::agent();
    let keys: String = agent
        .get(format!("{}/v1/workspaces/acme/log/keys", server.url))
        .header("Authorization", format!("Bearer {KEY}"))
        .call()
        .expect("it answers")
        .body_mut()
        .read_to_string()
        .expect("a text");
    let keys: serde_json::Value = serde_json::from_str(&keys).expect("JSON");
    directory.write("vkey", keys["data"][0]["vkey"].as_str().expect("a vkey"));

    let mut witness = Witness::start(&directory, "vkey");
    let vkey = witness.vkey.clone();
    let watch = |url: &str| {
        directory.write("policy", format!("witness w {vkey} {url}\nquorum w\n"));
        let verb =
            ["watch", "-w", "acme", "--vkey", "vkey", "--state", "kept", "--policy", "policy"];
        directory.run(&[&verb, &server.flags()[..]].concat())
    };
    let first = watch(&witness.url);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.out.contains("the first head that is kept"), "{first:?}");
    import("second.ndjson");
    // The server shows a new head some seconds after the last one.
    let mut second = watch(&witness.url);
    for _ in 0..30 {
        if second.out.contains("continues") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_secs(1));
        second = watch(&witness.url);
    }
    assert_eq!(second.code, 0, "{second:?}");
    assert!(second.out.contains("continues the kept head of size"), "{second:?}");
    let kept = std::fs::read_to_string(directory.join("kept/acme.checkpoint")).expect("kept");
    assert_eq!(kept.matches("\u{2014} w.example ").count(), 1, "cosigned: {kept}");

    // A witness that was killed goes on where it was, under its key.
    drop(witness);
    witness = Witness::start(&directory, "vkey");
    assert_eq!(witness.vkey, vkey);
    assert_eq!(watch(&witness.url).code, 0);

    // Without it the quorum is not met, and that is no alarm.
    let url = witness.url.clone();
    drop(witness);
    assert_eq!(watch(&url).code, 4);
    drop(server);

    // The operator puts an old directory back: here, a new one with fewer events.
    let _ = std::fs::remove_dir_all(directory.join("data"));
    let server = Server::start(&directory, &directory.join("data"));
    let ran =
        directory.run(&[&["import", "first.ndjson", "-w", "acme"], &server.flags()[..]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let verb = ["watch", "-w", "acme", "--vkey", "vkey", "--state", "kept"];
    let other = directory.run(&[&verb, &server.flags()[..]].concat());
    assert_eq!(other.code, 1, "another store is another log: {other:?}");
}

/// Answers requests for heads and consistency lines from prepared texts.
fn liar(answers: Vec<(String, String)>) -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4096];
            let count = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..count]).into_owned();
            let answer = answers.iter().find(|(path, _)| head.contains(path.as_str()));
            let (status, body) = match answer {
                Some((_, body)) => ("200 OK", body.as_str()),
                None => ("404 Not Found", "{}"),
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    url
}

#[test]
fn b5_watch_raises_the_alarm_on_a_fork_a_roll_back_and_a_rewritten_log() {
    let directory = Directory::new();
    let honest = World::new(40);
    let mut forked = World::new(40);
    forked.events[3].salt = 9;
    directory.write("vkey", honest.key().verifier().to_string());
    let watch = |state: &str, answers: Vec<(String, String)>| {
        let url = liar(answers);
        directory.run(&[
            "watch", "-w", "acme", "--vkey", "vkey", "--state", state, "--url", &url, "--key", KEY,
        ])
    };
    let head = |world: &World, size: u64| ("/log/checkpoint".to_owned(), world.signed(size));
    let grown = |world: &World| {
        vec![head(world, 40), ("/log/consistency?from=30".to_owned(), world.consistency(30))]
    };
    let rows = [
        ("grown", grown(&honest), 0),
        ("same", vec![head(&honest, 30)], 0),
        ("rolled_back", vec![head(&honest, 29)], 9),
        ("forked", vec![head(&forked, 30)], 9),
        ("rewritten", grown(&forked), 9),
        ("silent", vec![head(&honest, 40)], 7),
    ];
    for (state, answers, code) in rows {
        assert_eq!(watch(state, vec![head(&honest, 30)]).code, 0, "{state}");
        let ran = watch(state, answers);
        assert_eq!(ran.code, code, "{state}: {ran:?}");
        let kept = directory.join(state).join("acme.checkpoint");
        let kept = std::fs::read_to_string(kept).expect("kept");
        let expected = if state == "grown" { honest.signed(40) } else { honest.signed(30) };
        assert_eq!(kept, expected, "{state}");
        if code == 9 {
            let files = std::fs::read_dir(directory.join(state)).expect("there");
            assert_eq!(files.count(), 2, "{state}: the evidence is kept");
        }
    }
}
