//! How the golden files of version 1 were made: one life of a small store, step by step in one
//! thread, with a seed for all randomness. It never replaces a file.

use std::sync::Arc;

use proofbook_event::EventDraft;
use proofbook_store::clock::SimClock;
use proofbook_store::commit::Batch;
use proofbook_store::config::{ConfigChange, Key, Scope, WorkspaceSettings};
use proofbook_store::disk::SimDisk;
use proofbook_store::log::LogOptions;
use proofbook_store::open::{Machine, Opened, Options, open};
use proofbook_store::pack::Proposal;
use proofbook_store::prepare::{Prepared, Wanted};
use proofbook_store::random::SimRandom;
use proofbook_store::{manifest, names};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{LOGS, ROOT, RUN, STATED, hex, state_json, vector};

const START: i64 = 1_795_305_600_000_000;
/// Every group and every other shape that a field can have.
const RICH: &str = r#"{"id":"rich:1","action":"project.update","occurred_at":"2026-11-21T23:59:59.000001Z",
"actor":{"type":"user","id":"u_7","name":"Ada Park","email":"ada@acme.example","roles":["admin"]},
"on_behalf_of":{"type":"user","id":"u_9"},"via":{"channel":"ui"},
"targets":[{"type":"project","id":"42","name":"Website","role":"subject"}],
"outcome":{"result":"failure","code":"E1","reason":"no"},
"before":{"name":"Old","token":"sk_live_4eC39HqLyjWDarjtT1zdp7dc"},"after":{"name":"Neu \u00fc \ud83d\ude00","n":0.1},
"context":{"ip":"203.0.113.9","request_id":"req_1"},"reason":"asked","severity":"warning",
"metadata":{"plan":"pro","most":9007199254740991},"source":{"name":"billing","seq":881}}"#;

/// One process's life of the store.
struct Life {
    opened: Opened,
    clock: SimClock,
}

impl Life {
    fn begin(machine: &Machine, clock: &SimClock) -> Self {
        let options = Options {
            log: LogOptions { file_bytes: 16 * 1024 },
            reserve_bytes: 0,
            compact_fan_in: 2,
            ..Options::default()
        };
        Self { opened: open(machine, options).unwrap(), clock: clock.clone() }
    }

    fn prepare(&self, workspace: &str, may_import: bool, events: &[&str]) -> Batch {
        let wanted = events
            .iter()
            .map(|text| EventDraft::parse(text.as_bytes()).unwrap())
            .map(|draft| Ok(Wanted { workspace, draft }))
            .collect();
        let Opened { preparer, published, clock, .. } = &self.opened;
        let now = proofbook_event::Timestamp::from_micros(clock.now_micros());
        batch(preparer.prepare(published, now, may_import, wanted))
    }

    /// Commits batches as one frame, a second later.
    fn commit(&mut self, group: Vec<Batch>) {
        self.clock.advance(1_000_001);
        self.opened.committer.commit(group).unwrap();
    }

    fn change(&mut self, change: ConfigChange) {
        let draft = EventDraft::internal("audit_log.configured");
        let event = Wanted { workspace: "_system", draft };
        let Opened { preparer, published, clock, .. } = &self.opened;
        let now = proofbook_event::Timestamp::from_micros(clock.now_micros());
        let prepared = preparer.prepare_change(published, now, change, event);
        self.commit(vec![batch(prepared)]);
    }

    fn decide(&mut self, proposal: &Proposal) {
        self.commit(vec![Batch {
            records: proposal.record.clone(),
            events: Vec::new(),
            record_count: 1,
            wanted: Vec::new(),
            hits: Vec::new(),
            sealed: Vec::new(),
            heads: Vec::new(),
            pack_epoch: u64::MAX - 1,
            outcome_lists: 0,
            reply: Box::new(|outcome| assert!(outcome.is_ok())),
        }]);
        self.opened.packer.accepted(proposal).unwrap();
    }

    fn pack(&mut self) {
        self.opened.committer.freeze_now();
        let job = self.opened.committer.take_pack_job().unwrap();
        let proposal = self.opened.packer.pack(&job).unwrap();
        self.decide(&proposal);
        self.opened.packer.snapshot(job, proposal.entry).unwrap();
    }
}

fn batch(prepared: Prepared) -> Batch {
    assert!(prepared.places.iter().all(Result::is_ok), "{:?}", prepared.places);
    Batch {
        records: prepared.records,
        events: prepared.events,
        record_count: prepared.record_count,
        wanted: prepared.wanted,
        hits: prepared.hits,
        sealed: prepared.sealed,
        heads: Vec::new(),
        pack_epoch: prepared.pack_epoch,
        outcome_lists: 1,
        reply: Box::new(|outcome| assert!(outcome.is_ok())),
    }
}

fn key() -> Key {
    Key {
        id: "k1".to_owned(),
        name: "Billing".to_owned(),
        secret_sha256: "ab".repeat(32),
        scopes: vec![Scope::Write, Scope::Import],
        workspaces: vec!["acme".to_owned()],
        created_at: START,
        expires_at: None,
        revoked_at: None,
    }
}

/// The first process: every kind of record, two packs with a snapshot each, a compaction.
fn first_life(life: &mut Life) {
    let plain = [r#"{"id":"a","action":"login"}"#, r#"{"action":"project.create","context":null}"#];
    life.change(ConfigChange::PutKey { key: key() });
    let settings = WorkspaceSettings {
        title: Some("Acme".to_owned()),
        preset: Some("clienwork".to_owned()),
        plan: Some("pro".to_owned()),
        ..WorkspaceSettings::default()
    };
    life.change(ConfigChange::PutWorkspace { name: "acme".to_owned(), settings });
    let text = "name = \"own\"\ntitle = \"Own\"\n".to_owned();
    life.change(ConfigChange::PutCatalog { name: "own".to_owned(), text: text.clone() });
    life.change(ConfigChange::PutCatalog { name: "own".to_owned(), text: text + "# again\n" });
    let group = vec![
        life.prepare("acme", false, &[RICH, plain[0], plain[1]]),
        life.prepare("b.co:eu_1-x", false, &plain),
    ];
    life.commit(group);
    // A duplicate, a conflict, and twice the same in one batch: one event of the four is new.
    let again = r#"{"id":"a","action":"other","context":{}}"#;
    let new = r#"{"id":"b","action":"other","outcome":"denied"}"#;
    let repeated = life.prepare("acme", false, &[plain[0], again, new, new]);
    life.commit(vec![repeated]);
    life.opened.committer.mark().unwrap();
    life.pack();
    let more: Vec<String> = (0..40)
        .map(|n| format!(r#"{{"id":"n{n}","action":"member.invite","metadata":{{"n":{n}}}}}"#))
        .collect();
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let backdated = r#"{"id":"old","action":"login","occurred_at":"2026-11-02T00:00:00Z"}"#;
    let group = vec![life.prepare("acme", false, &more), life.prepare("acme", false, &[backdated])];
    life.commit(group);
    life.pack();
    let inputs = life.opened.packer.compaction_due().unwrap();
    let merged = life.opened.packer.compact(&inputs).unwrap();
    life.decide(&merged);
    let last = life.prepare("late", true, &[backdated]);
    life.commit(vec![last]);
    life.opened.committer.mark().unwrap();
}

/// The second process: what a start after a while leaves, and events under new runs of keys.
fn second_life(life: &mut Life) {
    life.change(ConfigChange::ClockObserved { purge_from: Some(START + 86_400_000_000) });
    life.change(ConfigChange::RevokeKey { id: "k1".to_owned(), at: START + 7_000_000 });
    let events = life.prepare("acme", false, &[r#"{"id":"c","action":"project.create"}"#]);
    life.commit(vec![events]);
}

/// Run it by name and with `--ignored` when a new version of the format gets files of its own.
#[test]
#[ignore = "makes the golden files of a format, once"]
fn write_golden_files() {
    let (disk, clock) = (SimDisk::new(27), SimClock::new(START));
    let machine = Machine {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(clock.clone()),
        random: Arc::new(SimRandom::new(27)),
    };
    let mut life = Life::begin(&machine, &clock);
    first_life(&mut life);
    let newest = life.opened.packer.snapshots().last().unwrap().clone();
    drop(life);
    clock.advance(3_600_000_000);
    let mut life = Life::begin(&machine, &clock);
    second_life(&mut life);

    let logs: Vec<String> =
        disk.files().into_iter().filter(|path| path.starts_with(names::LOG_DIR)).collect();
    assert_eq!(logs.len(), LOGS.len(), "each life fits into one file");
    let mut files = Vec::new();
    for (path, name) in logs.iter().zip(LOGS) {
        let bytes = disk.durable_bytes(path).unwrap();
        files.push(file_json(name, &bytes));
        write(name, &bytes);
    }
    let [run] = newest.runs.as_slice() else { panic!("one run") };
    let root_path = format!("snapshots/{}", names::snapshot_root(newest.position.0));
    let (_, state) = manifest::read(&disk, newest.position.0).unwrap();
    let root = disk.durable_bytes(&root_path).unwrap();
    write(ROOT, &root);
    let run_path = format!("snapshots/{}", names::snapshot_run(&run.sha256));
    write(RUN, &disk.durable_bytes(&run_path).unwrap());
    let stated = json!({
        "files": files,
        "state": state_json(&life.opened.committer.fold().state),
        "snapshot": {
            "root_sha256": hex(&newest.root_hash),
            "previous_root_sha256": hex(&root[8..40]),
            "generation": newest.generation,
            "frame_sha256": hex(&newest.frame_hash),
            "runs": [hex(&run.sha256)],
            "state": state_json(&state),
        },
    });
    write(STATED, format!("{stated:#}\n").as_bytes());
}

/// One file's frames, read off its bytes.
fn file_json(name: &str, bytes: &[u8]) -> Value {
    let number = |at: usize, count: usize| {
        let mut wide = [0; 8];
        wide[..count].copy_from_slice(&bytes[at..at + count]);
        u64::from_le_bytes(wide)
    };
    let mut frames = Vec::new();
    let mut at = 64;
    while bytes[at..].starts_with(b"PBframe1") {
        let stored = number(at + 24, 4);
        frames.push(json!({
            "position": number(at + 8, 8),
            "offset": at,
            "stamp": number(at + 16, 8),
            "stored_bytes": stored,
            "raw_bytes": number(at + 28, 4),
            "records": number(at + 32, 4),
            "durable_before": number(at + 40, 8),
            "hash": hex(&Sha256::digest(&bytes[at..at + 156])),
        }));
        at += 156 + stored as usize;
    }
    json!({
        "file": name,
        "store_id": hex(&bytes[8..24]),
        "first": number(24, 8),
        "previous": hex(&bytes[32..64]),
        "frames": frames,
    })
}

#[expect(clippy::disallowed_methods, reason = "golden files lie in the checkout, not in a store")]
fn write(name: &str, bytes: &[u8]) {
    let path = vector(name);
    assert!(!path.exists(), "{name} is there already; a golden file is written once");
    std::fs::write(path, bytes).unwrap();
}
