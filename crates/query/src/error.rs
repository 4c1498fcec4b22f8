//! Why a query has no answer.

use std::error::Error;

use proofbook_store::segment::SegmentError;

/// Why a query has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// What was asked for stands in a piece that is damaged or cannot be read.
    #[error("this cannot be read: {what}")]
    Damaged {
        /// The file, the place in it, and what is wrong.
        what: String,
    },
    /// It would cost more than it may. A narrower time range or filter costs less.
    #[error("the query needs more than its {limit} {what}; narrow the time range or the filter")]
    OverBudget {
        /// What ran out: `microseconds`, `bytes` or `distinct values`.
        what: &'static str,
        /// How much was spent.
        spent: u64,
        /// How much was allowed.
        limit: u64,
    },
    /// Nobody waits for it any more.
    #[error("the query was cancelled")]
    Cancelled,
    /// Page numbers do not reach that far; cursors do.
    #[error("page {page} begins behind row {rows_max}, where page numbers end; use a cursor")]
    PageTooFar {
        /// The page asked for.
        page: u64,
        /// The last row that page numbers reach.
        rows_max: u64,
    },
    /// The cursor was made for another filter, time range or order.
    #[error("the cursor was made for another query")]
    CursorForAnotherQuery,
}

impl QueryError {
    /// Says that a segment could not be read.
    pub(crate) fn unread(error: &SegmentError) -> Self {
        Self::Damaged { what: describe(error) }
    }
}

/// Writes an error with its causes.
pub(crate) fn describe(error: &SegmentError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
