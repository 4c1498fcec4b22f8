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
    /// Refuses whole blocks.
    pub(crate) filter: &'r PageFilter,
    pub(crate) groups: GroupSet,
}

/// Rows that pass, and the bytes that were looked at.
type Read = Result<(RowSet, u64), SegmentError>;

impl Reading<'_> {
    /// Returns the rows of which some group's value passes.
    pub(crate) fn rows(self, rows: &RowSet, passes: &dyn Fn(Group, &[u8]) -> bool) -> Read {
        let first = self.block.segment.rows_of_block(self.block.number).start;
        let (mut values, mut lower) = (Vec::new(), Vec::new());
        let (mut passing, mut bytes) = (rows.emptied(), 0);
        for group in Group::ALL.into_iter().filter(|group| self.groups.contains(*group)) {
            let mut scan = self.block.segment.scan_group(group);
            let mut held = 0..0;
            let mut is_wanted = false;
            for row in rows.iter() {
                let number = first + row as u32;
                if !held.contains(&number) {
                    held = scan.seek(number)?;
                    let told = scan.ascii_values(&mut values);
                    bytes += values.len() as u64;
                    is_wanted = !told || self.filter.may_be_in(&values, &mut lower);
                }
                if !is_wanted || passing.contains(row) {
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

    /// Like [`Reading::rows`], on two threads when there are many rows: a word that no filter can
    /// refuse is the one query that costs time in the length of the history.
    pub(crate) fn shared(self, rows: &RowSet, passes: &(dyn Fn(&[u8]) -> bool + Sync)) -> Read {
        let read = |rows: &RowSet| self.rows(rows, &|_, value| passes(value));
        if rows.len() < SHARED_ROWS_MIN {
            return read(rows);
        }
        let (low, high) = rows.halves();
        thread::scope(|scope| {
            let other = thread::Builder::new().name("query".to_owned());
            let other = other.spawn_scoped(scope, || read(&high));
            let (mut passing, bytes) = read(&low)?;
            let (more, more_bytes) = match other {
                Ok(other) => other.join().unwrap_or_else(|panic| resume_unwind(panic))?,
                Err(_) => read(&high)?,
            };
            passing.add(&more);
            Ok((passing, bytes + more_bytes))
        })
    }
}
