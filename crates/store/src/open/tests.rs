use proofbook_event::EventDraft;

use std::sync::atomic::AtomicBool;

use super::*;
use crate::clock::SimClock;
use crate::disk::SimDisk;
use crate::disk::sim::CrashMode;
use crate::pack::PackError;
use crate::random::SimRandom;
use crate::store::Store;

fn machine(disk: &SimDisk) -> Machine {
    Machine {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(SimClock::new(1_800_000_000_000_000)),
        random: Arc::new(SimRandom::new(9)),
    }
}

fn options() -> Options {
    Options { reserve_bytes: 0, ..Options::default() }
}

/// Everything that a recovery gives, in one comparable value.
fn state_of(disk: &SimDisk) -> Vec<(String, u64, String, i64)> {
    state_with(options(), disk)
}

fn state_with(options: Options, disk: &SimDisk) -> Vec<(String, u64, String, i64)> {
    let opened = open(&machine(disk), options).expect("opens");
    let workspaces = &opened.committer.fold().state.workspaces;
    workspaces
        .iter()
        .map(|w| (w.name.to_string(), w.edge.size(), w.edge.root().to_string(), w.recorded_at))
        .collect()
}

#[test]
fn recovering_twice_gives_the_same_state() {
    let disk = SimDisk::new(4);
    let store = Store::start(&machine(&disk), options(), Box::new(|_| {})).expect("starts");
    for n in 0..30 {
        let text = format!(r#"{{"id":"e{n}","action":"x.create"}}"#);
        let draft = EventDraft::parse(text.as_bytes()).expect("valid");
        let workspace = if n % 2 == 0 { "a" } else { "b" };
        let wanted = vec![Ok(crate::prepare::Wanted { workspace, draft })];
        store.commit(store.prepare(false, wanted)).expect("recorded");
    }
    drop(store);
    let first = state_of(&disk);
    assert_eq!(first.iter().map(|w| w.1).sum::<u64>(), 30);
    assert_eq!(state_of(&disk), first);
    assert_eq!(state_of(&disk), first);
}

#[test]
fn a_second_process_on_one_directory_is_refused() {
    let disk = SimDisk::new(5);
    let _first = open(&machine(&disk), options()).expect("opens");
    assert!(matches!(open(&machine(&disk), options()), Err(OpenError::InUse)));
}

#[test]
fn a_directory_with_data_and_no_store_id_is_not_taken_for_a_new_one() {
    let disk = SimDisk::new(6);
    drop(open(&machine(&disk), options()).expect("opens"));
    disk.remove(names::STORE_ID).expect("removed");
    assert!(matches!(open(&machine(&disk), options()), Err(OpenError::StoreId)));
}

/// Seed 2 of the simulation: a segment was packed and then merged into another one while no snapshot
/// had been written in between. Nothing named it any more, so the next start took its files away; but
/// the log still held the record that had made it live, and the start after that could not replay it.
#[test]
fn a_merged_segment_stays_as_long_as_a_replay_opens_it() {
    let disk = SimDisk::new(7);
    let options = Options { compact_fan_in: 2, ..options() };
    let mut opened = open(&machine(&disk), options).expect("opens");
    pack_two_segments(&mut opened);
    let inputs = opened.packer.compaction_due().expect("two segments");
    let proposal = opened.packer.compact(&inputs).expect("merges");
    drop(inputs);
    decide(&mut opened, &proposal);
    assert_eq!(opened.packer.sweep().expect("sweeps"), 0);
    drop((opened, proposal));
    for _ in 0..3 {
        let opened = open(&machine(&disk), options).expect("opens again");
        assert_eq!(opened.published.view().segments.len(), 1);
        assert_eq!(opened.report.unnamed_segments.len(), 2);
    }
}

/// A stop during a merge waited until hundreds of thousands of rows were written.
#[test]
fn a_merge_that_is_told_to_stop_ends_and_leaves_nothing() {
    let disk = SimDisk::new(8);
    let options = Options { compact_fan_in: 2, ..options() };
    let mut opened = open(&machine(&disk), options).expect("opens");
    pack_two_segments(&mut opened);
    let before = disk.files();
    let compaction = |opened: &Opened| {
        opened.packer.compaction(opened.packer.compaction_due().expect("two segments"))
    };
    let stopped = compaction(&opened).run(&AtomicBool::new(true));
    assert!(matches!(stopped, Err(PackError::Segment(SegmentError::Stopped))));
    assert_eq!(disk.files(), before);
    let merged = compaction(&opened).run(&AtomicBool::new(false)).expect("merges");
    assert_eq!(merged.entry.rows, 2);
}

/// Under load merges may wait, but only so many; what is merged at once stays the same, and so does the
/// memory that it takes.
#[test]
fn merging_presses_when_twice_the_fan_in_waits_and_takes_the_oldest_of_them() {
    let options = Options { compact_fan_in: 3, ..options() };
    let mut opened = open(&machine(&SimDisk::new(10)), options).expect("opens");
    for count in 1..8 {
        pack_segments(&mut opened, count - 1..count);
        let due = opened.packer.compaction_due();
        assert_eq!(due.is_some(), count >= 3, "{count} segments");
        assert_eq!(opened.packer.compaction_presses(), count >= 6, "{count} segments");
        let view = opened.published.view();
        let ids = |segments: &[Arc<Segment>]| -> Vec<u64> {
            segments.iter().map(|segment| segment.files().name).collect()
        };
        assert!(due.is_none_or(|inputs| ids(&inputs) == ids(&view.segments[..3])));
    }
}

/// Seed 60 of the model: a snapshot that was asked for came after that of a later pack and took its
/// place as the newest, so that segments it names were kept for ever, with values that were purged.
#[test]
fn a_snapshot_that_comes_late_is_not_the_newest() {
    let mut opened = open(&machine(&SimDisk::new(9)), options()).expect("opens");
    let pack = |opened: &mut Opened, id: &str| {
        commit_event(opened, &format!(r#"{{"id":"{id}","action":"x.create"}}"#));
        opened.committer.freeze_now();
        let job = opened.committer.take_pack_job().expect("something to pack");
        let proposal = opened.packer.pack(&job).expect("packs");
        decide(opened, &proposal);
        opened.packer.snapshot(job, proposal.entry).expect("writes");
    };
    pack(&mut opened, "a");
    opened.committer.settle(false).expect("settles");
    let late = opened.committer.take_snapshot_job().expect("nothing is recent");
    pack(&mut opened, "b");
    let newest = |opened: &Opened| opened.packer.snapshots().last().map(|newest| newest.position);
    let before = newest(&opened);
    opened.packer.snapshot_alone(late).expect("is no harm");
    assert_eq!(newest(&opened), before);
}

/// A pack's snapshot has its workspaces written before the pack, and its root long after: what is
/// cleaned up between them must leave them alone, and the next start must find the same state.
#[test]
fn workspaces_written_ahead_of_a_pack_are_there_for_its_snapshot() {
    let disk = SimDisk::new(11);
    let mut opened = open(&machine(&disk), options()).expect("opens");
    commit_event(&mut opened, r#"{"id":"a","action":"x.create"}"#);
    opened.committer.freeze_now();
    let job = opened.committer.take_pack_job().expect("something to pack");
    let proposal = opened.packer.pack(&job).expect("packs");
    decide(&mut opened, &proposal);
    opened.packer.snapshot(job, proposal.entry).expect("writes");
    opened.committer.settle(false).expect("settles");
    let between = opened.committer.take_snapshot_job().expect("nothing is recent");

    commit_event(&mut opened, r#"{"id":"b","action":"x.create"}"#);
    opened.committer.freeze_now();
    let mut job = opened.committer.take_pack_job().expect("something to pack");
    let through = job.through;
    opened.packer.write_workspaces(&mut job).expect("writes");
    assert!(job.state.workspaces.is_empty(), "nothing is shared with the fold any more");
    opened.packer.snapshot_alone(between).expect("writes and cleans up");
    let proposal = opened.packer.pack(&job).expect("packs");
    decide(&mut opened, &proposal);
    opened.packer.snapshot(job, proposal.entry).expect("writes");
    let kept = opened.packer.snapshots().iter().flat_map(|snapshot| &snapshot.runs);
    let kept: Vec<String> = kept.map(|run| names::snapshot_run(&run.sha256)).collect();
    let runs = disk.list(names::SNAPSHOT_DIR).expect("lists").into_iter();
    let is_named = |name: &String| !name.ends_with(".run") || kept.contains(name);
    assert!(runs.into_iter().all(|name| is_named(&name)), "no run is left that no root names");
    let expected = opened.committer.fold().state.workspaces.clone();
    drop(opened);

    let again = open(&machine(&disk), options()).expect("opens");
    assert_eq!((again.report.snapshot, again.report.snapshots_refused.len()), (through.0, 0));
    assert_eq!(again.committer.fold().state.workspaces, expected);
}

fn pack_two_segments(opened: &mut Opened) {
    pack_segments(opened, 0..2);
}

fn pack_segments(opened: &mut Opened, numbers: std::ops::Range<u32>) {
    for n in numbers {
        commit_event(opened, &format!(r#"{{"id":"e{n}","action":"x.create"}}"#));
        opened.committer.freeze_now();
        let job = opened.committer.take_pack_job().expect("something to pack");
        let proposal = opened.packer.pack(&job).expect("packs");
        decide(opened, &proposal);
    }
}

fn commit_event(opened: &mut Opened, text: &str) {
    let draft = EventDraft::parse(text.as_bytes()).expect("valid");
    let wanted = vec![Ok(crate::prepare::Wanted { workspace: "acme", draft })];
    let now = proofbook_event::Timestamp::from_micros(opened.clock.now_micros());
    let prepared = opened.preparer.prepare(&opened.published, now, false, wanted);
    let batch = crate::commit::Batch {
        records: prepared.records,
        events: prepared.events,
        record_count: prepared.record_count,
        wanted: prepared.wanted,
        hits: prepared.hits,
        sealed: prepared.sealed,
        heads: Vec::new(),
        pack_epoch: prepared.pack_epoch,
        outcome_lists: 1,
        reply: Box::new(|answer| drop(answer.expect("recorded"))),
    };
    opened.committer.commit(vec![batch]).expect("commits");
}

fn decide(opened: &mut Opened, proposal: &crate::pack::Proposal) {
    let batch = crate::commit::Batch {
        records: proposal.record.clone(),
        events: Vec::new(),
        record_count: 1,
        wanted: Vec::new(),
        hits: Vec::new(),
        sealed: Vec::new(),
        heads: Vec::new(),
        pack_epoch: u64::MAX - 1,
        outcome_lists: 0,
        reply: Box::new(|answer| drop(answer.expect("recorded"))),
    };
    opened.committer.commit(vec![batch]).expect("commits");
    opened.packer.accepted(proposal).expect("noted");
}

/// Thirty events, a pack, one more, and then every file of the log gone: the snapshot alone would show
/// thirty and forget an acknowledged one.
#[test]
fn a_log_that_is_gone_behind_a_snapshot_is_noticed() {
    let disk = SimDisk::new(10);
    let store = Store::start(&machine(&disk), options(), Box::new(|_| {})).expect("starts");
    let send = |n: u32| {
        let text = format!(r#"{{"id":"e{n}","action":"x.create"}}"#);
        let draft = EventDraft::parse(text.as_bytes()).expect("valid");
        let wanted = vec![Ok(crate::prepare::Wanted { workspace: "a", draft })];
        store.commit(store.prepare(false, wanted)).expect("recorded");
    };
    (0..30).for_each(send);
    store.pack_soon();
    while disk.list(names::SNAPSHOT_DIR).expect("listed").is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    send(30);
    drop(store);
    for name in disk.list(names::LOG_DIR).expect("listed") {
        disk.remove(&join(names::LOG_DIR, &name)).expect("removed");
    }
    let refused = open(&machine(&disk), options()).map(|_| ());
    assert!(matches!(refused, Err(OpenError::Log(RecoverError::Gone { .. }))), "{refused:?}");
}

/// A store that was started every day and seldom written to kept every day's log file.
#[test]
fn many_starts_with_few_events_do_not_pile_up_log_files() {
    let disk = SimDisk::new(8);
    let options = Options { log: LogOptions { file_bytes: 4096 }, ..options() };
    for day in 0..40 {
        let machine = Machine { random: Arc::new(SimRandom::new(100 + day)), ..machine(&disk) };
        let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts");
        let text = format!(r#"{{"id":"e{day}","action":"x.create"}}"#);
        let draft = EventDraft::parse(text.as_bytes()).expect("valid");
        let wanted = vec![Ok(crate::prepare::Wanted { workspace: "acme", draft })];
        store.commit(store.prepare(false, wanted)).expect("recorded");
        let is_due = disk.list(names::LOG_DIR).expect("lists").len() > limits::LOG_FILES_MAX;
        for _ in 0..500 {
            if !is_due || store.view().generations.iter().all(|g| g.event_count() == 0) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        drop(store);
        let files = disk.list(names::LOG_DIR).expect("lists").len();
        assert!(files <= limits::LOG_FILES_MAX + 3, "day {day}: {files} log files");
    }
    let opened = open(&machine(&disk), options).expect("opens");
    assert_eq!(opened.published.directory.by_name("acme").expect("known").edge.size(), 40);
}

/// With log files so small that copying the disk costs little.
fn small() -> Options {
    Options { log: LogOptions { file_bytes: 16 * 1024 }, ..options() }
}

/// A store whose events `a0…a5` of two workspaces are packed, and behind the pack a new event, one that
/// a packed event already is, and one that only shares its id.
fn store_with_a_tail() -> SimDisk {
    let disk = SimDisk::new(12);
    let mut opened = open(&machine(&disk), small()).expect("opens");
    for n in 0..6 {
        commit_event(&mut opened, &format!(r#"{{"id":"a{n}","action":"x.create"}}"#));
    }
    opened.committer.freeze_now();
    let job = opened.committer.take_pack_job().expect("something to pack");
    let proposal = opened.packer.pack(&job).expect("packs");
    decide(&mut opened, &proposal);
    opened.packer.snapshot(job, proposal.entry).expect("a snapshot");
    commit_event(&mut opened, r#"{"id":"b0","action":"x.create"}"#);
    commit_event(&mut opened, r#"{"id":"a3","action":"x.create"}"#);
    commit_event(&mut opened, r#"{"id":"a4","action":"x.other"}"#);
    opened.committer.mark().expect("marked");
    disk
}

/// Sends events to a store and returns what became of each; `None` where it was rejected.
fn outcomes(disk: &SimDisk, texts: &[&str]) -> Vec<Option<fold::Outcome>> {
    let store = Store::start(&machine(disk), small(), Box::new(|_| {})).expect("starts");
    let wanted = texts.iter().map(|text| {
        let draft = EventDraft::parse(text.as_bytes()).expect("valid");
        Ok(crate::prepare::Wanted { workspace: "acme", draft })
    });
    let receipts = store.commit(store.prepare(false, wanted.collect())).expect("recorded");
    receipts.into_iter().map(|receipt| receipt.ok().map(|receipt| receipt.outcome)).collect()
}

/// I7, I9: the store did not start when one byte of an index was damaged. It starts from any such byte
/// now, folds the log behind the segment to the same state, and takes no known id for a new one.
#[test]
fn a_damaged_byte_of_an_index_keeps_no_store_from_starting() {
    let intact = store_with_a_tail();
    let states = state_with(small(), &intact.after_crash(CrashMode::KeepAll, 0));
    let idx = intact.files().into_iter().find(|file| file.ends_with(".idx")).expect("an index");
    let len = intact.visible_bytes(&idx).expect("there").len() as u64;
    let mut without_index = 0;
    for at in (0..len).step_by(len as usize / 100) {
        let disk = intact.after_crash(CrashMode::KeepAll, at);
        disk.flip_bit(&idx, at, (at % 8) as u8).expect("flips");
        assert_eq!(state_with(small(), &disk), states, "byte {at} of {len}");
        let opened = open(&machine(&disk), small()).expect("opens");
        for damage in &opened.report.damaged_segments {
            assert_eq!(damage.file, idx, "byte {at}");
            without_index += 1;
        }
        let damaged = !opened.report.damaged_segments.is_empty();
        drop(opened);
        let known = r#"{"id":"a5","action":"x.create"}"#;
        let found = outcomes(&disk, &[known, r#"{"id":"c0","action":"x.create"}"#]);
        match found[0] {
            Some(fold::Outcome::Duplicate { seq: 5 }) if !damaged => {}
            None => {}
            other => panic!("byte {at}: a5 became {other:?}"),
        }
        if damaged {
            assert!(matches!(found[1], Some(fold::Outcome::Created { seq: 7, .. })));
        }
    }
    assert!(without_index > 0, "the directory is a part of the index");
    let disk = intact.after_crash(CrashMode::KeepAll, 1);
    disk.remove(&idx).expect("removed");
    assert_eq!(state_with(small(), &disk), states);
}

/// Both files of a segment damaged: which events it holds is not known, so the start names them.
#[test]
fn a_segment_with_both_files_damaged_is_named_by_the_refused_start() {
    let disk = store_with_a_tail();
    for file in disk.files().into_iter().filter(|file| file.starts_with(names::SEGMENT_DIR)) {
        let len = disk.visible_bytes(&file).expect("there").len() as u64;
        disk.flip_bit(&file, len - 40, 1).expect("flips");
    }
    let refused = open(&machine(&disk), small()).map(|_| ());
    assert!(matches!(refused, Err(OpenError::Segment(SegmentError::Damaged(_)))), "{refused:?}");
}
