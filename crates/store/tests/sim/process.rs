//! One process of the store, driven step by step on one thread: what its two threads do, in an order
//! that the life decides. The steps are those of `proofbook_testkit::SteppedStore`.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use proofbook_event::{EventDraft, Timestamp};
use proofbook_store::clock::SimClock;
use proofbook_store::codec::Decoder;
use proofbook_store::commit::Batch;
use proofbook_store::config::ConfigChange;
use proofbook_store::log::LogOptions;
use proofbook_store::open::{Machine, OpenError, Options};
use proofbook_store::prepare::{AdmittedPlace, Fate, Prepared, Wanted};
use proofbook_store::random::SimRandom;
use proofbook_store::record::{Record, RewriteKind};
use proofbook_testkit::SteppedStore;

pub(crate) use proofbook_testkit::{Slot, Step, StepError};

use crate::dice::Dice;
use crate::disk::WatchedDisk;
use crate::model::{Answered, Rewrite, RulesAt, SentBatch, SentEvent, Stored};

/// Small enough that a life of some dozens of steps packs, compacts and releases; nothing that
/// retention ended waits for anything.
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

/// The store, running.
pub(crate) struct Process(SteppedStore);

impl Deref for Process {
    type Target = SteppedStore;

    fn deref(&self) -> &SteppedStore {
        &self.0
    }
}

impl DerefMut for Process {
    fn deref_mut(&mut self) -> &mut SteppedStore {
        &mut self.0
    }
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
        SteppedStore::open(&machine, options()).map(Self)
    }

    /// Prepares a request. Events that cannot be looked up, or are outside of retention, are left out,
    /// as their client would be told; any other rejection is a fault of the life itself.
    pub(crate) fn prepare(
        &self,
        change: Option<ConfigChange>,
        events: &[(String, String)],
    ) -> Result<Ready, String> {
        let now = Timestamp::from_micros(self.clock.now_micros());
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
        let mut stored = Stored::of_records(&prepared.whole_records()).into_iter().map(Arc::new);
        let mut sent = SentBatch { change, ..SentBatch::default() };
        for ((workspace, text), place) in events.iter().zip(&prepared.places) {
            match place {
                Ok(AdmittedPlace { fate: Fate::Known(outcome), id, .. }) => {
                    let (workspace, id, text) = (workspace.clone(), id.clone(), text.clone());
                    sent.answered.push(Answered { workspace, id, text, outcome: *outcome });
                }
                Ok(place) => sent.events.push(SentEvent {
                    workspace: workspace.clone(),
                    id: place.id.clone(),
                    text: text.clone(),
                    stored: stored.next().ok_or("fewer events are encoded than were admitted")?,
                }),
                Err(rejected) if ["unavailable", "outside_retention"].contains(&rejected.code) => {}
                Err(rejected) => return Err(format!("rejected: {rejected:?}")),
            }
        }
        Ok(Ready { prepared, sent })
    }

    /// Takes a purge, or a step of an erasure, for a request whose events are those that tell of it.
    pub(crate) fn prepare_rewrite(
        &self,
        prepared: Prepared,
        now: i64,
        planned: RulesAt,
    ) -> Result<Ready, String> {
        let (mut gone, mut by) = (Vec::new(), None);
        let whole = prepared.whole_records();
        let mut records = Decoder::new(&whole);
        while !records.is_empty() {
            let record = Record::decode(&mut records).map_err(|error| error.to_string())?;
            let Record::Rewritten(rewritten) = record else { continue };
            if let RewriteKind::Erased { by: step, .. } = &rewritten.kind {
                by = Some(*step);
            }
            for taken in &rewritten.gone {
                let workspace = self.published.directory.by_uid(taken.workspace);
                let name = workspace.ok_or("a purge of an unknown workspace")?.name.to_string();
                gone.push((name, taken.seqs.iter().cloned().flatten().collect()));
            }
        }
        let rewrite = Some(Rewrite { by, gone, now, planned });
        let events = told_by(&prepared)?;
        Ok(Ready { prepared, sent: SentBatch { events, rewrite, ..SentBatch::default() } })
    }

    /// Takes a change that the store itself prepared for a request.
    pub(crate) fn prepare_change(
        prepared: Prepared,
        change: ConfigChange,
    ) -> Result<Ready, String> {
        let change = Some(change);
        let events = told_by(&prepared)?;
        Ok(Ready { prepared, sent: SentBatch { change, events, ..SentBatch::default() } })
    }

    /// Turns a prepared request into a batch whose answer goes into `slot`.
    pub(crate) fn batch(ready: Ready, slot: &Slot) -> Batch {
        SteppedStore::batch(ready.prepared, slot)
    }

    /// Does the next step of background work.
    pub(crate) fn background_step(&mut self, dice: &mut Dice) -> Result<Step, StepError> {
        self.0.step(&mut |limit| dice.below(limit))
    }
}

/// Returns the events by which the store itself tells of something.
fn told_by(prepared: &Prepared) -> Result<Vec<SentEvent>, String> {
    let mut stored = Stored::of_records(&prepared.whole_records()).into_iter().map(Arc::new);
    let mut events = Vec::new();
    for place in &prepared.places {
        let place = place.as_ref().map_err(|rejected| format!("rejected: {rejected:?}"))?;
        events.push(SentEvent {
            workspace: place.workspace.to_string(),
            id: place.id.clone(),
            text: String::new(),
            stored: stored.next().ok_or("fewer events are encoded than were admitted")?,
        });
    }
    Ok(events)
}
