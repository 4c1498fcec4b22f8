//! The rows that answer a question, judged block by block when they are wanted.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use proofbook_store::fold::Workspace;
use proofbook_store::prepare::IdHasher;
use proofbook_store::segment::SegmentError;

use crate::block::IdRows;
use crate::budget::Meter;
use crate::error::{QueryError, describe};
use crate::found::Found;
use crate::limits::UNREAD_NAMES_MAX;
use crate::merge::Place;
use crate::plan::Plan;
use crate::question::Question;
use crate::rowset::RowSet;
use crate::source::Source;

/// The rows of a block that answer the question.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// Rows that pass.
    pub(crate) rows: RowSet,
    /// How many of Proofbook's own events would pass.
    pub(crate) left_out: u64,
}

/// By source and block.
type KnownBlocks = HashMap<(usize, usize), Rc<Judged>>;

/// A question put to a workspace's sources.
pub(crate) struct Selection<'q> {
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) sources: Vec<Source>,
    pub(crate) question: Question<'q>,
    pub(crate) meter: Meter<'q>,
    plan: Plan<'q>,
    /// What is kept whatever retention says.
    holds: Vec<Plan<'q>>,
    ids: IdRows,
    /// Judged blocks, when blocks are looked at more than once; 512 bytes each.
    known: Option<RefCell<KnownBlocks>>,
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
            plan: Plan::new(question.filter.expr()),
            holds: question.rules.holds.iter().map(|hold| Plan::new(hold.expr())).collect(),
            ids: IdRows::new(workspace.uid, ids),
            workspace,
            sources,
            question,
            meter,
            known: None,
            unread: RefCell::default(),
        }
    }

    /// Keeps what was judged, for queries that come back to a block.
    pub(crate) fn remembering(mut self) -> Self {
        self.known = Some(RefCell::default());
        self
    }

    /// Judges a block. A block that cannot be read has no rows and is named as unread.
    pub(crate) fn judge(&self, source: usize, block: usize) -> Result<Rc<Judged>, QueryError> {
        if let Some(known) = &self.known
            && let Some(judged) = known.borrow().get(&(source, block))
        {
            return Ok(judged.clone());
        }
        self.meter.check()?;
        let judged = match self.judge_anew(&self.sources[source], block) {
            Ok(judged) => judged,
            Err(error) => {
                self.unread(&error);
                Judged { rows: self.sources[source].all_of_block(block).emptied(), left_out: 0 }
            }
        };
        let judged = Rc::new(judged);
        if let Some(known) = &self.known {
            known.borrow_mut().insert((source, block), judged.clone());
        }
        Ok(judged)
    }

    /// Decides by columns and filters, and reads the values that are left open.
    fn judge_anew(&self, source: &Source, number: usize) -> Result<Judged, SegmentError> {
        let block = source.block(number, &self.ids);
        let extent = source.extent(number);
        let mut rows = source.all_of_block(number);
        if extent.seqs.1 >= self.question.seq_below {
            block.keep_seqs_below(self.question.seq_below, &mut rows)?;
        }
        let cutoffs = &self.question.rules.cutoffs;
        if cutoffs.latest().is_some_and(|latest| extent.times.0 < latest) {
            let expired = block.expired(cutoffs, &rows)?;
            rows.take(&expired);
            for hold in self.holds.iter().filter(|_| !expired.is_empty()) {
                rows.add(&hold.passing(&block, &expired, &self.meter)?);
            }
        }
        let mut rows = self.plan.passing(&block, &rows, &self.meter)?;
        let left_out = if self.question.filter.names_audit_log() || rows.is_empty() {
            0
        } else {
            block.leave_own_out(&mut rows)?
        };
        Ok(Judged { rows, left_out })
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
        let mut order: Vec<usize> = (0..places.len()).collect();
        let at = |index: &usize| (places[*index].source, places[*index].block, places[*index].row);
        order.sort_unstable_by_key(at);
        let mut fetched: Vec<Option<Found>> = vec![None; places.len()];
        for chunk in order.chunk_by(|a, b| (at(a).0, at(a).1) == (at(b).0, at(b).1)) {
            let (source, block, _) = at(&chunk[0]);
            let source = &self.sources[source];
            let rows: Vec<usize> = chunk.iter().map(|index| places[*index].row).collect();
            if let Ok(found) = source.fetch(&self.workspace, block, &rows) {
                for (index, found) in chunk.iter().zip(found) {
                    fetched[*index] = Some(found);
                }
                continue;
            }
            // One damaged page must not hide the rows beside it.
            for (index, row) in chunk.iter().zip(rows) {
                match source.fetch(&self.workspace, block, &[row]) {
                    Ok(found) => fetched[*index] = found.into_iter().next(),
                    Err(error) => self.unread(&error),
                }
            }
        }
        fetched
    }

    /// Calls `visit` with every block that has rows.
    pub(crate) fn for_each_block(
        &self,
        visit: &mut dyn FnMut(&Source, usize, &Judged) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        for (index, source) in self.sources.iter().enumerate() {
            for block in 0..source.blocks() {
                let judged = self.judge(index, block)?;
                visit(source, block, &judged)?;
            }
        }
        Ok(())
    }
}
