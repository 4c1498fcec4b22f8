//! Reading one group of many rows, block by block: what a search reads where no filter could decide.
//!
//! Pages come from the cache when they are there, but do not enter it, so that one search does not
//! evict what every other query needs.

use std::ops::Range;

use proofbook_event::Group;

use super::error::SegmentError;
use super::join::join;
use super::lift::{VALUE_COLUMNS, VALUES, Values, places_of};
use super::page::ValuePage;
use super::reader::Segment;
use super::rows::Keep;

/// A walk over the values of one group, rows ascending.
pub struct GroupScan<'s> {
    segment: &'s Segment,
    group: Group,
    rows: Range<u32>,
    pages: [Option<ValuePage>; VALUE_COLUMNS],
    joined: Vec<u8>,
}

impl Segment {
    /// Begins to read a group.
    pub fn scan_group(&self, group: Group) -> GroupScan<'_> {
        GroupScan {
            segment: self,
            group,
            rows: 0..0,
            pages: Default::default(),
            joined: Vec::new(),
        }
    }
}

impl GroupScan<'_> {
    /// Goes to the block that holds a row and returns the block's rows.
    ///
    /// # Errors
    /// A page is damaged or cannot be read, or the segment has no such row.
    pub fn seek(&mut self, row: u32) -> Result<Range<u32>, SegmentError> {
        if self.rows.contains(&row) {
            return Ok(self.rows.clone());
        }
        if row >= self.segment.rows() {
            return Err(SegmentError::refused("a row asked for is not in the segment"));
        }
        let block = self.segment.block_of_row(row);
        for place in places_of(self.group) {
            self.pages[place] = Some(self.segment.values(VALUES[place], block, Keep::Nothing)?);
        }
        self.rows = self.segment.rows_of_block(block);
        Ok(self.rows.clone())
    }

    /// Returns the value of a row of the block; `None` where the group is absent, or the row elsewhere.
    pub fn value(&mut self, row: u32) -> Option<&[u8]> {
        let at = row.checked_sub(self.rows.start).filter(|_| self.rows.contains(&row))? as usize;
        let pages = &self.pages;
        let values: Values<'_> =
            std::array::from_fn(|place| pages[place].as_ref().and_then(|page| page.get(at)));
        self.joined.clear();
        join(self.group, &values, &mut self.joined).then_some(self.joined.as_slice())
    }
}
