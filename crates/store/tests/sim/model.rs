//! What a client of the store knows: what it sent, what it was told. Kept outside the store, in the
//! plainest way, it is the oracle for everything that a recovery brings back.

use std::collections::BTreeMap;
use std::sync::Arc;

use proofbook_event::Group;
use proofbook_ledger::Hash;
use proofbook_store::codec::Decoder;
use proofbook_store::config::{ConfigChange, WorkspaceSettings};
use proofbook_store::fold::Outcome;
use proofbook_store::record::{EventParts, Record};
use proofbook_store::segment::Row;

/// The bytes of an event that must come back as they went in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) action: String,
    pub(crate) occurred_at: i64,
    pub(crate) flags: u8,
    pub(crate) outcome: u8,
    pub(crate) run: u32,
    pub(crate) k: u16,
    pub(crate) groups: Vec<(Group, Vec<u8>)>,
}

impl Stored {
    pub(crate) fn of_parts(parts: &EventParts<'_>) -> Self {
        Self {
            action: parts.action.to_owned(),
            occurred_at: parts.occurred_at,
            flags: parts.flags,
            outcome: parts.outcome as u8,
            run: parts.run,
            k: parts.k,
            groups: parts.groups.present().map(|(group, bytes)| (group, bytes.to_vec())).collect(),
        }
    }

    pub(crate) fn of_row(row: &Row<'_>) -> Self {
        Self {
            action: row.action.to_owned(),
            occurred_at: row.occurred_at,
            flags: row.flags,
            outcome: row.outcome as u8,
            run: row.run,
            k: row.k,
            groups: row.groups.present().map(|(group, bytes)| (group, bytes.to_vec())).collect(),
        }
    }

    /// Reads the events out of a prepared batch's records.
    pub(crate) fn of_records(records: &[u8]) -> Vec<Self> {
        let mut stored = Vec::new();
        let mut body = Decoder::new(records);
        while !body.is_empty() {
            let record = Record::decode(&mut body).expect("the store encoded this just now");
            let Some(events) = record.events() else { continue };
            for event in events.iter() {
                let event = event.expect("an event that was just encoded");
                let parts = EventParts::decode(event).expect("an event that was just encoded");
                stored.push(Self::of_parts(&parts));
            }
        }
        stored
    }
}

/// One event as a client sent it.
#[derive(Clone, Debug)]
pub(crate) struct SentEvent {
    pub(crate) workspace: String,
    pub(crate) id: String,
    /// The JSON text: two events with one id are the same event when their texts are.
    pub(crate) text: String,
    pub(crate) stored: Arc<Stored>,
}

/// The rules of what is kept as they were at a moment, by the counts of their changes.
pub(crate) type RulesAt = BTreeMap<String, u64>;

/// A purge that was planned at `now`, by the store's clock.
#[derive(Clone, Debug)]
pub(crate) struct Purge {
    /// Seqs that go, by workspace.
    pub(crate) gone: Vec<(String, Vec<u64>)>,
    pub(crate) now: i64,
    /// The rules when it was planned.
    pub(crate) planned: RulesAt,
}

/// One request: its events, or a change or a purge with the events that tell of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentBatch {
    pub(crate) change: Option<ConfigChange>,
    pub(crate) purge: Option<Purge>,
    pub(crate) events: Vec<SentEvent>,
}

/// An event that is there, with its receipt once there was one.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) stored: Arc<Stored>,
    /// Leaf and recorded_at of the receipt.
    pub(crate) receipt: Option<(Hash, i64)>,
    /// Whether it was purged.
    pub(crate) is_gone: bool,
}

/// One workspace as its client knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Space {
    /// By seq.
    pub(crate) events: Vec<Known>,
    pub(crate) seqs: BTreeMap<String, u64>,
}

/// What must become of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Created(u64),
    Duplicate(u64),
    Conflict(u64),
}

/// Everything that clients know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) spaces: BTreeMap<String, Space>,
    pub(crate) settings: BTreeMap<String, WorkspaceSettings>,
    pub(crate) keys: BTreeMap<String, String>,
    /// The newest head of each workspace that may have been signed: its size and root.
    pub(crate) heads: BTreeMap<String, (u64, Hash)>,
    /// Holds in force: by id the workspace, and the action that is held, or every one.
    pub(crate) holds: BTreeMap<String, (String, Option<String>)>,
    /// Counts the changes of what is kept, by workspace.
    pub(crate) rules: RulesAt,
}

impl Model {
    /// Records a batch and says what must become of each of its events.
    pub(crate) fn apply(&mut self, batch: &SentBatch) -> Vec<Expected> {
        if let Some(purge) = &batch.purge {
            if !self.must_hold(purge) {
                return Vec::new();
            }
            self.take(purge);
        }
        match &batch.change {
            Some(ConfigChange::PutWorkspace { name, settings }) => {
                let before = self.settings.insert(name.clone(), settings.clone());
                if before.unwrap_or_default().retention != settings.retention {
                    *self.rules.entry(name.clone()).or_default() += 1;
                }
            }
            Some(ConfigChange::PutHold { hold }) => {
                let held = hold.filter.strip_prefix("action:").map(str::to_owned);
                self.holds.insert(hold.id.clone(), (hold.workspace.clone(), held));
                *self.rules.entry(hold.workspace.clone()).or_default() += 1;
            }
            Some(ConfigChange::LiftHold { id, workspace }) => {
                self.holds.remove(id);
                *self.rules.entry(workspace.clone()).or_default() += 1;
            }
            Some(ConfigChange::PutKey { key }) => {
                self.keys.insert(key.id.clone(), key.name.clone());
            }
            _ => {}
        }
        batch.events.iter().map(|event| self.apply_event(event)).collect()
    }

    fn apply_event(&mut self, event: &SentEvent) -> Expected {
        let space = self.spaces.entry(event.workspace.clone()).or_default();
        if let Some(seq) = space.seqs.get(&event.id) {
            return match space.events[*seq as usize].text == event.text {
                true => Expected::Duplicate(*seq),
                false => Expected::Conflict(*seq),
            };
        }
        let seq = space.events.len() as u64;
        space.seqs.insert(event.id.clone(), seq);
        space.events.push(Known {
            id: event.id.clone(),
            text: event.text.clone(),
            stored: event.stored.clone(),
            receipt: None,
            is_gone: false,
        });
        Expected::Created(seq)
    }

    /// Tells whether the fold must take a purge: no rule of its workspaces changed since its plan.
    pub(crate) fn must_hold(&self, purge: &Purge) -> bool {
        let same = |name: &String| self.rules.get(name) == purge.planned.get(name);
        purge.gone.iter().all(|(name, _)| same(name))
    }

    /// Says of a purge that will hold whether it may: what goes has ended, and no hold keeps it.
    pub(crate) fn judge(&self, purge: &Purge) -> Result<(), String> {
        for (name, seqs) in &purge.gone {
            let settings = self.settings.get(name).cloned().unwrap_or_default();
            let keep = settings.retention.as_deref().and_then(|text| text.strip_suffix('s'));
            let keep = keep.and_then(|seconds| seconds.parse::<i64>().ok());
            for seq in seqs {
                let known = self.spaces.get(name).and_then(|space| space.events.get(*seq as usize));
                let known = known.ok_or_else(|| format!("{name} has no event {seq} to purge"))?;
                let since = keep.map(|seconds| purge.now - seconds * 1_000_000);
                let is_held = self.holds.values().any(|(workspace, action)| {
                    workspace == name
                        && action.as_ref().is_none_or(|action| *action == known.stored.action)
                });
                let wrong = if known.is_gone {
                    "was purged before"
                } else if since.is_none_or(|since| known.stored.occurred_at >= since) {
                    "is purged early"
                } else if is_held {
                    "is purged under hold"
                } else if known.stored.action.starts_with("audit_log.") {
                    "outlives retention and is purged"
                } else {
                    continue;
                };
                return Err(format!("event {seq} of {name} {wrong}"));
            }
        }
        Ok(())
    }

    fn take(&mut self, purge: &Purge) {
        for (name, seqs) in &purge.gone {
            let Some(space) = self.spaces.get_mut(name) else { continue };
            for seq in seqs {
                let Some(known) = space.events.get_mut(*seq as usize) else { continue };
                known.is_gone = true;
                if space.seqs.get(&known.id) == Some(seq) {
                    space.seqs.remove(&known.id);
                }
            }
        }
    }

    /// Compares a batch's answer with what it must be, and keeps the receipts.
    pub(crate) fn acknowledge(
        &mut self,
        batch: &SentBatch,
        outcomes: &[Outcome],
    ) -> Result<(), String> {
        let expected = self.apply(batch);
        if expected.len() != outcomes.len() {
            return Err(format!("{} events got {} answers", expected.len(), outcomes.len()));
        }
        for ((event, expected), outcome) in batch.events.iter().zip(expected).zip(outcomes) {
            let fits = match (expected, *outcome) {
                (Expected::Created(want), Outcome::Created { seq, leaf, recorded_at }) => {
                    let space = self.spaces.get_mut(&event.workspace).expect("applied above");
                    let known = &mut space.events[want as usize];
                    known.receipt = Some((leaf, recorded_at));
                    seq == want
                }
                (Expected::Duplicate(want), Outcome::Duplicate { seq })
                | (Expected::Conflict(want), Outcome::Conflict { seq }) => seq == want,
                _ => false,
            };
            if !fits {
                return Err(format!(
                    "event {} of {} must be {expected:?} and is {outcome:?}",
                    event.id, event.workspace
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn event_count(&self) -> usize {
        self.spaces.values().map(|space| space.events.len()).sum()
    }
}
