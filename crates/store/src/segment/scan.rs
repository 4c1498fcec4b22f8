//! Reading one group of many rows, block by block: what a search reads where no filter could decide.
//!
//! Pages come from the cache when they are there, but do not enter it, so that one search does not
//! evict what every other query needs.

use std::ops::Range;

use hashbrown::HashMap;
use proofbook_event::Group;

use super::error::SegmentError;
use super::join::join;
use super::lift::{
    Names, SENTENCE, TARGET_NAME, VALUE_COLUMNS, VALUES, Values, actor_name, lifted, places_of,
};
use super::page::ValuePage;
use super::reader::Segment;
use super::slice::for_each_text;

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
            self.pages[place] = Some(self.segment.values_in_passing(VALUES[place], block)?);
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

impl Segment {
    /// Visits the texts of one group in some rows of a block, row by row ascending only within each
    /// column, and tells which rows have a text that passes.
    ///
    /// A text that several rows share is asked once. `may_be_in` looks at many ASCII texts at once, with
    /// other bytes between them; `false` is certain for all of them. `rows` count from the block's first;
    /// returns how many bytes were looked at.
    ///
    /// # Errors
    /// A page is damaged or cannot be read.
    pub fn rows_with_text(
        &self,
        block: usize,
        group: Group,
        rows: &mut dyn Iterator<Item = usize>,
        may_be_in: &mut dyn FnMut(&[u8]) -> bool,
        passes: &mut dyn FnMut(&str) -> bool,
        found: &mut dyn FnMut(usize),
    ) -> Result<u64, SegmentError> {
        let mut pages: [Option<ValuePage>; VALUE_COLUMNS] = Default::default();
        for place in places_of(group) {
            pages[place] = Some(self.values_in_passing(VALUES[place], block)?);
        }
        let rows: Vec<usize> = rows.collect();
        let (first, keys) = lifted(group);
        let mut scratch = String::new();
        let mut bytes = 0;
        for place in std::iter::once(group.index()).chain(first..first + keys.len()) {
            let Some(page) = &pages[place] else { continue };
            let is_json = place == group.index();
            let mut any_passes = |value: &[u8]| {
                bytes += value.len() as u64;
                if is_json {
                    let mut any = false;
                    for_each_text(value, &mut scratch, &mut |text| any |= passes(text));
                    any
                } else {
                    std::str::from_utf8(value).is_ok_and(&mut *passes)
                }
            };
            if place == SENTENCE {
                let names = SentenceNames::new(&pages);
                let mut names_of_actors = HashMap::new();
                // All at once, so that they can be refused at once.
                let (mut sentences, mut ends) = (Vec::new(), Vec::with_capacity(rows.len()));
                for row in &rows {
                    if let Some(text) = page.get(*row) {
                        names.of_row(*row, &mut names_of_actors).put_in(text, &mut sentences);
                        // NUL is refused in events, so no needle that is found lies across two sentences.
                        sentences.push(0);
                        ends.push((*row, sentences.len() - 1));
                    }
                }
                if sentences.is_ascii() && !may_be_in(&sentences) {
                    continue;
                }
                let mut from = 0;
                for (row, end) in ends {
                    if any_passes(&sentences[from..end]) {
                        found(row);
                    }
                    from = end + 1;
                }
                continue;
            }
            match page {
                ValuePage::Plain(plain) => {
                    if plain.ascii_values().is_none_or(&mut *may_be_in) {
                        let has = |row: &&usize| page.get(**row).is_some_and(&mut any_passes);
                        rows.iter().filter(has).for_each(|row| found(*row));
                    }
                }
                ValuePage::Coded { codes, entries } => {
                    let mut verdicts: Vec<Option<bool>> = vec![None; entries.len() + 1];
                    for row in &rows {
                        let code = codes.get(*row).copied().unwrap_or(0) as usize;
                        let verdict = verdicts[code].get_or_insert_with(|| {
                            code > 0 && entries.get(code - 1).is_some_and(&mut any_passes)
                        });
                        if *verdict {
                            found(*row);
                        }
                    }
                }
            }
        }
        Ok(bytes)
    }
}

/// Where the names stand that a block's sentences leave out.
struct SentenceNames<'p> {
    actors: Option<&'p ValuePage>,
    targets: Option<&'p ValuePage>,
}

impl<'p> SentenceNames<'p> {
    fn new(pages: &'p [Option<ValuePage>; VALUE_COLUMNS]) -> Self {
        Self { actors: pages[Group::Actor.index()].as_ref(), targets: pages[TARGET_NAME].as_ref() }
    }

    /// Returns the names of a row; `known` has those of actors met before, by their codes.
    fn of_row(&self, row: usize, known: &mut HashMap<u32, Option<&'p [u8]>>) -> Names<'p> {
        let actor = match self.actors {
            Some(ValuePage::Coded { codes, entries }) => {
                let code = codes.get(row).copied().unwrap_or(0);
                *known.entry(code).or_insert_with(|| {
                    entries.get(code.checked_sub(1)? as usize).and_then(actor_name)
                })
            }
            Some(plain) => plain.get(row).and_then(actor_name),
            None => None,
        };
        Names::new(actor, self.targets.and_then(|targets| targets.get(row)))
    }
}
