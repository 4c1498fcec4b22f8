use std::borrow::Cow;

use proofbook_event::event::Clear;
use proofbook_event::{Event, Group, GroupBytes, Outcome, Timestamp};
use proofbook_store::config::WorkspaceSettings;

use super::*;

const ACTOR: &str =
    r#"{"actor":{"email":"ann@acme.example","id":"u_1","name":"Ann <b>","type":"user"}}"#;
const TARGETS: &str = r#"[{"id":"w_1","name":"*Main* & [co](x)","type":"workspace"}]"#;
const CONTEXT: &str = r#"{"ip":"203.0.113.9"}"#;
const DESCRIPTION: &str = r#"{"description":"Ann <!channel> disabled MFA","module":{"id":"security","title":"Security"},"title":"MFA Disabled","verb":"update"}"#;
const ID: &str = r#""e-1""#;

fn event() -> Event<'static> {
    let mut groups = GroupBytes::default();
    for (group, text) in [
        (Group::Id, ID),
        (Group::Actor, ACTOR),
        (Group::Targets, TARGETS),
        (Group::Context, CONTEXT),
        (Group::Description, DESCRIPTION),
    ] {
        groups.set(group, Some(text.as_bytes()));
    }
    let clear = Clear {
        workspace: Cow::Borrowed("acme"),
        seq: 41,
        recorded_at: Timestamp::from_micros(1_795_339_800_000_000),
        occurred_at: Timestamp::from_micros(1_795_339_799_123_456),
        action: Some(Cow::Borrowed("mfa.disable")),
        outcome: Outcome::Success,
    };
    Event::from_groups(clear, &groups).expect("JSON")
}

fn golden(format: Format) -> &'static str {
    match format {
        Format::Native => include_str!("golden/native.json"),
        Format::CloudEvents => include_str!("golden/cloudevents.json"),
        Format::Slack => include_str!("golden/slack.json"),
        Format::Teams => include_str!("golden/teams.json"),
    }
}

/// The golden files are read by people, and are what the receivers' documentation asks for.
#[test]
fn p7_each_form_is_its_golden_file() {
    let event = event();
    let settings = WorkspaceSettings::default();
    let told = Told {
        event: &event,
        leaf: Some("bGVhZg=="),
        workspace: "acme",
        settings: &settings,
        link: Some("https://app.acme.example/audit?event=e-1"),
    };
    let gap =
        Gap { workspace: "acme", from_seq: 3, through_seq: 9, at: "2026-11-22T09:30:00.000000Z" };
    for format in Format::ALL {
        let encoder = encoder(format);
        let bytes = |payload: Payload| match payload {
            Payload::Body { bytes, .. } => {
                serde_json::from_slice::<serde_json::Value>(&bytes).expect("JSON")
            }
            Payload::Letter(_) => panic!("no body"),
        };
        let all = serde_json::json!({
            "event": bytes(encoder.event(&told)),
            "gap": bytes(encoder.gap(&gap)),
            "test": bytes(encoder.test(gap.at)),
        });
        let text = format!("{}\n", serde_json::to_string_pretty(&all).expect("JSON"));
        if std::env::var_os("PROOFBOOK_GOLDEN").is_some() {
            println!("--- {}\n{text}", format.as_str());
        }
        assert_eq!(text, golden(format), "{}", format.as_str());
    }
}
