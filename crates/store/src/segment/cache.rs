//! One cache of decoded pieces for all segments, bounded in bytes.
//!
//! Entries are what a decoder made of hash-checked bytes. What goes is chosen by lot, and whoever was used
//! has another chance for it, up to three. A hand that goes round, as that of CLOCK does, evicts in the
//! order in which entries came; a query that reads a little more than fits, in the same order each time,
//! would then always evict what it needs next and never find anything. By lot it finds most of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::columns::Column;
use super::dictionary::Entries;
use super::fuse::Fuse;
use super::ints::Ints;
use super::owned_row::OwnedRow;
use super::page::PlainPage;
use super::text::TextFilter;

/// Bytes that a cache holds unless told otherwise.
pub const CACHE_BYTES: usize = 24 * 1024 * 1024;
/// What an entry is charged for its bookkeeping.
const ENTRY_BYTES: usize = 128;
/// Chances that an entry can gather.
const USES_MAX: u8 = 3;

/// Which piece: the open segment's number, the kind, the index among its kind.
pub(super) type Key = (u64, u8, u32);

/// A decoded piece.
#[derive(Clone, Debug)]
pub(super) enum Cached {
    Ints(Arc<Ints>),
    Page(Arc<PlainPage>),
    Dictionary(Arc<Entries>),
    Codes(Arc<Vec<u32>>),
    Column(Arc<Column>),
    Text(Arc<TextFilter>),
    Values(Arc<Fuse>),
    Row(Arc<OwnedRow>),
}

impl Cached {
    fn memory_bytes(&self) -> usize {
        ENTRY_BYTES
            + match self {
                Self::Ints(ints) => ints.memory_bytes(),
                Self::Page(page) => page.memory_bytes(),
                Self::Dictionary(entries) => entries.memory_bytes(),
                Self::Codes(codes) => codes.capacity() * 4,
                Self::Column(column) => column.memory_bytes(),
                Self::Text(filter) => filter.memory_bytes(),
                Self::Values(filter) => filter.memory_bytes(),
                Self::Row(row) => row.memory_bytes(),
            }
    }
}

struct Slot {
    key: Key,
    value: Cached,
    bytes: usize,
    /// How often it was used since it came, less how often it was met; at most [`USES_MAX`].
    uses: u8,
}

#[derive(Default)]
struct Slots {
    places: HashMap<Key, usize>,
    slots: Vec<Slot>,
    lots: Lots,
    bytes: usize,
}

/// Numbers that look random: xorshift64 (Marsaglia 2003). What is written or answered never depends on
/// them, so they need no source of randomness.
struct Lots(u64);

impl Default for Lots {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Lots {
    /// Draws a number below `count`, which is not 0.
    fn draw(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % count as u64) as usize
    }
}

/// The shared cache of decoded pieces.
pub struct BlockCache {
    bytes_max: usize,
    slots: Mutex<Slots>,
}

impl Default for BlockCache {
    fn default() -> Self {
        Self::new(CACHE_BYTES)
    }
}

impl BlockCache {
    /// Makes a cache that holds at most `bytes_max` bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, slots: Mutex::default() }
    }

    /// Returns the bytes held now.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        // Every change below leaves the slots consistent before anything can panic.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, key: Key) -> Option<Cached> {
        let mut slots = self.lock();
        let place = *slots.places.get(&key)?;
        let slot = slots.slots.get_mut(place)?;
        slot.uses = USES_MAX.min(slot.uses + 1);
        Some(slot.value.clone())
    }

    pub(super) fn insert(&self, key: Key, value: Cached) {
        let bytes = value.memory_bytes();
        // One entry must not empty the cache.
        if bytes > self.bytes_max / 4 {
            return;
        }
        let mut slots = self.lock();
        if slots.places.contains_key(&key) {
            return;
        }
        while slots.bytes + bytes > self.bytes_max {
            slots.evict_one();
        }
        slots.push(Slot { key, value, bytes, uses: 0 });
    }

    /// Drops every piece of one open segment.
    pub(super) fn forget(&self, segment: u64) {
        let mut slots = self.lock();
        let mut place = 0;
        while place < slots.slots.len() {
            if slots.slots[place].key.0 == segment {
                slots.remove(place);
            } else {
                place += 1;
            }
        }
    }
}

impl Slots {
    /// Evicts an entry; there is one.
    fn evict_one(&mut self) {
        loop {
            let place = self.lots.draw(self.slots.len());
            match self.slots[place].uses.checked_sub(1) {
                Some(uses) => self.slots[place].uses = uses,
                None => return self.remove(place),
            }
        }
    }

    fn push(&mut self, slot: Slot) {
        self.places.insert(slot.key, self.slots.len());
        self.bytes += slot.bytes;
        self.slots.push(slot);
    }

    fn remove(&mut self, place: usize) {
        let slot = self.slots.swap_remove(place);
        self.places.remove(&slot.key);
        self.bytes -= slot.bytes;
        if let Some(moved) = self.slots.get(place) {
            self.places.insert(moved.key, place);
        }
    }
}

#[cfg(test)]
mod tests;
