//! The event as the API shows it, in the frame of Standard Webhooks: `{type, timestamp, data}`.

use serde_json::json;

use super::{Encoder, body};
use crate::message::{Gap, Payload, Told};

/// What a message with an event says that it is.
pub(super) const EVENT_TYPE: &str = "audit_log.event";
/// What a message about expired events says that it is.
pub(super) const GAP_TYPE: &str = "audit_log.gap";

/// What a test message says that it is.
pub(super) const TEST_TYPE: &str = "audit_log.test";
/// What a test message says to people.
pub(super) const TEST_SENTENCE: &str = "Proofbook can reach this place: this is a test.";

pub(super) struct Native;

/// Writes an event as the API does, as JSON that can be put into another.
pub(super) fn event_json(told: &Told<'_>) -> serde_json::Value {
    let value = told.event.to_json(told.leaf);
    // The event's own writer knows numbers that must not be rounded; it is read back as it was written.
    serde_json::to_value(&value).unwrap_or_default()
}

pub(super) fn gap_json(gap: &Gap<'_>) -> serde_json::Value {
    json!({
        "workspace": gap.workspace,
        "from_seq": gap.from_seq,
        "through_seq": gap.through_seq,
        "reason": "expired",
    })
}

impl Encoder for Native {
    fn event(&self, told: &Told<'_>) -> Payload {
        let value = json!({
            "type": EVENT_TYPE,
            "timestamp": told.event.clear.recorded_at.to_string(),
            "data": event_json(told),
        });
        body("application/json", &value)
    }

    fn gap(&self, gap: &Gap<'_>) -> Payload {
        let value = json!({"type": GAP_TYPE, "timestamp": gap.at, "data": gap_json(gap)});
        body("application/json", &value)
    }

    fn test(&self, at: &str) -> Payload {
        let data = json!({"message": TEST_SENTENCE});
        let value = json!({"type": TEST_TYPE, "timestamp": at, "data": data});
        body("application/json", &value)
    }
}
