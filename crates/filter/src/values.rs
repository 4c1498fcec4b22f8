//! The values of a field in one event: for matching, and for facets.

use proofbook_event::event::party_label;
use proofbook_event::{Event, Group, Value, canonical};

use crate::eval::label_of_nameless;
use crate::field::Field;

impl Field {
    /// Visits the values under which an event is counted in a facet of this field.
    ///
    /// Each value, put behind the field in quotes, finds the event again. A party is visited by what
    /// it is called, a module by its id. One value can come more than once (two targets of one
    /// type); count it once an event. The event needs the field's group, see [`Field::group`].
    pub fn values(&self, event: &Event<'_>, visit: &mut dyn FnMut(&str)) {
        let clear = &event.clear;
        match self {
            Self::Actor => visit_some(event.actor().and_then(party_label), visit),
            Self::OnBehalfOf => visit_some(event.on_behalf_of().and_then(party_label), visit),
            Self::Target => {
                for target in event.targets() {
                    visit_some(label(target), visit);
                }
            }
            Self::Module => visit_some(event.module_id().or(event.module_title()), visit),
            Self::Occurred => visit(&clear.occurred_at.to_string()),
            Self::Recorded => visit(&clear.recorded_at.to_string()),
            Self::Seq => visit(&clear.seq.to_string()),
            Self::Before | Self::After => {
                for change in event.changes() {
                    if let Some(side) = change.get(self.fixed_name()) {
                        any_scalar(side, &mut |scalar| visit_scalar(scalar, visit));
                    }
                }
            }
            Self::Meta(key) => {
                any_meta(event, key, &mut |value| visit_scalar(value, visit));
            }
            _ => {
                any_text(self, event, &mut |text| {
                    visit(text);
                    false
                });
            }
        }
    }
}

fn visit_some(text: Option<&str>, visit: &mut dyn FnMut(&str)) {
    if let Some(text) = text {
        visit(text);
    }
}

fn label<'v>(target: &'v Value<'_>) -> Option<&'v str> {
    let member = |key| target.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    member("name").or_else(|| member("id"))
}

/// Visits a scalar's text form and asks for the next.
fn visit_scalar(value: &Value<'_>, visit: &mut dyn FnMut(&str)) -> bool {
    match value {
        Value::String(text) => visit(text),
        Value::Object(_) | Value::Array(_) => {}
        scalar => {
            if let Ok(text) = std::str::from_utf8(&canonical::to_bytes(scalar)) {
                visit(text);
            }
        }
    }
    false
}

/// Visits the texts of a field until one is taken, and tells whether one was.
///
/// Change sides, metadata, times and numbers are no texts and are not visited.
pub(crate) fn any_text(
    field: &Field,
    event: &Event<'_>,
    take: &mut dyn FnMut(&str) -> bool,
) -> bool {
    let mut some = |text: Option<&str>| text.is_some_and(&mut *take);
    let actor = |key| event.actor().and_then(|actor| actor.get(key)).and_then(Value::as_str);
    let via = |key| event.via().and_then(|via| via.get(key)).and_then(Value::as_str);
    match field {
        Field::Action => some(Some(event.action())),
        Field::Module => some(event.module_id()) || some(event.module_title()),
        Field::Verb => some(event.described("verb")),
        Field::Severity => some(event.described("severity")),
        Field::Outcome => some(Some(event.clear.outcome.as_str())),
        Field::Actor => any_party_text(event.actor(), take),
        Field::OnBehalfOf => any_party_text(event.on_behalf_of(), take),
        Field::ActorId => some(actor("id")),
        Field::ActorName => some(actor("name")),
        Field::ActorEmail => some(actor("email")),
        Field::ActorType => some(actor("type")),
        Field::Target => {
            any_member(event.targets(), "id", take) || any_member(event.targets(), "name", take)
        }
        Field::TargetType => any_member(event.targets(), "type", take),
        Field::TargetId => any_member(event.targets(), "id", take),
        Field::TargetName => any_member(event.targets(), "name", take),
        Field::Ip => some(event.context("ip")),
        Field::Country => some(event.context("country")),
        Field::Request => some(event.context("request_id")),
        Field::Session => some(event.context("session_id")),
        Field::Changed => any_member(event.changes(), "path", take),
        // Not `event.id()`, which turns an erased id into an empty one.
        Field::Id => some(event.group(Group::Id).and_then(Value::as_str)),
        Field::Source => {
            some(event.source().and_then(|source| source.get("name")).and_then(Value::as_str))
        }
        Field::Via => some(via("channel")) || some(via("client")),
        Field::Before
        | Field::After
        | Field::Occurred
        | Field::Recorded
        | Field::Seq
        | Field::Meta(_) => false,
    }
}

fn any_party_text(party: Option<&Value<'_>>, take: &mut dyn FnMut(&str) -> bool) -> bool {
    let Some(party) = party else { return false };
    ["id", "name", "email"]
        .into_iter()
        .filter_map(|key| party.get(key).and_then(Value::as_str))
        .any(&mut *take)
        || label_of_nameless(party).is_some_and(take)
}

fn any_member(items: &[Value<'_>], key: &str, take: &mut dyn FnMut(&str) -> bool) -> bool {
    items.iter().filter_map(|item| item.get(key).and_then(Value::as_str)).any(take)
}

/// Visits the scalars of a value: itself, or those in a list, until one is taken.
pub(crate) fn any_scalar(value: &Value<'_>, take: &mut dyn FnMut(&Value<'_>) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| any_scalar(item, take)),
        Value::Object(_) => false,
        scalar => take(scalar),
    }
}

/// Visits what a metadata key names, until one is taken; a list stands for its items.
///
/// At each level the whole rest of the key is tried first, since keys may hold dots themselves, then
/// its part up to the first dot.
pub(crate) fn any_meta(
    event: &Event<'_>,
    key: &str,
    take: &mut dyn FnMut(&Value<'_>) -> bool,
) -> bool {
    event.metadata().is_some_and(|metadata| any_at_key(metadata, key, take))
}

fn any_at_key(value: &Value<'_>, key: &str, take: &mut dyn FnMut(&Value<'_>) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| any_at_key(item, key, take)),
        Value::Object(_) => {
            let whole = value.get(key).is_some_and(|found| any_item(found, take));
            whole
                || key.split_once('.').is_some_and(|(first, rest)| {
                    value.get(first).is_some_and(|inner| any_at_key(inner, rest, take))
                })
        }
        _ => false,
    }
}

/// Like [`any_scalar`], but an object is visited too: it is present, though it has no text form.
fn any_item(value: &Value<'_>, take: &mut dyn FnMut(&Value<'_>) -> bool) -> bool {
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().any(|item| any_item(item, take)),
        other => take(other),
    }
}

#[cfg(test)]
mod tests;
