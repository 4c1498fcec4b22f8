//! The rows that answer a question, judged block by block when they are wanted.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use proofbook_store::fold::Workspace;
use proofbook_store::prepare::IdHasher;
use proofbook_store::segment::SegmentError;

use crate::budget::Meter;
use crate::error::{QueryError, describe};
use crate::found::Found;
use crate::judge::{Judge, Judged};
use crate::limits::UNREAD_NAMES_MAX;
use crate::merge::Place;
use crate::order::Order;
use crate::question::Question;
use crate::source::Source;
use crate::threads::on_two_threads;

/// Blocks that are judged together before they are asked for.
const TOGETHER_BLOCKS: usize = 128;

/// Blocks that a page of a list may stand in before its events count as far apart. Of an ordinary workload
/// the decoded pages of so many blocks take an eighth of the cache.
const NEAR_BLOCKS: usize = 4;

/// Number of a source and of its block.
type BlockNumber = (usize, usize);

/// A question put to a workspace's sources.
pub(crate) struct Selection<'q> {
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) sources: Vec<Source>,
    pub(crate) question: Question<'q>,
    pub(crate) meter: Meter<'q>,
    judge: Judge<'q>,
    ids: IdHasher,
    /// Judged blocks that will be asked for, 512 bytes each.
    known: RefCell<HashMap<BlockNumber, Rc<Judged>>>,
    /// Whether blocks are asked for more than once.
    remembers: bool,
    unread: RefCell<Unread>,
}

/// Blocks that could not be read.
#[derive(Debug, Default)]
struct Unread {
    names: BTreeSet<String>,
    more: usize,
}

impl<'q> Selection<'q> {
    pub(crate) fn new(
        workspace: Arc<Workspace>,
        sources: Vec<Source>,
        question: Question<'q>,
        meter: Meter<'q>,
        ids: IdHasher,
    ) -> Self {
        Self {
            judge: Judge::new(question, workspace.uid, ids),
            workspace,
            sources,
            question,
            meter,
            ids,
            known: RefCell::default(),
            remembers: false,
            unread: RefCell::default(),
        }
    }

    /// Keeps what was judged, for queries that come back to a block.
    pub(crate) fn remembering(mut self) -> Self {
        self.remembers = true;
        self
    }

    /// Judges a block. A block that cannot be read has no rows and is named as unread.
    pub(crate) fn judge(&self, source: usize, block: usize) -> Result<Rc<Judged>, QueryError> {
        if let Some(judged) = self.known.borrow().get(&(source, block)) {
            return Ok(judged.clone());
        }
        self.meter.check()?;
        let judged = self.judge.judge(&self.sources[source], block, &self.meter);
        let judged = self.readable((source, block), judged);
        if self.remembers {
            self.known.borrow_mut().insert((source, block), judged.clone());
        }
        Ok(judged)
    }

    /// Judges all blocks where that is work for two threads, those that come first in an order first, and
    /// ends early when the budget ran out.
    pub(crate) fn judge_all(&self, order: Order) {
        if !self.judge.may_read_values() {
            return;
        }
        let mut blocks: Vec<BlockNumber> = self.blocks().collect();
        if order.descending {
            blocks.reverse();
        }
        blocks.sort_by_key(|(source, block)| order.bound(self.sources[*source].extent(*block)));
        for together in blocks.chunks(TOGETHER_BLOCKS) {
            self.judge_together(together);
        }
    }

    /// Judges blocks on two threads, until the budget ran out.
    fn judge_together(&self, blocks: &[BlockNumber]) {
        let is_new = |block: &BlockNumber| !self.known.borrow().contains_key(block);
        let blocks: Vec<BlockNumber> = blocks.iter().copied().filter(is_new).collect();
        let Self { sources, question, meter, workspace, ids, .. } = self;
        let judged = on_two_threads(&blocks, || {
            let judge = Judge::new(*question, workspace.uid, *ids);
            move |(source, block): &BlockNumber| {
                meter.check().is_ok().then(|| judge.judge(&sources[*source], *block, meter))
            }
        });
        for (block, judged) in blocks.into_iter().zip(judged) {
            if let Some(judged) = judged {
                let judged = self.readable(block, judged);
                self.known.borrow_mut().insert(block, judged);
            }
        }
    }

    /// Takes no row of a block that could not be read, and names it.
    fn readable(
        &self,
        (source, block): BlockNumber,
        judged: Result<Judged, SegmentError>,
    ) -> Rc<Judged> {
        Rc::new(judged.unwrap_or_else(|error| {
            self.unread(&error);
            Judged { rows: self.sources[source].all_of_block(block).emptied(), left_out: 0 }
        }))
    }

    /// Names a block that could not be read.
    pub(crate) fn unread(&self, error: &SegmentError) {
        let mut unread = self.unread.borrow_mut();
        let name = describe(error);
        if unread.names.len() < UNREAD_NAMES_MAX {
            unread.names.insert(name);
        } else if !unread.names.contains(&name) {
            unread.more += 1;
        }
    }

    /// Tells whether everything could be read.
    pub(crate) fn is_complete(&self) -> bool {
        self.unread.borrow().names.is_empty()
    }

    /// Returns what could not be read.
    pub(crate) fn unread_names(&self) -> Vec<String> {
        let unread = self.unread.borrow();
        let mut names: Vec<String> = unread.names.iter().cloned().collect();
        if unread.more > 0 {
            names.push(format!("and {} more", unread.more));
        }
        names
    }

    /// Reads whole events, in the order of their places; `None` where one cannot be read.
    pub(crate) fn fetch(&self, places: &[Place]) -> Vec<Option<Found>> {
        self.fetch_by_block(places, |_| false)
    }

    /// Reads the events of a page, as [`Selection::fetch`] does. Pages are asked for again.
    pub(crate) fn fetch_page(&self, places: &[Place]) -> Vec<Option<Found>> {
        self.fetch_by_block(places, |blocks| blocks > NEAR_BLOCKS)
    }

    /// Reads whole events; tells by the number of blocks that they stand in whether they are far apart.
    fn fetch_by_block(
        &self,
        places: &[Place],
        are_far: impl Fn(usize) -> bool,
    ) -> Vec<Option<Found>> {
        let mut order: Vec<usize> = (0..places.len()).collect();
        let at = |index: &usize| (places[*index].source, places[*index].block, places[*index].row);
        order.sort_unstable_by_key(at);
        let same_block =
            |one: &usize, other: &usize| (at(one).0, at(one).1) == (at(other).0, at(other).1);
        let blocks: Vec<&[usize]> = order.chunk_by(same_block).collect();
        let far = are_far(blocks.len());
        let (sources, workspace) = (&self.sources, &self.workspace);
        let read = on_two_threads(&blocks, || {
            |indexes: &&[usize]| {
                let (source, block, _) = at(&indexes[0]);
                let rows: Vec<usize> = indexes.iter().map(|index| places[*index].row).collect();
                sources[source].fetch_each(workspace, block, &rows, far)
            }
        });
        let mut fetched: Vec<Option<Found>> = vec![None; places.len()];
        for (index, found) in blocks.into_iter().flatten().zip(read.into_iter().flatten()) {
            match found {
                Ok(found) => fetched[*index] = Some(found),
                Err(error) => self.unread(&error),
            }
        }
        fetched
    }

    /// Calls `visit` with every block that has rows.
    pub(crate) fn for_each_block(
        &self,
        visit: &mut dyn FnMut(&Source, usize, &Judged) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let blocks: Vec<BlockNumber> = self.blocks().collect();
        for together in blocks.chunks(TOGETHER_BLOCKS) {
            if self.judge.may_read_values() {
                self.judge_together(together);
            }
            for (source, block) in together {
                let judged = self.judge(*source, *block)?;
                visit(&self.sources[*source], *block, &judged)?;
            }
            if !self.remembers {
                self.known.borrow_mut().clear();
            }
        }
        Ok(())
    }

    fn blocks(&self) -> impl Iterator<Item = BlockNumber> + '_ {
        let of_source = |(index, source): (usize, &Source)| {
            (0..source.blocks()).map(move |block| (index, block))
        };
        self.sources.iter().enumerate().flat_map(of_source)
    }
}
