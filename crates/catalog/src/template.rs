//! Description templates: a sentence with places for values, compiled once and rendered per event.
//!
//! ```text
//! {actor.name}          name, else e-mail, else id, else "System"; type `system` is always "System"
//! {target.name}         first target: name, else id
//! {target:member.name}  first target of that type: name, else id
//! {before/ptr} {after/ptr}   JSON pointer into the value; `{after/name}` is `/name`
//! {meta.key}            one key of the metadata
//! [ ... ]               left out when a value in it is absent
//! ```
//!
//! There is no other logic. Null and the empty string count as absent here. A value that is absent
//! outside brackets reads "(unknown)". A list is joined with ", ". Failure and refusal are told by
//! a suffix. Everything rendered is bounded and free of control characters.

use std::fmt::Write as _;

use proofbook_event::name::nearest;
use proofbook_event::{Outcome, Value};

use crate::limits;

/// A compiled description template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Value(Source),
    Optional(Vec<Part>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    ActorName,
    TargetName,
    TargetOfType(Box<str>),
    /// A pointer with its leading slash.
    Before(Box<str>),
    After(Box<str>),
    Meta(Box<str>),
}

/// Why a template cannot be used, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (character {})", offset + 1)]
pub struct TemplateError {
    /// Byte offset in the template.
    pub offset: usize,
    /// What is wrong and what to do.
    pub reason: String,
}

/// The values of one event that a template may name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values<'v, 'a> {
    /// Who acted.
    pub actor: Option<&'v Value<'a>>,
    /// The list of targets.
    pub targets: Option<&'v Value<'a>>,
    /// The value before.
    pub before: Option<&'v Value<'a>>,
    /// The value after.
    pub after: Option<&'v Value<'a>>,
    /// Changes as the sender gave them; read where `before` and `after` are absent.
    pub changes: Option<&'v Value<'a>>,
    /// Free values.
    pub metadata: Option<&'v Value<'a>>,
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// It is too long, a bracket or brace does not close, brackets nest, or a value is not known.
    pub fn compile(text: &str) -> Result<Self, TemplateError> {
        if text.len() > limits::TEMPLATE_BYTES_MAX {
            let reason = format!("a template has at most {} bytes", limits::TEMPLATE_BYTES_MAX);
            return Err(TemplateError { offset: limits::TEMPLATE_BYTES_MAX, reason });
        }
        let mut parts = Vec::new();
        // The part in brackets that is open, and where it began.
        let mut optional: Option<(usize, Vec<Part>)> = None;
        let mut at = 0;
        while let Some(found) = text[at..].find(['{', '}', '[', ']']) {
            let here = at + found;
            let open = optional.as_mut().map_or(&mut parts, |(_, inner)| inner);
            push_text(open, &text[at..here]);
            at = here + 1;
            match text.as_bytes()[here] {
                b'{' => {
                    let Some(length) = text[at..].find('}') else {
                        return Err(fault(here, "this brace is never closed by `}`"));
                    };
                    open.push(Part::Value(source(&text[at..at + length], here)?));
                    at += length + 1;
                }
                b'[' if optional.is_some() => {
                    return Err(fault(here, "parts in brackets cannot hold brackets"));
                }
                b'[' => optional = Some((here, Vec::new())),
                b']' => match optional.take() {
                    Some((_, inner)) => parts.push(Part::Optional(inner)),
                    None => return Err(fault(here, "this `]` has no `[` before it")),
                },
                _ => return Err(fault(here, "this `}` has no `{` before it")),
            }
        }
        push_text(optional.as_mut().map_or(&mut parts, |(_, inner)| inner), &text[at..]);
        match optional {
            Some((begin, _)) => Err(fault(begin, "this bracket is never closed by `]`")),
            None => Ok(Self { parts }),
        }
    }

    /// Appends the sentence for one event, with the suffix of its outcome.
    pub fn render(&self, values: &Values<'_, '_>, outcome: Outcome, out: &mut String) {
        let begin = out.len();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(source) => {
                    if !write_source(source, values, out) {
                        out.push_str("(unknown)");
                    }
                }
                Part::Optional(inner) => {
                    let before = out.len();
                    if !write_all(inner, values, out) {
                        out.truncate(before);
                    }
                }
            }
            if out.len() - begin > limits::RENDERED_BYTES_MAX {
                cut(out, begin + limits::RENDERED_BYTES_MAX);
                break;
            }
        }
        out.push_str(outcome_suffix(outcome));
    }
}

/// Returns what follows a sentence whose act did not succeed.
pub fn outcome_suffix(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "",
        Outcome::Failure => " (failed)",
        Outcome::Denied => " (denied)",
    }
}

/// Appends what the sentence calls the actor.
///
/// Name, else e-mail, else id, else "System"; an actor of type `system` is always "System", and one
/// of type `anonymous` of whom nothing is known is "Anonymous".
pub fn write_actor(actor: Option<&Value<'_>>, out: &mut String) {
    let text = |key| actor.and_then(|actor| actor.get(key)).and_then(Value::as_str);
    let kind = text("type");
    let label =
        ["name", "email", "id"].into_iter().find_map(|key| text(key).filter(|t| !t.is_empty()));
    match (kind, label) {
        (Some("system"), _) => out.push_str("System"),
        (_, Some(label)) => write_text(label, out),
        (Some("anonymous"), None) => out.push_str("Anonymous"),
        (_, None) => out.push_str("System"),
    }
}

/// Appends the name, else the id, of the first target, or of the first of a type.
///
/// Returns false, and appends nothing, when there is none.
pub fn write_target(targets: Option<&Value<'_>>, kind: Option<&str>, out: &mut String) -> bool {
    let list = targets.and_then(Value::as_array).unwrap_or_default();
    let found = list.iter().find(|target| {
        kind.is_none_or(|kind| target.get("type").and_then(Value::as_str) == Some(kind))
    });
    let text = |key| found?.get(key)?.as_str().filter(|text| !text.is_empty());
    let label = text("name").or_else(|| text("id"));
    if let Some(label) = label {
        write_text(label, out);
    }
    label.is_some()
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.into()));
    }
}

fn fault(offset: usize, reason: &str) -> TemplateError {
    TemplateError { offset, reason: reason.to_owned() }
}

/// The value names, as they are offered when one is mistyped.
const NAMES: [&str; 6] =
    ["actor.name", "target.name", "target:TYPE.name", "before/PTR", "after/PTR", "meta.KEY"];

fn source(name: &str, offset: usize) -> Result<Source, TemplateError> {
    let found = match name {
        "actor.name" => Some(Source::ActorName),
        "target.name" => Some(Source::TargetName),
        _ => None,
    };
    let pointer = |prefix: &str| {
        name.strip_prefix(prefix).filter(|rest| rest.len() > 1 && rest.starts_with('/'))
    };
    let found = found
        .or_else(|| pointer("before").map(|rest| Source::Before(rest.into())))
        .or_else(|| pointer("after").map(|rest| Source::After(rest.into())))
        .or_else(|| {
            name.strip_prefix("meta.")
                .filter(|key| !key.is_empty())
                .map(|key| Source::Meta(key.into()))
        })
        .or_else(|| {
            let kind = name.strip_prefix("target:")?.strip_suffix(".name")?;
            (!kind.is_empty()).then(|| Source::TargetOfType(kind.into()))
        });
    found.ok_or_else(|| {
        let hint = match nearest(name, NAMES) {
            Some(near) => format!("did you mean `{{{near}}}`?"),
            None => format!("known are {}", NAMES.map(|name| format!("`{{{name}}}`")).join(", ")),
        };
        TemplateError { offset, reason: format!("`{{{name}}}` is not a value; {hint}") }
    })
}

/// Appends a part in brackets; returns false when a value in it is absent.
fn write_all(parts: &[Part], values: &Values<'_, '_>, out: &mut String) -> bool {
    parts.iter().all(|part| match part {
        Part::Text(text) => {
            out.push_str(text);
            true
        }
        Part::Value(source) => write_source(source, values, out),
        // The compiler refuses brackets in brackets.
        Part::Optional(inner) => write_all(inner, values, out),
    })
}

/// Appends one value; returns false, having appended nothing, when it is absent.
fn write_source(source: &Source, values: &Values<'_, '_>, out: &mut String) -> bool {
    match source {
        Source::ActorName => {
            write_actor(values.actor, out);
            true
        }
        Source::TargetName => write_target(values.targets, None, out),
        Source::TargetOfType(kind) => write_target(values.targets, Some(kind), out),
        Source::Before(pointer) => write_side(values, pointer, true, out),
        Source::After(pointer) => write_side(values, pointer, false, out),
        Source::Meta(key) => values
            .metadata
            .and_then(|meta| meta.get(key))
            .is_some_and(|value| write_value(value, out)),
    }
}

/// Appends a value of `before` or `after`, or the same side of a given change with that path.
fn write_side(values: &Values<'_, '_>, pointer: &str, before: bool, out: &mut String) -> bool {
    let whole = if before { values.before } else { values.after };
    if let Some(value) = whole.and_then(|whole| whole.pointer(pointer)) {
        return write_value(value, out);
    }
    if values.before.is_some() || values.after.is_some() {
        return false;
    }
    let changes = values.changes.and_then(Value::as_array).unwrap_or_default();
    changes
        .iter()
        .find(|change| change.get("path").and_then(Value::as_str) == Some(pointer))
        .and_then(|change| change.get(if before { "before" } else { "after" }))
        .is_some_and(|value| write_value(value, out))
}

/// Appends a value as a reader would say it; returns false for null and for nothing to say.
fn write_value(value: &Value<'_>, out: &mut String) -> bool {
    let begin = out.len();
    match value {
        Value::Null => return false,
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            for item in items {
                let before = out.len();
                if before > begin {
                    out.push_str(", ");
                }
                if !write_item(item, out) {
                    out.truncate(before);
                }
                if out.len() - begin > limits::RENDERED_VALUE_BYTES_MAX {
                    break;
                }
            }
        }
        other => return write_item(other, out),
    }
    if out.len() - begin > limits::RENDERED_VALUE_BYTES_MAX {
        cut(out, begin + limits::RENDERED_VALUE_BYTES_MAX);
    }
    out.len() > begin
}

/// Appends a scalar, or an object by its name, else its id, else its JSON.
fn write_item(value: &Value<'_>, out: &mut String) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => {
            write_text(text, out);
            !text.is_empty()
        }
        Value::Object(_) => {
            let label = ["name", "id"].into_iter().find_map(|key| value.get(key)?.as_str());
            match label.filter(|label| !label.is_empty()) {
                Some(label) => write_text(label, out),
                None => write_text(&value.to_string(), out),
            }
            true
        }
        Value::Array(_) => {
            write_text(&value.to_string(), out);
            true
        }
        // Writing to a string cannot fail.
        scalar => write!(out, "{scalar}").is_ok(),
    }
}

/// Appends a text, its control characters as spaces, cut at the bound of one value.
fn write_text(text: &str, out: &mut String) {
    let begin = out.len();
    if text.bytes().any(|byte| !(0x20..0x7f).contains(&byte)) {
        out.extend(text.chars().take(limits::RENDERED_VALUE_BYTES_MAX + 1).map(visible));
    } else {
        out.push_str(text);
    }
    if out.len() - begin > limits::RENDERED_VALUE_BYTES_MAX {
        cut(out, begin + limits::RENDERED_VALUE_BYTES_MAX);
    }
}

/// Returns a character that cannot break the line or turn its direction.
fn visible(char: char) -> char {
    match char {
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ' ',
        control if control.is_control() => ' ',
        other => other,
    }
}

/// Cuts a text at the last character that ends at or before `bytes`, and marks the cut.
fn cut(out: &mut String, bytes: usize) {
    let ends = (0..=bytes).rev().find(|at| out.is_char_boundary(*at));
    out.truncate(ends.unwrap_or(0));
    out.push('…');
}

#[cfg(test)]
mod tests;
