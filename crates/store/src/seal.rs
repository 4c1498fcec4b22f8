//! Deriving leaves again from stored bytes: for the check before the log is released, for `verify`,
//! for replay and for receipts of packed events.
//!
//! Entering a run costs twelve HMACs, its next place less than two, so a [`Sealer`] stays in the run
//! of the event it sealed last.

use proofbook_event::{Group, Timestamp};
use proofbook_ledger::prf::{EventKey, Nonce, Nonces};
use proofbook_ledger::{Hash, LeafFields, Opening, RunKeys, Slot, WorkspaceUid, commitment};

use crate::fold::{Sealed, Workspace};
use crate::record::EventParts;
use crate::segment::Row;

/// Seals events one after the other.
#[derive(Default)]
pub struct Sealer {
    run: Option<OpenRun>,
    scratch: Vec<u8>,
}

/// The run of the event that was sealed last.
struct OpenRun {
    workspace: WorkspaceUid,
    number: u32,
    keys: RunKeys,
    /// The slot that `keys` yields next.
    next: Option<Slot>,
    nonces: Nonces,
}

impl Sealer {
    /// Computes an event's nonce and commitments; `None` when its run or slot does not exist.
    pub fn seal(&mut self, workspace: &Workspace, parts: &EventParts<'_>) -> Option<Sealed> {
        let (key, nonce) = self.keys_of(workspace, parts)?;
        let salts = key.salts();
        let commit = |(group, bytes): (Group, &[u8])| {
            (group, commitment(&salts.salt(group.pointer()), group.pointer(), bytes))
        };
        Some(Sealed { nonce, commitments: parts.groups.present().map(commit).collect() })
    }

    /// Returns the openings of an event's groups; `None` when its run or slot does not exist.
    pub fn openings(
        &mut self,
        workspace: &Workspace,
        parts: &EventParts<'_>,
    ) -> Option<Vec<Opening>> {
        let (key, _) = self.keys_of(workspace, parts)?;
        let salts = key.salts();
        let open = |(group, bytes): (Group, &[u8])| {
            let value = String::from_utf8(bytes.to_vec()).ok()?;
            Some(Opening { group, salt: salts.salt(group.pointer()), value })
        };
        parts.groups.present().map(open).collect()
    }

    /// Enters the run of an event and returns the key of its salts, and its nonce.
    fn keys_of(
        &mut self,
        workspace: &Workspace,
        parts: &EventParts<'_>,
    ) -> Option<(EventKey, Nonce)> {
        let slot = Slot::new(parts.k)?;
        let here = self
            .run
            .as_ref()
            .is_some_and(|run| run.workspace == workspace.uid && run.number == parts.run);
        if !here {
            let run = workspace.runs.get(parts.run as usize)?;
            self.run = Some(OpenRun {
                workspace: workspace.uid,
                number: parts.run,
                keys: RunKeys::new(&run.seed, slot),
                next: Some(slot),
                nonces: Nonces::new(&run.nonce_key),
            });
        }
        let run = self.run.as_mut()?;
        if run.next != Some(slot) {
            run.keys.seek(slot);
        }
        run.next = slot.next();
        let (_, key) = run.keys.next()?;
        Some((key, run.nonces.nonce(slot)))
    }

    /// Returns the leaf hash of a packed event; `None` when its run or slot does not exist.
    pub fn leaf_of_row(&mut self, workspace: &Workspace, row: &Row<'_>) -> Option<Hash> {
        let parts = parts_of_row(row);
        let sealed = self.seal(workspace, &parts)?;
        Some(leaf_of(workspace.uid, row.seq, row.recorded_at, &parts, &sealed, &mut self.scratch))
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
