//! Compared with `ct-merkle`, which wrote its proofs byte by byte the same; and every damaged
//! proof must fail.

use super::*;
use crate::tree::tests::{leaf_bytes, leaves, naive_root};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;

type Foreign = MemoryBackedTree<Sha256, Vec<u8>>;

fn foreign(size: u64) -> Foreign {
    let mut tree = Foreign::new();
    (0..size).for_each(|index| tree.push(leaf_bytes(index)));
    tree
}

fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Sizes around powers of two and multiples of 256.
fn sizes() -> Vec<u64> {
    let near = |middle: u64| middle - 1..=middle + 1;
    let mut sizes: Vec<u64> = (1..=17).chain(near(32)).chain(near(64)).chain([70, 100]).collect();
    sizes.extend([128, 256, 512, 768, 1024].into_iter().flat_map(near));
    sizes
}

/// Some indexes of a tree: its ends, and around powers of two.
fn some(size: u64) -> Vec<u64> {
    let mut picked: Vec<u64> = (0..size.min(9)).chain(size.saturating_sub(3)..size).collect();
    picked
        .extend([size / 2, size / 3, 255, 256, 257, 511, 512].into_iter().filter(|at| *at < size));
    picked.sort_unstable();
    picked.dedup();
    picked
}

/// Every way to damage a list of hashes that a careless verifier might not see.
fn damaged(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for at in 0..proof.len() {
        for byte in [0, 31] {
            let mut changed = proof.to_vec();
            changed[at].0[byte] ^= 1;
            all.push(changed);
        }
        let mut shorter = proof.to_vec();
        shorter.remove(at);
        all.push(shorter);
        let mut longer = proof.to_vec();
        longer.insert(at, proof[at]);
        all.push(longer);
        if at > 0 {
            let mut swapped = proof.to_vec();
            swapped.swap(at - 1, at);
            all.push(swapped);
        }
    }
    let mut longer = proof.to_vec();
    longer.push(EMPTY_ROOT);
    all.push(longer);
    all
}

#[test]
fn inclusion_proofs_are_ct_merkles_and_only_they_hold() {
    for size in sizes() {
        let leaves = leaves(size);
        let root = naive_root(&leaves);
        let foreign = foreign(size);
        for index in some(size) {
            let leaf = &leaves[index as usize];
            let path = inclusion_proof(index, size, nodes_of(&leaves)).unwrap();
            assert_eq!(bytes_of(&path), foreign.prove_inclusion(index as usize).as_bytes());
            assert_eq!(verify_inclusion(leaf, index, size, &path, &root), Ok(()));

            for bad in damaged(&path) {
                assert!(
                    verify_inclusion(leaf, index, size, &bad, &root).is_err(),
                    "{index} of {size}"
                );
            }
            let other = Hash([9; 32]);
            assert_eq!(verify_inclusion(&other, index, size, &path, &root), Err(ProofError::Root));
            assert_eq!(verify_inclusion(leaf, index, size, &path, &other), Err(ProofError::Root));
            for wrong in some(size).into_iter().filter(|wrong| *wrong != index) {
                assert!(verify_inclusion(leaf, wrong, size, &path, &root).is_err());
            }
        }
    }
}

#[test]
fn consistency_proofs_are_ct_merkles_and_only_they_hold() {
    for size in sizes() {
        let leaves = leaves(size);
        let root = naive_root(&leaves);
        let foreign = foreign(size);
        for old in some(size).into_iter().filter(|old| *old > 0) {
            let old_root = naive_root(&leaves[..old as usize]);
            let proof = consistency_proof(old, size, nodes_of(&leaves)).unwrap();
            let expected = foreign.prove_consistency((size - old) as usize);
            assert_eq!(bytes_of(&proof), expected.as_bytes(), "{old} to {size}");
            assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()));

            for bad in damaged(&proof) {
                assert!(
                    verify_consistency(old, &old_root, size, &root, &bad).is_err(),
                    "{old} to {size}"
                );
            }
            let other = Hash([9; 32]);
            assert!(verify_consistency(old, &other, size, &root, &proof).is_err());
            assert!(verify_consistency(old, &old_root, size, &other, &proof).is_err());
        }
    }
}

#[test]
fn consistency_at_the_ends_takes_only_an_empty_proof() {
    let (a, b) = (Hash([1; 32]), Hash([2; 32]));
    assert_eq!(verify_consistency(0, &a, 5, &b, &[]), Ok(()));
    assert_eq!(verify_consistency(0, &a, 5, &b, &[a]), Err(ProofError::Length { found: 1 }));
    assert_eq!(verify_consistency(5, &a, 5, &a, &[]), Ok(()));
    assert_eq!(verify_consistency(5, &a, 5, &b, &[]), Err(ProofError::Root));
    assert_eq!(verify_consistency(5, &a, 5, &a, &[a]), Err(ProofError::Length { found: 1 }));
    assert_eq!(
        verify_consistency(6, &a, 5, &a, &[]),
        Err(ProofError::Outside { begin: 6, end: 6, size: 5 })
    );
    assert_eq!(consistency_proof(0, 5, nodes_of(&[])), Ok(vec![]));
}

#[test]
fn range_proofs_hold_for_every_range_of_small_trees() {
    for size in 1..=24 {
        let leaves = leaves(size);
        let root = naive_root(&leaves);
        for begin in 0..size {
            for end in begin + 1..=size {
                let inside = &leaves[begin as usize..end as usize];
                let edges = range_proof(begin, end, size, nodes_of(&leaves)).unwrap();
                assert_eq!(verify_range(inside, begin, size, &edges, &root), Ok(()));
                for bad in damaged(&edges).iter().chain(&damaged(inside)) {
                    let (as_leaves, as_edges) = (
                        verify_range(bad, begin, size, &edges, &root),
                        verify_range(inside, begin, size, bad, &root),
                    );
                    assert!(as_leaves.is_err() || bad == inside, "{begin}..{end} of {size}");
                    assert!(as_edges.is_err() || *bad == edges, "{begin}..{end} of {size}");
                }
                for shifted in [begin.wrapping_sub(1), begin + 1] {
                    assert!(verify_range(inside, shifted, size, &edges, &root).is_err());
                }
            }
        }
    }
}

/// The numbers of edge hashes measured for the reference log of 70,000 leaves.
#[test]
fn a_range_of_70000_leaves_needs_few_edges() {
    let leaves = leaves(70_000);
    let root = {
        let mut edge = Edge::default();
        leaves.iter().for_each(|leaf| _ = edge.append(*leaf));
        edge.root()
    };
    for (begin, end, count) in [(20_000, 20_500, 17), (69_990, 70_000, 7), (0, 70_000, 0)] {
        let edges = range_proof(begin, end, 70_000, nodes_of(&leaves)).unwrap();
        assert_eq!(edges.len(), count, "{begin}..{end}");
        let inside = &leaves[begin as usize..end as usize];
        assert_eq!(verify_range(inside, begin, 70_000, &edges, &root), Ok(()));
        assert!(verify_range(&inside[1..], begin, 70_000, &edges, &root).is_err());
        assert!(verify_range(&inside[1..], begin + 1, 70_000, &edges, &root).is_err());
    }
}

#[test]
fn the_empty_range_proves_only_the_empty_tree() {
    assert_eq!(range_proof(0, 0, 0, nodes_of(&[])), Ok(vec![]));
    assert_eq!(verify_range(&[], 0, 0, &[], &EMPTY_ROOT), Ok(()));
    assert_eq!(verify_range(&[], 0, 0, &[], &Hash([0; 32])), Err(ProofError::Root));
    assert!(verify_range(&[], 0, 0, &[EMPTY_ROOT], &EMPTY_ROOT).is_err());
    assert!(verify_range(&[], 0, 1, &[EMPTY_ROOT], &EMPTY_ROOT).is_err());
    assert!(range_proof(3, 3, 5, nodes_of(&[])).is_err());
}

#[test]
fn what_lies_outside_the_tree_is_refused() {
    let hash = Hash([1; 32]);
    assert!(verify_inclusion(&hash, 1, 1, &[], &hash).is_err());
    assert!(verify_inclusion(&hash, 0, 0, &[], &hash).is_err());
    assert!(verify_inclusion(&hash, u64::MAX, u64::MAX, &[], &hash).is_err());
    assert!(verify_inclusion(&hash, 0, u64::MAX, &[hash; 64], &hash).is_err());
    assert!(verify_range(&[hash], u64::MAX, u64::MAX, &[], &hash).is_err());
    assert!(verify_range(&[hash], 0, u64::MAX, &[], &hash).is_err());
    assert!(inclusion_proof(5, 5, nodes_of(&[])).is_err());
    assert!(consistency_proof(6, 5, nodes_of(&[])).is_err());
    assert!(root(u64::MAX, nodes_of(&[])).is_err());
}

#[test]
fn the_root_of_any_size_comes_from_full_nodes() {
    let leaves = leaves(600);
    for size in [0, 1, 2, 3, 255, 256, 257, 511, 512, 599, 600] {
        assert_eq!(root(size, nodes_of(&leaves)), Ok(naive_root(&leaves[..size as usize])));
    }
}

#[test]
fn a_failing_source_is_named() {
    let failing = |_: u32, _: u64| Err("torn tile");
    let error = inclusion_proof(0, 3, failing).unwrap_err();
    assert_eq!(error, ProveError::Node { height: 0, index: 2, source: "torn tile" });
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn random_sizes_agree_with_ct_merkle(size in 1_u64..1_300, at: u64, from: u64) {
        let leaves = leaves(size);
        let foreign = foreign(size);
        let foreign_root = foreign.root();
        let root = Hash(foreign_root.as_bytes().as_slice().try_into().unwrap());
        let index = at % size;
        let path = inclusion_proof(index, size, nodes_of(&leaves)).unwrap();
        let theirs = ct_merkle::InclusionProof::<Sha256>::try_from_bytes(bytes_of(&path)).unwrap();
        let leaf = leaf_bytes(index);
        proptest::prop_assert!(foreign_root.verify_inclusion(&leaf, index, &theirs).is_ok());
        proptest::prop_assert_eq!(verify_inclusion(&leaves[index as usize], index, size, &path, &root), Ok(()));

        let old = 1 + from % size;
        let old_root = naive_root(&leaves[..old as usize]);
        let proof = consistency_proof(old, size, nodes_of(&leaves)).unwrap();
        proptest::prop_assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()));

        let (begin, end) = (index.min(old - 1), index.max(old - 1) + 1);
        let edges = range_proof(begin, end, size, nodes_of(&leaves)).unwrap();
        let inside = &leaves[begin as usize..end as usize];
        proptest::prop_assert_eq!(verify_range(inside, begin, size, &edges, &root), Ok(()));
    }
}
