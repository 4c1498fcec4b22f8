//! How it goes with deliveries, as answers and metrics tell it.

use proofbook_delivery::board::Health;
use proofbook_event::Timestamp;
use proofbook_ledger::WorkspaceUid;
use proofbook_store::config::Destination;
use serde_json::{Value, json};

use crate::app::App;

/// What a destination does now.
pub(crate) fn state(destination: &Destination, health: &Health) -> &'static str {
    match () {
        () if destination.paused_at.is_some() => "paused",
        () if health.unusable.is_some() => "unusable",
        () if health.failing_since.is_some() => "failing",
        () if !health.held.is_empty() => "held",
        () => "working",
    }
}

/// Writes how it goes with a destination.
pub(crate) fn status(app: &App, destination: &Destination) -> Value {
    let health = app.delivery.board().health_of(&destination.id);
    let time = |micros: i64| Timestamp::from_micros(micros).to_string();
    let view = app.store.view();
    let standing = view.delivered.of(&destination.id);
    let held: Vec<Value> = health
        .held
        .iter()
        .map(|(uid, why)| json!({"workspace": name_of(app, *uid), "reason": why}))
        .collect();
    json!({
        "state": state(destination, &health),
        "behind": app.delivery.lag(destination),
        "sent": health.sent,
        "failed": health.failed,
        "failures_in_a_row": health.failures,
        "last_sent_at": health.sent_at.map(time),
        "failing_since": health.failing_since.map(time),
        "last_error": health.last_error.as_ref().map(|(at, why)| json!({"at": time(*at), "detail": why})),
        "retry_at": health.retry_at.map(time),
        "unusable": health.unusable,
        "held": held,
        "dead_letters": standing.map_or(0, |standing| standing.dead.len()),
    })
}

/// Writes what a destination would not take, the newest first.
pub(crate) fn dead_letters(app: &App, destination: &Destination) -> Value {
    let view = app.store.view();
    let standing = view.delivered.of(&destination.id);
    let letters = standing.iter().flat_map(|standing| standing.dead.iter().rev());
    let data: Vec<Value> = letters
        .map(|dead| {
            json!({
                "workspace": name_of(app, dead.workspace),
                "seq": dead.seq,
                "at": Timestamp::from_micros(dead.at).to_string(),
                "attempts": dead.attempts,
                "reason": dead.reason,
            })
        })
        .collect();
    json!({"data": data, "dropped": standing.map_or(0, |standing| standing.dead_dropped)})
}

fn name_of(app: &App, uid: WorkspaceUid) -> Option<String> {
    Some(app.store.directory().by_uid(uid)?.name.to_string())
}
