//! Reading a leaf back, for verifiers: strictly the bytes that [`super::write_leaf`] writes.

use alloc::vec::Vec;

use proofbook_event::words::Outcome;
use proofbook_event::{Group, Timestamp};

use super::{
    Hash, LEAF_BYTES_MAX, LeafFields, Nonce, OTHER_ACTION, WorkspaceUid, decode_base64,
    is_clear_action, write_leaf,
};

/// A leaf read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedLeaf<'a> {
    /// The workspace's opaque id.
    pub workspace: WorkspaceUid,
    /// The event's number, which must equal its leaf index.
    pub seq: u64,
    /// When the server recorded it.
    pub recorded_at: Timestamp,
    /// When the producer says it happened.
    pub occurred_at: Timestamp,
    /// The action, or `None` where the leaf says `other`.
    pub action: Option<&'a str>,
    /// How the act ended.
    pub outcome: Outcome,
    /// The nonce.
    pub nonce: Nonce,
    /// The commitments, in the order of [`Group::ALL`].
    pub sealed: Vec<(Group, Hash)>,
}

/// Bytes that are no leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseLeafError {
    /// The bytes leave the form of a leaf.
    #[error("not a leaf: expected {expected} at byte {at}")]
    Malformed {
        /// The byte offset.
        at: usize,
        /// What a leaf has there.
        expected: &'static str,
    },
    /// More bytes than any leaf has.
    #[error("a leaf has at most 1024 bytes, found {found_bytes}")]
    Long {
        /// The length given.
        found_bytes: usize,
    },
    /// Every field can be read, but a leaf of these fields has other bytes.
    #[error("the leaf is not in its canonical form")]
    NotCanonical,
}

impl ParsedLeaf<'_> {
    /// Returns the fields as the writer takes them.
    pub fn fields(&self) -> LeafFields<'_> {
        LeafFields {
            workspace: self.workspace,
            seq: self.seq,
            recorded_at: self.recorded_at,
            occurred_at: self.occurred_at,
            action: self.action,
            outcome: self.outcome,
            nonce: self.nonce,
            sealed: &self.sealed,
        }
    }

    /// Returns the commitment of a group, or `None` when the event has no such group.
    pub fn commitment(&self, group: Group) -> Option<&Hash> {
        self.sealed.iter().find(|(sealed, _)| *sealed == group).map(|(_, commitment)| commitment)
    }
}

/// Reads a leaf.
///
/// # Errors
/// The bytes are not exactly those of a version 1 leaf: whatever is accepted is written again to
/// the same bytes.
pub fn parse_leaf(bytes: &[u8]) -> Result<ParsedLeaf<'_>, ParseLeafError> {
    if bytes.len() > LEAF_BYTES_MAX {
        return Err(ParseLeafError::Long { found_bytes: bytes.len() });
    }
    let mut cursor = Cursor { bytes, at: 0 };
    cursor.literal("{\"act\":\"")?;
    let action = cursor.value("an action", |text| {
        (text == OTHER_ACTION || is_clear_action(text)).then_some(text)
    })?;
    let action = (action != OTHER_ACTION).then_some(action);
    cursor.literal(",\"n\":\"")?;
    let nonce = cursor.value("base64 of 16 bytes", |text| decode_base64(text.as_bytes()))?;
    cursor.literal(",\"ot\":\"")?;
    let occurred_at = cursor.value("a time", Timestamp::parse_utc)?;
    cursor.literal(",\"out\":\"")?;
    let outcome = cursor.value("an outcome", Outcome::parse)?;
    cursor.literal(",\"rt\":\"")?;
    let recorded_at = cursor.value("a time", Timestamp::parse_utc)?;
    cursor.literal(",\"sealed\":{")?;
    let sealed = cursor.sealed()?;
    cursor.literal(",\"seq\":")?;
    let seq = cursor.seq()?;
    cursor.literal(",\"v\":1,\"ws\":\"")?;
    let workspace = cursor
        .value("base64 of 16 bytes", |text| decode_base64(text.as_bytes()).map(WorkspaceUid))?;
    cursor.literal("}")?;
    if cursor.at != bytes.len() {
        return Err(cursor.malformed("the end"));
    }

    let leaf =
        ParsedLeaf { workspace, seq, recorded_at, occurred_at, action, outcome, nonce, sealed };
    let mut again = Vec::with_capacity(bytes.len());
    write_leaf(&leaf.fields(), &mut again);
    if again == bytes { Ok(leaf) } else { Err(ParseLeafError::NotCanonical) }
}

/// A place in the bytes.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn malformed(&self, expected: &'static str) -> ParseLeafError {
        ParseLeafError::Malformed { at: self.at, expected }
    }

    /// Steps over exactly this text.
    fn literal(&mut self, text: &'static str) -> Result<(), ParseLeafError> {
        if !self.bytes[self.at..].starts_with(text.as_bytes()) {
            return Err(self.malformed(text));
        }
        self.at += text.len();
        Ok(())
    }

    /// Reads up to and over the next quotation mark; no value of a leaf has one inside.
    fn value<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, ParseLeafError> {
        let rest = &self.bytes[self.at..];
        let text = rest
            .iter()
            .position(|byte| *byte == b'"')
            .and_then(|end| core::str::from_utf8(&rest[..end]).ok());
        let found = text.and_then(|text| read(text).map(|value| (text.len(), value)));
        let (length, value) = found.ok_or_else(|| self.malformed(expected))?;
        self.at += length + 1;
        Ok(value)
    }

    /// Reads the commitments and the brace behind them.
    fn sealed(&mut self) -> Result<Vec<(Group, Hash)>, ParseLeafError> {
        let mut sealed: Vec<(Group, Hash)> = Vec::with_capacity(Group::COUNT);
        while !self.bytes[self.at..].starts_with(b"}") {
            self.literal(if sealed.is_empty() { "\"" } else { ",\"" })?;
            let last = sealed.last().map(|(group, _)| *group);
            let group = self.value("a group in pointer order", |pointer| {
                Group::from_pointer(pointer).filter(|group| Some(*group) > last)
            })?;
            self.literal(":\"")?;
            let commitment =
                self.value("base64 of 32 bytes", |text| Hash::from_base64(text.as_bytes()).ok())?;
            sealed.push((group, commitment));
        }
        self.literal("}")?;
        Ok(sealed)
    }

    /// Reads a decimal number up to 2^53 − 1.
    fn seq(&mut self) -> Result<u64, ParseLeafError> {
        let rest = &self.bytes[self.at..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let seq = core::str::from_utf8(&rest[..digits])
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
            .filter(|seq| *seq <= super::SEQ_MAX)
            .ok_or_else(|| self.malformed("a number up to 2^53 - 1"))?;
        self.at += digits;
        Ok(seq)
    }
}
