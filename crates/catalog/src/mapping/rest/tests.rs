//! Leftovers, and the limits that every event keeps.

use proofbook_event::EventDraft;

use crate::mapping::Mapping;

use super::*;

fn mapping(rest: &str) -> Mapping {
    let text = format!(
        "name = \"t\"\n[event]\nid = \"/id\"\naction = \"/a\"\noccurred_at = {{ from = \"/t\", time = \"unix_s\" }}\n\
         after = \"/after\"\n[event.actor]\nname = \"/who/name\"\nroles = \"/roles\"\n\
         [[event.targets]]\neach = \"/targets\"\nid = \"/id\"\nname = \"/name\"\n\
         [event.context]\nuser_agent = \"/ua\"\n{rest}"
    );
    Mapping::parse(&text).unwrap()
}

fn map(rest: &str, record: &str) -> Value<'static> {
    let mapping = mapping(rest);
    let record = mapping.records(record.as_bytes()).next().unwrap().unwrap();
    let event = mapping.map(&record).unwrap();
    // The contract's own reader is the oracle for every limit.
    EventDraft::parse(event.to_string().as_bytes()).unwrap();
    event
}

fn metadata(rest: &str, record: &str) -> String {
    map(rest, record).get("metadata").map(Value::to_string).unwrap_or_default()
}

const RECORD: &str = r#"{"id":"1","a":"x.y","t":0,"who":{"name":"Ada","dept":"ops","boss":null},
    "none":null,"empty":{},"meta":{"plan":"pro","a":"taken"},"targets":[{"id":"p"},{"id":"q","x":1}]}"#;

#[test]
fn what_was_copied_is_not_repeated_and_the_rest_keeps_its_names() {
    assert_eq!(
        metadata("", RECORD),
        r#"{"who":{"dept":"ops"},"empty":{},"meta":{"plan":"pro","a":"taken"},"targets":[{"id":"p"},{"id":"q","x":1}]}"#
    );
    let all_copied = r#"{"id":"1","a":"x.y","t":0,"who":{"name":"Ada"},"targets":[{"id":"p"}]}"#;
    assert_eq!(metadata("", all_copied), "");
}

#[test]
fn the_rest_goes_where_the_mapping_says() {
    let record = r#"{"id":"1","a":"x.y","t":0,"k":1,"noise":2,"meta":{"plan":"pro","k":3}}"#;
    for (rest, expected) in [
        ("rest = \"none\"", ""),
        (
            "[rest]\nto = \"metadata.raw\"",
            r#"{"raw":{"k":1,"noise":2,"meta":{"plan":"pro","k":3}}}"#,
        ),
        ("[rest]\ndrop = \"/noise\"", r#"{"k":1,"meta":{"plan":"pro","k":3}}"#),
        ("[rest]\nlift = \"/meta\"", r#"{"k":1,"noise":2,"plan":"pro","meta":{"k":3}}"#),
        (
            "metadata.k = { const = \"own\" }\n[rest]\ndrop = [\"/noise\", \"/meta\"]",
            r#"{"k":"own","k_":1}"#,
        ),
    ] {
        // `rest` alone on its line belongs before the first table; `metadata` inside [event].
        let text = match rest.strip_prefix("rest = ") {
            Some(word) => format!("[rest]\nto = {word}"),
            None => rest.replace("metadata.k =", "[event.metadata]\nk ="),
        };
        assert_eq!(metadata(&text, record), expected, "{rest}");
    }
}

#[test]
fn a_value_that_was_changed_stays_in_its_own_words() {
    let event = map("", r#"{"id":"not an id!","a":"Do It","t":"0","ua":"x"}"#);
    assert_eq!(event.get("action").and_then(Value::as_str), Some("do_it"));
    let id = event.get("id").and_then(Value::as_str).unwrap();
    assert!(id.starts_with("t:") && id.len() == 34, "{id}");
    assert_eq!(event.get("metadata").unwrap().to_string(), r#"{"id":"not an id!","a":"Do It"}"#);
}

#[test]
fn metadata_keeps_its_limits_of_keys_and_nesting() {
    let many: Vec<String> = (0..100).map(|n| format!("\"k{n}\":{n}")).collect();
    let event = map("", &format!("{{\"id\":\"1\",\"a\":\"x\",\"t\":0,{}}}", many.join(",")));
    let members = event.get("metadata").and_then(Value::as_object).unwrap();
    assert_eq!(members.len(), 64);
    assert_eq!(event.pointer("/metadata/more/k99"), Some(&Value::Int(99)));
    let deep = format!("{}1{}", "{\"d\":".repeat(12), "}".repeat(12));
    let event = map("", &format!("{{\"id\":\"1\",\"a\":\"x\",\"t\":0,\"deep\":{deep}}}"));
    let kept = event.pointer("/metadata/deep/d/d/d/d/d/d/d").and_then(Value::as_str);
    assert_eq!(kept, Some(r#"{"d":{"d":{"d":{"d":{"d":1}}}}}"#));
}

#[test]
fn a_long_text_is_cut_and_kept_whole_in_the_metadata() {
    let long = "ä".repeat(5_000);
    let event = map("", &format!("{{\"id\":\"1\",\"a\":\"x\",\"t\":0,\"ua\":\"{long}\"}}"));
    assert!(event.pointer("/context/user_agent").and_then(Value::as_str).unwrap().ends_with('…'));
    assert_eq!(event.pointer("/metadata/ua").and_then(Value::as_str), Some(long.as_str()));
}

#[test]
fn an_event_over_the_limit_loses_its_largest_values_first() {
    let big = "x".repeat(400_000);
    let event = map(
        "",
        &format!(
            "{{\"id\":\"1\",\"a\":\"x\",\"t\":0,\"big\":\"{big}\",\"small\":\"s\",\"after\":{{\"k\":1}}}}"
        ),
    );
    assert_eq!(event.pointer("/metadata/small").and_then(Value::as_str), Some("s"));
    assert_eq!(event.pointer("/after/k"), Some(&Value::Int(1)));
    assert_eq!(event.pointer("/metadata/big/cut"), Some(&Value::Bool(true)));
    assert_eq!(event.pointer("/metadata/big/bytes"), Some(&Value::Int(400_002)));
    assert_eq!(
        event.pointer("/metadata/big/sha256").and_then(Value::as_str),
        Some(hex_digest(format!("\"{big}\"").as_bytes(), 32).as_str())
    );
}

/// Records made to break a limit in each way there is.
#[test]
fn hostile_records_still_make_events_within_the_limits() {
    let control = "\\u0001".repeat(60_000);
    let text = "\\u0001".repeat(3_000);
    let targets: Vec<String> =
        (0..40).map(|n| format!("{{\"id\":\"{n}{text}\",\"name\":\"{text}\"}}")).collect();
    let targets = targets.join(",");
    let roles = vec![format!("\"{text}\""); 70].join(",");
    let keys: Vec<String> = (0..80_000).map(|n| format!("\"key number {n}\":{n}")).collect();
    for body in [
        format!("\"x\":\"{control}\""),
        format!("\"after\":\"{control}\",\"x\":\"{control}\""),
        format!("\"targets\":[{targets}]"),
        format!("\"roles\":[{roles}],\"ua\":\"{text}\",\"who\":{{\"name\":\"{text}\"}}"),
        format!("\"targets\":[{targets}],\"roles\":[{roles}],\"ua\":\"{text}\""),
        keys.join(","),
        format!("\"after\":{{{}}}", keys.join(",")),
        format!("\"{}\":1", "k".repeat(1_000_000)),
        format!("\"meta\":{{{}}}", keys.join(",")),
        format!("\"x\":{}1{}", "[".repeat(50_000), "]".repeat(50_000)),
        format!("\"after\":{}1{}", "[".repeat(50_000), "]".repeat(50_000)),
    ] {
        map("[rest]\nlift = \"/meta\"", &format!("{{\"id\":\"1\",\"a\":\"x\",\"t\":0,{body}}}"));
    }
}
