use super::*;
use crate::clock::SimClock;
use crate::disk::SimDisk;
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
