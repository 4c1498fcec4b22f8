use std::borrow::Cow;

use proofbook_event::event::Clear;
use proofbook_event::{Group, GroupBytes, Outcome, Timestamp};

use super::*;
use crate::rule::Mode;
use crate::tongue::Tongue;

const ACTOR: &str =
    r#"{"actor":{"email":"ann@acme.example","id":"u_1","name":"Ann","type":"user"}}"#;
const TARGETS: &str = r#"[{"id":"w_1","name":"Main <b>","type":"workspace"}]"#;
const CONTEXT: &str = r#"{"ip":"203.0.113.9"}"#;
const CHANGES: &str = r#"{"changes":[{"after":false,"before":true,"kind":"update","path":"/mfa_enabled"},{"after":"<script>x</script>","before":null,"kind":"update","path":"/note"}]}"#;
const DESCRIPTION: &str = r#"{"description":"Ann disabled MFA","module":{"id":"security","title":"Security"},"severity":"warning","title":"MFA Disabled","verb":"update"}"#;

fn event(outcome: Outcome) -> Event<'static> {
    let mut groups = GroupBytes::default();
    for (group, text) in [
        (Group::Id, "\"e-1\""),
        (Group::Actor, ACTOR),
        (Group::Targets, TARGETS),
        (Group::Context, CONTEXT),
        (Group::Changes, CHANGES),
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
        outcome,
    };
    Event::from_groups(clear, &groups).expect("JSON")
}

fn manner(tongue: Tongue, zone: &str) -> Manner {
    Manner {
        recipients: vec!["owner@acme.example".to_owned()],
        mode: Mode::Instant,
        per_hour: 60,
        tongue,
        zone: TimeZone::get(zone).expect("a zone"),
    }
}

fn frame(settings: &WorkspaceSettings) -> Frame<'_> {
    Frame {
        workspace: "acme",
        settings,
        log_link: Some("https://app.acme.example/audit"),
        export_link: Some("https://app.acme.example/audit?export=1"),
        settings_link: Some("https://app.acme.example/audit?notifications=1"),
        unsubscribe: Some("https://app.acme.example/audit?notifications=1"),
    }
}

fn letter(event: &Event<'_>, manner: &Manner) -> Letter {
    let settings = WorkspaceSettings { title: Some("Acme".to_owned()), ..Default::default() };
    let link = "https://app.acme.example/audit?event=e-1";
    let told = Told { event, leaf: None, workspace: "acme", settings: &settings, link: Some(link) };
    of_event(&told, &frame(&settings), manner)
}

#[test]
fn p4_a_letter_says_what_happened_in_the_order_that_the_owner_reads() {
    let letter = letter(&event(Outcome::Success), &manner(Tongue::English, "Europe/Berlin"));
    assert_eq!(letter.subject, "[Acme] MFA Disabled by ann@acme.example");
    assert_eq!(
        letter.text,
        "Ann disabled MFA\n\n\
         Status: Success\n\
         Actor: ann@acme.example\n\
         Target: Main <b> (w_1)\n\
         IP address: 203.0.113.9\n\
         Occurred at: 2026-11-22 10:29:59 CET (UTC+01:00)\n\n\
         What changed\n\n\
         MFA enabled\n  Previous value: true\n  Completed value: false\n\n\
         Note\n  Previous value: –\n  Completed value: <script>x</script>\n\n\
         Open in the audit log:\nhttps://app.acme.example/audit?event=e-1\n\n\
         -- \n\
         You get this because you own Acme, or because a rule of its audit log names your address.\n\
         Choose what you are told of: https://app.acme.example/audit?notifications=1\n"
    );
    assert!(letter.html.contains("&#60;script&#62;"), "{}", letter.html);
    assert!(!letter.html.contains("<script>"));
    assert!(letter.html.contains("href=\"https://app.acme.example/audit?event=e-1\""));
    assert_eq!(letter.to, ["owner@acme.example"]);
}

#[test]
fn p4_a_letter_speaks_german_and_says_how_it_ended() {
    let letter = letter(&event(Outcome::Failure), &manner(Tongue::German, "UTC"));
    assert_eq!(letter.subject, "[Acme] MFA Disabled (fehlgeschlagen) durch ann@acme.example");
    for line in ["Status: Fehlgeschlagen\n", "Zeitpunkt: 2026-11-22 09:29:59 UTC (UTC+00:00)\n"] {
        assert!(letter.text.contains(line), "{line:?} in {}", letter.text);
    }
    assert!(letter.html.contains("<html lang=\"de\">"));
}

#[test]
fn a_subject_is_one_line_whatever_an_event_says() {
    let settings = WorkspaceSettings {
        title: Some("A\r\nBcc: x@evil.example".to_owned()),
        ..Default::default()
    };
    let subject = subject(&frame(&settings), &"x".repeat(500));
    assert!(!subject.contains(['\r', '\n']));
    assert!(subject.chars().count() <= SUBJECT_CHARS_MAX + 1);
}

#[test]
fn p4_a_digest_counts_lists_and_flags() {
    let settings = WorkspaceSettings::default();
    let manner = manner(Tongue::English, "UTC");
    let mut digest = Digest::default();
    for _ in 0..60 {
        digest.add(&event(Outcome::Success), &manner);
    }
    let new = vec!["203.0.113.9".to_owned()];
    let letter = digest.letter(&new, false, &frame(&settings), &manner);
    assert_eq!(letter.subject, "[acme] 60 events in the audit log");
    for line in [
        "From 2026-11-22 09:29:59 UTC (UTC+00:00) to 2026-11-22 09:29:59 UTC (UTC+00:00)\n",
        "60 × MFA Disabled\n",
        "Addresses seen for the first time\n203.0.113.9\n",
        "Worth a look\n2026-11-22 09:29:59 UTC (UTC+00:00) · Ann disabled MFA\n",
        "and 10 more\n",
    ] {
        assert!(letter.text.contains(line), "{line:?} in {}", letter.text);
    }
    let throttled = digest.letter(&[], true, &frame(&settings), &manner);
    assert!(throttled.text.starts_with("More happened than is mailed one by one\n"));
    assert!(!throttled.text.contains("Addresses"));
}

#[test]
fn p6_a_warnings_letter_speaks_the_readers_language_and_leads_to_the_export() {
    let check = |action: &'static str, tongue, expected: [&str; 4]| {
        let metadata = concat!(
            r#"{"metadata":{"count":12,"ends_at":"2026-11-29T09:30:00.000000Z","first_at":"2026-10-30"#,
            r#"T09:30:00.000000Z","kind":"expiring_7d","last_at":"2026-10-31T09:30:00.000000Z"}}"#
        );
        let mut groups = GroupBytes::default();
        groups.set(Group::Id, Some(b"\"e-1\""));
        groups.set(Group::Metadata, Some(metadata.as_bytes()));
        let clear = Clear {
            workspace: Cow::Borrowed("acme"),
            seq: 41,
            recorded_at: Timestamp::from_micros(1_795_339_800_000_000),
            occurred_at: Timestamp::from_micros(1_795_339_799_123_456),
            action: Some(Cow::Borrowed(action)),
            outcome: Outcome::Success,
        };
        let event = Event::from_groups(clear, &groups).expect("JSON");
        let letter = letter(&event, &manner(tongue, "Europe/Berlin"));
        assert_eq!(letter.subject, expected[0]);
        for line in &expected[1..] {
            assert!(letter.text.contains(line), "{line:?} in {}", letter.text);
        }
    };
    check(
        "audit_log.warning_raised",
        Tongue::English,
        [
            "[Acme] Events end in a week",
            "events end that no complete export holds: 12, the first at 2026-11-29 10:30:00 CET",
            "from 2026-10-30 10:30:00 CET (UTC+01:00) to 2026-10-31",
            "Export the audit log:\nhttps://app.acme.example/audit?export=1\n",
        ],
    );
    check(
        "audit_log.warning_raised",
        Tongue::German,
        [
            "[Acme] Ereignisse enden in einer Woche",
            "Ereignisse, die in keinem vollständigen Export sind: 12, das erste",
            "2026-11-29 10:30:00 CET",
            "Das Audit-Log exportieren:\nhttps://app.acme.example/audit?export=1\n",
        ],
    );
    check(
        "audit_log.warning_over",
        Tongue::German,
        [
            "[Acme] Kein Ereignis endet binnen einer Woche",
            "endet mehr binnen 7 Tagen",
            "Zeitpunkt: 2026-11-22",
            "https://app.acme.example/audit?event=e-1\n",
        ],
    );
}
