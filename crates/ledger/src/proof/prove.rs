//! Making proofs, from a source of the tree's full nodes.
//!
//! A source answers `(height, index)` with the root over leaves index·2^height ..<
//! (index + 1)·2^height; it is only asked for nodes whose leaves are all there. With tiles,
//! [`crate::tile::place_of_node`] says where each stands; with leaf hashes in memory, [`nodes_of`]
//! is the source.

use alloc::vec;
use alloc::vec::Vec;
use core::convert::Infallible;

use super::split;
use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::tree::{Edge, SIZE_MAX};

/// Why a proof cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// The leaf, range or old size asked for is not inside the tree.
    #[error("{begin}..{end} is not inside a tree of {size} leaves")]
    Outside {
        /// The first leaf, or the old size.
        begin: u64,
        /// The end of the range.
        end: u64,
        /// The tree's size.
        size: u64,
    },
    /// The source could not give a node.
    #[error("cannot read the node of height {height} at {index}")]
    Node {
        /// Its height above the leaves.
        height: u32,
        /// Its index at that height.
        index: u64,
        /// The source's error.
        #[source]
        source: E,
    },
}

/// Returns a source over the leaf hashes of a whole tree.
pub fn nodes_of(leaves: &[Hash]) -> impl Fn(u32, u64) -> Result<Hash, Infallible> + '_ {
    |height, index| {
        let below = (index << height) as usize..((index + 1) << height) as usize;
        let mut edge = Edge::default();
        for leaf in &leaves[below] {
            edge.append(*leaf);
        }
        Ok(edge.root())
    }
}

/// Computes the root of the first `size` leaves.
///
/// # Errors
/// The size is above 2^53, or the source fails.
pub fn root<E>(
    size: u64,
    node: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Hash, ProveError<E>> {
    if size > SIZE_MAX {
        return Err(ProveError::Outside { begin: 0, end: size, size });
    }
    if size == 0 {
        return Ok(EMPTY_ROOT);
    }
    Nodes { node }.subtree(0, size)
}

/// Makes the path from leaf `index` to the root of a tree of `size` leaves (RFC 9162 2.1.3.1).
///
/// # Errors
/// The index is outside the tree, or the source fails.
pub fn inclusion_proof<E>(
    index: u64,
    size: u64,
    node: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, ProveError<E>> {
    if index >= size || size > SIZE_MAX {
        return Err(ProveError::Outside { begin: index, end: index.saturating_add(1), size });
    }
    let mut nodes = Nodes { node };
    let mut path = Vec::new();
    let (mut first, mut end) = (0, size);
    while end - first > 1 {
        let middle = first + split(end - first);
        if index < middle {
            path.push(nodes.subtree(middle, end)?);
            end = middle;
        } else {
            path.push(nodes.subtree(first, middle)?);
            first = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Makes the proof that a tree of `size` leaves begins with its first `old_size` (RFC 9162 2.1.4.1).
///
/// It is empty for an old size of 0 and for equal sizes.
///
/// # Errors
/// The old size is above the new one, or the source fails.
pub fn consistency_proof<E>(
    old_size: u64,
    size: u64,
    node: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, ProveError<E>> {
    if old_size > size || size > SIZE_MAX {
        return Err(ProveError::Outside { begin: old_size, end: old_size, size });
    }
    let mut nodes = Nodes { node };
    let mut proof = Vec::new();
    if old_size == 0 {
        return Ok(proof);
    }
    let (mut first, mut end) = (0, size);
    while end > old_size {
        let middle = first + split(end - first);
        if old_size <= middle {
            proof.push(nodes.subtree(middle, end)?);
            end = middle;
        } else {
            proof.push(nodes.subtree(first, middle)?);
            first = middle;
        }
    }
    // The verifier knows the old root, so it is left out when it is this very subtree.
    if first != 0 {
        proof.push(nodes.subtree(first, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Makes the edge hashes with which the leaves `begin..end` prove to be complete.
///
/// # Errors
/// The range is empty or outside the tree, or the source fails.
pub fn range_proof<E>(
    begin: u64,
    end: u64,
    size: u64,
    node: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, ProveError<E>> {
    let whole_of_nothing = begin == 0 && end == 0 && size == 0;
    if (begin >= end || end > size || size > SIZE_MAX) && !whole_of_nothing {
        return Err(ProveError::Outside { begin, end, size });
    }
    let mut nodes = Nodes { node };
    let mut edges = Vec::new();
    // Subtrees still to visit, the leftmost on top.
    let mut waiting = vec![(0, size)];
    while let Some((first, last)) = waiting.pop() {
        if begin <= first && last <= end {
            continue;
        }
        if last <= begin || first >= end {
            edges.push(nodes.subtree(first, last)?);
            continue;
        }
        let middle = first + split(last - first);
        waiting.push((middle, last));
        waiting.push((first, middle));
    }
    Ok(edges)
}

/// A source, with the subtrees that are not full put together from full nodes.
struct Nodes<F> {
    node: F,
}

impl<F, E> Nodes<F>
where
    F: FnMut(u32, u64) -> Result<Hash, E>,
{
    /// Returns the root over leaves `first..end`, a subtree of the RFC 6962 split, not empty.
    fn subtree(&mut self, first: u64, end: u64) -> Result<Hash, ProveError<E>> {
        let count = end - first;
        if count.is_power_of_two() {
            let height = count.ilog2();
            let index = first >> height;
            return (self.node)(height, index).map_err(|source| ProveError::Node {
                height,
                index,
                source,
            });
        }
        let middle = first + split(count);
        let left = self.subtree(first, middle)?;
        let right = self.subtree(middle, end)?;
        Ok(node_hash(&left, &right))
    }
}
