//! Reading one group of many rows, page by page: what a search reads where no filter could decide.
//!
//! Pages come from the cache when they are there, but do not enter it, so that one search does not
//! evict what every other query needs.

use std::ops::Range;
use std::sync::Arc;

use proofbook_event::Group;

use super::error::SegmentError;
use super::page::ValuePage;
use super::reader::Segment;
use super::schema::ParquetColumn;

/// A walk over the values of one group, rows ascending.
pub struct GroupScan<'s> {
    segment: &'s Segment,
    column: ParquetColumn,
    page: Option<(Arc<ValuePage>, Range<u32>)>,
}

impl Segment {
    /// Begins to read a group.
    pub fn scan_group(&self, group: Group) -> GroupScan<'_> {
        GroupScan { segment: self, column: ParquetColumn::of_group(group), page: None }
    }
}

impl GroupScan<'_> {
    /// Goes to the page that holds a row and returns the page's rows.
    ///
    /// # Errors
    /// The page is damaged or cannot be read, or the segment has no such row.
    pub fn seek(&mut self, row: u32) -> Result<Range<u32>, SegmentError> {
        if let Some((_, rows)) = &self.page
            && rows.contains(&row)
        {
            return Ok(rows.clone());
        }
        if row >= self.segment.rows() {
            return Err(SegmentError::refused("a row asked for is not in the segment"));
        }
        let (page, rows) = self.segment.values_in_passing(self.column, row)?;
        self.page = Some((page, rows.clone()));
        Ok(rows)
    }

    /// Returns the value of a row of the page; `None` where the group is absent, or the row elsewhere.
    pub fn value(&self, row: u32) -> Option<&[u8]> {
        let (page, rows) = self.page.as_ref()?;
        page.get(row.checked_sub(rows.start)? as usize)
    }

    /// Returns how many bytes the page holds.
    pub fn bytes(&self) -> usize {
        self.page.as_ref().map_or(0, |(page, _)| page.bytes().len())
    }

    /// Returns all bytes of the page, its values with lengths between them, when every value is ASCII.
    ///
    /// What does not occur here, in either case of its letters, is in no value of the page.
    pub fn ascii_page(&self) -> Option<&[u8]> {
        let (page, rows) = self.page.as_ref()?;
        let is_ascii = |index| page.get(index).is_none_or(<[u8]>::is_ascii);
        (0..rows.len()).all(is_ascii).then(|| page.bytes())
    }
}
