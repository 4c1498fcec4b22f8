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
