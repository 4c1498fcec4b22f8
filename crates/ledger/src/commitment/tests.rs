//! Compared with the formula over the streaming hasher of `sha2`.

use super::*;
use sha2::{Digest, Sha256};

fn expected(salt: &[u8; 16], pointer: &str, value: &[u8]) -> Hash {
    let mut bytes = b"proofbook/v1/field\0".to_vec();
    bytes.extend_from_slice(salt);
    bytes.push((pointer.len() >> 8) as u8);
    bytes.push(pointer.len() as u8);
    bytes.extend_from_slice(pointer.as_bytes());
    bytes.extend_from_slice(value);
    Hash(Sha256::digest(&bytes).into())
}

#[test]
fn commitment_is_the_formula_for_every_group_and_many_lengths() {
    let salt: [u8; 16] = std::array::from_fn(|i| 0xf0 ^ i as u8);
    let value: Vec<u8> = (0..400_u16).map(|i| i as u8).collect();
    for group in Group::ALL {
        for length in 0..value.len() {
            let value = &value[..length];
            assert_eq!(
                commitment(&salt, group.pointer(), value),
                expected(&salt, group.pointer(), value)
            );
        }
    }
}

#[test]
fn an_event_is_sealed_group_by_group_as_the_formula_says() {
    let value: Vec<u8> = (0..900_u16).map(|i| (i % 199) as u8).collect();
    let key = crate::EventKey::from_bytes([9; 32]);
    let salts = key.salts();
    for step in 0..60 {
        // Any of the groups, each of a length of its own.
        let length = |group: Group| (group.index() * 37 + step * 13) % 400;
        let has = |group: Group| (step >> (group.index() % 5)) & 1 == 0;
        let groups = Group::ALL.map(|group| has(group).then(|| &value[..length(group)]));
        let sealed = Commitments::seal(&salts, &GroupBytes::new(groups));
        let expected: Vec<(Group, Hash)> = Group::ALL
            .into_iter()
            .filter(|group| has(*group))
            .map(|group| {
                let salt = salts.salt(group.pointer());
                (group, expected(&salt, group.pointer(), &value[..length(group)]))
            })
            .collect();
        assert_eq!(sealed[..], expected[..], "{step}");
    }
}

#[test]
fn long_pointers_hash_by_the_same_formula() {
    for length in [0, 25, 26, 27, 28, 90, 91, 300, 65_535] {
        let pointer = "p".repeat(length);
        assert_eq!(commitment(&[7; 16], &pointer, b"null"), expected(&[7; 16], &pointer, b"null"));
    }
}

#[test]
fn empty_null_and_other_pointers_are_told_apart() {
    let values: [(&str, &[u8]); 5] = [
        ("/context", b"{}"),
        ("/context", b"null"),
        ("/context", b"\"\""),
        ("/context", b"[]"),
        ("/targets", b"[]"),
    ];
    for (i, a) in values.iter().enumerate() {
        for b in &values[i + 1..] {
            assert_ne!(commitment(&[0; 16], a.0, a.1), commitment(&[0; 16], b.0, b.1));
        }
    }
}

#[test]
fn an_opening_verifies_only_its_own_commitment() {
    let opening = Opening { group: Group::Actor, salt: [1; 16], value: r#"{"id":"u_7"}"#.into() };
    let sealed = opening.commitment();
    assert!(opening.verify(&sealed));
    assert!(!Opening { group: Group::Context, ..opening.clone() }.verify(&sealed));
    assert!(!Opening { salt: [2; 16], ..opening.clone() }.verify(&sealed));
    assert!(!Opening { value: r#"{"id":"u_8"}"#.into(), ..opening }.verify(&sealed));
}

#[test]
fn an_opening_carries_its_value_as_a_string_and_reads_back() {
    let opening =
        Opening { group: Group::Id, salt: [0xff; 16], value: "\"a\\\"b\u{e9}\u{1f600}\"".into() };
    let json = opening.to_json();
    assert_eq!(
        json,
        "{\"pointer\":\"/id\",\"salt\":\"/////////////////////w==\",\"value\":\"\\\"a\\\\\\\"bé😀\\\"\"}"
    );
    assert_eq!(Opening::from_json(&json).unwrap(), opening);
}

#[test]
fn malformed_openings_are_refused() {
    let rows = [
        (r#"{"pointer":"/id","salt":"AAAAAAAAAAAAAAAAAAAAAA==","value":{}}"#, "object"),
        (r#"{"pointer":"/id","salt":"AAAAAAAAAAAAAAAAAAAAAA=="}"#, "object"),
        (r#"{"pointer":"/id","salt":"AAAAAAAAAAAAAAAAAAAAAA==","value":"","x":1}"#, "object"),
        (
            r#"{"pointer":"/id","pointer":"/id","salt":"AAAAAAAAAAAAAAAAAAAAAA==","value":""}"#,
            "object",
        ),
        (r#"{"pointer":"/ids","salt":"AAAAAAAAAAAAAAAAAAAAAA==","value":""}"#, "no group"),
        (r#"{"pointer":"/id","salt":"AAAAAAAAAAAAAAAAAAAAAA","value":""}"#, "salt"),
        (r#"{"pointer":"/id","salt":"AAAAAAAAAAAAAAAAAAAAAB==","value":""}"#, "salt"),
        (r#"{"pointer":"/id","salt":"AAAA","value":""}"#, "salt"),
    ];
    for (text, word) in rows {
        let error = Opening::from_json(text).unwrap_err().to_string();
        assert!(error.contains(word), "{text}: {error}");
    }
}
