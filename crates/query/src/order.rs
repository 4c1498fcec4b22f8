//! The orders in which events are listed, as keys that ascend in the listed order.

use crate::source::Extent;

/// How a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Sort {
    /// By `occurred_at`, then `seq`, newest first.
    NewestFirst = 0,
    /// By `occurred_at`, then `seq`, oldest first.
    OldestFirst = 1,
    /// By `seq`, ascending.
    Seq = 2,
}

impl Sort {
    /// Finds the order of a number written by `self as u8`.
    pub(crate) fn from_u8(number: u8) -> Option<Self> {
        [Self::NewestFirst, Self::OldestFirst, Self::Seq].get(usize::from(number)).copied()
    }
}

/// A place in a walk: compares as the walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(i64, u64);

/// A walk over events: a sort, forwards or backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// Whether `occurred_at` comes before `seq`.
    pub(crate) by_time: bool,
    /// Whether the walk goes from great to small.
    pub(crate) descending: bool,
}

impl Order {
    pub(crate) fn new(sort: Sort, backwards: bool) -> Self {
        Self { by_time: sort != Sort::Seq, descending: (sort == Sort::NewestFirst) != backwards }
    }

    /// Returns the key of an event.
    pub(crate) fn key(self, occurred_at: i64, seq: u64) -> Key {
        let time = if self.by_time { occurred_at } else { 0 };
        // A bitwise NOT turns the order of signed and of unsigned numbers around.
        if self.descending { Key(!time, !seq) } else { Key(time, seq) }
    }

    /// Returns `occurred_at` (0 when it does not count) and `seq` of a key.
    pub(crate) fn unkey(self, key: Key) -> (i64, u64) {
        if self.descending { (!key.0, !key.1) } else { (key.0, key.1) }
    }

    /// Returns a key at or before that of any event within an extent.
    pub(crate) fn bound(self, Extent { times, seqs }: Extent) -> Key {
        match (self.by_time, self.descending) {
            (true, false) => self.key(times.0, 0),
            (true, true) => self.key(times.1, u64::MAX),
            (false, false) => self.key(0, seqs.0),
            (false, true) => self.key(0, seqs.1),
        }
    }
}
