//! The root of a tree from the leaves of whole blocks and the edge hashes of a range proof.
//!
//! It is [`crate::proof::verify_range`] for ranges that begin at a block and end at one or at the
//! tree's end, in memory of one hash for each 256 leaves.

use alloc::vec::Vec;

use super::BLOCK;
use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::proof::ProofError;
use crate::tree::Edge;

/// The leaves of a range as they come.
#[derive(Debug)]
pub(crate) struct RangeRoot {
    begin: u64,
    end: u64,
    /// The roots of the blocks, the last one perhaps of fewer leaves.
    blocks: Vec<Hash>,
}

impl RangeRoot {
    /// Begins at a leaf that begins a block.
    pub(crate) fn new(begin: u64) -> Self {
        Self { begin, end: begin, blocks: Vec::new() }
    }

    /// Takes the leaves of the next block: 256, fewer only at the tree's end.
    pub(crate) fn block(&mut self, leaves: &[Hash]) {
        let mut edge = Edge::default();
        leaves.iter().for_each(|leaf| {
            edge.append(*leaf);
        });
        self.blocks.push(edge.root());
        self.end += leaves.len() as u64;
    }

    /// Returns the root of the block at this number in the tree, when it is one of the range.
    pub(crate) fn block_root(&self, block: u64) -> Option<&Hash> {
        let first = self.begin / BLOCK;
        self.blocks.get(usize::try_from(block.checked_sub(first)?).ok()?)
    }

    /// Returns the root of a tree of `size` leaves with these in it.
    pub(crate) fn root(&self, size: u64, edges: &[Hash]) -> Result<Hash, ProofError> {
        let wrong_length = ProofError::Length { found: edges.len() };
        if size == 0 && self.end == 0 {
            return if edges.is_empty() { Ok(EMPTY_ROOT) } else { Err(wrong_length) };
        }
        let is_whole = self.end == size || self.end.is_multiple_of(BLOCK);
        if self.begin >= self.end || self.end > size || !is_whole {
            return Err(ProofError::Outside { begin: self.begin, end: self.end, size });
        }
        let mut edges = edges.iter();
        let root = self.subtree(0, size, &mut edges).ok_or(wrong_length)?;
        if edges.next().is_some() { Err(wrong_length) } else { Ok(root) }
    }

    /// Returns the root of the first `size` leaves, of which the last block has this root; the blocks
    /// before it are those taken so far, from leaf 0 on.
    pub(crate) fn root_with(&mut self, last: Hash, size: u64) -> Result<Hash, ProofError> {
        let end = core::mem::replace(&mut self.end, size);
        self.blocks.push(last);
        let root = self.root(size, &[]);
        self.blocks.pop();
        self.end = end;
        root
    }

    /// As deep as the tree is high, at most 53.
    fn subtree(
        &self,
        first: u64,
        end: u64,
        edges: &mut core::slice::Iter<'_, Hash>,
    ) -> Option<Hash> {
        if end <= self.begin || first >= self.end {
            return edges.next().copied();
        }
        if end - first <= BLOCK && first.is_multiple_of(BLOCK) {
            return self.block_root(first / BLOCK).copied();
        }
        let middle = first + (1 << (end - first - 1).ilog2());
        let left = self.subtree(first, middle, edges)?;
        let right = self.subtree(middle, end, edges)?;
        Some(node_hash(&left, &right))
    }
}
