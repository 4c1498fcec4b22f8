//! Whole proofs over small trees, and every byte of one changed.

use super::*;
use crate::note::SigningKey;
use crate::proof::{inclusion_proof, nodes_of};
use crate::tree::tests::{leaves, naive_root};

fn signed(size: u64) -> (Vec<Hash>, SigningKey, String) {
    let leaves = leaves(size);
    let key = SigningKey::from_seed("log.example/a", &[5; 32]).unwrap();
    let head = Checkpoint { origin: "log.example/a".into(), size, root: naive_root(&leaves) };
    let note = head.sign(&key);
    (leaves, key, note)
}

fn proof(leaves: &[Hash], index: u64, checkpoint: &str) -> TlogProof {
    let path = inclusion_proof(index, leaves.len() as u64, nodes_of(leaves)).unwrap();
    TlogProof { extra: None, index, path, checkpoint: checkpoint.to_owned() }
}

#[test]
fn b2_each_leaf_has_a_proof_that_survives_its_text() {
    for size in [1, 2, 3, 7, 8, 300] {
        let (leaves, key, note) = signed(size);
        for index in (0..size).step_by(1 + size as usize / 8) {
            let mut proof = proof(&leaves, index, &note);
            for extra in [None, Some(vec![]), Some(b"{\"a\":1}".to_vec())] {
                proof.extra = extra;
                let read = TlogProof::parse(proof.to_text().as_bytes()).unwrap();
                assert_eq!(read, proof);
                let head = read.verify(&leaves[index as usize], key.verifier()).unwrap();
                assert_eq!(head.size, size);
                let other = leaves[(index as usize + 1) % leaves.len()];
                assert!(size == 1 || read.verify(&other, key.verifier()).is_err());
            }
        }
    }
}

#[test]
fn b2_no_changed_byte_of_a_proof_is_accepted() {
    let (leaves, key, note) = signed(11);
    let text = proof(&leaves, 6, &note).to_text();
    let verify = |bytes: &[u8]| {
        TlogProof::parse(bytes)
            .and_then(|read| Ok((read.index, read.verify(&leaves[6], key.verifier())?)))
            .is_ok_and(|(index, _)| index == 6)
    };
    assert!(verify(text.as_bytes()));
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            assert!(
                !verify(&bytes),
                "bit {bit} of byte {at}: {:?}",
                String::from_utf8_lossy(&bytes)
            );
        }
        assert!(!verify(&text.as_bytes()[..at]), "cut at {at}");
    }
    for rest in ["\n", "x", " "] {
        assert!(!verify(format!("{text}{rest}").as_bytes()));
    }
}

#[test]
fn b2_texts_of_another_form_are_refused() {
    let (leaves, _, note) = signed(11);
    let text = proof(&leaves, 6, &note).to_text();
    let rows = [
        text.replace("index 6", "index 06"),
        text.replace("index 6", "index -6"),
        text.replace("index 6\n", ""),
        text.replace("index 6\n", "extra AAAB\nextra AAAB\nindex 6\n"),
        text.replace("index 6\n", "extra AAA\nindex 6\n"),
        text.replace("@v1", "@v2"),
        text.replacen(
            "index 6\n",
            &format!("index 6\n{}", format!("{}\n", leaves[0]).repeat(65)),
            1,
        ),
        text.replace('\n', "\r\n"),
    ];
    for row in rows {
        assert!(TlogProof::parse(row.as_bytes()).is_err(), "{row}");
    }
}
