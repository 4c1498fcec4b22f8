//! The table of names against the list in the design, and its words against the event's.

use super::*;
use proofbook_event::{ActorType, Outcome};

#[test]
fn every_field_of_the_design_is_in_the_table() {
    let design = "action module verb severity outcome actor actor.id actor.name actor.email \
                  actor.type on_behalf_of target target.type target.id target.name ip country \
                  changed before after occurred recorded seq id request session source via";
    let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, design.split_whitespace().collect::<Vec<_>>());
    for (name, field) in NAMES {
        assert_eq!(Field::parse(name).as_ref(), Some(field));
        assert_eq!(field.name(), *name);
    }
}

#[test]
fn names_are_read_in_any_case_and_metadata_keys_as_they_are() {
    assert_eq!(Field::parse("Actor.ID"), Some(Field::ActorId));
    assert_eq!(Field::parse("META.Plan.a"), Some(Field::Meta("Plan.a".into())));
    assert_eq!(Field::parse("meta."), None);
    assert_eq!(Field::parse("meta"), None);
    assert_eq!(Field::parse("änderung"), None);
}

#[test]
fn closed_words_are_those_of_the_event() {
    let words = |field: Field| match field.kind() {
        Kind::Words(words) => words.to_vec(),
        other => panic!("{other:?}"),
    };
    let of = |all: Vec<&'static str>| all;
    assert_eq!(words(Field::Verb), of(Verb::ALL.iter().map(|word| word.as_str()).collect()));
    assert_eq!(
        words(Field::Severity),
        of(Severity::ALL.iter().map(|word| word.as_str()).collect())
    );
    assert_eq!(words(Field::Outcome), of(Outcome::ALL.iter().map(|word| word.as_str()).collect()));
    assert_eq!(
        words(Field::ActorType),
        of(ActorType::ALL.iter().map(|word| word.as_str()).collect())
    );
}

#[test]
fn mistyped_names_find_their_field() {
    for (typed, meant) in [
        ("acton", "action"),
        ("Ocurred", "occurred"),
        ("occurred_at", "occurred"),
        ("created", "occurred"),
        ("user", "actor"),
        ("targettype", "target.type"),
        ("metadata.plan", "meta.plan"),
        ("severty", "severity"),
    ] {
        assert_eq!(Field::nearest(typed).as_deref(), Some(meant), "{typed}");
    }
    assert_eq!(Field::nearest("xyzzyxyzzy"), None);
}
