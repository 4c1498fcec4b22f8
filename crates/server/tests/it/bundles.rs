//! B3: bundles over HTTP, checked by the ledger's verifier with the key from elsewhere and one old
//! head, which sees nothing but the files.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Read as _;

use proofbook_event::Timestamp;
use proofbook_ledger::bundle::{BundleFiles, Expectations, Report, Verdict, verify};
use proofbook_ledger::checkpoint::Checkpoint;
use proofbook_ledger::note::VerifierKey;
use proofbook_store::open::Options;
use serde_json::json;

use crate::world::{NOW, World};

/// The files of an archive.
#[derive(Clone)]
pub(crate) struct Files(pub(crate) BTreeMap<String, Vec<u8>>);

impl BundleFiles for Files {
    type Error = Infallible;

    fn read(&mut self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(path).filter(|bytes| bytes.len() <= bytes_max).cloned())
    }

    fn list(&mut self) -> Result<Vec<String>, Infallible> {
        Ok(self.0.keys().cloned().collect())
    }
}

fn unpack(archive: &[u8]) -> Files {
    let plain = zstd::stream::decode_all(archive).expect("zstd");
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(&plain[..]).entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_str().expect("UTF-8").to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("its bytes");
        assert!(files.insert(path, bytes).is_none(), "a file twice");
    }
    Files(files)
}

/// 600 events, an old head after 200 of them, and the key.
fn filled() -> (World, VerifierKey, Checkpoint) {
    let world = World::start();
    let send = |from: usize, to: usize| {
        let events: Vec<_> = (from..to)
            .map(|n| {
                json!({"action": "note.create", "actor": {"type": "user", "id": format!("u{n}")},
                       "context": {"ip": "203.0.113.9"}})
            })
            .collect();
        let answer = world.post("/v1/workspaces/acme/events", &json!(events).to_string());
        assert_eq!(answer.status, 201, "{}", answer.text());
    };
    send(0, 200);
    let (key, old) = key_and_head(&world);
    world.clock.advance(60_000_000);
    send(200, 600);
    (world, key, old)
}

/// The key of the log of `acme`, from elsewhere, and its newest head.
pub(crate) fn key_and_head(world: &World) -> (VerifierKey, Checkpoint) {
    let keys = world.get("/v1/workspaces/acme/log/keys").json();
    let key: VerifierKey =
        keys["data"][0]["vkey"].as_str().expect("a vkey").parse().expect("a vkey");
    let note = world.get("/v1/workspaces/acme/log/checkpoint");
    let old = Checkpoint::open(&note.body, &key).expect("it verifies");
    (key, old)
}

pub(crate) fn bundle(world: &World, query: &str) -> Files {
    let answer = world.get(&format!("/v1/workspaces/acme/log/bundle{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    unpack(&answer.body)
}

pub(crate) fn report(files: &Files, key: &VerifierKey, old: &Checkpoint) -> Report {
    let expectations = Expectations {
        keys: std::slice::from_ref(key),
        since: std::slice::from_ref(old),
        policy: None,
        max_age_micros: None,
        now: Timestamp::from_micros(NOW + 3_600_000_000),
    };
    let Ok(report) = verify(&mut files.clone(), &expectations);
    report
}

#[test]
fn b3_a_bundle_of_everything_verifies_against_an_old_head() {
    let (world, key, old) = filled();
    let files = bundle(&world, "");
    let report = report(&files, &key, &old);
    assert_eq!(report.verdict(), Verdict::Ok, "{report:#?}");
    assert!(files.0.contains_key("VERIFY.md") && files.0.contains_key("tile/1/000.p/2"));
    let lines: usize = files
        .0
        .iter()
        .filter(|(path, _)| path.starts_with("openings/"))
        .map(|(_, bytes)| bytes.iter().filter(|byte| **byte == b'\n').count())
        .sum();
    assert_eq!(lines, 600);
    // The world knows nothing of this head, so the signer's memory does.
    let event = world.get("/v1/workspaces/acme/events?q=action:audit_log.exported").json();
    assert_eq!(event["data"][0]["metadata"]["count"], 600, "{event}");
}

#[test]
fn b3_ranges_of_numbers_and_of_time_are_proved_whole() {
    let (world, key, old) = filled();
    let report_of = |files: &Files| report(files, &key, &old);
    let window = bundle(&world, "?recorded_from=2026-11-22T09:30:30Z");
    assert_eq!(report_of(&window).verdict(), Verdict::Ok, "{:#?}", report_of(&window));
    let manifest: serde_json::Value =
        serde_json::from_slice(&window.0["bundle.json"]).expect("JSON");
    assert_eq!((&manifest["from"], &manifest["to"]), (&json!(200), &json!(600)));
    let numbers = bundle(&world, "?from_seq=250&to_seq=300");
    assert_eq!(report_of(&numbers).verdict(), Verdict::Ok, "{:#?}", report_of(&numbers));
    // A leaf that is left out is noticed.
    let mut cut = numbers;
    let openings = cut.0.get_mut("openings/001.ndjson").expect("openings");
    let end = openings.iter().position(|byte| *byte == b'\n').expect("a line");
    openings.drain(..=end);
    assert_ne!(report_of(&cut).verdict(), Verdict::Ok);
}

#[test]
fn b3_a_filtered_bundle_proves_inclusion_and_says_no_more() {
    let (world, key, old) = filled();
    let files = bundle(&world, "?q=actor.id:u7%20actor.id:u8");
    let report = report(&files, &key, &old);
    assert_eq!(files.0.keys().filter(|path| path.starts_with("proofs/")).count(), 2);
    assert!(matches!(report.verdict(), Verdict::Ok | Verdict::Incomplete), "{report:#?}");
    let text = String::from_utf8_lossy(&files.0["VERIFY.md"]).to_lowercase();
    assert!(text.contains("does not prove that there are no others"), "{text}");
}

#[test]
fn b3_openings_can_be_withheld_and_the_rest_verifies() {
    let (world, key, old) = filled();
    let files = bundle(&world, "?withhold=context");
    assert!(matches!(report(&files, &key, &old).verdict(), Verdict::Ok | Verdict::Incomplete));
    let all: Vec<u8> = files.0.values().flatten().copied().collect();
    assert!(!all.windows(11).any(|window| window == b"203.0.113.9"));
    let refused = world.get("/v1/workspaces/acme/log/bundle?withhold=face");
    assert!(refused.text().contains("groups are"), "{}", refused.text());
    let empty = world.get("/v1/workspaces/acme/log/bundle?recorded_from=2027-01-01T00:00:00Z");
    assert_eq!(empty.status, 400, "{}", empty.text());
    for both in ["?q=x&from_seq=1", "?from_seq=1&recorded_from=2026-11-22T09:30:30Z"] {
        assert_eq!(world.get(&format!("/v1/workspaces/acme/log/bundle{both}")).status, 400);
    }
}

#[test]
fn b3_after_a_purge_bundles_verify_and_hold_nothing_of_what_went() {
    let options = Options { purge_within_micros: 0, ..Options::default() };
    let world = World::with_options(&[], options);
    let plan = json!({"preset": "clienwork", "plan": "free"});
    world.send("PUT", "/v1/workspaces/acme", &world.admin, &plan.to_string());
    let send = |from: usize, to: usize, at: &str| {
        let events: Vec<_> = (from..to)
            .map(|n| json!({"action": "note.create", "occurred_at": at, "actor": {"type": "user", "id": format!("person-{n:04}")}}))
            .collect();
        let answer = world.post("/v1/workspaces/acme/events", &json!(events).to_string());
        assert_eq!(answer.status, 201, "{}", answer.text());
    };
    send(0, 300, "2026-10-24T00:00:00Z");
    let keys = world.get("/v1/workspaces/acme/log/keys").json();
    let key: VerifierKey =
        keys["data"][0]["vkey"].as_str().expect("a vkey").parse().expect("a vkey");
    let note = world.get("/v1/workspaces/acme/log/checkpoint");
    let old = Checkpoint::open(&note.body, &key).expect("it verifies");
    send(300, 700, "2026-11-22T09:00:00Z");
    world.clock.advance(2 * 86_400 * 1_000_000);
    let started = std::time::Instant::now();
    let uid = world.store.directory().by_name("acme").expect("there").uid;
    while world.store.counters().purged_rows.load(std::sync::atomic::Ordering::Relaxed) < 300 {
        assert!(started.elapsed() < crate::world::PATIENCE, "nothing was purged");
        world.store.pack_soon();
        world.store.tend_soon();
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(world.store.purge_dry_run(uid).expect("readable").expired, 0);
    let report_of = |files: &Files| {
        let expectations = Expectations {
            keys: std::slice::from_ref(&key),
            since: std::slice::from_ref(&old),
            policy: None,
            max_age_micros: None,
            now: Timestamp::from_micros(NOW + 3 * 86_400 * 1_000_000),
        };
        let Ok(report) = verify(&mut files.clone(), &expectations);
        report
    };
    for query in ["", "?from_seq=10&to_seq=400", "?recorded_from=2026-11-22T09:30:00Z"] {
        let files = bundle(&world, query);
        let report = report_of(&files);
        let is_sound = matches!(report.verdict(), Verdict::Ok | Verdict::Incomplete);
        assert!(is_sound, "{query}: {report:#?}");
        let all: Vec<u8> = files.0.values().flatten().copied().collect();
        let text = String::from_utf8_lossy(&all);
        assert!(!text.contains("person-0011") && text.contains("person-0311"), "{query}");
        let manifest: serde_json::Value =
            serde_json::from_slice(&files.0["bundle.json"]).expect("JSON");
        assert_eq!(manifest["purged"][0], json!([0, 300]), "{query}");
    }
    // The proof of an event that went is there as long as somebody has the event.
    assert_eq!(world.get("/v1/workspaces/acme/events/seq/11/proof").status, 200);
}
