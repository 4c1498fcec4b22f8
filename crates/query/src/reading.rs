//! Reading the values of a block's undecided rows.

use std::panic::resume_unwind;
use std::thread;

use proofbook_event::Group;
use proofbook_store::segment::{GroupSet, SegmentError};

use crate::limits::SHARED_ROWS_MIN;
use crate::page_filter::PageFilter;
use crate::rowset::RowSet;
use crate::source::Columns;

/// What is read of a block.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'r> {
    pub(crate) block: Columns<'r>,
    /// Refuses many texts at once.
    pub(crate) filter: &'r PageFilter,
    pub(crate) groups: GroupSet,
}

/// Rows that pass, and the bytes that were looked at.
type Read = Result<(RowSet, u64), SegmentError>;

impl Reading<'_> {
    /// Returns the rows of which some group's value passes.
    pub(crate) fn rows(self, rows: &RowSet, passes: &dyn Fn(Group, &[u8]) -> bool) -> Read {
        let first = self.block.segment.rows_of_block(self.block.number).start;
        let (mut passing, mut bytes) = (rows.emptied(), 0);
        for group in Group::ALL.into_iter().filter(|group| self.groups.contains(*group)) {
            let mut scan = self.block.segment.scan_group(group);
            for row in rows.iter() {
                let number = first + row as u32;
                scan.seek(number)?;
                if passing.contains(row) {
                    continue;
                }
                if let Some(value) = scan.value(number) {
                    bytes += value.len() as u64;
                    if passes(group, value) {
                        passing.insert(row);
                    }
                }
            }
        }
        Ok((passing, bytes))
    }

    /// Returns the rows of which some group has a text that passes.
    fn rows_with_text(self, rows: &RowSet, passes: &dyn Fn(&str) -> bool) -> Read {
        let (mut passing, mut bytes) = (rows.emptied(), 0);
        let mut lower = Vec::new();
        for group in Group::ALL.into_iter().filter(|group| self.groups.contains(*group)) {
            bytes += self.block.segment.rows_with_text(
                self.block.number,
                group,
                &mut rows.iter(),
                &mut |texts| self.filter.may_be_in(texts, &mut lower),
                &mut |text| passes(text),
                &mut |row| passing.insert(row),
            )?;
        }
        Ok((passing, bytes))
    }

    /// Returns the rows of which some group has a text that passes, on two threads when there are many
    /// rows: a word that no filter can refuse is the one query that costs time in the length of the
    /// history.
    pub(crate) fn texts(self, rows: &RowSet, passes: &(dyn Fn(&str) -> bool + Sync)) -> Read {
        if rows.len() < SHARED_ROWS_MIN {
            return self.rows_with_text(rows, passes);
        }
        let (low, high) = rows.halves();
        thread::scope(|scope| {
            let other = thread::Builder::new().name("query".to_owned());
            let other = other.spawn_scoped(scope, || self.rows_with_text(&high, passes));
            let (mut passing, bytes) = self.rows_with_text(&low, passes)?;
            let (more, more_bytes) = match other {
                Ok(other) => other.join().unwrap_or_else(|panic| resume_unwind(panic))?,
                Err(_) => self.rows_with_text(&high, passes)?,
            };
            passing.add(&more);
            Ok((passing, bytes + more_bytes))
        })
    }
}
