//! The filter language: one language for lists, URLs, saved views, exports, rules and access.
//!
//! The way of a filter: text → [`Filter::parse`] → [`Filter`] (as typed, printable) →
//! [`Filter::resolve`] → [`ResolvedFilter`] (times fixed, texts folded, same-entity terms bound) →
//! [`ResolvedFilter::matches`] against one event, or a plan made by `query` from
//! [`ResolvedFilter::expr`]. The page for users is `docs/guide/filter.md`.
//!
//! What stays out: segments, indexes, HTTP, clocks. `now` and the zone are passed in.
//!
//! Invariants: parsing never panics; a printed filter parses to itself; matching one event takes
//! time linear in (its text × the filter's terms), whatever the filter.
#![forbid(unsafe_code)]

mod ast;
mod error;
mod eval;
mod field;
mod fold;
pub mod limits;
mod moment;
mod net;
mod parse;
mod pattern;
mod print;
mod range;
mod resolve;
mod token;
mod value;
mod values;
mod verdict;

pub use ast::{FieldTerm, Filter, Glob, Match, Node, Number, Op, Operand, TextTerm};
pub use error::{FilterError, FilterErrorKind};
pub use eval::GroupSet;
pub use field::{Field, NAMES};
pub use fold::{FOLD_VERSION, FoldVersion, UNICODE_VERSION, fold, fold_into};
pub use moment::{ResolveContext, TimeExpr, Window};
pub use net::IpNet;
pub use pattern::TextPattern;
pub use range::{IntRange, NumberRange, TextRange};
pub use resolve::{Clause, Condition, Expr, Predicate, ResolvedFilter, Test};
pub use verdict::Verdict;

#[cfg(test)]
mod sample;
