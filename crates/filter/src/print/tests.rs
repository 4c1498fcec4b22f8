//! A6: a printed filter parses to itself, for any tree; and parsing survives any text.

use super::*;
use crate::ast::{Op, TextTerm};
use crate::moment::TimeExpr;
use crate::net::IpNet;
use proptest::prelude::*;

/// Texts that tempt the printer: operators, quotes, stars, dots, keywords, other scripts.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,5}",
        "[ -~]{1,8}",
        "[-<>=.:*()\"\\\\ a]{1,6}",
        "\\PC{1,4}",
        Just("OR".to_owned()),
        Just("AND".to_owned()),
        Just("NOT".to_owned()),
        Just("-5".to_owned()),
        Just("1..2".to_owned()),
        Just("2026-11".to_owned()),
        Just("..".to_owned()),
    ]
}

/// A literal or a text with wildcards, but not `*` alone, which is another kind of match.
fn any_glob() -> impl Strategy<Value = Glob> {
    prop_oneof![
        3 => any_text().prop_map(Glob::literal),
        1 => prop::collection::vec(prop_oneof![any_text(), Just(String::new())], 2..4)
            .prop_map(Glob::from_parts)
            .prop_filter("`*` alone means present", |glob| !glob.is_any()),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    prop::sample::select(vec![Op::Greater, Op::GreaterOrEqual, Op::Less, Op::LessOrEqual])
}

fn any_number() -> impl Strategy<Value = Number> {
    prop::sample::select(vec!["0", "-5", "12.5", "2.5e3", "42"])
        .prop_map(|text| Number::parse(text).expect(text))
}

fn any_time() -> impl Strategy<Value = TimeExpr> {
    prop::sample::select(vec!["2026", "2026-11-22", "2026-11-22T09:30:00+01:00", "today"])
        .prop_map(|text| TimeExpr::parse(text).expect(text))
}

fn any_field_term() -> impl Strategy<Value = FieldTerm> {
    let term = |field: Field, value: BoxedStrategy<Match>| {
        prop::collection::vec(value, 1..4).prop_map(move |values| FieldTerm {
            field: field.clone(),
            values,
            at: 0..0,
        })
    };
    let is_glob = || any_glob().prop_map(|glob| Match::Is(Operand::Glob(glob)));
    let present = || Just(Match::Present);
    let folded = prop_oneof![present(), is_glob()].boxed();
    let time = prop_oneof![
        present(),
        any_time().prop_map(|time| Match::Is(Operand::Time(time))),
        (any_op(), any_time()).prop_map(|(op, time)| Match::Bound(op, Operand::Time(time))),
        any_time().prop_map(|time| Match::Between(None, Some(Operand::Time(time)))),
    ]
    .boxed();
    let scalar = prop_oneof![
        present(),
        is_glob(),
        (any_op(), any_number()).prop_map(|(op, number)| Match::Bound(op, Operand::Number(number))),
        (any_op(), any_text())
            .prop_map(|(op, text)| Match::Bound(op, Operand::Glob(Glob::literal(text)))),
        any_number().prop_map(|number| Match::Between(Some(Operand::Number(number)), None)),
    ]
    .boxed();
    let ip = prop::sample::select(vec!["10.0.0.0/8", "::1", "2001:db8::/32"])
        .prop_map(|text| Match::Is(Operand::Net(IpNet::parse(text).expect(text))))
        .boxed();
    let meta_key = prop_oneof!["[a-z]{1,3}(\\.[a-z]{1,2})?", "[ -~]{1,5}", "\\PC{1,3}"]
        .prop_map(|key| Field::Meta(key.into()));
    prop_oneof![
        term(Field::Actor, folded.clone()),
        term(Field::TargetId, folded),
        term(Field::Occurred, time),
        term(Field::Before, scalar.clone()),
        term(Field::Ip, ip),
        (meta_key, prop::collection::vec(scalar, 1..3)).prop_map(|(field, values)| FieldTerm {
            field,
            values,
            at: 0..0
        }),
    ]
}

fn any_node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        any_field_term().prop_map(Node::Field),
        any_glob().prop_map(|glob| Node::Text(TextTerm { glob, at: 0..0 })),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        let group = (inner.clone(), any::<bool>())
            .prop_map(|(node, apart)| if apart { node.grouped() } else { node });
        prop_oneof![
            prop::collection::vec(group, 1..4).prop_filter_map("no child", Node::and),
            prop::collection::vec(inner.clone(), 1..4).prop_filter_map("no child", Node::or),
            inner.prop_map(Node::not),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn a_printed_tree_parses_to_itself(node in any_node()) {
        let filter = Filter::from_node(Some(node));
        let printed = filter.to_string();
        let parsed = Filter::parse(&printed);
        prop_assert_eq!(parsed.as_ref(), Ok(&filter), "{}", printed);
    }

    #[test]
    fn any_text_parses_or_fails_in_its_own_bounds(text in "\\PC{0,40}") {
        check_any(&text)?;
    }

    #[test]
    fn any_text_of_the_languages_own_signs_parses_or_fails(
        parts in prop::collection::vec(prop::sample::select(vec![
            "action:", "seq:", "occurred:", "meta.", "before:", "ip:", "(", ")", "\"", "*", "-", "OR ",
            "AND ", "NOT ", " ", "..", ">", "<=", "\\", "é", "5", "a", "2026-11", "now-7d", ":", "10.0.0.0/8",
        ]), 0..12),
    ) {
        check_any(&parts.concat())?;
    }
}

/// Whatever the text: no panic, a fault that lies in the text, or a filter that prints as itself.
fn check_any(text: &str) -> Result<(), TestCaseError> {
    match Filter::parse(text) {
        Ok(filter) => {
            let printed = filter.to_string();
            let parsed = Filter::parse(&printed);
            prop_assert_eq!(parsed.as_ref(), Ok(&filter), "{} as {}", text, printed);
            filter.resolve(&crate::sample::context());
        }
        Err(error) => {
            prop_assert!(
                text.get(error.offset..error.offset + error.length).is_some(),
                "{} in {}",
                error,
                text
            );
        }
    }
    Ok(())
}
