//! Deriving leaves again from stored bytes: for the check before the log is released, for `verify`,
//! for replay and for receipts of packed events.
//!
//! Keys are derived many at once ([`KeyRange`]), and a [`Sealer`] keeps those of the runs that it was in
//! last: events come by time, so their places in a run go to and fro. Of an event that something was
//! erased of the key is gone; its row says instead what the leaf committed to ([`Withheld`]).

use std::sync::Arc;

use proofbook_event::{Group, Timestamp};
use proofbook_ledger::prf::{EventKey, Nonce, PuncturedRun, Salt, nonce};
use proofbook_ledger::{
    Commitments, Hash, KeyRange, LeafFields, NonceKey, Opening, RunSeed, Slot, WorkspaceUid,
    commitment,
};

use crate::fold::{RunSecret, Sealed, Workspace};
use crate::record::EventParts;
use crate::segment::{GroupSet, Row};
use crate::withheld::{ErasureStep, Left, Withheld};

/// Runs whose keys are kept, 200 KiB each at the most.
const RUNS_MAX: usize = 16;

/// Slots whose keys are derived at once where nothing is known of what comes; divides a run.
const TOGETHER: u16 = 32;

/// Seals events one after the other.
#[derive(Default)]
pub struct Sealer {
    /// Those that it was in last, the newest at the end.
    runs: Vec<OpenRun>,
    scratch: Vec<u8>,
}

/// A run with its keys.
struct OpenRun {
    workspace: WorkspaceUid,
    number: u32,
    nonce_key: NonceKey,
    keys: OpenKeys,
}

/// Where a run's event keys come from.
enum OpenKeys {
    Whole {
        seed: RunSeed,
        /// Those that it was told of before.
        expected: Option<KeyRange>,
        /// Others that were needed, [`TOGETHER`] slots each, by their number.
        others: Vec<Option<Box<KeyRange>>>,
    },
    /// Twelve HMACs for each key, which is dear only where something was erased.
    Punctured(Arc<PuncturedRun>),
}

impl OpenRun {
    fn new(workspace: &Workspace, number: u32) -> Option<Self> {
        let run = workspace.runs.get(number as usize)?;
        let keys = match &run.secret {
            RunSecret::Whole(seed) => {
                OpenKeys::Whole { seed: seed.clone(), expected: None, others: Vec::new() }
            }
            RunSecret::Punctured(run) => OpenKeys::Punctured(run.clone()),
        };
        let (workspace, nonce_key) = (workspace.uid, run.nonce_key.clone());
        Some(Self { workspace, number, nonce_key, keys })
    }

    /// Returns the key and the nonce of a slot; `None` when the key was destroyed.
    fn keys(&mut self, slot: Slot) -> Option<(EventKey, Nonce)> {
        match &mut self.keys {
            OpenKeys::Whole { seed, expected, others } => {
                if let Some(keys) = expected.as_ref().and_then(|keys| keys.get(slot)) {
                    return Some(keys);
                }
                let number = slot.get() / TOGETHER;
                let place = usize::from(number);
                if others.len() <= place {
                    others.resize_with(place + 1, || None);
                }
                let (first, last) = (number * TOGETHER, number * TOGETHER + TOGETHER - 1);
                let (first, last) = (Slot::new(first)?, Slot::new(last)?);
                let derive = || Box::new(KeyRange::new(seed, &self.nonce_key, first, last));
                others[place].get_or_insert_with(derive).get(slot)
            }
            OpenKeys::Punctured(run) => Some((run.event_key(slot)?, self.nonce(slot))),
        }
    }

    fn nonce(&self, slot: Slot) -> Nonce {
        nonce(&self.nonce_key, slot)
    }
}

impl Sealer {
    /// Derives the keys of a range of slots of a run that are about to be needed.
    pub(crate) fn expect(&mut self, workspace: &Workspace, number: u32, first: Slot, last: Slot) {
        let Some(run) = self.enter(workspace, number) else { return };
        if let OpenKeys::Whole { seed, expected, .. } = &mut run.keys {
            *expected = Some(KeyRange::new(seed, &run.nonce_key, first, last));
        }
    }

    /// Computes an event's nonce and commitments; `withheld` is what its row has in place of erased
    /// groups, or empty. `None` when its run, slot or key does not exist.
    pub fn seal(
        &mut self,
        workspace: &Workspace,
        parts: &EventParts<'_>,
        withheld: &[u8],
    ) -> Option<Sealed> {
        let slot = Slot::new(parts.k)?;
        let run = self.enter(workspace, parts.run)?;
        if !withheld.is_empty() {
            let commitments = Withheld::decode(withheld)?.commitments(parts)?;
            return Some(Sealed { nonce: run.nonce(slot), commitments });
        }
        let (key, nonce) = run.keys(slot)?;
        Some(Sealed { nonce, commitments: Commitments::seal(&key.salts(), &parts.groups) })
    }

    /// Returns the openings of the groups whose values are there; `None` when its run, slot or key does
    /// not exist.
    pub fn openings(
        &mut self,
        workspace: &Workspace,
        parts: &EventParts<'_>,
        withheld: &[u8],
    ) -> Option<Vec<Opening>> {
        let salt_of = self.salts(workspace, parts, withheld)?;
        let open = |(group, bytes): (Group, &[u8])| {
            let value = String::from_utf8(bytes.to_vec()).ok()?;
            Some(Opening { group, salt: salt_of(group)?, value })
        };
        parts.groups.present().map(open).collect()
    }

    /// Returns what a row has to keep when some of its groups go; `None` when its keys do not exist.
    pub fn withhold(
        &mut self,
        workspace: &Workspace,
        row: &Row<'_>,
        groups: GroupSet,
        by: ErasureStep,
    ) -> Option<Withheld> {
        let parts = parts_of_row(row);
        let before = Withheld::decode(row.withheld)?;
        let salt_of = self.salts(workspace, &parts, row.withheld)?;
        let left = |group: Group| {
            if let Some(gone) = before
                .groups
                .iter()
                .find(|(of, left)| *of == group && matches!(left, Left::Commitment(..)))
            {
                return Some(Some(*gone));
            }
            let Some(value) = parts.groups.get(group) else { return Some(None) };
            let salt = salt_of(group)?;
            let left = match groups.contains(group) {
                true => Left::Commitment(commitment(&salt, group.pointer(), value), by),
                false => Left::Salt(salt),
            };
            Some(Some((group, left)))
        };
        let groups: Option<Vec<_>> = Group::ALL.into_iter().map(left).collect();
        Some(Withheld { groups: groups?.into_iter().flatten().collect() })
    }

    /// Returns how an event's salts are found.
    fn salts(
        &mut self,
        workspace: &Workspace,
        parts: &EventParts<'_>,
        withheld: &[u8],
    ) -> Option<Box<dyn Fn(Group) -> Option<Salt>>> {
        if !withheld.is_empty() {
            let withheld = Withheld::decode(withheld)?;
            return Some(Box::new(move |group| withheld.salt(group)));
        }
        let slot = Slot::new(parts.k)?;
        let salts = self.enter(workspace, parts.run)?.keys(slot)?.0.salts();
        Some(Box::new(move |group| Some(salts.salt(group.pointer()))))
    }

    /// Enters a run of a workspace; `None` when there is none with this number.
    fn enter(&mut self, workspace: &Workspace, number: u32) -> Option<&mut OpenRun> {
        let is_it = |run: &OpenRun| run.number == number && run.workspace == workspace.uid;
        match self.runs.iter().rposition(is_it) {
            Some(place) => self.runs[place..].rotate_left(1),
            None => {
                let run = OpenRun::new(workspace, number)?;
                if self.runs.len() == RUNS_MAX {
                    self.runs.remove(0);
                }
                self.runs.push(run);
            }
        }
        self.runs.last_mut()
    }

    /// Returns the leaf hash of a packed event; `None` when its run, slot or key does not exist.
    pub fn leaf_of_row(&mut self, workspace: &Workspace, row: &Row<'_>) -> Option<Hash> {
        let parts = parts_of_row(row);
        let sealed = self.seal(workspace, &parts, row.withheld)?;
        Some(leaf_of(workspace.uid, row.seq, row.recorded_at, &parts, &sealed, &mut self.scratch))
    }
}

impl Withheld {
    /// Returns the commitments of an event's leaf; `None` when a value that should be there is not.
    fn commitments(&self, parts: &EventParts<'_>) -> Option<Commitments> {
        let commit = |(group, left): &(Group, Left)| match left {
            Left::Commitment(commitment, _) => Some((*group, *commitment)),
            Left::Salt(salt) => {
                Some((*group, commitment(salt, group.pointer(), parts.groups.get(*group)?)))
            }
        };
        self.groups.iter().map(commit).collect()
    }
}

/// Returns what a packed event was sealed from; the hashes of its id are not needed for it.
pub fn parts_of_row<'a>(row: &Row<'a>) -> EventParts<'a> {
    EventParts {
        workspace_index: 0,
        run: row.run,
        k: row.k,
        flags: row.flags,
        outcome: row.outcome,
        occurred_at: row.occurred_at,
        id_hash: 0,
        fingerprint: 0,
        action: row.action,
        groups: row.groups,
    }
}

/// Returns the leaf hash of an event at its place.
pub fn leaf_of(
    workspace: WorkspaceUid,
    seq: u64,
    recorded_at: i64,
    parts: &EventParts<'_>,
    sealed: &Sealed,
    scratch: &mut Vec<u8>,
) -> Hash {
    let fields = leaf_fields(workspace, seq, recorded_at, parts, sealed);
    proofbook_ledger::leaf::leaf_hash(&fields, scratch)
}

/// Returns the fields of the leaf of an event at its place.
pub fn leaf_fields<'a>(
    workspace: WorkspaceUid,
    seq: u64,
    recorded_at: i64,
    parts: &EventParts<'a>,
    sealed: &'a Sealed,
) -> LeafFields<'a> {
    LeafFields {
        workspace,
        seq,
        recorded_at: Timestamp::from_micros(recorded_at),
        occurred_at: Timestamp::from_micros(parts.occurred_at),
        action: parts.leaf_action(),
        outcome: parts.outcome,
        nonce: sealed.nonce,
        sealed: &sealed.commitments,
    }
}
