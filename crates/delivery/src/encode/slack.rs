//! A message of Slack: blocks with the sentence, the facts and a button.
//!
//! Event texts are data: `&`, `<` and `>` are escaped as Slack asks, so that no text can mention a
//! channel or dress up a link.

use serde_json::{Value, json};

use super::native::TEST_SENTENCE;
use super::words::{facts, gap_sentence, sentence};
use super::{Encoder, body};
use crate::message::{Gap, Payload, Told};

pub(super) struct Slack;

impl Encoder for Slack {
    fn event(&self, told: &Told<'_>) -> Payload {
        let sentence = escape(&sentence(told));
        let fields: Vec<Value> = facts(told)
            .into_iter()
            .map(|(name, value)| json!({"type": "mrkdwn", "text": format!("*{name}*\n{}", escape(&value))}))
            .collect();
        let mut blocks = vec![
            json!({"type": "section", "text": {"type": "mrkdwn", "text": format!("*{sentence}*")}}),
            json!({"type": "section", "fields": fields}),
        ];
        if let Some(link) = told.link {
            blocks.push(json!({"type": "actions", "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "Open in the audit log"}, "url": link}
            ]}));
        }
        body("application/json", &json!({"text": sentence, "blocks": blocks}))
    }

    fn gap(&self, gap: &Gap<'_>) -> Payload {
        body("application/json", &json!({"text": escape(&gap_sentence(gap))}))
    }

    fn test(&self, _: &str) -> Payload {
        body("application/json", &json!({"text": TEST_SENTENCE}))
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
