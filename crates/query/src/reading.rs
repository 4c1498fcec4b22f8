//! Reading the values of a block's undecided rows.

use proofbook_event::Group;
use proofbook_store::segment::{GroupSet, SegmentError, TextFinder, TextPlace, TextSearch};

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

    /// Returns the rows of which some group has a text that passes; `finder` has found nothing else before.
    pub(crate) fn texts(
        self,
        rows: &RowSet,
        finder: &mut TextFinder,
        passes: &dyn Fn(&str) -> bool,
    ) -> Read {
        let Self { block, filter, groups, parts: elsewhere } = self;
        let asked: Vec<usize> = rows.iter().collect();
        let mut search = Search { filter, lower: Vec::new(), passes };
        let (mut passing, mut bytes) = (rows.emptied(), 0);
        for group in Group::ALL.into_iter().filter(|group| groups.contains(*group)) {
            let place = TextPlace { block: block.number, group, elsewhere, rows: &asked };
            let found = &mut |row| passing.insert(row);
            bytes += finder.find(block.segment, place, &mut search, found)?;
        }
        Ok((passing, bytes))
    }
}

/// What texts are asked.
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
