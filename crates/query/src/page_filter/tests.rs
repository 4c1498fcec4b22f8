use jiff::tz::TimeZone;
use proofbook_event::Timestamp;
use proofbook_filter::{Expr, Filter, ResolveContext};

use super::*;

fn check(filter: &str, page: &str, expected: bool) {
    let context = ResolveContext { now: Timestamp::MIN, zone: TimeZone::UTC };
    let resolved = Filter::parse(filter).expect("parses").resolve(&context);
    let Expr::Term(predicate) = resolved.expr() else { panic!("one condition") };
    let found = PageFilter::new(predicate).may_be_in(page.as_bytes(), &mut Vec::new());
    assert_eq!(found, expected, "{filter} in {page}");
}

#[test]
fn a_page_without_the_text_is_refused_and_no_other() {
    check("word", r#"{"a":"some WORDS"}"#, true);
    check("word", r#"{"a":"some text"}"#, false);
    check("\"wo*rd\"", r#"{"a":"woord"}"#, false);
    check("é", r#"{"a":"e"}"#, true);
    check("request:abc", r#"{"request_id":"abc"}"#, true);
    check("request:abc", r#"{"request_id":"ABC"}"#, false);
    check("request:(abc OR xyz)", r#"{"request_id":"xyz"}"#, true);
    check("request:(abc OR xyz)", r#"{"request_id":"no"}"#, false);
    check("request:*", r#"{"request_id":"no"}"#, true);
    check("actor:System", r#"{"actor":{"type":"system"}}"#, true);
    check("meta.n:5", r#"{"metadata":{"n":6}}"#, true);
}

#[test]
fn a_border_is_crossed_only_by_what_begins_before_it_and_ends_behind() {
    let context = ResolveContext { now: Timestamp::MIN, zone: TimeZone::UTC };
    let check = |filter: &str, before: &str, behind: &str, expected: bool| {
        let resolved = Filter::parse(filter).expect("parses").resolve(&context);
        let Expr::Term(predicate) = resolved.expr() else { panic!("one condition") };
        let filter = PageFilter::new(predicate);
        let crosses = filter.may_cross(before.as_bytes(), behind.as_bytes());
        assert_eq!(crosses, expected, "{predicate:?} across {before:?} | {behind:?}");
    };
    check("zanzibar", " renamed ", "", false);
    check("zanzibar", "", " renamed ", false);
    check("zanzibar", "", "", true);
    check("zanzibar", "the Zan", "", true);
    check("zanzibar", "", "BAR.", true);
    check("zanzibar", "", "zanz", false);
    check("\"renamed zanzibar\"", " Renamed ", "", true);
    check("\"renamed zanzibar\"", " deleted ", "", false);
    check("\"b c d\"", " c ", "", true);
    check("request:ABC", "a", "", false);
    check("request:ABC", "A", "", true);
}
