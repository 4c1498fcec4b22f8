//! Why a verb did not do what it was asked: a kind with its exit code, a message, a hint.
//!
//! Libraries have their own errors; a verb translates them here, once. The edge (`main`) prints the
//! chain of causes.

use std::error::Error;
use std::fmt;

/// What kind of failure it was; scripts branch on its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitKind {
    /// It did not work; the message says why.
    Failed,
    /// The command line or a file given in it is wrong.
    Usage,
    /// It was done, except for some items, which were named.
    Partly,
    /// Stored data is damaged; the files are named.
    Damage,
    /// A bundle's proofs hold, and the policy that the caller gave is not met.
    NotMet,
    /// The server cannot be reached.
    Unreachable,
    /// The key is missing, wrong, or may not do this.
    Forbidden,
    /// There is no such workspace, event or key.
    NotFound,
    /// Another process has the data directory open.
    InUse,
    /// A log did not only grow: it was forked, rolled back or rewritten.
    Forked,
    /// Whoever read our output stopped reading; no fault of anybody.
    Closed,
}

/// The exit codes, as `--help` and `docs/guide/cli.md` show them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  it did not work; the message says why
  2  the command line, or a file given in it, is wrong
  3  done except for some items, each of which was named
  4  stored data is damaged, and the files were named; or a bundle does not meet the policy given
  5  the server cannot be reached
  6  the key is missing, wrong, or may not do this
  7  no such workspace, event or key
  8  another process has the data directory open
  9  a log did not only grow: it was forked, rolled back or rewritten";

impl ExitKind {
    /// Returns the process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partly => 3,
            Self::Damage | Self::NotMet => 4,
            Self::Unreachable => 5,
            Self::Forbidden => 6,
            Self::NotFound => 7,
            Self::InUse => 8,
            Self::Forked => 9,
        }
    }
}

/// Why a verb failed.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure.
    pub kind: ExitKind,
    /// What happened, in plain words.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// Makes a failure of a kind.
    pub fn new(kind: ExitKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// Makes a failure of no special kind.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ExitKind::Failed, message)
    }

    /// Makes a failure of the command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitKind::Usage, message)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(self, cause: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Box::new(cause)), ..self }
    }

    /// Returns the message with its causes, on one line.
    pub fn chain(&self) -> String {
        chain(self)
    }
}

/// Writes an error and its causes on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}
