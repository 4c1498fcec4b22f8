//! CloudEvents 1.0.2 in structured mode (application/cloudevents+json), with the extension `sequence`.

use serde_json::json;

use super::native::{EVENT_TYPE, GAP_TYPE, TEST_SENTENCE, TEST_TYPE, event_json, gap_json};
use super::{Encoder, body};
use crate::message::{Gap, Payload, Told};

const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";

pub(super) struct CloudEvents;

impl Encoder for CloudEvents {
    fn event(&self, told: &Told<'_>) -> Payload {
        let clear = &told.event.clear;
        let value = json!({
            "specversion": "1.0",
            "id": told.event.id(),
            "source": format!("/workspaces/{}", told.workspace),
            "type": EVENT_TYPE,
            "subject": told.event.action(),
            "time": clear.occurred_at.to_string(),
            "sequence": format!("{:020}", clear.seq),
            "datacontenttype": "application/json",
            "data": event_json(told),
        });
        body(MEDIA_TYPE, &value)
    }

    fn gap(&self, gap: &Gap<'_>) -> Payload {
        let value = json!({
            "specversion": "1.0",
            "id": format!("gap-{}-{}", gap.from_seq, gap.through_seq),
            "source": format!("/workspaces/{}", gap.workspace),
            "type": GAP_TYPE,
            "time": gap.at,
            "sequence": format!("{:020}", gap.from_seq),
            "datacontenttype": "application/json",
            "data": gap_json(gap),
        });
        body(MEDIA_TYPE, &value)
    }

    fn test(&self, at: &str) -> Payload {
        let value = json!({
            "specversion": "1.0",
            "id": format!("test-{at}"),
            "source": "/",
            "type": TEST_TYPE,
            "time": at,
            "datacontenttype": "application/json",
            "data": {"message": TEST_SENTENCE},
        });
        body(MEDIA_TYPE, &value)
    }
}
