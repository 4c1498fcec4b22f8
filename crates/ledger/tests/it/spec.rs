//! The page itself: its table is complete, and its example is the first vector.

use proofbook_event::Group;
use serde_json::Value;

const PAGE: &str = include_str!("../../../../docs/spec/leaf.md");
const VECTORS: &str = include_str!("../../../../docs/spec/vectors/leaf.json");

/// The fields of the contract, design section 5: those a client sends, then those the server adds.
const FIELDS: [&str; 26] = [
    "id",
    "workspace",
    "action",
    "occurred_at",
    "actor",
    "on_behalf_of",
    "approval",
    "via",
    "targets",
    "outcome",
    "before",
    "after",
    "changes",
    "context",
    "description",
    "reason",
    "severity",
    "metadata",
    "source",
    "seq",
    "recorded_at",
    "module",
    "verb",
    "title",
    "masked",
    "leaf",
];

/// Returns the first two cells of each row of the first table behind a heading.
fn rows(heading: &str) -> Vec<(String, String)> {
    let section = PAGE.split_once(heading).unwrap().1;
    let cell = |text: &str| text.trim().trim_matches('`').to_owned();
    section
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.split('|').collect();
            (cell(cells[1]), cell(cells[2]))
        })
        .collect()
}

#[test]
fn every_contract_field_has_exactly_one_row() {
    let rows = rows("## 1. ");
    let mut named: Vec<_> = rows.iter().map(|(field, _)| field.as_str()).collect();
    let mut expected = FIELDS.to_vec();
    named.sort_unstable();
    expected.sort_unstable();
    assert_eq!(named, expected);
}

#[test]
fn every_row_names_a_known_place() {
    let leaf_keys = ["act", "ot", "out", "seq", "rt"];
    for (field, place) in rows("## 1. ") {
        for part in place.split(", ") {
            let part = part.trim_start_matches("or ").trim_start_matches("and ").replace('`', "");
            let known = match part.split_once(' ') {
                Some(("clear", key)) => leaf_keys.contains(&key),
                Some(("group", pointer)) => Group::from_pointer(pointer).is_some(),
                _ => part == "not covered",
            };
            assert!(known, "{field}: {place}");
        }
    }
}

#[test]
fn the_groups_are_those_of_the_code_in_order() {
    let named: Vec<_> = rows("## 2. ").into_iter().map(|(pointer, _)| pointer).collect();
    let expected: Vec<_> = Group::ALL.iter().map(|group| group.pointer()).collect();
    assert_eq!(named, expected);
}

#[test]
fn the_worked_example_is_the_first_vector() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let first = &vectors["leaves"][0];
    let example = PAGE.split_once("## 8. ").unwrap().1.split_once("## 9. ").unwrap().0;
    let mut stated: Vec<&Value> =
        ["seed", "nonce_key", "event_key", "nonce", "leaf", "leaf_hash", "workspace"]
            .iter()
            .map(|key| &first[*key])
            .collect();
    for key in ["groups", "salts", "commitments"] {
        stated.extend(first[key].as_object().unwrap().values());
    }
    for value in stated {
        let value = value.as_str().unwrap();
        assert!(example.contains(value), "{value}");
    }
    let openings = first["openings"].as_array().unwrap();
    assert!(openings.iter().any(|opening| PAGE.contains(opening.as_str().unwrap())));
}
