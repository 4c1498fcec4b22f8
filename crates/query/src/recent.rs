//! A block of recent events as the plan sees it: which of its rows are asked for, and its columns.

use std::ops::Range;
use std::sync::Arc;

use proofbook_catalog::retention::Cutoffs;
use proofbook_filter::IntRange;
use proofbook_store::recent::chunk::{RecentBlock, RecentColumns};
use proofbook_store::rules::counts_from;

use crate::block::is_own;
use crate::rowset::RowSet;
use crate::source::Extent;

/// Rows of a block of recent events, which ascend by seq.
pub(crate) struct RecentRows {
    events: RecentBlock,
    columns: Arc<RecentColumns>,
    rows: Range<usize>,
}

impl RecentRows {
    /// Takes the rows within a range of seqs; `None` when there are none, or when none of the block's
    /// events happened within a range of times.
    pub(crate) fn within(events: RecentBlock, times: IntRange, seqs: &Range<u64>) -> Option<Self> {
        let here = events.seqs();
        let place = |seq: u64| (seq.clamp(here.start, here.end) - here.start) as usize;
        let rows = place(seqs.start)..place(seqs.end);
        if rows.is_empty() {
            return None;
        }
        let columns = events.columns();
        let (first, last) = columns.times();
        (first <= times.max && last >= times.min).then_some(Self { events, columns, rows })
    }

    /// Returns the events, those of other rows among them.
    pub(crate) fn events(&self) -> &RecentBlock {
        &self.events
    }

    /// Returns the columns of all events.
    pub(crate) fn columns(&self) -> &RecentColumns {
        &self.columns
    }

    /// Returns what no row lies outside of.
    pub(crate) fn extent(&self) -> Extent {
        let first = self.events.seqs().start;
        let seqs = (first + self.rows.start as u64, first + self.rows.end as u64 - 1);
        Extent { times: self.columns.times(), seqs }
    }

    /// Returns the rows.
    pub(crate) fn all(&self) -> RowSet {
        RowSet::span(self.events.len(), self.rows.start, self.rows.end)
    }

    /// Keeps the rows below a seq.
    pub(crate) fn keep_seqs_below(&self, below: u64, rows: &mut RowSet) {
        let here = self.events.seqs();
        let end = (below.clamp(here.start, here.end) - here.start) as usize;
        rows.keep(&RowSet::span(self.events.len(), 0, end));
    }

    /// Returns the rows whose retention ended.
    pub(crate) fn expired(&self, cutoffs: &Cutoffs, rows: &RowSet) -> RowSet {
        let since: Vec<Option<i64>> =
            self.columns.words().iter().map(|word| cutoffs.since(word)).collect();
        rows.filtered(|row| {
            let (occurred_at, recorded_at) =
                (self.events.occurred_at(row), self.events.recorded_at(row));
            let from = counts_from(self.columns.flags()[row], occurred_at, recorded_at);
            since[usize::from(self.columns.actions()[row])].is_some_and(|since| from < since)
        })
    }

    /// Takes Proofbook's own events out and returns how many they were.
    pub(crate) fn leave_own_out(&self, rows: &mut RowSet) -> u64 {
        let own: Vec<bool> = self.columns.words().iter().map(|word| is_own(word)).collect();
        if !own.contains(&true) {
            return 0;
        }
        let own = rows.filtered(|row| own[usize::from(self.columns.actions()[row])]);
        rows.take(&own);
        own.len() as u64
    }
}
