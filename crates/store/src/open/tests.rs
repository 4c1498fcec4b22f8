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
