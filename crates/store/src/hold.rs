//! Legal holds: what must stay although its retention ends, and must not be erased.
//!
//! A hold is a filter over one workspace's events. It beats retention in queries and in purges until it
//! is lifted. Its filter uses exact fields only, and its times are fixed when it is placed, so that it
//! never comes to hold less than it did.

use proofbook_event::Timestamp;
use proofbook_filter::{
    Expr, Field, Filter, FilterError, Predicate, ResolveContext, ResolvedFilter,
};

use crate::config::Hold;

/// Why a filter cannot be that of a hold.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HoldFilterError {
    /// It is no filter.
    #[error("the filter cannot be read")]
    Filter(#[from] FilterError),
    /// It asks for text that stands somewhere in an event.
    #[error("a hold's filter names fields, such as actor.id:u_7; a word alone is not exact")]
    Text,
    /// It names a field that is not exact.
    #[error(
        "a hold's filter cannot use `{field}`; it can use action, module, verb, severity, outcome, \
         actor.id, actor.email, actor.type, target.type, target.id, ip, country, occurred, \
         recorded, seq, id, request, session and source"
    )]
    Field {
        /// The field.
        field: String,
    },
}

/// Returns a hold's filter with its times fixed.
///
/// # Errors
/// It is none that a hold may have; see [`HoldFilterError`].
pub fn resolve(hold: &Hold) -> Result<ResolvedFilter, HoldFilterError> {
    let now = Timestamp::from_micros(hold.placed_at);
    let context = ResolveContext { now, zone: jiff::tz::TimeZone::UTC };
    let resolved = Filter::parse(&hold.filter)?.resolve(&context);
    check(resolved.expr())?;
    Ok(resolved)
}

/// Returns a hold's filter; one that this version cannot read holds everything.
pub fn holds(hold: &Hold) -> ResolvedFilter {
    resolve(hold).unwrap_or_else(|_| ResolvedFilter::everything())
}

fn check(expr: &Expr) -> Result<(), HoldFilterError> {
    match expr {
        Expr::True => Ok(()),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().try_for_each(check),
        Expr::Not(inner) => check(inner),
        Expr::Term(predicate) => check_term(predicate),
    }
}

fn check_term(predicate: &Predicate) -> Result<(), HoldFilterError> {
    let check_field = |field: &Field| match is_exact(field) {
        true => Ok(()),
        false => Err(HoldFilterError::Field { field: field.to_string() }),
    };
    match predicate {
        Predicate::Text(_) => Err(HoldFilterError::Text),
        Predicate::Field { field, .. } => check_field(field),
        Predicate::Change(clauses) | Predicate::Target(clauses) => {
            clauses.iter().flatten().try_for_each(|condition| check_field(&condition.field))
        }
    }
}

fn is_exact(field: &Field) -> bool {
    matches!(
        field,
        Field::Action
            | Field::Module
            | Field::Verb
            | Field::Severity
            | Field::Outcome
            | Field::ActorId
            | Field::ActorEmail
            | Field::ActorType
            | Field::TargetType
            | Field::TargetId
            | Field::Ip
            | Field::Country
            | Field::Occurred
            | Field::Recorded
            | Field::Seq
            | Field::Id
            | Field::Request
            | Field::Session
            | Field::Source
    )
}

#[cfg(test)]
mod tests;
