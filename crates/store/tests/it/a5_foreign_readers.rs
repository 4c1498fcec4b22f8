//! A5: a data directory's files open in DuckDB, and what it reads is what was sent.
//!
//! The oracle is the list of events as this test made them; the reader shares no code with ours.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use proofbook_store::disk::RealDisk;
use proofbook_store::fold::Outcome;
use proofbook_store::open::Options;
use proofbook_testkit::{EventBuilder, START_MICROS as START, TestStore};
use serde_json::{Value, json};

use crate::python;

const SECOND: i64 = 1_000_000;
/// Names that a careless reader takes for something else, and how many events each gets in a round.
const WORKSPACES: [(&str, usize); 5] =
    [("acme", 900), ("007", 1), ("null", 7), ("b.co:eu_1-x", 60), ("z", 129)];
const ACTIONS: [&str; 3] = ["project.update", "member.invite", "login"];
const OUTCOMES: [&str; 3] = ["success", "failure", "denied"];
const ACTORS: [&str; 4] = ["Ada Park", "Zoë \"Q\" O'Neil", "山田\n太郎", "a\\b\u{1F600}"];
const ROUNDS: usize = 5;

/// An event as it was sent, in the parts that the foreign reader shows.
struct Sent {
    workspace: &'static str,
    number: usize,
}

impl Sent {
    fn id(&self) -> String {
        format!("{}:{}", self.workspace, self.number)
    }

    /// Later numbers are earlier, in steps of three, so that the order of seq is not that of time.
    fn occurred_at(&self) -> i64 {
        START - (self.number / 3) as i64 * 61 * SECOND + (self.number % 3) as i64
    }

    fn actor(&self) -> &'static str {
        ACTORS[self.number % ACTORS.len()]
    }

    /// Absent, null, empty and filled are four different things.
    fn context(&self) -> Option<Value> {
        [None, Some(Value::Null), Some(json!({})), Some(json!({"ip": "203.0.113.9"}))]
            [self.number / 2 % 4]
            .clone()
    }

    fn json(&self) -> String {
        let event = EventBuilder::new(ACTIONS[self.number % ACTIONS.len()])
            .id(&self.id())
            .occurred_at(self.occurred_at())
            .user("u", self.actor())
            .outcome(OUTCOMES[self.number / 2 % OUTCOMES.len()])
            .meta("n", self.number)
            .meta("most", 9_007_199_254_740_991_u64)
            .meta("half", 0.5);
        match self.context() {
            Some(context) => event.field("context", context).json(),
            None => event.json(),
        }
    }

    /// The row that the reader must print.
    fn row(&self) -> Value {
        let context = self.context().map(|context| match context {
            Value::Null => "NULL",
            _ => "OBJECT",
        });
        json!([
            self.workspace,
            self.number,
            self.id(),
            ACTIONS[self.number % ACTIONS.len()],
            OUTCOMES[self.number / 2 % OUTCOMES.len()],
            self.occurred_at(),
            context,
            self.number,
        ])
    }
}

#[test]
fn duckdb_reads_a_data_directory_by_segments_json() {
    let directory = fresh_directory("a5");
    let sent = fill(&directory);
    plant_orphan(&directory);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/snapshot.md");
    let script = "tests/it/duckdb_counts.py";
    let Some(found) = python::run(script, &[&directory, &page], "duckdb") else { return };
    assert!(found["files"].as_u64().unwrap() > 1, "more than one segment is live");
    check_counts(&found, &sent);
    check_types(&found);
    let rows: Vec<Value> = sent.iter().map(Sent::row).collect();
    let events = found["events"].as_array().unwrap();
    assert_eq!(events.len(), rows.len());
    for (event, row) in events.iter().zip(&rows) {
        assert_eq!(event, row);
    }
    assert_eq!(found["recorded"], json!([START, START + (ROUNDS as i64 - 1) * SECOND]));
    std::fs::remove_dir_all(directory).unwrap();
}

fn check_counts(found: &Value, sent: &[Sent]) {
    let mut names: Vec<&str> = WORKSPACES.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    let count_of = |name: &str| sent.iter().filter(|event| event.workspace == name).count();
    let counts: Vec<Value> = names
        .iter()
        .map(|name| json!([name, count_of(name), count_of(name) - 1, count_of(name), 1]))
        .collect();
    assert_eq!(found["counts"], Value::Array(counts));
    let example: Vec<Value> =
        names.iter().map(|name| json!([name, count_of(name), count_of(name) - 1])).collect();
    assert_eq!(found["example"], Value::Array(example), "the example of docs/spec/snapshot.md");
    let mut actors: Vec<Value> = Vec::new();
    let mut names = ACTORS;
    names.sort_unstable();
    for name in names {
        actors.push(json!([name, sent.iter().filter(|event| event.actor() == name).count()]));
    }
    assert_eq!(found["actors"], Value::Array(actors));
}

/// The columns as DuckDB sees them, and the Parquet types behind them.
fn check_types(found: &Value) {
    let text = "VARCHAR";
    let time = "TIMESTAMP WITH TIME ZONE";
    let expected = [
        ("workspace", text),
        ("workspace_uid", "BLOB"),
        ("seq", "BIGINT"),
        ("occurred_at", time),
        ("recorded_at", time),
        ("action", text),
        ("outcome", text),
        ("run", "UINTEGER"),
        ("k", "USMALLINT"),
        ("flags", "UTINYINT"),
        ("actor", "JSON"),
        ("changes", "JSON"),
        ("context", "JSON"),
        ("description", "JSON"),
        ("id", "JSON"),
        ("metadata", "JSON"),
        ("targets", "JSON"),
        ("withheld", "BLOB"),
        ("ip", text),
        ("request_id", text),
        ("session_id", text),
        ("user_agent", text),
        ("sentence", text),
        ("reason", text),
        ("target_id", text),
        ("target_name", text),
    ];
    let expected: Vec<Value> = expected.iter().map(|(name, kind)| json!([name, kind])).collect();
    assert_eq!(found["types"], Value::Array(expected));
    for column in found["declared"].as_array().unwrap() {
        let name = column[0].as_str().unwrap();
        let declared = column[3].as_str().unwrap_or_default();
        let holds = match name {
            "occurred_at" | "recorded_at" => {
                declared.contains("isAdjustedToUTC=1") && declared.contains("MICROS=MicroSeconds()")
            }
            "workspace" | "action" | "outcome" => declared.contains("StringType"),
            "actor" | "changes" | "context" | "description" | "id" | "metadata" | "targets" => {
                declared.contains("JsonType") && column[2] == "OPTIONAL"
            }
            _ => true,
        };
        assert!(holds, "{column}");
    }
}

/// Leaves a segment that nothing names, as a crash does: a reader that took every file in the
/// directory would count its events twice.
fn plant_orphan(directory: &Path) {
    let segments = directory.join("segments");
    let first = std::fs::read_dir(&segments)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    std::fs::copy(first.unwrap(), segments.join("ffffffffffffffff.parquet")).unwrap();
}

/// Makes a store, sends events in rounds, packs each round and compacts, and stops; returns what was
/// sent in the order of the reader's rows.
fn fill(directory: &Path) -> Vec<Sent> {
    let disk = Arc::new(RealDisk::create(directory).unwrap());
    // Three of the five segments are merged.
    let options = Options { compact_fan_in: 3, ..TestStore::options() };
    let store = TestStore::start(5, disk, options);
    let mut sent: Vec<Sent> = Vec::new();
    for _ in 0..ROUNDS {
        for (workspace, count) in WORKSPACES {
            let before = sent.iter().filter(|event| event.workspace == workspace).count();
            let events: Vec<Sent> =
                (before..before + count).map(|number| Sent { workspace, number }).collect();
            send(&store, workspace, &events);
            sent.extend(events);
        }
        store.pack();
        store.clock.advance(SECOND.unsigned_abs());
    }
    store.store.stop();
    sent.sort_by_key(|event| (event.workspace, event.number));
    sent
}

fn send(store: &TestStore, workspace: &str, events: &[Sent]) {
    let texts: Vec<String> = events.iter().map(Sent::json).collect();
    for (event, receipt) in events.iter().zip(store.send(workspace, &texts)) {
        let outcome = receipt.unwrap().outcome;
        let taken = matches!(outcome, Outcome::Created { seq, .. } if seq == event.number as u64);
        assert!(taken, "{outcome:?}");
    }
}

/// An empty directory of this test's own.
fn fresh_directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if directory.exists() {
        std::fs::remove_dir_all(&directory).unwrap();
    }
    directory
}
