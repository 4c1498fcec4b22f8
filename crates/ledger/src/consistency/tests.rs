//! Old and new trees of many sizes, and every byte of one text changed.

use super::*;
use crate::note::SigningKey;
use crate::proof::{consistency_proof, nodes_of};
use crate::tree::tests::{leaves, naive_root};

fn head(leaves: &[Hash]) -> Checkpoint {
    let root = naive_root(leaves);
    Checkpoint { origin: "log.example/a".into(), size: leaves.len() as u64, root }
}

fn lines(old_size: u64, leaves: &[Hash], key: &SigningKey) -> ConsistencyLines {
    let proof = consistency_proof(old_size, leaves.len() as u64, nodes_of(leaves)).unwrap();
    ConsistencyLines { old_size, proof, checkpoint: head(leaves).sign(key) }
}

#[test]
fn b2_a_grown_tree_continues_each_older_one() {
    let key = SigningKey::from_seed("log.example/a", &[5; 32]).unwrap();
    let all = leaves(70);
    for size in [1, 2, 5, 64, 70] {
        for old_size in 0..=size {
            let lines = lines(old_size, &all[..size as usize], &key);
            let read = ConsistencyLines::parse(lines.to_text().as_bytes()).unwrap();
            assert_eq!(read, lines);
            let old = head(&all[..old_size as usize]);
            assert_eq!(read.verify(&old, key.verifier()).unwrap().size, size);
            let forked = Checkpoint { root: all[0], ..old.clone() };
            let differs = old_size > 0 && forked != old;
            assert_eq!(read.verify(&forked, key.verifier()).is_err(), differs, "{old_size} {size}");
        }
    }
    let wrong = lines(5, &all, &key).verify(&head(&all[..6]), key.verifier());
    assert_eq!(wrong, Err(ConsistencyError::OldSize { found: 5, expected: 6 }));
}

#[test]
fn b2_no_changed_byte_of_consistency_lines_is_accepted() {
    let key = SigningKey::from_seed("log.example/a", &[5; 32]).unwrap();
    let all = leaves(11);
    let text = lines(6, &all, &key).to_text();
    let old = head(&all[..6]);
    let verify = |bytes: &[u8]| {
        ConsistencyLines::parse(bytes).and_then(|lines| lines.verify(&old, key.verifier())).is_ok()
    };
    assert!(verify(text.as_bytes()));
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            assert!(!verify(&bytes), "bit {bit} of byte {at}");
        }
        assert!(!verify(&text.as_bytes()[..at]), "cut at {at}");
    }
}
