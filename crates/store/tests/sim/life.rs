//! One life of a store, from an empty disk on: requests, background work, restarts, power cuts,
//! failing calls and full disks, all from one seed.

use std::collections::BTreeMap;
use std::sync::Arc;

use proofbook_store::clock::SimClock;
use proofbook_store::commit::CommitError;
use proofbook_store::config::ConfigChange;
use proofbook_store::disk::sim::{CallKind, Calls, CrashMode, Fault, SimDisk};
use proofbook_store::erase::EraseProposal;
use proofbook_store::pack::Proposal;
use proofbook_store::purge::PurgeProposal;

use crate::branch::{Side, Tally, refusal};
use crate::check;
use crate::dice::Dice;
use crate::disk::{DiskBug, WatchedDisk};
use crate::model::{Model, RulesAt};
use crate::process::{Process, Ready, Slot, Step, StepError};

mod requests;
mod rewrites;

/// How a life is led.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// Steps from birth to death.
    pub(crate) steps: u64,
    /// A call of the disk is a crash point once in so many.
    pub(crate) crash_once_in: u64,
    /// Whether calls fail and disks fill.
    pub(crate) weather: bool,
    /// The one call that fails: in which process, and which of those that can fail so.
    pub(crate) fault: Option<(Fault, u64, u64)>,
    pub(crate) bug: Option<DiskBug>,
}

/// Where a life broke a promise.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) seed: u64,
    pub(crate) reason: String,
    /// The newest calls on the disk, oldest first.
    pub(crate) calls: Vec<String>,
}

/// Leads one life to its end.
pub(crate) fn live(plan: Plan) -> Result<Tally, Box<Violation>> {
    let mut life = Life::begin(plan);
    let lived = life.run();
    let mut tally = life.side.tally();
    tally.add(&life.tally);
    match lived.err().or_else(|| life.side.violation()) {
        None => Ok(tally),
        Some(reason) => {
            let calls = life.disk.trace();
            let calls = calls.iter().rev().filter(|call| call.kind.is_mutating()).take(25);
            let mut calls: Vec<String> = calls.map(ToString::to_string).collect();
            calls.reverse();
            Err(Box::new(Violation { seed: plan.seed, reason, calls }))
        }
    }
}

const WORKSPACES: [&str; 3] = ["acme", "beta", "gamma.eu"];

struct Life {
    plan: Plan,
    dice: Dice,
    clock: SimClock,
    disk: SimDisk,
    side: Arc<Side>,
    tally: Tally,
    /// Requests that were prepared and not handed over yet.
    held: Vec<Ready>,
    /// The rules when the purge or erasure was planned that is to be written.
    planned: RulesAt,
    /// A purge or a step of an erasure that is written and not in the log yet.
    rewrite: Option<(Ready, Proposal)>,
    /// Seeds of runs of keys, by workspace and number, from before erasures destroyed some of them.
    seeds: BTreeMap<(String, u32), [u8; 32]>,
    next_id: u64,
    /// Whether the disk is or was full in this process, so that anything may have been refused.
    disturbed: bool,
    /// Whether the disk has a size now.
    full: bool,
    /// Files that a crash left half-written before this process.
    half_written: Vec<String>,
    /// How many calls the disk answers before the power goes.
    off_after: Option<u64>,
    /// How many processes there were before this one.
    processes: u64,
}

/// What a step led to.
enum After {
    GoOn,
    /// The process ended or must end; the disk crashes in this way.
    Crash(CrashMode),
    /// It stopped in order.
    Restart,
}

impl Life {
    fn begin(plan: Plan) -> Self {
        let mut dice = Dice::new(plan.seed);
        let clock = SimClock::new(1_800_000_000_000_000);
        let disk = SimDisk::new(dice.any());
        let side = Side::new(plan.seed, clock.clone(), plan.bug, plan.crash_once_in);
        Self {
            plan,
            dice,
            clock,
            disk,
            side,
            tally: Tally { lives: 1, ..Tally::default() },
            held: Vec::new(),
            planned: RulesAt::new(),
            rewrite: None,
            seeds: BTreeMap::new(),
            next_id: 0,
            disturbed: false,
            full: false,
            half_written: Vec::new(),
            off_after: None,
            processes: 0,
        }
    }

    fn run(&mut self) -> Result<(), String> {
        let mut steps = self.plan.steps;
        while steps > 0 && self.side.violation().is_none() {
            let after = self.one_process(&mut steps);
            self.tally.faults += self.disk.faults_struck();
            self.processes += 1;
            let after = after?;
            if self.side.violation().is_some() {
                break;
            }
            self.held.clear();
            self.rewrite = None;
            self.side.shows(None);
            match after {
                After::GoOn => {}
                After::Restart => {
                    self.tally.restarts += 1;
                    self.disk = self.disk.crash(CrashMode::ProcessOnly);
                }
                After::Crash(mode) => {
                    self.tally.crashes += 1;
                    self.disk = self.disk.crash(mode);
                }
            }
        }
        self.tally.events = self.side.journal().model.event_count() as u64;
        Ok(())
    }

    /// Starts a process, uses it until it ends, and returns how it ended.
    fn one_process(&mut self, steps: &mut u64) -> Result<After, String> {
        self.disturbed = self.full;
        self.off_after = None;
        if self.dice.once_in(2) {
            let far = if self.dice.once_in(4) { 60 } else { 400 };
            let calls = self.dice.below(far);
            self.disk.crash_after(calls);
            self.off_after = Some(calls);
        }
        if let Some((fault, process, nth)) = self.plan.fault {
            if process == self.processes {
                self.disk.inject(fault, Calls::any().nth(nth));
            }
        } else if self.plan.weather {
            self.plan_fault();
        }
        self.half_written = self.disk.files();
        self.half_written.retain(|path| path.ends_with(".tmp"));
        self.tally.recoveries += 1;
        let watched = WatchedDisk {
            disk: self.disk.clone(),
            watch: Some(self.side.watch()),
            bug: self.plan.bug,
        };
        let started = Process::start(watched, &self.clock, self.dice.any());
        let mut process = match started {
            Ok(process) => process,
            Err(_) if self.is_off() => return Ok(After::Crash(self.dice.pick(&CRASHES))),
            Err(_) if self.fault_struck() => {
                return Ok(After::Crash(self.dice.pick(&CRASHES)));
            }
            Err(error) => return Err(refusal(&error)),
        };
        if !self.adopt(&process)? {
            return Ok(After::Crash(self.dice.pick(&CRASHES)));
        }
        self.side.shows(Some(process.published.clone()));
        while *steps > 0 && self.side.violation().is_none() {
            *steps -= 1;
            self.clock.advance(self.dice.below(100_000));
            match self.step(&mut process)? {
                After::GoOn if self.is_off() => return Ok(After::Crash(self.dice.pick(&POWER))),
                After::GoOn => {}
                end => return Ok(end),
            }
        }
        let journal = self.side.journal();
        match check::world_of(&process.published, &[&journal.model], true) {
            Err(reason) if !self.fault_struck() && !self.is_off() => return Err(reason),
            _ => {}
        }
        drop(journal);
        if !self.fault_struck() && !self.is_off() {
            self.settle(&mut process)?;
        }
        if self.is_off() || self.side.violation().is_some() {
            return Ok(After::Crash(self.dice.pick(&POWER)));
        }
        Ok(After::GoOn)
    }

    /// Finds out which world a start recovered, and makes it the only one; false when it cannot be
    /// read now.
    fn adopt(&mut self, process: &Process) -> Result<bool, String> {
        let worlds = self.side.journal().worlds();
        let references: Vec<&Model> = worlds.iter().collect();
        let shown = check::world_of(&process.published, &references, false);
        // A read that fails is no wrong answer; the next process looks again.
        let may_fail = self.is_off() || self.fault_struck();
        let world = match shown {
            Ok(world) => world,
            Err(reason) if may_fail && reason.contains("cannot be read") => return Ok(false),
            Err(reason) => return Err(format!("after a start: {reason}")),
        };
        let mut model = worlds[world].clone();
        let is_unsettled = !self.side.journal().flight.is_empty();
        if is_unsettled && let Err(reason) = check::fill_receipts(&process.published, &mut model) {
            // The fault may have struck just now.
            return if self.is_off() || self.fault_struck() { Ok(false) } else { Err(reason) };
        }
        let mut journal = self.side.journal();
        journal.model = model;
        journal.flight.clear();
        Ok(true)
    }

    /// Prepares a request, and judges what is answered at once.
    fn prepare(
        &self,
        process: &Process,
        change: Option<ConfigChange>,
        events: &[(String, String)],
    ) -> Result<Ready, String> {
        let ready = process.prepare(change, events)?;
        self.side.journal().model.judge_answered(&ready.sent)?;
        Ok(ready)
    }

    fn is_off(&self) -> bool {
        self.off_after.is_some_and(|calls| self.disk.calls() > calls)
    }

    fn fault_struck(&self) -> bool {
        self.disturbed || self.disk.faults_struck() > 0
    }

    fn plan_fault(&mut self) {
        const ANYWHERE: [Fault; 8] = [
            Fault::Eio,
            Fault::EioButDone,
            Fault::Enospc,
            Fault::Emfile,
            Fault::Eintr,
            Fault::Short,
            Fault::SyncLosesPages,
            Fault::SyncRevertsPages,
        ];
        match self.dice.below(3) {
            0 => {
                // A disk that lies. Where the store reads back what it wrote, it must notice.
                let fault = self.dice.pick(&[Fault::FlipBitOnSync, Fault::LoseWriteOnSync]);
                let dir = self.dice.pick(&["segments/", "snapshots/"]);
                let nth = self.dice.below(3) + 1;
                self.disk.inject(fault, Calls::of(CallKind::SyncData).on(dir).nth(nth));
            }
            1 => {
                let fault = self.dice.pick(&[Fault::SyncLosesPages, Fault::SyncRevertsPages]);
                let nth = self.dice.below(24) + 1;
                self.disk.inject(fault, Calls::of(CallKind::SyncData).nth(nth));
            }
            _ => {
                let far = if self.dice.once_in(3) { 40 } else { 250 };
                let nth = self.dice.below(far) + 1;
                self.disk.inject(self.dice.pick(&ANYWHERE), Calls::any().nth(nth));
            }
        }
    }

    fn step(&mut self, process: &mut Process) -> Result<After, String> {
        match self.dice.below(100) {
            0..40 => {
                let count = self.dice.below(3) + 1;
                let mut group = Vec::new();
                for _ in 0..count {
                    let request = self.request();
                    group.push(self.prepare(process, None, &request)?);
                }
                self.commit(process, group)
            }
            40..46 => {
                let request = self.request();
                let ready = self.prepare(process, None, &request)?;
                self.held.push(ready);
                if self.dice.once_in(2) {
                    // A client that gave up waiting sends it again, and the first one comes late.
                    let again = self.prepare(process, None, &request)?;
                    return self.commit(process, vec![again]);
                }
                Ok(After::GoOn)
            }
            46..51 => {
                let group = std::mem::take(&mut self.held);
                if group.is_empty() { Ok(After::GoOn) } else { self.commit(process, group) }
            }
            51..56 => {
                let (change, event) = self.change();
                let ready = self.prepare(process, Some(change), &[event])?;
                self.commit(process, vec![ready])
            }
            56..60 => match process.committer.mark() {
                Ok(()) => Ok(After::GoOn),
                Err(fatal) => self.ended(process, format!("{fatal:?}")),
            },
            60..62 => {
                process.committer.freeze_now();
                Ok(After::GoOn)
            }
            62..92 => {
                for _ in 0..=self.dice.below(6) {
                    match self.background(process)? {
                        After::GoOn => {}
                        end => return Ok(end),
                    }
                }
                Ok(After::GoOn)
            }
            92..94 => {
                let micros = self.dice.below(7_200_000_000) as i64 - 3_600_000_000;
                self.clock.jump_wall(micros);
                Ok(After::GoOn)
            }
            94..96 if self.plan.weather => {
                self.fill_or_free();
                Ok(After::GoOn)
            }
            96..98 => match process.committer.mark() {
                Ok(()) => Ok(After::Restart),
                Err(fatal) => self.ended(process, format!("{fatal:?}")),
            },
            98 => Ok(After::Crash(self.dice.pick(&CRASHES))),
            _ => {
                let journal = self.side.journal();
                match check::world_of(&process.published, &[&journal.model], false) {
                    Err(reason) if !self.fault_struck() && !self.is_off() => Err(reason),
                    _ => Ok(After::GoOn),
                }
            }
        }
    }

    fn background(&mut self, process: &mut Process) -> Result<After, String> {
        if self.rewrite.is_some() {
            // Often something comes between.
            return match self.dice.below(4) {
                0 => self.decide_rewrite(process),
                1 => {
                    let (change, event) = self.change();
                    let ready = self.prepare(process, Some(change), &[event])?;
                    self.commit(process, vec![ready])
                }
                _ => Ok(After::GoOn),
            };
        }
        match process.background_step(&mut self.dice) {
            Ok(Step::Proposed(proposal, now)) => {
                let PurgeProposal { prepared, proposal, .. } = *proposal;
                self.proposed(process, prepared, proposal, now)?;
                Ok(After::GoOn)
            }
            Ok(Step::Erases(proposal, now)) => {
                let EraseProposal { prepared, proposal } = *proposal;
                self.proposed(process, prepared, proposal, now)?;
                Ok(After::GoOn)
            }
            Ok(Step::RemovesAside(prepared, change)) => {
                self.remove_aside(process, *prepared, *change)
            }
            Ok(Step::Completes(prepared, id)) => self.complete(process, *prepared, id),
            Ok(step) => {
                match step {
                    Step::Packed => self.tally.packs += 1,
                    Step::Compacted => self.tally.compactions += 1,
                    Step::Snapshot => self.tally.snapshots += 1,
                    Step::Released => self.tally.releases += 1,
                    Step::NoSpace => self.tally.no_space += 1,
                    Step::Decided => {
                        let journal = self.side.journal();
                        check::world_of(&process.published, &[&journal.model], false)
                            .map(drop)
                            .or_else(|reason| match self.fault_struck() || self.is_off() {
                                true => Ok(()),
                                false => Err(format!("after a decision: {reason}")),
                            })?;
                    }
                    Step::Planned => self.planned = self.side.journal().model.rules.clone(),
                    Step::Nothing | Step::Idle => {}
                    Step::Proposed(..) | Step::Erases(..) => {}
                    Step::RemovesAside(..) | Step::Completes(..) => {}
                }
                Ok(After::GoOn)
            }
            Err(StepError::Work(_)) if self.is_off() || self.disk.faults_struck() > 0 => {
                Ok(After::GoOn)
            }
            // A full disk is refused space and nothing else, so nothing may be left lying about.
            Err(StepError::Work(_)) if self.disturbed => {
                let files = self.disk.files().into_iter();
                let mut new = files.filter(|path| !self.half_written.contains(path));
                match new.find(|path| path.ends_with(".tmp")) {
                    Some(path) => Err(format!("{path} stays on a full disk")),
                    None => Ok(After::GoOn),
                }
            }
            Err(StepError::Work(reason)) => Err(format!("background work failed: {reason}")),
            Err(StepError::Fatal(fatal)) => self.ended(process, format!("{fatal:?}")),
        }
    }

    /// Commits requests as one group and settles what their clients were told.
    fn commit(&mut self, process: &mut Process, group: Vec<Ready>) -> Result<After, String> {
        self.tally.groups += 1;
        let mut batches = Vec::new();
        for ready in group {
            let slot = Slot::default();
            self.side.journal().flight.push((ready.sent.clone(), slot.clone()));
            batches.push(Process::batch(ready, &slot));
        }
        let mut wanted = Vec::new();
        if self.dice.once_in(4)
            && let Some(batch) = batches.first_mut()
        {
            wanted.push(self.dice.pick(&WORKSPACES));
            let workspace =
                wanted.iter().filter_map(|name| process.published.directory.by_name(name));
            batch.heads = workspace.map(|workspace| workspace.uid).collect();
        }
        let committed = process.committer.commit(batches);
        let mut journal = self.side.journal();
        let flight = std::mem::take(&mut journal.flight);
        for (batch, slot) in flight {
            let answer = slot.lock().expect("no holder panics").take();
            match answer {
                Some(Ok(_)) if journal.model.has_erased_copy(&batch) => {
                    return Err("a copy of an erased event was written to the log".to_owned());
                }
                Some(Ok(outcomes)) => journal.model.acknowledge(&batch, &outcomes)?,
                Some(Err(CommitError::NoSpace)) => self.tally.no_space += 1,
                Some(Err(CommitError::Busy)) if self.fault_struck() => {}
                // Its client sends it again, and is then told that it is known.
                Some(Err(CommitError::Busy)) if journal.model.has_erased_copy(&batch) => {
                    self.tally.copies_refused += 1;
                }
                None | Some(Err(CommitError::Unknown)) if committed.is_err() => {
                    journal.flight.push((batch, slot));
                }
                other => return Err(format!("a batch was answered {other:?}")),
            }
        }
        if committed.is_ok() {
            // What the directory has may be signed and leave the house.
            for name in wanted {
                let workspace = process.published.directory.by_name(name);
                let signing = workspace.and_then(|workspace| workspace.signing.clone());
                if let Some(newest) = signing.and_then(|signing| signing.newest().copied()) {
                    journal.model.heads.insert(name.to_owned(), (newest.size, newest.root));
                    self.tally.heads += 1;
                }
            }
        }
        drop(journal);
        match committed {
            Ok(()) => Ok(After::GoOn),
            Err(fatal) => self.ended(process, format!("{fatal:?}")),
        }
    }

    /// A process that failed acknowledges nothing any more; then it ends.
    fn ended(&mut self, process: &mut Process, fatal: String) -> Result<After, String> {
        if !self.is_off() {
            if !self.fault_struck() {
                return Err(format!("the store stopped without a reason: {fatal}"));
            }
            let request = self.request();
            let ready = self.prepare(process, None, &request)?;
            let (slot, empty) = (Slot::default(), ready.sent.events.is_empty());
            let went_on = process.committer.commit(vec![Process::batch(ready, &slot)]).is_ok();
            let answer = slot.lock().expect("no holder panics").take();
            if went_on || (matches!(answer, Some(Ok(_))) && !empty) {
                return Err(format!("it went on after {fatal}: {answer:?}"));
            }
        }
        Ok(After::Crash(self.dice.pick(&CRASHES)))
    }

    fn fill_or_free(&mut self) {
        if self.dice.once_in(2) {
            let used: usize = self
                .disk
                .files()
                .iter()
                .filter_map(|path| self.disk.visible_bytes(path))
                .map(|bytes| bytes.len())
                .sum();
            self.disk.set_capacity(Some(used as u64 + self.dice.below(20_000)));
            (self.disturbed, self.full) = (true, true);
        } else {
            self.disk.set_capacity(None);
            self.full = false;
        }
    }
}

/// Ways in which the power goes.
const POWER: [CrashMode; 5] = CrashMode::POWER_CUTS;
/// Ways in which a process ends.
const CRASHES: [CrashMode; 6] = [
    CrashMode::LoseUnsynced,
    CrashMode::KeepAll,
    CrashMode::RandomSubset,
    CrashMode::Torn512,
    CrashMode::Torn4096,
    CrashMode::ProcessOnly,
];
