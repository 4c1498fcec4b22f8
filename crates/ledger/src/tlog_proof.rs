//! `.tlog-proof` files (C2SP tlog-proof): one leaf's way to a signed root, in one text.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64>             optional, authenticated by nothing
//! index <decimal>
//! <base64 hash>              the path, the leaf's sibling first
//!                            an empty line
//! <checkpoint>               a signed note, as it was published
//! ```
//!
//! What stays out: the leaf. Whoever verifies brings its hash.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, CheckpointError, parse_decimal};
use crate::hash::Hash;
use crate::note::{NOTE_BYTES_MAX, VerifierKey};
use crate::proof::{ProofError, verify_inclusion};

/// The first line.
pub const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Most hashes in a path: no tree of 2^64 leaves is higher.
pub const PATH_MAX: usize = 64;
/// Most bytes of extra data that are read.
pub const EXTRA_BYTES_MAX: usize = 64 << 10;
/// Longest file that is read, in bytes.
pub const BYTES_MAX: usize = NOTE_BYTES_MAX + 2 * EXTRA_BYTES_MAX + 8192;

/// A proof that a leaf is in a tree whose head was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Data of the application's own; nothing vouches for it.
    pub extra: Option<Vec<u8>>,
    /// The leaf's index.
    pub index: u64,
    /// The path, the leaf's sibling first and the root's child last.
    pub path: Vec<Hash>,
    /// The checkpoint, a whole signed note.
    pub checkpoint: String,
}

/// A text that is no proof, or a proof that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// Not the lines of a proof.
    #[error("not a .tlog-proof: {expected}")]
    Malformed {
        /// What a proof has.
        expected: &'static str,
    },
    /// The checkpoint in it is not signed by the log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The path does not lead from the leaf to the root.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl TlogProof {
    /// Returns the file's text.
    pub fn to_text(&self) -> String {
        let mut text = String::from(HEADER);
        text.push('\n');
        if let Some(extra) = &self.extra {
            text.push_str("extra ");
            STANDARD.encode_string(extra, &mut text);
            text.push('\n');
        }
        let _ = writeln!(text, "index {}", self.index);
        write_hashes(&self.path, &mut text);
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads a file. The checkpoint is taken as it is; [`TlogProof::verify`] looks at it.
    ///
    /// # Errors
    /// Another form, base64 or number that is not canonical, or more than the bounds above.
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogProofError> {
        let malformed = |expected| TlogProofError::Malformed { expected };
        if bytes.len() > BYTES_MAX {
            return Err(malformed("fewer bytes"));
        }
        let text = core::str::from_utf8(bytes).map_err(|_| malformed("UTF-8"))?;
        let rest = text
            .strip_prefix(HEADER)
            .and_then(|rest| rest.strip_prefix('\n'))
            .ok_or_else(|| malformed("its name in the first line"))?;
        let (head, checkpoint) =
            rest.split_once("\n\n").ok_or_else(|| malformed("an empty line"))?;
        let mut lines = head.split('\n');
        let mut line = lines.next();
        let extra = match line.and_then(|line| line.strip_prefix("extra ")) {
            Some(extra) if extra.len() <= 2 * EXTRA_BYTES_MAX => {
                line = lines.next();
                let extra =
                    STANDARD.decode(extra).map_err(|_| malformed("extra data in base64"))?;
                Some(extra)
            }
            Some(_) => return Err(malformed("less extra data")),
            None => None,
        };
        let index = line
            .and_then(|line| line.strip_prefix("index "))
            .and_then(parse_decimal)
            .ok_or_else(|| malformed("an index"))?;
        let path =
            read_hashes(lines, PATH_MAX).ok_or_else(|| malformed("at most 64 hashes in base64"))?;
        Ok(Self { extra, index, path, checkpoint: checkpoint.to_string() })
    }

    /// Checks that the leaf with this hash is in the tree that the log signed, and returns the head.
    ///
    /// The index is the proof's own: whoever holds the leaf compares it with the leaf's `seq`.
    ///
    /// # Errors
    /// The checkpoint is not signed by this key, or the path leads elsewhere.
    pub fn verify(&self, leaf: &Hash, log: &VerifierKey) -> Result<Checkpoint, TlogProofError> {
        let checkpoint = Checkpoint::open(self.checkpoint.as_bytes(), log)?;
        verify_inclusion(leaf, self.index, checkpoint.size, &self.path, &checkpoint.root)?;
        Ok(checkpoint)
    }
}

/// Appends hashes, one a line.
pub(crate) fn write_hashes(hashes: &[Hash], text: &mut String) {
    for hash in hashes {
        let _ = writeln!(text, "{hash}");
    }
}

/// Reads one hash a line; `None` for a line that is none, or for too many.
pub(crate) fn read_hashes<'l>(
    lines: impl Iterator<Item = &'l str>,
    max: usize,
) -> Option<Vec<Hash>> {
    let mut hashes = Vec::new();
    for line in lines {
        if hashes.len() == max {
            return None;
        }
        hashes.push(Hash::from_base64(line.as_bytes()).ok()?);
    }
    Some(hashes)
}

#[cfg(test)]
mod tests;
