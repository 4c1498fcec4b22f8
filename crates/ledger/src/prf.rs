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
//! where seeds are stored. Erasing an event from a run is [`PuncturedRun`], in `prf/punctured.rs`.
//!
//! The secret types have no `Display` and a `Debug` that prints nothing of them. They are not wiped
//! from memory when dropped: erasure here is a promise about what is stored.

use core::fmt;

use proofbook_event::{Group, GroupBytes};

use crate::hmac::{HmacKey, ShortMessage, first_16};

mod block;
mod punctured;

pub use block::KeyBlock;
pub use punctured::{DecodePuncturedError, PuncturedRun, puncture};

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

/// A nonce key made ready to give nonces.
pub struct Nonces(HmacKey);

impl Nonces {
    /// Prepares a nonce key.
    pub fn new(key: &NonceKey) -> Self {
        Self(HmacKey::new(&key.0))
    }

    /// Returns the nonce of a slot.
    pub fn nonce(&self, slot: Slot) -> Nonce {
        self.0.mac_16(&slot.0.to_be_bytes())
    }
}

impl fmt::Debug for Salts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salts(secret)")
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces(secret)")
    }
}

/// Derives one event's key from its run's seed, in 12 steps.
pub fn event_key(seed: &RunSeed, slot: Slot) -> EventKey {
    EventKey(descend(&seed.0, 0, slot))
}

/// Derives the salt of one group; [`EventKey::salts`] is cheaper for several.
pub fn salt(key: &EventKey, pointer: &str) -> Salt {
    key.salts().salt(pointer)
}

/// Derives the nonce of one slot; [`Nonces`] is cheaper for several.
pub fn nonce(key: &NonceKey, slot: Slot) -> Nonce {
    Nonces::new(key).nonce(slot)
}

/// Walks from a node at `depth` down to the leaf of `slot`, which must lie below that node.
fn descend(node: &Node, depth: u32, slot: Slot) -> Node {
    walk_down(node, depth, RUN_DEPTH, slot)
}

/// Walks from a node at depth `from` to the one at depth `to` over `slot`.
fn walk_down(node: &Node, from: u32, to: u32, slot: Slot) -> Node {
    (from + 1..=to).fold(*node, |node, depth| HmacKey::new(&node).mac(&[slot.bit(depth)]))
}

/// Yields the event keys of consecutive slots, for less than two HMACs each on average.
///
/// It keeps the path from the seed to the current leaf, and the right siblings along it. An
/// iterator of `(Slot, EventKey)`; it ends after slot 4,095. About 800 bytes.
pub struct RunKeys {
    /// `path[d]` is the node at depth d over the current slot; `path[0]` is the seed.
    path: [Node; RUN_DEPTH as usize + 1],
    /// `right[d]` is the right child of `path[d - 1]`, where bit d of `right_known` is set.
    right: [Node; RUN_DEPTH as usize + 1],
    right_known: u16,
    /// The slot of `path`.
    here: Slot,
    /// The slot that comes next; none after the last.
    next: Option<Slot>,
}

impl RunKeys {
    /// Begins at a slot, in 12 steps.
    pub fn new(seed: &RunSeed, first: Slot) -> Self {
        let mut keys = Self {
            path: [seed.0; RUN_DEPTH as usize + 1],
            right: [[0; 32]; RUN_DEPTH as usize + 1],
            right_known: 0,
            here: first,
            next: Some(first),
        };
        keys.walk(1, false);
        keys
    }

    /// Goes to a slot of the same run; the nearer it is, the fewer steps it takes.
    pub fn seek(&mut self, slot: Slot) {
        self.step_to(slot, false);
        self.next = Some(slot);
    }

    /// Moves the path to `slot`.
    fn step_to(&mut self, slot: Slot, keep_right: bool) {
        let differing = self.here.0 ^ slot.0;
        if differing == 0 {
            return;
        }
        // The depth of the highest differing bit: nodes above it are shared.
        let depth = RUN_DEPTH - differing.ilog2();
        self.here = slot;
        // Right siblings below that depth belong to other parents now.
        if slot.bit(depth) == 1 && self.right_known >> depth & 1 == 1 {
            self.path[depth as usize] = self.right[depth as usize];
            self.forget_right_from(depth + 1);
            self.walk(depth + 1, keep_right);
        } else {
            self.forget_right_from(depth + 1);
            self.walk(depth, keep_right);
        }
    }

    fn forget_right_from(&mut self, depth: u32) {
        self.right_known &= ((1_u32 << depth) - 1) as u16;
    }

    /// Recomputes the path from `depth` down; with `keep_right`, also the right siblings, which
    /// come cheap while their parent's key is prepared.
    fn walk(&mut self, depth: u32, keep_right: bool) {
        for depth in depth..=RUN_DEPTH {
            let at = depth as usize;
            let parent = HmacKey::new(&self.path[at - 1]);
            let bit = self.here.bit(depth);
            if keep_right && bit == 0 {
                let halfway = BITS.each_ref().map(|bit| parent.begin(bit));
                [self.path[at], self.right[at]] = halfway.map(|halfway| parent.end(&halfway));
                self.right_known |= 1 << depth;
            } else {
                self.path[at] = parent.end(&parent.begin(&BITS[usize::from(bit)]));
            }
        }
    }
}

impl Iterator for RunKeys {
    type Item = (Slot, EventKey);

    fn next(&mut self) -> Option<(Slot, EventKey)> {
        let slot = self.next?;
        self.step_to(slot, true);
        self.next = slot.next();
        Some((slot, EventKey(self.path[RUN_DEPTH as usize])))
    }
}

impl fmt::Debug for RunKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunKeys(secret, next {:?})", self.next)
    }
}

#[cfg(test)]
mod tests;
