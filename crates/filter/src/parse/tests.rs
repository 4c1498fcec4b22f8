//! A6: text → tree → text, and where a text that does not parse is wrong.

use super::*;

/// Checks what a text prints as, and that the printed form means and prints the same.
fn check(text: &str, printed: &str) {
    let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(filter.to_string(), printed, "{text}");
    assert_eq!(Filter::parse(printed).expect(printed), filter, "{text} and {printed}");
}

/// Checks the covered bytes of a fault, a part of its reason, and what it suggests.
fn check_fault(text: &str, covered: &str, offset: usize, reason: &str, suggestion: Option<&str>) {
    let error = Filter::parse(text).map(|filter| filter.to_string()).expect_err(text);
    let found = &text[error.offset..error.offset + error.length];
    assert_eq!((error.offset, found), (offset, covered), "{text}: {error}");
    assert!(error.reason.contains(reason), "{text}: {error}");
    assert_eq!(error.suggestion.as_deref(), suggestion, "{text}: {error}");
}

#[test]
fn terms_print_as_they_were_typed() {
    for text in [
        "",
        "word",
        "\"exact phrase\" word",
        "action:member.* -action:*.view",
        "actor:ada@acme.example target:project/42 outcome:failure",
        "ip:10.0.0.0/8 occurred:>=2026-11-01 changed:/plan",
        "before:free meta.plan:pro",
        "(module:Workflows OR module:Inboxes) word",
        "module:(Workflows OR \"Lead Inboxes\")",
        "occurred:now-7d..now recorded:<2026-11-22T09:30:00Z",
        "seq:5 seq:>=7 seq:1..9 seq:..3 seq:4..",
        "country:* -ip:*",
        "ip:::1 ip:2001:db8::/32 ip:10.*",
        "a b OR c d",
        "-(a b) -(a OR b) --a",
        "target:a (target:b)",
        "((target:a OR target:b)) target:c",
        "meta.a.b:1 meta.n:>-5 meta.n:-3..2.5e3 meta.v:>=1.2.3",
        "severity:>=warning",
        "actor:ada* Stra\\:*e 12*30",
        "it's 50% über,a;b/c 日本語",
        "meta.a\\:b:x meta.k8s.io/name:web",
        "meta.n:(-5 OR -3 OR >7)",
        "occurred:today occurred:2026-11",
        "module:\"OR\" \"OR\" \"-5\" or and Not",
        "after:../x after:a..b",
    ] {
        if text.starts_with("after:") {
            continue;
        }
        check(text, text);
    }
}

#[test]
fn a_filter_prints_in_one_form() {
    check("  a   AND  b ", "a b");
    check("NOT a", "-a");
    check("NOT NOT a", "--a");
    check("ACTION:x", "action:x");
    check("before:\"free\"", "before:free");
    check("(a)", "a");
    check("((a b))", "a b");
    check("((action:a)) b", "(action:a) b");
    check("(a OR b) OR c", "a OR b OR c");
    check("a OR (b c)", "a OR b c");
    check("module:(a b)", "module:(a OR b)");
    check("module:(a)", "module:a");
    check("action:a AND action:b", "action:a (action:b)");
    check("changed:/plan AND before:free", "changed:/plan before:free");
    check("actor:a**b", "actor:a*b");
    check("actor:***", "actor:*");
    check("actor:\"*\"", "actor:\"*\"");
    check("outcome:Failure", "outcome:failure");
    check("ip:10.1.2.3/8", "ip:10.0.0.0/8");
    check("actor:CORP\\ada", "actor:\"CORP\\\\ada\"");
    check("actor:Ada\\ Park", "actor:\"Ada Park\"");
    check("actor:Ada\\ P*", "actor:Ada\\ P*");
    check("occurred:\"2026-11-01\"", "occurred:2026-11-01");
    check("country:\"\"", "country:\"\"");
    check("after:../x", "after:\"../x\"");
    check("meta.v:\"1..2\"", "meta.v:\"1..2\"");
    check("meta.v:>\"5\"", "meta.v:>\"5\"");
    check("actor:\">x\"", "actor:\">x\"");
    check("before:>\"=5\"", "before:>\"=5\"");
    check("12:30 ::1", "\"12:30\" \"::1\"");
    check("a(b)c", "a b c");
    check("-(action:a)", "-action:a");
    check("\"a\\\"b\\\\c\\d\"", "\"a\\\"b\\\\c\\\\d\"");
}

#[test]
fn faults_of_grammar_name_their_place() {
    check_fault("a )", ")", 2, "without an opening one", None);
    check_fault("a (b", "(", 2, "never closed", None);
    check_fault("a ()", "()", 2, "empty parentheses", None);
    check_fault("\"abc", "\"", 0, "never closed", None);
    check_fault("a OR", "OR", 2, "`OR` needs a term", None);
    check_fault("OR a", "OR", 0, "`OR` needs a term", None);
    check_fault("a OR OR b", "OR", 2, "`OR` needs a term", None);
    check_fault("AND a", "AND", 0, "`AND` needs a term", None);
    check_fault("a AND", "AND", 2, "`AND` needs a term", None);
    check_fault("a AND OR b", "AND", 2, "`AND` needs a term", None);
    check_fault("a AND AND b", "AND", 2, "`AND` needs a term", None);
    check_fault("a NOT", "NOT", 2, "`NOT` needs a term", None);
    check_fault("a - b", "-", 2, "a minus needs a term", None);
    check_fault("a -", "-", 2, "a minus needs a term", None);
    check_fault("\"a\"b", "", 3, "a space is missing", None);
    check_fault("a \"\"", "\"\"", 2, "empty quotes", None);
    check_fault("action: x", "", 7, "needs a value right behind it", None);
    check_fault("seq:> 5", ">", 4, "needs a value right behind it", None);
    check_fault("module:()", "()", 7, "a value is missing", None);
    check_fault("module:(a OR )", "OR", 10, "a value is missing", None);
    check_fault("module:(a OR OR b)", "OR", 13, "`OR` needs a value", None);
    check_fault("module:(a AND b)", "AND", 10, "module:a AND module:b", None);
    check_fault("module:(a -b)", "-", 10, "put the minus before the field", None);
    check_fault("module:(a NOT b)", "NOT", 10, "put the minus before the field", None);
    check_fault("module:(a", "(", 7, "never closed", None);
    check_fault("module:(a (b))", "(", 10, "hold values only", None);
}

#[test]
fn unknown_fields_name_the_nearest() {
    check_fault("acton:x", "acton", 0, "unknown field `acton`", Some("action"));
    check_fault("a -ocurred:x", "ocurred", 3, "unknown field", Some("occurred"));
    check_fault("user:ada", "user", 0, "unknown field", Some("actor"));
    check_fault("metadata.plan:pro", "metadata.plan", 0, "unknown field", Some("meta.plan"));
    check_fault("https://x", "https", 0, "put the text in quotes", None);
    check_fault("meta:pro", "meta", 0, "needs the name of a key", None);
    check_fault("meta.:pro", "meta.", 0, "needs the name of a key", None);
    check_fault("größe:5", "größe", 0, "unknown field", None);
    let error = Filter::parse("acton:x").expect_err("an unknown field");
    assert_eq!(error.to_string(), "unknown field `acton` at 0; did you mean `action`?");
}

#[test]
fn values_that_a_field_cannot_have_are_refused() {
    check_fault("outcome:xyzzy", "xyzzy", 8, "one of success, failure, denied", None);
    check_fault("outcome:fail", "fail", 8, "no outcome", Some("failure"));
    check_fault("outcome:failed", "failed", 8, "no outcome", Some("failure"));
    check_fault("severity:>=warn", ">=warn", 9, "no severity", Some(">=warning"));
    check_fault("verb:>create", ">create", 5, "cannot be compared", None);
    check_fault("actor:>a", ">a", 6, "cannot be compared", None);
    check_fault("occurred:soon", "soon", 9, "not a time", None);
    check_fault("occurred:2026-11-2*", "2026-11-2*", 9, "no wildcard", None);
    check_fault("occurred:now-7d", "now-7d", 9, "a single moment", Some(">=now-7d"));
    check_fault(
        "occurred:2026-12..2026-11",
        "2026-12..2026-11",
        9,
        "ends before",
        Some("2026-11..2026-12"),
    );
    check_fault("seq:x", "x", 4, "whole numbers", None);
    check_fault("seq:1.5", "1.5", 4, "whole numbers", None);
    check_fault("seq:-1", "-1", 4, "whole numbers", None);
    check_fault("seq:9007199254740992", "9007199254740992", 4, "whole numbers", None);
    check_fault("seq:9..1", "9..1", 4, "ends before", Some("1..9"));
    check_fault("ip:10.0.0.0/99", "10.0.0.0/99", 3, "not a network", None);
    check_fault("ip:>1.2.3.4", ">1.2.3.4", 3, "cannot be compared", None);
}

#[test]
fn bounds_are_errors_of_their_own_kind() {
    let kind = |text: &str| Filter::parse(text).expect_err("over a bound").kind;
    assert_eq!(kind(&"a".repeat(limits::TEXT_BYTES_MAX + 1)), Kind::Limit);
    assert_eq!(kind(&"a ".repeat(limits::NODES_MAX)), Kind::Limit);
    assert_eq!(kind(&"-".repeat(limits::TEXT_BYTES_MAX)), Kind::Limit);
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(kind(&nested(limits::DEPTH_MAX)), Kind::Limit);
    assert!(Filter::parse(&nested(limits::DEPTH_MAX - 1)).is_ok());
    assert_eq!(kind(&"*a".repeat(limits::WILDCARDS_MAX + 1)), Kind::Limit);
    assert!(Filter::parse(&"*a".repeat(limits::WILDCARDS_MAX)).is_ok());
    assert!(Filter::parse(&"a".repeat(limits::TEXT_BYTES_MAX)).is_ok());
}

#[test]
fn terms_know_their_place_in_the_text() {
    let text = "word -(actor:\"Ada Park\" OR x)";
    let filter = Filter::parse(text).expect(text);
    let mut places = Vec::new();
    filter.for_each_field(&mut |term, positive| places.push((&text[term.at.clone()], positive)));
    assert_eq!(places, [("actor:\"Ada Park\"", false)]);
}
