//! B6: what was erased is in no file, and everything that was proven before stays proven.
//!
//! The oracle is the list of events as this test sent them, with the leaf hashes of their receipts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proofbook_event::Group;
use proofbook_ledger::{Hash, Opening, leaf};
use proofbook_store::config::{ConfigChange, Erasure, Hold};
use proofbook_store::disk::sim::CrashMode;
use proofbook_store::disk::{Disk as _, SimDisk};
use proofbook_store::erase::targets_of;
use proofbook_store::fold::{Outcome, RunSecret};
use proofbook_store::seal::{Sealer, leaf_fields, parts_of_row};
use proofbook_store::segment::{GroupSet, SegmentError};
use proofbook_store::withheld::erased_of;
use proofbook_testkit::{EventBuilder, START_MICROS as START, TestStore};
use sha2::{Digest as _, Sha256};

use crate::marker;
use crate::p1_purge::{begin, change, is_sound};

const ACTOR: &str = "erased.person@acme.example";
const ADDRESS: &str = "203.0.113.77";

/// An event of the person, with a marker that stays and two that must go.
fn event(id: &str) -> EventBuilder {
    EventBuilder::new("project.update")
        .id(id)
        .occurred_at(START - 5)
        .user("u_77", ACTOR)
        .ip(ADDRESS)
        .meta("kept", format!("kept-{id}-of-this-test"))
}

fn send(store: &TestStore, event: &EventBuilder) -> Outcome {
    store.send("acme", &[event.json()]).remove(0).unwrap().outcome
}

fn created(outcome: Outcome) -> (u64, Hash) {
    match outcome {
        Outcome::Created { seq, leaf, .. } => (seq, leaf),
        other => panic!("{other:?}"),
    }
}

fn person() -> GroupSet {
    GroupSet::of([Group::Actor, Group::Context, Group::Description])
}

fn erasure(id: u64, events: &[(u64, GroupSet)]) -> Erasure {
    Erasure {
        id,
        workspace: "acme".to_owned(),
        ground: "GDPR Art. 17(1)(b)".to_owned(),
        requested_by: "key_a".to_owned(),
        requested_at: START,
        needs_second: false,
        approved_by: None,
        begun_at: Some(START),
        within_micros: 0,
        targets: targets_of(events.iter().copied()),
        event_count: events.len() as u64,
        value_count: 0,
        leaves: Vec::new(),
        completed_at: None,
        aside: Vec::new(),
    }
}

fn put(store: &TestStore, erasure: Erasure) {
    change(store, ConfigChange::PutErasure { erasure: Box::new(erasure) });
}

fn is_complete(store: &TestStore, id: u64) -> bool {
    store.store.view().config.erasures[&id].completed_at.is_some()
}

/// Lets the background work until the erasure is complete.
fn complete(store: &TestStore, id: u64) {
    for _ in 0..3_000 {
        if is_complete(store, id) {
            return;
        }
        store.store.tend_soon();
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the erasure does not end");
}

/// Returns every packed leaf of the workspace, derived from what the segments hold, and what was erased.
fn derived(store: &TestStore) -> BTreeMap<u64, (Hash, Vec<Group>)> {
    let workspace = store.store.directory().by_name("acme").unwrap();
    let mut sealer = Sealer::default();
    let mut leaves = BTreeMap::new();
    for segment in store.store.view().segments.iter() {
        segment
            .for_each_row(GroupSet::ALL, |row| {
                if row.workspace == workspace.uid {
                    let leaf = sealer.leaf_of_row(&workspace, row).unwrap();
                    let erased = erased_of(row.withheld).iter().map(|(group, _)| *group).collect();
                    leaves.insert(row.seq, (leaf, erased));
                }
                Ok::<_, SegmentError>(())
            })
            .unwrap();
    }
    leaves
}

fn seed_of_first_run(store: &TestStore) -> Option<[u8; 32]> {
    match &store.store.directory().by_name("acme").unwrap().runs[0].secret {
        RunSecret::Whole(seed) => Some(*seed.as_bytes()),
        RunSecret::Punctured(_) => None,
    }
}

fn files_with_the_person(disk: &SimDisk) -> Vec<String> {
    [ACTOR, ADDRESS].iter().flat_map(|marker| marker::files_with(disk, marker)).collect()
}

#[test]
fn b6_what_was_erased_is_in_no_file_and_its_leaf_stays() {
    let (store, disk) = begin(61);
    let sent: Vec<(u64, Hash)> =
        (0..6).map(|n| created(send(&store, &event(&format!("e{n}"))))).collect();
    store.pack();
    // Half of them are in a segment and half are recent.
    let late: Vec<(u64, Hash)> =
        (6..9).map(|n| created(send(&store, &event(&format!("e{n}"))))).collect();
    let all: Vec<(u64, GroupSet)> =
        sent.iter().chain(&late).map(|(seq, _)| (*seq, person())).collect();
    let seed = seed_of_first_run(&store).expect("nothing was erased yet");
    assert!(!marker::files_with(&disk, seed).is_empty());
    put(&store, erasure(7, &all));
    complete(&store, 7);

    assert_eq!(files_with_the_person(&disk), Vec::<String>::new());
    // The seed gave the salts; with it a guess of what went could be tried.
    assert_eq!(marker::files_with(&disk, seed), Vec::<String>::new());
    assert_eq!(seed_of_first_run(&store), None);
    for n in 0..9 {
        let kept = format!("kept-e{n}-of-this-test");
        assert!(!marker::files_with(&disk, &kept).is_empty(), "{kept}");
    }
    let leaves = derived(&store);
    for (seq, leaf) in sent.iter().chain(&late) {
        let (now, erased) = &leaves[seq];
        assert_eq!(now, leaf, "event {seq}");
        assert_eq!(erased, &[Group::Actor, Group::Context, Group::Description]);
    }
    // The log says what went, and the configuration which event says so.
    let known = store.store.view().config.erasures[&7].clone();
    assert!(known.targets.is_empty() && !known.leaves.is_empty());
    assert!(known.leaves.iter().all(|leaf| *leaf >= 9));
    is_sound(&disk);
    let store = store.restart();
    assert_eq!(files_with_the_person(&disk), Vec::<String>::new());
    for (seq, (leaf, _)) in leaves {
        assert_eq!(derived(&store)[&seq].0, leaf);
    }
    // Sent again, it is known; with something else in it, it is refused.
    assert_eq!(send(&store, &event("e3")), Outcome::Duplicate { seq: 3 });
    let other = event("e3").meta("more", "than before");
    assert_eq!(send(&store, &other), Outcome::Conflict { seq: 3 });
    store.pack();
    assert_eq!(files_with_the_person(&disk), Vec::<String>::new());
}

#[test]
fn b6_an_erased_id_is_still_known() {
    let (store, disk) = begin(62);
    let (seq, leaf) = created(send(&store, &event("secret-id-of-this-test")));
    store.pack();
    put(&store, erasure(1, &[(seq, GroupSet::ALL)]));
    complete(&store, 1);
    assert!(marker::files_with(&disk, "secret-id-of-this-test").is_empty());
    assert_eq!(derived(&store)[&seq].0, leaf);
    let store = store.restart();
    assert_eq!(send(&store, &event("secret-id-of-this-test")), Outcome::Duplicate { seq });
    let other = event("secret-id-of-this-test").meta("more", "than before");
    assert_eq!(send(&store, &other), Outcome::Conflict { seq });
}

#[test]
fn b6_what_is_left_of_an_event_still_opens_its_leaf() {
    let (store, disk) = begin(63);
    let (seq, hash) = created(send(&store, &event("e1")));
    created(send(&store, &event("e2")));
    store.pack();
    put(&store, erasure(1, &[(seq, GroupSet::of([Group::Context]))]));
    complete(&store, 1);
    // A second erasure takes more of the same event.
    put(&store, erasure(2, &[(seq, person())]));
    complete(&store, 2);
    let workspace = store.store.directory().by_name("acme").unwrap();
    let mut seen = 0;
    for segment in store.store.view().segments.iter() {
        segment
            .for_each_row(GroupSet::ALL, |row| {
                let (parts, mut sealer) = (parts_of_row(row), Sealer::default());
                if (row.workspace, row.seq) != (workspace.uid, seq) {
                    return Ok::<_, SegmentError>(());
                }
                seen += 1;
                let by: Vec<u64> =
                    erased_of(row.withheld).iter().map(|(_, by)| by.erasure).collect();
                assert_eq!(by, [2, 1, 2], "actor, context, description");
                let sealed = sealer.seal(&workspace, &parts, row.withheld).unwrap();
                let fields = leaf_fields(workspace.uid, seq, row.recorded_at, &parts, &sealed);
                let mut bytes = Vec::new();
                leaf::write_leaf(&fields, &mut bytes);
                assert_eq!(leaf::leaf_hash(&fields, &mut Vec::new()), hash);
                let openings: Vec<Opening> =
                    sealer.openings(&workspace, &parts, row.withheld).unwrap();
                let opened: Vec<Group> = openings.iter().map(|opening| opening.group).collect();
                assert_eq!(opened, [Group::Id, Group::Metadata]);
                for opening in openings {
                    let commitment = opening.commitment();
                    assert!(sealed.commitments.contains(&(opening.group, commitment)));
                }
                Ok(())
            })
            .unwrap();
    }
    assert_eq!(seen, 1);
    is_sound(&disk);
}

#[test]
fn b6_a_hold_placed_after_the_request_wins_until_it_is_lifted() {
    let (store, disk) = begin(64);
    let (held, _) = created(send(&store, &event("e1")));
    let free = event("e2").user("u_78", "free.person@acme.example");
    let (free, _) = created(send(&store, &free));
    let hold = Hold {
        id: "h1".to_owned(),
        workspace: "acme".to_owned(),
        filter: "actor.id:u_77".to_owned(),
        reason: "case 7".to_owned(),
        owner: "Legal".to_owned(),
        placed_at: START,
    };
    change(&store, ConfigChange::PutHold { hold });
    let workspace = store.store.directory().by_name("acme").unwrap();
    let targets = targets_of([(held, person()), (free, person())]);
    assert_eq!(store.store.held_of(&workspace, &targets, 10).unwrap(), [held]);
    put(&store, erasure(1, &[(held, person()), (free, person())]));
    for _ in 0..200 {
        store.store.tend_soon();
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!is_complete(&store, 1));
    assert!(!files_with_the_person(&disk).is_empty(), "the held event keeps its values");
    assert_eq!(derived(&store)[&free].1, [Group::Actor, Group::Context, Group::Description]);
    let lifted = ConfigChange::LiftHold { id: "h1".to_owned(), workspace: "acme".to_owned() };
    change(&store, lifted);
    complete(&store, 1);
    assert_eq!(files_with_the_person(&disk), Vec::<String>::new());
    is_sound(&disk);
}

#[test]
fn b6_an_erasure_waits_for_a_second_person_and_the_same_one_twice_is_none() {
    let (store, disk) = begin(65);
    let (seq, _) = created(send(&store, &event("e1")));
    let waiting = Erasure { needs_second: true, begun_at: None, ..erasure(1, &[(seq, person())]) };
    put(&store, waiting);
    let approve = |by: &str| ConfigChange::ApproveErasure { id: 1, by: by.to_owned(), at: START };
    change(&store, approve("key_a"));
    for _ in 0..40 {
        store.store.tend_soon();
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!files_with_the_person(&disk).is_empty());
    change(&store, approve("key_b"));
    complete(&store, 1);
    assert_eq!(files_with_the_person(&disk), Vec::<String>::new());
}

/// Power goes at whatever call the erasure is at, under load; the next process ends what it began, and
/// what was never asked for stays.
#[test]
fn b6_a_crash_at_any_step_is_gone_on_with() {
    let (store, disk) = begin(66);
    let mut sent = Vec::new();
    for round in 0..4 {
        for n in 0..5 {
            sent.push(created(send(&store, &event(&format!("e{round}-{n}")))));
        }
        store.pack();
    }
    let targets: Vec<(u64, GroupSet)> = sent.iter().map(|(seq, _)| (*seq, person())).collect();
    put(&store, erasure(5, &targets));
    let done = AtomicBool::new(false);
    let images: Vec<SimDisk> = std::thread::scope(|scope| {
        let store = &store;
        let done = &done;
        scope.spawn(move || {
            complete(store, 5);
            done.store(true, Ordering::SeqCst);
        });
        let load = scope.spawn(move || {
            let mut n = 0;
            while !done.load(Ordering::SeqCst) {
                let other =
                    EventBuilder::new("note.create").occurred_at(START).id(&format!("l{n}"));
                send(store, &other.user("u_1", "Ada Park"));
                n += 1;
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let (mut images, mut last) = (Vec::new(), 0);
        while !done.load(Ordering::SeqCst) {
            let calls = disk.calls();
            if calls != last {
                let mode = CrashMode::POWER_CUTS[images.len() % CrashMode::POWER_CUTS.len()];
                images.push(disk.after_crash(mode, calls));
                last = calls;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        load.join().unwrap();
        images
    });
    store.store.stop();
    assert!(images.len() >= 20, "{} moments", images.len());
    // Every moment would take minutes; these are spread over all of them.
    let step = (images.len() / 40).max(1);
    for (number, image) in images.into_iter().enumerate().step_by(step) {
        let again = TestStore::start(
            1_000 + number as u64,
            Arc::new(image.clone()),
            proofbook_store::open::Options {
                purge_within_micros: 0,
                compact_fan_in: 4,
                ..TestStore::options()
            },
        );
        complete(&again, 5);
        assert_eq!(files_with_the_person(&image), Vec::<String>::new(), "moment {number}");
        let leaves = derived(&again);
        for (seq, leaf) in &sent {
            assert_eq!(&leaves[seq].0, leaf, "event {seq}, moment {number}");
        }
        again.store.stop();
        is_sound(&image);
    }
}

#[test]
fn b6_the_record_of_it_names_nobody() {
    let (store, disk) = begin(67);
    let (seq, _) = created(send(&store, &event("e1")));
    put(&store, erasure(9, &[(seq, person())]));
    complete(&store, 9);
    let view = store.store.view();
    let text = serde_json::to_string(&view.config.erasures[&9]).unwrap();
    assert!(text.contains("Art. 17") && !text.contains(ACTOR) && !text.contains("u_77"), "{text}");
    assert!(marker::files_with(&disk, "u_77").is_empty());
    assert!(!marker::files_with(&disk, "Art. 17").is_empty(), "the ground stays");
}

/// What a start set aside may hold anything, so it goes with the next erasure, after a record of what it was.
#[test]
fn b6_what_was_set_aside_goes_too_and_its_hash_stays() {
    let (store, disk) = begin(68);
    let (seq, _) = created(send(&store, &event("e1")));
    let torn = format!("half an append of {ACTOR}");
    let name = "0000000000000001-0000-0000000000000040.torn";
    let file = disk.create_new(&format!("aside/{name}")).unwrap();
    file.write_at(torn.as_bytes(), 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir("aside").unwrap();
    assert_eq!(store.store.set_aside(), [name]);
    put(&store, erasure(3, &[(seq, person())]));
    complete(&store, 3);
    assert_eq!(store.store.set_aside(), Vec::<String>::new());
    assert_eq!(files_with_the_person(&disk), Vec::<String>::new());
    let image = disk.after_crash(CrashMode::LoseUnsynced, 5);
    assert_eq!(
        files_with_the_person(&image),
        Vec::<String>::new(),
        "nor does a power cut bring it back"
    );
    let known = store.store.view().config.erasures[&3].clone();
    let [gone] = known.aside.as_slice() else { panic!("{:?}", known.aside) };
    let hash: String = Sha256::digest(&torn).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((gone.name.as_str(), gone.bytes), (name, torn.len() as u64));
    assert_eq!(gone.sha256.as_deref(), Some(hash.as_str()));
    is_sound(&disk);
    let store = store.restart();
    assert_eq!(store.store.view().config.erasures[&3], known);
}
