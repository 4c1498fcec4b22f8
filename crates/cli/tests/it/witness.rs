//! `witness` and `watch` against a real server: growth, a restart of the witness, a rolled back log; and
//! a server that carries its heads to witnesses itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use proofbook_ledger::SigningKey;

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

/// Fetches a text from the server.
fn get(server: &Server, path: &str) -> String {
    ureq::get(format!("{}{path}", server.url))
        .header("Authorization", format!("Bearer {KEY}"))
        .call()
        .expect("it answers")
        .body_mut()
        .read_to_string()
        .expect("a text")
}

fn vkey_of(server: &Server) -> String {
    let keys = get(server, "/v1/workspaces/acme/log/keys");
    let keys: serde_json::Value = serde_json::from_str(&keys).expect("JSON");
    keys["data"][0]["vkey"].as_str().expect("a vkey").to_owned()
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
    directory.write("vkey", vkey_of(&server));

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
        std::thread::sleep(Duration::from_secs(1));
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
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
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

/// Records events, with the proofs in the answer.
fn send(server: &Server, events: &str) -> String {
    ureq::post(format!("{}/v1/workspaces/acme/events?wait=head", server.url))
        .header("Authorization", format!("Bearer {KEY}"))
        .send(events)
        .expect("it answers")
        .body_mut()
        .read_to_string()
        .expect("a text")
}

/// Exports all of the workspace and returns the exit code of the check.
fn export_and_verify(directory: &Directory, server: &Server, out: &str) -> i32 {
    let export = ["export", "-w", "acme", "--proof", "--out", out];
    let ran = directory.run(&[&export, &server.flags()[..]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    directory.run(&["verify", out, "--vkey", "vkey", "--policy", "policy"]).code
}

/// The cosignatures of one witness in a text.
fn lines_of(text: &str, witness: &str) -> usize {
    text.matches(&format!("\u{2014} {witness} ")).count()
}

#[test]
fn b5_bundles_heads_and_proofs_carry_the_cosignatures_that_a_policy_asks_for() {
    const ONE: &str = "{\"action\":\"x.create\"}";
    let directory = Directory::new();
    let data = directory.join("data");
    let server = Server::start(&directory, &data);
    send(&server, ONE);
    directory.write("vkey", vkey_of(&server));
    server.stop();
    let witness = Witness::start(&directory, "vkey");
    let (vkey, url) = (witness.vkey.clone(), witness.url.clone());
    directory.write("policy", format!("witness w {vkey} {url}\nquorum w\n"));

    let start = || Server::start_with(&directory, &data, &["--witness-policy", "policy"]);
    let server = start();
    assert_eq!(export_and_verify(&directory, &server, "first"), 0);
    let proof = get(&server, "/v1/workspaces/acme/events/seq/0/proof");
    assert_eq!(lines_of(&proof, "w.example"), 1, "{proof}");
    // Grown: from the size that is remembered.
    let receipt = send(&server, &format!("[{ONE},{ONE},{ONE}]"));
    assert_eq!(lines_of(&receipt, "w.example"), 3, "a proof an event: {receipt}");
    assert_eq!(export_and_verify(&directory, &server, "second"), 0);
    let metrics = get(&server, "/metrics");
    let count = |outcome: &str| {
        let name = format!("proofbook_witness_submissions_total{{outcome=\"{outcome}\"}} ");
        let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
        value.unwrap_or_else(|| panic!("{name}: {metrics}")).parse::<u32>().expect("a number")
    };
    assert!((2..=3).contains(&count("cosigned")), "one submission a head: {metrics}");
    assert_eq!(count("refused") + count("unreachable"), 0, "{metrics}");
    server.stop();

    // A new process knows no size and learns it from the witness; a new witness process goes on.
    drop(witness);
    let witness = Witness::start(&directory, "vkey");
    assert_eq!(witness.vkey, vkey);
    directory.write("policy", format!("witness w {vkey} {}\nquorum w\n", witness.url));
    let server = start();
    send(&server, ONE);
    assert_eq!(export_and_verify(&directory, &server, "third"), 0);
    let kept = ["--since", "first/checkpoint", "--since", "second/checkpoint"];
    let verify = [&["verify", "third", "--vkey", "vkey", "--policy", "policy"], &kept[..]].concat();
    assert_eq!(directory.run(&verify).code, 0);

    // Killed: the head is served without its line, and the policy is not met.
    drop(witness);
    let receipt = send(&server, ONE);
    assert!(receipt.contains("tlog-proof") && lines_of(&receipt, "w.example") == 0, "{receipt}");
    assert_eq!(export_and_verify(&directory, &server, "fourth"), 4);
}

#[test]
fn b5_a_witness_that_is_silent_costs_a_reader_seconds_once_and_is_missing() {
    let directory = Directory::new();
    let data = directory.join("data");
    let server = Server::start(&directory, &data);
    send(&server, "{\"action\":\"x.create\"}");
    directory.write("vkey", vkey_of(&server));
    server.stop();
    let witness = Witness::start(&directory, "vkey");
    let vkey = witness.vkey.clone();
    drop(witness);
    // Connections are taken by the system, and nobody reads what comes.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("bound"));
    directory.write("policy", format!("witness w {vkey} {url}\nquorum w\n"));
    let server = Server::start_with(&directory, &data, &["--witness-policy", "policy"]);

    let events = format!("{}/v1/workspaces/acme/events", server.url);
    std::thread::scope(|scope| {
        let began = Instant::now();
        let reader = scope.spawn(|| get(&server, "/v1/workspaces/acme/log/checkpoint"));
        std::thread::sleep(Duration::from_millis(300));
        for _ in 0..20 {
            let sent = ureq::post(&events)
                .header("Authorization", format!("Bearer {KEY}"))
                .send("{\"action\":\"x.create\"}");
            assert_eq!(sent.expect("it answers").status(), 201);
        }
        assert!(!reader.is_finished(), "ingest waits for no witness: {:?}", began.elapsed());
        let note = reader.join().expect("it answers");
        assert_eq!(lines_of(&note, "w.example"), 0);
        let took = began.elapsed();
        assert!(took >= Duration::from_secs(4) && took < Duration::from_secs(10), "{took:?}");
    });
    let began = Instant::now();
    assert_eq!(export_and_verify(&directory, &server, "bundle"), 4);
    assert!(began.elapsed() < Duration::from_secs(4), "left alone: {:?}", began.elapsed());
}

/// Answers whatever is sent with these bytes, and with more for ever when told so.
fn answers(bytes: String, pours: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(bytes.as_bytes());
            while pours && stream.write_all(&[b'x'; 4096]).is_ok() {}
        }
    });
    url
}

#[test]
fn b5_a_lying_witness_adds_nothing() {
    let directory = Directory::new();
    let data = directory.join("data");
    let server = Server::start(&directory, &data);
    send(&server, "{\"action\":\"x.create\"}");
    directory.write("vkey", vkey_of(&server));
    let note = get(&server, "/v1/workspaces/acme/log/checkpoint");
    server.stop();
    let honest = Witness::start(&directory, "vkey");

    let text = &note[..=note.find("\n\n").expect("a note")];
    let key = |name: &str, seed: u8| {
        SigningKey::cosigner_from_seed(name, &[seed; 32]).expect("a witness's key")
    };
    let http =
        |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    // Six digits of base64 hold the key's ID. Its name with another key's signature; its key over another head; what is no line at all.
    let forged = key("a.example", 9).cosign(text, 1_795_000_000);
    let id = |line: &str| line.rsplit(' ').next().expect("a blob").to_owned();
    let own = key("a.example", 1).cosign(text, 1_795_000_000);
    let spliced = format!("\u{2014} a.example {}{}", &id(&own)[..6], &id(&forged)[6..]);
    let stale = key("b.example", 2).cosign(&text.replacen("\n1\n", "\n2\n", 1), 1_795_000_000);
    let liars = [
        ("a", 1, answers(http(&format!("{forged}\n{spliced}\n")), false)),
        ("b", 2, answers(http(&format!("{stale}\n")), false)),
        ("c", 3, answers("HTTP/1.1 200 OK\r\n\r\n\u{2014} c.example ".to_owned(), true)),
        ("d", 4, answers("\u{2014} d.example AAAA\n".to_owned(), false)),
        ("e", 5, answers("HTTP/1.1 409 Conflict\r\n\r\nmany\n".to_owned(), false)),
        ("f", 6, answers("HTTP/1.1 409 Conflict\r\n\r\n99\n".to_owned(), false)),
    ];
    let mut policy = format!("witness w {} {}\n", honest.vkey, honest.url);
    for (name, seed, url) in &liars {
        let vkey = key(&format!("{name}.example"), *seed).verifier().to_string();
        policy.push_str(&format!("witness {name} {vkey} {url}\n"));
    }
    directory.write("policy", format!("{policy}quorum w\n"));
    let server = Server::start_with(&directory, &data, &["--witness-policy", "policy"]);
    let cosigned = get(&server, "/v1/workspaces/acme/log/checkpoint");
    assert_eq!(cosigned.lines().count(), note.lines().count() + 1, "{cosigned}");
    assert!(cosigned.starts_with(&note) && lines_of(&cosigned, "w.example") == 1, "{cosigned}");
    // The honest one suffices where it is asked for, and the liars do not where they are.
    assert_eq!(export_and_verify(&directory, &server, "bundle"), 0);
    directory.write("policy", format!("{policy}group all all w a b c d e f\nquorum all\n"));
    assert_eq!(export_and_verify(&directory, &server, "again"), 4);
}

#[test]
fn b5_a_policy_that_cannot_be_used_keeps_the_server_from_starting() {
    let directory = Directory::new();
    let key = SigningKey::cosigner_from_seed("w.example", &[1; 32]).expect("a key");
    let vkey = key.verifier().to_string();
    let rows = [
        (format!("# ours\nwitness w {vkey}x http://127.0.0.1:1\nquorum w\n"), "line 2"),
        ("quorum\n".to_owned(), "line 1"),
        (format!("witness w {vkey} http://127.0.0.1:1\n"), "quorum"),
        (format!("\n\nwitness  w\t{vkey} ftp://a.example\nquorum w\n"), "line 3"),
        (format!("witness w {vkey} http://a.example/?b\nquorum w\n"), "line 1"),
        (format!("witness w {vkey}\nquorum w\n"), "with an address"),
    ];
    for (policy, told) in rows {
        directory.write("policy", &policy);
        let serve = ["serve", "--listen", "127.0.0.1:0", "--witness-policy", "policy"];
        let ran = directory.run(&serve);
        assert_eq!(ran.code, 2, "{policy} {ran:?}");
        assert!(ran.err.contains(told) && ran.err.contains("witness NAME VKEY"), "{ran:?}");
        assert!(!directory.join("proofbook-data").exists(), "nothing was begun");
    }
    let missing = ["serve", "--listen", "127.0.0.1:0", "--witness-policy", "nowhere"];
    assert_eq!(directory.run(&missing).code, 2);
}
