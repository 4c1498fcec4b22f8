//! P1: what retention ended is in no file, and everything else is as it was.
//!
//! The oracle is the list of events as this test sent them, with the leaf hashes of their receipts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proofbook_event::EventDraft;
use proofbook_ledger::Hash;
use proofbook_store::config::{ConfigChange, Hold, WorkspaceSettings};
use proofbook_store::disk::{Disk, SimDisk};
use proofbook_store::fold::Outcome;
use proofbook_store::open::Options;
use proofbook_store::prepare::Wanted;
use proofbook_store::segment::{GroupSet, SegmentError};
use proofbook_store::verify::verify;
use proofbook_testkit::{EventBuilder, START_MICROS as START, TestStore};

use crate::marker;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A store whose purges do not wait, and its disk.
pub(crate) fn begin(seed: u64) -> (TestStore, SimDisk) {
    let disk = SimDisk::new(seed);
    let options = Options { purge_within_micros: 0, compact_fan_in: 4, ..TestStore::options() };
    (TestStore::start(seed, Arc::new(disk.clone()), options), disk)
}

/// Puts a workspace on a preset's plan, or gives it a retention of its own.
pub(crate) fn put(store: &TestStore, name: &str, settings: WorkspaceSettings) {
    change(store, ConfigChange::PutWorkspace { name: name.to_owned(), settings });
}

pub(crate) fn change(store: &TestStore, change: ConfigChange) {
    let event = Wanted { workspace: "_system", draft: EventDraft::internal("audit_log.changed") };
    let prepared = store.store.prepare_change(change, event);
    store.store.commit(prepared).unwrap();
}

pub(crate) fn clienwork(plan: &str) -> WorkspaceSettings {
    WorkspaceSettings {
        preset: Some("clienwork".to_owned()),
        plan: Some(plan.to_owned()),
        ..WorkspaceSettings::default()
    }
}

/// One event that was sent.
pub(crate) struct Sent {
    pub(crate) seq: u64,
    pub(crate) leaf: Hash,
    pub(crate) marker: String,
    pub(crate) occurred_at: i64,
}

/// Sends one event that happened `age` before the start; its metadata holds a value nobody else has.
pub(crate) fn send(store: &TestStore, workspace: &str, age: i64, action: &str) -> Sent {
    let marker = format!("marker-{workspace}-{action}-{age}-of-this-test");
    let occurred_at = START - age;
    let event = EventBuilder::new(action)
        .id(&format!("{workspace}:{action}:{age}"))
        .occurred_at(occurred_at)
        .user(&format!("u{}", age % 3), "Ada Park")
        .meta("marker", marker.clone())
        .json();
    let receipt = store.send(workspace, &[event]).remove(0).unwrap();
    match receipt.outcome {
        Outcome::Created { seq, leaf, .. } => Sent { seq, leaf, marker, occurred_at },
        other => panic!("{other:?}"),
    }
}

/// Waits until nothing is left to be purged and nothing old is left in a file; while the clock does
/// not let anything go, a little.
pub(crate) fn settle(store: &TestStore) {
    let mut quiet = 0;
    for _ in 0..3_000 {
        store.store.tend_soon();
        std::thread::sleep(Duration::from_millis(10));
        let is_due = store.store.directory().all().iter().any(|workspace| {
            let would = store.store.purge_dry_run(workspace.uid).unwrap();
            would.expired > would.held
        });
        let counters = store.store.counters();
        let waits = !store.store.clock().purge_allowed();
        let is_quiet = (!is_due || waits) && counters.unsettled.load(Ordering::Relaxed) == 0;
        quiet = if is_quiet { quiet + 1 } else { 0 };
        if quiet == 20 {
            assert_eq!(counters.background_failures.load(Ordering::Relaxed), 0);
            return;
        }
    }
    panic!("the store does not settle");
}

/// Returns the seqs of a workspace's events that are there, whatever retention says.
pub(crate) fn seqs(store: &TestStore, workspace: &str) -> Vec<u64> {
    let uid = store.store.directory().by_name(workspace).unwrap().uid;
    let view = store.store.view();
    let mut seqs = Vec::new();
    for segment in view.segments.iter() {
        segment
            .for_each_row(GroupSet::NONE, |row| {
                if row.workspace == uid {
                    seqs.push(row.seq);
                }
                Ok::<_, SegmentError>(())
            })
            .unwrap();
    }
    for generation in &view.generations {
        seqs.extend(generation.workspace(uid, view.position).iter().map(|event| event.seq));
    }
    seqs.sort_unstable();
    seqs
}

/// Verifies the directory as `proofbook verify` does.
pub(crate) fn is_sound(disk: &SimDisk) -> proofbook_store::verify::VerifyReport {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let report = verify(&disk, 1).unwrap();
    assert_eq!(report.damage, Vec::<String>::new());
    report
}

#[test]
fn p1_what_retention_ended_is_in_no_file_and_its_leaves_stay() {
    let (store, disk) = begin(11);
    put(&store, "acme", clienwork("free"));
    // One is kept to the microsecond, the next is gone; the order of seqs is not that of time.
    let ages = [-DAY, 3 * DAY, 20 * DAY, 20 * DAY - 1, 20 * DAY + 1, 29 * DAY, DAY];
    let sent: Vec<Sent> =
        ages.iter().map(|age| send(&store, "acme", *age, "project.update")).collect();
    let other = send(&store, "unlimited", 29 * DAY, "project.update");
    store.pack();
    store.clock.advance(10 * DAY as u64);
    assert_eq!(store.store.directory().by_name("acme").unwrap().edge.size(), 7);
    let uid = store.store.directory().by_name("acme").unwrap().uid;
    let would = store.store.purge_dry_run(uid).unwrap();
    assert_eq!((would.expired, would.held, would.sample), (2, 0, vec![5, 4]));
    // Who follows the log passes over the same numbers, before they are purged and afterwards.
    let hidden = || {
        let workspace = store.store.directory().by_name("acme").unwrap();
        let view = store.store.view();
        let rules = store.store.rules_of(&view, &workspace);
        proofbook_store::hidden::hidden(&view, workspace.uid, &rules, 0..u64::MAX).unwrap()
    };
    assert_eq!((hidden().len(), hidden().first()), (1, Some(&(4..6))));
    settle(&store);
    assert_eq!((hidden().len(), hidden().first()), (1, Some(&(4..6))));

    let gone = |sent: &Sent| sent.occurred_at < START - 20 * DAY;
    for sent in &sent {
        let files = marker::files_with(&disk, &sent.marker);
        assert_eq!(files.is_empty(), gone(sent), "{}: {files:?}", sent.marker);
    }
    assert!(!marker::files_with(&disk, &other.marker).is_empty());
    // The two that went left their leaves and one event that says so.
    assert_eq!(seqs(&store, "acme"), [0, 1, 2, 3, 6, 7]);
    let mut leaves = BTreeMap::new();
    for segment in store.store.view().segments.iter() {
        segment
            .for_each_purged(uid, 0..u64::MAX, |seq, leaf| {
                leaves.insert(seq, leaf);
            })
            .unwrap();
    }
    let expected: BTreeMap<u64, Hash> =
        sent.iter().filter(|sent| gone(sent)).map(|sent| (sent.seq, sent.leaf)).collect();
    assert_eq!(leaves, expected);
    let store = store.restart();
    assert_eq!(seqs(&store, "acme"), [0, 1, 2, 3, 6, 7]);
    let report = is_sound(&disk);
    assert_eq!(report.purged_count, 2);
    // The id of a purged event may be used again, for another event.
    let again = send(&store, "acme", 0, "project.update");
    assert_eq!(again.seq, 8);
    store.store.stop();
}

#[test]
fn p1_a_whole_segment_leaves_hashes_and_compaction_keeps_them() {
    let (store, disk) = begin(12);
    put(&store, "acme", clienwork("free"));
    put(&store, "beta", clienwork("enterprise"));
    let mut markers = Vec::new();
    for round in 0..12_i64 {
        for number in 0..5 {
            let age = 29 * DAY - (round * 2 * DAY) - number;
            markers.push((send(&store, "acme", age, "note.create"), age));
        }
        if round % 3 == 0 {
            send(&store, "beta", round, "note.create");
        }
        store.pack();
    }
    store.clock.advance(12 * DAY as u64);
    settle(&store);
    for (sent, age) in &markers {
        let is_gone = *age > 18 * DAY;
        assert_eq!(marker::files_with(&disk, &sent.marker).is_empty(), is_gone, "{age}");
    }
    let report = is_sound(&disk);
    assert_eq!(
        report.purged_count,
        markers.iter().filter(|(_, age)| *age > 18 * DAY).count() as u64
    );
    let store = store.restart();
    store.clock.advance(30 * DAY as u64);
    settle(&store);
    for (sent, age) in &markers {
        let files = marker::files_with(&disk, &sent.marker);
        assert!(files.is_empty(), "{age}: {files:?}, {:?}", store.store.view().segments);
    }
    assert_eq!(is_sound(&disk).purged_count, 60);
}

#[test]
fn p1_upgrading_before_the_purge_keeps_what_is_there() {
    let (store, disk) = begin(13);
    put(&store, "acme", clienwork("free"));
    let sent = send(&store, "acme", 29 * DAY, "note.create");
    store.pack();
    put(&store, "acme", clienwork("basic"));
    store.clock.advance(10 * DAY as u64);
    settle(&store);
    assert!(!marker::files_with(&disk, &sent.marker).is_empty());
    assert_eq!(seqs(&store, "acme"), [0]);
}

#[test]
fn p1_single_actions_have_retention_of_their_own() {
    let (store, disk) = begin(14);
    let mut settings = clienwork("enterprise");
    settings.retention_actions.insert("file.read".to_owned(), "7d".to_owned());
    put(&store, "acme", settings);
    let read = send(&store, "acme", 6 * DAY, "file.read");
    let note = send(&store, "acme", 6 * DAY, "note.create");
    store.pack();
    store.clock.advance(2 * DAY as u64);
    settle(&store);
    assert!(marker::files_with(&disk, &read.marker).is_empty());
    assert!(!marker::files_with(&disk, &note.marker).is_empty());
    is_sound(&disk);
}

#[test]
fn p2_a_hold_keeps_what_retention_ended_until_it_is_lifted() {
    let (store, disk) = begin(15);
    put(&store, "acme", clienwork("free"));
    let held = send(&store, "acme", 29 * DAY + 1, "note.create");
    let free = send(&store, "acme", 29 * DAY, "note.create");
    store.pack();
    let hold = Hold {
        id: "h1".to_owned(),
        workspace: "acme".to_owned(),
        filter: format!("actor.id:u{}", (29 * DAY + 1) % 3),
        reason: "case 7".to_owned(),
        owner: "Legal".to_owned(),
        placed_at: START,
    };
    change(&store, ConfigChange::PutHold { hold });
    store.clock.advance(10 * DAY as u64);
    settle(&store);
    assert!(!marker::files_with(&disk, &held.marker).is_empty());
    assert!(marker::files_with(&disk, &free.marker).is_empty());
    let store = store.restart();
    settle(&store);
    assert!(!marker::files_with(&disk, &held.marker).is_empty());
    let lifted = ConfigChange::LiftHold { id: "h1".to_owned(), workspace: "acme".to_owned() };
    change(&store, lifted);
    settle(&store);
    assert!(marker::files_with(&disk, &held.marker).is_empty());
    is_sound(&disk);
}

#[test]
fn p1_nothing_is_purged_while_the_clock_is_not_trusted() {
    let (store, disk) = begin(16);
    put(&store, "acme", clienwork("free"));
    let sent = send(&store, "acme", 29 * DAY, "note.create");
    store.pack();
    store.clock.jump_wall(400 * DAY);
    store.clock.advance(2 * DAY as u64);
    settle(&store);
    assert!(!marker::files_with(&disk, &sent.marker).is_empty());
}
