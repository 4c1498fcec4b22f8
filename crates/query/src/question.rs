//! What is asked of every event: the filter, the moment, the retention.

use proofbook_event::name::RESERVED_ACTION_PREFIX;
use proofbook_event::{Event, GroupBytes};
use proofbook_filter::{ResolvedFilter, Verdict};
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

/// The answer for one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It does not pass.
    No,
    /// It passes, and is one of Proofbook's own that the filter does not name.
    LeftOut,
    /// It passes.
    Yes,
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

    /// Tells whether an action's events are left out unless the filter names them.
    pub(crate) fn is_left_out(&self, action: &str) -> bool {
        !self.filter.names_audit_log() && action.starts_with(RESERVED_ACTION_PREFIX)
    }

    /// Judges one event, which has all its groups.
    pub(crate) fn ask(&self, event: &Stored<'_>) -> Answer {
        if !self.is_visible(event) || !self.passes(event, &event.groups) {
            Answer::No
        } else if self.is_left_out(event.action) {
            Answer::LeftOut
        } else {
            Answer::Yes
        }
    }

    /// Tells whether the filter takes an event.
    pub(crate) fn passes(&self, event: &Stored<'_>, groups: &GroupBytes<'_>) -> bool {
        let clear = event.clear();
        match self.filter.judge(&clear, groups) {
            Verdict::No => false,
            Verdict::Yes => true,
            Verdict::Unknown => {
                let mut needed = GroupBytes::default();
                for group in self.filter.groups_needed(true).iter() {
                    needed.set(group, groups.get(group));
                }
                // Groups were JSON when they were admitted, and their pages are hash-checked.
                Event::from_groups(clear, &needed).is_ok_and(|event| self.filter.matches(&event))
            }
        }
    }
}
