//! Evaluation of a resolved filter against one parsed event.
//!
//! This is the meaning of the language: whatever a plan or an index answers must agree with it. The
//! event needs only the groups of [`ResolvedFilter::groups_needed`].

use std::net::IpAddr;

use proofbook_event::event::party_label;
use proofbook_event::{Event, Group, Value, canonical};

use crate::field::Field;
use crate::fold::fold;
use crate::resolve::{Clause, Condition, Expr, Predicate, ResolvedFilter, Test};
use crate::values;

/// A set of leaf groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupSet(u8);

impl GroupSet {
    /// Every group.
    pub const ALL: Self = Self((1 << Group::COUNT) - 1);

    /// Adds a group.
    pub fn insert(&mut self, group: Group) {
        self.0 |= 1 << group.index();
    }

    /// Tells whether the group is in the set.
    pub fn contains(self, group: Group) -> bool {
        self.0 & (1 << group.index()) != 0
    }

    /// Tells whether no group is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the groups of both sets.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Yields the groups in the order of [`Group::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Group> {
        Group::ALL.into_iter().filter(move |group| self.contains(*group))
    }
}

impl ResolvedFilter {
    /// Tells whether the event passes.
    pub fn matches(&self, event: &Event<'_>) -> bool {
        expr_matches(self.expr(), event)
    }

    /// Returns the groups that [`ResolvedFilter::matches`] reads.
    ///
    /// `action_is_clear` says that the event's action stands in its leaf; otherwise a condition on
    /// the action needs the description group too.
    pub fn groups_needed(&self, action_is_clear: bool) -> GroupSet {
        let mut set = GroupSet::default();
        collect_groups(self.expr(), action_is_clear, &mut set);
        set
    }
}

fn collect_groups(expr: &Expr, action_is_clear: bool, set: &mut GroupSet) {
    match expr {
        Expr::True => {}
        Expr::And(parts) | Expr::Or(parts) => {
            parts.iter().for_each(|part| collect_groups(part, action_is_clear, set));
        }
        Expr::Not(inner) => collect_groups(inner, action_is_clear, set),
        Expr::Term(Predicate::Text(_)) => *set = GroupSet::ALL,
        Expr::Term(Predicate::Change(_)) => set.insert(Group::Changes),
        Expr::Term(Predicate::Target(_)) => set.insert(Group::Targets),
        Expr::Term(Predicate::Field { field: Field::Action, .. }) if action_is_clear => {}
        Expr::Term(Predicate::Field { field, .. }) => {
            if let Some(group) = field.group() {
                set.insert(group);
            }
        }
    }
}

fn expr_matches(expr: &Expr, event: &Event<'_>) -> bool {
    match expr {
        Expr::True => true,
        Expr::And(parts) => parts.iter().all(|part| expr_matches(part, event)),
        Expr::Or(parts) => parts.iter().any(|part| expr_matches(part, event)),
        Expr::Not(inner) => !expr_matches(inner, event),
        Expr::Term(predicate) => predicate.matches(event),
    }
}

impl Predicate {
    /// Tells whether the event passes this one condition.
    pub fn matches(&self, event: &Event<'_>) -> bool {
        match self {
            Self::Text(pattern) => any_text(event, &mut |text| pattern.matches(text)),
            Self::Field { field, any } => any.iter().any(|test| field_passes(field, test, event)),
            Self::Change(clauses) => {
                event.changes().iter().any(|change| all_pass(clauses, change, change_passes))
            }
            Self::Target(clauses) => {
                event.targets().iter().any(|target| all_pass(clauses, target, target_passes))
            }
        }
    }
}

fn all_pass(
    clauses: &[Clause],
    part: &Value<'_>,
    passes: fn(&Condition, &Value<'_>) -> bool,
) -> bool {
    clauses.iter().all(|clause| clause.iter().any(|condition| passes(condition, part)))
}

/// Visits every text that a reader can see, until one is taken.
///
/// These are the action's name and all string values in the groups; keys are not texts.
fn any_text(event: &Event<'_>, take: &mut dyn FnMut(&str) -> bool) -> bool {
    take(event.action())
        || Group::ALL
            .into_iter()
            .filter_map(|group| event.group(group))
            .any(|value| any_text_in(value, take))
}

fn any_text_in(value: &Value<'_>, take: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::String(text) => take(text),
        Value::Array(items) => items.iter().any(|item| any_text_in(item, take)),
        Value::Object(members) => members.iter().any(|(_, value)| any_text_in(value, take)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
    }
}

fn field_passes(field: &Field, test: &Test, event: &Event<'_>) -> bool {
    match (field, test) {
        (Field::Meta(key), _) => {
            values::any_meta(event, key, &mut |value| side_passes(test, value))
        }
        (Field::Occurred | Field::Recorded | Field::Seq, Test::Present) => true,
        (_, Test::Present) => values::any_text(field, event, &mut |_| true),
        (_, Test::Text(pattern)) => {
            values::any_text(field, event, &mut |text| pattern.matches(text))
        }
        (Field::Occurred, Test::Times(range)) => range.contains(event.clear.occurred_at.micros()),
        (Field::Recorded, Test::Times(range)) => range.contains(event.clear.recorded_at.micros()),
        (Field::Seq, Test::Seqs(range)) => {
            i64::try_from(event.clear.seq).is_ok_and(|seq| range.contains(seq))
        }
        (Field::Ip, Test::Net(net)) => event
            .context("ip")
            .and_then(|text| text.parse::<IpAddr>().ok())
            .is_some_and(|address| net.contains(address)),
        _ => false,
    }
}

fn change_passes(condition: &Condition, change: &Value<'_>) -> bool {
    let side = |key| {
        change.get(key).is_some_and(|value| {
            values::any_scalar(value, &mut |value| side_passes(&condition.test, value))
        })
    };
    match (&condition.field, &condition.test) {
        (Field::Before, Test::Present) => change.get("before").is_some(),
        (Field::After, Test::Present) => change.get("after").is_some(),
        (Field::Before, _) => side("before"),
        (Field::After, _) => side("after"),
        (Field::Changed, test) => match (change.get("path").and_then(Value::as_str), test) {
            (Some(_), Test::Present) => true,
            (Some(path), Test::Path { at, below }) => at.matches(path) || below.matches(path),
            _ => false,
        },
        _ => false,
    }
}

fn target_passes(condition: &Condition, target: &Value<'_>) -> bool {
    let member = |key: &str| target.get(key).and_then(Value::as_str);
    let pattern_fits = |key: &str| match &condition.test {
        Test::Present => member(key).is_some(),
        Test::Text(pattern) => member(key).is_some_and(|text| pattern.matches(text)),
        Test::TypeAndId(kind, id) => {
            key == "id"
                && member("type").is_some_and(|text| kind.matches(text))
                && member("id").is_some_and(|text| id.matches(text))
        }
        _ => false,
    };
    match condition.field {
        Field::Target => pattern_fits("id") || pattern_fits("name"),
        Field::TargetType => pattern_fits("type"),
        Field::TargetId => pattern_fits("id"),
        Field::TargetName => pattern_fits("name"),
        _ => false,
    }
}

/// Tests one scalar of a change's side or of the metadata.
fn side_passes(test: &Test, value: &Value<'_>) -> bool {
    let number = match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    match test {
        Test::Present => true,
        Test::Numbers(range) => number.is_some_and(|number| range.contains(number)),
        Test::Texts(range) => value.as_str().is_some_and(|text| range.contains(&fold(text))),
        Test::Scalar { text: pattern, number: wanted } => match (value, number) {
            (Value::String(text), _) => pattern.matches(text),
            (Value::Bool(true), _) => pattern.matches("true"),
            (Value::Bool(false), _) => pattern.matches("false"),
            (Value::Null, _) => pattern.matches("null"),
            (_, Some(number)) => match wanted {
                Some(wanted) => *wanted == number,
                // A text without wildcards that is no number is no number's text form either.
                None => {
                    pattern.literal().is_none()
                        && std::str::from_utf8(&canonical::to_bytes(value))
                            .is_ok_and(|text| pattern.matches(text))
                }
            },
            _ => false,
        },
        _ => false,
    }
}

/// Returns the label under which a reader sees a nameless system party.
pub(crate) fn label_of_nameless<'v>(party: &'v Value<'_>) -> Option<&'v str> {
    let has_name = party.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    if has_name { None } else { party_label(party).filter(|label| *label == "System") }
}

#[cfg(test)]
mod tests;
