//! One process of the store, driven step by step on one thread: what its two threads do, in an order
//! that the life decides.

use std::sync::{Arc, Mutex};

use proofbook_event::EventDraft;
use proofbook_store::clock::{GuardedClock, SimClock};
use proofbook_store::commit::{Batch, CommitError, Committer, Fatal, PackJob, Published};
use proofbook_store::config::ConfigChange;
use proofbook_store::disk::Lock;
use proofbook_store::log::{LogOptions, Position};
use proofbook_store::open::{Machine, OpenError, Opened, Options, open};
use proofbook_store::pack::{PackError, Packer, Proposal};
use proofbook_store::prepare::{Prepared, Preparer, Wanted};
use proofbook_store::random::SimRandom;
use proofbook_store::segment_entry::SegmentEntry;

use crate::dice::Dice;
use crate::disk::WatchedDisk;
use crate::model::{Answer, SentBatch, SentEvent, Stored};

/// Small enough that a life of some dozens of steps packs, compacts and releases.
pub(crate) fn options() -> Options {
    Options {
        log: LogOptions { file_bytes: 6 * 1024 },
        recent_pack_bytes: 6 * 1024,
        reserve_bytes: 0,
        cache_bytes: 64 * 1024,
        compact_fan_in: 3,
        store_key: None,
        purge_within_micros: 0,
    }
}

/// A prepared request, with what its client knows of it.
pub(crate) struct Ready {
    prepared: Prepared,
    pub(crate) sent: SentBatch,
}

/// Where the answer to a batch goes.
pub(crate) type Slot = Arc<Mutex<Option<Answer>>>;

/// How far background work is; each step does one call of the packer or the committer.
enum Background {
    Idle,
    Pack(PackJob),
    Decide(Option<PackJob>, Proposal),
    Snapshot(PackJob, SegmentEntry),
    Release(Position),
}

/// What a background step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    Packed,
    Decided,
    Snapshot,
    Released,
    Compacted,
    Swept,
    NoSpace,
}

/// Why a background step did not succeed.
#[derive(Debug)]
pub(crate) enum StepError {
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

/// The store, running.
pub(crate) struct Process {
    pub(crate) committer: Committer,
    pub(crate) packer: Packer,
    pub(crate) preparer: Preparer,
    pub(crate) published: Arc<Published>,
    pub(crate) clock: Arc<GuardedClock>,
    background: Background,
    _lock: Lock,
}

impl Process {
    /// Starts on a disk; `random_seed` is never used for two processes of one life.
    pub(crate) fn start(
        disk: WatchedDisk,
        clock: &SimClock,
        random_seed: u64,
    ) -> Result<Self, OpenError> {
        let machine = Machine {
            disk: Arc::new(disk),
            clock: Arc::new(clock.clone()),
            random: Arc::new(SimRandom::new(random_seed)),
        };
        let Opened { committer, packer, preparer, published, clock, lock, .. } =
            open(&machine, options())?;
        Ok(Self {
            committer,
            packer,
            preparer,
            published,
            clock,
            background: Background::Idle,
            _lock: lock,
        })
    }

    /// Prepares a request. Events that cannot be looked up are left out, as their client would be
    /// told; any other rejection is a fault of the life itself.
    pub(crate) fn prepare(
        &self,
        change: Option<ConfigChange>,
        events: &[(String, String)],
    ) -> Result<Ready, String> {
        let now = proofbook_event::Timestamp::from_micros(self.clock.now_micros());
        let mut wanted = Vec::new();
        for (workspace, text) in events {
            let draft = EventDraft::parse(text.as_bytes())
                .map_err(|error| format!("{error:?} of {text}"))?;
            wanted.push(Wanted { workspace, draft });
        }
        let prepared = match (change.clone(), wanted.pop()) {
            (Some(change), Some(event)) => {
                self.preparer.prepare_change(&self.published, now, change, event)
            }
            (_, last) => {
                wanted.extend(last);
                let wanted = wanted.into_iter().map(Ok).collect();
                self.preparer.prepare(&self.published, now, true, wanted)
            }
        };
        let mut stored = Stored::of_records(&prepared.records).into_iter().map(Arc::new);
        let mut sent = SentBatch { change, events: Vec::new() };
        for ((workspace, text), place) in events.iter().zip(&prepared.places) {
            match place {
                Ok(place) => sent.events.push(SentEvent {
                    workspace: workspace.clone(),
                    id: place.id.clone(),
                    text: text.clone(),
                    stored: stored.next().ok_or("fewer events are encoded than were admitted")?,
                }),
                Err(rejected) if rejected.code == "unavailable" => {}
                Err(rejected) => return Err(format!("rejected: {rejected:?}")),
            }
        }
        Ok(Ready { prepared, sent })
    }

    /// Turns a prepared request into a batch whose answer goes into `slot`.
    pub(crate) fn batch(ready: Ready, slot: &Slot) -> Batch {
        let slot = slot.clone();
        let Prepared { records, record_count, wanted, hits, sealed, pack_epoch, .. } =
            ready.prepared;
        Batch {
            records,
            record_count,
            wanted,
            hits,
            sealed,
            pack_epoch,
            heads: Vec::new(),
            outcome_lists: 1,
            reply: Box::new(move |answer| {
                *slot.lock().expect("no holder panics") = Some(answer);
            }),
        }
    }

    /// Does the next step of background work.
    pub(crate) fn background_step(&mut self, dice: &mut Dice) -> Result<Step, StepError> {
        match std::mem::replace(&mut self.background, Background::Idle) {
            Background::Idle => self.begin(dice),
            Background::Pack(job) => match self.packer.pack(&job) {
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
                if let Some(before) = self.packer.snapshot(job, entry)? {
                    self.background = Background::Release(before);
                }
                Ok(Step::Snapshot)
            }
            Background::Release(before) => {
                let released = self.committer.release(before);
                let count = released.map_err(|error| StepError::Work(error.to_string()))?;
                Ok(if count > 0 { Step::Released } else { Step::Nothing })
            }
        }
    }

    fn begin(&mut self, dice: &mut Dice) -> Result<Step, StepError> {
        let inputs = self.packer.compaction_due();
        let compact_first = inputs.is_some() && dice.once_in(2);
        if !compact_first && let Some(job) = self.committer.take_pack_job() {
            self.background = Background::Pack(job);
            return Ok(Step::Nothing);
        }
        if let Some(inputs) = inputs {
            let proposal = self.packer.compact(&inputs)?;
            self.background = Background::Decide(None, proposal);
            return Ok(Step::Compacted);
        }
        self.packer.sweep()?;
        Ok(Step::Swept)
    }

    fn decide(&mut self, job: Option<PackJob>, proposal: Proposal) -> Result<Step, StepError> {
        let slot = Slot::default();
        let reply = slot.clone();
        let batch = Batch {
            records: proposal.record.clone(),
            record_count: 1,
            wanted: Vec::new(),
            hits: Vec::new(),
            sealed: Vec::new(),
            heads: Vec::new(),
            pack_epoch: u64::MAX - 1,
            outcome_lists: 0,
            reply: Box::new(move |answer| {
                *reply.lock().expect("no holder panics") = Some(answer);
            }),
        };
        self.committer.commit(vec![batch]).map_err(StepError::Fatal)?;
        let answer = slot.lock().expect("no holder panics").take();
        match answer {
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
}
