use proofbook_event::EventDraft;

use super::*;
use crate::clock::SimClock;
use crate::disk::SimDisk;
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
    let opened = open(&machine(disk), options()).expect("opens");
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
    for n in 0..2 {
        let text = format!(r#"{{"id":"e{n}","action":"x.create"}}"#);
        commit_event(&mut opened, &text);
        opened.committer.freeze_now();
        let job = opened.committer.take_pack_job().expect("something to pack");
        let proposal = opened.packer.pack(&job).expect("packs");
        decide(&mut opened, &proposal);
    }
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

fn commit_event(opened: &mut Opened, text: &str) {
    let draft = EventDraft::parse(text.as_bytes()).expect("valid");
    let wanted = vec![Ok(crate::prepare::Wanted { workspace: "acme", draft })];
    let now = proofbook_event::Timestamp::from_micros(opened.clock.now_micros());
    let prepared = opened.preparer.prepare(&opened.published, now, false, wanted);
    let batch = crate::commit::Batch {
        records: prepared.records,
        record_count: prepared.record_count,
        wanted: prepared.wanted,
        hits: prepared.hits,
        sealed: prepared.sealed,
        pack_epoch: prepared.pack_epoch,
        outcome_lists: 1,
        reply: Box::new(|answer| drop(answer.expect("recorded"))),
    };
    opened.committer.commit(vec![batch]).expect("commits");
}

fn decide(opened: &mut Opened, proposal: &crate::pack::Proposal) {
    let batch = crate::commit::Batch {
        records: proposal.record.clone(),
        record_count: 1,
        wanted: Vec::new(),
        hits: Vec::new(),
        sealed: Vec::new(),
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
