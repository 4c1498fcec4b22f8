//! A message of Microsoft Teams: an adaptive card, as the incoming webhooks of its workflows take it.
//!
//! Text blocks read a little Markdown, so what is Markdown in an event's text is escaped.

use serde_json::{Value, json};

use super::native::TEST_SENTENCE;
use super::words::{facts, gap_sentence, sentence};
use super::{Encoder, body};
use crate::message::{Gap, Payload, Told};

pub(super) struct Teams;

impl Encoder for Teams {
    fn event(&self, told: &Told<'_>) -> Payload {
        let facts: Vec<Value> = facts(told)
            .into_iter()
            .map(|(name, value)| json!({"title": name, "value": escape(&value)}))
            .collect();
        let blocks = vec![
            json!({"type": "TextBlock", "text": escape(&sentence(told)), "weight": "Bolder", "wrap": true}),
            json!({"type": "FactSet", "facts": facts}),
        ];
        let actions: Vec<Value> = told
            .link
            .map(|link| json!({"type": "Action.OpenUrl", "title": "Open in the audit log", "url": link}))
            .into_iter()
            .collect();
        body("application/json", &card(blocks, actions))
    }

    fn gap(&self, gap: &Gap<'_>) -> Payload {
        let text = escape(&gap_sentence(gap));
        let blocks = vec![json!({"type": "TextBlock", "text": text, "wrap": true})];
        body("application/json", &card(blocks, Vec::new()))
    }

    fn test(&self, _: &str) -> Payload {
        let blocks = vec![json!({"type": "TextBlock", "text": TEST_SENTENCE, "wrap": true})];
        body("application/json", &card(blocks, Vec::new()))
    }
}

fn card(blocks: Vec<Value>, actions: Vec<Value>) -> Value {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": blocks,
                "actions": actions,
            },
        }],
    })
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '_' | '[' | ']' | '`' | '~') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
