//! An event of the API for people: one line in a list, or all of it.

use serde_json::Value;

use crate::output::visible;

/// Titles of the columns that [`columns`] fills.
pub(crate) const TITLES: &[&str] = &["TIME", "ACTOR", "ACTION", "TARGET", "WHAT"];

/// Returns the cells of an event in a list.
pub(crate) fn columns(event: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut action = text(&event["action"]);
    match event["outcome"]["result"].as_str() {
        Some("success") | None => {}
        Some(result) => action.push_str(&format!(" ({result})")),
    }
    let what = match event["description"].as_str() {
        Some(description) => description.to_owned(),
        None => text(&event["title"]),
    };
    vec![
        short_time(event["occurred_at"].as_str().unwrap_or_default()),
        party(&event["actor"]),
        action,
        event["targets"]
            .as_array()
            .into_iter()
            .flatten()
            .map(target)
            .collect::<Vec<_>>()
            .join(", "),
        what,
    ]
}

/// Returns all of an event as `label: value` lines, made visible.
pub(crate) fn lines(event: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |label: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("{label:<13}{}", visible(&value)));
        }
    };
    line("id", plain(&event["id"]));
    line("number", plain(&event["seq"]));
    line("occurred", plain(&event["occurred_at"]));
    line("recorded", plain(&event["recorded_at"]));
    line("action", plain(&event["action"]));
    line("title", plain(&event["title"]));
    line("module", plain(&event["module"]["title"]));
    line("severity", plain(&event["severity"]));
    let outcome = ["result", "code", "reason"].map(|key| plain(&event["outcome"][key]));
    line(
        "outcome",
        outcome.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
    );
    line("what", plain(&event["description"]));
    line("reason", plain(&event["reason"]));
    line("actor", party_in_full(&event["actor"]));
    line("on behalf of", party_in_full(&event["on_behalf_of"]));
    for one in event["targets"].as_array().into_iter().flatten() {
        line("target", target(one));
    }
    for change in event["changes"].as_array().into_iter().flatten() {
        line("changed", changed(change));
    }
    for group in ["context", "metadata", "source", "via"] {
        for (key, value) in event[group].as_object().into_iter().flatten() {
            line(group, format!("{key} = {}", plain(value)));
        }
    }
    line("leaf", plain(&event["leaf"]));
    lines
}

/// Cuts a time of the API to seconds: `2026-11-22 09:30:00Z`.
fn short_time(time: &str) -> String {
    match (time.get(..10), time.get(11..19)) {
        (Some(date), Some(clock)) => format!("{date} {clock}Z"),
        _ => time.to_owned(),
    }
}

/// Returns what a party is called: name, else e-mail, else id, else its type.
fn party(party: &Value) -> String {
    let text = |key: &str| party[key].as_str().filter(|text| !text.is_empty());
    text("name")
        .or_else(|| text("email"))
        .or_else(|| text("id"))
        .or_else(|| text("type"))
        .unwrap_or_default()
        .to_owned()
}

fn party_in_full(value: &Value) -> String {
    let parts = ["name", "email", "id", "type"].map(|key| plain(&value[key]));
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn target(value: &Value) -> String {
    let name = party(value);
    match value["type"].as_str() {
        Some(kind) if kind != name => format!("{kind} {name}"),
        _ => name,
    }
}

fn changed(change: &Value) -> String {
    let path = plain(&change["path"]);
    match (change.get("before"), change.get("after")) {
        (Some(before), Some(after)) => format!("{path}: {} → {}", plain(before), plain(after)),
        (None, Some(after)) => format!("{path}: added {}", plain(after)),
        (Some(before), None) => format!("{path}: removed {}", plain(before)),
        (None, None) => path,
    }
}

/// A text as it is, anything else as JSON, nothing for null.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
