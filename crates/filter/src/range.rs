//! Ranges of times, sequence numbers, numbers and texts, as comparisons and `a..b` make them.

use crate::ast::Op;

/// Whole numbers from `min` to `max`, both included; times are microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntRange {
    /// The smallest.
    pub min: i64,
    /// The largest; below `min` when nothing fits.
    pub max: i64,
}

impl IntRange {
    /// Every number.
    pub const ALL: Self = Self { min: i64::MIN, max: i64::MAX };

    /// Tells whether the number lies in the range.
    pub fn contains(&self, number: i64) -> bool {
        self.min <= number && number <= self.max
    }

    /// Returns what both ranges hold.
    pub fn intersect(self, other: Self) -> Self {
        Self { min: self.min.max(other.min), max: self.max.min(other.max) }
    }

    /// Returns the smallest range that holds both.
    pub fn hull(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    pub(crate) fn of_bound(op: Op, first: i64, last_as_end: i64) -> Self {
        match op {
            Op::Greater => Self { min: last_as_end.saturating_add(1), ..Self::ALL },
            Op::GreaterOrEqual => Self { min: first, ..Self::ALL },
            Op::Less => Self { max: first.saturating_sub(1), ..Self::ALL },
            Op::LessOrEqual => Self { max: last_as_end, ..Self::ALL },
        }
    }
}

/// Numbers between two ends; each end is a number and whether it is included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NumberRange {
    /// The lower end; none when open.
    pub min: Option<(f64, bool)>,
    /// The upper end; none when open.
    pub max: Option<(f64, bool)>,
}

impl NumberRange {
    /// Tells whether the number lies in the range.
    pub fn contains(&self, number: f64) -> bool {
        self.min.is_none_or(|(end, included)| number > end || (included && number == end))
            && self.max.is_none_or(|(end, included)| number < end || (included && number == end))
    }
}

/// Folded texts between two ends, by code point; each end is a text and whether it is included.
///
/// A text that begins with an end counts as that end, so that `2026-11` as an end takes all its days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextRange {
    /// The lower end; none when open.
    pub min: Option<(Box<str>, bool)>,
    /// The upper end; none when open.
    pub max: Option<(Box<str>, bool)>,
}

impl TextRange {
    /// Tells whether a folded text lies in the range.
    pub fn contains(&self, folded: &str) -> bool {
        let above = |(end, included): &(Box<str>, bool)| {
            if folded.starts_with(&**end) { *included } else { folded > &**end }
        };
        let below = |(end, included): &(Box<str>, bool)| {
            if folded.starts_with(&**end) { *included } else { folded < &**end }
        };
        self.min.as_ref().is_none_or(above) && self.max.as_ref().is_none_or(below)
    }
}

/// An end of a range and whether it is included.
pub(crate) type End<T> = Option<(T, bool)>;

/// Returns the lower and upper end of a comparison.
pub(crate) fn ends<T>(op: Op, end: T) -> (End<T>, End<T>) {
    match op {
        Op::Greater => (Some((end, false)), None),
        Op::GreaterOrEqual => (Some((end, true)), None),
        Op::Less => (None, Some((end, false))),
        Op::LessOrEqual => (None, Some((end, true))),
    }
}
