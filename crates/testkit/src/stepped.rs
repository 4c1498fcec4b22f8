//! A store without threads: a test takes the place of both, and decides what is done next.
//!
//! It does what `store::store` and its background thread do, one call of the committer or the packer a
//! step, so that a crash, a change of rules or a request can come between any two. The order of work
//! is the test's; a decision of a purge or an erasure is handed to the test, which commits it like a
//! request.

use std::sync::{Arc, Mutex};

use proofbook_store::aside::{self, Aside};
use proofbook_store::clock::GuardedClock;
use proofbook_store::commit::{Batch, CommitError, Committer, Fatal, PackJob, Published};
use proofbook_store::config::ConfigChange;
use proofbook_store::disk::Lock;
use proofbook_store::erase::{self, Due, ErasePlan, EraseProposal, Eraser};
use proofbook_store::fold::Outcome;
use proofbook_store::log::Position;
use proofbook_store::open::{Machine, OpenError, OpenReport, Opened, Options, open};
use proofbook_store::pack::{PackError, Packer, Proposal};
use proofbook_store::prepare::{Prepared, Preparer};
use proofbook_store::purge::{PurgePlan, PurgeProposal, Purger, Settling};
use proofbook_store::segment_entry::SegmentEntry;

/// An answer as the client of a batch gets it.
pub type Answer = Result<Vec<Outcome>, CommitError>;
/// Where the answer to a batch goes.
pub type Slot = Arc<Mutex<Option<Answer>>>;

/// How far background work is.
enum Background {
    Idle,
    Pack(PackJob),
    Decide(Option<PackJob>, Proposal),
    Snapshot(PackJob, SegmentEntry),
    Release(Position),
    /// A purge was planned at this time, microseconds UTC.
    Planned(PurgePlan, i64),
    /// A step of an erasure was planned at this time, microseconds UTC.
    PlannedErasure(Box<ErasePlan>, i64),
}

/// What a background step did.
pub enum Step {
    /// Nothing that can be seen; there may be more to do.
    Nothing,
    /// There was nothing to do at all.
    Idle,
    /// A segment was written.
    Packed,
    /// A segment became live.
    Decided,
    /// A snapshot was written.
    Snapshot,
    /// Log files went.
    Released,
    /// Segments were merged.
    Compacted,
    /// It was chosen what is to be purged or erased.
    Planned,
    /// A segment was written again: commit it with [`SteppedStore::batch`], then tell
    /// [`SteppedStore::rewrite_answered`]. The time is that of the plan, microseconds UTC.
    Proposed(Box<PurgeProposal>, i64),
    /// As `Proposed`, for a step of an erasure.
    Erases(Box<EraseProposal>, i64),
    /// Nothing is left of what an erasure took: commit that it is complete, then tell
    /// [`SteppedStore::completion_answered`].
    Completes(Box<Prepared>, u64),
    /// What recovery set aside goes with an erasure: commit that, and it is removed by a later step.
    RemovesAside(Box<Prepared>, Box<ConfigChange>),
    /// The log has no space for a decision.
    NoSpace,
}

/// Why a background step did not succeed.
#[derive(Debug)]
pub enum StepError {
    /// It may be tried again.
    Work(String),
    /// The process must end.
    Fatal(Fatal),
}

impl From<PackError> for StepError {
    fn from(error: PackError) -> Self {
        Self::Work(format!("{error:?}"))
    }
}

/// The parts of a store that was opened, and its background work.
pub struct SteppedStore {
    /// The writer of log and fold.
    pub committer: Committer,
    /// The background worker.
    pub packer: Packer,
    /// What requests are prepared with.
    pub preparer: Preparer,
    /// View and directory.
    pub published: Arc<Published>,
    /// The guarded clock.
    pub clock: Arc<GuardedClock>,
    /// What opening found.
    pub report: OpenReport,
    purger: Purger,
    settling: Settling,
    eraser: Eraser,
    /// The erasure that waits until no file is older than a frame.
    leaving_behind: Option<(u64, Position)>,
    /// Whether what was made due to settle is not done yet.
    has_asked: bool,
    background: Background,
    _lock: Lock,
}

impl SteppedStore {
    /// Opens a data directory.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(machine: &Machine, options: Options) -> Result<Self, OpenError> {
        let Opened { committer, packer, preparer, published, clock, report, lock, .. } =
            open(machine, options)?;
        let background = packer.releasable().map_or(Background::Idle, Background::Release);
        let settling = Settling::after_open(&published, &packer);
        Ok(Self {
            committer,
            packer,
            preparer,
            published,
            clock,
            report,
            purger: Purger::new(options.purge_within_micros),
            settling,
            eraser: Eraser::default(),
            leaving_behind: None,
            has_asked: false,
            background,
            _lock: lock,
        })
    }

    /// Turns what was prepared into a batch whose answer goes into `slot`.
    pub fn batch(prepared: Prepared, slot: &Slot) -> Batch {
        let slot = slot.clone();
        let Prepared { records, events, record_count, wanted, hits, sealed, pack_epoch, .. } =
            prepared;
        Batch {
            records,
            events,
            record_count,
            wanted,
            hits,
            sealed,
            pack_epoch,
            heads: Vec::new(),
            outcome_lists: 1,
            reply: Box::new(move |answer| put(&slot, answer)),
        }
    }

    fn pack(&mut self, job: &mut PackJob) -> Result<Proposal, PackError> {
        self.packer.write_workspaces(job)?;
        self.packer.pack(job)
    }

    /// Does the next step of background work; `choose` picks a number below the one it is given.
    ///
    /// # Errors
    /// See [`StepError`].
    pub fn step(&mut self, choose: &mut dyn FnMut(u64) -> u64) -> Result<Step, StepError> {
        match std::mem::replace(&mut self.background, Background::Idle) {
            Background::Idle => self.begin(choose),
            Background::Pack(mut job) => match self.pack(&mut job) {
                Ok(proposal) => {
                    self.background = Background::Decide(Some(job), proposal);
                    Ok(Step::Packed)
                }
                Err(error) => {
                    self.background = Background::Pack(job);
                    Err(error.into())
                }
            },
            Background::Decide(job, proposal) => self.decide(job, proposal),
            Background::Snapshot(job, entry) => {
                self.has_asked = false;
                let before = self.packer.snapshot(job, entry)?;
                self.background = before.map_or(Background::Idle, Background::Release);
                Ok(Step::Snapshot)
            }
            Background::Release(before) => {
                let released = self.committer.release(before);
                let count = released.map_err(|error| StepError::Work(error.to_string()))?;
                Ok(if count > 0 { Step::Released } else { Step::Nothing })
            }
            Background::Planned(plan, now) => {
                let proposal = self.packer.purge(plan, &self.preparer)?;
                Ok(Step::Proposed(Box::new(proposal), now))
            }
            Background::PlannedErasure(plan, now) => {
                let time = proofbook_event::Timestamp::from_micros(now);
                let proposal = self.packer.erase(&plan, &self.preparer, time)?;
                Ok(Step::Erases(Box::new(proposal), now))
            }
        }
    }

    /// Begins with one of the things that may be due, the one after another from a chosen one on; what
    /// was frozen already goes before the rest half of the time.
    fn begin(&mut self, choose: &mut dyn FnMut(u64) -> u64) -> Result<Step, StepError> {
        if let Some(step) = self.complete()? {
            return Ok(step);
        }
        let view = self.published.view();
        let is_erasing = view.config.erasures.values().any(|erasure| erasure.is_running());
        let kinds = if is_erasing { 5 } else { 4 };
        let was_wanted = self.settling.is_wanted();
        let first = choose(kinds);
        for kind in (first..kinds).chain(0..first) {
            let begun = match kind {
                0 => self.begin_job()?,
                1 => self.begin_compaction()?,
                2 => self.begin_purge()?,
                3 => self.begin_settling()?,
                _ => self.begin_erasure()?,
            };
            if let Some(step) = begun {
                return Ok(step);
            }
        }
        // Nothing answers what was asked for; it is asked again.
        let asked_in_vain = std::mem::take(&mut self.has_asked);
        let removed = self.packer.sweep()?;
        // An erasure goes on when nothing is to be settled any more.
        let is_settled = was_wanted && !self.settling.is_wanted();
        let has_more = asked_in_vain || removed > 0 || is_erasing && is_settled;
        Ok(if has_more { Step::Nothing } else { Step::Idle })
    }

    fn begin_job(&mut self) -> Result<Option<Step>, StepError> {
        if let Some(job) = self.committer.take_pack_job() {
            self.background = Background::Pack(job);
            return Ok(Some(Step::Nothing));
        }
        let Some(job) = self.committer.take_snapshot_job() else { return Ok(None) };
        self.has_asked = false;
        let before = self.packer.snapshot_alone(job)?;
        self.background = before.map_or(Background::Idle, Background::Release);
        Ok(Some(Step::Snapshot))
    }

    fn begin_compaction(&mut self) -> Result<Option<Step>, StepError> {
        let Some(inputs) = self.packer.compaction_due() else { return Ok(None) };
        let proposal = self.packer.compact(&inputs)?;
        self.background = Background::Decide(None, proposal);
        Ok(Some(Step::Compacted))
    }

    fn begin_purge(&mut self) -> Result<Option<Step>, StepError> {
        if !self.clock.purge_allowed() {
            return Ok(None);
        }
        let now = self.clock.now_micros();
        let due = self.purger.due(&self.published, &self.preparer, now).map_err(PackError::from)?;
        let Some(plan) = due else { return Ok(None) };
        self.background = Background::Planned(plan, now);
        Ok(Some(Step::Planned))
    }

    fn begin_erasure(&mut self) -> Result<Option<Step>, StepError> {
        let now = self.clock.now_micros();
        let due = self.eraser.due(&self.published, &self.preparer, now).map_err(PackError::from)?;
        match due {
            None | Some(Due::Wait) => Ok(None),
            Some(Due::Pack) => {
                self.committer.freeze_now();
                Ok(Some(Step::Nothing))
            }
            Some(Due::Settle(id)) => {
                let here = self.published.view().position;
                let same = self.leaving_behind.filter(|(leaving, _)| *leaving == id);
                let (_, target) = *self.leaving_behind.insert(same.unwrap_or((id, here)));
                if self.settling.is_wanted() {
                    return Ok(None);
                }
                if let Some(step) = self.complete()? {
                    return Ok(Some(step));
                }
                self.settling.want_file_gone(target);
                Ok(Some(Step::Nothing))
            }
            Some(Due::Step(plan)) => {
                self.leaving_behind = None;
                self.background = Background::PlannedErasure(plan, now);
                Ok(Some(Step::Planned))
            }
        }
    }

    /// Ends an erasure when nothing older than its last step is left.
    fn complete(&mut self) -> Result<Option<Step>, StepError> {
        let Some((id, target)) = self.leaving_behind else { return Ok(None) };
        if self.settling.is_wanted() || !self.packer.is_left_behind(target)? {
            return Ok(None);
        }
        let view = self.published.view();
        let Some(erasure) = view.config.erasures.get(&id) else { return Ok(None) };
        let now = proofbook_event::Timestamp::from_micros(self.clock.now_micros());
        if let Aside::Decide(files) = self.packer.clear_aside(erasure)? {
            let change = ConfigChange::RemoveAside { erasure: id, files: files.clone() };
            let prepared = aside::removal(&self.published, &self.preparer, now, id, files);
            return Ok(Some(Step::RemovesAside(Box::new(prepared), Box::new(change))));
        }
        let prepared = erase::completed(&self.published, &self.preparer, now, id);
        Ok(Some(Step::Completes(Box::new(prepared), id)))
    }

    /// Goes on after the answer to what said that an erasure is complete.
    pub fn completion_answered(&mut self, answer: &Answer) {
        if answer.is_ok() {
            self.leaving_behind = None;
        }
    }

    fn begin_settling(&mut self) -> Result<Option<Step>, StepError> {
        let (now, after) = (self.clock.now_micros(), self.purger.settle_after_micros());
        self.settling.look(&self.published, &self.packer, now, after);
        if self.has_asked {
            return Ok(None);
        }
        let Some(rotate) = self.settling.next(&self.packer) else { return Ok(None) };
        let position = self.committer.settle(rotate).map_err(StepError::Fatal)?;
        if rotate {
            self.settling.rotated_at(position);
        }
        self.has_asked = true;
        Ok(Some(Step::Nothing))
    }

    fn decide(&mut self, job: Option<PackJob>, proposal: Proposal) -> Result<Step, StepError> {
        let slot = Slot::default();
        let reply = slot.clone();
        let batch = Batch {
            records: proposal.record.clone(),
            events: Vec::new(),
            record_count: 1,
            wanted: Vec::new(),
            hits: Vec::new(),
            sealed: Vec::new(),
            heads: Vec::new(),
            pack_epoch: u64::MAX - 1,
            outcome_lists: 0,
            reply: Box::new(move |answer| put(&reply, answer)),
        };
        self.committer.commit(vec![batch]).map_err(StepError::Fatal)?;
        match take(&slot) {
            Some(Ok(_)) => {}
            Some(Err(CommitError::NoSpace)) => {
                self.background = Background::Decide(job, proposal);
                return Ok(Step::NoSpace);
            }
            other => return Err(StepError::Work(format!("a decision was answered {other:?}"))),
        }
        if let Some(job) = job {
            self.background = Background::Snapshot(job, proposal.entry);
        }
        self.packer.accepted(&proposal)?;
        Ok(Step::Decided)
    }

    /// Goes on after the answer to a purge or a step of an erasure; tells whether the fold took it.
    ///
    /// # Errors
    /// See [`StepError`]; the answer holds all the same.
    pub fn rewrite_answered(
        &mut self,
        proposal: &Proposal,
        answer: &Answer,
    ) -> Result<bool, StepError> {
        let id = proposal.entry.id();
        let view = self.published.view();
        let is_live = view.segments.iter().any(|live| live.files().name == id);
        if answer.is_err() || !is_live {
            self.packer.retire(&[id]);
            return Ok(false);
        }
        self.settling.want(view.position);
        self.packer.accepted(proposal)?;
        Ok(true)
    }
}

fn put(slot: &Slot, answer: Answer) {
    *slot.lock().expect("no holder panics") = Some(answer);
}

fn take(slot: &Slot) -> Option<Answer> {
    slot.lock().expect("no holder panics").take()
}
