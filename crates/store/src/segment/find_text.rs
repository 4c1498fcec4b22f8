//! Finding the rows of a block that have a text: what is read where the text filters could not say no.
//!
//! The values of a page, or of the dictionary that many blocks share, are looked at together first. Where
//! they may have the text, they are halved until few are left, and only those are asked one by one: a rare
//! word costs about two looks at its page, and one look at each dictionary.
//!
//! A sentence stands without its names ([`super::lift`]). A text lies in a sentence if it lies in one of
//! the parts, or across the border of two. The second needs a part that ends as the text begins, or begins
//! as it ends; mostly there is none, and no sentence has to be put together. That no name has the text is
//! mostly known from the text filters, and then the names are not even read.

use std::ops::Range;
use std::rc::Rc;

use proofbook_event::Group;

use super::dictionary::Entries;
use super::error::SegmentError;
use super::lift::{
    Names, SENTENCE, TARGET_NAME, VALUE_COLUMNS, VALUES, WITHHELD, actor_name, for_each_border,
    lifted,
};
use super::page::ValuePage;
use super::reader::Segment;
use super::rows::{GroupSet, Keep};
use super::slice::for_each_text;

/// Values of a page that are asked one by one.
const FEW_PARTS: usize = 16;
/// A dictionary with more values than this for each row that is asked for is not looked at as a whole.
const VALUES_A_ROW: usize = 8;

/// A value's number, and where it stands in a buffer; parts ascend by where they stand.
type Part = (u32, Range<usize>);

/// What texts are asked.
pub trait TextSearch {
    /// Tells whether any of the ASCII texts among these bytes may pass; `false` is certain for all of them.
    /// They may be whole JSON values, and have any bytes between them.
    fn may_be_in(&mut self, texts: &[u8]) -> bool;

    /// Tells whether what is looked for may lie across a border between two texts, of which the first ends
    /// with `before` and the second begins with `behind`, or with anything where that is empty; `false` is
    /// certain in ASCII texts.
    fn may_cross(&self, before: &[u8], behind: &[u8]) -> bool;

    /// Tells whether a text passes.
    fn passes(&mut self, text: &str) -> bool;
}

/// Where a text is looked for.
#[derive(Clone, Copy, Debug)]
pub struct TextPlace<'p> {
    /// The block.
    pub block: usize,
    /// The group of its rows.
    pub group: Group,
    /// The groups in which what is looked for may stand, as [`Segment::text_groups`] says: a name that is in
    /// none of them need not be put into a sentence.
    pub elsewhere: GroupSet,
    /// The rows, which ascend and count from the block's first.
    pub rows: &'p [usize],
}

/// Finds the rows of blocks that have one text, and remembers which values that blocks share have it.
#[derive(Debug, Default)]
pub struct TextFinder {
    /// By column, of the dictionary met last.
    passing: [Option<(DictionaryName, Passing)>; VALUE_COLUMNS],
    /// Of the sentences met last, whether the text may lie across a border in any.
    crossing: Option<(DictionaryName, bool)>,
    scratch: String,
}

/// The number of an open segment, and a row group of it.
type DictionaryName = (u64, usize);

/// Tells by code whether a value passes; `None` when none does.
type Passing = Option<Rc<[bool]>>;

impl TextFinder {
    /// Finds the rows of which the group has a text that passes. A row may be found more than once; a text
    /// that rows share is asked once. `search` is the same each time. Returns how many bytes were looked at
    /// one by one.
    ///
    /// # Errors
    /// A page is damaged or cannot be read.
    pub fn find(
        &mut self,
        segment: &Segment,
        place: TextPlace<'_>,
        search: &mut dyn TextSearch,
        found: &mut dyn FnMut(usize),
    ) -> Result<u64, SegmentError> {
        let TextPlace { block, group, elsewhere, rows } = place;
        let (first, keys) = lifted(group);
        let page = |place: usize| segment.values(VALUES[place], block, Keep::Nothing);
        let dictionary = segment.dictionary_name(block);
        let mut find = Find { finder: self, dictionary, search, bytes: 0 };
        for place in std::iter::once(group.index()).chain(first..first + keys.len()) {
            let values = page(place)?;
            if place != SENTENCE {
                find.in_page(&values, place, rows).into_iter().for_each(&mut *found);
                continue;
            }
            let crosses = find.may_cross_a_border(&values, rows);
            let is_named =
                [Group::Actor, Group::Targets].iter().any(|group| elsewhere.contains(*group));
            // What is in no name and crosses no border is in what is between them, or in a mark.
            let rows = match crosses || is_named {
                true => rows.to_vec(),
                false => find.in_page(&values, place, rows),
            };
            if !rows.is_empty() {
                let names = [page(Group::Actor.index())?, page(TARGET_NAME)?];
                find.in_sentences(&values, &names, &rows, crosses)
                    .into_iter()
                    .for_each(&mut *found);
            }
        }
        Ok(find.bytes)
    }
}

/// A search in one group of a block.
struct Find<'f> {
    finder: &'f mut TextFinder,
    dictionary: DictionaryName,
    search: &'f mut dyn TextSearch,
    bytes: u64,
}

impl Find<'_> {
    fn passes(&mut self, value: &[u8], is_json: bool) -> bool {
        self.bytes += value.len() as u64;
        if !is_json {
            return std::str::from_utf8(value).is_ok_and(|text| self.search.passes(text));
        }
        let mut any = false;
        let scratch = &mut self.finder.scratch;
        for_each_text(value, scratch, &mut |text| any |= self.search.passes(text));
        any
    }

    /// Returns the rows whose value passes.
    fn in_page(&mut self, page: &ValuePage, place: usize, rows: &[usize]) -> Vec<usize> {
        // What was lifted is no JSON.
        let is_json = place < WITHHELD;
        match page {
            ValuePage::Plain(plain) => {
                let parts: Vec<Part> = plain.parts(rows).collect();
                let passing = self.passing(plain.body(), &parts, is_json);
                passing.into_iter().map(|row| row as usize).collect()
            }
            ValuePage::Coded { codes, entries } => {
                let passing = match entries.len() <= rows.len() * VALUES_A_ROW {
                    true => self.of_dictionary(entries, place, is_json),
                    false => self.of_rows(page, rows, entries.len(), is_json),
                };
                let Some(passing) = passing else { return Vec::new() };
                let has = |row: &usize| codes.get(*row).is_some_and(|code| passing[*code as usize]);
                rows.iter().copied().filter(has).collect()
            }
        }
    }

    /// Asks all values of a dictionary, once for all blocks that share it.
    fn of_dictionary(&mut self, entries: &Entries, place: usize, is_json: bool) -> Passing {
        if let Some((name, passing)) = &self.finder.passing[place]
            && *name == self.dictionary
        {
            return passing.clone();
        }
        let parts: Vec<Part> =
            entries.ranges().zip(1..).map(|(range, code)| (code, range)).collect();
        let passing = self.passing(entries.body(), &parts, is_json);
        let passing = by_code(&passing, entries.len());
        self.finder.passing[place] = Some((self.dictionary, passing.clone()));
        passing
    }

    /// Asks the values that some rows have.
    fn of_rows(
        &mut self,
        page: &ValuePage,
        rows: &[usize],
        entries: usize,
        is_json: bool,
    ) -> Passing {
        let (mut values, mut parts) = (Vec::new(), Vec::new());
        page.for_each_distinct(rows, &mut |code, value| {
            let from = values.len();
            values.extend_from_slice(value);
            parts.push((code, from..values.len()));
            // NUL is refused in events, so no text lies across two values.
            values.push(0);
        });
        by_code(&self.passing(&values, &parts, is_json), entries)
    }

    /// Returns which parts of a buffer pass, by their numbers.
    fn passing(&mut self, texts: &[u8], parts: &[Part], is_json: bool) -> Vec<u32> {
        let mut passing = Vec::new();
        let is_ascii = |(_, range): &Part| texts[range.clone()].is_ascii();
        if parts.iter().all(is_ascii) {
            self.halving(texts, parts, is_json, &mut passing);
        } else {
            let (ascii, others): (Vec<Part>, Vec<Part>) = parts.iter().cloned().partition(is_ascii);
            self.halving(texts, &ascii, is_json, &mut passing);
            self.one_by_one(texts, &others, is_json, &mut passing);
        }
        passing
    }

    /// Looks at parts together, and at each half of them if one may pass.
    fn halving(&mut self, texts: &[u8], parts: &[Part], is_json: bool, passing: &mut Vec<u32>) {
        if parts.len() <= FEW_PARTS {
            self.one_by_one(texts, parts, is_json, passing);
        } else if let [(_, first), .., (_, last)] = parts
            && self.search.may_be_in(&texts[first.start..last.end])
        {
            let (low, high) = parts.split_at(parts.len() / 2);
            self.halving(texts, low, is_json, passing);
            self.halving(texts, high, is_json, passing);
        }
    }

    fn one_by_one(&mut self, texts: &[u8], parts: &[Part], is_json: bool, passing: &mut Vec<u32>) {
        for (number, range) in parts {
            if self.passes(&texts[range.clone()], is_json) {
                passing.push(*number);
            }
        }
    }

    /// Returns the rows whose sentence passes with the names in it.
    fn in_sentences(
        &mut self,
        page: &ValuePage,
        [actors, targets]: &[ValuePage; 2],
        rows: &[usize],
        crosses: bool,
    ) -> Vec<usize> {
        if !crosses {
            let mut parts = Vec::new();
            [page, actors, targets].iter().for_each(|page| page.put_distinct(rows, &mut parts));
            if parts.is_ascii() && !self.search.may_be_in(&parts) {
                return Vec::new();
            }
        }
        let mut sentence = Vec::new();
        let mut passes = |row: &usize| {
            let Some(text) = page.get(*row) else { return false };
            sentence.clear();
            let actor = actors.get(*row).and_then(actor_name);
            Names::new(actor, targets.get(*row)).put_in(text, &mut sentence);
            self.passes(&sentence, false)
        };
        rows.iter().copied().filter(&mut passes).collect()
    }

    /// Tells whether what is looked for may lie across the border of a name in some sentence.
    fn may_cross_a_border(&mut self, page: &ValuePage, rows: &[usize]) -> bool {
        let search = &*self.search;
        // Beyond ASCII a letter may fold to what is looked for.
        let crosses_in = |text: &[u8]| {
            let mut crosses = !text.is_ascii();
            for_each_border(text, &mut |before, behind| {
                crosses = crosses || search.may_cross(before, behind);
            });
            crosses
        };
        if let ValuePage::Coded { entries, .. } = page
            && entries.len() <= rows.len() * VALUES_A_ROW
        {
            let known = self.finder.crossing.filter(|(name, _)| *name == self.dictionary);
            let crosses = known.map_or_else(
                || entries.ranges().any(|range| crosses_in(&entries.body()[range])),
                |(_, crosses)| crosses,
            );
            self.finder.crossing = Some((self.dictionary, crosses));
            if !crosses {
                return false;
            }
        }
        let mut crosses = false;
        page.for_each_distinct(rows, &mut |_, text| crosses = crosses || crosses_in(text));
        crosses
    }
}

/// Spreads codes of values that pass.
fn by_code(codes: &[u32], entries: usize) -> Passing {
    if codes.is_empty() {
        return None;
    }
    let mut passing = vec![false; entries + 1];
    codes.iter().for_each(|code| passing[*code as usize] = true);
    Some(passing.into())
}

#[cfg(test)]
mod tests;
