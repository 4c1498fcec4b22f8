//! Rows that outlive their pages.
//!
//! What a list shows at once mostly stands in few blocks, and whoever reads on reads on in them. The rows
//! that have a rare word are far apart: each stands in a block of its own, and to keep three quarters of a
//! megabyte of decoded pages for one row of a kilobyte would drive out of the cache what all queries need.
//! So the row itself waits there.

use std::sync::Arc;

use proofbook_event::{Group, GroupBytes, Outcome};
use proofbook_ledger::WorkspaceUid;

use super::Row;
use super::cache::Cached;
use super::error::SegmentError;
use super::reader::Segment;
use super::rows::{GroupSet, Keep};

/// Kind of cached piece, beside those of [`super::search`] and [`super::reader`].
const ROW_KIND: u8 = 0xb0;

/// A row copied out of its pages.
#[derive(Clone, Debug)]
pub struct OwnedRow {
    workspace: WorkspaceUid,
    occurred_at: i64,
    seq: u64,
    recorded_at: i64,
    run: u32,
    k: u16,
    flags: u8,
    outcome: Outcome,
    action: Box<str>,
    groups: [Option<Box<[u8]>>; Group::COUNT],
    withheld: Box<[u8]>,
}

impl OwnedRow {
    /// Returns the row.
    pub fn row(&self) -> Row<'_> {
        let groups = Group::ALL.map(|group| self.groups[group.index()].as_deref());
        Row {
            workspace: self.workspace,
            occurred_at: self.occurred_at,
            seq: self.seq,
            recorded_at: self.recorded_at,
            run: self.run,
            k: self.k,
            flags: self.flags,
            outcome: self.outcome,
            action: &self.action,
            groups: GroupBytes::new(groups),
            withheld: &self.withheld,
        }
    }

    /// Returns how much memory it holds.
    pub(super) fn memory_bytes(&self) -> usize {
        let groups: usize = self.groups.iter().flatten().map(|group| group.len()).sum();
        size_of::<Self>() + self.action.len() + groups + self.withheld.len()
    }
}

impl From<Row<'_>> for OwnedRow {
    fn from(row: Row<'_>) -> Self {
        Self {
            workspace: row.workspace,
            occurred_at: row.occurred_at,
            seq: row.seq,
            recorded_at: row.recorded_at,
            run: row.run,
            k: row.k,
            flags: row.flags,
            outcome: row.outcome,
            action: row.action.into(),
            groups: Group::ALL.map(|group| row.groups.get(group).map(Into::into)),
            withheld: row.withheld.into(),
        }
    }
}

impl Segment {
    /// Reads whole rows by their numbers, which ascend, where nobody is likely to ask for their neighbours.
    ///
    /// # Errors
    /// As [`Segment::read_rows`].
    pub fn read_far_rows(&self, rows: &[u32]) -> Result<Vec<Arc<OwnedRow>>, SegmentError> {
        let mut found: Vec<Option<Arc<OwnedRow>>> =
            rows.iter().map(|row| self.cached_row(*row)).collect();
        let is_missing = |(row, found): (&u32, &Option<_>)| found.is_none().then_some(*row);
        let missing: Vec<u32> = rows.iter().zip(&found).filter_map(is_missing).collect();
        let read = self.read_pages(&missing, GroupSet::ALL, Keep::Nothing)?;
        let places = found.iter_mut().filter(|found| found.is_none());
        for ((number, row), place) in missing.into_iter().zip(read.iter()).zip(places) {
            let row = Arc::new(OwnedRow::from(row));
            self.keep(ROW_KIND, number, Cached::Row(row.clone()));
            *place = Some(row);
        }
        Ok(found.into_iter().flatten().collect())
    }

    fn cached_row(&self, row: u32) -> Option<Arc<OwnedRow>> {
        match self.known(ROW_KIND, row)? {
            Cached::Row(row) => Some(row),
            _ => None,
        }
    }
}
