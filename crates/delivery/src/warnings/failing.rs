//! Destinations that fail for a while: told to the workspaces that they are about.
//!
//! A destination of all workspaces is the operator's, so its warning is one of `_system`. It is over
//! when a message was taken after the warning was raised, or when the destination is no more.

use proofbook_event::Timestamp;
use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_store::config::{Config, Destination};
use serde_json::json;

use super::{Kind, News, judge};
use crate::board::Board;
use crate::engine::owners_rule;

/// How long a destination fails before somebody is told (30 min).
pub(super) const FAILING_FOR_MICROS: i64 = 30 * 60 * 1_000_000;
/// Workspaces of one destination that are told.
const WORKSPACES_MAX: usize = 20;

/// Looks at every destination.
pub(super) fn look(board: &Board, config: &Config, has_mail: bool, now: i64, news: &mut Vec<News>) {
    let owner = owners_rule();
    let owner = has_mail.then_some((&owner.id, &owner));
    let destinations = || config.destinations.iter().chain(owner);
    for (id, destination) in destinations() {
        let health = board.brief(id);
        let since = health.failing_since.or(health.unusable.as_ref().map(|_| now));
        let has_failed = since.is_some_and(|since| now - since >= FAILING_FOR_MICROS);
        let is_unusable = health.unusable.is_some();
        for workspace in told(destination) {
            let open = config.warned.find(workspace, Kind::Destination.as_str(), id);
            let raise = match open {
                // What is paused fails nobody.
                None => destination.paused_at.is_none() && (has_failed || is_unusable),
                Some(open) => {
                    since.is_some() || health.sent_at.is_none_or(|at| at < open.raised_at)
                }
            };
            let error = health.last_error.as_ref().map(|(_, why)| why.as_str());
            let error = health.unusable.as_deref().or(error).unwrap_or_default();
            let facts = json!({
                "destination": id,
                "name": destination.name,
                "since": since.map(|at| Timestamp::from_micros(at).to_string()),
                "error": if workspace == SYSTEM_WORKSPACE { error } else { of_receiver(error) },
            });
            judge(&config.warned, (workspace, Kind::Destination, id), raise.then_some(facts), news);
        }
    }
    for open in config.warned.all().filter(|open| open.kind == Kind::Destination.as_str()) {
        let mut known = destinations();
        let still = |(id, destination): (&String, &Destination)| {
            *id == open.subject && told(destination).any(|workspace| workspace == open.workspace)
        };
        if !known.any(still) {
            judge(&config.warned, (&open.workspace, Kind::Destination, &open.subject), None, news);
        }
    }
}

/// Returns what a customer reads of an error: what their receiver answered, and nothing of our network.
fn of_receiver(error: &str) -> &str {
    if error.starts_with("answered") { error } else { "it cannot be reached or used" }
}

/// Returns the workspaces whose logs tell of a destination.
fn told(destination: &Destination) -> impl Iterator<Item = &str> {
    let is_everybodys = destination.workspaces.iter().any(|name| name == "*");
    let own = destination.workspaces.iter().map(String::as_str).take(WORKSPACES_MAX);
    let own = own.filter(move |_| !is_everybodys);
    own.chain(is_everybodys.then_some(SYSTEM_WORKSPACE))
}
