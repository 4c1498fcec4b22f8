//! A set of rows of one block, as bits.

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

    /// Adds a row.
    #[cfg(test)]
    pub(crate) fn insert(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
    }

    /// Takes a row out.
    pub(crate) fn remove(&mut self, row: usize) {
        self.words[row / 64] &= !(1 << (row % 64));
    }

    /// Tells whether a row is in the set.
    pub(crate) fn contains(&self, row: usize) -> bool {
        self.words[row / 64] & 1 << (row % 64) != 0
    }

    /// Returns how many rows the set can hold, rounded up.
    pub(crate) fn capacity(&self) -> usize {
        self.words.len() * 64
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
