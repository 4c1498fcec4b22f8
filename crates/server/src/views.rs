//! Saved views: filters under a name, for one reader or for everybody in a workspace.
//!
//! They live in the log as events of `_system`: `audit_log.view_saved` with the view as its value after,
//! and `audit_log.view_removed`. What is in force is the fold of these events, read on from where it was
//! read last, so a restart or another node comes to the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::tz::TimeZone;
use proofbook_event::{Event, Timestamp, Value};
use proofbook_filter::{Filter, ResolveContext, ResolvedFilter};
use proofbook_query::Budget;
use serde_json::json;

use crate::problem::{Code, Problem};
use crate::scoped::Scoped;

/// Views of one workspace, ready ones not counted.
pub(crate) const VIEWS_MAX: usize = 500;
/// Changes of views that one reader may make in an hour.
pub(crate) const CHANGES_MAX: u32 = 120;
/// Events read in one step.
const STEP_EVENTS: usize = 500;

/// The actions that make and remove views.
pub(crate) const SAVED: &str = "audit_log.view_saved";
/// See [`SAVED`].
pub(crate) const REMOVED: &str = "audit_log.view_removed";

/// One view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// Its filter.
    pub(crate) query: String,
    /// Who saved it last: id and name.
    pub(crate) by: (String, String),
}

/// What tells views apart: two readers may have one of the same name, and everybody a third.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ViewKey {
    /// The workspace.
    pub(crate) workspace: String,
    /// The reader it belongs to; `None` when it is everybody's.
    pub(crate) owner: Option<String>,
    /// Its name.
    pub(crate) name: String,
}

impl ViewKey {
    /// Writes the view as its event tells it.
    pub(crate) fn to_json(&self, query: &str) -> serde_json::Value {
        json!({"workspace": self.workspace, "owner": self.owner, "name": self.name, "query": query})
    }
}

/// The views in force, as far as the log was read.
#[derive(Debug, Default)]
pub(crate) struct Views(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Every event below this number was read.
    reached: u64,
    views: BTreeMap<ViewKey, View>,
}

impl Views {
    /// Reads what is new in the log and answers the views that `takes` chooses.
    pub(crate) fn list(
        &self,
        system: &Scoped,
        budget: &Budget<'_>,
        takes: impl Fn(&ViewKey) -> bool,
    ) -> Result<Vec<(ViewKey, View)>, Problem> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.catch_up(system, budget)?;
        let chosen = known.views.iter().filter(|(key, _)| takes(key));
        Ok(chosen.map(|(key, view)| (key.clone(), view.clone())).collect())
    }
}

impl Known {
    fn catch_up(&mut self, system: &Scoped, budget: &Budget<'_>) -> Result<(), Problem> {
        let filter = filter()?;
        while self.reached < system.head().size {
            let after = self.reached.checked_sub(1);
            let found = system.after_seq(&filter, after, STEP_EVENTS, budget)?;
            for event in &found {
                let event = event.event().map_err(|_| unreadable())?;
                self.apply(&event);
            }
            self.reached = match found.last() {
                Some(last) if found.len() == STEP_EVENTS => last.seq() + 1,
                _ => system.head().size,
            };
        }
        Ok(())
    }

    fn apply(&mut self, event: &Event<'_>) {
        let is_saved = event.action() == SAVED;
        let value = if is_saved { event.after() } else { event.before() };
        let text = |key: &str| value.and_then(|value| value.get(key)).and_then(Value::as_str);
        let (Some(workspace), Some(name)) = (text("workspace"), text("name")) else { return };
        let key = ViewKey {
            workspace: workspace.to_owned(),
            owner: text("owner").map(str::to_owned),
            name: name.to_owned(),
        };
        if is_saved {
            let actor = |key: &str| {
                let actor = event.actor().and_then(|actor| actor.get(key)).and_then(Value::as_str);
                actor.unwrap_or_default().to_owned()
            };
            let query = text("query").unwrap_or_default().to_owned();
            self.views.insert(key, View { query, by: (actor("id"), actor("name")) });
        } else {
            self.views.remove(&key);
        }
    }
}

fn filter() -> Result<ResolvedFilter, Problem> {
    let context = ResolveContext { now: Timestamp::from_micros(0), zone: TimeZone::UTC };
    let filter = Filter::parse(&format!("action:{SAVED} action:{REMOVED}"));
    let filter = filter.map_err(|_| Problem::new(Code::Internal, "our own filter is wrong"))?;
    Ok(filter.resolve(&context))
}

fn unreadable() -> Problem {
    Problem::new(Code::Unavailable, "an event could not be read")
}
