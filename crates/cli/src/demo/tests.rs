//! The stories against the contract and against `docs/presets.md`, the list of actions (issue A10).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::LazyLock;

use proofbook_event::{EventDraft, Outcome, Timestamp, Value};

use super::*;

mod admitted;

const PRESETS: &str = include_str!("../../../../docs/presets.md");
const DAY: i64 = 86_400_000_000;

/// A Sunday morning, so that weekends and "today" both matter.
fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T09:30:00Z").unwrap()
}

/// The stories, told once for all tests.
fn told() -> &'static [Story] {
    static TOLD: LazyLock<Vec<Story>> = LazyLock::new(|| stories(now()));
    &TOLD
}

/// Action → its Notes cell, for one preset.
fn listed(preset: &str) -> BTreeMap<&'static str, &'static str> {
    let mut listed = BTreeMap::new();
    for section in PRESETS.split("\n## ").skip(1) {
        let heading = section.lines().next().unwrap_or_default();
        if !heading.split(" and ").any(|name| name == preset) {
            continue;
        }
        for row in section.lines().filter(|line| line.starts_with("| `") && line.contains(".")) {
            let cells: Vec<&str> = row.split(" | ").collect();
            if cells.len() == 7 {
                let action = cells[0].trim_start_matches("| ").trim_matches('`');
                listed.insert(action, cells[6].trim_end_matches(" |"));
            }
        }
    }
    listed
}

fn drafts(story: &Story) -> Vec<EventDraft<'_>> {
    story
        .events
        .iter()
        .map(|text| {
            EventDraft::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
        })
        .collect()
}

fn text<'v>(value: Option<&'v Value<'_>>, pointer: &str) -> &'v str {
    value.and_then(|value| value.pointer(pointer)).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn the_oracle_reads_the_whole_list() {
    let counts = ["clickfunnels-workspace", "messagehub", "cloudfon-cx", "freshsales", "clienwork"]
        .map(|preset| listed(preset).len());
    assert_eq!(counts, [18, 21, 71, 71, 9]);
}

#[test]
fn a10_every_action_of_each_preset_occurs_and_no_other() {
    for story in told() {
        let wanted: BTreeSet<String> =
            listed(story.preset).into_keys().map(str::to_owned).collect();
        let told: BTreeSet<String> =
            drafts(story).iter().map(|draft| draft.action.clone().into_owned()).collect();
        let missing: Vec<_> = wanted.difference(&told).collect();
        assert!(missing.is_empty(), "{} lacks {missing:?}", story.workspace);
        // The one action that the catalog does not know is there to show what happens then.
        let unknown: Vec<_> = told.difference(&wanted).map(String::as_str).collect();
        let allowed: &[&str] = if story.preset == "messagehub" { &["webhook.create"] } else { &[] };
        assert_eq!(unknown, allowed, "{}", story.workspace);
    }
}

#[test]
fn a10_two_tellings_at_one_moment_are_the_same_and_ids_never_change() {
    assert_eq!(told(), stories(now()));
    let later = Timestamp::from_micros(now().micros() + 5 * DAY + 3_600_000_000);
    for (first, second) in told().iter().zip(&stories(later)) {
        let ids = |story: &Story| -> BTreeSet<String> {
            drafts(story).iter().map(|draft| draft.id.clone().unwrap().into_owned()).collect()
        };
        let (first_ids, second_ids) = (ids(first), ids(second));
        assert_eq!(first_ids, second_ids, "{}", first.workspace);
        assert_eq!(first_ids.len(), first.events.len(), "an id is used twice");
        assert!(first_ids.iter().all(|id| id.starts_with("demo-")));
    }
}

#[test]
fn a10_every_event_is_in_its_time_and_in_its_workspace() {
    let now = now();
    for story in told() {
        let oldest_days = match story.preset {
            "clienwork" => 400,
            "cloudfon-cx" | "freshsales" => 89,
            _ => 90,
        };
        let drafts = drafts(story);
        assert!((300..=2_000).contains(&drafts.len()), "{}: {}", story.workspace, drafts.len());
        let times: Vec<i64> =
            drafts.iter().map(|draft| draft.occurred_at.unwrap().micros()).collect();
        assert!(times.is_sorted(), "{}", story.workspace);
        let (first, last) = (now.micros() - times[0], now.micros() - times[times.len() - 1]);
        // The first of the 400 days begins a minute early, so that they are whole.
        assert!(
            first <= oldest_days * DAY + 60_000_000,
            "{} begins {first} µs ago",
            story.workspace
        );
        assert!(first >= (oldest_days - 4) * DAY, "{} begins {first} µs ago", story.workspace);
        assert!((0..3_600_000_000).contains(&last), "{} ends {last} µs ago", story.workspace);
        assert!(drafts.iter().all(|draft| draft.workspace.as_deref() == Some(story.workspace)));
    }
}

#[test]
fn a10_before_and_after_have_the_shapes_of_the_list() {
    for story in told() {
        let listed = listed(story.preset);
        for draft in drafts(story) {
            let Some(notes) = listed.get(&*draft.action) else { continue };
            if draft.outcome != Outcome::Success {
                continue;
            }
            let (before, after) = (draft.before.is_some(), draft.after.is_some());
            let wanted = match notes {
                notes if notes.contains("before –, after –") => (false, false),
                notes if notes.contains("before –, after") => (false, true),
                notes if notes.contains("after –") => (true, false),
                _ => (true, true),
            };
            assert_eq!((before, after), wanted, "{}: {notes}", draft.action);
            if before && after {
                assert_ne!(draft.before, draft.after, "{} changes nothing", draft.action);
            }
            for (side, word) in [(&draft.before, "before {"), (&draft.after, "after {")] {
                if let (Some(side), Some(keys)) = (side, keys_after(notes, word)) {
                    let found: BTreeSet<&str> =
                        side.as_object().unwrap().iter().map(|(key, _)| &**key).collect();
                    assert_eq!(found, keys, "{}: {notes}", draft.action);
                }
            }
        }
    }
}

/// The names directly in the braces that follow a word of the notes.
fn keys_after<'n>(notes: &'n str, word: &str) -> Option<BTreeSet<&'n str>> {
    let start = notes.find(word)? + word.len();
    let mut depth = 1;
    let mut keys = BTreeSet::new();
    let mut from = start;
    for (at, byte) in notes.bytes().enumerate().skip(start) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && byte == b',') {
            let key = notes[from..at].split(':').next().unwrap_or_default().trim();
            keys.insert(key);
            from = at + 1;
        }
        if depth == 0 {
            return Some(keys);
        }
    }
    None
}

#[test]
fn a10_three_members_did_the_three_things_of_the_page() {
    let story = &told()[0];
    let drafts = drafts(story);
    let today =
        |draft: &&EventDraft<'_>| draft.occurred_at.unwrap().micros() > now().micros() - DAY / 4;
    let by = |action: &str| {
        let found: Vec<_> =
            drafts.iter().filter(today).filter(|draft| draft.action == action).collect();
        assert_eq!(found.len(), 1, "{action}");
        found[0]
    };
    let campaign = by("affiliate.create");
    assert_eq!(text(campaign.after.as_ref(), "/campaign"), "Spring Launch");
    let product = by("product.update");
    assert_eq!(text(product.before.as_ref(), "/price"), "49.00");
    assert_eq!(text(product.after.as_ref(), "/price"), "59.00");
    let payment = by("payment_method.update");
    let count = |side: &Option<Value<'_>>| {
        side.as_ref().unwrap().get("methods").unwrap().as_array().unwrap().len()
    };
    assert_eq!((count(&payment.before), count(&payment.after)), (2, 3));
    let actors: BTreeSet<&str> =
        [campaign, product, payment].map(|draft| text(draft.actor.as_ref(), "/email")).into();
    assert_eq!(actors.len(), 3);
    assert!(!actors.contains(story.owner.email));
}

#[test]
fn a10_a_sign_in_from_an_address_that_was_never_seen_before() {
    let drafts = drafts(&told()[1]);
    let ip = |draft: &EventDraft<'_>| text(draft.context.as_ref(), "/ip").to_owned();
    let first = drafts.iter().position(|draft| ip(draft) == "203.0.113.199").unwrap();
    let actor = text(drafts[first].actor.as_ref(), "/id");
    assert_eq!(drafts[first].action, "user.sign_in");
    assert_eq!(drafts[first].outcome, Outcome::Failure);
    assert!(drafts[..first].iter().any(|draft| text(draft.actor.as_ref(), "/id") == actor));
    let inside = drafts[first..].iter().find(|draft| {
        ip(draft) == "203.0.113.199"
            && draft.action == "user.sign_in"
            && draft.outcome == Outcome::Success
    });
    assert!(inside.is_some());
}

#[test]
fn a10_plan_changes_bulk_deletes_impersonations_and_system_changes_are_told() {
    let mut impersonations = 0;
    for story in told() {
        let drafts = drafts(story);
        let of_type = |kind: &str| {
            drafts.iter().filter(|draft| text(draft.actor.as_ref(), "/type") == kind).count()
        };
        assert!(of_type("system") > 0, "{} has no change by the product", story.workspace);
        impersonations += drafts
            .iter()
            .filter(|draft| {
                draft.on_behalf_of.is_some() && text(draft.actor.as_ref(), "/type") == "support"
            })
            .count();
        let mut requests: BTreeMap<&str, usize> = BTreeMap::new();
        for draft in &drafts {
            *requests.entry(text(draft.context.as_ref(), "/request_id")).or_default() += 1;
        }
        assert!(!requests.contains_key(""), "{}: a request without an id", story.workspace);
        assert!(
            requests.values().any(|count| *count >= 12),
            "{} has no bulk delete",
            story.workspace
        );
        if matches!(story.preset, "freshsales" | "cloudfon-cx") {
            for action in ["plan.subscribe", "plan.upgrade", "plan.downgrade"] {
                assert!(drafts.iter().any(|draft| draft.action == action), "{action}");
            }
        }
    }
    assert!(impersonations >= 5);
}

#[test]
fn a10_clienwork_pro_reaches_back_400_days() {
    let story = &told()[4];
    assert_eq!((story.preset, story.plan), ("clienwork", "pro"));
    assert_eq!(story.plan_while_loading, Some("enterprise"));
    let drafts = drafts(story);
    let age_days =
        |draft: &EventDraft<'_>| (now().micros() - draft.occurred_at.unwrap().micros()) / DAY;
    assert_eq!(age_days(&drafts[0]), 400);
    let beyond_a_year = drafts.iter().filter(|draft| age_days(draft) > 366).count();
    assert!(beyond_a_year > 20, "{beyond_a_year}");
}

#[test]
fn people_and_addresses_are_invented() {
    let documentation = |ip: &str| match ip.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            matches!(ip.octets(), [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _])
        }
        Ok(IpAddr::V6(ip)) => ip.segments()[..2] == [0x2001, 0xdb8],
        Err(_) => false,
    };
    for story in told() {
        assert!(story.owner.email.ends_with(".example"));
        for event in &story.events {
            for word in
                event.split(|letter: char| !letter.is_alphanumeric() && !"@.-_".contains(letter))
            {
                assert!(!word.contains('@') || word.ends_with(".example"), "{word}");
            }
        }
        for draft in drafts(story) {
            let ip = text(draft.context.as_ref(), "/ip");
            let machine = matches!(text(draft.actor.as_ref(), "/type"), "system" | "service");
            assert!(documentation(ip) || (machine && ip.is_empty()), "{ip} in {}", story.workspace);
        }
    }
}
