//! What a seat gives out, seen against a list of everything it gave before.

use std::collections::BTreeSet;

use proofbook_ledger::Edge;
use proofbook_ledger::prf::PuncturedRun;

use super::*;
use crate::config::WorkspaceSettings;
use crate::fold::{Run, no_tiles};
use crate::log::Position;
use crate::random::SimRandom;

/// A directory that takes up what batches record, as the fold does.
#[derive(Default)]
struct Durable {
    directory: Directory,
    runs: Vec<Run>,
}

impl Durable {
    /// Takes up the records of a batch: a run that skips a number is not taken, nor one that is known.
    fn commit(&mut self, taken: &Taken) {
        for run in &taken.begun {
            if self.runs.len() == run.number as usize {
                let secret = RunSecret::Whole(run.seed.clone());
                self.runs.push(Run { secret, nonce_key: run.nonce_key.clone() });
            }
        }
        self.publish(taken.uid);
    }

    fn publish(&self, uid: WorkspaceUid) {
        self.directory.update([(0, Arc::new(self.workspace(uid)))]);
    }

    fn workspace(&self, uid: WorkspaceUid) -> Workspace {
        Workspace {
            uid,
            name: "acme".into(),
            edge: Edge::default(),
            upper: no_tiles(),
            recorded_at: 0,
            runs: self.runs.as_slice().into(),
            settings: WorkspaceSettings::none(),
            rules_changed: Position::default(),
            signing: None,
        }
    }
}

fn seats() -> Seats {
    Seats::new(Arc::new(SimRandom::new(5)))
}

/// Everything that was given out, with the seed of its run.
#[derive(Default)]
struct Given {
    places: BTreeSet<(u32, u16)>,
    seeds: std::collections::BTreeMap<u32, [u8; 32]>,
}

impl Given {
    fn note(&mut self, taken: &Taken) {
        for places in &taken.places {
            let seed = *places.run.seed.as_bytes();
            assert_eq!(
                *self.seeds.entry(places.run.number).or_insert(seed),
                seed,
                "one seed a run"
            );
            for k in 0..places.count {
                let new = self.places.insert((places.run.number, places.first.get() + k));
                assert!(new, "a place was given twice");
            }
        }
    }
}

#[test]
fn no_place_is_given_twice_whenever_batches_become_durable() {
    for every in [1, 2, 5, usize::MAX] {
        let (seats, mut durable, mut given) = (seats(), Durable::default(), Given::default());
        let mut waiting = Vec::new();
        for number in 0..60 {
            let taken = seats.take(&durable.directory, "acme", 1 + number * 37 % 600);
            given.note(&taken);
            waiting.push(taken);
            if number % every == every - 1 {
                // In the other order: the later one may reach the log first.
                waiting.drain(..).rev().for_each(|taken| durable.commit(&taken));
            }
        }
        let total: usize = (0..60).map(|number| 1 + number * 37 % 600).sum();
        assert_eq!(given.places.len(), total);
        // What the log has of a run is what its places were given with.
        for (number, run) in durable.runs.iter().enumerate() {
            assert_eq!(
                run.secret,
                RunSecret::Whole(RunSeed::from_bytes(given.seeds[&(number as u32)]))
            );
        }
    }
}

/// A batch that takes its events in parts asks for places again and again, beside others that do.
#[test]
fn going_on_gives_places_of_a_durable_run_in_use_and_of_no_other() {
    let (seats, mut durable, mut given) = (seats(), Durable::default(), Given::default());
    let first = seats.take(&durable.directory, "acme", 3);
    given.note(&first);
    assert_eq!(seats.go_on(0, 0, 1), None, "nothing durable has the run");
    durable.commit(&first);
    let mut mine = seats.take(&durable.directory, "acme", 1);
    given.note(&mine);
    let (mut went_on, mut last_run) = (0, 0);
    for number in 0..3_000_usize {
        let run = mine.places.last().expect("places").run.clone();
        let count = 1 + number % 7;
        match seats.go_on(0, run.number, count) {
            Some(first) => {
                went_on += 1;
                (mine.places, mine.begun) =
                    (vec![Places { run, first, count: count as u16 }], vec![]);
            }
            None => mine = seats.take(&durable.directory, "acme", count),
        }
        given.note(&mine);
        last_run = mine.places.last().expect("places").run.number;
        if number % 5 == 0 {
            durable.commit(&mine);
            given.note(&seats.take(&durable.directory, "acme", 2));
        }
        assert_eq!(seats.go_on(0, last_run + 1, 1), None, "not in use");
        assert_eq!(seats.go_on(1, last_run, 1), None, "no such workspace");
    }
    assert!(went_on > 2_900 && last_run >= 2, "{went_on} of 3000, in {last_run} runs");
}

#[test]
fn going_on_in_a_run_that_another_batch_used_up_gives_nothing() {
    let (seats, mut durable, mut given) = (seats(), Durable::default(), Given::default());
    durable.commit(&seats.take(&durable.directory, "acme", 1));
    given.note(&seats.take(&durable.directory, "acme", usize::from(RUN_SLOTS) - 2));
    let beside = seats.take(&durable.directory, "acme", 2);
    assert_eq!(beside.begun.len(), 1, "the run's last place, and the next run's first");
    assert_eq!(seats.go_on(0, 0, 1), None);
}

#[test]
fn a_batch_records_every_run_that_is_not_durable_and_no_other() {
    let (seats, mut durable) = (seats(), Durable::default());
    let first = seats.take(&durable.directory, "acme", 1);
    let second = seats.take(&durable.directory, "acme", usize::from(RUN_SLOTS));
    let numbers = |taken: &Taken| taken.begun.iter().map(|run| run.number).collect::<Vec<_>>();
    assert_eq!((numbers(&first), numbers(&second)), (vec![0], vec![0, 1]));
    assert_eq!(first.uid, second.uid);
    durable.commit(&first);
    let third = seats.take(&durable.directory, "acme", 1);
    assert_eq!(numbers(&third), vec![1]);
    durable.commit(&third);
    assert_eq!(numbers(&seats.take(&durable.directory, "acme", 1)), Vec::<u32>::new());
    assert!(seats.lock().open.is_empty(), "what is durable is held once");
}

#[test]
fn asking_for_no_place_begins_nothing() {
    let (seats, durable) = (seats(), Durable::default());
    let asked = seats.take(&durable.directory, "acme", 0);
    assert!(asked.places.is_empty() && asked.begun.is_empty());
    assert_eq!(seats.take(&durable.directory, "acme", 1).uid, asked.uid);
}

#[test]
fn a_process_goes_on_in_a_run_of_its_own() {
    let mut durable = Durable::default();
    let taken = seats().take(&durable.directory, "acme", 3);
    durable.commit(&taken);
    let again = seats().take(&durable.directory, "acme", 1);
    assert_eq!(again.uid, taken.uid);
    assert_eq!((again.places[0].run.number, again.places[0].first.get()), (1, 0));
}

/// The seed that gave the places is destroyed with the events; a copy of it must not go on here.
#[test]
fn a_run_that_events_were_erased_of_is_not_gone_on_with() {
    let (seats, mut durable) = (seats(), Durable::default());
    let taken = seats.take(&durable.directory, "acme", 3);
    durable.commit(&taken);
    seats.take(&durable.directory, "acme", 1);
    let left = PuncturedRun::whole(&taken.places[0].run.seed);
    durable.runs[0].secret = RunSecret::Punctured(Arc::new(left));
    durable.publish(taken.uid);
    let next = seats.take(&durable.directory, "acme", 1);
    assert_eq!(next.places[0].run.number, 1);
    assert_eq!(next.begun.len(), 1);
}

/// Should the log have another seed under a run's number, its places are not what was given here.
#[test]
fn a_run_that_another_began_is_not_gone_on_with() {
    let (seats, mut durable) = (seats(), Durable::default());
    let taken = seats.take(&durable.directory, "acme", 3);
    let secret = RunSecret::Whole(RunSeed::from_bytes([9; 32]));
    durable.runs.push(Run { secret, nonce_key: NonceKey::from_bytes([8; 32]) });
    durable.publish(taken.uid);
    seats.take(&durable.directory, "acme", 1);
    assert_eq!(seats.take(&durable.directory, "acme", 1).places[0].run.number, 1);
}

/// Each workspace is written to once: what is durable of the earlier ones must not stay held twice.
#[test]
fn seats_of_workspaces_that_nobody_comes_back_to_are_settled() {
    let (seats, durable) = (seats(), Durable::default());
    for number in 0..500 {
        let name = format!("w-{number}");
        let taken = seats.take(&durable.directory, &name, 1);
        let mut workspace = durable.workspace(taken.uid);
        workspace.name = name.into();
        let [run] = taken.begun.as_slice() else { panic!("one run is begun") };
        let secret = RunSecret::Whole(run.seed.clone());
        workspace.runs = Arc::new([Run { secret, nonce_key: run.nonce_key.clone() }]);
        durable.directory.update([(number, Arc::new(workspace))]);
    }
    let table = seats.lock();
    assert!(table.open.len() <= 2 && table.waiting.len() <= 2, "{}", table.open.len());
    assert_eq!(table.settled.iter().flatten().count(), 500 - table.open.len());
}

/// The keys of 32 slots of a run.
fn keys_of(run: &SeatRun, first: u16) -> Arc<KeyRange> {
    let slot = |k| Slot::new(k).expect("a slot of a run");
    Arc::new(KeyRange::new(&run.seed, &run.nonce_key, slot(first), slot(first + 31)))
}

#[test]
fn keys_are_kept_for_every_batch_that_goes_on_near_them() {
    let (seats, mut durable) = (seats(), Durable::default());
    let left = |taken: &Taken, slot: u16| {
        let run = &taken.places[0].run;
        LeftKeys {
            name: "acme".into(),
            index: taken.durable.as_ref().map(|(index, _)| *index),
            uid: taken.uid,
            run: run.number,
            keys: keys_of(run, slot),
        }
    };
    let has_keys = |taken: &Taken| {
        let first = taken.places[0].first;
        taken
            .ready
            .as_ref()
            .map(|ready| ready.get(first) == keys_of(&taken.places[0].run, first.get()).get(first))
    };
    let first = seats.take(&durable.directory, "acme", 3);
    assert_eq!(has_keys(&first), None);
    seats.keep([left(&first, 0)].into_iter());
    durable.commit(&first);
    let second = seats.take(&durable.directory, "acme", 2);
    let beside = seats.take(&durable.directory, "acme", 60);
    assert_eq!((has_keys(&second), has_keys(&beside)), (Some(true), Some(true)));
    // The one that took its places later ends before: what is furthest stays.
    seats.keep([left(&beside, 64)].into_iter());
    seats.keep([left(&second, 3)].into_iter());
    assert_eq!(has_keys(&seats.take(&durable.directory, "acme", 1)), Some(true));
    // The directory has it now: the seat is settled.
    assert_eq!(has_keys(&seats.take(&durable.directory, "acme", 40)), Some(true));
    assert_eq!(has_keys(&seats.take(&durable.directory, "acme", 1)), None, "too far away");
}

#[test]
fn keys_of_a_run_are_not_taken_for_those_of_another() {
    let (seats, durable) = (seats(), Durable::default());
    let taken = seats.take(&durable.directory, "acme", 1);
    let other = SeatRun { number: 7, ..taken.places[0].run.clone() };
    let left = |run: &SeatRun| LeftKeys {
        name: "acme".into(),
        index: None,
        uid: taken.uid,
        run: run.number,
        keys: keys_of(run, 1),
    };
    seats.keep([left(&other)].into_iter());
    assert!(seats.take(&durable.directory, "acme", 1).ready.is_none());
    let uid = taken.uid;
    seats.lock().ready.insert(uid, ReadyKeys { run: other.number, keys: keys_of(&other, 1) });
    assert!(seats.take(&durable.directory, "acme", 1).ready.is_none());
    assert!(!seats.lock().ready.contains_key(&uid), "nor are they left in memory");
    seats.keep([left(&taken.places[0].run)].into_iter());
    assert!(seats.take(&durable.directory, "acme", 1).ready.is_some());
}
