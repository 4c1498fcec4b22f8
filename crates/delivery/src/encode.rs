//! Encoders: from an event to what a receiver takes. One file per form.
//!
//! An encoder is pure: the same event gives the same bytes, so that a message that is sent again is
//! the same message.

use crate::destination::Format;
use crate::message::{Gap, Payload, Told};

mod cloudevents;
mod native;
mod slack;
mod teams;
mod words;

pub(crate) use words::cut;

/// Writes events in one form.
pub trait Encoder: Send + Sync {
    /// Writes one event.
    fn event(&self, told: &Told<'_>) -> Payload;

    /// Writes that events expired before they were told.
    fn gap(&self, gap: &Gap<'_>) -> Payload;

    /// Writes that this is a test, made at `at` (RFC 3339).
    fn test(&self, at: &str) -> Payload;
}

/// Returns the encoder of a form.
pub fn encoder(format: Format) -> Box<dyn Encoder> {
    match format {
        Format::Native => Box::new(native::Native),
        Format::CloudEvents => Box::new(cloudevents::CloudEvents),
        Format::Slack => Box::new(slack::Slack),
        Format::Teams => Box::new(teams::Teams),
    }
}

fn body(content_type: &'static str, value: &serde_json::Value) -> Payload {
    Payload::Body { content_type, bytes: value.to_string().into() }
}

#[cfg(test)]
mod tests;
