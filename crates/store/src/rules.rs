//! What is kept of a workspace's events at one moment: its retention and its legal holds.
//!
//! Queries and purges ask here, so that they never disagree about an event. The fold does not: what
//! was judged here travels in its records.

use std::sync::Arc;

use proofbook_catalog::Preset;
use proofbook_catalog::retention::{Cutoffs, Keep, Overrides, Policy};
use proofbook_event::event::Clear;
use proofbook_event::{Event, GroupBytes, Timestamp};
use proofbook_filter::{ResolvedFilter, Verdict};

use crate::config::{Config, WorkspaceSettings};
use crate::hold;
use crate::record::flag;

/// What is kept of one workspace's events at one moment.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The moments that begin what retention keeps.
    pub cutoffs: Cutoffs,
    /// What is kept whatever retention says.
    pub holds: Arc<Vec<ResolvedFilter>>,
}

/// Returns how long a workspace keeps its events, by its preset and what it decided for itself.
pub fn policy_of(preset: &Preset, settings: &WorkspaceSettings) -> Policy {
    // A text that does not parse was never let in, and is taken for nothing said.
    let parse = |text: &String| text.parse::<Keep>().ok();
    let actions = settings.retention_actions.iter();
    let own = Overrides {
        keep: settings.retention.as_ref().and_then(parse),
        actions: actions.filter_map(|(name, text)| Some((name.clone(), parse(text)?))).collect(),
    };
    preset.retention.policy(settings.plan.as_deref(), &own)
}

/// Returns the moment that an event's retention counts from, microseconds UTC.
pub fn counts_from(flags: u8, occurred_at: i64, recorded_at: i64) -> i64 {
    if flags & flag::RETAIN_FROM_RECORDED != 0 { recorded_at } else { occurred_at }
}

impl Rules {
    /// Takes the rules of a workspace as they are in a configuration.
    pub fn of(
        config: &Config,
        workspace: &str,
        preset: &Preset,
        settings: &WorkspaceSettings,
        now: Timestamp,
    ) -> Self {
        let holds = config.holds.values().filter(|hold| hold.workspace == workspace);
        let holds: Vec<ResolvedFilter> = holds.map(hold::holds).collect();
        Self { cutoffs: policy_of(preset, settings).cutoffs(now), holds: Arc::new(holds) }
    }

    /// Tells whether an event's retention ended; a hold may keep it all the same.
    pub fn is_expired(&self, action: &str, counts_from: i64) -> bool {
        self.cutoffs.is_expired(action, counts_from)
    }

    /// Tells whether a hold keeps an event, which is given with all its groups.
    pub fn is_held(&self, clear: &Clear<'_>, groups: &GroupBytes<'_>) -> bool {
        let mut holds = self.holds.iter();
        holds.any(|filter| match filter.judge(clear, groups) {
            Verdict::No => false,
            Verdict::Yes => true,
            Verdict::Unknown => match Event::from_groups(clear.clone(), groups) {
                Ok(event) => filter.matches(&event),
                // Groups were JSON when they were admitted; what cannot be read is not let go.
                Err(_) => true,
            },
        })
    }
}
