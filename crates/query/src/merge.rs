//! Walking the rows of all sources in one order, judging no block before it can matter.
//!
//! Each segment is a run, sorted by time. A run that was not opened, or whose next block was not
//! judged, stands in the heap with a bound that none of its rows can come before; only when that
//! bound comes up is the block judged. Walking by seq, each block of a segment is a run of its own,
//! bounded by its least seq, since its rows are sorted by time. Each block of recent events always is
//! one, since only seq is certain to ascend there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::error::QueryError;
use crate::order::{Key, Order};
use crate::selection::Selection;

/// A row and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) key: Key,
    pub(crate) source: usize,
    pub(crate) block: usize,
    pub(crate) row: usize,
}

/// A walk over a selection.
pub(crate) struct Merge<'s, 'q> {
    selection: &'s Selection<'q>,
    order: Order,
    /// Only rows behind this key.
    after: Option<Key>,
    heap: BinaryHeap<Reverse<(Key, What)>>,
    ready: Vec<Vec<Place>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// A source that was not looked at; only by seq.
    Source(usize),
    /// The block of a source that comes next, and whether the ones behind it follow.
    Block { source: usize, block: usize, alone: bool },
    /// The first row of a list of judged rows.
    Row(usize),
}

impl<'s, 'q> Merge<'s, 'q> {
    pub(crate) fn new(selection: &'s Selection<'q>, order: Order, after: Option<Key>) -> Self {
        let mut merge =
            Self { selection, order, after, heap: BinaryHeap::new(), ready: Vec::new() };
        for (index, source) in selection.sources.iter().enumerate() {
            if source.is_recent() {
                for block in 0..source.blocks() {
                    let what = What::Block { source: index, block, alone: true };
                    merge.heap.push(Reverse((order.bound(source.extent(block)), what)));
                }
                continue;
            }
            let what = if order.by_time { merge.first_block(index) } else { What::Source(index) };
            merge.heap.push(Reverse((order.bound(source.extent(0)), what)));
        }
        merge
    }

    fn first_block(&self, source: usize) -> What {
        let last = self.selection.sources[source].blocks().saturating_sub(1);
        What::Block { source, block: if self.order.descending { last } else { 0 }, alone: false }
    }

    /// Returns the next row, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Place>, QueryError> {
        while let Some(Reverse((bound, what))) = self.heap.pop() {
            match what {
                What::Row(list) => {
                    let place = self.ready[list].pop();
                    if let Some(next) = self.ready[list].last() {
                        self.heap.push(Reverse((next.key, what)));
                    }
                    if place.is_some() {
                        return Ok(place);
                    }
                }
                What::Source(source) => self.open_by_seq(source),
                What::Block { source, block, alone } => {
                    self.open_block(bound, source, block, alone)?;
                }
            }
        }
        Ok(None)
    }

    /// Puts each block of a segment into the heap by its least (or greatest) seq.
    fn open_by_seq(&mut self, source: usize) {
        let from = &self.selection.sources[source];
        for block in 0..from.blocks() {
            let mut bound = None;
            let all = from.all_of_block(block);
            let read = from.for_each_key(block, &all, &mut |_, occurred_at, seq| {
                let key = self.order.key(occurred_at, seq);
                bound = Some(bound.map_or(key, |bound: Key| bound.min(key)));
            });
            if let Err(error) = read {
                self.selection.unread(&error);
            } else if let Some(bound) = bound {
                let what = What::Block { source, block, alone: true };
                self.heap.push(Reverse((bound, what)));
            }
        }
    }

    /// Judges a block, none of whose rows comes before `bound`.
    fn open_block(
        &mut self,
        bound: Key,
        source: usize,
        block: usize,
        alone: bool,
    ) -> Result<(), QueryError> {
        let from = &self.selection.sources[source];
        let judged = self.selection.judge(source, block)?;
        let mut places = Vec::new();
        // What comes behind this block in its run comes behind its rows. Where none passes, its times
        // are not read, and the bound that is known stays.
        let mut edge = bound;
        if !judged.rows.is_empty() {
            let read = from.for_each_key(block, &judged.rows, &mut |row, occurred_at, seq| {
                let key = self.order.key(occurred_at, seq);
                edge = edge.max(key);
                if self.after.is_none_or(|after| key > after) {
                    places.push(Place { key, source, block, row });
                }
            });
            if let Err(error) = read {
                self.selection.unread(&error);
                places.clear();
            }
        }
        if !alone {
            let next = if self.order.descending { block.checked_sub(1) } else { Some(block + 1) };
            if let Some(block) = next.filter(|block| *block < from.blocks()) {
                self.heap.push(Reverse((edge, What::Block { source, block, alone })));
            }
        }
        // The last one is taken first.
        places.sort_unstable_by_key(|place| Reverse(place.key));
        if let Some(first) = places.last() {
            self.heap.push(Reverse((first.key, What::Row(self.ready.len()))));
            self.ready.push(places);
        }
        Ok(())
    }
}
