//! The specification's own example with real keys, and each of its rules broken.

use super::*;
use crate::note::{SigningKey, write_note};
use std::collections::BTreeSet;

const TEXT: &str = "log.example/a\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

fn witness(number: u8) -> SigningKey {
    SigningKey::cosigner_from_seed(&format!("w{number}.example"), &[number; 32]).unwrap()
}

fn log_key() -> String {
    SigningKey::from_seed("log.example/a", &[99; 32]).unwrap().verifier().to_string()
}

fn witness_lines() -> String {
    let names = ["X1", "X2", "X3", "Y1", "Y2", "Y3"];
    let line =
        |(name, number): (&str, u8)| format!("witness {name} {}\n", witness(number).verifier());
    names.into_iter().zip(1..).map(line).collect()
}

fn example() -> String {
    format!(
        "# an example\n\n log {} https://log.example/a\n{}\tgroup\tX-witnesses  2 X1 X2 X3 \n\
         group Y-witnesses any Y1 Y2 Y3\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n",
        log_key(),
        witness_lines()
    )
}

fn standing(policy: &Policy, numbers: &BTreeSet<u8>) -> Standing {
    let lines: Vec<String> =
        numbers.iter().map(|number| witness(*number).cosign(TEXT, 1000)).collect();
    let stranger = SigningKey::from_seed("log.example/a", &[99; 32]).unwrap().sign(TEXT);
    let note = write_note(TEXT, lines.iter().chain([&stranger]).map(String::as_str));
    policy.evaluate(&Note::parse(note.as_bytes()).unwrap()).unwrap()
}

#[test]
fn b5_the_published_example_is_met_by_just_the_sets_it_describes() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    assert_eq!(policy.logs().len(), 1);
    assert_eq!(policy.logs()[0].url.as_deref(), Some(b"https://log.example/a".as_slice()));
    assert_eq!(policy.witnesses().len(), 6);
    for bits in 0..64_u8 {
        let numbers: BTreeSet<u8> = (1..=6).filter(|n| bits >> (n - 1) & 1 == 1).collect();
        let of_x = numbers.iter().filter(|n| **n <= 3).count();
        let of_y = numbers.iter().filter(|n| **n > 3).count();
        let standing = standing(&policy, &numbers);
        assert_eq!(standing.is_met, of_x >= 2 && of_y >= 1, "{numbers:?}");
        assert_eq!(standing.cosigned.len(), numbers.len());
    }
}

#[test]
fn b5_quorums_of_none_and_of_one() {
    let none = Policy::parse(b"quorum none\n").unwrap();
    assert!(standing(&none, &BTreeSet::new()).is_met);
    let one = Policy::parse(format!("{}quorum Y2", witness_lines()).as_bytes()).unwrap();
    assert!(!standing(&one, &BTreeSet::from([1, 2, 3, 4, 6])).is_met);
    assert!(standing(&one, &BTreeSet::from([5])).is_met);
}

#[test]
fn b5_a_cosignature_that_does_not_hold_is_no_absence() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    let line = witness(1).cosign("log.example/a\n4\n", 1000);
    let note = write_note(TEXT, [line.as_str()]);
    assert!(policy.evaluate(&Note::parse(note.as_bytes()).unwrap()).is_err());
}

#[test]
fn b5_each_broken_rule_is_named_with_its_line() {
    let w1 = witness(1).verifier().to_string();
    let log = log_key();
    let rows = [
        (String::new(), None),
        ("quorum x\n".into(), Some(1)),
        ("quorum none\nquorum none\n".into(), Some(2)),
        ("\nquorums none\n".into(), Some(2)),
        ("quorum none none\n".into(), Some(1)),
        (format!("log {log}\nlog {log}\n"), Some(2)),
        (format!("log {log} url url\n"), Some(1)),
        (format!("log {w1}\n"), Some(1)),
        (format!("witness a {log}\n"), Some(1)),
        (format!("witness a {w1}\nwitness b {w1}\n"), Some(2)),
        (format!("witness none {w1}\n"), Some(1)),
        (format!("witness a {w1}\ngroup a 1 a\n"), Some(2)),
        (format!("witness a {w1}\ngroup g 0 a\n"), Some(2)),
        (format!("witness a {w1}\ngroup g 2 a\n"), Some(2)),
        (format!("witness a {w1}\ngroup g 01 a\n"), Some(2)),
        (format!("witness a {w1}\ngroup g any\n"), Some(2)),
        (format!("witness a {w1}\ngroup g any a a\n"), Some(2)),
        (format!("witness a {w1}\ngroup g any a\ngroup h any a\n"), Some(3)),
        (format!("witness a {w1}\ngroup g any none\n"), Some(2)),
        ("group g any g\n".into(), Some(1)),
        ("witness a b\n".into(), Some(1)),
        ("quorum\x0bnone\n".into(), None),
    ];
    for (text, line) in rows {
        let found = match Policy::parse(text.as_bytes()) {
            Ok(policy) => panic!("{text:?} was read as {policy:?}"),
            Err(PolicyError::Line { line_number, .. } | PolicyError::Key { line_number, .. }) => {
                Some(line_number)
            }
            Err(PolicyError::Bytes | PolicyError::NoQuorum) => None,
        };
        assert_eq!(found, line, "{text:?}");
    }
}
