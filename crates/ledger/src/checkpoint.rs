//! Checkpoints (C2SP tlog-checkpoint v1.0.0): the origin, size and root of a tree, as a note's text.
//!
//! ```text
//! line 1   origin, equal to the name of the log's key
//! line 2   size, decimal without leading zeros
//! line 3   root, base64
//! line 4…  extension lines, not empty; never written here, ignored when read
//! ```
//!
//! What stays out: which checkpoint may be signed; that is decided where heads are recorded.

use alloc::format;
use alloc::string::{String, ToString};

use crate::hash::Hash;
use crate::note::{Note, NoteError, SigningKey, VerifierKey, key, write_note};

/// The head of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, which never changes.
    pub origin: String,
    /// How many leaves the tree has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// A text that is no checkpoint, or one that this log did not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it is not one, or not signed by a key that is known.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Not the lines of a checkpoint.
    #[error("not a checkpoint: {expected}")]
    Malformed {
        /// What a checkpoint has.
        expected: &'static str,
    },
    /// The checkpoint is of another log than the key.
    #[error("the checkpoint is of {found:?}, the key is of {expected:?}")]
    Origin {
        /// The origin in the checkpoint.
        found: String,
        /// The name of the key.
        expected: String,
    },
}

impl Checkpoint {
    /// Returns the three lines that are signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Reads the text of a note. Extension lines are looked at for their form only.
    ///
    /// # Errors
    /// Fewer than three lines, an empty line, a size with leading zeros or above 2^64 − 1, or a root
    /// that is not the base64 of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let malformed = |expected| CheckpointError::Malformed { expected };
        let body = text.strip_suffix('\n').ok_or_else(|| malformed("an LF at the end"))?;
        let mut lines = body.split('\n');
        let mut next = |expected| lines.next().ok_or_else(|| malformed(expected));
        let origin = next("an origin")?;
        let size = next("a size in the second line")?;
        let root = next("a root in the third line")?;
        // Stricter than the specification, which only recommends it; a key's name is as strict.
        if !key::is_key_name(origin) {
            return Err(malformed("an origin without spaces and plus signs"));
        }
        let size = parse_decimal(size).ok_or_else(|| malformed("a size in the second line"))?;
        let root = Hash::from_base64(root.as_bytes())
            .map_err(|_| malformed("a root in the third line"))?;
        if lines.any(str::is_empty) {
            return Err(malformed("no empty extension line"));
        }
        Ok(Self { origin: origin.to_string(), size, root })
    }

    /// Signs the checkpoint and returns the whole note.
    ///
    /// It is a pure function of the checkpoint and the key; whether these may be signed is decided
    /// before.
    pub fn sign(&self, key: &SigningKey) -> String {
        let text = self.text();
        write_note(&text, [key.sign(&text).as_str()])
    }

    /// Reads a note and checks that the log with this key signed it.
    ///
    /// # Errors
    /// Not a note, not a checkpoint, of another origin, or not signed by this key.
    pub fn open(note: &[u8], log: &VerifierKey) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin != log.name() {
            return Err(CheckpointError::Origin {
                found: checkpoint.origin,
                expected: log.name().to_string(),
            });
        }
        note.verify(core::slice::from_ref(log))?;
        Ok(checkpoint)
    }
}

/// Reads a decimal number in its one form: digits, no sign, no leading zero.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let is_canonical = text == "0" || !text.starts_with('0');
    (is_canonical && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests;
