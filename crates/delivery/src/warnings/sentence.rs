//! What warnings say: a title and a sentence in the reader's language, filled with their facts.
//!
//! The words are in `lang/`. A fact that looks like a time is written in the reader's zone.

use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::Kind;
use crate::encode::cut;
use crate::letter::moment;
use crate::tongue::{Tongue, WarningWords};

/// Characters of one fact in a sentence.
const FACT_CHARS_MAX: usize = 200;

/// Returns a warning's title.
pub(crate) fn title(kind: Kind, is_over: bool, tongue: Tongue) -> String {
    let Some(words) = words(kind, tongue) else { return String::new() };
    if is_over { words.over_title.clone() } else { words.title.clone() }
}

/// Returns what a warning says.
pub(crate) fn sentence(
    kind: Kind,
    is_over: bool,
    facts: &Value,
    tongue: Tongue,
    zone: &TimeZone,
) -> String {
    let Some(words) = words(kind, tongue) else { return String::new() };
    let mut text = if is_over { words.over.clone() } else { words.text.clone() };
    for (name, fact) in facts.as_object().into_iter().flatten() {
        let place = format!("{{{name}}}");
        if text.contains(&place) {
            text = text.replace(&place, &written(fact, zone));
        }
    }
    text
}

fn words(kind: Kind, tongue: Tongue) -> Option<&'static WarningWords> {
    tongue.words().warnings.get(kind.as_str())
}

fn written(fact: &Value, zone: &TimeZone) -> String {
    match fact {
        Value::String(text) => match text.parse::<Instant>() {
            Ok(at) => moment(at.as_microsecond(), zone),
            Err(_) => cut(text, FACT_CHARS_MAX),
        },
        other => other.to_string(),
    }
}
