//! Warnings: what somebody must be told although no event says it, once each, and once when it is over.
//!
//! A warning is a change of the configuration together with an event of the workspace that it is about
//! (`audit_log.warning_raised`, `audit_log.warning_over`), so that it is told once whatever restarts in
//! between, and goes the way that every event goes: to the owner by e-mail, to streams, into the viewer.
//! [`Watch`] looks a little at each tick, never at everything; what it looks for is in a file each.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;
use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_event::{Event, EventDraft, Timestamp};
use proofbook_filter::{Filter, ResolveContext, ResolvedFilter};
use proofbook_store::config::{Config, ConfigChange};
use proofbook_store::prepare::Wanted;
use proofbook_store::store::Store;
use proofbook_store::warned::{Warned, Warning};
use serde_json::{Value, json};

use crate::board::Board;
use crate::tongue::Tongue;

mod expiring;
mod failing;
mod sentence;
mod silence;
mod sources;

pub(crate) use sentence::{sentence, title};
pub use sources::{Heard, Sources};

/// The action of the event that tells of a warning.
pub const RAISED: &str = "audit_log.warning_raised";
/// The action of the event that tells that a warning is over.
pub const OVER: &str = "audit_log.warning_over";

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Within seven days an event ends that no whole export holds.
    ExpiringWeek,
    /// Within one day an event ends that no whole export holds.
    ExpiringDay,
    /// A destination fails.
    Destination,
    /// Numbers of a producer are missing.
    Gap,
    /// No event comes any more.
    Silence,
}

impl Kind {
    /// Every kind with its word.
    pub const ALL: [(&'static str, Self); 5] = [
        ("expiring_7d", Self::ExpiringWeek),
        ("expiring_1d", Self::ExpiringDay),
        ("destination_failing", Self::Destination),
        ("source_gap", Self::Gap),
        ("no_events", Self::Silence),
    ];

    /// Returns its word in the API.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// Finds a kind by its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
    }
}

impl Kind {
    /// Tells whether an export is what helps.
    pub fn asks_for_export(self) -> bool {
        matches!(self, Self::ExpiringWeek | Self::ExpiringDay)
    }
}

/// An event that tells of a warning or of its end.
pub(crate) struct WarningEvent {
    pub(crate) kind: Kind,
    pub(crate) is_over: bool,
    pub(crate) facts: Value,
}

impl WarningEvent {
    /// Reads an event; `None` for any other.
    pub(crate) fn of(event: &Event<'_>) -> Option<Self> {
        let is_over = match event.action() {
            RAISED => false,
            OVER => true,
            _ => return None,
        };
        let facts: Value = serde_json::from_str(&event.metadata()?.to_string()).ok()?;
        let kind = Kind::parse(facts["kind"].as_str()?)?;
        Some(Self { kind, is_over, facts })
    }
}

/// Returns what a warning says, in one sentence; empty for a kind that this version does not know.
pub fn text(warning: &Warning, tongue: Tongue) -> String {
    let kind = Kind::parse(&warning.kind);
    kind.map(|kind| sentence(kind, false, &warning.facts, tongue, &TimeZone::UTC))
        .unwrap_or_default()
}

/// One day in microseconds.
pub(crate) const DAY_MICROS: i64 = 24 * 3_600_000_000;
/// Warnings that one tick raises or ends; the rest comes with the next ones.
const TOLD_PER_TICK_MAX: usize = 20;

/// What is to be put into the log.
enum News {
    Raise { workspace: String, kind: Kind, subject: String, facts: Value },
    Over { workspace: String, kind: Kind, subject: String, facts: Value },
}

/// Looks for what is to be warned of.
pub struct Watch {
    store: Arc<Store>,
    board: Arc<Board>,
    has_mail: bool,
    expiring: expiring::Rounds,
    silence: silence::Rounds,
    sources: sources::Counters,
}

impl Watch {
    /// Begins to watch a store; `has_mail` says whether owners can be written to.
    pub fn new(
        store: Arc<Store>,
        board: Arc<Board>,
        sources: Arc<Sources>,
        has_mail: bool,
    ) -> Self {
        let now = store.now().micros();
        Self {
            expiring: expiring::Rounds::default(),
            silence: silence::Rounds::begin(now),
            sources: sources::Counters::begin(sources),
            store,
            board,
            has_mail,
        }
    }

    /// Looks a little, and returns how many warnings were raised or ended. Blocks.
    pub fn tick(&mut self) -> usize {
        let config = self.store.view().config.clone();
        let mut news = Vec::new();
        failing::look(&self.board, &config, self.has_mail, self.now(), &mut news);
        self.sources.look(&self.store, &config, &mut news);
        self.expiring.look(&self.store, &config, &mut news);
        self.silence.look(&self.store, &config, &mut news);
        let mut told = 0;
        for news in news.into_iter().take(TOLD_PER_TICK_MAX) {
            told += usize::from(self.tell(&news));
        }
        told
    }

    fn now(&self) -> i64 {
        self.store.now().micros()
    }

    /// Puts a warning or its end into the log; what cannot be recorded is found again.
    fn tell(&self, news: &News) -> bool {
        let (workspace, kind, subject, facts, is_over) = match news {
            News::Raise { workspace, kind, subject, facts } => {
                (workspace, *kind, subject, facts, false)
            }
            News::Over { workspace, kind, subject, facts } => {
                (workspace, *kind, subject, facts, true)
            }
        };
        // Another node may have been first, and one look may find the same thing twice.
        let view = self.store.view();
        if view.config.warned.find(workspace, kind.as_str(), subject).is_some() != is_over {
            return false;
        }
        let change = match is_over {
            false => ConfigChange::RaiseWarning {
                warning: Box::new(Warning {
                    workspace: workspace.clone(),
                    kind: kind.as_str().to_owned(),
                    subject: subject.clone(),
                    raised_at: self.now(),
                    facts: facts.clone(),
                }),
            },
            true => ConfigChange::EndWarning {
                workspace: workspace.clone(),
                warning_kind: kind.as_str().to_owned(),
                subject: subject.clone(),
            },
        };
        let event = event(workspace, kind, is_over, facts);
        let action = if is_over { OVER } else { RAISED };
        let mut draft = match EventDraft::parse(event.as_bytes()) {
            Ok(draft) => draft,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, kind = kind.as_str(), "our own warning breaks the contract");
                return false;
            }
        };
        draft.action = action.into();
        let prepared = self.store.prepare_change(change, Wanted { workspace, draft });
        match self.store.commit(prepared) {
            Ok(receipts) => receipts.iter().all(Result::is_ok),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, kind = kind.as_str(), "a warning was not recorded");
                false
            }
        }
    }
}

/// Writes the event that tells of a warning, but for its action, which no client may send.
fn event(workspace: &str, kind: Kind, is_over: bool, facts: &Value) -> String {
    let mut metadata = facts.clone();
    metadata["kind"] = json!(kind.as_str());
    json!({
        "action": "placeholder",
        "actor": {"type": "system", "name": "Proofbook"},
        "targets": [{"type": "workspace", "id": workspace}],
        "description": sentence(kind, is_over, facts, Tongue::English, &TimeZone::UTC),
        "metadata": metadata,
    })
    .to_string()
}

/// Adds the raising or the end of a warning, when it is news.
fn judge(
    warned: &Warned,
    (workspace, kind, subject): (&str, Kind, &str),
    raise: Option<Value>,
    news: &mut Vec<News>,
) {
    let (workspace, subject) = (workspace.to_owned(), subject.to_owned());
    match (warned.find(&workspace, kind.as_str(), &subject), raise) {
        (None, Some(facts)) => news.push(News::Raise { workspace, kind, subject, facts }),
        (Some(open), None) => {
            let facts = open.facts.clone();
            news.push(News::Over { workspace, kind, subject, facts });
        }
        _ => {}
    }
}

/// Tells whether a workspace is a customer's, not Proofbook's own.
fn is_customers(workspace: &str) -> bool {
    workspace != SYSTEM_WORKSPACE && !workspace.starts_with('_')
}

/// Reads a filter of our own.
fn filter(text: &str, now: Timestamp) -> Option<ResolvedFilter> {
    let context = ResolveContext { now, zone: TimeZone::UTC };
    Some(Filter::parse(text).ok()?.resolve(&context))
}

/// Returns the workspaces that have a warning of a kind open.
fn open_of(config: &Config, kind: Kind) -> BTreeSet<String> {
    let open = config.warned.all().filter(|warning| warning.kind == kind.as_str());
    open.map(|warning| warning.workspace.clone()).collect()
}

#[cfg(test)]
mod tests;
