//! The test vectors of `docs/spec/vectors/checkpoint.json`, which Python and openssl made.

use proofbook_ledger::consistency::ConsistencyLines;
use proofbook_ledger::note::key::workspace_seed;
use proofbook_ledger::tlog_proof::TlogProof;
use proofbook_ledger::{Checkpoint, Hash, SigningKey, VerifierKey};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../docs/spec/vectors/checkpoint.json")).unwrap()
}

fn text<'v>(vectors: &'v Value, key: &str) -> &'v str {
    vectors[key].as_str().unwrap()
}

fn unhex(text: &str) -> [u8; 32] {
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}

#[test]
fn b8_keys_and_texts_are_those_of_the_vectors() {
    let vectors = vectors();
    let origin = text(&vectors, "origin");
    let master = unhex(text(&vectors, "master_seed"));
    let mut keys = Vec::new();
    for key in vectors["keys"].as_array().unwrap() {
        let seed = workspace_seed(&master, origin, key["epoch"].as_u64().unwrap() as u32);
        assert_eq!(seed, unhex(text(key, "seed")));
        let signing = SigningKey::from_seed(origin, &seed).unwrap();
        assert_eq!(signing.verifier().to_string(), text(key, "vkey"));
        keys.push(signing);
    }
    let log: VerifierKey = text(&vectors["keys"][0], "vkey").parse().unwrap();
    let note = text(&vectors, "checkpoint");
    let head = Checkpoint::open(note.as_bytes(), &log).unwrap();
    assert_eq!(head.sign(&keys[0]), note, "Ed25519 signs the same text the same way");

    let witness = SigningKey::cosigner_from_seed(
        "witness.example/w1",
        &unhex(text(&vectors, "witness_seed")),
    );
    let witness = witness.unwrap();
    assert_eq!(witness.verifier().to_string(), text(&vectors, "witness_vkey"));
    let line = witness.cosign(&head.text(), vectors["cosigned_at"].as_u64().unwrap());
    assert_eq!(format!("{line}\n"), text(&vectors, "cosignature"));

    let leaves: Value =
        serde_json::from_str(include_str!("../../../../docs/spec/vectors/leaf.json")).unwrap();
    let leaf: Hash = text(&leaves["leaves"][6], "leaf_hash").parse().unwrap();
    let proof = TlogProof::parse(text(&vectors, "tlog_proof").as_bytes()).unwrap();
    assert_eq!((proof.index, proof.verify(&leaf, &log)), (6, Ok(head.clone())));
    assert_eq!(proof.to_text(), text(&vectors, "tlog_proof"));

    let lines = ConsistencyLines::parse(text(&vectors, "consistency").as_bytes()).unwrap();
    let root = text(&vectors, "old_root").parse().unwrap();
    let old = Checkpoint { size: 5, root, ..head.clone() };
    assert_eq!(lines.verify(&old, &log), Ok(head));
    assert_eq!(lines.to_text(), text(&vectors, "consistency"));
}
