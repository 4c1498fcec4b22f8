//! What is settled before parsing; that no verdict contradicts the match is checked beside `eval`.

use super::*;
use crate::ast::Filter;
use crate::sample::{Sample, context};

fn check(text: &str, verdict: Verdict) {
    let sample = Sample::project_update();
    let filter = Filter::parse(text).expect(text).resolve(&context());
    assert_eq!(filter.judge(&sample.clear, &sample.bytes()), verdict, "{text}");
}

#[test]
fn clear_fields_and_absent_words_settle_without_parsing() {
    check("", Verdict::Yes);
    check("action:project.* occurred:2026-11 outcome:success seq:7", Verdict::Yes);
    check("-action:project.*", Verdict::No);
    check("outcome:failure website", Verdict::No);
    check("zebra", Verdict::No);
    check("-zebra", Verdict::Yes);
    check("zebra OR seq:7", Verdict::Yes);
    check("website", Verdict::Unknown);
    check("update", Verdict::Yes);
    check("id:0193-aB", Verdict::Yes);
    check("id:other", Verdict::No);
    check("-website", Verdict::Unknown);
    check("changed:/plan", Verdict::Unknown);
}

#[test]
fn absent_groups_settle_their_fields() {
    let bare = Sample::new("ping");
    for text in
        ["actor:ada", "target.type:x", "changed:/plan", "ip:10.0.0.0/8", "meta.a:1", "verb:read"]
    {
        let filter = Filter::parse(text).expect(text).resolve(&context());
        assert_eq!(filter.judge(&bare.clear, &bare.bytes()), Verdict::No, "{text}");
    }
}
