//! A first verdict from an event's clear fields and the raw bytes of its groups, before any parsing.
//!
//! A scan asks here first: most events are decided by time, action, outcome or by the plain absence
//! of a word in their bytes.

use proofbook_event::{Group, GroupBytes, Value, event::Clear};

use crate::field::Field;
use crate::resolve::{Expr, Predicate, ResolvedFilter, Test};

/// What is known of an event before its groups are parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It does not pass.
    No,
    /// Its groups must be parsed and [`ResolvedFilter::matches`] asked.
    Unknown,
    /// It passes.
    Yes,
}

impl ResolvedFilter {
    /// Judges an event by its clear fields and unparsed groups; never contradicts
    /// [`ResolvedFilter::matches`].
    ///
    /// Every group that the event has must be given.
    pub fn judge(&self, clear: &Clear<'_>, groups: &GroupBytes<'_>) -> Verdict {
        judge(self.expr(), clear, groups)
    }
}

fn judge(expr: &Expr, clear: &Clear<'_>, groups: &GroupBytes<'_>) -> Verdict {
    match expr {
        Expr::True => Verdict::Yes,
        Expr::And(parts) => {
            let mut least = Verdict::Yes;
            for part in parts {
                least = least.min(judge(part, clear, groups));
                if least == Verdict::No {
                    break;
                }
            }
            least
        }
        Expr::Or(parts) => {
            let mut most = Verdict::No;
            for part in parts {
                most = most.max(judge(part, clear, groups));
                if most == Verdict::Yes {
                    break;
                }
            }
            most
        }
        Expr::Not(inner) => match judge(inner, clear, groups) {
            Verdict::No => Verdict::Yes,
            Verdict::Unknown => Verdict::Unknown,
            Verdict::Yes => Verdict::No,
        },
        Expr::Term(predicate) => judge_term(predicate, clear, groups),
    }
}

fn known(passes: bool) -> Verdict {
    if passes { Verdict::Yes } else { Verdict::No }
}

fn possible(may_pass: bool) -> Verdict {
    if may_pass { Verdict::Unknown } else { Verdict::No }
}

fn judge_term(predicate: &Predicate, clear: &Clear<'_>, groups: &GroupBytes<'_>) -> Verdict {
    let (field, any) = match predicate {
        Predicate::Text(pattern) => {
            if clear.action.as_ref().is_some_and(|action| pattern.matches(action)) {
                return Verdict::Yes;
            }
            // Without a group the action may still read `other`; the parsed event knows.
            let may_be_default = clear.action.is_none() && pattern.matches("other");
            let mut present = groups.present();
            return possible(
                may_be_default || present.any(|(_, bytes)| pattern.may_be_in_json(bytes)),
            );
        }
        Predicate::Change(_) => return possible(groups.get(Group::Changes).is_some()),
        Predicate::Target(_) => return possible(groups.get(Group::Targets).is_some()),
        Predicate::Field { field, any } => (field, any),
    };
    let texts_pass = |text: &str| {
        any.iter().any(|test| match test {
            Test::Present => true,
            Test::Text(pattern) => pattern.matches(text),
            _ => false,
        })
    };
    let ints_pass = |number: i64| {
        any.iter().any(|test| match test {
            Test::Times(range) | Test::Seqs(range) => range.contains(number),
            _ => false,
        })
    };
    match (field, &clear.action) {
        (Field::Occurred, _) => known_unless_present(any, ints_pass(clear.occurred_at.micros())),
        (Field::Recorded, _) => known_unless_present(any, ints_pass(clear.recorded_at.micros())),
        (Field::Seq, _) => known_unless_present(any, i64::try_from(clear.seq).is_ok_and(ints_pass)),
        (Field::Outcome, _) => known(texts_pass(clear.outcome.as_str())),
        (Field::Action, Some(action)) => known(texts_pass(action)),
        (Field::Action, None) => Verdict::Unknown,
        (Field::Id, _) => {
            let id = groups.get(Group::Id).map(Value::parse);
            match id {
                Some(Ok(Value::String(id))) => known(texts_pass(&id)),
                _ => Verdict::Unknown,
            }
        }
        _ => match field.group() {
            Some(group) => possible(groups.get(group).is_some()),
            None => Verdict::Unknown,
        },
    }
}

fn known_unless_present(any: &[Test], passes: bool) -> Verdict {
    known(passes || any.contains(&Test::Present))
}

#[cfg(test)]
mod tests;
