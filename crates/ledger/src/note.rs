//! Signed notes (C2SP signed-note v1.0.0): a text, an empty line, and lines of signatures.
//!
//! ```text
//! text      any UTF-8 without control characters other than LF, ending in LF
//! LF        the last empty line of the note
//! line      U+2014 ' ' key name ' ' base64(key ID[4] ‖ signature) LF, one or more
//! ```
//!
//! The signed bytes are the text with its final LF, without the empty line. A reader ignores lines
//! of keys it does not know; a line of a known key must verify, or the whole note is refused.
//!
//! Keys are in [`key`]. What stays out: what the text means (see [`mod@crate::checkpoint`]).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub mod key;

pub use key::{KeyError, KeyKind, SigningKey, VerifierKey};

/// Longest note that is read, in bytes: 64 lines of the largest known signatures and some text.
pub const NOTE_BYTES_MAX: usize = 512 << 10;
/// Most signature lines that are read; the specification asks for at least 16.
pub const SIGNATURES_MAX: usize = 64;
/// What each signature line begins with: an em dash and a space.
const LINE_START: &str = "\u{2014} ";

/// Bytes that are no signed note, or one that the given keys did not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`NOTE_BYTES_MAX`].
    #[error("a note of {found_bytes} bytes is too long")]
    Long {
        /// The length given.
        found_bytes: usize,
    },
    /// Not the form of a note.
    #[error("not a signed note: {expected}")]
    Malformed {
        /// What a note has.
        expected: &'static str,
    },
    /// A line claims a known key, and its signature does not hold.
    #[error("the signature of {name} does not hold")]
    BadSignature {
        /// The key's name.
        name: String,
    },
    /// No line is of a known key.
    #[error("not signed by any of the {known_count} known keys")]
    Unsigned {
        /// How many keys were known.
        known_count: usize,
    },
}

/// A note taken apart, its signatures not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    lines: Vec<SignatureLine<'a>>,
}

/// One line of signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine<'a> {
    /// The name of the key that is said to have signed.
    pub name: &'a str,
    /// The first four bytes of the blob, which tell keys of one name apart.
    pub key_id: u32,
    /// The rest of the blob.
    pub signature: Vec<u8>,
    /// The line itself, without its LF.
    pub line: &'a str,
}

/// A known key's signature that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Which of the given keys signed, by its place in the slice.
    pub key_index: usize,
    /// When, in POSIX seconds, for a cosignature; a log's own signature says no time.
    pub time_s: Option<u64>,
}

impl<'a> Note<'a> {
    /// Takes a note apart.
    ///
    /// # Errors
    /// The bytes are not a note in the form above, or too long.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Long { found_bytes: bytes.len() });
        }
        let malformed = |expected| NoteError::Malformed { expected };
        let note = core::str::from_utf8(bytes).map_err(|_| malformed("UTF-8"))?;
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(malformed("no control character but LF"));
        }
        let gap = note.rfind("\n\n").ok_or_else(|| malformed("an empty line"))?;
        let (text, rest) = (&note[..=gap], &note[gap + 2..]);
        let rest = rest.strip_suffix('\n').ok_or_else(|| malformed("an LF at the end"))?;
        let mut lines = Vec::new();
        for line in rest.split('\n') {
            if lines.len() == SIGNATURES_MAX {
                return Err(malformed("at most 64 signatures"));
            }
            lines.push(SignatureLine::parse(line)?);
        }
        Ok(Self { text, lines })
    }

    /// Returns the text that was signed, with its final LF.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Returns the lines of signatures, known and unknown.
    pub fn lines(&self) -> &[SignatureLine<'a>] {
        &self.lines
    }

    /// Checks the lines of the keys given; others are ignored. A key counts once, however many
    /// lines it has.
    ///
    /// # Errors
    /// A line of a known key does not verify, or no line is of a known key.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<Verified>, NoteError> {
        let mut verified: Vec<Verified> = Vec::new();
        for line in &self.lines {
            let known =
                keys.iter().position(|key| key.name() == line.name && key.id() == line.key_id);
            let Some(key_index) = known else { continue };
            let time_s = keys[key_index]
                .verify(self.text.as_bytes(), &line.signature)
                .ok_or_else(|| NoteError::BadSignature { name: line.name.to_string() })?;
            if verified.iter().all(|other| other.key_index != key_index) {
                verified.push(Verified { key_index, time_s });
            }
        }
        if verified.is_empty() {
            return Err(NoteError::Unsigned { known_count: keys.len() });
        }
        Ok(verified)
    }
}

impl<'a> SignatureLine<'a> {
    /// Reads one line, without its LF.
    ///
    /// # Errors
    /// The line has another form, or its base64 is not canonical.
    pub fn parse(line: &'a str) -> Result<Self, NoteError> {
        let malformed = |expected| NoteError::Malformed { expected };
        let rest = line
            .strip_prefix(LINE_START)
            .ok_or_else(|| malformed("signature lines that begin with an em dash and a space"))?;
        let (name, blob) =
            rest.split_once(' ').ok_or_else(|| malformed("a name and a signature in each line"))?;
        if !key::is_key_name(name) {
            return Err(malformed("key names without spaces and plus signs"));
        }
        let blob = STANDARD.decode(blob).map_err(|_| malformed("signatures in base64"))?;
        let (key_id, signature) = blob
            .split_first_chunk::<4>()
            .filter(|(_, signature)| !signature.is_empty())
            .ok_or_else(|| malformed("more than four bytes in each signature"))?;
        Ok(Self { name, key_id: u32::from_be_bytes(*key_id), signature: signature.to_vec(), line })
    }
}

/// Puts a note together from a text, which must end in LF, and signature lines without LF.
pub fn write_note<'l>(text: &str, lines: impl IntoIterator<Item = &'l str>) -> String {
    debug_assert!(text.ends_with('\n'), "a note's text ends in LF");
    let mut note = String::from(text);
    note.push('\n');
    for line in lines {
        note.push_str(line);
        note.push('\n');
    }
    note
}

/// Writes a signature line, without LF.
fn write_line(name: &str, key_id: u32, signature: &[u8]) -> String {
    let mut blob = Vec::with_capacity(4 + signature.len());
    blob.extend_from_slice(&key_id.to_be_bytes());
    blob.extend_from_slice(signature);
    let mut line = String::from(LINE_START);
    line.push_str(name);
    line.push(' ');
    STANDARD.encode_string(&blob, &mut line);
    line
}

#[cfg(test)]
mod tests;
