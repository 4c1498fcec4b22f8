//! Keys of neighbouring slots, derived together.
//!
//! Neighbours share most of the way down from the seed, so it is gone once for all of them: the nodes
//! over a range are derived level by level. Of a long range a key takes six blocks of SHA-256, alone it
//! takes forty-eight; a nonce takes two.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::{BITS, EventKey, HmacKey, Node, Nonce, NonceKey, RUN_DEPTH, RunSeed, Slot, nonce_of};

/// Event keys and nonces of consecutive slots of a run, 48 bytes each.
pub struct KeyRange {
    first: u16,
    keys: Vec<Node>,
    nonces: Vec<Nonce>,
}

impl KeyRange {
    /// Derives the keys of the slots from `first` to `last`, both meant, which is not before it.
    pub fn new(seed: &RunSeed, nonce_key: &NonceKey, first: Slot, last: Slot) -> Self {
        let last = last.max(first);
        let mut nodes = vec![seed.0];
        for depth in 1..=RUN_DEPTH {
            let prefix = |slot: Slot| slot.0 >> (RUN_DEPTH - depth);
            let (from, to) = (prefix(first), prefix(last));
            let mut below = Vec::with_capacity(usize::from(to - from) + 1);
            for (parent, node) in (from >> 1..=to >> 1).zip(&nodes) {
                let parent_key = HmacKey::new(node);
                match (2 * parent >= from, 2 * parent < to) {
                    (true, true) => {
                        let halfway = BITS.each_ref().map(|bit| parent_key.begin(bit));
                        below.extend(halfway.map(|halfway| parent_key.end(&halfway)));
                    }
                    (is_left, _) => {
                        let bit = &BITS[usize::from(!is_left)];
                        below.push(parent_key.end(&parent_key.begin(bit)));
                    }
                }
            }
            nodes = below;
        }
        let nonce_key = HmacKey::new(&nonce_key.0);
        let nonces = (first.0..=last.0).map(|k| nonce_of(&nonce_key, Slot(k))).collect();
        Self { first: first.0, keys: nodes, nonces }
    }

    /// Returns the event key and the nonce of a slot; `None` outside the range.
    pub fn get(&self, slot: Slot) -> Option<(EventKey, Nonce)> {
        let place = usize::from(slot.0.checked_sub(self.first)?);
        Some((EventKey(*self.keys.get(place)?), *self.nonces.get(place)?))
    }

    /// Tells whether a slot is in the range.
    pub fn has(&self, slot: Slot) -> bool {
        (self.first..=self.last()).contains(&slot.0)
    }

    /// Tells whether it ends before another range of the run.
    pub fn ends_before(&self, other: &Self) -> bool {
        self.last() < other.last()
    }

    fn last(&self) -> u16 {
        self.first + (self.keys.len() - 1) as u16
    }
}

impl fmt::Debug for KeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRange(secret, slots {} to {})", self.first, self.last())
    }
}
