//! What a verification found: every check apart, with a status and a sentence.

use alloc::string::String;
use alloc::vec::Vec;

use crate::checkpoint::Checkpoint;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It holds.
    Pass,
    /// Nobody asked for it, or the bundle does not claim it.
    Skipped,
    /// It holds, but whoever reads should know something.
    Notice,
    /// The verifier's own policy is not met.
    NotMet,
    /// Something that is needed is not there.
    Incomplete,
    /// It does not hold.
    Fail,
}

/// What the whole comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything holds.
    Ok,
    /// A proof fails.
    Fails,
    /// Nothing fails, but something that is needed is not there.
    Incomplete,
    /// Everything holds but the verifier's own policy.
    PolicyNotMet,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name, one or two words.
    pub name: &'static str,
    /// How it went.
    pub status: Status,
    /// What was found.
    pub detail: String,
}

/// Everything that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The checks, in the order in which they are told.
    pub checks: Vec<Check>,
    /// The head, once its signature holds.
    pub head: Option<Checkpoint>,
    /// Events with a line of openings.
    pub event_count: u64,
    /// Openings that open their commitment.
    pub opening_count: u64,
    /// Groups that were kept back.
    pub withheld_count: u64,
    /// Groups that were erased, by whom: (seq of the event, pointer, seq of the leaf that says so).
    /// The first 1,000.
    pub erased: Vec<(u64, &'static str, u64)>,
    /// How many groups were erased.
    pub erased_count: u64,
    /// How many events were purged.
    pub purged_count: u64,
}

impl Status {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "ok",
            Self::Skipped => "skipped",
            Self::Notice => "note",
            Self::NotMet => "not met",
            Self::Incomplete => "incomplete",
            Self::Fail => "FAILED",
        }
    }
}

impl Verdict {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fails => "proof_fails",
            Self::Incomplete => "incomplete",
            Self::PolicyNotMet => "policy_not_met",
        }
    }

    /// Returns the exit code of `proofbook verify`; 2 is for what is wrong with the command line.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Fails => 1,
            Self::Incomplete => 3,
            Self::PolicyNotMet => 4,
        }
    }
}

impl Report {
    /// Returns what the whole comes to: the worst of the checks.
    pub fn verdict(&self) -> Verdict {
        match self.checks.iter().map(|check| check.status).max() {
            Some(Status::Fail) | None => Verdict::Fails,
            Some(Status::Incomplete) => Verdict::Incomplete,
            Some(Status::NotMet) => Verdict::PolicyNotMet,
            Some(Status::Pass | Status::Skipped | Status::Notice) => Verdict::Ok,
        }
    }

    /// Returns the check of this name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }
}
