//! Commitments, which stand in the leaf, and openings, which show what is behind them.
//!
//! ```text
//! commitment = SHA-256("proofbook/v1/field\0" ‖ salt[16] ‖ u16-be len(pointer) ‖ pointer ‖ value)
//! opening    = {"pointer": "/actor", "salt": "<base64, 24 chars>", "value": "<canonical JSON as a string>"}
//! ```
//!
//! An opening carries the canonical value as a JSON *string*: a verifier hashes the bytes it is
//! given and needs no canonicaliser. Nothing here depends on seq or time, so admit can compute it.

use alloc::string::String;
use alloc::vec::Vec;

use proofbook_event::{Group, GroupBytes};
use serde::{Deserialize, Serialize};

use crate::hash::{Hash, decode_base64, encode_base64};
use crate::prf::{Salt, Salts};
use crate::sha256::{BLOCK_BYTES, Blocks, START, absorb, each, finish, prefixed};

/// The bytes before every committed value; they keep these hashes apart from all others.
const DOMAIN: &[u8; 19] = b"proofbook/v1/field\0";
/// Bytes before the pointer: domain, salt, pointer length.
const FIXED_BYTES: usize = DOMAIN.len() + 16 + 2;

/// Where the salt stands before every committed value.
const SALT: core::ops::Range<usize> = DOMAIN.len()..DOMAIN.len() + 16;

/// What stands before the value of each group, with zeros for the salt.
static HEADS: [Head; Group::COUNT] = {
    let mut heads = [const { Head::new("") }; Group::COUNT];
    let mut at = 0;
    while at < Group::COUNT {
        heads[at] = Head::new(Group::ALL[at].pointer());
        at += 1;
    }
    heads
};

/// The first `bytes` of a block.
struct Head {
    block: [u8; BLOCK_BYTES],
    bytes: usize,
}

impl Head {
    /// Lays out what stands before a value, for a pointer that has room in the first block.
    const fn new(pointer: &str) -> Self {
        let bytes = FIXED_BYTES + pointer.len();
        let mut block = [0_u8; BLOCK_BYTES];
        block.split_at_mut(DOMAIN.len()).0.copy_from_slice(DOMAIN);
        block[FIXED_BYTES - 1] = pointer.len() as u8;
        block.split_at_mut(bytes).0.split_at_mut(FIXED_BYTES).1.copy_from_slice(pointer.as_bytes());
        Self { block, bytes }
    }
}

/// Commits to a value under a salt.
///
/// # Panics
/// The pointer is longer than 65,535 bytes; those of [`Group`] have at most 12.
pub fn commitment(salt: &Salt, pointer: &str, canonical: &[u8]) -> Hash {
    let length = u16::try_from(pointer.len()).expect("a pointer is at most 65,535 bytes");
    let head_bytes = FIXED_BYTES + pointer.len();
    if head_bytes < BLOCK_BYTES {
        let mut head = Head::new(pointer).block;
        head[SALT].copy_from_slice(salt);
        return Hash(prefixed(&head[..head_bytes], canonical));
    }
    let mut rest = Vec::with_capacity(head_bytes + canonical.len());
    rest.extend_from_slice(DOMAIN);
    rest.extend_from_slice(salt);
    rest.extend_from_slice(&length.to_be_bytes());
    rest.extend_from_slice(pointer.as_bytes());
    rest.extend_from_slice(canonical);
    let mut state = START;
    let (first, others) = rest.split_first_chunk().expect("the head alone fills a block");
    absorb(&mut state, first);
    Hash(finish(state, BLOCK_BYTES, others))
}

/// The commitments of one event, of those groups that it has, in the order of [`Group::ALL`].
#[derive(Clone, Copy)]
pub struct Commitments {
    /// The first `count` are meant.
    list: [(Group, Hash); Group::COUNT],
    count: u8,
}

impl Commitments {
    /// Begins without any.
    pub const fn none() -> Self {
        Self { list: [(Group::Actor, Hash([0; 32])); Group::COUNT], count: 0 }
    }

    /// Commits to the groups that an event has, each under its salt.
    pub fn seal(salts: &Salts, groups: &GroupBytes<'_>) -> Self {
        let salts = salts.of_groups(groups);
        let mut messages = [Blocks::NONE; Group::COUNT];
        for (group, value) in groups.present() {
            let (message, head) = (&mut messages[group.index()], &HEADS[group.index()]);
            *message.first() = head.block;
            message.first()[SALT].copy_from_slice(&salts[group.index()]);
            message.lay(head.bytes, value);
        }
        let hashes = each(&messages);
        groups.present().map(|(group, _)| (group, Hash(hashes[group.index()]))).collect()
    }
}

impl core::ops::Deref for Commitments {
    type Target = [(Group, Hash)];

    fn deref(&self) -> &[(Group, Hash)] {
        &self.list[..usize::from(self.count)]
    }
}

impl FromIterator<(Group, Hash)> for Commitments {
    /// Takes one of each group; more than there are groups cannot be, and are left out.
    fn from_iter<T: IntoIterator<Item = (Group, Hash)>>(commitments: T) -> Self {
        let mut all = Self::none();
        for (place, commitment) in all.list.iter_mut().zip(commitments) {
            *place = commitment;
            all.count += 1;
        }
        all
    }
}

impl core::fmt::Debug for Commitments {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self[..].fmt(f)
    }
}

impl PartialEq for Commitments {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl Eq for Commitments {}

/// The salt and value behind one commitment of a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Which group.
    pub group: Group,
    /// The salt under which it was committed.
    pub salt: Salt,
    /// The group's canonical value (RFC 8785), exactly as it was committed.
    pub value: String,
}

/// A text that is not the JSON form of an opening.
#[derive(Debug, thiserror::Error)]
pub enum ParseOpeningError {
    /// Not the JSON object with its three strings.
    #[error("an opening is an object of the strings pointer, salt and value")]
    Json(#[source] serde_json::Error),
    /// The pointer names no group.
    #[error("{pointer:?} is the pointer of no group")]
    Pointer {
        /// The pointer given.
        pointer: String,
    },
    /// The salt is not padded base64 of 16 bytes.
    #[error("the salt of {pointer} is not padded base64 of 16 bytes")]
    Salt {
        /// The group whose salt it is.
        pointer: &'static str,
    },
}

/// The JSON form, key by key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    #[serde(borrow)]
    pointer: alloc::borrow::Cow<'a, str>,
    #[serde(borrow)]
    salt: alloc::borrow::Cow<'a, str>,
    #[serde(borrow)]
    value: alloc::borrow::Cow<'a, str>,
}

impl Opening {
    /// Computes the commitment that this opening opens.
    pub fn commitment(&self) -> Hash {
        commitment(&self.salt, self.group.pointer(), self.value.as_bytes())
    }

    /// Says whether this opening opens the given commitment.
    pub fn verify(&self, expected: &Hash) -> bool {
        self.commitment() == *expected
    }

    /// Returns the JSON form, on one line.
    pub fn to_json(&self) -> String {
        let salt: [u8; 24] = encode_base64(&self.salt);
        let wire = Wire {
            pointer: self.group.pointer().into(),
            salt: String::from_utf8_lossy(&salt),
            value: self.value.as_str().into(),
        };
        serde_json::to_string(&wire).expect("an object of three strings has a JSON form")
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// Not an object of exactly the three strings, an unknown pointer, or a malformed salt.
    pub fn from_json(text: &str) -> Result<Self, ParseOpeningError> {
        let wire: Wire<'_> = serde_json::from_str(text).map_err(ParseOpeningError::Json)?;
        let group = Group::from_pointer(&wire.pointer).ok_or_else(|| {
            ParseOpeningError::Pointer { pointer: wire.pointer.chars().take(64).collect() }
        })?;
        let salt = decode_base64(wire.salt.as_bytes())
            .ok_or(ParseOpeningError::Salt { pointer: group.pointer() })?;
        Ok(Self { group, salt, value: wire.value.into_owned() })
    }
}

#[cfg(test)]
mod tests;
