//! Why a filter's text cannot be read, and where.

use std::fmt;

/// What kind of fault it is, for callers that branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterErrorKind {
    /// The text breaks the grammar: a missing parenthesis, an operator without a term.
    Syntax,
    /// There is no field of that name.
    UnknownField,
    /// The field cannot have that value or cannot be compared.
    Value,
    /// A bound of [`crate::limits`] is exceeded.
    Limit,
}

/// A fault in a filter's text: the place, the reason in plain words, and what was perhaps meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The kind of fault.
    pub kind: FilterErrorKind,
    /// Byte offset in the text at which the fault begins.
    pub offset: usize,
    /// Bytes that the fault covers; 0 when something is missing at the offset.
    pub length: usize,
    /// What is wrong, in plain words.
    pub reason: String,
    /// What was perhaps meant, ready to stand in place of the covered bytes.
    pub suggestion: Option<String>,
}

impl FilterError {
    pub(crate) fn new(
        kind: FilterErrorKind,
        span: std::ops::Range<usize>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            offset: span.start,
            length: span.end.saturating_sub(span.start),
            reason: reason.into(),
            suggestion: None,
        }
    }

    pub(crate) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.reason, self.offset)?;
        match &self.suggestion {
            Some(near) => write!(f, "; did you mean `{near}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FilterError {}
