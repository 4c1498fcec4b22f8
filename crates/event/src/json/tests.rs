use super::*;

fn check(input: &str, offset: usize, pointer: &str, reason: &str) {
    let error = Value::parse(input.as_bytes()).expect_err(input);
    assert_eq!(
        (error.offset, error.pointer.as_str()),
        (offset, pointer),
        "{input}: {}",
        error.reason
    );
    assert!(error.reason.contains(reason), "{input}: {}", error.reason);
}

#[test]
fn refusals_name_their_place() {
    check(r#"{"a":1,"a":2}"#, 9, "/a", "duplicate key");
    check(r#"{"x":{"y/z":[1,9007199254740992]}}"#, 30, "/x/y~1z/1", "send it as a string");
    check(r#"{"a":"\u0000"}"#, 12, "/a", "NUL");
    check(r#"{"a":"\ud800"}"#, 12, "/a", "surrogate");
    check(r#"{"a":1e999}"#, 9, "/a", "out of range");
    check("{\n \"a\": tru\n}", 12, "/a", "ident");
    check(r#"{"a":1} x"#, 8, "", "trailing");
    check(r#"{"a":NaN}"#, 5, "/a", "value");
}

#[test]
fn thirty_two_levels_are_read_and_thirty_three_refused() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(Value::parse(nested(32).as_bytes()).map(|v| v.depth()), Ok(32));
    let error = Value::parse(nested(33).as_bytes()).expect_err("too deep");
    assert_eq!((error.offset, error.reason.as_str()), (33, TOO_DEEP));
}

#[test]
fn whole_numbers_are_integers_however_written() {
    for (input, expected) in [
        ("1.0", Value::Int(1)),
        ("1e3", Value::Int(1000)),
        ("-0", Value::Int(0)),
        ("-0.0", Value::Int(0)),
        ("0.5", Value::Float(0.5)),
        ("9007199254740991", Value::Int(limits::INTEGER_MAX)),
        ("-9007199254740991", Value::Int(-limits::INTEGER_MAX)),
    ] {
        assert_eq!(Value::parse(input.as_bytes()), Ok(expected), "{input}");
    }
    for input in ["1e20", "-9007199254740992", "18446744073709551616", "9007199254740993.0"] {
        assert!(Value::parse(input.as_bytes()).is_err(), "{input}");
    }
}

/// Found by fuzzing: `1e-30` was read as the double beside the nearest one, so what was sealed was not
/// what had been sent, and canonical bytes read back as other bytes. The oracle is the standard library.
#[test]
fn a_decimal_is_read_as_the_nearest_double() {
    let mut texts: Vec<String> =
        ["1e-30", "0.1", "1.7976931348623157e-300", "5e-324", "2.2250738585072011e-308"]
            .map(str::to_owned)
            .to_vec();
    for digits in 1..400_u64 {
        let mantissa = digits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
        texts.push(format!("{mantissa}.5e-{}", digits % 290 + 20));
        texts.push(format!("0.{mantissa}"));
    }
    for text in texts {
        let expected = text.parse::<f64>().expect("a number");
        assert_eq!(Value::parse(text.as_bytes()), Ok(Value::Float(expected)), "{text}");
    }
}

#[test]
fn duplicates_are_found_in_wide_objects_too() {
    let members: Vec<String> = (0..500).map(|n| format!("\"k{n}\":{n}")).collect();
    let good = format!("{{{}}}", members.join(","));
    assert_eq!(Value::parse(good.as_bytes()).map(|v| v.as_object().map(Vec::len)), Ok(Some(500)));
    let bad = format!("{{{},\"k7\":0}}", members.join(","));
    assert_eq!(Value::parse(bad.as_bytes()).map_err(|e| e.pointer), Err("/k7".to_owned()));
}

#[test]
fn a_pointer_is_found_in_the_text() {
    let text = br#" {"a": [10, {"b/c": "x"}]}"#;
    for (pointer, expected) in [("/a", 7), ("/a/1", 12), ("/a/1/b~1c", 20), ("/missing", 0)] {
        assert_eq!(offset_of(text, pointer), expected, "{pointer}");
    }
}

#[test]
fn pointers_lead_to_values() {
    let value = Value::parse(br#"{"a":[1,{"b/c":"x","m~n":2}]}"#).expect("valid");
    assert_eq!(value.pointer("/a/1/b~1c").and_then(Value::as_str), Some("x"));
    assert_eq!(value.pointer("/a/1/m~0n").and_then(Value::as_int), Some(2));
    assert_eq!(value.pointer("/a/2"), None);
    assert_eq!(value.pointer("a"), None);
}
