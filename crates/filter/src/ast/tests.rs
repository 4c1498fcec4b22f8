//! Trees: the constructors' shapes, joining of filters, and which filters name the product's own log.

use super::*;

fn parse(text: &str) -> Filter {
    Filter::parse(text).expect(text)
}

#[test]
fn joined_filters_keep_their_terms_apart() {
    for (left, right, joined) in [
        ("", "", ""),
        ("a", "", "a"),
        ("", "action:a", "action:a"),
        ("target.type:a", "target.type:b", "(target.type:a) (target.type:b)"),
        (
            "target.id:1 OR target.id:2",
            "target.type:b c",
            "((target.id:1 OR target.id:2)) (target.type:b c)",
        ),
        ("a OR b", "-c", "((a OR b)) -c"),
    ] {
        let both = parse(left).and(parse(right));
        assert_eq!(both.to_string(), joined);
        assert_eq!(parse(joined), both, "{joined}");
    }
}

#[test]
fn the_audit_log_is_named_by_positive_terms_alone() {
    for (text, named) in [
        ("action:audit_log.*", true),
        ("action:audit_log.purged", true),
        ("action:AUDIT_LOG.*", true),
        ("action:(a OR audit_log.erased)", true),
        ("a OR action:audit_log.*", true),
        ("--action:audit_log.*", true),
        ("-(x -action:audit_log.*)", true),
        ("module:audit_log", true),
        ("-action:audit_log.*", false),
        ("-module:audit_log", false),
        ("action:*", false),
        ("action:audit*", false),
        ("action:*log.purged", false),
        ("action:audit_logs.x", false),
        ("audit_log.purged", false),
        ("module:audit*", false),
        ("target.type:audit_log", false),
        ("", false),
    ] {
        assert_eq!(parse(text).names_audit_log(), named, "{text}");
    }
}

#[test]
fn wildcards_side_by_side_are_one() {
    let parts =
        |parts: &[&str]| Glob::from_parts(parts.iter().map(|part| (*part).to_owned()).collect());
    assert_eq!(parts(&["", "", "a", "", ""]), parts(&["", "a", ""]));
    assert!(parts(&["", "", ""]).is_any());
    assert_eq!(parts(&[]).as_literal(), Some(""));
    assert_eq!(parts(&["a"]).as_literal(), Some("a"));
}

#[test]
fn numbers_are_those_of_json() {
    for text in ["0", "-1", "1.5", "2.5e3", "1E-2", "007"] {
        assert!(Number::parse(text).is_some(), "{text}");
    }
    for text in
        ["", "-", "+1", ".5", "1.", "1e", "inf", "NaN", "1e999", "1.2.3", "0x1", "1_000", "１"]
    {
        assert_eq!(Number::parse(text), None, "{text}");
    }
}
