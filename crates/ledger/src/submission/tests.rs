//! Answers of every kind. The head and the cosignature are those of `docs/spec/vectors`, which Python and
//! openssl made; what a witness decides is the witness's own code.

use std::format;

use serde_json::Value;

use super::*;
use crate::consistency::ConsistencyLines;
use crate::note::SigningKey;
use crate::proof::{consistency_proof, nodes_of};
use crate::tree::tests::{leaves, naive_root};
use crate::witness::{Refusal, decide};

struct Vector {
    note: String,
    line: String,
    witness: VerifierKey,
}

fn vector() -> Vector {
    let text = include_str!("../../../../docs/spec/vectors/checkpoint.json");
    let vectors: Value = serde_json::from_str(text).unwrap();
    let text = |key: &str| vectors[key].as_str().unwrap().to_string();
    let (note, line) = (text("checkpoint"), text("cosignature"));
    Vector { note, line, witness: text("witness_vkey").parse().unwrap() }
}

#[test]
fn b5_a_line_counts_when_the_witness_made_it_over_this_head() {
    let Vector { note, line, witness } = vector();
    let submission = Submission::new(&note).unwrap();
    let judge = |answer: &str| match submission.judge(&witness, 0, 200, answer.as_bytes()) {
        Answer::Cosigned(line) => Some(line.to_string()),
        Answer::Unsigned => None,
        other => panic!("{other:?} for 200"),
    };
    let good = Some(line.trim_end().to_string());
    assert_eq!(judge(&line), good);
    assert_eq!(judge(line.trim_end()), good, "without its LF");
    assert_eq!(judge(&format!("— other.example AAAABBBBBBBB\n{line}")), good, "behind others");
    let cosigned = submission.cosigned([line.trim_end()]);
    assert_eq!(cosigned, format!("{note}{line}"));
    Note::parse(cosigned.as_bytes())
        .unwrap()
        .verify(std::slice::from_ref(&witness))
        .expect("openssl's holds");

    // The log's own line, nothing, rubbish, too much of it before.
    let own = note.lines().last().unwrap();
    let late = format!("{}{line}", "x\n".repeat(SIGNATURES_MAX));
    for rubbish in [own, "", "\n\n", "0", "— ", &late] {
        assert_eq!(judge(rubbish), None, "{rubbish}");
    }
    assert_eq!(submission.judge(&witness, 0, 200, &[0xff; 300]), Answer::Unsigned);
    // Every byte of the line matters.
    for at in 0..line.trim_end().len() {
        let mut bytes = line.clone().into_bytes();
        bytes[at] ^= 1;
        assert_eq!(submission.judge(&witness, 0, 200, &bytes), Answer::Unsigned, "byte {at}");
    }
    // A key that bears the same name, and a line over another head.
    let twin = SigningKey::cosigner_from_seed(witness.name(), &[8; 32]).unwrap();
    assert_eq!(judge(&twin.cosign(submission.text(), 1)), None);
    let other = note.replacen("\n11\n", "\n12\n", 1);
    let other = Submission::new(&other).unwrap();
    assert_eq!(other.judge(&witness, 0, 200, line.as_bytes()), Answer::Unsigned);
}

#[test]
fn b5_every_status_is_told_apart() {
    let Vector { note, witness, .. } = vector();
    let submission = Submission::new(&note).unwrap();
    assert_eq!(submission.head().size, 11);
    let rows: &[(u64, u16, &str, Answer<'_>)] = &[
        (0, 409, "5\n", Answer::Knows { size: 5 }),
        (0, 409, "11\n", Answer::Knows { size: 11 }),
        (0, 409, "11", Answer::Knows { size: 11 }),
        (7, 409, "0\n", Answer::Knows { size: 0 }),
        (0, 409, "12\n", Answer::Ahead { size: 12 }),
        (11, 409, "11\n", Answer::Forked),
        (5, 409, "5\n", Answer::Refused),
        (0, 409, "05\n", Answer::Refused),
        (0, 409, "-1\n", Answer::Refused),
        (0, 409, "18446744073709551616\n", Answer::Refused),
        (0, 409, "", Answer::Refused),
        (5, 422, "", Answer::Forked),
        (5, 404, "", Answer::Refused),
        (5, 302, "", Answer::Refused),
        (5, 500, "", Answer::Refused),
    ];
    for (old_size, status, answer, expected) in rows {
        let found = submission.judge(&witness, *old_size, *status, answer.as_bytes());
        assert_eq!(found, *expected, "{status} {answer:?} from {old_size}");
    }
}

#[test]
fn b5_the_bodies_are_what_a_witness_takes() {
    let key = SigningKey::from_seed("log.example/a", &[1; 32]).unwrap();
    let logs = [key.verifier().clone()];
    let all = leaves(20);
    let head = |size: usize| {
        let root = naive_root(&all[..size]);
        Checkpoint { origin: "log.example/a".into(), size: size as u64, root }
    };
    let note = head(20).sign(&key);
    let submission = Submission::new(&note).unwrap();
    let first = submission.body(0, Vec::new());
    assert_eq!(decide(first.as_bytes(), &logs, None).unwrap().head, head(20));
    let last = head(8);
    let behind = decide(first.as_bytes(), &logs, Some(&last));
    assert_eq!(behind, Err(Refusal::Stale { size: 8 }));
    let again = submission.body(8, consistency_proof(8, 20, nodes_of(&all)).unwrap());
    assert_eq!(decide(again.as_bytes(), &logs, Some(&last)).unwrap().head, head(20));
    assert!(ConsistencyLines::parse(again.as_bytes()).unwrap().verify(&last, &logs[0]).is_ok());
}

#[test]
fn b5_a_note_has_one_line_a_key_and_stays_readable() {
    let Vector { note, line, witness } = vector();
    let seed = [7; 32];
    let key = SigningKey::cosigner_from_seed(witness.name(), &seed).unwrap();
    let older = format!("{note}{line}");
    let submission = Submission::new(&older).unwrap();
    let newer = key.cosign(submission.text(), 2_000_000_000);
    assert_eq!(submission.cosigned([newer.as_str()]), format!("{note}{newer}\n"));
    assert_eq!(submission.cosigned([]), older);
    let many: Vec<String> = (0..100u8)
        .map(|n| SigningKey::cosigner_from_seed(&format!("w{n}"), &[n; 32]).unwrap())
        .map(|key| key.cosign(submission.text(), 1))
        .collect();
    let full = submission.cosigned(many.iter().map(String::as_str));
    let full = Note::parse(full.as_bytes()).expect("no more lines than a note may have");
    assert_eq!(full.lines().len(), SIGNATURES_MAX);
    assert_eq!(full.lines()[0].line, note.lines().last().unwrap(), "the log's own line stays");
}
