//! A server under test and a client that sends exactly the bytes it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use proofbook_server::{
    Config, Cosigners, FirstKey, Server, ensure_admin_key, ensure_signing_seed,
};
use proofbook_store::clock::SimClock;
use proofbook_store::disk::SimDisk;
use proofbook_store::log::LogOptions;
use proofbook_store::open::{Machine, Options};
use proofbook_store::random::SimRandom;
use proofbook_store::signing::Signer;
use proofbook_store::store::Store;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// 2026-11-22T09:30:00Z.
pub(crate) const NOW: i64 = 1_795_339_800_000_000;
/// What no test waits longer for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running server with its store.
pub(crate) struct World {
    pub(crate) store: Arc<Store>,
    pub(crate) disk: SimDisk,
    pub(crate) clock: SimClock,
    pub(crate) signer: Arc<Signer>,
    pub(crate) address: SocketAddr,
    /// An admin key of all workspaces.
    pub(crate) admin: String,
    server: Option<Server>,
    runtime: Runtime,
}

impl World {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts with some settings changed.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        Self::with_log_files(settings, Options::default().log)
    }

    /// Starts with some settings and the size of log files changed.
    pub(crate) fn with_log_files(settings: &[(&str, &str)], log: LogOptions) -> Self {
        Self::with_options(settings, Options { log, ..Options::default() })
    }

    /// Starts with some settings and options of the store changed.
    pub(crate) fn with_options(settings: &[(&str, &str)], options: Options) -> Self {
        Self::begin(settings, options, None)
    }

    /// Starts with some settings changed and the witnesses of a policy.
    pub(crate) fn with_witnesses(settings: &[(&str, &str)], policy: &str) -> Self {
        let cosigners = Cosigners::new(policy.as_bytes()).expect("a policy");
        Self::begin(settings, Options::default(), Some(cosigners))
    }

    fn begin(settings: &[(&str, &str)], options: Options, cosigners: Option<Cosigners>) -> Self {
        let disk = SimDisk::new(1);
        let clock = SimClock::new(NOW);
        let machine = Machine {
            disk: Arc::new(disk.clone()),
            clock: Arc::new(clock.clone()),
            random: Arc::new(SimRandom::new(1)),
        };
        let options = Options { reserve_bytes: 0, ..options };
        let store = Store::start(&machine, options, Box::new(|_| {})).expect("the store starts");
        let store = Arc::new(store);
        let random = Arc::new(SimRandom::new(2));
        let admin = match ensure_admin_key(&store, None, &*random).expect("a key") {
            FirstKey::Generated(key) => key.reveal().to_owned(),
            other => panic!("a new store has no key, but {other:?}"),
        };
        let signing = Arc::new(SimDisk::new(3));
        let seed = store.view().config.signing_seed;
        let signer = Signer::open(signing, &*random, store.uid(), seed).expect("a signer");
        let signer = Arc::new(signer);
        ensure_signing_seed(&store, &signer).expect("a signing seed");
        let mut config = Config::default();
        config.set("test", "listen", "127.0.0.1:0").expect("a setting");
        for (name, text) in settings {
            config.set("test", name, text).expect("a setting");
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let server = Server::start(config, store.clone(), signer.clone(), random, cosigners);
        let server = runtime.block_on(server);
        let server = server.expect("it starts");
        let address = server.address();
        Self { store, disk, clock, signer, address, admin, server: Some(server), runtime }
    }

    /// Sends a request and reads the whole answer.
    pub(crate) fn send(&self, method: &str, path: &str, key: &str, body: &str) -> Answer {
        let mut headers = Vec::new();
        if !key.is_empty() {
            headers.push(("authorization", format!("Bearer {key}")));
        }
        self.send_with(method, path, &headers, body.as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &self.admin, "")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &self.admin, body)
    }

    pub(crate) fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> Answer {
        let mut stream = self.open(method, path, headers, body);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the answer arrives");
        Answer::parse(&bytes)
    }

    /// Sends a request and returns the connection, from which the answer can be read.
    pub(crate) fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> TcpStream {
        let mut stream = self.connect();
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("connection: close\r\ncontent-length: {}\r\n\r\n", body.len()));
        stream.write_all(request.as_bytes()).expect("the head is sent");
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(body);
        stream
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Makes a key.
    pub(crate) fn key(&self, scopes: &[&str], workspaces: &[&str]) -> String {
        self.key_info(scopes, workspaces)["key"].as_str().expect("the key").to_owned()
    }

    pub(crate) fn key_info(&self, scopes: &[&str], workspaces: &[&str]) -> Value {
        let body = json!({"name": "test", "scopes": scopes, "workspaces": workspaces});
        let answer = self.post("/v1/keys", &body.to_string());
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    /// Makes a viewer token; `more` are further fields of the request.
    pub(crate) fn token(&self, workspace: &str, role: &str, more: &Value) -> String {
        let answer = self.mint(workspace, role, more);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["token"].as_str().expect("a token").to_owned()
    }

    /// Asks for a viewer token.
    pub(crate) fn mint(&self, workspace: &str, role: &str, more: &Value) -> Answer {
        let mut body = json!({
            "workspace": workspace, "viewer": {"id": "u_7", "name": "Ada Park"}, "role": role,
        });
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        self.post("/v1/viewer-tokens", &body.to_string())
    }

    /// Gives a workspace a preset and a plan.
    pub(crate) fn settle(&self, workspace: &str, preset: &str, plan: Option<&str>) {
        let body = json!({"preset": preset, "plan": plan, "app_url": "https://app.example"});
        let path = format!("/v1/workspaces/{workspace}");
        let answer = self.send("PUT", &path, &self.admin, &body.to_string());
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    }

    /// Returns the newest events of an action, waiting until there are `count`.
    pub(crate) fn events_of(&self, workspace: &str, action: &str, count: usize) -> Vec<Value> {
        let path = format!("/v1/workspaces/{workspace}/events?q=action:{action}&limit=1000");
        for _ in 0..500 {
            let answer = self.get(&path);
            let events = answer.json()["data"].as_array().cloned().unwrap_or_default();
            if events.len() >= count {
                return events;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("there are fewer than {count} events {action}");
    }

    /// Records one event that must be taken.
    pub(crate) fn record(&self, workspace: &str, event: &Value) {
        let path = format!("/v1/workspaces/{workspace}/events");
        let answer = self.post(&path, &event.to_string());
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    /// Returns the link that makes the first operator; once.
    pub(crate) fn setup_link(&self) -> Option<String> {
        self.server.as_ref().expect("it runs").take_setup_link()
    }

    /// Stops the server; returns whether everything ended by itself.
    pub(crate) fn stop(&mut self) -> bool {
        let server = self.server.take().expect("it runs");
        self.runtime.block_on(server.stop())
    }
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body ended as its framing promised.
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(bytes)));
        let head = std::str::from_utf8(&bytes[..end]).expect("an ASCII head");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Self {
            status: status.expect("a status"),
            headers,
            body: bytes[end + 4..].to_vec(),
            is_whole: true,
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            (answer.body, answer.is_whole) = unchunk(&answer.body);
        } else if let Some(length) = answer.header("content-length") {
            answer.is_whole = length.parse() == Ok(answer.body.len());
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// Checks that it is a problem document of a code, and returns it.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let document = self.json();
        assert_eq!(document["code"], code, "{document}");
        assert_eq!(document["status"], status);
        assert_eq!(document["type"], format!("/errors/{code}"));
        assert_eq!(document["request_id"].as_str(), self.header("x-request-id"));
        assert!(!document["detail"].as_str().unwrap_or_default().is_empty());
        document
    }
}

/// Undoes chunked framing; false when it does not end.
fn unchunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") else {
            return (body, false);
        };
        let size = std::str::from_utf8(&bytes[..end]).ok();
        let size = size.and_then(|text| usize::from_str_radix(text, 16).ok()).expect("a size");
        if size == 0 {
            return (body, true);
        }
        let rest = &bytes[end + 2..];
        if rest.len() < size + 2 {
            return (body, false);
        }
        body.extend_from_slice(&rest[..size]);
        bytes = &rest[size + 2..];
    }
}
