//! What a client of the store knows: what it sent, what it was told. Kept outside the store, in the
//! plainest way, it is the oracle for everything that a recovery brings back.

use std::collections::BTreeMap;
use std::sync::Arc;

use proofbook_event::Group;
use proofbook_ledger::Hash;
use proofbook_store::codec::Decoder;
use proofbook_store::config::{ConfigChange, Erasure, WorkspaceSettings};
use proofbook_store::fold::Outcome;
use proofbook_store::record::{EventParts, Record, flag};
use proofbook_store::segment::{GroupSet, Row};
use proofbook_store::withheld::ErasureStep;

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

    /// Returns which groups it has.
    pub(crate) fn groups(&self) -> GroupSet {
        GroupSet::of(self.groups.iter().map(|(group, _)| *group))
    }

    /// Returns what must be left of it without some groups.
    pub(crate) fn without(&self, erased: GroupSet) -> Self {
        let mut left = self.clone();
        left.groups.retain(|(group, _)| !erased.contains(*group));
        // The name of an action that no catalog declares is in the group of the description.
        if erased.contains(Group::Description) && self.flags & flag::ACTION_LISTED == 0 {
            left.action = "other".to_owned();
        }
        left
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

/// A purge, or a step of an erasure, that was planned at `now`, by the store's clock.
#[derive(Clone, Debug)]
pub(crate) struct Rewrite {
    /// The erasure's step; none for a purge.
    pub(crate) by: Option<ErasureStep>,
    /// Seqs that go or lose something, by workspace.
    pub(crate) gone: Vec<(String, Vec<u64>)>,
    pub(crate) now: i64,
    /// The rules when it was planned.
    pub(crate) planned: RulesAt,
}

/// An erasure as who asked for it knows it.
#[derive(Clone, Debug)]
pub(crate) struct Erasing {
    pub(crate) workspace: String,
    pub(crate) targets: BTreeMap<u64, GroupSet>,
    pub(crate) steps: usize,
    pub(crate) is_complete: bool,
}

impl Erasing {
    fn of(erasure: &Erasure) -> Self {
        let each = |target: &proofbook_store::config::ErasureTarget| {
            let groups = GroupSet::from_bits(target.groups);
            (target.seq..target.seq + target.count).map(move |seq| (seq, groups))
        };
        Self {
            workspace: erasure.workspace.clone(),
            targets: erasure.targets.iter().flat_map(each).collect(),
            steps: 0,
            is_complete: false,
        }
    }
}

/// One request: its events, or a change, a purge or an erasure's step with the events that tell of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentBatch {
    pub(crate) change: Option<ConfigChange>,
    pub(crate) rewrite: Option<Rewrite>,
    pub(crate) events: Vec<SentEvent>,
    /// Copies of erased events, which were answered before anything was written of them.
    pub(crate) answered: Vec<Answered>,
}

/// A copy of an event of which something was erased, and what its client was told at once.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) workspace: String,
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) outcome: Outcome,
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
    /// What was erased of it.
    pub(crate) erased: GroupSet,
}

impl Known {
    /// Returns the groups of a set that are there and not erased.
    fn left_of(&self, groups: GroupSet) -> GroupSet {
        let gone = |group: Group| self.erased.contains(group) || self.is_gone;
        let there = self.stored.groups().intersection(groups);
        GroupSet::of(Group::ALL.into_iter().filter(|g| there.contains(*g) && !gone(*g)))
    }

    /// Tells whether its action is one that nothing takes from the log.
    fn outlives(&self) -> bool {
        self.stored.action.starts_with("audit_log.")
    }
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
    /// Erasures that were asked for.
    pub(crate) erasures: BTreeMap<u64, Erasing>,
}

impl Model {
    /// Records a batch and says what must become of each of its events.
    pub(crate) fn apply(&mut self, batch: &SentBatch) -> Vec<Expected> {
        if let Some(rewrite) = &batch.rewrite {
            if !self.must_hold(rewrite) {
                return Vec::new();
            }
            match rewrite.by {
                None => self.purge(rewrite),
                Some(by) => self.erase(rewrite, by),
            }
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
            Some(ConfigChange::PutErasure { erasure }) => {
                self.erasures.entry(erasure.id).or_insert_with(|| Erasing::of(erasure));
            }
            Some(ConfigChange::CompleteErasure { id, .. }) => {
                if let Some(erasing) = self.erasures.get_mut(id) {
                    erasing.is_complete = true;
                }
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
            erased: GroupSet::NONE,
        });
        Expected::Created(seq)
    }

    /// Says whether copies of erased events were answered as what they are.
    pub(crate) fn judge_answered(&self, batch: &SentBatch) -> Result<(), String> {
        for Answered { workspace, id, text, outcome } in &batch.answered {
            let known = self.spaces.get(workspace).and_then(|space| {
                let seq = *space.seqs.get(id)?;
                Some((seq, space.events.get(seq as usize)?))
            });
            let fits = known.is_some_and(|(seq, known)| {
                let right = match known.text == *text {
                    true => Outcome::Duplicate { seq },
                    false => Outcome::Conflict { seq },
                };
                !known.erased.is_empty() && *outcome == right
            });
            if !fits {
                return Err(format!("a copy of {id} of {workspace} was answered {outcome:?}"));
            }
        }
        Ok(())
    }

    /// Tells whether the fold must take a purge or a step of an erasure: no rule of its workspaces changed
    /// since its plan, and the step is the next one.
    pub(crate) fn must_hold(&self, rewrite: &Rewrite) -> bool {
        let same = |name: &String| self.rules.get(name) == rewrite.planned.get(name);
        let is_next = |by: ErasureStep| {
            let erasing = self.erasures.get(&by.erasure);
            erasing.is_some_and(|known| !known.is_complete && known.steps == usize::from(by.step))
        };
        rewrite.by.is_none_or(is_next) && rewrite.gone.iter().all(|(name, _)| same(name))
    }

    /// Says of a purge or a step that will hold whether it may: what is purged has ended, what is erased
    /// was asked for, and no hold keeps it.
    pub(crate) fn judge(&self, rewrite: &Rewrite) -> Result<(), String> {
        let erasing = rewrite.by.and_then(|by| self.erasures.get(&by.erasure));
        for (name, seqs) in &rewrite.gone {
            let settings = self.settings.get(name).cloned().unwrap_or_default();
            let keep = settings.retention.as_deref().and_then(|text| text.strip_suffix('s'));
            let keep = keep.and_then(|seconds| seconds.parse::<i64>().ok());
            let since = keep.map(|seconds| rewrite.now - seconds * 1_000_000);
            for seq in seqs {
                let known = self.spaces.get(name).and_then(|space| space.events.get(*seq as usize));
                let known = known.ok_or_else(|| format!("{name} has no event {seq} to take"))?;
                let asked = erasing.filter(|erasing| erasing.workspace == *name);
                let asked = asked.and_then(|erasing| erasing.targets.get(seq));
                let wrong = if known.is_gone {
                    "was purged before"
                } else if rewrite.by.is_some()
                    && asked.is_none_or(|groups| known.left_of(*groups).is_empty())
                {
                    "has nothing that was to be erased"
                } else if rewrite.by.is_none()
                    && since.is_none_or(|since| known.stored.occurred_at >= since)
                {
                    "is purged early"
                } else if self.is_held(name, known) {
                    "is taken under hold"
                } else if known.outlives() {
                    "outlives everything and is taken"
                } else {
                    continue;
                };
                return Err(format!("event {seq} of {name} {wrong}"));
            }
        }
        Ok(())
    }

    /// Says whether an erasure may be called complete: nothing is left that it asked for.
    pub(crate) fn judge_complete(&self, id: u64) -> Result<(), String> {
        match self.left_to_erase(id).first() {
            Some((seq, _)) => Err(format!("an erasure is called complete without event {seq}")),
            None => Ok(()),
        }
    }

    /// Returns the events of an erasure that still have something it asked for, and whether a hold keeps
    /// them.
    pub(crate) fn left_to_erase(&self, id: u64) -> Vec<(u64, bool)> {
        let mut left = Vec::new();
        let Some(erasing) = self.erasures.get(&id) else { return left };
        let Some(space) = self.spaces.get(&erasing.workspace) else { return left };
        for (seq, groups) in &erasing.targets {
            let Some(known) = space.events.get(*seq as usize) else { continue };
            if !known.left_of(*groups).is_empty() && !known.outlives() {
                left.push((*seq, self.is_held(&erasing.workspace, known)));
            }
        }
        left
    }

    /// Tells whether a hold keeps an event, as what is left of it has it.
    fn is_held(&self, workspace: &str, known: &Known) -> bool {
        let action = known.stored.without(known.erased).action;
        let mut holds = self.holds.values();
        holds.any(|(of, held)| of == workspace && held.as_ref().is_none_or(|held| *held == action))
    }

    /// Tells whether a batch has an event of which something was erased already.
    pub(crate) fn has_erased_copy(&self, batch: &SentBatch) -> bool {
        batch.events.iter().any(|event| {
            let known = self.spaces.get(&event.workspace).and_then(|space| {
                space.seqs.get(&event.id).and_then(|seq| space.events.get(*seq as usize))
            });
            known.is_some_and(|known| !known.erased.is_empty())
        })
    }

    fn erase(&mut self, step: &Rewrite, by: ErasureStep) {
        let Some(erasing) = self.erasures.get_mut(&by.erasure) else { return };
        erasing.steps += 1;
        let Some(space) = self.spaces.get_mut(&erasing.workspace) else { return };
        for seq in step.gone.iter().flat_map(|(_, seqs)| seqs) {
            if let Some(known) = space.events.get_mut(*seq as usize)
                && let Some(groups) = erasing.targets.get(seq)
            {
                known.erased = known.erased.union(known.left_of(*groups));
            }
        }
    }

    fn purge(&mut self, purge: &Rewrite) {
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
