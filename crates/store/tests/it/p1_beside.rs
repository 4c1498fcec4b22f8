//! P1, P2: a purge is written beside everything else, and what comes meanwhile is not behind it.
//!
//! The disk stops whoever begins to write a segment, so that a purge is under way as long as a test
//! wants it to be.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use proofbook_store::commit::CommitError;
use proofbook_store::config::{ConfigChange, Hold};
use proofbook_store::disk::sim::{CallKind, Calls, Fault};
use proofbook_store::disk::{Disk, SimDisk};
use proofbook_store::names::{RESERVE, SEGMENT_DIR};
use proofbook_store::open::Options;
use proofbook_testkit::{START_MICROS as START, TestStore};

use crate::gate::{Gate, PATIENCE, Writer, niceness};
use crate::marker;
use crate::p1_purge::{Sent, change, clienwork, is_sound, put, send, seqs, settle};

const DAY: i64 = 86_400_000_000;

/// A store with a purge of one of its events, which stands at the gate.
struct House {
    gate: Gate,
    store: TestStore,
    disk: SimDisk,
    expired: Sent,
    writer: Writer,
}

/// A store with a workspace that keeps its events for thirty days.
fn begin(seed: u64, options: Options) -> (TestStore, SimDisk, Gate) {
    let disk = SimDisk::new(seed);
    let gate = Gate::new(&disk);
    let store = TestStore::start(seed, gate.disk(), options);
    put(&store, "acme", clienwork("free"));
    store.pack();
    (store, disk, gate)
}

/// Options of a store whose purges do not wait.
fn at_once(compact_fan_in: usize) -> Options {
    Options { purge_within_micros: 0, compact_fan_in, ..TestStore::options() }
}

/// Packs a segment with an event that is about to expire and one that is not.
fn pack_one_of_age(store: &TestStore, age: i64) -> Sent {
    let sent = send(store, "acme", age, "note.create");
    send(store, "acme", age - 20 * DAY, "note.create");
    store.pack();
    sent
}

/// Lets days pass, and waits until a purge stands at the gate.
fn purge_at(gate: &Gate, store: &TestStore, days: u64) -> Writer {
    gate.close();
    store.clock.advance(days * DAY as u64);
    store.store.tend_soon();
    gate.wait()
}

fn until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it does not come to be so");
        thread::sleep(Duration::from_millis(1));
    }
}

impl House {
    fn begin(seed: u64) -> Self {
        let (store, disk, gate) = begin(seed, at_once(16));
        let expired = pack_one_of_age(&store, 29 * DAY);
        let writer = purge_at(&gate, &store, 2);
        Self { gate, store, disk, expired, writer }
    }

    fn files(&self) -> Vec<String> {
        self.disk.list(SEGMENT_DIR).unwrap()
    }

    fn is_in_a_file(&self) -> bool {
        !marker::files_with(&self.disk, &self.expired.marker).is_empty()
    }
}

#[test]
fn p1_packs_are_not_behind_a_purge() {
    let house = House::begin(51);
    for age in 0..3 {
        send(&house.store, "acme", age, "note.create");
        house.store.pack();
    }
    assert_eq!(seqs(&house.store, "acme"), [0, 1, 2, 3, 4]);
    house.gate.open();
    settle(&house.store);
    // What went, and the event that says so.
    assert_eq!(seqs(&house.store, "acme"), [1, 2, 3, 4, 5]);
    assert!(!house.is_in_a_file());
    house.store.store.stop();
    assert_eq!(is_sound(&house.disk).purged_count, 1);
}

/// Who waits for a store to be at rest must not take one for it that is about to purge.
#[test]
fn p1_a_store_is_not_settled_while_a_purge_is_written() {
    // A segment is looked at again after two days and what is old is settled behind them, so that at
    // this moment there is nothing to be settled but the purge.
    let options = Options { purge_within_micros: 14 * DAY, ..at_once(16) };
    let (store, disk, gate) = begin(57, options);
    let expired = send(&store, "acme", 29 * DAY, "note.create");
    store.pack();
    let is_settled = || store.store.counters().unsettled.load(Ordering::Relaxed) == 0;
    assert!(is_settled());
    purge_at(&gate, &store, 2);
    for age in 0..3 {
        assert!(!is_settled());
        send(&store, "acme", age, "note.create");
        store.pack();
    }
    assert!(!is_settled());
    gate.open();
    until(is_settled);
    // The log's old file goes with the commit thread's next turn.
    until(|| marker::files_with(&disk, &expired.marker).is_empty());
}

#[test]
fn a_purge_gives_way_and_nothing_else_does() {
    let house = House::begin(52);
    let own = niceness();
    let lower = if cfg!(target_os = "linux") { own.max(5) } else { own };
    let thread = |name: &str, niceness| Writer { thread: name.to_owned(), niceness };
    assert_eq!(house.writer, thread("purge", lower));
    house.gate.open();
    settle(&house.store);
    assert!(house.gate.writers().contains(&thread("background", own)));
}

#[test]
fn p1_a_stop_does_not_wait_for_a_purge_and_the_next_start_purges() {
    let House { gate, store, disk, expired, .. } = House::begin(53);
    let before = disk.list(SEGMENT_DIR).unwrap();
    let stopping = thread::spawn({
        let store = store.store.clone();
        move || store.stop()
    });
    // Its commit thread ends once the others are told to stop.
    until(|| store.store.publish_heads(Vec::new()) == Err(CommitError::Stopped));
    gate.open();
    stopping.join().unwrap();
    // It was given up at its first row: one that had ended would have left its files.
    assert_eq!(disk.list(SEGMENT_DIR).unwrap(), before);
    let store = store.restart();
    assert_eq!(seqs(&store, "acme"), [0, 1]);
    settle(&store);
    assert_eq!(seqs(&store, "acme"), [1, 2]);
    assert!(marker::files_with(&disk, &expired.marker).is_empty());
    store.store.stop();
    is_sound(&disk);
}

#[test]
fn p2_a_hold_placed_while_a_purge_is_written_wins() {
    let house = House::begin(54);
    let hold = Hold {
        id: "h".to_owned(),
        workspace: "acme".to_owned(),
        filter: String::new(),
        reason: "case 7".to_owned(),
        owner: "Legal".to_owned(),
        placed_at: START,
    };
    change(&house.store, ConfigChange::PutHold { hold });
    house.gate.open();
    settle(&house.store);
    assert_eq!(seqs(&house.store, "acme"), [0, 1], "and no event tells of a purge");
    assert!(house.is_in_a_file());
    let lifted = ConfigChange::LiftHold { id: "h".to_owned(), workspace: "acme".to_owned() };
    change(&house.store, lifted);
    settle(&house.store);
    assert_eq!(seqs(&house.store, "acme"), [1, 2]);
    assert!(!house.is_in_a_file());
    // What was written and not taken is gone, too.
    assert_eq!(house.files().len(), 2 * house.store.store.view().segments.len());
}

/// As long as there was something to purge, nothing would be merged, or the other way round.
#[test]
fn merges_and_purges_take_turns() {
    let (store, disk, gate) = begin(55, at_once(5));
    let sent = [29, 28, 27].map(|days| pack_one_of_age(&store, days * DAY));
    assert_eq!(purge_at(&gate, &store, 5).thread, "purge");
    // Ten segments press: merging must not wait for a pause in the packs any more.
    for age in 0..6 {
        send(&store, "acme", age, "note.create");
        store.pack();
    }
    gate.open();
    settle(&store);
    let writers = gate.writers().into_iter().map(|writer| writer.thread);
    let beside: Vec<String> = writers.filter(|thread| thread != "background").collect();
    assert_eq!(beside[..3], ["purge", "merge", "purge"], "{beside:?}");
    for sent in &sent {
        assert!(marker::files_with(&disk, &sent.marker).is_empty());
    }
    store.store.stop();
    assert_eq!(is_sound(&disk).purged_count, 3);
}

/// One that fails lets the other go first, and where both fail they would follow on each other for ever.
#[test]
fn what_failed_beside_is_tried_again_and_not_at_once() {
    let (store, disk, gate) = begin(56, at_once(3));
    let expired = pack_one_of_age(&store, 29 * DAY);
    purge_at(&gate, &store, 2);
    // A merge presses as well, with six segments.
    for age in 0..4 {
        send(&store, "acme", age, "note.create");
        store.pack();
    }
    let failures = || store.store.counters().background_failures.load(Ordering::Relaxed);
    disk.inject(Fault::Enospc, Calls::of(CallKind::CreateNew).on(SEGMENT_DIR));
    let begun = Instant::now();
    gate.open();
    // Two fail at each look, and mostly a look comes fifty milliseconds after the one before: at once
    // only with a pack or a snapshot, of which there are few.
    until(|| failures() >= 16);
    assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());
    let threads = gate.writers().into_iter().map(|writer| writer.thread);
    let beside: Vec<String> = threads.filter(|thread| thread != "background").collect();
    assert_eq!(beside[..2], ["purge", "merge"], "{beside:?}");
    assert!(["purge", "merge"].iter().all(|kind| beside[2..].iter().any(|b| b == kind)));
    disk.clear_faults();
    until(|| marker::files_with(&disk, &expired.marker).is_empty());
    store.store.stop();
    is_sound(&disk);
}

/// The purge would have taken the reserve and kept it: what it wrote is decided on behind the pack.
#[test]
fn on_a_full_disk_the_reserve_is_for_the_pack_and_not_for_a_purge() {
    let (store, disk, gate) = begin(58, Options { reserve_bytes: 1 << 20, ..at_once(16) });
    let expired = pack_one_of_age(&store, 29 * DAY);
    purge_at(&gate, &store, 2);
    send(&store, "acme", 0, "note.create");
    let has_reserve = || disk.files().iter().any(|path| path == RESERVE);
    let failures = || store.store.counters().background_failures.load(Ordering::Relaxed);
    disk.set_capacity(Some(0));
    store.store.pack_soon();
    until(|| failures() >= 3);
    assert!(has_reserve());
    gate.open();
    until(|| !has_reserve());
    disk.set_capacity(None);
    store.pack();
    until(|| marker::files_with(&disk, &expired.marker).is_empty());
    until(has_reserve);
    store.store.stop();
    is_sound(&disk);
}
