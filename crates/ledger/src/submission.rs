//! The log's side of a witness (C2SP tlog-witness v1): what is submitted to it, and what its answer is
//! worth.
//!
//! Whoever carries a head to a witness does it with this: the server for its own heads, `watch` for those
//! that it pulled. A line counts only when the witness's key made it over the very head that was
//! submitted; one that merely says so would spoil the note for everybody who knows the key.
//!
//! What stays out: HTTP, deadlines, and keeping the size that a witness knows.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::checkpoint::{Checkpoint, CheckpointError, parse_decimal};
use crate::consistency::ConsistencyLines;
use crate::hash::Hash;
use crate::note::{Note, SIGNATURES_MAX, SignatureLine, VerifierKey, write_note};

/// A head on its way to witnesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission<'n> {
    bytes: &'n str,
    note: Note<'n>,
    head: Checkpoint,
}

/// What a witness's answer to `add-checkpoint` is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// A cosignature that holds: its line, without LF.
    Cosigned(&'a str),
    /// Nothing was cosigned yet: the witness knows the log up to this size, so submit it from there.
    Knows {
        /// How many leaves, at most those of the head.
        size: u64,
    },
    /// The witness knows a head that is greater than this one.
    Ahead {
        /// How many leaves.
        size: u64,
    },
    /// The witness knows another history.
    Forked,
    /// It says that it cosigned, and no line of its key holds over this head.
    Unsigned,
    /// It does not cosign, or answers what the protocol does not know.
    Refused,
}

impl<'n> Submission<'n> {
    /// Takes a signed note of the log.
    ///
    /// # Errors
    /// It is no note, or its text is no checkpoint.
    pub fn new(note: &'n str) -> Result<Self, CheckpointError> {
        let parsed = Note::parse(note.as_bytes())?;
        let head = Checkpoint::parse(parsed.text())?;
        Ok(Self { bytes: note, note: parsed, head })
    }

    /// Returns the head.
    pub fn head(&self) -> &Checkpoint {
        &self.head
    }

    /// Returns the text that the log signed and witnesses cosign.
    pub fn text(&self) -> &'n str {
        self.note.text()
    }

    /// Returns the request's body. `old_size` is what the witness is thought to know, with the proof that
    /// the head continues it; for a witness of which nothing is known 0 and no proof.
    pub fn body(&self, old_size: u64, proof: Vec<Hash>) -> String {
        ConsistencyLines { old_size, proof, checkpoint: self.bytes.to_string() }.to_text()
    }

    /// Tells what an answer is worth to a request from `old_size`. `status` is that of HTTP.
    pub fn judge<'a>(
        &self,
        witness: &VerifierKey,
        old_size: u64,
        status: u16,
        answer: &'a [u8],
    ) -> Answer<'a> {
        let answer = core::str::from_utf8(answer).unwrap_or_default();
        match status {
            200 => match self.cosignature(witness, answer) {
                Some(line) => Answer::Cosigned(line),
                None => Answer::Unsigned,
            },
            409 => match parse_decimal(answer.trim_end()) {
                Some(size) if size > self.head.size => Answer::Ahead { size },
                Some(size) if size != old_size => Answer::Knows { size },
                // From the size that it knows to the same size, and yet a conflict: the roots differ.
                Some(size) if size == self.head.size => Answer::Forked,
                _ => Answer::Refused,
            },
            422 => Answer::Forked,
            _ => Answer::Refused,
        }
    }

    /// Finds the first line that the witness's key made over this head.
    fn cosignature<'a>(&self, witness: &VerifierKey, answer: &'a str) -> Option<&'a str> {
        let holds = |line: &SignatureLine<'_>| {
            line.name == witness.name()
                && line.key_id == witness.id()
                && witness.verify(self.text().as_bytes(), &line.signature).is_some()
        };
        // What is longer than the longest note is no answer; each line may cost a verification.
        let lines = answer.lines().take(SIGNATURES_MAX);
        lines.filter_map(|line| SignatureLine::parse(line).ok()).find(holds).map(|line| line.line)
    }

    /// Returns the note with cosignatures that [`Submission::judge`] found: one line a key, the newest,
    /// and no more lines than a note may have.
    pub fn cosigned<'l>(&self, cosignatures: impl IntoIterator<Item = &'l str>) -> String {
        let new: Vec<SignatureLine<'l>> =
            cosignatures.into_iter().filter_map(|line| SignatureLine::parse(line).ok()).collect();
        let is_replaced = |old: &&SignatureLine<'_>| {
            new.iter().any(|line| line.name == old.name && line.key_id == old.key_id)
        };
        let kept = self.note.lines().iter().filter(|line| !is_replaced(line));
        let lines = kept.map(|line| line.line).chain(new.iter().map(|line| line.line));
        write_note(self.text(), lines.take(SIGNATURES_MAX))
    }
}

#[cfg(test)]
mod tests;
