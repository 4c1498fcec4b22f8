use super::*;

fn check(input: &str, expected: &str) {
    let value = Value::parse(input.as_bytes()).expect(input);
    let bytes = to_bytes(&value);
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
    let again = Value::parse(&bytes).expect("canonical bytes are JSON");
    assert_eq!(to_bytes(&again), bytes, "the canonical form is its own canonical form");
}

/// The examples of RFC 8785 sections 3.2.2 and 3.2.3, less the integers that we refuse.
#[test]
fn the_examples_of_rfc_8785_come_out_as_printed() {
    check(
        r#"{"numbers":[4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
        "{\"literals\":[null,true,false],\"numbers\":[4.5,0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
    );
    check(
        "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\",\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
    );
}

#[test]
fn empty_null_and_absent_stay_distinct() {
    check(r#"{"b":"","a":null,"c":{},"d":[]}"#, r#"{"a":null,"b":"","c":{},"d":[]}"#);
    check("-12.0", "-12");
    check("9007199254740991", "9007199254740991");
}
