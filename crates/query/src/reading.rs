//! Reading the values of a block's undecided rows.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proofbook_event::Group;
use proofbook_store::segment::{GroupSet, SegmentError, TextSearch};

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
    /// Groups in which a part of a text that is looked for may stand.
    pub(crate) parts: GroupSet,
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

    /// Returns the rows of which some group has a text that passes. Two threads take the groups in turn
    /// where there are several and many rows: a text that no filter can refuse is the one query that
    /// costs time in the length of the history, and most of it goes into loading pages.
    pub(crate) fn texts(self, rows: &RowSet, passes: &(dyn Fn(&str) -> bool + Sync)) -> Read {
        let asked: Vec<usize> = rows.iter().collect();
        let groups = Group::ALL.into_iter().filter(|group| self.groups.contains(*group));
        let groups: Vec<Group> = groups.collect();
        let next = AtomicUsize::new(0);
        let work = || -> Read {
            let mut search = Search { filter: self.filter, lower: Vec::new(), passes };
            let (mut passing, mut bytes) = (rows.emptied(), 0);
            while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (segment, block) = (self.block.segment, self.block.number);
                let found = &mut |row| passing.insert(row);
                bytes +=
                    segment.find_text(block, *group, self.parts, &asked, &mut search, found)?;
            }
            Ok((passing, bytes))
        };
        if groups.len() < 2 || asked.len() < SHARED_ROWS_MIN {
            return work();
        }
        thread::scope(|scope| {
            let other = thread::Builder::new().name("query".to_owned()).spawn_scoped(scope, work);
            let (mut passing, mut bytes) = work()?;
            // Without a second thread the first one has taken all groups.
            if let Ok(other) = other {
                let (more, more_bytes) =
                    other.join().unwrap_or_else(|panic| resume_unwind(panic))?;
                passing.add(&more);
                bytes += more_bytes;
            }
            Ok((passing, bytes))
        })
    }
}

/// What one thread asks texts.
struct Search<'r> {
    filter: &'r PageFilter,
    lower: Vec<u8>,
    passes: &'r dyn Fn(&str) -> bool,
}

impl TextSearch for Search<'_> {
    fn may_be_in(&mut self, texts: &[u8]) -> bool {
        self.filter.may_be_in(texts, &mut self.lower)
    }

    fn may_cross(&self, before: &[u8], behind: &[u8]) -> bool {
        self.filter.may_cross(before, behind)
    }

    fn passes(&mut self, text: &str) -> bool {
        (self.passes)(text)
    }
}
