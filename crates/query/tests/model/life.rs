//! One life of a store, from an empty disk on, all from one seed: requests, plans, holds, clocks,
//! background work, restarts and power cuts, and questions in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proofbook_event::{EventDraft, Timestamp};
use proofbook_ledger::Hash;
use proofbook_store::clock::SimClock;
use proofbook_store::commit::CommitError;
use proofbook_store::config::{ConfigChange, WorkspaceSettings};
use proofbook_store::disk::SimDisk;
use proofbook_store::disk::sim::CrashMode;
use proofbook_store::fold::Outcome;
use proofbook_store::log::LogOptions;
use proofbook_store::open::{Machine, Options};
use proofbook_store::prepare::{Prepared, Wanted};
use proofbook_store::random::SimRandom;
use proofbook_testkit::{Answer, Dice, Slot, Step, StepError, SteppedStore};

use crate::naive::{DAY, HOUR, Known, SECOND, Sent, Space};
use crate::purges::{self, Pending, RulesAt};
use crate::tally::Tally;
use crate::{answers, shown};

mod draws;
mod settled;

pub(crate) const ACTIONS: [&str; 4] =
    ["note.create", "file.read", "project.update", "session.login"];
const WORKSPACES: [&str; 3] = ["acme", "beta", "gamma.eu"];
const KEEPS: [&str; 9] = ["40s", "3600s", "1d", "2d", "7d", "30d", "1y", "2y", "unlimited"];
/// Steps of one life.
const STEPS: u64 = 400;
/// Longest time that a wrong wall clock stays wrong, by the true one: longer than a purge waits, nobody
/// could tell it from a right one.
const LIE_MICROS_MAX: i64 = 20 * HOUR;

/// A request that was prepared, with what its client knows of it.
struct Ready {
    prepared: Prepared,
    workspace: String,
    /// The events that were admitted.
    sent: Vec<Sent>,
}

/// What is on its way into the log; a power cut may keep it or lose it.
enum Flight {
    Sent(String, Vec<Sent>),
    Change(ConfigChange),
    Purge(Vec<(String, Vec<u64>)>, i64),
}

/// How a process goes on.
enum Flow {
    GoOn,
    /// The power goes, or the process dies.
    Crash,
    /// It stops in order.
    Restart,
}

pub(crate) struct Life {
    dice: Dice,
    clock: SimClock,
    disk: SimDisk,
    within: i64,
    /// What the wall clock would say if it were right.
    true_now: i64,
    /// How far the wall clock is off, and for how long.
    lie: Option<(i64, i64)>,
    spaces: BTreeMap<String, Space>,
    /// Events of Proofbook's own workspace.
    system_events: u64,
    /// Counts what changes the rules of every workspace.
    rules_of_all: u64,
    /// When each workspace's rules changed last.
    ruled_at: BTreeMap<String, i64>,
    waiting: Vec<Ready>,
    /// Events that a power cut lost; their clients send them again.
    lost: Vec<(String, Sent)>,
    /// Markers of purged events that were sent again and not taken, since another one has their id:
    /// the log holds for a while what was sent.
    resent: BTreeSet<String>,
    pending: Option<Pending>,
    planned: Option<RulesAt>,
    flight: Option<Flight>,
    next_id: u64,
    /// After how many calls of the disk the power goes.
    off_after: Option<u64>,
    tally: Tally,
}

impl Life {
    /// Leads the life of a seed to its end.
    pub(crate) fn lead(seed: u64) -> Result<Tally, String> {
        let mut dice = Dice::new(seed ^ 0x0f5e_edf0_0000_0000);
        // Some lives begin before a leap day, some before the end of a year.
        let begin = [1_795_305_600, 1_835_222_400, 1_830_211_200][dice.below(3)] * SECOND;
        let within = dice.pick(&[0, 0, 2 * HOUR, 7 * DAY]);
        let mut life = Self {
            clock: SimClock::new(begin),
            disk: SimDisk::new(dice.roll()),
            dice,
            within,
            true_now: begin,
            lie: None,
            spaces: WORKSPACES.map(|name| (name.to_owned(), Space::default())).into(),
            system_events: 0,
            rules_of_all: 0,
            ruled_at: BTreeMap::new(),
            waiting: Vec::new(),
            lost: Vec::new(),
            resent: BTreeSet::new(),
            pending: None,
            planned: None,
            flight: None,
            next_id: 0,
            off_after: None,
            tally: Tally { lives: 1, ..Tally::default() },
        };
        while life.tally.steps < STEPS {
            let end = life.one_process()?;
            life.waiting.clear();
            (life.pending, life.planned) = (None, None);
            let mode = match end {
                Flow::Crash => {
                    life.tally.crashes += 1;
                    let cuts = [&CrashMode::POWER_CUTS[..], &[CrashMode::ProcessOnly]].concat();
                    life.dice.pick(&cuts)
                }
                Flow::GoOn | Flow::Restart => {
                    life.tally.restarts += 1;
                    CrashMode::ProcessOnly
                }
            };
            life.disk = life.disk.crash(mode);
            if life.dice.once_in(3) {
                let down = life.any_time();
                life.advance(down);
            }
        }
        life.tally.events =
            life.spaces.values().map(|space| space.events.len() as u64).sum::<u64>();
        Ok(life.tally)
    }

    fn one_process(&mut self) -> Result<Flow, String> {
        self.off_after = None;
        if self.dice.once_in(2) {
            let calls = 10 + self.dice.below(700) as u64;
            self.disk.crash_after(calls);
            self.off_after = Some(self.disk.calls() + calls);
        }
        let machine = Machine {
            disk: Arc::new(self.disk.clone()),
            clock: Arc::new(self.clock.clone()),
            random: Arc::new(SimRandom::new(self.dice.roll())),
        };
        let options = Options {
            log: LogOptions { file_bytes: 6 * 1024 },
            recent_pack_bytes: 8 * 1024,
            reserve_bytes: 0,
            cache_bytes: 64 * 1024,
            compact_fan_in: 3,
            store_key: None,
            purge_within_micros: self.within,
        };
        let mut store = match SteppedStore::open(&machine, options) {
            Ok(store) => store,
            Err(_) if self.is_off() => return Ok(Flow::Crash),
            Err(error) => return Err(format!("the store does not open: {error:?}")),
        };
        match self.adopt(&store).and_then(|()| self.check_all(&store)) {
            Err(_) if self.is_off() => return Ok(Flow::Crash),
            adopted => adopted.map_err(|reason| format!("after a start: {reason}"))?,
        }
        while self.tally.steps < STEPS {
            self.tally.steps += 1;
            let flow = self.observe_clock(&mut store).and_then(|flow| match flow {
                Flow::GoOn => self.step(&mut store),
                end => Ok(end),
            });
            match flow {
                _ if self.is_off() => return Ok(Flow::Crash),
                Ok(Flow::GoOn) => {}
                end => return end,
            }
        }
        match self.check_all(&store) {
            Err(_) if self.is_off() => Ok(Flow::Crash),
            checked => checked.map(|()| Flow::Restart),
        }
    }

    fn is_off(&self) -> bool {
        self.off_after.is_some_and(|calls| self.disk.calls() > calls)
    }

    fn step(&mut self, store: &mut SteppedStore) -> Result<Flow, String> {
        match self.dice.below(100) {
            0..26 => {
                let ready = self.request(store)?;
                self.send(store, ready)
            }
            26..29 if self.waiting.len() < 3 => {
                let ready = self.request(store)?;
                self.waiting.push(ready);
                Ok(Flow::GoOn)
            }
            29..31 if !self.waiting.is_empty() => {
                let ready = self.waiting.remove(0);
                self.send(store, ready)
            }
            31..35 => {
                let change = self.settings();
                self.change(store, change)
            }
            35..39 => {
                let change = self.hold_or_lift(store);
                self.change(store, change)
            }
            39..49 => {
                let micros = self.any_time();
                self.advance(micros);
                Ok(Flow::GoOn)
            }
            // Right at the end of somebody's retention, and what the store does there.
            49 => {
                let micros = self.time_to_an_end().unwrap_or(SECOND);
                self.advance(micros);
                for _ in 0..12 {
                    match self.background(store)? {
                        (Flow::GoOn, _) => {}
                        (end, _) => return Ok(end),
                    }
                }
                Ok(Flow::GoOn)
            }
            50 => {
                self.jump();
                Ok(Flow::GoOn)
            }
            51..52 => {
                store.committer.freeze_now();
                Ok(Flow::GoOn)
            }
            52..72 => {
                for _ in 0..=self.dice.below(8) {
                    match self.background(store)? {
                        (Flow::GoOn, _) => {}
                        (end, _) => return Ok(end),
                    }
                }
                Ok(Flow::GoOn)
            }
            72..75 => self.drain(store),
            75 if self.dice.once_in(2) => Ok(Flow::Restart),
            76 if self.dice.once_in(2) => Ok(Flow::Crash),
            77 => self.check_all(store).map(|()| Flow::GoOn),
            _ => {
                let name = self.dice.pick(&WORKSPACES);
                self.tally.questions += 1;
                answers::check(store, name, &self.spaces[name], &mut self.dice).map(|()| Flow::GoOn)
            }
        }
    }

    fn advance(&mut self, micros: i64) {
        if let Some((offset, spent)) = self.lie {
            if spent + micros > LIE_MICROS_MAX {
                self.clock.jump_wall(-offset);
                self.lie = None;
            } else {
                self.lie = Some((offset, spent + micros));
            }
        }
        self.clock.advance(micros.unsigned_abs());
        self.true_now += micros;
    }

    /// The wall clock begins or ceases to be wrong.
    fn jump(&mut self) {
        self.tally.jumps += 1;
        if let Some((offset, _)) = self.lie.take() {
            self.clock.jump_wall(-offset);
            return;
        }
        let hours = match self.dice.below(8) {
            0 => 10 * 365 * 24,
            _ => 2 + self.dice.below(96) as i64,
        };
        let offset = if self.dice.once_in(3) { -hours } else { hours } * HOUR;
        self.clock.jump_wall(offset);
        self.lie = Some((offset, 0));
    }

    /// Puts what the clock noticed into the log, as the server does.
    fn observe_clock(&mut self, store: &mut SteppedStore) -> Result<Flow, String> {
        for observation in store.clock.take_observations() {
            let change = ConfigChange::ClockObserved { purge_from: observation.purge_from };
            match self.change(store, change)? {
                Flow::GoOn => {}
                end => return Ok(end),
            }
        }
        Ok(Flow::GoOn)
    }

    /// Commits one batch; `None` when the process must end.
    fn commit(&mut self, store: &mut SteppedStore, prepared: Prepared) -> Option<Answer> {
        let slot = Slot::default();
        let committed = store.committer.commit(vec![SteppedStore::batch(prepared, &slot)]);
        let answer = slot.lock().expect("no holder panics").take();
        if committed.is_err() { None } else { answer }
    }

    fn send(&mut self, store: &mut SteppedStore, ready: Ready) -> Result<Flow, String> {
        let Ready { prepared, workspace, sent } = ready;
        self.flight = Some(Flight::Sent(workspace.clone(), sent.clone()));
        match self.commit(store, prepared) {
            Some(Ok(outcomes)) => {
                self.flight = None;
                self.acknowledge(&workspace, sent, &outcomes).map(|()| Flow::GoOn)
            }
            Some(Err(CommitError::Busy)) | None if self.is_off() => Ok(Flow::Crash),
            other => Err(format!("a request was answered {other:?}")),
        }
    }

    fn acknowledge(
        &mut self,
        workspace: &str,
        sent: Vec<Sent>,
        outcomes: &[Outcome],
    ) -> Result<(), String> {
        if sent.len() != outcomes.len() {
            return Err(format!("{} events got {} answers", sent.len(), outcomes.len()));
        }
        for (sent, outcome) in sent.into_iter().zip(outcomes) {
            let due = self.apply(workspace, &sent);
            let fits = match (*outcome, due) {
                (Outcome::Created { seq, leaf, recorded_at }, None) => {
                    let space = self.spaces.get_mut(workspace).expect("made at birth");
                    let known = space.events.last_mut().expect("applied just now");
                    (known.leaf, known.recorded_at) = (leaf, recorded_at);
                    seq + 1 == space.events.len() as u64
                }
                (Outcome::Duplicate { seq }, Some((known, true)))
                | (Outcome::Conflict { seq }, Some((known, false))) => {
                    self.tally.repeated += 1;
                    seq == known
                }
                _ => false,
            };
            if !fits {
                return Err(format!("{sent:?} of {workspace} is {outcome:?}, known is {due:?}"));
            }
        }
        Ok(())
    }

    /// Records an event in the model, or says which seq has its id and whether it is the same event.
    fn apply(&mut self, workspace: &str, sent: &Sent) -> Option<(u64, bool)> {
        let space = self.spaces.get_mut(workspace).expect("made at birth");
        if let Some(seq) = space.ids.get(&sent.id) {
            let marker = |event: &Known| event.sent.as_ref().map(|sent| sent.marker.clone());
            let is_same = |event: &&Known| marker(event).as_ref() == Some(&sent.marker);
            if space.events.iter().filter(is_same).any(|event| event.is_gone) {
                self.resent.insert(sent.marker.clone());
            }
            let known = space.events[*seq as usize].sent.as_ref();
            return Some((*seq, known.is_some_and(|known| known.text == sent.text)));
        }
        space.ids.insert(sent.id.clone(), space.events.len() as u64);
        space.events.push(Known {
            action: sent.action.to_owned(),
            occurred_at: sent.occurred_at,
            recorded_at: 0,
            from_recorded: sent.from_recorded,
            leaf: Hash([0; 32]),
            is_gone: false,
            sent: Some(sent.clone()),
        });
        None
    }

    fn change(&mut self, store: &mut SteppedStore, change: ConfigChange) -> Result<Flow, String> {
        let moment = Timestamp::from_micros(store.clock.now_micros());
        let draft = EventDraft::internal("audit_log.changed");
        let event = Wanted { workspace: "_system", draft };
        let prepared =
            store.preparer.prepare_change(&store.published, moment, change.clone(), event);
        self.flight = Some(Flight::Change(change.clone()));
        match self.commit(store, prepared) {
            Some(Ok(_)) => {
                self.flight = None;
                self.apply_change(change, moment.micros());
                Ok(Flow::GoOn)
            }
            None if self.is_off() => Ok(Flow::Crash),
            other => Err(format!("a change was answered {other:?}")),
        }
    }

    fn apply_change(&mut self, change: ConfigChange, now: i64) {
        self.tally.settings += 1;
        self.system_events += 1;
        let name = match change {
            ConfigChange::PutWorkspace { name, settings } => {
                let space = self.spaces.get_mut(&name).expect("made at birth");
                let rules_of = |settings: &WorkspaceSettings| {
                    let WorkspaceSettings { preset, plan, .. } = settings.clone();
                    (preset, plan, settings.retention.clone(), settings.retention_actions.clone())
                };
                if rules_of(&space.settings) == rules_of(&settings) {
                    space.settings = settings;
                    return;
                }
                space.settings = settings;
                name
            }
            ConfigChange::PutHold { hold } => {
                let space = self.spaces.get_mut(&hold.workspace).expect("made at birth");
                let held = space.drawn[&hold.id].clone();
                space.holds.insert(hold.id, held);
                hold.workspace
            }
            ConfigChange::LiftHold { id, workspace } => {
                let space = self.spaces.get_mut(&workspace).expect("made at birth");
                space.holds.remove(&id);
                workspace
            }
            _ => {
                self.rules_of_all += 1;
                return;
            }
        };
        self.spaces.get_mut(&name).expect("made at birth").rules += 1;
        self.ruled_at.insert(name, now);
    }

    fn rules(&self) -> RulesAt {
        let of = |(name, space): (&String, &Space)| (name.clone(), space.rules);
        (self.rules_of_all, self.spaces.iter().map(of).collect())
    }

    /// Does a step of background work; tells whether there was any to do.
    fn background(&mut self, store: &mut SteppedStore) -> Result<(Flow, bool), String> {
        if let Some(pending) = self.pending.take() {
            return Ok((self.decide_purge(store, pending)?, true));
        }
        let dice = &mut self.dice;
        let step = store.step(&mut |limit| dice.below(limit as usize) as u64);
        let step = match step {
            Ok(step) => step,
            Err(_) if self.is_off() => return Ok((Flow::Crash, false)),
            Err(StepError::Work(reason)) => {
                return Err(format!("background work failed: {reason}"));
            }
            Err(StepError::Fatal(fatal)) => return Err(format!("the store stopped: {fatal:?}")),
        };
        match step {
            Step::Idle => return Ok((Flow::GoOn, false)),
            Step::Packed => self.tally.packs += 1,
            Step::Compacted => self.tally.compactions += 1,
            Step::Planned => self.planned = Some(self.rules()),
            Step::Proposed(proposal, now) => {
                let gone = purges::gone_of(&proposal, &store.published)?;
                let rules = self.planned.take().ok_or("a purge that was not planned")?;
                self.pending = Some(Pending { proposal: *proposal, now, gone, rules });
            }
            _ => {}
        }
        Ok((Flow::GoOn, true))
    }

    /// Puts a purge into the log: the fold takes it exactly if no rule changed since it was planned.
    fn decide_purge(&mut self, store: &mut SteppedStore, pending: Pending) -> Result<Flow, String> {
        let must_hold = pending.must_hold(&self.rules());
        let Pending { proposal, now, gone, .. } = pending;
        self.flight = Some(Flight::Purge(gone.clone(), now));
        let answer = match self.commit(store, proposal.prepared) {
            Some(answer) => answer,
            None if self.is_off() => return Ok(Flow::Crash),
            None => return Err("the store stopped at a purge".to_owned()),
        };
        if answer.is_err() && self.is_off() {
            return Ok(Flow::Crash);
        }
        self.flight = None;
        let is_taken = match store.rewrite_answered(&proposal.proposal, &answer) {
            Ok(is_taken) => is_taken,
            Err(_) if self.is_off() => {
                // It is in the log all the same; the next process reads it there.
                self.flight = Some(Flight::Purge(gone, now));
                return Ok(Flow::Crash);
            }
            Err(error) => return Err(format!("after a purge: {error:?}")),
        };
        if is_taken {
            // What is judged first is what went, and only then whether it should have fallen.
            self.take_purge(store, &gone, now)?;
        } else {
            self.tally.purges_dropped += 1;
        }
        if is_taken != must_hold {
            return Err(format!("a purge was taken: {is_taken}; it must be: {must_hold}"));
        }
        Ok(Flow::GoOn)
    }

    fn take_purge(
        &mut self,
        store: &SteppedStore,
        gone: &[(String, Vec<u64>)],
        now: i64,
    ) -> Result<(), String> {
        // All is read before anything is taken over, since the power may go meanwhile.
        let mut told = Vec::new();
        for (name, _) in gone {
            let uid = store.published.directory.by_name(name).ok_or("a workspace vanished")?.uid;
            let shown = shown::read(&store.published, uid);
            let mut shown = shown.inspect_err(|_| {
                self.flight = Some(Flight::Purge(gone.to_vec(), now));
            })?;
            let seq = self.spaces[name].events.len() as u64;
            told.push((name, seq, shown.rows.remove(&seq)));
        }
        self.tally.purges += 1;
        self.tally.purged += purges::take(&mut self.spaces, gone, now, self.true_now)?;
        for (name, seq, row) in told {
            let own = row.filter(|row| row.action == "audit_log.purged");
            let own = own.ok_or_else(|| format!("event {seq} of {name} tells of no purge"))?;
            let space = self.spaces.get_mut(name).ok_or("an unknown workspace")?;
            space.events.push(Known {
                sent: None,
                action: own.action,
                occurred_at: own.occurred_at,
                recorded_at: own.recorded_at,
                from_recorded: false,
                leaf: own.leaf.ok_or("an event without a leaf")?,
                is_gone: false,
            });
        }
        Ok(())
    }

    /// Lets all background work come to its end, and searches every file.
    fn drain(&mut self, store: &mut SteppedStore) -> Result<Flow, String> {
        self.advance(2 * SECOND);
        for round in 0.. {
            if round == 2_000 {
                return Err("background work does not end".to_owned());
            }
            match self.background(store)? {
                (Flow::GoOn, true) => {}
                (Flow::GoOn, false) => break,
                (end, _) => return Ok(end),
            }
        }
        match self.observe_clock(store)? {
            Flow::GoOn => {}
            end => return Ok(end),
        }
        self.check_all(store)?;
        self.search(store).map(|()| Flow::GoOn)
    }
}
