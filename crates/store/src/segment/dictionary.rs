//! The distinct values of one column in one row group, and their numbers.

use std::hash::BuildHasher as _;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::page;

/// Distinct values in the order of their first row, as they stand in a dictionary page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entries {
    bytes: Vec<u8>,
    /// Where each entry begins in `bytes`, with its length, and where the last one ends; empty while there
    /// is none.
    bounds: Vec<u32>,
    /// Bytes of an entry's length.
    length_bytes: usize,
}

impl Entries {
    /// Takes over the body of a dictionary page of byte arrays, and where each begins with its length and
    /// the last one ends.
    pub(super) fn new(bytes: Vec<u8>, bounds: Vec<u32>) -> Self {
        Self { bytes, bounds, length_bytes: page::LENGTH_BYTES }
    }

    /// Returns the number of entries.
    pub(super) fn len(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    /// Returns an entry by its number.
    #[inline]
    pub(super) fn get(&self, number: usize) -> Option<&[u8]> {
        let [start, end] = *self.bounds.get(number..)?.first_chunk()?;
        self.bytes.get(start as usize + self.length_bytes..end as usize)
    }

    /// Returns what the entries stand in.
    pub(super) fn body(&self) -> &[u8] {
        &self.bytes
    }

    /// Yields where each entry stands in the body, by number.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.bounds.windows(2).map(|bounds| {
            let (start, end) = (bounds[0] as usize + self.length_bytes, bounds[1] as usize);
            start..end
        })
    }

    /// Returns how much memory it holds.
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.bounds.capacity() * 4
    }
}

/// Numbers values as they come.
#[derive(Default)]
pub(super) struct Dictionary {
    entries: Entries,
    /// By number, so that what was added last can be taken back.
    hashes: Vec<u64>,
    numbers: HashTable<u32>,
    /// Keyed at random, since values come from outside; nothing written depends on it.
    hasher: DefaultHashBuilder,
    /// The number that was given last: neighbours are often equal.
    last: u32,
}

impl Dictionary {
    /// Returns the number of distinct values.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the body of the dictionary page.
    pub(super) fn plain(&self) -> &[u8] {
        &self.entries.bytes
    }

    /// Returns a value by its number.
    pub(super) fn get(&self, number: u32) -> &[u8] {
        self.entries.get(number as usize).unwrap_or_default()
    }

    /// Returns the number of a value, a new one if it is new. `fixed` values have no length of their
    /// own in the page; all of a column have one, or none has.
    pub(super) fn number(&mut self, value: &[u8], fixed: bool) -> u32 {
        if self.entries.get(self.last as usize) == Some(value) {
            return self.last;
        }
        let hash = self.hasher.hash_one(value);
        let entries = &self.entries;
        let is_it = |number: &u32| entries.get(*number as usize) == Some(value);
        if let Some(number) = self.numbers.find(hash, is_it) {
            self.last = *number;
            return *number;
        }
        let number = self.hashes.len() as u32;
        if fixed {
            self.entries.bytes.extend_from_slice(value);
        } else {
            self.entries.length_bytes = page::LENGTH_BYTES;
            page::plain_bytes(value, &mut self.entries.bytes);
        }
        if self.entries.bounds.is_empty() {
            self.entries.bounds.push(0);
        }
        self.entries.bounds.push(self.entries.bytes.len() as u32);
        self.hashes.push(hash);
        let hashes = &self.hashes;
        self.numbers.insert_unique(hash, number, |number| hashes[*number as usize]);
        self.last = number;
        number
    }

    /// Takes back every value numbered `len` or above.
    pub(super) fn truncate(&mut self, len: usize) {
        for (number, hash) in self.hashes.iter().enumerate().skip(len) {
            let is_it = |known: &u32| *known as usize == number;
            if let Ok(found) = self.numbers.find_entry(*hash, is_it) {
                found.remove();
            }
        }
        self.hashes.truncate(len);
        self.entries.bounds.truncate(len + 1);
        let end = self.entries.bounds.last().map_or(0, |end| *end as usize);
        self.entries.bytes.truncate(end);
        self.last = 0;
    }

    /// Forgets everything and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.hashes.clear();
        self.entries.bounds.clear();
        self.entries.bytes.clear();
        self.last = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_number_and_what_is_taken_back_is_new_again() {
        let mut dictionary = Dictionary::default();
        let numbers = |dictionary: &mut Dictionary, values: &[&str]| -> Vec<u32> {
            values.iter().map(|value| dictionary.number(value.as_bytes(), false)).collect()
        };
        assert_eq!(numbers(&mut dictionary, &["a", "", "a", "bb", ""]), [0, 1, 0, 2, 1]);
        assert_eq!(dictionary.plain(), b"\x01\0\0\0a\0\0\0\0\x02\0\0\0bb");
        dictionary.truncate(1);
        assert_eq!(numbers(&mut dictionary, &["bb", "a", "c"]), [1, 0, 2]);
        assert_eq!(dictionary.get(1), b"bb");
        dictionary.clear();
        assert_eq!(numbers(&mut dictionary, &["c", "a"]), [0, 1]);
        assert_eq!(dictionary.len(), 2);
        assert_eq!(dictionary.get(0), b"c");
        assert_eq!(dictionary.get(2), b"", "behind the last one");
    }

    #[test]
    fn values_of_one_length_stand_without_it() {
        let mut dictionary = Dictionary::default();
        let numbers = [b"ab", b"cd", b"ab"].map(|value| dictionary.number(value, true));
        assert_eq!(numbers, [0, 1, 0]);
        assert_eq!(dictionary.plain(), b"abcd");
        assert_eq!(dictionary.get(1), b"cd");
    }
}
