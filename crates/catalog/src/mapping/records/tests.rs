//! Records in lines, arrays, wrappers and damaged texts.

use super::*;
use crate::mapping::Mapping;

const MAPPING: &str = "name = \"t\"\nrecords = [\"/Records\", \"/data/items\"]\nmerge = \"/event\"\n\
                       [event]\naction = \"/a\"\noccurred_at = \"/t\"\n";

/// Returns each record as JSON, each error as `! offset`.
fn read(text: &[u8]) -> Vec<String> {
    Mapping::parse(MAPPING)
        .unwrap()
        .records(text)
        .map(|record| match record {
            Ok(record) => record.value().to_string(),
            Err(error) => format!("! {}", error.offset),
        })
        .collect()
}

#[test]
fn every_shape_of_a_text_yields_its_records() {
    for text in [
        "{\"a\":1}\n{\"a\":2}\n",
        "\u{feff}{\"a\":1}\r\n\r\n{\"a\":2}",
        "{\"a\":1} {\"a\":2}",
        "[{\"a\":1},{\"a\":2}]",
        "[\n{\"a\":1},\n{\"a\":2}\n]\n",
        "{\"Records\":[{\"a\":1},{\"a\":2}]}",
        "{\"x\":{\"Records\":[0]},\"Records\" : [ {\"a\":1}\n,\n{\"a\":2} ],\"y\":[[\"}\"]]}\n",
        "{\"data\":{\"n\":\"]\",\"items\":[{\"a\":1},{\"a\":2}],\"z\":{}},\"k\":[{}]}",
        "{\n  \"Records\": [\n    {\n      \"a\": 1\n    },\n    {\n      \"a\": 2\n    }\n  ]\n}\n",
        "{\"Records\":[{\"a\":1}]}\n{\"Records\":[{\"a\":2}]}\n",
        "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n",
    ] {
        assert_eq!(read(text.as_bytes()), ["{\"a\":1}", "{\"a\":2}"], "{text}");
    }
    assert!(read(b"").is_empty() && read(b" \n[]\n").is_empty());
}

#[test]
fn an_inner_object_is_merged_up_and_keeps_what_is_taken() {
    let text = br#"{"id":"o","event":{"a":1,"id":"e"}}"#;
    assert_eq!(read(text), [r#"{"id":"o","a":1,"event":{"id":"e"}}"#]);
    assert_eq!(read(br#"{"event":"click"}"#), [r#"{"event":"click"}"#]);
}

#[test]
fn a_damaged_record_costs_only_itself() {
    assert_eq!(read(b"{\"a\":1}\n{\"a\":\n{\"a\":2}\n"), ["{\"a\":1}", "! 8", "{\"a\":2}"]);
    assert_eq!(read(b"{\"a\":\"x\n{\"a\":2}\n"), ["! 5", "{\"a\":2}"]);
    assert_eq!(read(b"what\n{\"a\":2}"), ["! 0", "{\"a\":2}"]);
    assert_eq!(read(b"[{\"a\":1},7,{\"a\":2}]"), ["{\"a\":1}", "! 9", "{\"a\":2}"]);
    assert_eq!(read(b"[{\"a\":1},{a},{\"a\":2}]"), ["{\"a\":1}", "! 10", "{\"a\":2}"]);
    // Cut off in the middle: what is whole is kept, the end is reported.
    assert_eq!(read(b"{\"Records\":[{\"a\":1},{\"a\":2"), ["{\"a\":1}", "! 20"]);
    assert_eq!(read(b"{\"Records\":[{\"a\":1},"), ["{\"a\":1}", "! 20"]);
}

#[test]
fn offsets_count_from_the_beginning_of_the_text() {
    let mapping = Mapping::parse(MAPPING).unwrap();
    let offsets: Vec<usize> =
        mapping.records(b"{\"a\":1}\n {\"a\":2}").map(|record| record.unwrap().offset()).collect();
    assert_eq!(offsets, [0, 9]);
}

#[test]
fn a_record_over_the_limit_is_an_error() {
    let text = format!("{{\"a\":\"{}\"}}\n{{\"a\":2}}", "x".repeat(RECORD_BYTES_MAX));
    assert_eq!(read(text.as_bytes()), ["! 0", "{\"a\":2}"]);
}

#[test]
fn texts_made_of_beginnings_end_soon() {
    for part in ["[{", "{\"", "[", "{\"Records\":[", "[{\n", "[[{\"\n"] {
        let text = part.repeat(100_000);
        assert!(read(text.as_bytes()).iter().all(|line| line.starts_with('!')), "{part}");
    }
}
