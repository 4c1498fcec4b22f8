//! One event as one row: the columns of CSV and Parquet exports.
//!
//! What has no natural column (all targets, changes, values before and after, metadata) stands as JSON
//! in its own, so nothing of an event is lost in a row.

use std::borrow::Cow;

use proofbook_event::{Event, Group, Value, canonical};

/// The columns in their order.
pub(crate) const COLUMNS: &[&str] = &[
    "seq",
    "id",
    "occurred_at",
    "recorded_at",
    "action",
    "title",
    "module",
    "verb",
    "severity",
    "outcome",
    "outcome_code",
    "outcome_reason",
    "description",
    "reason",
    "actor_type",
    "actor_id",
    "actor_name",
    "actor_email",
    "on_behalf_of_id",
    "on_behalf_of_name",
    "target_type",
    "target_id",
    "target_name",
    "ip",
    "country",
    "city",
    "user_agent",
    "session_id",
    "request_id",
    "trace_id",
    "channel",
    "targets",
    "changes",
    "before",
    "after",
    "actor",
    "on_behalf_of",
    "approval",
    "via",
    "metadata",
    "source",
    "leaf",
];

/// Returns the cells of one event, in the order of [`COLUMNS`]. Absent values are empty.
pub(crate) fn cells<'e>(event: &'e Event<'_>, leaf: Option<&'e str>) -> Vec<Cow<'e, str>> {
    let target = event.targets().first();
    let mut cells: Vec<Cow<'e, str>> = vec![
        event.clear.seq.to_string().into(),
        event.id().into(),
        event.clear.occurred_at.to_string().into(),
        event.clear.recorded_at.to_string().into(),
        event.action().into(),
        text(event.described("title")),
        text(event.module_title()),
        text(event.described("verb")),
        text(event.described("severity")),
        event.clear.outcome.as_str().into(),
        text(event.outcome_detail("code")),
        text(event.outcome_detail("reason")),
        text(event.described("description")),
        text(event.described("reason")),
    ];
    for key in ["type", "id", "name", "email"] {
        cells.push(member(event.actor(), key));
    }
    for key in ["id", "name"] {
        cells.push(member(event.on_behalf_of(), key));
    }
    for key in ["type", "id", "name"] {
        cells.push(member(target, key));
    }
    for key in ["ip", "country", "city", "user_agent", "session_id", "request_id", "trace_id"] {
        cells.push(text(event.context(key)));
    }
    cells.push(member(event.via(), "channel"));
    cells.push(json(event.group(Group::Targets)));
    let changes = event.group(Group::Changes).and_then(|group| group.get("changes"));
    cells.push(json(changes));
    for value in [
        event.before(),
        event.after(),
        event.actor(),
        event.on_behalf_of(),
        event.approval(),
        event.via(),
        event.metadata(),
        event.source(),
    ] {
        cells.push(json(value));
    }
    cells.push(text(leaf));
    debug_assert_eq!(cells.len(), COLUMNS.len(), "one cell a column");
    cells
}

fn text(text: Option<&str>) -> Cow<'_, str> {
    Cow::Borrowed(text.unwrap_or_default())
}

fn member<'e>(value: Option<&'e Value<'_>>, key: &str) -> Cow<'e, str> {
    text(value.and_then(|value| value.get(key)).and_then(Value::as_str))
}

fn json<'e>(value: Option<&'e Value<'_>>) -> Cow<'e, str> {
    match value {
        None => Cow::Borrowed(""),
        Some(value) => String::from_utf8(canonical::to_bytes(value)).unwrap_or_default().into(),
    }
}
