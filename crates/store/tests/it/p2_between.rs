//! P2: a hold, or a longer plan, that comes between planning a purge and doing it wins.
//!
//! The store is driven step by step, so that the change comes at exactly that moment: after the rows
//! were chosen, or after the segment was written again, before its record is in the log.

use std::sync::Arc;

use proofbook_event::{EventDraft, Timestamp};
use proofbook_store::clock::SimClock;
use proofbook_store::config::{ConfigChange, Hold, WorkspaceSettings};
use proofbook_store::disk::SimDisk;
use proofbook_store::fold::Outcome;
use proofbook_store::open::{Machine, Options};
use proofbook_store::prepare::{Prepared, Wanted};
use proofbook_store::purge::PurgeProposal;
use proofbook_store::random::SimRandom;
use proofbook_testkit::{Answer, EventBuilder, START_MICROS as START, Slot, Step, SteppedStore};

use crate::marker;
use crate::p1_purge::clienwork;

const DAY: i64 = 86_400_000_000;

struct House {
    store: SteppedStore,
    disk: SimDisk,
    clock: SimClock,
}

impl House {
    /// A store in which nothing was sent yet.
    fn empty(seed: u64) -> Self {
        let (disk, clock) = (SimDisk::new(seed), SimClock::new(START));
        let machine = Machine {
            disk: Arc::new(disk.clone()),
            clock: Arc::new(clock.clone()),
            random: Arc::new(SimRandom::new(seed)),
        };
        let options = Options { purge_within_micros: 0, reserve_bytes: 0, ..Options::default() };
        let store = SteppedStore::open(&machine, options).unwrap();
        Self { store, disk, clock }
    }

    /// A store with a segment in which two of three events of each workspace are outside of their
    /// thirty days.
    fn begin(seed: u64) -> Self {
        let mut house = Self::empty(seed);
        for workspace in ["acme", "beta"] {
            house.put(workspace, clienwork("free"));
            for age in [29, 28, 1] {
                house.send(workspace, age);
            }
        }
        house.store.committer.freeze_now();
        house.until_idle();
        house.clock.advance(5 * DAY as u64);
        house
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.store.clock.now_micros())
    }

    fn commit(&mut self, prepared: Prepared) -> Answer {
        let slot = Slot::default();
        self.store.committer.commit(vec![SteppedStore::batch(prepared, &slot)]).unwrap();
        let answer = slot.lock().unwrap().take();
        answer.unwrap()
    }

    fn change(&mut self, change: ConfigChange) {
        let draft = EventDraft::internal("audit_log.changed");
        let event = Wanted { workspace: "_system", draft };
        let store = &self.store;
        let prepared = store.preparer.prepare_change(&store.published, self.now(), change, event);
        self.commit(prepared).unwrap();
    }

    fn put(&mut self, name: &str, settings: WorkspaceSettings) {
        self.change(ConfigChange::PutWorkspace { name: name.to_owned(), settings });
    }

    fn hold(&mut self, workspace: &str) {
        let hold = Hold {
            id: format!("hold of {workspace}"),
            workspace: workspace.to_owned(),
            filter: String::new(),
            reason: "case 7".to_owned(),
            owner: "Legal".to_owned(),
            placed_at: self.now().micros(),
        };
        self.change(ConfigChange::PutHold { hold });
    }

    fn lift(&mut self, workspace: &str) {
        let id = format!("hold of {workspace}");
        self.change(ConfigChange::LiftHold { id, workspace: workspace.to_owned() });
    }

    fn send(&mut self, workspace: &str, days: i64) {
        let event = EventBuilder::new("note.create")
            .occurred_at(START - days * DAY)
            .meta("marker", marker_of(workspace, days))
            .json();
        let draft = EventDraft::parse(event.as_bytes()).unwrap();
        let events = vec![Ok(Wanted { workspace, draft })];
        let store = &self.store;
        let prepared = store.preparer.prepare(&store.published, self.now(), true, events);
        assert!(matches!(self.commit(prepared).unwrap()[..], [Outcome::Created { .. }]));
    }

    fn step(&mut self) -> Step {
        // Purging first, so that nothing else comes between.
        self.store.step(&mut |_| 2).unwrap()
    }

    fn plan(&mut self) {
        while !matches!(self.step(), Step::Planned) {}
    }

    fn propose(&mut self) -> Box<PurgeProposal> {
        match self.step() {
            Step::Proposed(proposal, _) => proposal,
            _ => panic!("a plan is followed by its proposal"),
        }
    }

    /// Commits a proposal; tells whether the fold took it.
    fn decide(&mut self, proposal: PurgeProposal) -> bool {
        let PurgeProposal { prepared, proposal, .. } = proposal;
        let answer = self.commit(prepared);
        let is_taken = self.store.rewrite_answered(&proposal, &answer).unwrap();
        assert_eq!(answer.unwrap().is_empty(), !is_taken, "a purge that fell records nothing");
        is_taken
    }

    fn until_idle(&mut self) {
        self.clock.advance(2_000_000);
        loop {
            match self.step() {
                Step::Idle => return,
                Step::Proposed(proposal, _) => assert!(self.decide(*proposal)),
                _ => {}
            }
        }
    }

    /// Returns how many of the two expired events of a workspace stand in a file.
    fn left_of(&self, workspace: &str) -> usize {
        let stands =
            |days: &i64| !marker::files_with(&self.disk, marker_of(workspace, *days)).is_empty();
        [29, 28].iter().filter(|days| stands(days)).count()
    }
}

fn marker_of(workspace: &str, days: i64) -> String {
    format!("marker-{workspace}-{days}-of-this-test")
}

#[test]
fn p2_a_hold_that_comes_between_planning_and_writing_wins() {
    let mut house = House::begin(31);
    house.plan();
    house.hold("acme");
    let proposal = house.propose();
    assert_eq!(proposal.purged_rows, 4);
    assert!(!house.decide(*proposal));
    house.until_idle();
    // The other workspace is purged all the same, by the plan that comes next.
    assert_eq!((house.left_of("acme"), house.left_of("beta")), (2, 0));
    house.lift("acme");
    house.until_idle();
    assert_eq!(house.left_of("acme"), 0);
}

#[test]
fn p2_a_hold_that_comes_between_writing_and_recording_wins() {
    let mut house = House::begin(32);
    house.plan();
    let proposal = house.propose();
    house.hold("beta");
    assert!(!house.decide(*proposal));
    house.until_idle();
    assert_eq!((house.left_of("acme"), house.left_of("beta")), (0, 2));
}

#[test]
fn p2_a_hold_in_the_same_frame_before_the_purge_wins() {
    let mut house = House::begin(33);
    house.plan();
    let PurgeProposal { prepared, proposal, .. } = *house.propose();
    let hold = Hold {
        id: "h".to_owned(),
        workspace: "acme".to_owned(),
        filter: "action:note.create".to_owned(),
        reason: "case 7".to_owned(),
        owner: "Legal".to_owned(),
        placed_at: house.now().micros(),
    };
    let draft = EventDraft::internal("audit_log.hold_placed");
    let event = Wanted { workspace: "_system", draft };
    let store = &mut house.store;
    let now = Timestamp::from_micros(store.clock.now_micros());
    let change = ConfigChange::PutHold { hold };
    let change = store.preparer.prepare_change(&store.published, now, change, event);
    let slots = [Slot::default(), Slot::default()];
    let group = [change, prepared].into_iter().zip(&slots);
    let group = group.map(|(prepared, slot)| SteppedStore::batch(prepared, slot)).collect();
    store.committer.commit(group).unwrap();
    let answer = slots[1].lock().unwrap().take().unwrap();
    assert!(!store.rewrite_answered(&proposal, &answer).unwrap());
    house.until_idle();
    assert_eq!((house.left_of("acme"), house.left_of("beta")), (2, 0));
}

#[test]
fn p1_a_longer_plan_that_comes_between_planning_and_doing_wins() {
    let mut house = House::begin(34);
    house.plan();
    house.put("acme", clienwork("basic"));
    let proposal = house.propose();
    assert!(!house.decide(*proposal));
    house.until_idle();
    assert_eq!((house.left_of("acme"), house.left_of("beta")), (2, 0));
}

#[test]
fn p1_what_changes_nothing_of_what_is_kept_drops_no_purge() {
    let mut house = House::begin(35);
    house.plan();
    let proposal = house.propose();
    let settings = WorkspaceSettings { title: Some("Acme".to_owned()), ..clienwork("free") };
    house.put("acme", settings);
    house.hold("somebody else");
    assert!(house.decide(*proposal));
    house.until_idle();
    assert_eq!((house.left_of("acme"), house.left_of("beta")), (0, 0));
}

#[test]
fn p1_a_store_that_never_packed_purges_too() {
    // Never so much that a pack is due, and no snapshot yet.
    let mut house = House::empty(36);
    house.put("acme", clienwork("free"));
    house.send("acme", 29);
    house.send("acme", 28);
    house.clock.advance(5 * DAY as u64);
    house.until_idle();
    assert_eq!(house.left_of("acme"), 0);
}
