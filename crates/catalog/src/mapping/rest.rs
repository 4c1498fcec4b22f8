//! What is left of a record: into the metadata, and within the contract's limits.

use std::borrow::Cow;
use std::collections::HashSet;

use proofbook_event::json::{Object, escape_token};
use proofbook_event::{Value, canonical, limits};

use super::expression::{Pointer, hex_digest};
use super::text::cut;

/// Where the leftovers go.
#[derive(Clone, Debug, Default)]
pub(super) struct Rest {
    /// `None`: nowhere. Empty: each under its own name in the metadata. Else: under this one key.
    pub(super) key: Option<String>,
    /// Objects whose members go up into the metadata themselves.
    pub(super) lift: Vec<Pointer>,
    /// Places that say nothing of their own and are left out.
    pub(super) drop: Vec<Pointer>,
}

/// The key under which metadata beyond the limit of keys is kept.
const MORE: &str = "more";
/// Nesting kept in `before` and `after`: together with what is around it, below the event's limit.
pub(super) const SIDE_DEPTH_MAX: usize = limits::JSON_DEPTH_MAX - 4;
/// Bytes kept of a value that was cut to fit the event's limit.
const HEAD_BYTES: usize = 512;
/// Bytes kept of each text of targets and roles, when these alone break the event's limit.
const SHORT_TEXT_BYTES: usize = 256;

impl Rest {
    /// Returns the metadata: what the mapping puts there, then what is left of the record.
    pub(super) fn metadata(
        &self,
        mut metadata: Object<'static>,
        record: &Value<'_>,
        mut copied: HashSet<String>,
    ) -> Object<'static> {
        let Some(key) = &self.key else { return within_limits(metadata) };
        let mut names = names_of(&metadata);
        copied.extend(self.drop.iter().map(|pointer| pointer.text().to_owned()));
        let Some(Value::Object(left)) = prune(record, &mut String::new(), &copied) else {
            return within_limits(metadata);
        };
        if !key.is_empty() {
            put(&mut metadata, &mut names, Cow::Owned(key.clone()), Value::Object(left));
            return within_limits(metadata);
        }
        for (name, value) in lifted(left, &self.lift) {
            put(&mut metadata, &mut names, name, value);
        }
        within_limits(metadata)
    }
}

/// The names of an object's members; a record may have very many.
type Names = HashSet<Cow<'static, str>>;

fn names_of(members: &Object<'static>) -> Names {
    members.iter().map(|(name, _)| name.clone()).collect()
}

/// Adds a member; where the name is taken, under the name with `_` behind it.
fn put(
    members: &mut Object<'static>,
    names: &mut Names,
    mut name: Cow<'static, str>,
    value: Value<'static>,
) {
    while !names.insert(name.clone()) {
        name.to_mut().push('_');
    }
    members.push((name, value));
}

/// Returns the value without the places that are gone and without null members.
///
/// A list stays whole unless all of it is gone: with some items missing, the places of the others
/// would no longer say which they were.
fn prune(value: &Value<'_>, place: &mut String, gone: &HashSet<String>) -> Option<Value<'static>> {
    if gone.contains(place.as_str()) {
        return None;
    }
    let mut inner = |name: &str, value: &Value<'_>| {
        let length = place.len();
        place.push('/');
        place.push_str(&escape_token(name));
        let left = prune(value, place, gone);
        place.truncate(length);
        left
    };
    match value {
        Value::Null => None,
        Value::Object(members) if !members.is_empty() => {
            let left: Object<'static> = members
                .iter()
                .filter_map(|(name, value)| {
                    Some((Cow::Owned(name.clone().into_owned()), inner(name, value)?))
                })
                .collect();
            (!left.is_empty()).then_some(Value::Object(left))
        }
        Value::Array(items) if !items.is_empty() => {
            let any = items
                .iter()
                .enumerate()
                .any(|(index, item)| inner(&index.to_string(), item).is_some());
            any.then(|| value.clone().into_owned())
        }
        other => Some(other.clone().into_owned()),
    }
}

/// Moves the members of these objects up; one whose name is taken stays where it is.
fn lifted(left: Object<'static>, pointers: &[Pointer]) -> Object<'static> {
    let mut names = names_of(&left);
    let mut out = Vec::with_capacity(left.len());
    for (name, value) in left {
        let is_lifted = pointers
            .iter()
            .any(|pointer| pointer.text().trim_start_matches('/') == escape_token(&name));
        let inner = match value {
            Value::Object(inner) if is_lifted => inner,
            other => {
                out.push((name, other));
                continue;
            }
        };
        let mut stay = Vec::new();
        for (inner_name, value) in inner {
            if names.insert(inner_name.clone()) {
                out.push((inner_name, value));
            } else {
                stay.push((inner_name, value));
            }
        }
        if !stay.is_empty() {
            out.push((name, Value::Object(stay)));
        }
    }
    out
}

/// Brings metadata under the limits of keys and nesting; nothing is lost by it.
fn within_limits(mut metadata: Object<'static>) -> Object<'static> {
    if metadata.len() > limits::METADATA_KEYS_MAX {
        let more = metadata.split_off(limits::METADATA_KEYS_MAX - 1);
        let mut names = names_of(&metadata);
        put(&mut metadata, &mut names, Cow::Borrowed(MORE), Value::Object(more));
    }
    for (_, value) in &mut metadata {
        limit_depth(value, limits::METADATA_DEPTH_MAX - 1);
    }
    metadata
}

/// Replaces what is nested deeper than `levels` by its JSON text.
pub(super) fn limit_depth(value: &mut Value<'static>, levels: usize) {
    match value {
        Value::Array(_) | Value::Object(_) if levels == 0 => {
            *value = Value::from(value.to_string())
        }
        Value::Array(items) => items.iter_mut().for_each(|item| limit_depth(item, levels - 1)),
        Value::Object(members) => {
            members.iter_mut().for_each(|(_, value)| limit_depth(value, levels - 1));
        }
        _ => {}
    }
}

/// Cuts an event's largest values until it is within the contract's size.
///
/// What is cut keeps its beginning, its size and its SHA-256, so that it can be told from others.
pub(super) fn limit_size(event: &mut Object<'static>) {
    if event.iter().map(|(key, value)| key.len() + text_bytes(value)).sum::<usize>()
        <= limits::EVENT_BYTES_MAX / 8
    {
        // No escape is longer than six bytes: this cannot be over the limit.
        return;
    }
    let size = |value: &Value<'_>| canonical::to_bytes(value).len();
    let mut total = event.iter().map(|(key, value)| size(value) + key.len() + 4).sum::<usize>() + 2;
    if total <= limits::EVENT_BYTES_MAX {
        return;
    }
    let mut sides: Vec<(usize, &mut Value<'static>)> =
        event.iter_mut().flat_map(free_values).map(|value| (size(value), value)).collect();
    sides.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    for (bytes, value) in sides {
        if total <= limits::EVENT_BYTES_MAX || bytes <= 2 * HEAD_BYTES {
            break;
        }
        *value = cut_value(value);
        total = (total - bytes).saturating_add(size(value));
    }
    if total <= limits::EVENT_BYTES_MAX {
        return;
    }
    // Only hostile records come here: thousands of texts or keys, each below its own limit.
    for (key, value) in event.iter_mut() {
        match key.as_ref() {
            "metadata" | "before" | "after" => *value = cut_value(value),
            "id" | "action" | "occurred_at" => {}
            _ => shorten_texts(value),
        }
    }
    if let Some(place) = event.iter().position(|(key, _)| key == "changes") {
        event.remove(place);
    }
}

/// Returns the values of an event's field that may be cut one by one.
fn free_values<'e>(
    (key, value): &'e mut (Cow<'static, str>, Value<'static>),
) -> Vec<&'e mut Value<'static>> {
    match (key.as_ref(), value) {
        ("metadata", Value::Object(members)) => {
            members.iter_mut().map(|(_, value)| value).collect()
        }
        ("before" | "after", value) => vec![value],
        ("changes", Value::Array(items)) => items
            .iter_mut()
            .filter_map(|change| match change {
                Value::Object(members) => Some(members),
                _ => None,
            })
            .flatten()
            .filter(|(key, _)| key == "before" || key == "after")
            .map(|(_, value)| value)
            .collect(),
        _ => Vec::new(),
    }
}

fn cut_value(value: &Value<'_>) -> Value<'static> {
    let bytes = canonical::to_bytes(value);
    let text = match value {
        Value::String(text) => Cow::Borrowed(text.as_ref()),
        _ => String::from_utf8_lossy(&bytes),
    };
    let head = plain(&cut(&text, HEAD_BYTES).0);
    Value::Object(vec![
        (Cow::Borrowed("cut"), Value::Bool(true)),
        (Cow::Borrowed("bytes"), Value::Int(i64::try_from(bytes.len()).unwrap_or(i64::MAX))),
        (Cow::Borrowed("sha256"), Value::from(hex_digest(&bytes, 32))),
        (Cow::Borrowed("head"), Value::from(head)),
    ])
}

/// Replaces control characters by spaces: written in JSON they would be six times as long.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Returns the bytes of all keys and texts and a few for each value.
fn text_bytes(value: &Value<'_>) -> usize {
    match value {
        Value::String(text) => text.len() + 4,
        Value::Array(items) => 4 + items.iter().map(text_bytes).sum::<usize>(),
        Value::Object(members) => {
            4 + members.iter().map(|(key, value)| key.len() + 4 + text_bytes(value)).sum::<usize>()
        }
        _ => 24,
    }
}

fn shorten_texts(value: &mut Value<'static>) {
    match value {
        Value::String(text) => *text = Cow::Owned(plain(&cut(text, SHORT_TEXT_BYTES).0)),
        Value::Array(items) => items.iter_mut().for_each(shorten_texts),
        Value::Object(members) => members.iter_mut().for_each(|(_, value)| shorten_texts(value)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
