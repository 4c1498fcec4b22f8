//! The 32-byte hash, and the leaf and node hashes of the tree (RFC 6962 section 2.1, SHA-256).
//!
//! Leaf: SHA-256(0x00 ‖ leaf bytes). Node: SHA-256(0x01 ‖ left ‖ right). Empty tree: SHA-256("").

use core::fmt;
use core::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::sha256::{BLOCK_BYTES, START, absorb, finish, prefixed};

/// A SHA-256 value: of a leaf, of a node, or of a commitment.
///
/// Its text form is RFC 4648 section 4 base64 with padding, 44 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

/// The root of a tree without leaves, SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// A text that is not the one base64 form of 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 44 characters of padded base64 for 32 bytes")]
pub struct ParseHashError;

impl Hash {
    /// Bytes in a hash.
    pub const BYTES: usize = 32;
    /// Characters in a hash's base64 form.
    pub const BASE64_CHARS: usize = 44;

    /// Returns the 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the 44 ASCII characters of the base64 form.
    pub fn to_base64(&self) -> [u8; Self::BASE64_CHARS] {
        encode_base64(&self.0)
    }

    /// Reads the base64 form; only the canonical one is taken.
    ///
    /// # Errors
    /// Not 44 characters, not base64, or with bits behind the last byte.
    pub fn from_base64(text: &[u8]) -> Result<Self, ParseHashError> {
        decode_base64(text).map(Self).ok_or(ParseHashError)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(core::str::from_utf8(&self.to_base64()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "Hash({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

impl FromStr for Hash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        Self::from_base64(text.as_bytes())
    }
}

/// Hashes a leaf's bytes: SHA-256(0x00 ‖ bytes).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Hash(prefixed(&[0x00], bytes))
}

/// Hashes two neighbours: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut block = [0_u8; BLOCK_BYTES];
    block[0] = 0x01;
    block[1..33].copy_from_slice(&left.0);
    block[33..].copy_from_slice(&right.0[..31]);
    let mut state = START;
    absorb(&mut state, &block);
    Hash(finish(state, BLOCK_BYTES, &right.0[31..]))
}

/// Returns the padded base64 of `N` bytes, which are `CHARS` characters.
pub(crate) fn encode_base64<const N: usize, const CHARS: usize>(bytes: &[u8; N]) -> [u8; CHARS] {
    const { assert!(CHARS == N.div_ceil(3) * 4) };
    let mut text = [0; CHARS];
    let written = STANDARD.encode_slice(bytes, &mut text).expect("the array has the padded length");
    debug_assert_eq!(written, CHARS);
    text
}

/// Reads canonical padded base64 of exactly `N` bytes.
pub(crate) fn decode_base64<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != N.div_ceil(3) * 4 {
        return None;
    }
    // Nothing of a log is longer than a hash; a verifier reads eight of these an event.
    const { assert!(N <= 32) };
    let mut decoded = [0; 33];
    let length = STANDARD.decode_slice(text, &mut decoded).ok()?;
    decoded.get(..length)?.try_into().ok()
}

#[cfg(test)]
mod tests;
