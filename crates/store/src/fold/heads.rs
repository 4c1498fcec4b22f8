//! What the log says of signing: which heads of a workspace's tree were published, under which
//! origin and key.
//!
//! A head is published by a record, and only what a record says may be signed (design decision 6).
//! Keys are never here: an era names the master seed they are derived from by its id, and the two
//! numbers that go into the derivation.
//!
//! Invariant (I3): published sizes only grow, and a size has one root.

use proofbook_ledger::Hash;
use serde::{Deserialize, Serialize};

use crate::codec::{DecodeError, Decoder, Encode};

/// Published heads that are remembered for a workspace; beyond it the ones in between are thinned.
pub const HEADS_MAX: usize = 64;
/// The newest of them that are never thinned.
const HEADS_KEPT: usize = 16;

/// Names a master seed without telling it: the first 8 bytes of a hash of it, in hex where it is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct SeedId(pub [u8; 8]);

/// A span of sizes that are signed under one origin with one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Era {
    /// 0 for the first origin, one more for each that followed.
    pub origin: u32,
    /// 0 for the first key of the origin, one more for each that followed.
    pub key: u32,
    /// The master seed of the key.
    pub seed: SeedId,
    /// It signs sizes greater than this; 0 and the empty tree's for the first era.
    pub after_size: u64,
    /// Heads published before this stamp are signed by the key before it too, microseconds UTC.
    pub overlap_until: i64,
}

/// A head that a record published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedHead {
    /// How many leaves.
    pub size: u64,
    /// The root.
    pub root: Hash,
    /// The stamp of the record that published it last, microseconds UTC.
    pub at: i64,
}

/// What was published of one workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signing {
    /// Eras, oldest first; at least one.
    pub eras: Vec<Era>,
    /// Heads by growing size, thinned.
    pub heads: Vec<PublishedHead>,
}

impl Signing {
    /// Begins with the first era.
    pub(crate) fn begin(seed: SeedId) -> Self {
        let era = Era { origin: 0, key: 0, seed, after_size: 0, overlap_until: 0 };
        Self { eras: vec![era], heads: Vec::new() }
    }

    /// Returns the newest published head.
    pub fn newest(&self) -> Option<&PublishedHead> {
        self.heads.last()
    }

    /// Returns the eras whose keys sign a head: the one it falls in, and the one before it while both
    /// are of one origin and overlap. The newest comes first.
    pub fn signers(&self, head: &PublishedHead) -> Vec<&Era> {
        let falls_in = |era: &&Era| head.size > era.after_size || era.after_size == 0;
        let mut eras = self.eras.iter().rev().skip_while(|era| !falls_in(era));
        let Some(own) = eras.next() else { return Vec::new() };
        let overlaps = |before: &&Era| before.origin == own.origin && head.at < own.overlap_until;
        std::iter::once(own).chain(eras.next().filter(overlaps)).collect()
    }

    /// Takes a head up; one that is no greater than the newest only renews the newest's stamp.
    pub(crate) fn publish(&mut self, head: PublishedHead) {
        match self.heads.last_mut() {
            Some(newest) if newest.size == head.size && newest.root == head.root => {
                newest.at = newest.at.max(head.at);
                return;
            }
            Some(newest) if newest.size >= head.size => return,
            _ => self.heads.push(head),
        }
        if self.heads.len() > HEADS_MAX {
            // The one whose going leaves the shortest gap in time.
            let gap = |at: &usize| self.heads[at + 1].at - self.heads[at - 1].at;
            let thinned = (1..self.heads.len() - HEADS_KEPT).min_by_key(gap);
            self.heads.remove(thinned.unwrap_or(1));
        }
    }

    /// Begins another era: of the next key, or of the next origin and its first key.
    pub(crate) fn begin_era(
        &mut self,
        new_origin: bool,
        seed: SeedId,
        after_size: u64,
        overlap_until: i64,
    ) {
        let (origin, key) = match self.eras.last() {
            Some(last) if new_origin => (last.origin + 1, 0),
            Some(last) => (last.origin, last.key + 1),
            None => (0, 0),
        };
        self.eras.push(Era { origin, key, seed, after_size, overlap_until });
    }

    /// Appends the form that snapshots hold.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.put_varint(self.eras.len() as u64);
        for era in &self.eras {
            out.put_varint(u64::from(era.origin));
            out.put_varint(u64::from(era.key));
            out.put_raw(&era.seed.0);
            out.put_varint(era.after_size);
            out.put_signed(era.overlap_until);
        }
        out.put_varint(self.heads.len() as u64);
        for head in &self.heads {
            out.put_varint(head.size);
            out.put_raw(&head.root.0);
            out.put_signed(head.at);
        }
    }

    /// Reads what [`Signing::encode`] wrote.
    pub(crate) fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut signing = Self::default();
        for _ in 0..from.varint("the eras of a workspace")? {
            signing.eras.push(Era {
                origin: from.varint_u32("an origin's number")?,
                key: from.varint_u32("a key's number")?,
                seed: SeedId(from.array("a seed's id")?),
                after_size: from.varint("a tree's size")?,
                overlap_until: from.signed("a time")?,
            });
        }
        for _ in 0..from.varint("the heads of a workspace")? {
            signing.heads.push(PublishedHead {
                size: from.varint("a tree's size")?,
                root: Hash(from.array("a root")?),
                at: from.signed("a time")?,
            });
        }
        Ok(signing)
    }
}

impl std::fmt::Display for SeedId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl Serialize for SeedId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SeedId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = (text.len() == 16).then(|| u64::from_str_radix(&text, 16).ok()).flatten();
        let number = number.ok_or_else(|| serde::de::Error::custom("not a seed's id"))?;
        Ok(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(size: u64, at: i64) -> PublishedHead {
        PublishedHead { size, root: Hash([size as u8; 32]), at }
    }

    #[test]
    fn b1_published_sizes_only_grow() {
        let mut signing = Signing::begin(SeedId([1; 8]));
        signing.publish(head(5, 10));
        signing.publish(head(3, 11));
        signing.publish(PublishedHead { root: Hash([9; 32]), ..head(5, 12) });
        assert_eq!(signing.heads, [head(5, 10)]);
        signing.publish(head(5, 13));
        assert_eq!(signing.heads, [head(5, 13)]);
    }

    #[test]
    fn b1_old_heads_are_thinned_and_the_first_and_the_newest_stay() {
        let mut signing = Signing::begin(SeedId([1; 8]));
        (1..=1_000).for_each(|number| signing.publish(head(number, number as i64 * 10)));
        assert_eq!(signing.heads.len(), HEADS_MAX);
        assert_eq!(signing.heads[0].size, 1);
        let newest: Vec<u64> = signing.heads.iter().rev().take(16).map(|head| head.size).collect();
        assert_eq!(newest, (985..=1_000).rev().collect::<Vec<u64>>());
    }

    #[test]
    fn b7_both_keys_sign_while_they_overlap_and_a_new_origin_signs_alone() {
        let mut signing = Signing::begin(SeedId([1; 8]));
        signing.begin_era(false, SeedId([1; 8]), 10, 1_000);
        signing.begin_era(true, SeedId([2; 8]), 20, 0);
        let keys = |size, at| -> Vec<(u32, u32)> {
            let head = head(size, at);
            signing.signers(&head).iter().map(|era| (era.origin, era.key)).collect()
        };
        assert_eq!(keys(0, 1), [(0, 0)]);
        assert_eq!(keys(10, 500), [(0, 0)]);
        assert_eq!(keys(11, 500), [(0, 1), (0, 0)]);
        assert_eq!(keys(11, 1_000), [(0, 1)]);
        assert_eq!(keys(21, 500), [(1, 0)]);
    }
}
