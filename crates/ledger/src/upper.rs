//! The tiles above level 0 of a growing tree: what a proof needs besides the leaves near it.
//!
//! One hash for each 256 leaves is kept, 0.125 bytes an event; everything higher is computed from
//! them, everything lower from the leaves. The hashes stand in tiles of 256 that are shared between
//! copies, so a copy of a large tree costs a pointer for each 65,536 leaves.
//!
//! What stays out: level 0, and where tiles are stored.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::hash::Hash;
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, full_subtree};
use crate::tree::Edge;

/// Entries of level 1 of a tree, and the root of each full tile of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpperTiles {
    full: Vec<Arc<FullTile>>,
    /// Fewer than 256 hashes, those behind the last full tile.
    growing: Vec<Hash>,
}

#[derive(Debug, PartialEq, Eq)]
struct FullTile {
    hashes: Vec<Hash>,
    root: Hash,
}

impl UpperTiles {
    /// Takes the entries of level 1, in their order.
    pub fn from_entries(entries: impl IntoIterator<Item = Hash>) -> Self {
        let mut tiles = Self::default();
        entries.into_iter().for_each(|entry| tiles.push(entry));
        tiles
    }

    /// Appends the next entry of level 1, the root over its 256 leaves.
    pub fn push(&mut self, entry: Hash) {
        self.growing.push(entry);
        if self.growing.len() == usize::from(TILE_WIDTH) {
            let hashes = core::mem::take(&mut self.growing);
            let root = full_subtree(&hashes);
            self.full.push(Arc::new(FullTile { hashes, root }));
        }
    }

    /// Returns how many entries level 1 has: the number of leaves divided by 256, rounded down.
    pub fn entry_count(&self) -> u64 {
        (self.full.len() * usize::from(TILE_WIDTH) + self.growing.len()) as u64
    }

    /// Yields the entries of level 1 in their order.
    pub fn entries(&self) -> impl Iterator<Item = &Hash> {
        self.full.iter().flat_map(|tile| &tile.hashes).chain(&self.growing)
    }

    /// Computes a full node that spans at least 256 leaves, the root over leaves index·2^height ..<
    /// (index + 1)·2^height; `None` for a lower one, or when its leaves are not all there.
    ///
    /// At height 16 and more it costs a node hash for each 65,536 leaves below it.
    pub fn node(&self, height: u32, index: u64) -> Option<Hash> {
        let above = height.checked_sub(TILE_HEIGHT)?;
        let first = usize::try_from(index.checked_shl(above)?).ok()?;
        let count = 1_usize.checked_shl(above)?;
        let width = usize::from(TILE_WIDTH);
        if count < width {
            let tile = self.full.get(first / width).map_or(&self.growing, |tile| &tile.hashes);
            let from = first % width;
            let is_of_growing = first / width == self.full.len();
            (first / width < self.full.len() || is_of_growing).then_some(())?;
            return tile.get(from..from + count).map(full_subtree);
        }
        let roots = self.full.get(first / width..first / width + count / width)?;
        let roots: Vec<Hash> = roots.iter().map(|tile| tile.root).collect();
        Some(full_subtree(&roots))
    }

    /// Tells whether these are the tiles of the tree with this edge, as far as both know it.
    pub fn fits(&self, edge: &Edge) -> bool {
        if self.entry_count() != edge.size() >> TILE_HEIGHT {
            return false;
        }
        let mut begin = 0;
        let heights = (0..u64::BITS).rev().filter(|height| edge.size() >> height & 1 == 1);
        heights.zip(edge.hashes()).all(|(height, hash)| {
            let index = begin >> height;
            begin += 1 << height;
            height < TILE_HEIGHT || self.node(height, index) == Some(*hash)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;
    use crate::proof::nodes_of;

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
    }

    fn grown(leaves: &[Hash]) -> (Edge, UpperTiles) {
        let (mut edge, mut tiles) = (Edge::default(), UpperTiles::default());
        for leaf in leaves {
            edge.append_reporting(*leaf, |level, _, hash| {
                if level == 1 {
                    tiles.push(hash);
                }
            });
        }
        (edge, tiles)
    }

    #[test]
    fn every_node_of_256_leaves_and_more_is_that_of_the_leaves() {
        for size in [0, 255, 256, 700, 65_536, 70_000, 131_072 + 513] {
            let leaves = leaves(size);
            let (edge, tiles) = grown(&leaves);
            assert!(tiles.fits(&edge), "size {size}");
            let oracle = nodes_of(&leaves);
            for height in 8..=18 {
                for index in [0, 1, (size >> height).saturating_sub(1)] {
                    let is_there = (index + 1) << height <= size;
                    let expected = is_there.then(|| oracle(height, index).unwrap());
                    assert_eq!(tiles.node(height, index), expected, "{size} {height} {index}");
                }
            }
            assert_eq!(tiles.node(7, 0), None);
        }
    }

    #[test]
    fn tiles_of_another_tree_do_not_fit() {
        let (edge, tiles) = grown(&leaves(70_000));
        let mut entries: Vec<Hash> = tiles.entries().copied().collect();
        assert_eq!(UpperTiles::from_entries(entries.clone()), tiles);
        entries[17] = Hash([0; 32]);
        assert!(!UpperTiles::from_entries(entries.clone()).fits(&edge));
        entries.pop();
        assert!(!UpperTiles::from_entries(entries).fits(&edge));
    }
}
