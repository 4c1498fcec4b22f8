//! Exact totals.

use proofbook_filter::ResolvedFilter;

use crate::budget::Budget;
use crate::error::QueryError;
use crate::reader::Reader;
use crate::selection::Selection;

/// How many events pass a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// How many; none when something could not be read.
    pub total: Option<u64>,
    /// How many of Proofbook's own events would pass, but were not asked for by name.
    pub left_out: u64,
    /// Whether everything could be read.
    pub complete: bool,
    /// What could not be read.
    pub unread: Vec<String>,
}

impl Reader {
    /// Counts the events that pass a filter, exactly.
    ///
    /// # Errors
    /// The budget ran out.
    pub fn count(
        &self,
        filter: &ResolvedFilter,
        budget: &Budget<'_>,
    ) -> Result<Counted, QueryError> {
        self.select(self.question(filter, u64::MAX), 0, budget).count()
    }
}

impl Selection<'_> {
    /// Counts the rows that pass.
    pub(crate) fn count(&self) -> Result<Counted, QueryError> {
        let (mut total, mut left_out) = (0, 0);
        self.for_each_block(&mut |_, _, judged| {
            total += judged.rows.len() as u64;
            left_out += judged.left_out;
            Ok(())
        })?;
        let complete = self.is_complete();
        let total = complete.then_some(total);
        Ok(Counted { total, left_out, complete, unread: self.unread_names() })
    }
}
