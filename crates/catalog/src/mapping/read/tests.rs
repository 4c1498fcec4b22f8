//! Mistakes in mapping files are named by line and nearest word; every construct works as told.

use std::path::Path;

use proofbook_event::{EventDraft, Value};

use super::expressions::{CONDITION, EXPRESSION};
use super::*;
use crate::mapping::text::STEP_WORDS;
use crate::mapping::times::TIME_WORDS;

fn mapping_of(event: &str) -> String {
    format!("name = \"t\"\n[event]\naction = \"/a\"\noccurred_at = \"/t\"\n{event}")
}

/// Maps a record `{"a": "x.y", "t": …, …body}` by an `[event]` table.
fn map(event: &str, body: &str) -> Value<'static> {
    let mapping = Mapping::parse(&mapping_of(event)).unwrap();
    let text = format!("{{\"a\":\"x.y\",\"t\":\"2026-11-22T09:30:00Z\",{body}}}");
    let record = mapping.records(text.as_bytes()).next().unwrap().unwrap();
    let event = mapping.map(&record).unwrap();
    EventDraft::from_value(event.clone()).unwrap();
    event
}

fn at(event: &Value<'_>, pointer: &str) -> String {
    event.pointer(pointer).map(ToString::to_string).unwrap_or_default()
}

#[test]
fn mistakes_are_named_by_line_and_nearest_word() {
    for (event, line, suggestion, message) in [
        ("occured_at = \"/t\"", 5, Some("occurred_at"), "a field of an event"),
        ("\n[event.actor]\nnmae = \"/n\"", 7, Some("name"), "a field of `actor`"),
        ("[event.actor]\ntype = \"usr\"", 6, Some("user"), "one of user, system"),
        ("severity = { from = \"/s\", map = { x = \"warn\" } }", 5, Some("warning"), "one of info"),
        (
            "outcome = [{ from = \"/o\", map = { a = \"success\" } }, \"failed\"]",
            5,
            Some("failure"),
            "one of succ",
        ),
        ("[event.via]\nchannel = \"web\"", 6, None, "one of ui"),
        ("id = { form = \"/i\" }", 5, Some("from"), "a key of an expression"),
        ("id = { from = \"/i\", do = [\"lowr\"] }", 5, Some("lower"), "not a step"),
        ("id = { from = \"/i\", do = [\"strip_suffix\"] }", 5, None, "needs a text behind a colon"),
        ("id = { from = \"/i\", time = \"unix-ms\" }", 5, Some("unix_ms"), "neither a time form"),
        (
            "id = { from = \"/i\", time = \"unix_s\", zone = \"Mars/Base\" }",
            5,
            None,
            "not a time zone",
        ),
        ("id = { from = \"/i\", const = \"x\" }", 5, None, "one of from, const"),
        ("id = { do = [\"lower\"] }", 5, None, "needs one of from, const"),
        ("id = { from = \"/i\", with = \"-\" }", 5, None, "belongs to `join`"),
        ("id = \"x{/a\"", 5, None, "is not closed"),
        ("id = \"x{a}\"", 5, None, "no place in the record"),
        ("id = { from = \"/i\", when = \"i\" }", 5, None, "no place in the record"),
        (
            "id = { from = \"/i\", when = { at = \"/i\", are = \"x\" } }",
            5,
            None,
            "a key of a condition",
        ),
        ("id = { from = \"/i\", when = { is = \"x\" } }", 5, None, "a condition is"),
        ("id = 1.5", 5, None, "a fixed value is"),
        ("id = 99999999999999999", 5, None, "too large"),
        ("[[event.targets]]\neach = \"/t\"", 5, None, "needs `id` or `by_type`"),
        ("[[event.targets]]\nlabel = \"/t\"", 6, None, "a field of `targets`"),
        ("[[event.changes]]\nbefore = \"/t\"", 5, None, "needs `field`"),
        ("[rest]\nto = \"metdata\"", 6, Some("metadata"), "a place for what is left"),
        ("[rest]\nlift = \"/a/b\"", 6, None, "fields of the record itself"),
        ("id = \"/i\"\nid = \"/j\"", 6, None, ""),
        ("id = \"a\\u0000\"", 5, None, "NUL"),
    ] {
        let error = Mapping::parse(&mapping_of(event)).unwrap_err();
        assert_eq!(error.line, line, "{event}: {error}");
        assert_eq!(error.suggestion.as_deref(), suggestion, "{event}: {error}");
        assert!(error.message.contains(message), "{event}: {error}");
    }
}

#[test]
fn a_mapping_needs_a_name_an_action_and_a_time() {
    for (text, message) in [
        ("[event]\naction = \"/a\"\noccurred_at = \"/t\"", "needs `name`"),
        ("name = \"a b\"\n[event]\naction = \"/a\"\noccurred_at = \"/t\"", "needs `name`"),
        ("name = \"t\"", "needs a table `[event]`"),
        ("name = \"t\"\n[event]\naction = \"/a\"", "needs `occurred_at`"),
        ("name = \"t\"\n[event]\noccurred_at = \"/t\"", "needs `action`"),
        ("name = \"t\"\nrecord = \"/a\"", "did you mean `records`"),
        ("name = ", ""),
    ] {
        let error = Mapping::parse(text).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
    assert!(Mapping::parse(&" ".repeat(MAPPING_BYTES_MAX + 1)).is_err());
    assert!(Mapping::parse(&format!("a = {}", "[".repeat(100_000))).is_err());
}

#[test]
fn expressions_yield_what_they_say() {
    for (rule, body, expected) in [
        ("\"/x\"", r#""x":"v""#, "\"v\""),
        ("\"/x\"", r#""x":7"#, "\"7\""),
        ("\"/x\"", r#""x":null"#, ""),
        ("\"/x/0/y\"", r#""x":[{"y":"v"}]"#, "\"v\""),
        ("\"/x~1y\"", r#""x/y":"v""#, "\"v\""),
        ("\"fixed\"", r#""x":1"#, "\"fixed\""),
        ("{ const = \"/x\" }", r#""x":1"#, "\"/x\""),
        ("\"{/x}/{/y}!\"", r#""x":"a","y":2"#, "\"a/2!\""),
        ("\"{/x}/{/y}\"", r#""x":"a""#, ""),
        ("[\"/x\", \"/y\", \"z\"]", r#""x":"","y":"b""#, "\"b\""),
        ("[\"/x\", \"/y\", \"z\"]", r#""x":null"#, "\"z\""),
        ("{ join = [\"/x\", \"/y\"] }", r#""x":"a","y":"b""#, "\"a.b\""),
        ("{ join = [\"/x\", \"/y\"], with = \"-\" }", r#""x":"a""#, ""),
        ("{ join = [\"/x\", { from = \"/y\", optional = true }] }", r#""x":"a""#, "\"a\""),
        ("{ from = \"/x\", do = [\"trim\", \"lower\"] }", r#""x":" A ""#, "\"a\""),
        (
            "{ from = \"/x\", map = { a = \"1\", \"a*\" = \"2\", \"*\" = \"3\" } }",
            r#""x":"a""#,
            "\"1\"",
        ),
        (
            "{ from = \"/x\", map = { a = \"1\", \"a*\" = \"2\", \"*\" = \"3\" } }",
            r#""x":"ab""#,
            "\"2\"",
        ),
        (
            "{ from = \"/x\", map = { a = \"1\", \"a*\" = \"2\", \"*\" = \"3\" } }",
            r#""x":"b""#,
            "\"3\"",
        ),
        ("{ from = \"/x\", map = { true = \"yes\" }, default = \"no\" }", r#""x":true"#, "\"yes\""),
        ("{ from = \"/x\", map = { true = \"yes\" }, default = \"no\" }", r#""x":false"#, "\"no\""),
        ("{ from = \"/x\", when = \"/y\" }", r#""x":"v""#, ""),
        ("{ from = \"/x\", when = \"/y\", default = \"d\" }", r#""x":"v""#, ""),
        ("{ from = \"/x\", when = { not = \"/y\" } }", r#""x":"v""#, "\"v\""),
        (
            "{ from = \"/x\", when = { at = \"/y\", is = [\"a*\", \"b\"] } }",
            r#""x":"v","y":"az""#,
            "\"v\"",
        ),
        (
            "{ from = \"/x\", when = { at = \"/y\", is = \"b\" } }",
            r#""x":"v","y":["a","b"]"#,
            "\"v\"",
        ),
        ("{ from = \"/x\", when = { at = \"/y\", is_not = \"b\" } }", r#""x":"v","y":"b""#, ""),
        ("{ from = \"/x\", when = { all = [\"/x\", \"/y\"] } }", r#""x":"v","y":{}"#, ""),
        ("{ from = \"/x\", when = { any = [\"/x\", \"/y\"] } }", r#""x":"v""#, "\"v\""),
        ("{ from = \"/x\", time = \"unix_s\" }", r#""x":0"#, "\"1970-01-01T00:00:00.000000Z\""),
    ] {
        let event = map(&format!("reason = {rule}"), body);
        assert_eq!(at(&event, "/reason"), expected, "{rule} on {body}");
    }
}

#[test]
fn sides_and_metadata_take_any_value() {
    let event = map(
        "before = \"/old\"\nafter.members = { name = \"/n\", deep = \"/d\", none = \"/no\" }\n\
         metadata.kind = { const = 7 }\nmetadata.list = \"/l\"",
        r#""old":[1],"n":"x","d":{"k":true},"l":[1,2]"#,
    );
    assert_eq!(at(&event, "/before"), "[1]");
    assert_eq!(at(&event, "/after"), r#"{"name":"x","deep":{"k":true}}"#);
    assert_eq!(at(&event, "/metadata"), r#"{"kind":7,"list":[1,2]}"#);
}

#[test]
fn lists_become_targets_and_changes() {
    let event = map(
        "[[event.targets]]\neach = \"/things\"\nwhen = { at = \"/kind\", is_not = \"noise\" }\n\
         type = \"/kind\"\nid = \"/id\"\nname = \"{/id} of {$/owner}\"\n\
         [[event.targets]]\nby_type = { host = [\"/host\", \"/hosts\"] }\n\
         [[event.targets]]\nfallback = true\nid = \"/owner\"\n\
         [[event.changes]]\neach = \"/changed\"\nfield = \"/name\"\nbefore = \"/from\"\nafter = \"/to\"",
        r#""things":[{"kind":"a","id":1},{"kind":"noise","id":2},{"kind":"a","id":1},{"kind":"a"}],
           "owner":"Ada","hosts":["h1","h2"],
           "changed":[{"name":"a/b","from":1,"to":2},{"name":"c","to":null},{"name":"d","to":[]},{"name":"e","from":"x"}]"#,
    );
    assert_eq!(
        at(&event, "/targets"),
        r#"[{"type":"a","id":"1","name":"1 of Ada"},{"type":"host","id":"h1"},{"type":"host","id":"h2"}]"#
    );
    assert_eq!(
        at(&event, "/changes"),
        r#"[{"path":"/a~1b","before":1,"after":2,"kind":"update"},{"path":"/d","after":[],"kind":"add"},{"path":"/e","before":"x","kind":"remove"}]"#
    );
}

#[test]
fn every_field_of_the_contract_can_be_mapped() {
    let event = map(
        "id = { hash = [\"/n\", \"/a\"] }\nworkspace = \"/ws\"\nseverity = \"/sev\"\noutcome = \"/out\"\n\
         [event.approval]\nid = \"/ap\"\nat = { from = \"/when\", time = \"unix_ms\" }\nby = { id = \"/boss\" }\n\
         [event.on_behalf_of]\ntype = \"user\"\nid = \"/for\"\n\
         [event.source]\nname = \"/src\"\nseq = \"/n\"",
        r#""n":"12","ws":"acme","sev":"warning","out":"denied","ap":"A-1","when":0,"boss":"b","for":"f","src":"billing""#,
    );
    // printf '["12","x.y"]' | sha256sum
    assert_eq!(at(&event, "/id"), "\"c8c8345c545a63bc88ab2b7632e1caac\"");
    assert_eq!(at(&event, "/severity"), "\"warning\"");
    assert_eq!(at(&event, "/outcome"), r#"{"result":"denied"}"#);
    assert_eq!(
        at(&event, "/approval"),
        r#"{"id":"A-1","at":"1970-01-01T00:00:00.000000Z","by":{"id":"b"}}"#
    );
    assert_eq!(at(&event, "/on_behalf_of"), r#"{"type":"user","id":"f"}"#);
    assert_eq!(at(&event, "/source"), r#"{"name":"billing","seq":12}"#);
    assert_eq!(at(&event, "/workspace"), "", "the importer decides about the workspace");
}

#[test]
fn a_record_without_time_action_or_sound_outcome_is_an_error_at_its_place() {
    let mapping = Mapping::parse(&mapping_of("outcome = \"/o\"")).unwrap();
    for (record, pointer, reason) in [
        (r#"{"t":"2026-11-22T09:30:00Z"}"#, "/a", "no action"),
        (r#"{"a":"…","t":"2026-11-22T09:30:00Z"}"#, "/a", "no action can be made"),
        (r#"{"a":["x"],"t":"2026-11-22T09:30:00Z"}"#, "/a", "not an array"),
        (r#"{"a":"x"}"#, "/t", "no time"),
        (r#"{"a":"x","t":"soon"}"#, "/t", "is not a time"),
        (r#"{"a":"x","t":"2026-11-22T09:30:00Z","o":"meh"}"#, "/o", "none of success"),
    ] {
        let record = mapping.records(record.as_bytes()).next().unwrap().unwrap();
        let error = mapping.map(&record).unwrap_err();
        assert_eq!(error.pointer, pointer);
        assert!(error.reason.contains(reason), "{error}");
    }
}

#[test]
fn words_that_are_not_of_the_contract_stay_in_the_metadata() {
    let event = map(
        "severity = \"/sev\"\n[event.actor]\ntype = \"/kind\"\nid = \"/who\"",
        r#""sev":"loud","kind":"robot","who":"r2""#,
    );
    assert_eq!(at(&event, "/actor"), r#"{"type":"user","id":"r2"}"#);
    assert_eq!(at(&event, "/severity"), "");
    assert_eq!(at(&event, "/metadata"), r#"{"sev":"loud","kind":"robot"}"#);
    assert_eq!(at(&map("", r#""x":1"#), "/actor"), r#"{"type":"anonymous"}"#);
}

/// Maps the record that the guide shows and returns what the guide says of it.
fn guide_example(mapping: &str) -> String {
    let record = br#"{"ticket": 7, "revision": 2, "changed_at": "22.11.2026 10:30:00", "what": "PriorityRaised",
        "state": "ok", "user": {"id": 12, "name": "Ada"}, "fields": [{"label": "priority", "old": "low", "new": "high"}]}"#;
    let mapping = Mapping::parse(mapping).unwrap();
    let event = mapping.map(&mapping.records(record).next().unwrap().unwrap()).unwrap();
    assert_eq!(at(&event, "/id"), "\"ticket-7-2\"");
    // Berlin is an hour ahead of UTC in November.
    assert_eq!(at(&event, "/occurred_at"), "\"2026-11-22T09:30:00.000000Z\"");
    assert_eq!(at(&event, "/outcome"), r#"{"result":"success"}"#);
    let text = |pointer| event.pointer(pointer).and_then(Value::as_str).unwrap_or("");
    format!("{}, {}, {}", text("/action"), text("/actor/name"), text("/changes/0/path"))
}

/// The guide's mappings read, and the guide names every word of the language.
#[test]
fn the_guide_says_what_is_so() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/import.md");
    #[expect(clippy::disallowed_methods, reason = "reads the committed guide")]
    let guide = std::fs::read_to_string(path).unwrap();
    let mut whole = 0;
    for block in guide.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        if block.starts_with("name = ") {
            Mapping::parse(block).unwrap_or_else(|error| panic!("{error} in\n{block}"));
            whole += 1;
            assert_eq!(guide_example(block), "ticket.priority_raised, Ada, /priority");
        }
    }
    assert!(whole >= 1);
    let words = [
        HEADER,
        FIELDS,
        CONDITION,
        EXPRESSION,
        STEP_WORDS,
        TIME_WORDS,
        &["lift", "drop", "by_type", "each", "fallback", "field"],
    ];
    for word in words.into_iter().flatten() {
        assert!(
            guide.contains(&format!("`{word}")) || guide.contains(&format!("{word} =")),
            "{word}"
        );
    }
    for (name, title) in crate::mapping::SHIPPED {
        assert!(guide.contains(&format!("`{name}`")) && guide.contains(title), "{name}");
    }
}
