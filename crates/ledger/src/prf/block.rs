//! Keys of neighbouring slots, derived together.
//!
//! The slots of a block share all but their last five bits, so their keys are the leaves of one small
//! subtree: the way down to it is gone once, and its nodes are derived level by level, seven blocks of
//! SHA-256 for each key. Nonces take two.

use super::{
    BITS, EventKey, HmacKey, Node, Nonce, NonceKey, RUN_DEPTH, RunSeed, Slot, nonce_of, walk_down,
};

/// Levels of a block's subtree.
const BLOCK_DEPTH: u32 = 5;
/// Slots of a block.
const BLOCK_SLOTS: usize = 1 << BLOCK_DEPTH;

/// Event keys and nonces of 32 neighbouring slots, of which the first is a multiple of 32; 1.5 KiB.
pub struct KeyBlock {
    first: u16,
    keys: [Node; BLOCK_SLOTS],
    nonces: [Nonce; BLOCK_SLOTS],
}

impl KeyBlock {
    /// Derives the block that has a slot.
    pub fn new(seed: &RunSeed, nonce_key: &NonceKey, slot: Slot) -> Self {
        let first = slot.0 & !(BLOCK_SLOTS as u16 - 1);
        let mut keys = [[0; 32]; BLOCK_SLOTS];
        keys[0] = walk_down(&seed.0, 0, RUN_DEPTH - BLOCK_DEPTH, slot);
        for level in 0..BLOCK_DEPTH {
            // From the last, so that no node is written over before its children are derived.
            for at in (0..1_usize << level).rev() {
                let parent = HmacKey::new(&keys[at]);
                let halfway = BITS.each_ref().map(|bit| parent.begin(bit));
                [keys[2 * at], keys[2 * at + 1]] = halfway.map(|halfway| parent.end(&halfway));
            }
        }
        let nonce_key = HmacKey::new(&nonce_key.0);
        let nonces = core::array::from_fn(|at| nonce_of(&nonce_key, Slot(first + at as u16)));
        Self { first, keys, nonces }
    }

    /// Returns the number of the block in its run that has a slot, below 128.
    pub fn number_of(slot: Slot) -> usize {
        usize::from(slot.0) / BLOCK_SLOTS
    }

    /// Tells whether a slot is one of the block's.
    pub fn has(&self, slot: Slot) -> bool {
        self.place(slot) < BLOCK_SLOTS
    }

    /// Tells whether its slots come before those of another block of the run.
    pub fn is_before(&self, other: &Self) -> bool {
        self.first < other.first
    }

    /// Returns the event key and the nonce of a slot; `None` when it is another block's.
    pub fn get(&self, slot: Slot) -> Option<(EventKey, Nonce)> {
        let place = self.place(slot);
        Some((EventKey(*self.keys.get(place)?), *self.nonces.get(place)?))
    }

    fn place(&self, slot: Slot) -> usize {
        usize::from(slot.0.wrapping_sub(self.first))
    }
}

impl core::fmt::Debug for KeyBlock {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "KeyBlock(secret, from slot {})", self.first)
    }
}
