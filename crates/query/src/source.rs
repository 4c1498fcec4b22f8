//! Where a workspace's events stand: its part of a segment, or of a generation of recent events.
//!
//! Both are cut into blocks of rows. The rows of a segment's part ascend by (occurred_at, seq). Those
//! of recent ascend by seq, and each of their blocks says between which moments its events happened,
//! so that a walk by time passes over those that cannot come next.

use std::ops::Range;
use std::sync::Arc;

use proofbook_event::Group;
use proofbook_filter::IntRange;
use proofbook_ledger::WorkspaceUid;
use proofbook_store::fold::Workspace;
use proofbook_store::recent::RecentEvents;
use proofbook_store::segment::{Column, FieldColumn, GroupSet, Segment, SegmentError};

use crate::block::{Block, IdRows, PackedBlock};
use crate::found::{Found, Stored};
use crate::recent::RecentRows;
use crate::rowset::RowSet;

/// A part of a workspace's events.
pub(crate) enum Source {
    Segment(SegmentPart),
    Recent(RecentPart),
}

/// The columns of one block of a segment.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'b> {
    pub(crate) segment: &'b Segment,
    /// The block's number in the segment.
    pub(crate) number: usize,
}

impl Columns<'_> {
    /// Returns a search column.
    pub(crate) fn column(&self, column: FieldColumn) -> Result<Arc<Column>, SegmentError> {
        self.segment.column(column, self.number)
    }
}

/// A workspace's rows in one segment.
pub(crate) struct SegmentPart {
    segment: Arc<Segment>,
    rows: Range<u32>,
    first_block: usize,
    blocks: usize,
    seqs: (u64, u64),
    times: (i64, i64),
}

/// A workspace's events in one generation.
pub(crate) struct RecentPart {
    blocks: Vec<RecentRows>,
}

/// What no row of a block lies outside of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// The first and last `occurred_at`, or wider.
    pub(crate) times: (i64, i64),
    /// The least and greatest seq, or wider.
    pub(crate) seqs: (u64, u64),
}

impl Source {
    /// Takes what a segment holds of a workspace within a range of `occurred_at`.
    pub(crate) fn of_segment(
        segment: &Arc<Segment>,
        workspace: WorkspaceUid,
        times: IntRange,
    ) -> Option<Self> {
        let range = segment.range(workspace)?;
        if range.t_max < times.min || range.t_min > times.max {
            return None;
        }
        let mut part = SegmentPart {
            segment: segment.clone(),
            rows: range.rows,
            first_block: 0,
            blocks: 0,
            seqs: (range.seqs.start, range.seqs.end.saturating_sub(1)),
            times: (range.t_min, range.t_max),
        };
        part.cut(times);
        (!part.rows.is_empty()).then_some(Self::Segment(part))
    }

    /// Takes what a generation holds of a workspace within ranges of `occurred_at` and seq.
    pub(crate) fn of_recent(
        events: RecentEvents,
        times: IntRange,
        seqs: &Range<u64>,
    ) -> Option<Self> {
        let blocks = events.into_blocks().into_iter();
        let blocks: Vec<RecentRows> =
            blocks.filter_map(|block| RecentRows::within(block, times, seqs)).collect();
        (!blocks.is_empty()).then_some(Self::Recent(RecentPart { blocks }))
    }

    /// Returns what no row of a block lies outside of; of a segment, that of all of its blocks.
    pub(crate) fn extent(&self, block: usize) -> Extent {
        match self {
            Self::Segment(part) => Extent { times: part.times, seqs: part.seqs },
            Self::Recent(part) => part.blocks[block].extent(),
        }
    }

    /// Tells whether blocks are not arranged one after the other: each has its own extent.
    pub(crate) fn is_recent(&self) -> bool {
        matches!(self, Self::Recent(_))
    }

    /// Returns the number of blocks.
    pub(crate) fn blocks(&self) -> usize {
        match self {
            Self::Segment(part) => part.blocks,
            Self::Recent(part) => part.blocks.len(),
        }
    }

    /// Returns the rows of a block that belong to this part.
    pub(crate) fn all_of_block(&self, block: usize) -> RowSet {
        match self {
            Self::Segment(part) => {
                let rows = part.segment.rows_of_block(part.first_block + block);
                let from = part.rows.start.saturating_sub(rows.start) as usize;
                let to = (part.rows.end.min(rows.end) - rows.start) as usize;
                RowSet::span(rows.len(), from, to)
            }
            Self::Recent(part) => part.blocks[block].all(),
        }
    }

    /// Returns a block for the plan.
    pub(crate) fn block<'b>(&'b self, block: usize, ids: &'b IdRows) -> Block<'b> {
        match self {
            Self::Segment(part) => Block::Packed(PackedBlock { columns: part.columns(block), ids }),
            Self::Recent(part) => Block::Recent(&part.blocks[block], ids),
        }
    }

    /// Returns a block of recent events.
    pub(crate) fn recent_block(&self, block: usize) -> Option<&RecentRows> {
        match self {
            Self::Segment(_) => None,
            Self::Recent(part) => part.blocks.get(block),
        }
    }

    /// Returns where the columns of a block are, when it is of a segment.
    pub(crate) fn packed_block(&self, block: usize) -> Option<Columns<'_>> {
        match self {
            Self::Segment(part) => Some(part.columns(block)),
            Self::Recent(_) => None,
        }
    }

    /// Visits rows of a block with when they happened and their seqs.
    pub(crate) fn for_each_key(
        &self,
        block: usize,
        rows: &RowSet,
        visit: &mut dyn FnMut(usize, i64, u64),
    ) -> Result<(), SegmentError> {
        match self {
            Self::Segment(part) => {
                let number = part.first_block + block;
                let (times, seqs) = (part.segment.occurred_at(number)?, part.segment.seqs(number)?);
                rows.iter().for_each(|row| visit(row, times.get(row), seqs.get(row) as u64));
            }
            Self::Recent(part) => {
                let events = part.blocks[block].events();
                let first = events.seqs().start;
                rows.iter().for_each(|row| visit(row, events.occurred_at(row), first + row as u64));
            }
        }
        Ok(())
    }

    /// Visits rows of a block in ascending order, with the values of one group.
    pub(crate) fn for_each_value(
        &self,
        block: usize,
        rows: &RowSet,
        group: Group,
        visit: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), SegmentError> {
        match self {
            Self::Segment(part) => {
                let first = part.segment.rows_of_block(part.first_block + block).start;
                let mut scan = part.segment.scan_group(group);
                for row in rows.iter() {
                    let number = first + row as u32;
                    scan.seek(number)?;
                    if let Some(value) = scan.value(number) {
                        visit(row, value);
                    }
                }
            }
            Self::Recent(part) => {
                let events = part.blocks[block].events();
                for row in rows.iter() {
                    if let Some(value) = events.event(row).parts().groups.get(group) {
                        visit(row, value);
                    }
                }
            }
        }
        Ok(())
    }

    /// Visits rows of a block in ascending order with their clear fields, and all groups if they are
    /// recent.
    pub(crate) fn for_each_row(
        &self,
        block: usize,
        rows: &RowSet,
        visit: &mut dyn FnMut(usize, &Stored<'_>),
    ) -> Result<(), SegmentError> {
        match self {
            Self::Segment(part) => {
                let first = part.segment.rows_of_block(part.first_block + block).start;
                let numbers: Vec<u32> = rows.iter().map(|row| first + row as u32).collect();
                let read = part.segment.read_rows(&numbers, GroupSet::NONE)?;
                for (row, found) in rows.iter().zip(read.iter()) {
                    visit(row, &Stored::of_row(&found));
                }
            }
            Self::Recent(part) => {
                let events = part.blocks[block].events();
                for row in rows.iter() {
                    visit(row, &Stored::of_recent(&events.event(row)));
                }
            }
        }
        Ok(())
    }

    /// Reads whole events of a block, of which rows ascend, and says of each that cannot be read why: one
    /// damaged page must not hide the rows beside it. Of a block that is `far`, nobody is likely to ask for
    /// other rows.
    pub(crate) fn fetch_each(
        &self,
        workspace: &Arc<Workspace>,
        block: usize,
        rows: &[usize],
        far: bool,
    ) -> Vec<Result<Found, SegmentError>> {
        match self.fetch(workspace, block, rows, far) {
            Ok(found) => found.into_iter().map(Ok).collect(),
            Err(_) => {
                let alone = |row: &usize| self.fetch(workspace, block, &[*row], far);
                let alone = rows.iter().flat_map(|row| match alone(row) {
                    Ok(found) => found.into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(error)],
                });
                alone.collect()
            }
        }
    }

    fn fetch(
        &self,
        workspace: &Arc<Workspace>,
        block: usize,
        rows: &[usize],
        far: bool,
    ) -> Result<Vec<Found>, SegmentError> {
        match self {
            Self::Segment(part) => {
                let first = part.segment.rows_of_block(part.first_block + block).start;
                let numbers: Vec<u32> = rows.iter().map(|row| first + *row as u32).collect();
                if far {
                    let read = part.segment.read_far_rows(&numbers)?.into_iter();
                    return Ok(read.map(|row| Found::far(workspace.clone(), row)).collect());
                }
                let read = part.segment.read_rows(&numbers, GroupSet::ALL)?;
                Ok(read.iter().map(|row| Found::packed(workspace.clone(), row)).collect())
            }
            Self::Recent(part) => {
                let events = part.blocks[block].events();
                let found = |row: &usize| Found::recent(workspace.clone(), events.clone(), *row);
                Ok(rows.iter().map(found).collect())
            }
        }
    }
}

impl SegmentPart {
    fn columns(&self, block: usize) -> Columns<'_> {
        Columns { segment: &self.segment, number: self.first_block + block }
    }

    /// Cuts the rows to a range of `occurred_at`; leaves them whole where they cannot be read, since
    /// whoever judges them will say so.
    fn cut(&mut self, times: IntRange) {
        if times.min > self.times.0
            && let Ok(row) = self.first_row(|occurred_at| occurred_at >= times.min)
        {
            self.rows.start = row;
            self.times.0 = times.min;
        }
        if times.max < self.times.1
            && let Ok(row) = self.first_row(|occurred_at| occurred_at > times.max)
        {
            self.rows.end = row;
            self.times.1 = times.max;
        }
        if !self.rows.is_empty() {
            self.first_block = self.segment.block_of_row(self.rows.start);
            self.blocks = self.segment.block_of_row(self.rows.end - 1) + 1 - self.first_block;
        }
    }

    /// Finds the first row whose time passes; times ascend.
    fn first_row(&self, passes: impl Fn(i64) -> bool) -> Result<u32, SegmentError> {
        let (mut low, mut high) = (self.rows.start, self.rows.end);
        while low < high {
            let middle = low + (high - low) / 2;
            let block = self.segment.block_of_row(middle);
            let place = middle - self.segment.rows_of_block(block).start;
            if passes(self.segment.occurred_at(block)?.get(place as usize)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }
}
