//! The right edge of a workspace's Merkle tree: all that is needed to append and to know the root.
//!
//! The tree is RFC 6962's: a tree of n leaves splits at the largest power of two below n, nothing
//! is duplicated or padded. The edge holds one hash for each bit that is set in n, the root of a
//! full subtree each, the largest first.
//!
//! Byte layout of [`Edge::encode`]: size (u64 big-endian), then one 32-byte hash for each bit set
//! in the size, highest bit first.
//!
//! What stays out: the leaves, stored tiles, proofs.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::tile::TILE_HEIGHT;

/// The greatest tree size, 2^53, one more than the greatest seq.
pub const SIZE_MAX: u64 = 1 << 53;

/// The right edge of a tree.
///
/// Invariant: `hashes` has one entry for each bit set in `size`, and `size` ≤ [`SIZE_MAX`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Edge {
    size: u64,
    /// As many as there are, without room for more: there may be very many trees, most of them small.
    hashes: Box<[Hash]>,
}

/// Bytes or hashes that are no edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EdgeError {
    /// Fewer bytes than the size takes.
    #[error("an edge begins with 8 bytes of size, found {found_bytes}")]
    Short {
        /// The length given.
        found_bytes: usize,
    },
    /// A size that no tree has.
    #[error("tree size {size} is above 2^53")]
    Size {
        /// The size given.
        size: u64,
    },
    /// The number of hashes does not belong to the size.
    #[error("the edge of {size} leaves has {expected} hashes, found {found_bytes} bytes")]
    Hashes {
        /// The size given.
        size: u64,
        /// How many hashes it has.
        expected: u32,
        /// How many bytes of hashes were found.
        found_bytes: usize,
    },
}

impl Edge {
    /// Takes a size and its hashes, the largest subtree first.
    ///
    /// # Errors
    /// The size is too great, or has another number of hashes.
    pub fn new(size: u64, hashes: Vec<Hash>) -> Result<Self, EdgeError> {
        check(size, hashes.len() * Hash::BYTES)?;
        Ok(Self { size, hashes: hashes.into() })
    }

    /// Returns the number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the roots of the full subtrees, the largest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Appends a leaf's hash and returns its index.
    ///
    /// It costs one node hash on average, and allocates unless the number of hashes stays as it is.
    ///
    /// # Panics
    /// The tree is full, at 2^53 leaves.
    pub fn append(&mut self, leaf: Hash) -> u64 {
        self.append_reporting(leaf, |_, _, _| ())
    }

    /// Appends as [`Edge::append`] does, and reports each entry of a level ≥ 1 tile that it
    /// completes, as (tile level, index of the entry in its level, hash).
    ///
    /// That is once in 256 leaves for level 1, once in 65,536 for level 2, and so on; level 0 is
    /// the leaf itself and is not reported.
    ///
    /// # Panics
    /// As [`Edge::append`].
    pub fn append_reporting(
        &mut self,
        leaf: Hash,
        mut completed: impl FnMut(u8, u64, Hash),
    ) -> u64 {
        assert!(self.size < SIZE_MAX, "a tree holds at most 2^53 leaves");
        let index = self.size;
        let mut hash = leaf;
        let mut hashes = core::mem::take(&mut self.hashes).into_vec();
        // Each set bit at the low end is a full subtree that this leaf completes to the next height.
        for height in 1..=index.trailing_ones() {
            let left = hashes.pop().expect("one hash for each bit set in the size");
            hash = node_hash(&left, &hash);
            if height % TILE_HEIGHT == 0 {
                completed((height / TILE_HEIGHT) as u8, index >> height, hash);
            }
        }
        if hashes.len() == hashes.capacity() {
            hashes.reserve_exact(1);
        }
        hashes.push(hash);
        self.hashes = hashes.into_boxed_slice();
        self.size = index + 1;
        index
    }

    /// Returns the root hash; that of a tree without leaves is [`EMPTY_ROOT`].
    pub fn root(&self) -> Hash {
        let mut smallest_first = self.hashes.iter().rev();
        let Some(first) = smallest_first.next() else { return EMPTY_ROOT };
        smallest_first.fold(*first, |right, left| node_hash(left, &right))
    }

    /// Returns the length of the encoding in bytes.
    pub fn encoded_bytes(&self) -> usize {
        SIZE_BYTES + self.hashes.len() * Hash::BYTES
    }

    /// Appends the encoding described at the top of this file.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(self.encoded_bytes());
        out.extend_from_slice(&self.size.to_be_bytes());
        for hash in self.hashes.iter() {
            out.extend_from_slice(&hash.0);
        }
    }

    /// Reads an encoding, all of it. It carries no checksum: that is the store's task.
    ///
    /// # Errors
    /// The length does not belong to the size, or the size is above 2^53.
    pub fn decode(bytes: &[u8]) -> Result<Self, EdgeError> {
        let (size, rest) = bytes
            .split_first_chunk::<SIZE_BYTES>()
            .ok_or(EdgeError::Short { found_bytes: bytes.len() })?;
        let size = u64::from_be_bytes(*size);
        check(size, rest.len())?;
        Ok(Self { size, hashes: rest.as_chunks().0.iter().map(|bytes| Hash(*bytes)).collect() })
    }
}

const SIZE_BYTES: usize = 8;

fn check(size: u64, found_bytes: usize) -> Result<(), EdgeError> {
    if size > SIZE_MAX {
        return Err(EdgeError::Size { size });
    }
    let expected = size.count_ones();
    if found_bytes != expected as usize * Hash::BYTES {
        return Err(EdgeError::Hashes { size, expected, found_bytes });
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
