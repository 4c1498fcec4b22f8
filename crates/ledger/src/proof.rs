//! Proofs that a verifier checks against a root: inclusion, consistency, and range.
//!
//! Inclusion and consistency are RFC 9162 sections 2.1.3 and 2.1.4. A range proof shows that given
//! leaf hashes are *all* leaves of [begin, end): the verifier walks the split of a tree of n
//! leaves, rebuilds every subtree inside the range from the leaves, and takes the greatest subtrees
//! outside it from the proof, in the order of the walk. It derives that shape from
//! (n, begin, end), never from the proof.
//!
//! **A root does not bind its size.** The size must come from a signed checkpoint, and `seq` in
//! each leaf must equal its index.
//!
//! Provers are in `proof/prove.rs`.

use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::tree::{Edge, SIZE_MAX};

mod prove;

pub use prove::{ProveError, consistency_proof, inclusion_proof, nodes_of, range_proof, root};

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf, range or old size asked about is not inside the tree.
    #[error("{begin}..{end} is not inside a tree of {size} leaves")]
    Outside {
        /// The first leaf, or the old size.
        begin: u64,
        /// The end of the range.
        end: u64,
        /// The tree's size.
        size: u64,
    },
    /// The proof has more or fewer hashes than these sizes need, or the range other leaves.
    #[error("the proof has the wrong number of hashes, {found}")]
    Length {
        /// How many were given.
        found: usize,
    },
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// Checks that `leaf` is leaf number `index` of the tree with this size and root.
///
/// The path runs from the leaf's sibling to the child of the root (RFC 9162 section 2.1.3.2).
///
/// # Errors
/// The index is outside the tree, the path has the wrong length, or leads to another root.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size || size > SIZE_MAX {
        return Err(ProofError::Outside { begin: index, end: index.saturating_add(1), size });
    }
    let wrong_length = ProofError::Length { found: path.len() };
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(wrong_length);
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(wrong_length);
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the tree of `size` leaves begins with the tree of `old_size` leaves.
///
/// An old size of 0 is consistent with everything and takes an empty proof; its root is not looked
/// at (RFC 9162 section 2.1.4.2; C2SP tlog-witness for size 0).
///
/// # Errors
/// The old size is above the new one, the proof has the wrong length, or leads to other roots.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    size: u64,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old_size > size || size > SIZE_MAX {
        return Err(ProofError::Outside { begin: old_size, end: old_size, size });
    }
    let wrong_length = ProofError::Length { found: proof.len() };
    if old_size == 0 || old_size == size {
        return if !proof.is_empty() {
            Err(wrong_length)
        } else if old_size == size && old_root != root {
            Err(ProofError::Root)
        } else {
            Ok(())
        };
    }
    // The old tree of a power of two is itself the first node.
    let (first, path) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or(wrong_length)?
    };
    let (mut at, mut last) = (old_size - 1, size - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut hash) = (*first, *first);
    for sibling in path {
        if last == 0 {
            return Err(wrong_length);
        }
        if at & 1 == 1 || at == last {
            old_hash = node_hash(sibling, &old_hash);
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(wrong_length);
    }
    if old_hash == *old_root && hash == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that `leaves` are all the leaves from number `begin` on, as many as there are given, of
/// the tree with this size and root.
///
/// The empty range is refused, except for the whole of the empty tree.
///
/// # Errors
/// The range is outside the tree or empty, the proof has the wrong length, or leads to another root.
pub fn verify_range(
    leaves: &[Hash],
    begin: u64,
    size: u64,
    edges: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    let end = begin.saturating_add(leaves.len() as u64);
    let wrong_length = ProofError::Length { found: edges.len() };
    if size == 0 && begin == 0 && leaves.is_empty() {
        return match (edges, *root) {
            ([], EMPTY_ROOT) => Ok(()),
            ([], _) => Err(ProofError::Root),
            _ => Err(wrong_length),
        };
    }
    if begin >= end || end > size || size > SIZE_MAX {
        return Err(ProofError::Outside { begin, end, size });
    }
    let mut walk = RangeWalk { leaves, begin, end, edges: edges.iter() };
    let found = walk.subtree(0, size).ok_or(wrong_length)?;
    if walk.edges.next().is_some() {
        return Err(wrong_length);
    }
    if found == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// The walk of a range check; as deep as the tree is high, at most 53.
struct RangeWalk<'a> {
    leaves: &'a [Hash],
    begin: u64,
    end: u64,
    edges: core::slice::Iter<'a, Hash>,
}

impl RangeWalk<'_> {
    /// Returns the root over leaves `first..end`; `None` when the edges run out.
    fn subtree(&mut self, first: u64, end: u64) -> Option<Hash> {
        if end <= self.begin || first >= self.end {
            return self.edges.next().copied();
        }
        if self.begin <= first && end <= self.end {
            let inside = (first - self.begin) as usize..(end - self.begin) as usize;
            let mut edge = Edge::default();
            for leaf in &self.leaves[inside] {
                edge.append(*leaf);
            }
            return Some(edge.root());
        }
        let middle = first + split(end - first);
        let left = self.subtree(first, middle)?;
        let right = self.subtree(middle, end)?;
        Some(node_hash(&left, &right))
    }
}

/// Returns the largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

#[cfg(test)]
mod tests;
