//! Compared with RFC 6962's recursive definition, the roots of its test vectors, and `ct-merkle`.

use super::*;
use crate::hash::leaf_hash;

/// RFC 6962 section 2.1, word for word.
pub(crate) fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            node_hash(&naive_root(&leaves[..split]), &naive_root(&leaves[split..]))
        }
    }
}

/// Different leaf bytes for different indexes.
pub(crate) fn leaf_bytes(index: u64) -> Vec<u8> {
    format!("leaf {index}").into_bytes()
}

pub(crate) fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|index| leaf_hash(&leaf_bytes(index))).collect()
}

fn edge_of(leaves: &[Hash]) -> Edge {
    let mut edge = Edge::default();
    for (index, leaf) in leaves.iter().enumerate() {
        assert_eq!(edge.append(*leaf), index as u64);
    }
    edge
}

/// Inputs and roots of the Certificate Transparency reference implementation's Merkle tree tests.
#[test]
fn known_rfc_6962_roots_hold() {
    let inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let unhex = |text: &str| -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    };
    let mut edge = Edge::default();
    assert_eq!(edge.root(), EMPTY_ROOT);
    for (input, root) in inputs.iter().zip(roots) {
        edge.append(leaf_hash(&unhex(input)));
        assert_eq!(hex(&edge.root().0), root, "{} leaves", edge.size());
    }
}

#[test]
fn root_is_the_recursive_definition_at_every_small_size() {
    let leaves = leaves(300);
    for size in 0..=leaves.len() {
        assert_eq!(edge_of(&leaves[..size]).root(), naive_root(&leaves[..size]), "{size}");
    }
}

#[test]
fn root_agrees_with_ct_merkle_around_powers_of_two_and_multiples_of_256() {
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    let mut foreign = MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
    let mut edge = Edge::default();
    for index in 0..4_200 {
        foreign.push(leaf_bytes(index));
        edge.append(leaf_hash(&leaf_bytes(index)));
        let near = |unit: u64| [1, 0, unit - 1].contains(&(edge.size() % unit));
        if near(256) || near(edge.size().next_power_of_two()) {
            assert_eq!(edge.root().0, *foreign.root().as_bytes().as_slice(), "{}", edge.size());
        }
    }
}

#[test]
fn completed_entries_are_the_roots_of_full_tiles() {
    let leaves = leaves(65_536 + 600);
    let mut found = Vec::new();
    let mut edge = Edge::default();
    for leaf in &leaves {
        edge.append_reporting(*leaf, |level, index, hash| found.push((level, index, hash)));
    }
    let level_1: Vec<_> = found.iter().filter(|(level, ..)| *level == 1).collect();
    assert_eq!(level_1.len(), 258);
    for (place, (_, index, hash)) in level_1.iter().enumerate() {
        assert_eq!(*index, place as u64);
        assert_eq!(*hash, naive_root(&leaves[place * 256..(place + 1) * 256]));
    }
    let above: Vec<_> = found.iter().filter(|(level, ..)| *level > 1).collect();
    assert_eq!(above, [&(2, 0, naive_root(&leaves[..65_536]))]);
}

#[test]
fn an_edge_reads_back_and_goes_on_where_it_was() {
    let leaves = leaves(520);
    for size in [0, 1, 2, 3, 255, 256, 257, 511, 512, 513] {
        let edge = edge_of(&leaves[..size]);
        let mut bytes = Vec::new();
        edge.encode(&mut bytes);
        assert_eq!(bytes.len(), edge.encoded_bytes());
        let mut again = Edge::decode(&bytes).unwrap();
        assert_eq!(again, edge);
        for leaf in &leaves[size..] {
            again.append(*leaf);
        }
        assert_eq!(again.root(), naive_root(&leaves));
    }
}

#[test]
fn an_edge_of_another_length_is_refused() {
    let mut bytes = Vec::new();
    edge_of(&leaves(7)).encode(&mut bytes);
    for length in 0..bytes.len() {
        assert!(Edge::decode(&bytes[..length]).is_err(), "{length}");
    }
    bytes.push(0);
    assert_eq!(
        Edge::decode(&bytes),
        Err(EdgeError::Hashes { size: 7, expected: 3, found_bytes: 97 })
    );
    assert_eq!(Edge::decode(&u64::MAX.to_be_bytes()), Err(EdgeError::Size { size: u64::MAX }));
    assert_eq!(Edge::decode(&[0; 3]), Err(EdgeError::Short { found_bytes: 3 }));
    assert!(Edge::new(2, vec![]).is_err());
    assert!(Edge::new(2, vec![Hash([0; 32])]).is_ok());
}
