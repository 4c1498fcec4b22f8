//! The few words of an event that a message for people shows.

use proofbook_event::event::party_label;

use crate::message::{Gap, Told};

/// Characters of a sentence in a message.
const SENTENCE_CHARS_MAX: usize = 1_000;
/// Characters of a value in a message.
const VALUE_CHARS_MAX: usize = 200;

/// Returns the sentence of an event, or its title when it has none.
pub(crate) fn sentence(told: &Told<'_>) -> String {
    let event = told.event;
    let text = event.described("description").or_else(|| event.described("title"));
    cut(text.unwrap_or_else(|| event.action()), SENTENCE_CHARS_MAX)
}

/// Returns the facts of an event with their labels.
pub(crate) fn facts(told: &Told<'_>) -> Vec<(&'static str, String)> {
    let event = told.event;
    let mut facts = vec![("Workspace", told.workspace.to_owned())];
    let actor = event.actor();
    if let Some(actor) = actor {
        let email = actor.get("email").and_then(|value| value.as_str());
        let label = party_label(actor).unwrap_or("unknown");
        let both = email.filter(|email| *email != label);
        facts.push((
            "Actor",
            match both {
                Some(email) => format!("{label} ({email})"),
                None => label.to_owned(),
            },
        ));
    }
    if let Some(target) = event.targets().first().and_then(party_label) {
        facts.push(("Target", target.to_owned()));
    }
    facts.push((
        "Status",
        match event.clear.outcome.as_str() {
            "success" => "Success",
            "failure" => "Failed",
            _ => "Denied",
        }
        .to_owned(),
    ));
    if let Some(ip) = event.context("ip") {
        facts.push(("IP address", ip.to_owned()));
    }
    facts.push(("Time", event.clear.occurred_at.to_string()));
    facts.into_iter().map(|(name, value)| (name, cut(&value, VALUE_CHARS_MAX))).collect()
}

/// Says in a sentence that events expired.
pub(crate) fn gap_sentence(gap: &Gap<'_>) -> String {
    let Gap { workspace, from_seq, through_seq, .. } = gap;
    format!(
        "Events {from_seq} to {through_seq} of {workspace} expired before they could be sent here."
    )
}

/// Cuts a text at a character, saying so.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
