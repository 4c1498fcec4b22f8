//! Deciding which rows of a block answer a question. What is remembered from block to block is not
//! shared, so each thread has a judge of its own.

use proofbook_ledger::WorkspaceUid;
use proofbook_store::prepare::IdHasher;
use proofbook_store::segment::SegmentError;

use crate::block::IdRows;
use crate::budget::Meter;
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

/// Puts a question to blocks.
pub(crate) struct Judge<'q> {
    question: Question<'q>,
    plan: Plan<'q>,
    /// What is kept whatever retention says.
    holds: Vec<Plan<'q>>,
    ids: IdRows,
}

impl<'q> Judge<'q> {
    pub(crate) fn new(question: Question<'q>, workspace: WorkspaceUid, ids: IdHasher) -> Self {
        Self {
            plan: Plan::new(question.filter.expr()),
            holds: question.rules.holds.iter().map(|hold| Plan::new(hold.expr())).collect(),
            ids: IdRows::new(workspace, ids),
            question,
        }
    }

    /// Tells whether a block may cost more than a look at what it keeps for searching.
    pub(crate) fn may_read_values(&self) -> bool {
        self.plan.may_read_values()
    }

    /// Decides by columns and filters, and reads the values that are left open.
    ///
    /// # Errors
    /// A piece that is needed is damaged or cannot be read.
    pub(crate) fn judge(
        &self,
        source: &Source,
        number: usize,
        meter: &Meter<'_>,
    ) -> Result<Judged, SegmentError> {
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
                rows.add(&hold.passing(&block, &expired, meter)?);
            }
        }
        let mut rows = self.plan.passing(&block, &rows, meter)?;
        let left_out = if self.question.filter.names_audit_log() || rows.is_empty() {
            0
        } else {
            block.leave_own_out(&mut rows)?
        };
        Ok(Judged { rows, left_out })
    }
}
