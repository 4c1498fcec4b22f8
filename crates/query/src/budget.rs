//! What a query may cost: time, bytes looked at, and whether anyone still waits for it.
//!
//! Checked once a block. A query that runs out never answers with what it has: it is refused with
//! the bound it met, or leaves out the total and says so.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::QueryError;

static NEVER: AtomicBool = AtomicBool::new(false);

/// The bounds of one query.
#[derive(Clone, Copy)]
pub struct Budget<'b> {
    /// Microseconds that it may take.
    pub micros: u64,
    /// Bytes of stored values that it may look at.
    pub bytes: u64,
    /// Set when nobody waits for the answer any more.
    pub cancelled: &'b AtomicBool,
    /// A monotonic clock in microseconds.
    pub now_micros: &'b (dyn Fn() -> u64 + Sync),
}

impl Budget<'static> {
    /// Returns a budget without bounds, for tests and for work that is bounded otherwise.
    pub fn unlimited() -> Self {
        Self { micros: u64::MAX, bytes: u64::MAX, cancelled: &NEVER, now_micros: &|| 0 }
    }
}

/// A budget being spent, by several threads.
pub(crate) struct Meter<'b> {
    budget: Budget<'b>,
    started: u64,
    bytes: AtomicU64,
}

impl<'b> Meter<'b> {
    /// Begins to count.
    pub(crate) fn start(budget: &Budget<'b>) -> Self {
        Self { budget: *budget, started: (budget.now_micros)(), bytes: AtomicU64::new(0) }
    }

    /// Counts bytes that were looked at.
    pub(crate) fn spend(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Fails when a bound was passed.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        if self.budget.cancelled.load(Ordering::Relaxed) {
            return Err(QueryError::Cancelled);
        }
        let over = |what, spent, limit| Err(QueryError::OverBudget { what, spent, limit });
        let bytes = self.bytes.load(Ordering::Relaxed);
        if bytes > self.budget.bytes {
            return over("bytes", bytes, self.budget.bytes);
        }
        if self.budget.micros < u64::MAX {
            let spent = (self.budget.now_micros)().saturating_sub(self.started);
            if spent > self.budget.micros {
                return over("microseconds", spent, self.budget.micros);
            }
        }
        Ok(())
    }
}
