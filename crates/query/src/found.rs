//! An event that a query found: owned or shared bytes, readable as an [`Event`].

use std::borrow::Cow;
use std::sync::Arc;

use proofbook_event::event::Clear;
use proofbook_event::json::JsonError;
use proofbook_event::{Event, Group, GroupBytes, Outcome, Timestamp};
use proofbook_ledger::{Hash, Opening, leaf};
use proofbook_store::fold::Workspace;
use proofbook_store::recent::RecentEvent;
use proofbook_store::recent::chunk::RecentBlock;
use proofbook_store::record::{EventParts, flag};
use proofbook_store::seal::{Sealer, leaf_fields, parts_of_row};
use proofbook_store::segment::{OwnedRow, Row};
use proofbook_store::withheld::{ErasureStep, erased_of};

/// One event as it is stored, borrowed from recent or from a segment's pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored<'a> {
    pub(crate) seq: u64,
    pub(crate) occurred_at: i64,
    pub(crate) recorded_at: i64,
    pub(crate) flags: u8,
    pub(crate) outcome: Outcome,
    /// The action's name, also when the leaf says `other`.
    pub(crate) action: &'a str,
    pub(crate) groups: GroupBytes<'a>,
}

impl<'a> Stored<'a> {
    /// An event that has nothing.
    pub(crate) fn nothing() -> Self {
        Self {
            seq: 0,
            occurred_at: 0,
            recorded_at: 0,
            flags: 0,
            outcome: Outcome::Success,
            action: "",
            groups: GroupBytes::default(),
        }
    }

    pub(crate) fn of_recent(event: &RecentEvent<'a>) -> Self {
        let parts = event.parts();
        Self {
            seq: event.seq,
            occurred_at: event.occurred_at,
            recorded_at: event.recorded_at,
            flags: parts.flags,
            outcome: parts.outcome,
            action: parts.action,
            groups: parts.groups,
        }
    }

    pub(crate) fn of_row(row: &Row<'a>) -> Self {
        Self {
            seq: row.seq,
            occurred_at: row.occurred_at,
            recorded_at: row.recorded_at,
            flags: row.flags,
            outcome: row.outcome,
            action: row.action,
            groups: row.groups,
        }
    }

    /// Returns the clear fields with the action's name, so that no group is needed to know it.
    pub(crate) fn clear(&self) -> Clear<'a> {
        Clear {
            workspace: Cow::Borrowed(""),
            seq: self.seq,
            recorded_at: Timestamp::from_micros(self.recorded_at),
            occurred_at: Timestamp::from_micros(self.occurred_at),
            action: Some(Cow::Borrowed(self.action)),
            outcome: self.outcome,
        }
    }
}

/// One event of an answer.
#[derive(Clone, Debug)]
pub struct Found {
    workspace: Arc<Workspace>,
    bytes: Bytes,
}

#[derive(Clone, Debug)]
enum Bytes {
    /// A block and the event's place in it.
    Recent(RecentBlock, usize),
    Packed(Arc<OwnedRow>),
}

impl Found {
    pub(crate) fn recent(workspace: Arc<Workspace>, block: RecentBlock, place: usize) -> Self {
        Self { workspace, bytes: Bytes::Recent(block, place) }
    }

    pub(crate) fn packed(workspace: Arc<Workspace>, row: Row<'_>) -> Self {
        Self::far(workspace, Arc::new(row.into()))
    }

    /// An event of which the segment keeps the row.
    pub(crate) fn far(workspace: Arc<Workspace>, row: Arc<OwnedRow>) -> Self {
        Self { workspace, bytes: Bytes::Packed(row) }
    }

    pub(crate) fn stored(&self) -> Stored<'_> {
        match &self.bytes {
            Bytes::Recent(block, place) => Stored::of_recent(&block.event(*place)),
            Bytes::Packed(row) => Stored::of_row(&row.row()),
        }
    }

    /// Returns the event's number in its workspace.
    pub fn seq(&self) -> u64 {
        match &self.bytes {
            Bytes::Recent(block, place) => block.event(*place).seq,
            Bytes::Packed(row) => row.row().seq,
        }
    }

    /// Returns when it happened, microseconds UTC.
    pub fn occurred_at(&self) -> i64 {
        match &self.bytes {
            Bytes::Recent(block, place) => block.event(*place).occurred_at,
            Bytes::Packed(row) => row.row().occurred_at,
        }
    }

    /// Returns the action's name, also when the leaf does not show it.
    pub fn action(&self) -> &str {
        self.stored().action
    }

    /// Returns the canonical bytes of the groups.
    pub fn groups(&self) -> GroupBytes<'_> {
        self.stored().groups
    }

    /// Parses the event.
    ///
    /// # Errors
    /// A group is not JSON, which the store's hashes rule out unless it was written so.
    pub fn event(&self) -> Result<Event<'_>, JsonError> {
        let stored = self.stored();
        let listed = stored.flags & flag::ACTION_LISTED != 0;
        let clear = Clear {
            workspace: Cow::Borrowed(&self.workspace.name),
            action: leaf::clear_action(stored.action, listed).map(Cow::Borrowed),
            ..stored.clear()
        };
        Event::from_groups(clear, &stored.groups)
    }

    /// Returns the leaf's hash; derived from the stored bytes when the event is packed.
    ///
    /// `None` when the keys it was sealed with are gone.
    pub fn leaf(&self) -> Option<Hash> {
        self.leaf_with(&mut Sealer::default())
    }

    /// Like [`Found::leaf`], cheaper for events in the order of their seq.
    pub fn leaf_with(&self, sealer: &mut Sealer) -> Option<Hash> {
        match &self.bytes {
            Bytes::Recent(block, place) => Some(block.event(*place).leaf),
            Bytes::Packed(row) => sealer.leaf_of_row(&self.workspace, &row.row()),
        }
    }

    /// Returns when it was recorded, microseconds UTC.
    pub fn recorded_at(&self) -> i64 {
        match &self.bytes {
            Bytes::Recent(block, place) => block.event(*place).recorded_at,
            Bytes::Packed(row) => row.row().recorded_at,
        }
    }

    /// Returns the leaf itself, canonical JSON; `None` when the keys it was sealed with are gone.
    pub fn leaf_bytes(&self, sealer: &mut Sealer) -> Option<Vec<u8>> {
        self.with_parts(|parts, withheld| {
            let sealed = sealer.seal(&self.workspace, parts, withheld)?;
            let (uid, seq, at) = (self.workspace.uid, self.seq(), self.recorded_at());
            let mut leaf = Vec::with_capacity(512);
            leaf::write_leaf(&leaf_fields(uid, seq, at, parts, &sealed), &mut leaf);
            Some(leaf)
        })
    }

    /// Returns what opens the leaf's commitments, as far as the values are there; `None` when the keys
    /// it was sealed with are gone.
    pub fn openings(&self, sealer: &mut Sealer) -> Option<Vec<Opening>> {
        self.with_parts(|parts, withheld| sealer.openings(&self.workspace, parts, withheld))
    }

    /// Returns the groups that were erased, and the step of the erasure that took each.
    pub fn erased(&self) -> Vec<(Group, ErasureStep)> {
        self.with_parts(|_, withheld| erased_of(withheld))
    }

    fn with_parts<T>(&self, read: impl FnOnce(&EventParts<'_>, &[u8]) -> T) -> T {
        match &self.bytes {
            Bytes::Recent(block, place) => read(&block.event(*place).parts(), &[]),
            Bytes::Packed(row) => read(&parts_of_row(&row.row()), row.row().withheld),
        }
    }
}
