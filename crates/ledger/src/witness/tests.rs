//! Growth, stale sizes, forks and strangers, with the statuses of the specification.

use super::*;
use crate::hash::Hash;
use crate::note::SigningKey;
use crate::proof::{consistency_proof, nodes_of};
use crate::tree::tests::{leaves, naive_root};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("log.example/a", &[seed; 32]).unwrap()
}

fn head(leaves: &[Hash]) -> Checkpoint {
    let root = naive_root(leaves);
    Checkpoint { origin: "log.example/a".into(), size: leaves.len() as u64, root }
}

fn request(old_size: u64, leaves: &[Hash], signer: &SigningKey) -> String {
    let proof = consistency_proof(old_size, leaves.len() as u64, nodes_of(leaves)).unwrap();
    ConsistencyLines { old_size, proof, checkpoint: head(leaves).sign(signer) }.to_text()
}

#[test]
fn b5_a_witness_cosigns_growth_and_nothing_else() {
    let all = leaves(20);
    let mut forked = all.clone();
    forked[3] = all[4];
    let logs = [key(1).verifier().clone()];
    let last = head(&all[..8]);
    let decide = |request: String, last: Option<&Checkpoint>| {
        decide(request.as_bytes(), &logs, last).map(|accepted| accepted.head.size)
    };
    let status = |request: String, last: Option<&Checkpoint>| {
        decide(request, last).map_err(|refusal| refusal.status())
    };
    assert_eq!(status(request(0, &all[..8], &key(1)), None), Ok(8));
    assert_eq!(status(request(8, &all[..15], &key(1)), Some(&last)), Ok(15));
    assert_eq!(status(request(8, &all[..8], &key(1)), Some(&last)), Ok(8), "the same head again");
    assert_eq!(decide(request(0, &all, &key(1)), Some(&last)), Err(Refusal::Stale { size: 8 }));
    assert_eq!(status(request(5, &all, &key(1)), Some(&last)), Err(409));
    assert_eq!(status(request(8, &forked, &key(1)), Some(&last)), Err(422));
    assert_eq!(status(request(8, &forked[..8], &key(1)), Some(&last)), Err(422));
    assert_eq!(status(request(0, &all, &key(2)), None), Err(403));
    let other = SigningKey::from_seed("log.example/b", &[1; 32]).unwrap();
    let strange = Checkpoint { origin: "log.example/b".into(), ..head(&all) }.sign(&other);
    assert_eq!(status(format!("old 0\n\n{strange}"), None), Err(404));
    assert_eq!(status("old 0\n\n".into(), None), Err(400));
    let grown = request(8, &all, &key(1)).replacen("old 8", "old 99", 1);
    assert_eq!(status(grown, Some(&last)), Err(400));
    // A proof where there is nothing to prove.
    let full = request(0, &all, &key(1)).replacen("old 0\n", &format!("old 0\n{}\n", all[0]), 1);
    assert_eq!(status(full, None), Err(422));
}
