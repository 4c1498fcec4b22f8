//! A4: admit, over golden events whose canonical groups are written by hand.

use proofbook_ledger::prf::{NonceKey, RunSeed, Slot, event_key, nonce, salt};
use sha2::{Digest, Sha256};

use super::*;
use crate::identity;
use crate::preset::Preset;
use crate::retention::Keep;

const FINGERPRINT_KEY: [u8; 16] = *b"fingerprint key!";
const MASK_KEY: [u8; 16] = *b"masking test key";
const ID: &str = "0193a5c2-7b1e-7c3d-9f00-0123456789ab";

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("the test's time is RFC 3339")
}

fn now() -> Timestamp {
    time("2026-11-22T09:30:00Z")
}

fn keys(slot: u16) -> EventKeys {
    let slot = Slot::new(slot).expect("below 4096");
    EventKeys {
        run: 7,
        slot,
        event_key: event_key(&RunSeed::from_bytes([1; 32]), slot),
        nonce: nonce(&NonceKey::from_bytes([2; 32]), slot),
    }
}

/// What a test varies of the context.
struct Setup {
    catalog: Catalog,
    keep: Keep,
    may_import: bool,
}

impl Setup {
    fn of(preset: &str) -> Self {
        let catalog = Catalog::embedded(preset).expect("the preset is embedded");
        Self { catalog, keep: Keep::Unlimited, may_import: false }
    }

    fn admit(&self, mut draft: EventDraft<'_>) -> Result<Admitted, Rejected> {
        let identity = Identity::take(&mut draft, &FINGERPRINT_KEY, || ID.to_owned());
        let context = AdmitContext {
            catalog: &self.catalog,
            now: now(),
            kept_since: self.keep.cutoff(now()),
            may_import: self.may_import,
            mask_key: &MASK_KEY,
        };
        let mut admitted = Admitted::blank();
        admit(&mut draft, &identity, &context, &keys(3), &mut admitted).map(|()| admitted)
    }

    fn admit_text(&self, event: &str) -> Result<Admitted, Rejected> {
        self.admit(EventDraft::parse(event.as_bytes()).expect("the test's event is accepted"))
    }
}

/// Admits one event under a preset, for the tests of other modules.
pub(crate) fn admit_plain(preset: &str, draft: EventDraft<'_>) -> Result<Admitted, Rejected> {
    Setup::of(preset).admit(draft)
}

fn group_text(admitted: &Admitted, group: Group) -> Option<&str> {
    admitted.group(group).map(|bytes| std::str::from_utf8(bytes).expect("canonical JSON is UTF-8"))
}

/// Compares every group; those not named must be absent.
#[track_caller]
fn check_groups(admitted: &Admitted, expected: &[(Group, &str)]) {
    for group in Group::ALL {
        let expected = expected.iter().find(|(known, _)| *known == group).map(|(_, text)| *text);
        assert_eq!(group_text(admitted, group), expected, "{group}");
    }
}

#[test]
fn a4_golden_event_of_a_preset() {
    let admitted = Setup::of("clienwork")
        .admit_text(
            r#"{"id":"e-1","workspace":"acme","action":"project.update","occurred_at":"2026-11-22T09:29:59.5Z",
                "actor":{"type":"user","id":"u_7","name":"Ada Park","email":"ada@acme.example","roles":["admin"]},
                "on_behalf_of":{"type":"user","id":"u_9"},"via":{"channel":"ui"},
                "approval":{"id":"ap-1","by":{"type":"user","id":"u_1"}},
                "targets":[{"type":"project","id":"42","name":"Website"}],
                "outcome":{"result":"success","reason":"because","code":"200"},
                "before":{"name":"Old","description":"Same"},"after":{"name":"New","description":"Same"},
                "context":{"ip":"203.0.113.9","city":null},
                "reason":"Rebranding","metadata":{"z":1,"a":[true,null]},
                "source":{"seq":881,"name":"billing"}}"#,
        )
        .expect("admitted");
    check_groups(
        &admitted,
        &[
            (
                Group::Actor,
                r#"{"actor":{"email":"ada@acme.example","id":"u_7","name":"Ada Park","roles":["admin"],"type":"user"},"on_behalf_of":{"id":"u_9","type":"user"},"via":{"channel":"ui"}}"#,
            ),
            (
                Group::Changes,
                r#"{"after":{"description":"Same","name":"New"},"before":{"description":"Same","name":"Old"},"changes":[{"after":"New","before":"Old","kind":"update","path":"/name"}]}"#,
            ),
            (Group::Context, r#"{"city":null,"ip":"203.0.113.9"}"#),
            (
                Group::Description,
                r#"{"approval":{"by":{"id":"u_1","type":"user"},"id":"ap-1"},"description":"Ada Park updated project Website","module":{"id":"projects","title":"Projects"},"outcome":{"code":"200","reason":"because"},"reason":"Rebranding","severity":"info","title":"Project Update","verb":"update"}"#,
            ),
            (Group::Id, r#""e-1""#),
            (
                Group::Metadata,
                r#"{"metadata":{"a":[true,null],"z":1},"source":{"name":"billing","seq":881}}"#,
            ),
            (Group::Targets, r#"[{"id":"42","name":"Website","type":"project"}]"#),
        ],
    );
    assert_eq!(admitted.action(), "project.update");
    assert_eq!(admitted.clear_action(), Some("project.update"));
    assert_eq!((admitted.id(), admitted.id_generated), ("e-1", false));
    assert_eq!(admitted.occurred_at, time("2026-11-22T09:29:59.5Z"));
    assert_eq!(
        (admitted.outcome, admitted.notify, admitted.masked),
        (proofbook_event::Outcome::Success, false, 0)
    );
    assert!(!admitted.retention_from_recorded);
    assert_eq!((admitted.run, admitted.slot.get()), (7, 3));
}

#[test]
fn a4_golden_smallest_event() {
    let admitted = Setup::of("default")
        .admit_text(r#"{"action":"webhook.create","outcome":"denied"}"#)
        .expect("admitted");
    check_groups(
        &admitted,
        &[
            (
                Group::Description,
                r#"{"action":"webhook.create","description":"System created webhook (denied)","module":{"id":"other","title":"Other"},"severity":"info","title":"Webhook Create","verb":"create"}"#,
            ),
            (Group::Id, r#""0193a5c2-7b1e-7c3d-9f00-0123456789ab""#),
        ],
    );
    assert_eq!(admitted.clear_action(), None, "an action that no catalog lists may name a person");
    assert_eq!((admitted.id(), admitted.id_generated), (ID, true));
    assert_eq!(admitted.occurred_at, now());
}

#[test]
fn a4_golden_event_with_a_secret() {
    let admitted = Setup::of("clickfunnels-workspace")
        .admit_text(
            r#"{"id":"e-2","action":"payment_method.update","actor":{"type":"user","name":"Ada"},
                "before":{"methods":[]},
                "after":{"methods":[{"id":"pm_1","brand":"visa","number":"4242424242424242","cvc":"042"}]}}"#,
        )
        .expect("admitted");
    let changes = group_text(&admitted, Group::Changes).expect("present");
    assert!(!changes.contains("4242") && !changes.contains("042"), "{changes}");
    // Twice in `after`, and from there in the derived change, which shows the same two marks.
    assert_eq!(admitted.masked, 2);
    assert_eq!(changes.matches("[masked ").count(), 4, "{changes}");
    let description = group_text(&admitted, Group::Description).expect("present");
    assert_eq!(
        description,
        r#"{"description":"Ada updated payment methods","masked":2,"module":{"id":"payments","title":"Payments"},"severity":"warning","title":"Payment Method Updated","verb":"update"}"#
    );
    assert!(admitted.notify);
}

#[test]
fn a4_the_story_of_the_first_page() {
    let setup = Setup::of("clickfunnels-workspace");
    for (event, sentence, notify) in [
        (
            r#"{"action":"affiliate.create","actor":{"type":"user","name":"Bo"},"targets":[{"type":"affiliate","id":"a1","name":"Ann"}],"after":{"name":"Ann","campaign":"Spring"}}"#,
            "Bo created affiliate Ann",
            false,
        ),
        (
            r#"{"action":"product.update","actor":{"type":"user","email":"cy@acme.example"},"targets":[{"type":"product","id":"p1","name":"Course"}],"before":{"price":"49.00"},"after":{"price":"59.00"}}"#,
            "cy@acme.example updated product Course: price 49.00 → 59.00",
            false,
        ),
        (
            r#"{"action":"payment_method.update","actor":{"type":"user","id":"u_3"},"outcome":"failure"}"#,
            "u_3 updated payment methods (failed)",
            true,
        ),
    ] {
        let admitted = setup.admit_text(event).expect("admitted");
        let read = admitted.to_event("acme", 0, now()).expect("the groups are JSON");
        assert_eq!(read.described("description"), Some(sentence));
        assert_eq!(admitted.notify, notify, "{sentence}");
    }
}

#[test]
fn a4_what_the_sender_says_goes_before_the_catalog() {
    let setup = Setup::of("clickfunnels-workspace");
    let description = |event: &str| {
        let admitted = setup.admit_text(event).expect("admitted");
        group_text(&admitted, Group::Description).expect("present").to_owned()
    };
    let given = description(
        r#"{"action":"mfa.disable","description":"Lost phone","severity":"info","reason":null,"outcome":"failure"}"#,
    );
    assert_eq!(
        given,
        r#"{"description":"Lost phone","module":{"id":"security","title":"Security"},"reason":null,"severity":"info","title":"MFA Disabled","verb":"update"}"#
    );
    let empty = description(r#"{"action":"mfa.disable","description":""}"#);
    assert!(empty.starts_with(r#"{"description":"","#), "{empty}");
    let null = description(r#"{"action":"mfa.disable","description":null}"#);
    assert!(
        null.contains(r#""description":"System disabled Multi-Factor Authentication""#),
        "{null}"
    );
}

#[test]
fn a4_empty_null_and_absent_stay_distinct() {
    let setup = Setup::of("default");
    for (fields, group, expected) in [
        ("", Group::Context, None),
        (r#","context":null"#, Group::Context, Some("null")),
        (r#","context":{}"#, Group::Context, Some("{}")),
        (r#","targets":[]"#, Group::Targets, Some("[]")),
        (r#","metadata":{}"#, Group::Metadata, Some(r#"{"metadata":{}}"#)),
        (r#","metadata":null"#, Group::Metadata, Some(r#"{"metadata":null}"#)),
        (r#","actor":null"#, Group::Actor, Some(r#"{"actor":null}"#)),
        (r#","before":null"#, Group::Changes, Some(r#"{"before":null,"changes":[]}"#)),
        (
            r#","after":"""#,
            Group::Changes,
            Some(
                r#"{"after":"","changes":[{"after":"","before":null,"kind":"update","path":""}]}"#,
            ),
        ),
        (r#","changes":[]"#, Group::Changes, Some(r#"{"changes":[]}"#)),
        (r#","changes":null"#, Group::Changes, Some(r#"{"changes":null}"#)),
    ] {
        let admitted =
            setup.admit_text(&format!(r#"{{"action":"a.b"{fields}}}"#)).expect("admitted");
        assert_eq!(group_text(&admitted, group), expected, "{fields}");
    }
}

#[test]
fn a4_given_changes_are_kept_as_given() {
    let admitted = Setup::of("default")
        .admit_text(r#"{"action":"a.b","before":{"x":1},"after":{"x":2},"changes":[{"path":"/y","after":3}]}"#)
        .expect("admitted");
    assert_eq!(
        group_text(&admitted, Group::Changes),
        Some(r#"{"after":{"x":2},"before":{"x":1},"changes":[{"after":3,"path":"/y"}]}"#)
    );
}

#[test]
fn a4_time_decides_what_is_refused_and_what_retention_counts_from() {
    const REFUSED_FUTURE: Result<bool, &str> = Err("too_far_ahead");
    const OUTSIDE: Result<bool, &str> = Err("outside_retention");
    for (occurred, keep, may_import, expected) in [
        ("2026-11-23T09:30:00Z", Keep::Unlimited, false, Ok(false)),
        ("2026-11-23T09:30:00.000001Z", Keep::Unlimited, false, REFUSED_FUTURE),
        ("2026-11-23T09:30:00.000001Z", Keep::Unlimited, true, REFUSED_FUTURE),
        // Backdated by at most 24 hours: counts from occurred_at, whoever sends it.
        ("2026-11-21T09:30:00Z", Keep::Days(30), false, Ok(false)),
        ("2026-11-21T09:29:59.999999Z", Keep::Days(30), false, Ok(true)),
        ("2026-11-21T09:29:59.999999Z", Keep::Days(30), true, Ok(false)),
        // Further back, without the right to: counts from recorded_at, so it is kept.
        ("2020-01-01T00:00:00Z", Keep::Days(30), false, Ok(true)),
        ("2020-01-01T00:00:00Z", Keep::Days(30), true, OUTSIDE),
        ("2026-10-23T09:30:00Z", Keep::Days(30), true, Ok(false)),
        ("2026-10-23T09:29:59.999999Z", Keep::Days(30), true, OUTSIDE),
        ("2020-01-01T00:00:00Z", Keep::Unlimited, true, Ok(false)),
        ("2025-11-22T09:30:00Z", Keep::Years(1), true, Ok(false)),
        ("2025-11-22T09:29:59Z", Keep::Years(1), true, OUTSIDE),
    ] {
        let setup = Setup { keep, may_import, ..Setup::of("default") };
        let event = format!(r#"{{"action":"a.b","occurred_at":"{occurred}"}}"#);
        let found = setup.admit_text(&event);
        let found = found
            .as_ref()
            .map(|admitted| admitted.retention_from_recorded)
            .map_err(|error| error.code);
        assert_eq!(found, expected, "{occurred} under {keep}, import {may_import}");
    }
}

#[test]
fn a4_a_strict_catalog_refuses_what_it_does_not_list() {
    let text = "name = \"x\"\nstrict = true\n[[modules]]\nid = \"m\"\ntitle = \"M\"\n\
        [[actions]]\nname = \"project.update\"\ntitle = \"P\"\nmodule = \"m\"\nverb = \"update\"\n";
    let catalog = Catalog::new(Preset::parse(text).expect("reads"), 4);
    let setup = Setup { catalog, ..Setup::of("default") };
    let refused = setup.admit_text(r#"{"action":"project.updat"}"#).expect_err("refused");
    assert_eq!((refused.code, refused.pointer.as_str()), ("unknown_action", "/action"));
    assert!(refused.reason.contains("did you mean `project.update`?"), "{refused}");
    assert!(setup.admit_text(r#"{"action":"project.update"}"#).is_ok());

    // What Proofbook itself records is in every catalog.
    let mut draft = EventDraft::parse(br#"{"action":"a.b"}"#).expect("accepted");
    draft.action = "audit_log.viewed".into();
    let admitted = setup.admit(draft.clone()).expect("built in");
    assert_eq!(admitted.clear_action(), Some("audit_log.viewed"));
    draft.action = "audit_log.not_declared_yet".into();
    let admitted = setup.admit(draft).expect("Proofbook's own, though not in the table");
    assert_eq!(admitted.clear_action(), None);
}

#[test]
fn a4_an_action_named_other_is_never_clear() {
    let text = "name = \"x\"\n[[modules]]\nid = \"m\"\ntitle = \"M\"\n\
        [[actions]]\nname = \"other\"\ntitle = \"O\"\nmodule = \"m\"\nverb = \"other\"\n";
    let catalog = Catalog::new(Preset::parse(text).expect("reads"), 1);
    let setup = Setup { catalog, ..Setup::of("default") };
    let admitted = setup.admit_text(r#"{"action":"other"}"#).expect("admitted");
    assert_eq!(admitted.clear_action(), None);
    let description = group_text(&admitted, Group::Description).expect("present");
    assert!(
        description.starts_with(r#"{"action":"other","#) && description.contains(r#""title":"O""#)
    );
}

#[test]
fn a4_fingerprint_is_of_what_was_sent_whatever_the_server_adds() {
    let sent = r#"{"id":"e-1","action":"mfa.disable","after":{"password":"x"}}"#;
    // The same event with its keys in another order, under another catalog, at the same id.
    let reordered = r#"{ "after": {"password":"x"}, "action":"mfa.disable","id":"e-1" }"#;
    let first = Setup::of("clickfunnels-workspace").admit_text(sent).expect("admitted");
    let second = Setup::of("default").admit_text(reordered).expect("admitted");
    assert_eq!(first.fingerprint, second.fingerprint);
    assert_eq!(first.id_hash, second.id_hash);
    let other = Setup::of("default").admit_text(&sent.replace("\"x\"", "\"y\"")).expect("admitted");
    assert_ne!(first.fingerprint, other.fingerprint);
    assert_eq!(first.id_hash, other.id_hash);
    assert_ne!(first.id_hash, identity::keyed_hash(&[0; 16], b"e-1"));
}

#[test]
fn a4_commitments_follow_from_bytes_and_keys() {
    let setup = Setup::of("clienwork");
    let event = r#"{"id":"e-1","action":"project.update","actor":{"type":"user","name":"Ada"},"context":{"ip":"203.0.113.9"}}"#;
    let admitted = setup.admit_text(event).expect("admitted");
    let keys = keys(3);
    let expected: Vec<(Group, [u8; 32])> = admitted
        .groups()
        .present()
        .map(|(group, bytes)| {
            let pointer = group.pointer();
            let mut hasher = Sha256::new();
            hasher.update(b"proofbook/v1/field\0");
            hasher.update(salt(&keys.event_key, pointer));
            hasher.update((pointer.len() as u16).to_be_bytes());
            hasher.update(pointer);
            hasher.update(bytes);
            (group, hasher.finalize().into())
        })
        .collect();
    let found: Vec<(Group, [u8; 32])> =
        admitted.sealed().iter().map(|(group, hash)| (*group, hash.0)).collect();
    assert_eq!(found, expected);
    let names: Vec<Group> = found.iter().map(|(group, _)| *group).collect();
    assert_eq!(names, [Group::Actor, Group::Context, Group::Description, Group::Id]);
    assert_eq!(admitted.nonce, keys.nonce);
}

#[test]
fn a4_nothing_of_an_event_is_left_in_the_next_one() {
    let setup = Setup::of("clienwork");
    let long = setup
        .admit_text(r#"{"id":"e-1","action":"project.update","before":{"token":"aB3dE5fG7hJ9kL2mN4pQ6"},"targets":[],"metadata":{"a":1}}"#)
        .expect("admitted");
    let short = r#"{"id":"e-2","action":"user.login"}"#;
    let mut draft = EventDraft::parse(short.as_bytes()).expect("accepted");
    let identity = Identity::take(&mut draft, &FINGERPRINT_KEY, || ID.to_owned());
    let context = AdmitContext {
        catalog: &setup.catalog,
        now: now(),
        kept_since: None,
        may_import: false,
        mask_key: &MASK_KEY,
    };
    let mut admitted = long.clone();
    admit(&mut draft, &identity, &context, &keys(3), &mut admitted).expect("admitted");
    assert_eq!(admitted, setup.admit_text(short).expect("admitted"));

    let ahead = r#"{"id":"e-3","action":"user.login","occurred_at":"2999-01-01T00:00:00Z"}"#;
    let mut draft = EventDraft::parse(ahead.as_bytes()).expect("accepted");
    let mut kept = long.clone();
    assert!(admit(&mut draft, &identity, &context, &keys(3), &mut kept).is_err());
    assert_eq!(kept, long);
}
