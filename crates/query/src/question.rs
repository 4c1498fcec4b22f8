//! What is asked of every event: the filter, the moment, the retention.

use proofbook_filter::ResolvedFilter;
use proofbook_store::rules::{Rules, counts_from};

use crate::found::Stored;

/// What is asked of every event.
#[derive(Clone, Copy)]
pub(crate) struct Question<'q> {
    /// The filter.
    pub(crate) filter: &'q ResolvedFilter,
    /// Only events with a smaller seq.
    pub(crate) seq_below: u64,
    /// What retention and holds keep.
    pub(crate) rules: &'q Rules,
}

impl Question<'_> {
    /// Tells whether an event is in the picture at all, by its clear fields.
    pub(crate) fn is_visible(&self, event: &Stored<'_>) -> bool {
        event.seq < self.seq_below && self.is_kept(event)
    }

    fn is_kept(&self, event: &Stored<'_>) -> bool {
        let from = counts_from(event.flags, event.occurred_at, event.recorded_at);
        !self.rules.is_expired(event.action, from)
            || self.rules.is_held(&event.clear(), &event.groups)
    }
}
