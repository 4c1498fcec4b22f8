//! One cache of decoded pieces for all segments, bounded in bytes.
//!
//! Entries are what a decoder made of hash-checked bytes. Eviction is CLOCK: a hit sets a mark, the
//! hand clears marks and evicts what it finds unmarked, so a hit costs no list surgery.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::columns::Column;
use super::dictionary::Entries;
use super::fuse::Fuse;
use super::ints::Ints;
use super::page::PlainPage;
use super::text::TextFilter;

/// Bytes that a cache holds unless told otherwise.
pub const CACHE_BYTES: usize = 24 * 1024 * 1024;
/// What an entry is charged for its bookkeeping.
const ENTRY_BYTES: usize = 128;

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
            }
    }
}

struct Slot {
    key: Key,
    value: Cached,
    bytes: usize,
    marked: bool,
}

#[derive(Default)]
struct Slots {
    places: HashMap<Key, usize>,
    slots: Vec<Slot>,
    hand: usize,
    bytes: usize,
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
        slot.marked = true;
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
        let is_full = slots.bytes + bytes > self.bytes_max;
        while slots.bytes + bytes > self.bytes_max {
            slots.evict_one();
        }
        slots.push(Slot { key, value, bytes, marked: false });
        if is_full {
            slots.step_over_last();
        }
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
    fn evict_one(&mut self) {
        loop {
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            match self.slots.get_mut(self.hand) {
                None => return,
                Some(slot) if slot.marked => {
                    slot.marked = false;
                    self.hand += 1;
                }
                Some(_) => return self.remove(self.hand),
            }
        }
    }

    fn push(&mut self, slot: Slot) {
        self.places.insert(slot.key, self.slots.len());
        self.bytes += slot.bytes;
        self.slots.push(slot);
    }

    /// Puts the last entry where the hand is and moves the hand on: the hand comes to what is new only when
    /// it has been round.
    fn step_over_last(&mut self) {
        let last = self.slots.len() - 1;
        self.slots.swap(self.hand, last);
        for place in [self.hand, last] {
            self.places.insert(self.slots[place].key, place);
        }
        self.hand += 1;
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
