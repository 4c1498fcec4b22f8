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

#[test]
fn a_byte_that_is_escaped_is_found_wherever_it_stands() {
    for length in 1..20 {
        for at in 0..length {
            for byte in 0..0x80 {
                let mut text = vec![b'~'; length];
                text[at] = byte;
                let escaped = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(needs_escape(&text), escaped, "{byte:#x} at {at} of {length}");
            }
        }
        // Above ASCII nothing is escaped, whatever its last seven bits are.
        assert!(!needs_escape("é\u{20a2}\u{1f622}".repeat(length).as_bytes()));
    }
    assert!(!needs_escape(b""));
}

#[test]
fn keys_come_in_the_order_of_their_code_units_however_many_there_are() {
    let words =
        ["", "a", "ab", "abcdefgh", "abcdefghi", "abcdefghj", "b", "é", "\u{ff61}", "\u{1f600}"];
    let mut dice = 7_u64;
    for count in [1, 2, 5, 31, 32, 33, 70] {
        for ascii in [true, false] {
            let mut keys = std::collections::BTreeSet::new();
            while keys.len() < count {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let word = words[(dice >> 33) as usize % if ascii { 7 } else { words.len() }];
                keys.insert(format!("{word}{}", (dice >> 40) % 90));
            }
            let mut keys: Vec<String> = keys.into_iter().collect();
            let members = keys.iter().rev().map(|key| (key.as_str().into(), Value::Int(1)));
            let sorted = to_bytes(&Value::Object(members.collect()));
            keys.sort_by_key(|key| key.encode_utf16().collect::<Vec<u16>>());
            let expected: Vec<String> = keys.iter().map(|key| format!("\"{key}\":1")).collect();
            assert_eq!(sorted, format!("{{{}}}", expected.join(",")).as_bytes());
        }
    }
}
