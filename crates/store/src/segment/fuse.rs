//! A binary fuse filter: about 9.4 bits a key, one false answer in 256.
//!
//! Each key has three slots of one byte in three neighbouring parts of the array, whose XOR is the
//! key's fingerprint. Source: Graf and Lemire, "Binary Fuse Filters: Fast and Smaller Than Xor
//! Filters", 2022 (three-wise variant).
//!
//! ```text
//! seed u64, part length's log2 u8, parts u32, slots…      little-endian
//! ```

use crate::codec::{DecodeError, Decoder, Encode};

/// Seeds tried before giving up; each fails with a chance of a few percent.
const SEEDS_MAX: u64 = 200;

/// A filter over 64-bit keys.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fuse {
    seed: u64,
    part_log2: u8,
    /// Parts in which a key's first slot may lie; the array has two more.
    parts: u32,
    slots: Box<[u8]>,
}

/// Mixes 64 bits (MurmurHash3's finalizer).
pub(super) fn mix(mut value: u64) -> u64 {
    value ^= value >> 33;
    value = value.wrapping_mul(0xff51_afd7_ed55_8ccd);
    value ^= value >> 33;
    value = value.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ (value >> 33)
}

/// The shape of an array for a number of keys.
fn shape(keys: usize) -> (u8, u32) {
    let keys_f = (keys.max(2)) as f64;
    let part_log2 = (keys_f.ln() / 3.33_f64.ln() + 2.25).floor().clamp(2.0, 18.0) as u8;
    let factor = (0.875 + 0.25 * 1e6_f64.ln() / keys_f.ln()).max(1.125);
    let capacity = (keys_f * factor).round() as usize;
    let parts = capacity.div_ceil(1 << part_log2).saturating_sub(2).max(1);
    (part_log2, parts as u32)
}

impl Fuse {
    /// Builds a filter; the keys are sorted and made unique on the way.
    ///
    /// `None` when no seed fits, which has a chance below 10^-100 for distinct keys.
    pub(super) fn build(keys: &mut Vec<u64>) -> Option<Self> {
        keys.sort_unstable();
        keys.dedup();
        let (part_log2, parts) = shape(keys.len());
        let slots = vec![0_u8; (parts as usize + 2) << part_log2];
        let mut fuse = Self { seed: 0, part_log2, parts, slots: slots.into() };
        let mut peeling = Peeling::default();
        for attempt in 1..=SEEDS_MAX {
            fuse.seed = mix(attempt);
            if peeling.order(&fuse, keys) {
                // In the reverse order of peeling, each key has one slot that no later key needs.
                for (hash, which) in peeling.peeled.iter().rev() {
                    let places = fuse.places(*hash);
                    let mut slot = fingerprint(*hash);
                    for (other, place) in places.iter().enumerate() {
                        if other != usize::from(*which) {
                            slot ^= fuse.slots[*place];
                        }
                    }
                    fuse.slots[places[usize::from(*which)]] = slot;
                }
                return Some(fuse);
            }
        }
        None
    }

    fn hash(&self, key: u64) -> u64 {
        mix(key.wrapping_add(self.seed))
    }

    /// Returns the three slots of a hash; all are inside the array by construction.
    fn places(&self, hash: u64) -> [usize; 3] {
        let span = u64::from(self.parts) << self.part_log2;
        let mask = (1_u64 << self.part_log2) - 1;
        let first = ((u128::from(hash) * u128::from(span)) >> 64) as u64;
        let second = (first + mask + 1) ^ ((hash >> 18) & mask);
        let third = (first + 2 * (mask + 1)) ^ (hash & mask);
        [first as usize, second as usize, third as usize]
    }

    /// Tells whether a key may be among those it was built from; never `false` for one that is.
    pub(super) fn may_contain(&self, key: u64) -> bool {
        let hash = self.hash(key);
        let [a, b, c] = self.places(hash);
        fingerprint(hash) == self.slots[a] ^ self.slots[b] ^ self.slots[c]
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.len() + 32
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.put_u64(self.seed);
        out.put_u8(self.part_log2);
        out.put_raw(&self.parts.to_le_bytes());
        out.put_raw(&self.slots);
    }

    /// Takes a filter that fills the rest of the bytes.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Decoder::new(bytes);
        let seed = from.u64("seed")?;
        let part_log2 = from.u8("part length")?;
        let parts = u32::from_le_bytes(from.array("parts")?);
        let slots = from.rest();
        let fits = part_log2 <= 18
            && parts > 0
            && (u64::from(parts) + 2) << part_log2 == slots.len() as u64;
        if !fits {
            return Err(DecodeError::Unknown("filter"));
        }
        Ok(Self { seed, part_log2, parts, slots: slots.into() })
    }
}

fn fingerprint(hash: u64) -> u8 {
    (hash ^ (hash >> 32)) as u8
}

/// Working memory for finding the order in which keys are given their slots.
#[derive(Default)]
struct Peeling {
    counts: Vec<u8>,
    /// XOR of the hashes that use a slot, and of their slot's number among the three.
    hashes: Vec<u64>,
    which: Vec<u8>,
    alone: Vec<usize>,
    peeled: Vec<(u64, u8)>,
}

impl Peeling {
    /// Peels slots that only one key uses until none is left; `false` when some keys remain.
    fn order(&mut self, fuse: &Fuse, keys: &[u64]) -> bool {
        let slots = fuse.slots.len();
        for column in [&mut self.counts, &mut self.which] {
            column.clear();
            column.resize(slots, 0);
        }
        self.hashes.clear();
        self.hashes.resize(slots, 0);
        self.alone.clear();
        self.peeled.clear();
        for key in keys {
            let hash = fuse.hash(*key);
            for (which, place) in fuse.places(hash).into_iter().enumerate() {
                // A slot with 255 keys cannot be peeled in any case; saturating keeps it unpeeled.
                if self.counts[place] == u8::MAX {
                    return false;
                }
                self.counts[place] += 1;
                self.hashes[place] ^= hash;
                self.which[place] ^= which as u8;
            }
        }
        self.alone.extend((0..slots).filter(|place| self.counts[*place] == 1));
        while let Some(place) = self.alone.pop() {
            if self.counts[place] != 1 {
                continue;
            }
            let (hash, which) = (self.hashes[place], self.which[place]);
            self.peeled.push((hash, which));
            for (other, place) in fuse.places(hash).into_iter().enumerate() {
                self.counts[place] -= 1;
                self.hashes[place] ^= hash;
                self.which[place] ^= other as u8;
                if self.counts[place] == 1 {
                    self.alone.push(place);
                }
            }
        }
        self.peeled.len() == keys.len()
    }
}

#[cfg(test)]
mod tests;
