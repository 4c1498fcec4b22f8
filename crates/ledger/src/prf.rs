//! A run's key tree: event keys, salts and nonces, which cost no bytes at rest.
//!
//! A run covers 4,096 consecutive events of one workspace. Its random seed is the root of a binary
//! tree of depth 12; the leaves are the event keys (Goldreich, Goldwasser, Micali 1984):
//!
//! ```text
//! child b of a node   = HMAC-SHA256(key = node, message = b as one byte, 0x00 or 0x01)
//! event key of slot k = the node reached from the seed by k's 12 bits, highest first
//! salt of a group     = first 16 bytes of HMAC-SHA256(key = event key, message = pointer in ASCII)
//! nonce of slot k     = first 16 bytes of HMAC-SHA256(key = nonce key, message = k as u16 big-endian)
//! ```
//!
//! The messages of the three uses are 1, at least 3 and exactly 2 bytes long, so no two uses ever
//! share an input, even under one key.
//!
//! What stays out: drawing seeds (a caller hands in 32 random bytes), the number of a run, and
//! where seeds are stored. Erasing an event from a run is [`PuncturedRun`], in `prf/punctured.rs`;
//! the keys of neighbouring slots are a [`KeyRange`], in `prf/range.rs`.
//!
//! The secret types have no `Display` and a `Debug` that prints nothing of them. They are not wiped
//! from memory when dropped: erasure here is a promise about what is stored.

use core::fmt;

use proofbook_event::{Group, GroupBytes};

use crate::hmac::{HmacKey, ShortMessage, first_16};

mod punctured;
mod range;

pub use punctured::{DecodePuncturedError, PuncturedRun, puncture};
pub use range::KeyRange;

/// Levels of a run's tree below its seed.
pub const RUN_DEPTH: u32 = 12;
/// Events in one run.
pub const RUN_SLOTS: u16 = 1 << RUN_DEPTH;

/// The bytes that hide a value in its commitment.
pub type Salt = [u8; 16];
/// The bytes that make a leaf unguessable.
pub type Nonce = [u8; 16];

type Node = [u8; 32];

/// An event's place in its run, the `k` of design section 6.
///
/// Invariant: below [`RUN_SLOTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

impl Slot {
    /// The first slot of a run.
    pub const FIRST: Self = Self(0);
    /// The last slot of a run.
    pub const LAST: Self = Self(RUN_SLOTS - 1);

    /// Takes a number below 4,096.
    pub fn new(k: u16) -> Option<Self> {
        (k < RUN_SLOTS).then_some(Self(k))
    }

    /// Returns the number.
    pub fn get(self) -> u16 {
        self.0
    }

    /// Returns the slot after this one, or `None` at the end of the run.
    pub fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }

    /// Returns the bit that chooses the node at `depth` (1..=12), the highest first.
    fn bit(self, depth: u32) -> u8 {
        (self.0 >> (RUN_DEPTH - depth) & 1) as u8
    }
}

/// Declares a 32-byte secret whose `Debug` prints nothing of it.
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Takes 32 secret bytes.
            pub fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Returns the secret bytes, to be stored.
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(secret)"))
            }
        }
    };
}

secret! {
    /// The root of a run's key tree, 32 random bytes.
    RunSeed
}
secret! {
    /// The key of a run's nonces, 32 random bytes apart from the seed; erasure never destroys it.
    NonceKey
}
secret! {
    /// The key from which one event's salts come.
    EventKey
}

impl EventKey {
    /// Prepares the key for many salts.
    pub fn salts(&self) -> Salts {
        Salts(HmacKey::new(&self.0))
    }
}

/// Each group's pointer, laid out to be authenticated.
const POINTERS: [ShortMessage; Group::COUNT] = {
    let mut messages = [const { ShortMessage::new(b"") }; Group::COUNT];
    let mut at = 0;
    while at < Group::COUNT {
        messages[at] = ShortMessage::new(Group::ALL[at].pointer().as_bytes());
        at += 1;
    }
    messages
};

/// The bits that choose a node below another one, laid out to be authenticated.
const BITS: [ShortMessage; 2] = [ShortMessage::new(&[0]), ShortMessage::new(&[1])];

/// An event key made ready to give salts.
pub struct Salts(HmacKey);

impl Salts {
    /// Returns the salt of the group with this pointer.
    pub fn salt(&self, pointer: &str) -> Salt {
        self.0.mac_16(pointer.as_bytes())
    }

    /// Returns the salts of those groups that an event has, by [`Group::index`]; of others zeros.
    pub(crate) fn of_groups(&self, groups: &GroupBytes<'_>) -> [Salt; Group::COUNT] {
        let begin =
            |group: Group| groups.get(group).map(|_| self.0.begin(&POINTERS[group.index()]));
        let halfway = Group::ALL.map(begin);
        halfway.map(|halfway| halfway.map_or([0; 16], |halfway| first_16(&self.0.end(&halfway))))
    }
}

impl fmt::Debug for Salts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salts(secret)")
    }
}

/// Derives one event's key from its run's seed, in 12 steps; a [`KeyRange`] is cheaper for several.
pub fn event_key(seed: &RunSeed, slot: Slot) -> EventKey {
    EventKey(descend(&seed.0, 0, slot))
}

/// Derives the salt of one group; [`EventKey::salts`] is cheaper for several.
pub fn salt(key: &EventKey, pointer: &str) -> Salt {
    key.salts().salt(pointer)
}

/// Derives the nonce of one slot; a [`KeyRange`] is cheaper for several.
pub fn nonce(key: &NonceKey, slot: Slot) -> Nonce {
    nonce_of(&HmacKey::new(&key.0), slot)
}

/// Returns the nonce of a slot under a nonce key that was made ready.
fn nonce_of(key: &HmacKey, slot: Slot) -> Nonce {
    key.mac_16(&slot.0.to_be_bytes())
}

/// Walks from a node at `depth` down to the leaf of `slot`, which must lie below that node.
fn descend(node: &Node, depth: u32, slot: Slot) -> Node {
    (depth + 1..=RUN_DEPTH).fold(*node, |node, depth| HmacKey::new(&node).mac(&[slot.bit(depth)]))
}

#[cfg(test)]
mod tests;
