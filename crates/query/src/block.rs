//! One block as the plan sees it: of a segment, where the workspace's own rows are asked for and the
//! columns hold those of its neighbours too; or of recent events ([`crate::recent`]).

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use proofbook_catalog::retention::Cutoffs;
use proofbook_event::name::{RESERVED_ACTION_PREFIX, is_event_id};
use proofbook_filter::fold;
use proofbook_ledger::WorkspaceUid;
use proofbook_store::prepare::IdHasher;
use proofbook_store::rules::counts_from;
use proofbook_store::segment::{Column, FieldColumn, GroupSet, Segment, SegmentError};

use crate::recent::RecentRows;
use crate::rowset::RowSet;
use crate::source::Columns;

type KnownRows = HashMap<(u64, String), Rc<[u32]>>;

/// Rows of a workspace in one segment that may have an id, found once a query.
pub(crate) struct IdRows {
    workspace: WorkspaceUid,
    hasher: IdHasher,
    /// By segment and id.
    known: RefCell<KnownRows>,
}

impl IdRows {
    pub(crate) fn new(workspace: WorkspaceUid, hasher: IdHasher) -> Self {
        Self { workspace, hasher, known: RefCell::default() }
    }

    /// Returns the keyed hash of an id.
    pub(crate) fn hash(&self, id: &str) -> u64 {
        self.hasher.hash(id)
    }

    /// Returns the rows of a segment whose event may have this id; no others have it.
    fn find(&self, segment: &Segment, id: &str) -> Result<Rc<[u32]>, SegmentError> {
        let key = (segment.files().name, id.to_owned());
        if let Some(rows) = self.known.borrow().get(&key) {
            return Ok(rows.clone());
        }
        let mut rows = Vec::new();
        for (seq, _) in segment.lookup_id(self.workspace, self.hasher.hash(id))? {
            rows.extend(segment.row_of_seq(self.workspace, seq)?);
        }
        let rows: Rc<[u32]> = rows.into();
        self.known.borrow_mut().insert(key, rows.clone());
        Ok(rows)
    }
}

/// One block.
pub(crate) enum Block<'b> {
    Packed(PackedBlock<'b>),
    Recent(&'b RecentRows, &'b IdRows),
}

impl Block<'_> {
    /// Keeps the rows below a seq.
    pub(crate) fn keep_seqs_below(
        &self,
        below: u64,
        rows: &mut RowSet,
    ) -> Result<(), SegmentError> {
        match self {
            Self::Packed(block) => block.keep_seqs_below(below, rows),
            Self::Recent(recent, _) => {
                recent.keep_seqs_below(below, rows);
                Ok(())
            }
        }
    }

    /// Returns the rows whose retention ended.
    pub(crate) fn expired(&self, cutoffs: &Cutoffs, rows: &RowSet) -> Result<RowSet, SegmentError> {
        match self {
            Self::Packed(block) => block.expired(cutoffs, rows),
            Self::Recent(recent, _) => Ok(recent.expired(cutoffs, rows)),
        }
    }

    /// Takes Proofbook's own events out and returns how many they were.
    pub(crate) fn leave_own_out(&self, rows: &mut RowSet) -> Result<u64, SegmentError> {
        match self {
            Self::Packed(block) => block.leave_own_out(rows),
            Self::Recent(recent, _) => Ok(recent.leave_own_out(rows)),
        }
    }
}

/// Tells whether an action is one of Proofbook's own.
pub(crate) fn is_own(action: &str) -> bool {
    action.starts_with(RESERVED_ACTION_PREFIX)
}

/// One block of a segment.
pub(crate) struct PackedBlock<'b> {
    pub(crate) columns: Columns<'b>,
    pub(crate) ids: &'b IdRows,
}

impl PackedBlock<'_> {
    /// Returns a search column.
    pub(crate) fn column(&self, column: FieldColumn) -> Result<Arc<Column>, SegmentError> {
        self.columns.column(column)
    }

    /// Returns the groups in which a text may stand as a part of a string value.
    pub(crate) fn groups_with(&self, part: &str) -> Result<GroupSet, SegmentError> {
        let folded = fold(part);
        // An id has no other characters, so nothing longer or other has to be looked up.
        let rows = if is_event_id(&folded) {
            self.ids.find(self.columns.segment, &folded)?
        } else {
            [].into()
        };
        self.columns.segment.text_groups(self.columns.number, &folded, Some(&rows))
    }

    /// Tells whether a whole value may stand in an uncoded column, or as a request id.
    pub(crate) fn may_have_value(&self, value: &str) -> Result<bool, SegmentError> {
        self.columns.segment.value_may_be_in(self.columns.number, &fold(value))
    }

    /// Returns the rows whose event may have an id, in a set like `rows`.
    pub(crate) fn rows_with_id(&self, id: &str, rows: &RowSet) -> Result<RowSet, SegmentError> {
        let mut found = rows.emptied();
        let here = self.columns.segment.rows_of_block(self.columns.number);
        for row in self.ids.find(self.columns.segment, id)?.iter().filter(|row| here.contains(row))
        {
            found.insert((row - here.start) as usize);
        }
        Ok(found)
    }
}

impl PackedBlock<'_> {
    fn keep_seqs_below(&self, below: u64, rows: &mut RowSet) -> Result<(), SegmentError> {
        let seqs = self.columns.segment.seqs(self.columns.number)?;
        for row in rows.bounds() {
            if seqs.get(row) as u64 >= below {
                rows.remove(row);
            }
        }
        Ok(())
    }

    fn expired(&self, cutoffs: &Cutoffs, rows: &RowSet) -> Result<RowSet, SegmentError> {
        let mut expired = rows.emptied();
        let Some(latest) = cutoffs.latest() else { return Ok(expired) };
        let times = self.columns.segment.occurred_at(self.columns.number)?;
        // Rows of one workspace ascend by time, and what counts from its recording was recorded later
        // than it happened.
        let bounds = rows.bounds();
        if bounds.is_empty() || times.get(bounds.start) >= latest {
            return Ok(expired);
        }
        let recorded = self.columns.segment.recorded_at(self.columns.number)?;
        let flags = self.columns.segment.flags(self.columns.number)?;
        let actions = self.columns.segment.actions(self.columns.number)?;
        let since: Vec<Option<i64>> =
            actions.words().iter().map(|word| cutoffs.since(word)).collect();
        for row in rows.iter() {
            let from = counts_from(flags.get(row) as u8, times.get(row), recorded.get(row));
            let since = since[actions.codes()[row] as usize];
            if since.is_some_and(|since| from < since) {
                expired.insert(row);
            }
        }
        Ok(expired)
    }

    fn leave_own_out(&self, rows: &mut RowSet) -> Result<u64, SegmentError> {
        let actions = self.columns.segment.actions(self.columns.number)?;
        let own: Vec<bool> = actions.words().iter().map(is_own).collect();
        if !own.contains(&true) {
            return Ok(0);
        }
        let (before, bounds) = (rows.len(), rows.bounds());
        let mut own_rows = rows.emptied();
        own_rows.insert_passing(bounds.start, &actions.codes()[bounds], &own);
        rows.take(&own_rows);
        Ok((before - rows.len()) as u64)
    }
}
