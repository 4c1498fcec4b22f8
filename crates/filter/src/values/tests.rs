//! Facet values: those written in the sample, and each finds its event again.

use super::*;
use crate::ast::Filter;
use crate::sample::{Sample, context};

fn values(field: &str) -> Vec<String> {
    let sample = Sample::project_update();
    let mut values = Vec::new();
    Field::parse(field)
        .expect(field)
        .values(&sample.event(), &mut |value| values.push(value.to_owned()));
    values
}

#[test]
fn fields_have_the_values_a_reader_sees() {
    for (field, expected) in [
        ("action", &["project.update"][..]),
        ("module", &["projects"]),
        ("verb", &["update"]),
        ("severity", &["warning"]),
        ("outcome", &["success"]),
        ("actor", &["Ada Park"]),
        ("actor.id", &["u_7"]),
        ("actor.email", &["Ada@acme.example"]),
        ("on_behalf_of", &["Zoë Lang"]),
        ("target", &["Website", "Straße"]),
        ("target.type", &["project", "folder"]),
        ("target.id", &["42", "7"]),
        ("ip", &["10.1.2.3"]),
        ("country", &["DE"]),
        ("changed", &["/plan", "/limits/seats", "/tags", "/active"]),
        ("before", &["Free", "5", "false"]),
        ("after", &["pro", "12.5", "red", "Blue", "null"]),
        ("occurred", &["2026-11-20T12:00:00.000000Z"]),
        ("seq", &["7"]),
        ("id", &["0193-aB"]),
        ("source", &["billing"]),
        ("via", &["ui", "Firefox"]),
        ("meta.plan", &["pro"]),
        ("meta.count", &["3"]),
        ("meta.a.b.c", &["deep"]),
        ("meta.a", &[]),
        ("meta.tags", &["one", "2"]),
        ("meta.items.sku", &["A1", "B2"]),
        ("meta.absent", &[]),
    ] {
        assert_eq!(values(field), expected, "{field}");
    }
}

#[test]
fn every_value_finds_its_event_again() {
    let sample = Sample::project_update();
    let fields = crate::field::NAMES.iter().map(|(name, _)| *name);
    for field in
        fields.chain(["meta.plan", "meta.count", "meta.tags", "meta.items.sku", "meta.none"])
    {
        for value in values(field) {
            let text = format!("{field}:\"{value}\"");
            let filter = Filter::parse(&text).expect(&text).resolve(&context());
            assert!(filter.matches(&sample.event()), "{text}");
        }
    }
}

#[test]
fn every_field_but_metadata_has_a_value_in_the_sample() {
    for (name, _) in crate::field::NAMES {
        assert!(!values(name).is_empty(), "{name}");
    }
}
