use proptest::prelude::*;

use super::*;
use crate::segment::join::{Joiner, join, joined_bytes, put_sentence};
use crate::segment::rows::GroupSet;
use crate::segment::stream::Codes;

fn check(groups: &[(Group, &str)]) -> Vec<Option<String>> {
    let mut bytes = GroupBytes::default();
    for (group, json) in groups {
        bytes.set(*group, Some(json.as_bytes()));
    }
    let mut splitter = Splitter::default();
    let values = splitter.split(&bytes, b"").values;
    for group in Group::ALL {
        let mut joined = Vec::new();
        let present = join(group, &values, &mut joined);
        let joined = present.then(|| String::from_utf8(joined).unwrap());
        let stored = bytes.get(group).map(|json| std::str::from_utf8(json).unwrap().to_owned());
        assert_eq!(joined, stored, "{group}");
    }
    // The second time with what was found out the first time.
    let mut joiner = Joiner::default();
    let codes: Codes = std::array::from_fn(|place| u32::from(values[place].is_some()));
    for codes in [codes, codes, [0; VALUE_COLUMNS]] {
        let mut joined = Vec::new();
        let actor = values[0].and_then(actor_name);
        let places = joiner.join_row(&values, &codes, actor, GroupSet::ALL, &mut joined);
        for group in Group::ALL {
            let place = places[group.index()].map(|(from, to)| &joined[from as usize..to as usize]);
            assert_eq!(place, bytes.get(group), "{group}");
        }
    }
    let mut sentence = Vec::new();
    let actor = values[0].and_then(actor_name);
    let is_lifted = put_sentence(&values, actor, &mut sentence);
    let whole = bytes.get(Group::Description).and_then(|group| member(group, "description"));
    let whole = whole.and_then(plain_text).filter(|_| values[SENTENCE].is_some());
    assert_eq!(is_lifted.then_some(sentence.as_slice()), whole);
    assert_eq!(joined_bytes(&values, &sentence), bytes.bytes_total());
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    values.iter().map(|value| value.map(text)).collect()
}

#[test]
fn members_that_most_events_have_stand_in_columns_of_their_own() {
    let values = check(&[
        (Group::Actor, r#"{"actor":{"id":"1","name":"Ada","type":"user"}}"#),
        (Group::Context, r#"{"country":"FR","ip":"10.0.0.1","request_id":"r","user_agent":"b"}"#),
        (Group::Description, r#"{"description":"Ada renamed Atlas","reason":"x","verb":"update"}"#),
        (Group::Targets, r#"[{"id":"7","name":"Atlas","type":"map"},{"id":"8"}]"#),
    ]);
    let expected = [
        Some(r#"{"actor":{"id":"1","name":"Ada","type":"user"}}"#),
        None,
        Some(r#"{"country":"FR"}"#),
        Some(r#"{"verb":"update"}"#),
        None,
        None,
        Some(r#"[{"type":"map"},{"id":"8"}]"#),
        None,
        Some("10.0.0.1"),
        Some("r"),
        None,
        Some("b"),
        Some("{actor.name} renamed {target.name}"),
        Some("x"),
        Some("7"),
        Some("Atlas"),
    ];
    assert_eq!(values, expected.map(|value| value.map(str::to_owned)));
}

#[test]
fn what_json_would_escape_stays_where_it_is() {
    let values = check(&[
        (Group::Context, r#"{"ip":null,"request_id":"a\"b","user_agent":"é"}"#),
        (Group::Targets, r#"[{"id":"a\\b","name":""}]"#),
    ]);
    assert_eq!(values[2].as_deref(), Some(r#"{"ip":null,"request_id":"a\"b"}"#));
    assert_eq!(values[6].as_deref(), Some(r#"[{"id":"a\\b"}]"#));
    assert_eq!(values[11].as_deref(), Some("é"));
    assert_eq!(values[15].as_deref(), Some(""));
}

#[test]
fn groups_of_other_forms_come_back() {
    for json in [
        "null",
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "\"text\"",
        "[\"a\",{\"id\":\"x\"}]",
        "[{}]",
        "17",
        r#"{"\u0001":1,"ip":"x"}"#,
        r#"{"zz":"1"}"#,
        r#"{"a":{"ip":"1"},"ip":"2","z":[{"ip":"3"}]}"#,
    ] {
        check(&[(Group::Context, json), (Group::Targets, json), (Group::Description, json)]);
    }
}

#[test]
fn sentences_come_back_whatever_they_say() {
    for sentence in [
        "{actor.name}",
        "Ada {target.name}",
        "Ada{actor.name",
        "AdaAda did Atlas",
        "Atlas was seen by Ada",
        "nobody",
        "",
        "{",
        "Atlas",
    ] {
        let description = format!(r#"{{"description":"{sentence}","verb":"do"}}"#);
        for (actor, target) in [
            ("Ada", "Atlas"),
            ("", ""),
            ("Ada", "Ada"),
            ("{actor.name}", "{target.name}"),
            ("A", "d"),
        ] {
            let actor = format!(r#"{{"actor":{{"name":"{actor}"}}}}"#);
            let target = format!(r#"[{{"name":"{target}"}}]"#);
            check(&[(Group::Description, &description)]);
            check(&[(Group::Actor, &actor), (Group::Description, &description)]);
            check(&[
                (Group::Actor, &actor),
                (Group::Description, &description),
                (Group::Targets, &target),
            ]);
        }
    }
}

proptest! {
    #[test]
    fn any_texts_come_back(
        actor in "[ab{}.ctornme]{0,8}",
        target in "(\\{target\\.name\\}|[abé])",
        sentence in "([ab]|\\{actor\\.name\\}|\\{target\\.name\\}|[{} .]|é){0,6}",
    ) {
        let actor = format!(r#"{{"actor":{{"name":"{actor}"}}}}"#);
        let description = format!(r#"{{"action":"x","description":"{sentence}"}}"#);
        let targets = format!(r#"[{{"name":"{target}"}}]"#);
        check(&[(Group::Actor, &actor), (Group::Description, &description), (Group::Targets, &targets)]);
    }
}
