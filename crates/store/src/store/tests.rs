use super::*;
use crate::clock::SimClock;
use crate::disk::SimDisk;
use crate::disk::sim::{CallKind, Calls, CrashMode, Fault};
use crate::pack::COMPACT_FAN_IN;
use crate::random::SimRandom;
use proofbook_event::EventDraft;

fn machine(seed: u64) -> Machine {
    Machine {
        disk: Arc::new(SimDisk::new(seed)),
        clock: Arc::new(SimClock::new(1_800_000_000_000_000)),
        random: Arc::new(SimRandom::new(seed)),
    }
}

fn send(store: &Store, workspace: &str, events: &[&str]) -> Vec<Result<Receipt, Rejected>> {
    let wanted = events
        .iter()
        .map(|text| {
            let draft = EventDraft::parse(text.as_bytes()).map_err(Rejected::from)?;
            Ok(Wanted { workspace, draft })
        })
        .collect();
    store.commit(store.prepare(false, wanted)).expect("recorded")
}

#[test]
fn an_acknowledged_event_is_there_after_a_restart() {
    let machine = machine(1);
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts");
    let first =
        send(&store, "acme", &[r#"{"id":"a","action":"x.create"}"#, r#"{"action":"x.read"}"#]);
    let again = send(
        &store,
        "acme",
        &[r#"{"id":"a","action":"x.create"}"#, r#"{"id":"a","action":"x.other"}"#],
    );
    let outcome = |receipt: &Result<Receipt, Rejected>| receipt.as_ref().expect("admitted").outcome;
    assert!(matches!(outcome(&first[0]), Outcome::Created { seq: 0, .. }));
    assert!(matches!(outcome(&first[1]), Outcome::Created { seq: 1, .. }));
    assert_eq!(outcome(&again[0]), Outcome::Duplicate { seq: 0 });
    assert_eq!(outcome(&again[1]), Outcome::Conflict { seq: 0 });
    let root = store.directory().by_name("acme").expect("known").edge.root();
    drop(store);
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts again");
    let workspace = store.directory().by_name("acme").expect("still known");
    assert_eq!((workspace.edge.size(), workspace.edge.root()), (2, root));
    let again = send(&store, "acme", &[r#"{"id":"a","action":"x.create"}"#]);
    assert_eq!(outcome(&again[0]), Outcome::Duplicate { seq: 0 });
}

#[test]
fn packed_events_leave_recent_and_stay_in_the_view() {
    let machine = machine(2);
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts");
    for n in 0..50 {
        send(&store, "acme", &[&format!(r#"{{"id":"e{n}","action":"x.create"}}"#)]);
    }
    store.pack_soon();
    for _ in 0..500 {
        if store.view().segments.len() == 1 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let view = store.view();
    assert_eq!(view.segments.len(), 1);
    let rows: u32 = view.segments.iter().map(|segment| segment.rows()).sum();
    let recent: usize = view.generations.iter().map(|g| g.event_count()).sum();
    assert_eq!(rows as usize + recent, 50);
    drop(view);
    drop(store);
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts again");
    assert_eq!(store.directory().by_name("acme").expect("known").edge.size(), 50);
}

/// Every receipt ever given, against a tree rebuilt by the definition of RFC 6962 after a restart.
#[test]
fn every_receipt_is_in_the_recovered_tree() {
    let machine = machine(8);
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts");
    let mut leaves = Vec::new();
    for n in 0..37 {
        let receipts = send(&store, "acme", &[&format!(r#"{{"id":"{n}","action":"x.create"}}"#)]);
        match receipts[0].as_ref().expect("admitted").outcome {
            Outcome::Created { seq, leaf, .. } => {
                assert_eq!(seq, leaves.len() as u64);
                leaves.push(leaf);
            }
            other => panic!("{other:?}"),
        }
    }
    drop(store);
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts again");
    let edge = &store.directory().by_name("acme").expect("known").edge;
    assert_eq!((edge.size(), edge.root()), (37, root_of(&leaves)));
}

/// RFC 6962 section 2.1, by its recursive definition.
fn root_of(leaves: &[proofbook_ledger::Hash]) -> proofbook_ledger::Hash {
    match leaves {
        [] => proofbook_ledger::EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            proofbook_ledger::node_hash(&root_of(left), &root_of(right))
        }
    }
}

#[test]
fn an_id_that_went_into_a_segment_is_still_known() {
    let machine = machine(11);
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts");
    let rounds = 5;
    for round in 0..rounds {
        send(&store, "acme", &[&format!(r#"{{"id":"r{round}","action":"x.create"}}"#)]);
        store.pack_soon();
        for _ in 0..500 {
            if store.view().segments.len() == round + 1 {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    assert_eq!(store.view().segments.len(), rounds);
    for round in 0..rounds {
        let again = send(&store, "acme", &[&format!(r#"{{"id":"r{round}","action":"x.create"}}"#)]);
        let other = send(&store, "acme", &[&format!(r#"{{"id":"r{round}","action":"x.other"}}"#)]);
        let seq = round as u64;
        assert_eq!(again[0].as_ref().expect("admitted").outcome, Outcome::Duplicate { seq });
        assert_eq!(other[0].as_ref().expect("admitted").outcome, Outcome::Conflict { seq });
    }
}

#[test]
fn as_many_neighbours_as_the_fan_in_become_one_segment_with_every_event_once() {
    let machine = machine(12);
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts");
    let mut packed = 0;
    for round in 0..COMPACT_FAN_IN {
        for n in 0..3 {
            send(&store, "acme", &[&format!(r#"{{"id":"{round}-{n}","action":"x.create"}}"#)]);
        }
        store.pack_soon();
        for _ in 0..500 {
            let rows = store.view().segments.iter().map(|s| s.rows()).sum::<u32>();
            if rows > packed {
                packed = rows;
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    for _ in 0..500 {
        if store.view().segments.len() == 1 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let view = store.view();
    assert_eq!(view.segments.len(), 1);
    let total = COMPACT_FAN_IN as u32 * 3;
    assert_eq!(view.segments[0].rows(), total);
    drop(view);
    // Nothing more comes, and still what was merged goes: a row is not kept twice.
    let files = || machine.disk.list(crate::names::SEGMENT_DIR).expect("lists").len();
    for _ in 0..500 {
        if files() == 2 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(files(), 2, "one segment and its index");
    drop(store);
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts again");
    assert_eq!(store.directory().by_name("acme").expect("known").edge.size(), u64::from(total));
    let disk: Arc<dyn Disk> = machine.disk.clone();
    drop(store);
    let report = crate::verify::verify(&disk, 1).expect("readable");
    assert_eq!((report.damage, report.event_count), (Vec::new(), u64::from(total)));
}

/// Whether the log has a merge's record is not known when its sync fails and kept it all the same. The
/// next start reads that record and opens the merged segment, so its files must not go with the store.
#[test]
fn a_merge_whose_record_may_be_in_the_log_keeps_its_files_for_the_next_start() {
    let options = Options { reserve_bytes: 0, compact_fan_in: 2, ..Options::default() };
    let mut merges_kept = 0;
    // Which of the log's syncs is the merge's depends on how many marks come between.
    for number in (2..9).cycle().take(28) {
        if merges_kept > 0 {
            break;
        }
        let disk = SimDisk::new(40 + number);
        let machine = Machine { disk: Arc::new(disk.clone()), ..machine(40) };
        let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts");
        let wait_until = |is_done: &dyn Fn() -> bool| {
            for _ in 0..200 {
                if is_done() || store.counters().failed.load(Ordering::Relaxed) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        send(&store, "acme", &[r#"{"id":"a","action":"x.create"}"#]);
        store.pack_soon();
        wait_until(&|| store.view().segments.len() == 1);
        let syncs = Calls::of(CallKind::SyncData).on(crate::names::LOG_DIR);
        disk.inject(Fault::EioButDone, syncs.nth(number));
        let draft = EventDraft::parse(br#"{"id":"b","action":"x.create"}"#).expect("valid");
        let wanted = vec![Ok(Wanted { workspace: "acme", draft })];
        // It may be the one whose sync fails.
        let _ = store.commit(store.prepare(false, wanted));
        store.pack_soon();
        let rows =
            || store.view().segments.iter().map(|segment| segment.rows()).collect::<Vec<_>>();
        wait_until(&|| rows() == [2]);
        let was_merged = rows() == [2];
        let has_failed = store.counters().failed.load(Ordering::Relaxed);
        drop(store);

        let machine = Machine { disk: Arc::new(disk.crash(CrashMode::KeepAll)), ..machine };
        let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts again");
        let again: Vec<u32> = store.view().segments.iter().map(|segment| segment.rows()).collect();
        merges_kept += u32::from(has_failed && !was_merged && again == [2]);
        assert_eq!(store.directory().by_name("acme").expect("known").edge.size(), 2);
        drop(store);
        let mut report = crate::verify::verify(&machine.disk, 1).expect("readable");
        // The list for foreign readers is written again at the next pack.
        report.damage.retain(|line| !line.starts_with("segments.json"));
        assert_eq!((report.damage, report.event_count), (Vec::new(), 2));
    }
    assert!(merges_kept > 0, "no failed sync was that of a merge's record");
}

/// Packing is tried until it succeeds; on a disk that stayed full, stopping waited for that for ever.
#[test]
fn a_store_on_a_full_disk_stops_when_it_is_told_to() {
    let disk = SimDisk::new(13);
    let machine = Machine { disk: Arc::new(disk.clone()), ..machine(13) };
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts");
    send(&store, "acme", &[r#"{"id":"a","action":"x.create"}"#]);
    disk.set_capacity(Some(0));
    store.pack_soon();
    while store.counters().background_failures.load(Ordering::Relaxed) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(store);
    // Nothing was packed and nothing lost: the log has it.
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts again");
    assert_eq!(store.directory().by_name("acme").expect("known").edge.size(), 1);
}

/// A server whose last request is answered after everybody else let the store go does this. The commit
/// thread waited for itself, and took the process down.
#[test]
fn a_reply_may_be_the_last_to_let_the_store_go() {
    for seed in 0..20 {
        let machine = machine(30 + seed);
        let options = Options { reserve_bytes: 0, ..Options::default() };
        let store = Arc::new(Store::start(&machine, options, Box::new(|_| {})).expect("starts"));
        let (sender, answers) = mpsc::sync_channel(2);
        for action in ["x.create", "x.read"] {
            let text = format!(r#"{{"action":"{action}"}}"#);
            let draft = EventDraft::parse(text.as_bytes()).expect("valid");
            let prepared = store.prepare(false, vec![Ok(Wanted { workspace: "acme", draft })]);
            let (held, sender) = (store.clone(), sender.clone());
            let reply = move |result: Result<Vec<_>, _>| {
                // Long enough that the other owner is gone, mostly.
                std::thread::sleep(Duration::from_millis(seed % 3));
                drop(held);
                let _ = sender.send(result.map(|receipts| receipts.len()));
            };
            store.submit(prepared, reply).expect("queued");
        }
        drop(store);
        assert_eq!((answers.recv(), answers.recv()), (Ok(Ok(1)), Ok(Ok(1))));
        let again = (0..1_000).find_map(|_| {
            std::thread::sleep(Duration::from_millis(5));
            Store::start(&machine, options, Box::new(|_| {})).ok()
        });
        let again = again.expect("the directory is free once the threads have ended");
        assert_eq!(again.directory().by_name("acme").expect("known").edge.size(), 2);
    }
}

#[test]
fn the_gauge_of_a_full_disk_rises_with_a_refusal_and_falls_with_the_next_receipt() {
    let disk = SimDisk::new(14);
    let machine = Machine { disk: Arc::new(disk.clone()), ..machine(14) };
    let mut options = Options { reserve_bytes: 0, ..Options::default() };
    options.log.file_bytes = 16 * 1024;
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts");
    // The gauge is set right after the answer is given.
    let becomes = |full: bool| {
        (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            store.counters().no_space.load(Ordering::Relaxed) == full
        })
    };
    let commit = || {
        let draft = EventDraft::parse(br#"{"action":"x.create"}"#).expect("valid");
        let event = Ok(Wanted { workspace: "acme", draft });
        store.commit(store.prepare(false, vec![event])).map(drop)
    };
    assert_eq!(commit(), Ok(()));
    disk.set_capacity(Some(0));
    // The open file has its space already; it takes events until it is full.
    while commit().is_ok() {}
    assert_eq!(commit(), Err(CommitError::NoSpace));
    assert!(becomes(true));
    disk.set_capacity(None);
    assert_eq!(commit(), Ok(()));
    assert!(becomes(false));
}
