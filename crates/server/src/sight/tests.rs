use jiff::tz::TimeZone;
use proofbook_catalog::{Catalog, Preset};
use proofbook_event::{Timestamp, Value};
use proofbook_filter::{Field, Filter, ResolveContext};

use super::{PARTS, Sight, is_column};
use crate::viewer::{Viewer, Warrant};

fn viewer(role: &str, filter: &str, columns: &[&str]) -> Viewer {
    Viewer {
        workspace: "acme".to_owned(),
        id: "u_1".to_owned(),
        name: "Ada".to_owned(),
        email: None,
        role: role.to_owned(),
        filter: filter.to_owned(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        origins: Vec::new(),
        manage: false,
        warrant: Warrant::Demo,
        expires_at: 0,
    }
}

fn sight(viewer: &Viewer) -> Sight {
    let catalog = Catalog::embedded("clienwork").expect("it is embedded");
    sight_with(viewer, &catalog)
}

fn sight_with(viewer: &Viewer, catalog: &Catalog) -> Sight {
    let context = ResolveContext { now: Timestamp::from_micros(0), zone: TimeZone::UTC };
    Sight::of(viewer, catalog, &context).expect("it can be read")
}

const EVENT: &str = r#"{"id":"e","seq":1,"outcome":{"result":"success"},"description":"d","reason":"r",
"actor":{"id":"a"},"via":{"channel":"ui"},"targets":[{"id":"t"}],"changes":[],"before":{},"after":{},
"context":{"ip":"203.0.113.9","country":"DE"},"metadata":{"k":1},"source":{"name":"s"},"leaf":"l"}"#;

fn stripped(columns: &[&str]) -> Vec<String> {
    let mut event = Value::parse(EVENT.as_bytes()).expect("JSON");
    sight(&viewer("owner", "", columns)).strip(&mut event);
    let mut shown: Vec<String> = Vec::new();
    for (key, value) in event.as_object().expect("an object") {
        match value.as_object().filter(|_| key == "context") {
            Some(context) => shown.extend(context.iter().map(|(key, _)| key.to_string())),
            None => shown.push(key.to_string()),
        }
    }
    shown
}

#[test]
fn only_the_parts_that_a_column_needs_are_shown() {
    let clear = ["id", "seq", "outcome"];
    let shown = |parts: &[&str]| {
        let all: Vec<String> =
            clear.iter().chain(parts).chain(&["leaf"]).map(|part| (*part).to_owned()).collect();
        all
    };
    assert_eq!(stripped(&["occurred_at"]), shown(&[]));
    assert_eq!(stripped(&["actor.email"]), shown(&["actor", "via"]));
    assert_eq!(stripped(&["context.ip"]), shown(&["ip"]));
    assert_eq!(stripped(&["context.country"]), shown(&["country"]));
    assert_eq!(stripped(&["description"]), shown(&["description", "reason"]));
    assert_eq!(stripped(&["performed_by"]), shown(&["actor", "via", "ip"]));
    assert_eq!(stripped(&["see_changes"]), shown(&["changes", "before", "after"]));
    assert_eq!(stripped(&["what_changed", "meta.plan"]), shown(&["targets", "metadata", "source"]));
    assert_eq!(stripped(&[]).len(), 16);
}

#[test]
fn a_filter_cannot_ask_for_what_is_hidden() {
    let sight = sight(&viewer("owner", "", &["occurred_at", "context.ip"]));
    let asks = |text: &str| sight.check_filter(&Filter::parse(text).expect("it parses"));
    for text in ["ip:10.0.0.0/8", "action:x.y -outcome:denied", "(verb:create OR seq:>3) id:e", ""]
    {
        assert!(asks(text).is_ok(), "{text}");
    }
    for text in [
        "actor:ada",
        "ip:10.* -actor.email:a",
        "(ip:1.2.3.4 OR NOT before:x)",
        "meta.a:1",
        "word",
        "-\"a phrase\"",
    ] {
        assert!(asks(text).is_err(), "{text}");
    }
    assert!(sight.check_field("field", &Field::Ip, 0).is_ok());
    assert!(sight.check_field("field", &Field::Country, 0).is_err());
}

#[test]
fn hidden_parts_have_no_column_in_exports() {
    let sight = sight(&viewer("owner", "", &["actor"]));
    let shown: Vec<&&str> =
        crate::export::COLUMNS.iter().filter(|column| sight.shows_column(column)).collect();
    for column in ["seq", "title", "outcome_reason", "actor_email", "actor", "leaf"] {
        assert!(shown.contains(&&column), "{column}");
    }
    for column in ["ip", "targets", "changes", "before", "metadata", "description", "user_agent"] {
        assert!(!shown.contains(&&column), "{column}");
    }
}

#[test]
fn an_action_for_other_roles_is_left_out() {
    let text = "name = \"t\"\n[access]\nview = [\"owner\", \"admin\"]\n[[modules]]\nid = \"m\"\ntitle = \"M\"\n\
                [[actions]]\nname = \"pay.roll\"\ntitle = \"P\"\nmodule = \"m\"\nverb = \"read\"\nview = [\"owner\"]\n";
    let catalog = Catalog::new(Preset::parse(text).expect("it is right"), 1);
    assert!(sight_with(&viewer("owner", "", &[]), &catalog).is_everything());
    let narrowed = sight_with(&viewer("admin", "", &[]), &catalog);
    assert!(!narrowed.is_everything());
    // Two sights with different filters never share a cursor.
    assert_ne!(narrowed.hash(), sight_with(&viewer("admin", "verb:read", &[]), &catalog).hash());
}

#[test]
fn every_column_of_every_preset_can_be_named_in_a_token() {
    for (name, _) in proofbook_catalog::embedded::PRESETS {
        let catalog = Catalog::embedded(name).expect("it is embedded");
        for column in &catalog.preset().viewer.columns {
            assert!(is_column(&column.field), "{name}: {}", column.field);
        }
    }
    assert!(!is_column("password") && !is_column("actor_email"));
    assert_eq!(PARTS.len(), 7);
}
