//! A6: each field and operator on one event whose values are written in `sample.rs`.

use super::*;
use crate::ast::Filter;
use crate::sample::{Sample, context};
use crate::verdict::Verdict;
use proofbook_event::Outcome;

/// Checks one filter on one event, with all groups and with just those the filter says it needs.
fn check_on(sample: &Sample, text: &str, passes: bool) {
    let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let resolved = filter.resolve(&context());
    assert_eq!(resolved.matches(&sample.event()), passes, "{text}");
    let needed = resolved.groups_needed(sample.clear.action.is_some());
    let mut bytes = sample.bytes();
    Group::ALL
        .into_iter()
        .filter(|group| !needed.contains(*group))
        .for_each(|group| bytes.set(group, None));
    let partial = Event::from_groups(sample.clear.clone(), &bytes).expect("canonical bytes parse");
    assert_eq!(resolved.matches(&partial), passes, "{text} with {needed:?}");
    match resolved.judge(&sample.clear, &sample.bytes()) {
        Verdict::Unknown => {}
        verdict => assert_eq!(verdict == Verdict::Yes, passes, "{text} judged before parsing"),
    }
}

fn check(text: &str, passes: bool) {
    check_on(&Sample::project_update(), text, passes);
}

#[test]
fn every_filter_of_a_row_passes() {
    for text in [
        "",
        "action:project.update action:x",
        "action:PROJECT.*",
        "action:*.update -action:member.*",
        "module:projects module:x",
        "module:\"projects & MORE\"",
        "verb:update severity:warning outcome:success",
        "severity:>=notice severity:<critical severity:>info severity:<=warning",
        "actor:ada@ACME.example",
        "actor:u_7",
        "actor:U_7",
        "actor:\"ada park\"",
        "actor.id:u_7 actor.name:Ada* actor.email:ada@* actor.type:user",
        "on_behalf_of:zoe* on_behalf_of:*",
        "target:42",
        "target:website",
        "target:project/42 target:PROJECT/*",
        "target:*/42",
        "target.type:project target.id:42 target.name:web*",
        "target.type:folder target.name:strasse",
        "target.type:project target.type:folder target.id:7",
        "ip:10.1.2.3",
        "ip:10.0.0.0/8 country:de",
        "ip:10.1.*",
        "ip:::ffff:10.1.2.3",
        "-ip:192.168.0.0/16 -ip:2001:db8::/32",
        "changed:*",
        "changed:/plan",
        "changed:plan",
        "changed:/limits changed:/x",
        "changed:limits/seats",
        "changed:seats",
        "changed:/lim*",
        "changed:/*/seats",
        "before:free after:PRO",
        "changed:/plan before:free after:pro",
        "changed:/limits/seats before:5 after:>12 after:<=12.5",
        "before:5.0",
        "after:12..13",
        "after:12.*",
        "before:false after:null",
        "after:red",
        "after:(x OR blue)",
        "changed:/tags -before:red",
        "changed:/active after:*",
        "meta.plan:pro meta.count:3 meta.count:>2.5 meta.count:1..3 meta.flag:true meta.none:null",
        "meta.a.b.c:deep meta.x.y:dotted meta.tags:one meta.tags:2 meta.items.sku:b2",
        "meta.plan:* meta.none:* meta.a:* meta.empty:* meta.empty:\"\" -meta.absent:*",
        "meta.until:2026-11 OR meta.until:2026-11-22",
        "meta.until:>=2026-11 meta.until:<=2026-11 meta.until:2026-10..2026-11",
        "occurred:2026-11-20 occurred:*",
        "occurred:2026-11",
        "occurred:>=2026-11-20T13:00 occurred:<2026-11-20T13:01",
        "occurred:2026-11-20T12:00:00Z",
        "occurred:..2026-11-20 occurred:2026-11-20..",
        "occurred:>now-3d occurred:<=now recorded:yesterday..today OR recorded:2026",
        "seq:7 seq:>=7 seq:<8 seq:1..7 seq:*",
        "id:0193-aB",
        "id:0193-*",
        "request:Req-1 session:s1",
        "source:Billing via:ui via:x",
        "via:firefox",
        "renamed",
        "cafe",
        "“website”",
        "\"park renamed\"",
        "ada website",
        "pro*update",
        "0193-AB",
        "strasse",
        "-zebra",
        "NOT (zebra OR lion)",
        "zebra OR website",
        "dotted deep",
    ] {
        check(text, true);
    }
}

#[test]
fn no_filter_of_a_row_passes() {
    for text in [
        "action:project",
        "-action:project.update",
        "module:project",
        "verb:create",
        "severity:>warning",
        "severity:<info",
        "outcome:failure",
        "actor:ada",
        "actor:\"zoë lang\"",
        "actor.id:U_7",
        "actor.email:ada",
        "-actor:*",
        "on_behalf_of:ada*",
        "target:project",
        "target:project/7",
        "target:folder/42",
        "target.type:project target.id:7",
        "target.type:project target.name:straße",
        "target.id:42 AND target.id:43",
        "ip:11.0.0.0/8",
        "ip:2001:db8::/32",
        "country:fr",
        "changed:/pla",
        "changed:/PLANS",
        "changed:an",
        "changed:/seats",
        "changed:/limits/seats/x",
        "changed:/plan before:5",
        "before:free after:null",
        "before:>5",
        "before:<5",
        "after:pr",
        "-changed:*",
        "changed:/tags before:*",
        "meta.plan:free",
        "meta.PLAN:pro",
        "meta.count:>3",
        "meta.count:4..9",
        "meta.a:deep",
        "meta.absent:*",
        "meta.until:>2026-11",
        "meta.until:<2026-11",
        "-meta.none:*",
        "occurred:2026-11-19",
        "occurred:<2026-11-20T13:00",
        "occurred:>2026-11-20",
        "occurred:<2026-11-20",
        "occurred:>2026-11-20T12:00:00Z",
        "occurred:now-1d..",
        "seq:>7",
        "seq:8..9",
        "id:0193-ab",
        "request:req-1",
        "source:bill",
        "via:api",
        "zebra",
        "user_agent",
        "\"renamed park\"",
        "website zebra",
        "(website zebra) OR lion",
        "881",
    ] {
        check(text, false);
    }
}

#[test]
fn what_an_event_lacks_is_absent() {
    let bare = Sample::new("ping");
    for (_, field) in crate::field::NAMES {
        let always = matches!(
            field,
            Field::Action | Field::Outcome | Field::Occurred | Field::Recorded | Field::Seq
        );
        check_on(&bare, &format!("{field}:*"), always);
        check_on(&bare, &format!("-{field}:*"), !always);
    }
    check_on(&bare, "meta.a:*", false);
    check_on(&bare, "ping", true);
    check_on(&bare, "pong", false);
}

#[test]
fn a_nameless_system_is_found_by_the_label_it_is_shown_with() {
    let system = Sample::new("job.run").with(Group::Actor, r#"{"actor":{"type":"system"}}"#);
    check_on(&system, "actor:system actor.type:system actor:*", true);
    check_on(&system, "-actor.name:*", true);
    let named =
        Sample::new("job.run").with(Group::Actor, r#"{"actor":{"type":"system","name":"Cron"}}"#);
    check_on(&named, "actor:cron", true);
    check_on(&named, "actor:system", false);
}

#[test]
fn an_action_outside_the_catalog_is_found_by_its_name() {
    let mut hidden = Sample::new("x").with(Group::Description, r#"{"action":"odd.thing"}"#);
    hidden.clear.action = None;
    check_on(&hidden, "action:odd.*", true);
    check_on(&hidden, "action:other", false);
    check_on(&hidden, "thing", true);
}

#[test]
fn an_end_date_takes_its_day_in_the_readers_zone() {
    // 23:30 in Berlin is still the 20th; 00:30 is the 21st.
    let late = Sample::new("a").occurred("2026-11-20T22:30:00Z");
    let next = Sample::new("a").occurred("2026-11-20T23:30:00Z");
    for text in ["occurred:<=2026-11-20", "occurred:2026-11-01..2026-11-20", "occurred:2026-11-20"]
    {
        check_on(&late, text, true);
        check_on(&next, text, false);
    }
    check_on(&late, "occurred:>2026-11-20", false);
    check_on(&next, "occurred:>2026-11-20", true);
}

#[test]
fn outcomes_are_words_of_the_leaf() {
    let denied = Sample::new("a").outcome(Outcome::Denied);
    check_on(&denied, "outcome:denied outcome:failure", true);
    check_on(&denied, "outcome:d*", true);
    check_on(&denied, "-outcome:success", true);
    // The outcome's word is no text of the event.
    check_on(&denied, "denied", false);
}

#[test]
fn a_host_name_where_an_address_belongs_is_compared_as_text() {
    let aws = Sample::new("a").with(Group::Context, r#"{"ip":"sts.amazonaws.com"}"#);
    check_on(&aws, "ip:STS.amazonaws.com", true);
    check_on(&aws, "ip:*.amazonaws.com", true);
    check_on(&aws, "ip:0.0.0.0/0", false);
}

#[test]
fn words_need_every_group_and_clear_fields_none() {
    let groups = |text: &str, action_is_clear: bool| -> Vec<Group> {
        let filter = Filter::parse(text).expect(text).resolve(&context());
        filter.groups_needed(action_is_clear).iter().collect()
    };
    assert_eq!(groups("", true), []);
    assert_eq!(groups("word", true), Group::ALL);
    assert_eq!(groups("action:a occurred:2026 seq:1 outcome:success", true), []);
    assert_eq!(groups("action:a", false), [Group::Description]);
    assert_eq!(groups("actor:a -target:b", true), [Group::Actor, Group::Targets]);
}
