//! Fresh ids: one answer for many small segments to "is this id known?".
//!
//! Every id that comes is looked for in every live segment. Those that were packed since merging last
//! had its turn are many and small; a filter in front of them says at once that none of them has an id,
//! which is the answer for nearly all that come. Those that it does not rule out are looked for in the
//! segments as if there were no filter, so it decides nothing: a store that was just started has none
//! and is only slower.
//!
//! Invariant: a filter that covers a segment was given every id of it. Segments never change, so that
//! stays true; a filter goes when no live segment is left of those it covers.

use std::sync::Arc;

use crate::segment::IdKey;

/// Ids that one filter takes: about what sixteen packs bring.
const FILTER_IDS_MAX: usize = 640 * 1024;
/// Words of a filter, 1 MiB: thirteen bits an id when it is full, one wrong answer in some eighty.
const FILTER_WORDS: usize = 1 << 17;

/// Filters in front of segments, oldest first.
#[derive(Clone, Default)]
pub(crate) struct FreshIds {
    filters: Vec<Arc<Filter>>,
}

/// Which ids some segments have between them; wrong now and then, never about an id that they have.
#[derive(Clone)]
pub(crate) struct Filter {
    /// Names of the segments that it covers.
    segments: Vec<u64>,
    ids: usize,
    /// An id sets four bits of one word (a Bloom filter in blocks of a word: Putze, Sanders and Singler,
    /// "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).
    words: Box<[u64]>,
}

impl FreshIds {
    /// Returns the filters with the ids of a new segment, and without those that cover none of the live
    /// ones; `is_live` tells of a segment's name.
    pub(crate) fn with(&self, segment: u64, ids: &[IdKey], is_live: impl Fn(u64) -> bool) -> Self {
        let covers_any = |filter: &&Arc<Filter>| filter.segments.iter().any(|name| is_live(*name));
        let mut filters: Vec<Arc<Filter>> =
            self.filters.iter().filter(covers_any).cloned().collect();
        let mut last = match filters.pop_if(|last| last.ids + ids.len() <= FILTER_IDS_MAX) {
            Some(last) => Arc::unwrap_or_clone(last),
            None => Filter::new(),
        };
        last.segments.push(segment);
        last.ids += ids.len();
        ids.iter().for_each(|id| last.insert(*id));
        filters.push(Arc::new(last));
        Self { filters }
    }

    /// Returns the filters, each under its number.
    pub(crate) fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.filters.iter().map(|filter| &**filter)
    }

    /// Returns the number of the filter that covers a segment.
    pub(crate) fn covering(&self, segment: u64) -> Option<usize> {
        self.filters.iter().position(|filter| filter.segments.contains(&segment))
    }
}

impl Filter {
    fn new() -> Self {
        Self { segments: Vec::new(), ids: 0, words: vec![0; FILTER_WORDS].into_boxed_slice() }
    }

    fn insert(&mut self, id: IdKey) {
        let (word, bits) = spot(id);
        self.words[word] |= bits;
    }

    /// Tells whether one of the segments may have an id; never `false` when one has.
    pub(crate) fn may_contain(&self, id: IdKey) -> bool {
        let (word, bits) = spot(id);
        self.words[word] & bits == bits
    }
}

/// Returns the word of an id and its bits there. The id's key is mixed already.
fn spot(id: IdKey) -> (usize, u64) {
    let key = id.mixed();
    let bit = |at: u32| 1_u64 << (key >> at & 63);
    ((key >> 40) as usize % FILTER_WORDS, bit(0) | bit(8) | bit(16) | bit(24))
}

#[cfg(test)]
mod tests;
