//! A second meaning of the language, written as plainly as possible, to compare with the first.
//!
//! Events and filters are drawn from small vocabularies, so that they meet often. The oracle works
//! on the drawn values, not on parsed events: a conjunction holds when some change and some target
//! can be picked for which every condition holds (brute force over all picks), texts are compared
//! by lower-casing, wildcards by recursion.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use proofbook_event::event::Clear;
use proofbook_event::{Event, Group, GroupBytes, Outcome, Timestamp, Value, canonical};
use proofbook_filter::{Filter, ResolveContext, Verdict};
use proptest::prelude::*;
use proptest::sample::select;

#[derive(Clone, Debug)]
struct World {
    action: &'static str,
    outcome: Outcome,
    seq: u64,
    /// Days after 2026-11-01, each at 12:00 UTC.
    day: u8,
    actor: Option<(&'static str, &'static str)>,
    targets: Vec<(&'static str, &'static str)>,
    changes: Vec<(&'static str, Option<Side>, Option<Side>)>,
    plan: Option<Side>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    Text(&'static str),
    Number(i8),
}

/// One condition, with the text that a filter writes for it.
#[derive(Clone, Debug)]
enum Term {
    Word(&'static str),
    Is(&'static str, &'static str),
    Above(&'static str, i8),
    Any(&'static str),
}

#[derive(Clone, Debug)]
enum Query {
    All(Vec<Query>),
    One(Vec<Query>),
    Not(Box<Query>),
    Term(Term),
}

const ACTIONS: [&str; 3] = ["project.update", "project.view", "member.add"];
const WORDS: [&str; 6] = ["pro", "Web", "view", "ADA", "free", "zz"];

fn any_world() -> impl Strategy<Value = World> {
    let side = || {
        prop::option::of(prop_oneof![
            select(vec!["free", "Pro", "7"]).prop_map(Side::Text),
            select(vec![5_i8, 7]).prop_map(Side::Number),
        ])
    };
    let change = (select(vec!["/plan", "/plan/seats", "/name"]), side(), side());
    let target = (select(vec!["project", "folder"]), select(vec!["1", "Web", "2"]));
    (
        select(ACTIONS.to_vec()),
        select(Outcome::ALL.to_vec()),
        0_u64..4,
        0_u8..4,
        prop::option::of((select(vec!["u1", "U2"]), select(vec!["Ada", "Bo"]))),
        prop::collection::vec(target, 0..3),
        prop::collection::vec(change, 0..3),
        side(),
    )
        .prop_map(|(action, outcome, seq, day, actor, targets, changes, plan)| World {
            action,
            outcome,
            seq,
            day,
            actor,
            targets,
            changes,
            plan,
        })
}

fn any_term() -> impl Strategy<Value = Term> {
    let is = |field: &'static str, values: &[&'static str]| {
        select(values.to_vec()).prop_map(move |value| Term::Is(field, value)).boxed()
    };
    prop_oneof![
        select(WORDS.to_vec()).prop_map(Term::Word),
        is("action", &["project.*", "*.view", "MEMBER.add", "*e*d*"]),
        is("outcome", &["success", "denied"]),
        is("actor", &["ada", "u1", "u*"]),
        is("actor.id", &["u1", "u2", "U*"]),
        is("target", &["1", "web", "project/1", "folder/*"]),
        is("target.type", &["project", "folder"]),
        is("target.id", &["1", "Web", "web"]),
        is("changed", &["/plan", "/plan/seats", "seats", "name"]),
        is("before", &["free", "pro", "7", "p*"]),
        is("after", &["free", "PRO", "5"]),
        is("meta.plan", &["pro", "7", "*r*"]),
        is("occurred", &["2026-11-02", "2026-11-01..2026-11-03", "..2026-11-02"]),
        is("seq", &["1", "2..3"]),
        (select(vec!["before", "after", "meta.plan", "seq"]), select(vec![0_i8, 5, 6]))
            .prop_map(|(field, number)| Term::Above(field, number)),
        select(vec!["actor", "target.id", "changed", "before", "after", "meta.plan", "seq"])
            .prop_map(Term::Any),
    ]
}

/// Terms that speak of one change, or of one target.
fn any_family_term() -> impl Strategy<Value = (bool, Term)> {
    any_term()
        .prop_map(|term| (is_shared(field_of(&term), "change"), term))
        .prop_filter("no family", |(is_change, term)| {
            *is_change || is_shared(field_of(term), "target")
        })
}

/// A conjunction with alternatives inside, all of one family: what is drawn too seldom by chance.
fn any_family_query() -> impl Strategy<Value = Query> {
    prop::collection::vec(any_family_term(), 3..6).prop_map(|terms| {
        let (is_change, _) = terms[0];
        let alike = terms.into_iter().filter(|(other, _)| *other == is_change);
        let mut terms: Vec<Query> = alike.map(|(_, term)| Query::Term(term)).collect();
        let alone = terms.split_off(terms.len() / 2);
        let mut all = alone;
        if terms.len() > 1 {
            all.push(Query::One(terms));
        }
        Query::All(all)
    })
}

fn any_query() -> impl Strategy<Value = Query> {
    let leaf = prop_oneof![4 => any_term().prop_map(Query::Term), 1 => any_family_query()];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 2..5).prop_map(Query::All),
            1 => prop::collection::vec(inner.clone(), 2..4).prop_map(Query::One),
            1 => inner.prop_map(|query| Query::Not(Box::new(query))),
        ]
    })
}

/// Writes a query with more parentheses than needed; a lone term in them would change its meaning.
fn write(query: &Query) -> String {
    let list = |queries: &[Query], between: &str| {
        let part = |query: &Query| match query {
            Query::Term(_) | Query::Not(_) => write(query),
            _ => format!("({})", write(query)),
        };
        queries.iter().map(part).collect::<Vec<_>>().join(between)
    };
    match query {
        Query::All(queries) => list(queries, " "),
        Query::One(queries) => list(queries, " OR "),
        Query::Not(query) => format!("NOT ({})", write(query)),
        Query::Term(Term::Word(word)) => format!("\"{word}\""),
        Query::Term(Term::Is(field, value)) => format!("{field}:{value}"),
        Query::Term(Term::Above(field, number)) => format!("{field}:>{number}"),
        Query::Term(Term::Any(field)) => format!("{field}:*"),
    }
}

/// Wildcards by recursion over characters.
fn fits(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    if first == '*' {
        return (0..=text.len()).any(|skip| fits(rest, &text[skip..]));
    }
    text.strip_prefix(first).is_some_and(|text| fits(rest, text))
}

fn fits_any_case(pattern: &str, text: &str) -> bool {
    fits(&pattern.to_lowercase(), &text.to_lowercase())
}

impl Side {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text.to_owned(),
            Self::Number(number) => number.to_string(),
        }
    }

    fn json(self) -> String {
        match self {
            Self::Text(text) => format!("\"{text}\""),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// The change and target that a conjunction speaks of, as places in the world's lists.
#[derive(Clone, Copy)]
struct Pick {
    change: Option<usize>,
    target: Option<usize>,
}

fn field_of(term: &Term) -> &'static str {
    match term {
        Term::Word(_) => "",
        Term::Is(field, _) | Term::Above(field, _) | Term::Any(field) => field,
    }
}

fn side_holds(term: &Term, side: Option<Side>) -> bool {
    match (term, side) {
        (_, None) => false,
        (Term::Any(_), Some(_)) => true,
        (Term::Is(_, value), Some(side)) => fits_any_case(value, &side.text()),
        (Term::Above(_, bound), Some(Side::Number(number))) => number > *bound,
        _ => false,
    }
}

fn term_holds(world: &World, term: &Term, pick: Pick) -> bool {
    let change = pick.change.map(|at| &world.changes[at]);
    let target = pick.target.map(|at| &world.targets[at]);
    match (field_of(term), term) {
        (_, Term::Word(word)) => {
            texts(world).iter().any(|text| text.contains(&word.to_lowercase()))
        }
        ("before", _) => change.is_some_and(|(_, before, _)| side_holds(term, *before)),
        ("after", _) => change.is_some_and(|(_, _, after)| side_holds(term, *after)),
        ("changed", Term::Is(_, value)) => change.is_some_and(|(path, _, _)| {
            if value.starts_with('/') {
                path == value || path.starts_with(&format!("{value}/"))
            } else {
                path.split('/').any(|token| token == *value)
            }
        }),
        ("changed", _) => change.is_some(),
        ("target", Term::Is(_, value)) => target.is_some_and(|(kind, id)| {
            fits_any_case(value, id) || fits_any_case(value, &format!("{kind}/{id}"))
        }),
        ("target.type", Term::Is(_, value)) => target.is_some_and(|(kind, _)| kind == value),
        ("target.id", Term::Is(_, value)) => target.is_some_and(|(_, id)| id == value),
        ("target.id", _) => target.is_some(),
        ("meta.plan", _) => side_holds(term, world.plan),
        ("action", Term::Is(_, value)) => fits_any_case(value, world.action),
        ("outcome", Term::Is(_, value)) => world.outcome.as_str() == *value,
        ("actor", Term::Is(_, value)) => world
            .actor
            .is_some_and(|(id, name)| fits_any_case(value, id) || fits_any_case(value, name)),
        ("actor.id", Term::Is(_, value)) => world.actor.is_some_and(|(id, _)| fits(value, id)),
        ("actor", _) => world.actor.is_some(),
        ("occurred", Term::Is(_, "2026-11-02")) => world.day == 1,
        ("occurred", Term::Is(_, "2026-11-01..2026-11-03")) => world.day <= 2,
        ("occurred", Term::Is(_, _)) => world.day <= 1,
        ("seq", Term::Is(_, "1")) => world.seq == 1,
        ("seq", Term::Is(_, _)) => (2..=3).contains(&world.seq),
        ("seq", Term::Above(_, bound)) => {
            i64::try_from(world.seq).is_ok_and(|seq| seq > i64::from(*bound))
        }
        ("seq", _) => true,
        other => panic!("the oracle does not know {other:?}"),
    }
}

fn texts(world: &World) -> Vec<String> {
    let mut texts = vec![world.action.to_owned()];
    if let Some((id, name)) = world.actor {
        texts.extend(["user".to_owned(), id.to_owned(), name.to_owned()]);
    }
    for (kind, id) in &world.targets {
        texts.extend([(*kind).to_owned(), (*id).to_owned()]);
    }
    for (path, before, after) in &world.changes {
        texts.push((*path).to_owned());
        texts.extend(
            [before, after]
                .into_iter()
                .flatten()
                .filter(|side| matches!(side, Side::Text(_)))
                .map(|side| side.text()),
        );
    }
    texts.extend(world.plan.filter(|side| matches!(side, Side::Text(_))).map(Side::text));
    texts.iter().map(|text| text.to_lowercase()).collect()
}

fn is_shared(field: &str, family: &str) -> bool {
    match family {
        "change" => matches!(field, "changed" | "before" | "after"),
        _ => field == "target" || field.starts_with("target."),
    }
}

/// Tells whether alternatives join the conjunction around them: terms of one family, nothing else.
fn joins(queries: &[Query]) -> bool {
    ["change", "target"].into_iter().any(|family| {
        queries
            .iter()
            .all(|query| matches!(query, Query::Term(term) if is_shared(field_of(term), family)))
    })
}

fn holds(world: &World, query: &Query) -> bool {
    match query {
        Query::All(queries) => all_hold(world, queries),
        Query::One(queries) => queries.iter().any(|query| holds(world, query)),
        Query::Not(query) => !holds(world, query),
        Query::Term(_) => all_hold(world, std::slice::from_ref(query)),
    }
}

fn all_hold(world: &World, queries: &[Query]) -> bool {
    // Each condition: a list of terms of which one must hold for the pick.
    let mut conditions: Vec<Vec<&Term>> = Vec::new();
    for (at, query) in queries.iter().enumerate() {
        match query {
            Query::Term(term @ Term::Is(field, _)) => {
                let same = |query: &&Query| matches!(query, Query::Term(Term::Is(other, _)) if other == field);
                if !queries[..at].iter().any(|query| same(&query)) {
                    let all = queries.iter().filter(same).filter_map(|query| match query {
                        Query::Term(term) => Some(term),
                        _ => None,
                    });
                    conditions.push(all.collect());
                }
                let _ = term;
            }
            Query::Term(term) => conditions.push(vec![term]),
            Query::One(inner) if joins(inner) => {
                conditions.push(
                    inner
                        .iter()
                        .filter_map(|query| match query {
                            Query::Term(term) => Some(term),
                            _ => None,
                        })
                        .collect(),
                );
            }
            other => {
                if !holds(world, other) {
                    return false;
                }
            }
        }
    }
    let places = |count: usize| std::iter::once(None).chain((0..count).map(Some));
    places(world.changes.len()).any(|change| {
        places(world.targets.len()).any(|target| {
            let pick = Pick { change, target };
            conditions.iter().all(|terms| terms.iter().any(|term| term_holds(world, term, pick)))
        })
    })
}

/// Writes the world as the groups of an event.
fn groups_of(world: &World) -> [Option<Vec<u8>>; Group::COUNT] {
    let mut groups: [Option<Vec<u8>>; Group::COUNT] = Default::default();
    let mut set = |group: Group, json: String| {
        let value = Value::parse(json.as_bytes()).expect("drawn JSON");
        groups[group.index()] = Some(canonical::to_bytes(&value));
    };
    if let Some((id, name)) = world.actor {
        set(Group::Actor, format!(r#"{{"actor":{{"type":"user","id":"{id}","name":"{name}"}}}}"#));
    }
    if !world.targets.is_empty() {
        let targets: Vec<String> = world
            .targets
            .iter()
            .map(|(kind, id)| format!(r#"{{"type":"{kind}","id":"{id}"}}"#))
            .collect();
        set(Group::Targets, format!("[{}]", targets.join(",")));
    }
    if !world.changes.is_empty() {
        let change = |(path, before, after): &(&str, Option<Side>, Option<Side>)| {
            let side = |name: &str, side: &Option<Side>| {
                side.map_or(String::new(), |side| format!(r#","{name}":{}"#, side.json()))
            };
            format!(r#"{{"path":"{path}"{}{}}}"#, side("before", before), side("after", after))
        };
        let changes: Vec<String> = world.changes.iter().map(change).collect();
        set(Group::Changes, format!(r#"{{"changes":[{}]}}"#, changes.join(",")));
    }
    if let Some(plan) = world.plan {
        set(Group::Metadata, format!(r#"{{"metadata":{{"plan":{}}}}}"#, plan.json()));
    }
    groups
}

fn clear_of(world: &World) -> Clear<'static> {
    let at = Timestamp::parse(&format!("2026-11-{:02}T12:00:00Z", world.day + 1)).expect("a time");
    Clear {
        workspace: Cow::Borrowed("acme"),
        seq: world.seq,
        recorded_at: at,
        occurred_at: at,
        action: Some(Cow::Borrowed(world.action)),
        outcome: world.outcome,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_filter_agrees_with_its_plain_meaning(world in any_world(), query in any_query()) {
        let text = write(&query);
        let now = Timestamp::parse("2026-11-22T09:30:00Z").expect("a time");
        let filter = Filter::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?
            .resolve(&ResolveContext { now, zone: TimeZone::UTC });
        let groups = groups_of(&world);
        let bytes = GroupBytes::new(std::array::from_fn(|at| groups[at].as_deref()));
        let event = Event::from_groups(clear_of(&world), &bytes).expect("canonical bytes parse");
        let expected = holds(&world, &query);
        prop_assert_eq!(filter.matches(&event), expected, "{}", text);

        let mut needed = bytes;
        for group in Group::ALL {
            if !filter.groups_needed(true).contains(group) {
                needed.set(group, None);
            }
        }
        let partial = Event::from_groups(clear_of(&world), &needed).expect("canonical bytes parse");
        prop_assert_eq!(filter.matches(&partial), expected, "{} on the needed groups", text);

        match filter.judge(&event.clear, &bytes) {
            Verdict::Unknown => {}
            verdict => prop_assert_eq!(verdict == Verdict::Yes, expected, "{} judged early", text),
        }
        if expected {
            prop_assert!(filter.occurred_range().contains(event.clear.occurred_at.micros()));
            prop_assert!(filter.seq_range().contains(event.clear.seq as i64));
        }
    }
}
