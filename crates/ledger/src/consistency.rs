//! Consistency lines: that a signed tree begins with an older one, as one text.
//!
//! There is no file format of C2SP's for a consistency proof alone, so this is the body of tlog-witness's
//! `add-checkpoint`: what the server answers can be posted to a witness as it is.
//!
//! ```text
//! old <decimal>              the older size
//! <base64 hash>              the proof, at most 63 lines
//!                            an empty line
//! <checkpoint>               a signed note, the newer head
//! ```
//!
//! What stays out: the older root; whoever verifies has kept it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::checkpoint::{Checkpoint, CheckpointError, parse_decimal};
use crate::hash::Hash;
use crate::note::{NOTE_BYTES_MAX, VerifierKey};
use crate::proof::{ProofError, verify_consistency};
use crate::tlog_proof::{read_hashes, write_hashes};

/// Most hashes (C2SP tlog-witness).
pub const HASHES_MAX: usize = 63;
/// Longest text that is read, in bytes.
pub const BYTES_MAX: usize = NOTE_BYTES_MAX + 4096;

/// A newer head, and the proof that it continues a tree of an older size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyLines {
    /// The older size.
    pub old_size: u64,
    /// The proof (RFC 9162 section 2.1.4).
    pub proof: Vec<Hash>,
    /// The newer checkpoint, a whole signed note.
    pub checkpoint: String,
}

/// A text that is not these lines, or a proof that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsistencyError {
    /// Another form.
    #[error("not consistency lines: {expected}")]
    Malformed {
        /// What they have.
        expected: &'static str,
    },
    /// The proof starts from another size than the head that was kept.
    #[error("the lines start from size {found}, the kept head has {expected}")]
    OldSize {
        /// The size in the lines.
        found: u64,
        /// The size that was kept.
        expected: u64,
    },
    /// The newer checkpoint is not signed by the log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The newer tree does not begin with the older one.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl ConsistencyLines {
    /// Returns the text.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "old {}", self.old_size);
        write_hashes(&self.proof, &mut text);
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads the text. The checkpoint is taken as it is; [`ConsistencyLines::verify`] looks at it.
    ///
    /// # Errors
    /// Another form, base64 or number that is not canonical, or more than the bounds above.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConsistencyError> {
        let malformed = |expected| ConsistencyError::Malformed { expected };
        if bytes.len() > BYTES_MAX {
            return Err(malformed("fewer bytes"));
        }
        let text = core::str::from_utf8(bytes).map_err(|_| malformed("UTF-8"))?;
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or_else(|| malformed("an empty line"))?;
        let mut lines = head.split('\n');
        let old_size = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(parse_decimal)
            .ok_or_else(|| malformed("the old size in the first line"))?;
        let proof = read_hashes(lines, HASHES_MAX)
            .ok_or_else(|| malformed("at most 63 hashes in base64"))?;
        Ok(Self { old_size, proof, checkpoint: checkpoint.to_string() })
    }

    /// Checks that the log signed the newer head and that it continues `old`; returns the newer head.
    ///
    /// # Errors
    /// Another old size, a head not signed by this key, or a tree that is no continuation.
    pub fn verify(
        &self,
        old: &Checkpoint,
        log: &VerifierKey,
    ) -> Result<Checkpoint, ConsistencyError> {
        if self.old_size != old.size {
            return Err(ConsistencyError::OldSize { found: self.old_size, expected: old.size });
        }
        let new = Checkpoint::open(self.checkpoint.as_bytes(), log)?;
        verify_consistency(old.size, &old.root, new.size, &new.root, &self.proof)?;
        Ok(new)
    }
}

#[cfg(test)]
mod tests;
