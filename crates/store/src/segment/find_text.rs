//! Finding the rows of a block that have a text: what is read where the text filters could not say no.
//!
//! The values of a page are looked at together first. Where they may have the text, they are halved until
//! few are left, and only those are asked one by one: a rare word costs about two looks at its page.
//!
//! A sentence stands without its names ([`super::lift`]). A text lies in a sentence if it lies in one of
//! the parts, or across the border of two. The second needs a part that ends as the text begins, or begins
//! as it ends; mostly there is none, and no sentence has to be put together. That no name has the text is
//! mostly known from the text filters, and then the names are not even read.

use std::ops::Range;

use proofbook_event::Group;

use super::error::SegmentError;
use super::lift::{Names, SENTENCE, TARGET_NAME, VALUES, actor_name, for_each_border, lifted};
use super::page::ValuePage;
use super::reader::Segment;
use super::rows::GroupSet;
use super::slice::for_each_text;

/// Values of a page that are asked one by one.
const FEW_PARTS: usize = 16;

/// A value's number, and where it stands in a buffer; parts ascend by where they stand.
type Part = (u32, Range<usize>);

/// What texts are asked.
pub trait TextSearch {
    /// Tells whether any of these ASCII texts may pass; `false` is certain for all of them. They may be
    /// whole JSON values, and have other bytes between them.
    fn may_be_in(&mut self, texts: &[u8]) -> bool;

    /// Tells whether what is looked for may lie across a border between two texts, of which the first ends
    /// with `before` and the second begins with `behind`, or with anything where that is empty; `false` is
    /// certain in ASCII texts.
    fn may_cross(&self, before: &[u8], behind: &[u8]) -> bool;

    /// Tells whether a text passes.
    fn passes(&mut self, text: &str) -> bool;
}

/// A search in one group of a block.
struct Find<'f> {
    search: &'f mut dyn TextSearch,
    scratch: String,
    bytes: u64,
}

impl Segment {
    /// Finds the rows of a block of which one group has a text that passes.
    ///
    /// `elsewhere` are the groups in which what is looked for may stand, as [`Segment::text_groups`] says: a
    /// name that is in none of them need not be put into a sentence. A text that several rows share is asked
    /// once. `rows` ascend and count from the block's first; a row may be found more than once. Returns how
    /// many bytes were looked at one by one.
    ///
    /// # Errors
    /// A page is damaged or cannot be read.
    pub fn find_text(
        &self,
        block: usize,
        group: Group,
        elsewhere: GroupSet,
        rows: &[usize],
        search: &mut dyn TextSearch,
        found: &mut dyn FnMut(usize),
    ) -> Result<u64, SegmentError> {
        let (first, keys) = lifted(group);
        let page = |place: usize| self.values_in_passing(VALUES[place], block);
        let mut find = Find { search, scratch: String::new(), bytes: 0 };
        for place in std::iter::once(group.index()).chain(first..first + keys.len()) {
            let values = page(place)?;
            let is_json = place == group.index();
            if place != SENTENCE {
                find.in_page(&values, rows, is_json).into_iter().for_each(&mut *found);
                continue;
            }
            let crosses = find.may_cross_a_border(&values, rows);
            let is_named =
                [Group::Actor, Group::Targets].iter().any(|group| elsewhere.contains(*group));
            // What is in no name and crosses no border is in what is between them, or in a mark.
            let rows = match crosses || is_named {
                true => rows.to_vec(),
                false => find.in_page(&values, rows, is_json),
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

impl Find<'_> {
    fn passes(&mut self, value: &[u8], is_json: bool) -> bool {
        self.bytes += value.len() as u64;
        if !is_json {
            return std::str::from_utf8(value).is_ok_and(|text| self.search.passes(text));
        }
        let mut any = false;
        for_each_text(value, &mut self.scratch, &mut |text| any |= self.search.passes(text));
        any
    }

    /// Returns the rows whose value passes.
    fn in_page(&mut self, page: &ValuePage, rows: &[usize], is_json: bool) -> Vec<usize> {
        match page {
            ValuePage::Plain(plain) => {
                let parts: Vec<Part> = plain.parts(rows).collect();
                let passing = self.passing(plain.body(), &parts, is_json);
                passing.into_iter().map(|row| row as usize).collect()
            }
            ValuePage::Coded { codes, entries } => {
                let (mut values, mut parts) = (Vec::new(), Vec::new());
                page.for_each_distinct(rows, &mut |code, value| {
                    let from = values.len();
                    values.extend_from_slice(value);
                    parts.push((code, from..values.len()));
                    // NUL is refused in events, so no text lies across two values.
                    values.push(0);
                });
                let passing = self.passing(&values, &parts, is_json);
                if passing.is_empty() {
                    return Vec::new();
                }
                let mut passes = vec![false; entries.len() + 1];
                passing.into_iter().for_each(|code| passes[code as usize] = true);
                let has = |row: &usize| codes.get(*row).is_some_and(|code| passes[*code as usize]);
                rows.iter().copied().filter(has).collect()
            }
        }
    }

    /// Returns which parts of a buffer pass, by their numbers.
    fn passing(&mut self, texts: &[u8], parts: &[Part], is_json: bool) -> Vec<u32> {
        let mut passing = Vec::new();
        let all = match parts {
            [(_, first), .., (_, last)] => &texts[first.start..last.end],
            _ => b"",
        };
        if all.is_ascii() {
            self.halving(texts, parts, is_json, &mut passing);
        } else {
            self.one_by_one(texts, parts, is_json, &mut passing);
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
        let mut crosses = false;
        page.for_each_distinct(rows, &mut |_, text| {
            // Beyond ASCII a letter may fold to what is looked for.
            crosses = crosses || !text.is_ascii();
            for_each_border(text, &mut |before, behind| {
                crosses = crosses || self.search.may_cross(before, behind);
            });
        });
        crosses
    }
}

#[cfg(test)]
mod tests;
