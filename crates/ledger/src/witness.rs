//! What a witness decides (C2SP tlog-witness v1): whether a submitted head continues the last one that it
//! cosigned for that log.
//!
//! The request is [`ConsistencyLines`]. What stays out: HTTP, and keeping the last head; whoever calls
//! this keeps one durably for each log, and cosigns only after the new one is kept.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::checkpoint::Checkpoint;
use crate::consistency::ConsistencyLines;
use crate::note::{Note, VerifierKey};
use crate::proof::verify_consistency;

/// A head that may be cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The head, to be kept.
    pub head: Checkpoint,
    /// The text to cosign.
    pub text: String,
    /// The whole note as it was submitted.
    pub note: String,
}

/// Why a head is not cosigned; each has its HTTP status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a request of this protocol, or an old size above the new one.
    #[error("not a request to add a checkpoint: {0}")]
    Malformed(String),
    /// The log is not one of those that are witnessed here.
    #[error("the log is not known here")]
    UnknownLog,
    /// None of the log's keys signed the head.
    #[error("the checkpoint is not signed by the log")]
    Unsigned,
    /// The request starts from another size than the last head that was cosigned.
    #[error("the last cosigned size is {size}")]
    Stale {
        /// The size of the last head.
        size: u64,
    },
    /// The head does not continue the last one: a fork, or a wrong proof.
    #[error("the checkpoint does not continue the one cosigned last")]
    Inconsistent,
}

impl Refusal {
    /// Returns the status that the protocol answers.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::UnknownLog => 404,
            Self::Unsigned => 403,
            Self::Stale { .. } => 409,
            Self::Inconsistent => 422,
        }
    }
}

/// Returns the origin that a request is about, to look up the last head.
///
/// # Errors
/// [`Refusal::Malformed`].
pub fn origin_of(request: &[u8]) -> Result<String, Refusal> {
    let malformed = |error: &dyn core::fmt::Display| Refusal::Malformed(error.to_string());
    let lines = ConsistencyLines::parse(request).map_err(|error| malformed(&error))?;
    let note = Note::parse(lines.checkpoint.as_bytes()).map_err(|error| malformed(&error))?;
    let head = Checkpoint::parse(note.text()).map_err(|error| malformed(&error))?;
    Ok(head.origin)
}

/// Decides on a request. `last` is the last head that was cosigned for its origin; the caller lets no
/// other request for that origin in between, until what is accepted is kept.
///
/// # Errors
/// See [`Refusal`].
pub fn decide(
    request: &[u8],
    logs: &[VerifierKey],
    last: Option<&Checkpoint>,
) -> Result<Accepted, Refusal> {
    let malformed = |error: &dyn core::fmt::Display| Refusal::Malformed(error.to_string());
    let lines = ConsistencyLines::parse(request).map_err(|error| malformed(&error))?;
    let note = Note::parse(lines.checkpoint.as_bytes()).map_err(|error| malformed(&error))?;
    let head = Checkpoint::parse(note.text()).map_err(|error| malformed(&error))?;
    let keys: Vec<VerifierKey> =
        logs.iter().filter(|key| key.name() == head.origin).cloned().collect();
    if keys.is_empty() {
        return Err(Refusal::UnknownLog);
    }
    if note.verify(&keys).is_err() {
        return Err(Refusal::Unsigned);
    }
    if lines.old_size > head.size {
        return Err(Refusal::Malformed("the old size is above the new one".to_string()));
    }
    let (size, root) = last.map_or((0, crate::hash::EMPTY_ROOT), |last| (last.size, last.root));
    if lines.old_size != size {
        return Err(Refusal::Stale { size });
    }
    verify_consistency(size, &root, head.size, &head.root, &lines.proof)
        .map_err(|_| Refusal::Inconsistent)?;
    let text = note.text().to_string();
    Ok(Accepted { head, text, note: lines.checkpoint })
}

#[cfg(test)]
mod tests;
