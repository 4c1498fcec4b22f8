//! A set of rows of one block, as bits.

use std::ops::Range;

/// Rows of a block, counted from its first row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowSet {
    words: Vec<u64>,
}

impl RowSet {
    /// Makes an empty set for `rows` rows.
    pub(crate) fn none(rows: usize) -> Self {
        Self { words: vec![0; rows.div_ceil(64)] }
    }

    /// Makes an empty set for as many rows.
    pub(crate) fn emptied(&self) -> Self {
        Self { words: vec![0; self.words.len()] }
    }

    /// Makes the set of the rows from `from` to before `to`, in a block of `rows` rows.
    pub(crate) fn span(rows: usize, from: usize, to: usize) -> Self {
        let mut set = Self::none(rows);
        for (index, word) in set.words.iter_mut().enumerate() {
            let at = index * 64;
            let low = from.saturating_sub(at).min(64);
            let high = to.saturating_sub(at).min(64);
            if low < high {
                let ones = if high - low == 64 { u64::MAX } else { (1 << (high - low)) - 1 };
                *word = ones << low;
            }
        }
        set
    }

    /// Keeps the rows that are in the other set too.
    pub(crate) fn keep(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    /// Adds the rows of the other set.
    pub(crate) fn add(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// Takes the rows of the other set out.
    pub(crate) fn take(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// Returns the rows that pass.
    pub(crate) fn filtered(&self, passes: impl Fn(usize) -> bool) -> Self {
        let mut passing = self.emptied();
        self.iter().filter(|row| passes(*row)).for_each(|row| passing.insert(row));
        passing
    }

    /// Returns the first row and the one behind the last; `0..0` when there are none.
    pub(crate) fn bounds(&self) -> Range<usize> {
        let Some(first) = self.words.iter().position(|word| *word != 0) else { return 0..0 };
        let last = self.words.iter().rposition(|word| *word != 0).unwrap_or(first);
        let low = first * 64 + self.words[first].trailing_zeros() as usize;
        low..last * 64 + 64 - self.words[last].leading_zeros() as usize
    }

    /// Adds a row.
    pub(crate) fn insert(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
    }

    /// Adds the rows from `first` on whose code passes, 64 at a time: which rows pass is not to be foreseen,
    /// so nothing branches on it.
    ///
    /// # Panics
    /// A code is none of those of which `passing` tells.
    pub(crate) fn insert_passing(&mut self, first: usize, codes: &[u32], passing: &[bool]) {
        let bits = |codes: &[u32]| -> u64 {
            let bit = |(at, code): (usize, &u32)| u64::from(passing[*code as usize]) << at;
            codes.iter().enumerate().map(bit).fold(0, |word, bit| word | bit)
        };
        let (head, rest) = codes.split_at(codes.len().min((64 - first % 64) % 64));
        if !head.is_empty() {
            self.words[first / 64] |= bits(head) << (first % 64);
        }
        for (word, codes) in self.words[first.div_ceil(64)..].iter_mut().zip(rest.chunks(64)) {
            *word |= bits(codes);
        }
    }

    /// Takes a row out.
    pub(crate) fn remove(&mut self, row: usize) {
        self.words[row / 64] &= !(1 << (row % 64));
    }

    /// Tells whether a row is in the set.
    pub(crate) fn contains(&self, row: usize) -> bool {
        self.words[row / 64] & 1 << (row % 64) != 0
    }

    /// Counts the rows.
    pub(crate) fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Tells whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Yields the rows in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    index * 64 + bit
                })
            })
        })
    }
}

#[cfg(test)]
mod tests;
