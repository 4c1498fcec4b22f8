//! What the strict reader refuses and this one keeps.

use super::*;

#[test]
fn what_ingest_refuses_is_kept_in_other_words() {
    for (text, expected) in [
        ("9007199254740991", "9007199254740991"),
        ("9007199254740993", "\"9007199254740993\""),
        ("-12345678901234567890", "\"-12345678901234567890\""),
        ("1e400", "\"1e400\""),
        ("1.0", "1"),
        ("1.5e2", "150"),
        ("-0.25", "-0.25"),
        ("[NaN, Infinity]", r#"["NaN","Infinity"]"#),
        (r#"{"a":1,"a":2,"a":3}"#, r##"{"a#1":1,"a#2":2,"a":3}"##),
        (r##"{"a#1":0,"a":1,"a":2}"##, r##"{"a#1":0,"a#2":1,"a":2}"##),
        (r#""\ud800""#, "\"\u{fffd}\""),
        (r#""\ud83d\ude00\u00e4\n\/""#, "\"😀ä\\n/\""),
        (r#""\u00zz""#, "\"\u{fffd}00zz\""),
        (r#""a\u0000b""#, "\"a\u{fffd}b\""),
        ("\"a\tb\"", "\"a\\tb\""),
        ("[1,2,]", "[1,2]"),
        ("{\"a\":null,}", "{\"a\":null}"),
    ] {
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), expected, "{text}");
    }
    assert_eq!(parse(b"\"\xff\"").unwrap().as_str(), Some("\u{fffd}"));
}

#[test]
fn good_json_reads_as_the_strict_reader_reads_it() {
    let text = r#"{"a":[1,-2.5,true,null,"\"\\ä"],"b":{"c":{}},"":"\u00e9"}"#;
    assert_eq!(parse(text.as_bytes()).unwrap(), Value::parse(text.as_bytes()).unwrap());
}

#[test]
fn deep_nesting_keeps_its_text() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let value = parse(deep.as_bytes()).unwrap();
    assert_eq!(value.depth(), limits::JSON_DEPTH_MAX);
    let mut inner = &value;
    while let Some(items) = inner.as_array() {
        inner = &items[0];
    }
    assert_eq!(inner.as_str().unwrap(), &deep[32..deep.len() - 32]);
}

#[test]
fn text_that_is_no_json_names_its_place() {
    for (text, offset) in [
        ("", 0),
        ("{\"a\":}", 5),
        ("{\"a\" 1}", 5),
        ("{a:1}", 1),
        ("[1 2]", 3),
        ("\"abc", 0),
        ("\"abc\\", 0),
        ("tru", 0),
        ("1 2", 2),
        ("{\"a\":1", 6),
    ] {
        assert_eq!(parse(text.as_bytes()).unwrap_err().offset, offset, "{text}");
    }
}

#[test]
fn very_many_duplicates_cost_linear_time() {
    let text = format!("{{{}\"b\":1}}", "\"a\":1,".repeat(200_000));
    assert_eq!(parse(text.as_bytes()).unwrap().as_object().unwrap().len(), 200_001);
}
