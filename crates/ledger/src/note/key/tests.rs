//! Compared with keys that others published, RFC 5869, and hashes taken with `sha2`.

use super::*;
use sha2::{Digest, Sha256};

#[test]
fn b1_published_keys_are_read_and_written_back() {
    let rows = [
        ("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyKind::Ed25519),
        ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyKind::Ed25519),
        // The base64 of this one holds a plus sign.
        ("TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6", KeyKind::Ed25519),
        (
            "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
            KeyKind::CosignatureV1,
        ),
    ];
    for (text, kind) in rows {
        let key: VerifierKey = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(key.kind(), kind);
        assert_eq!(key.to_string(), text);
        let mut hashed = Sha256::new_with_prefix(key.name().as_bytes());
        hashed.update([b'\n', kind as u8]);
        hashed.update(key.public_key());
        assert_eq!(key.id().to_be_bytes(), hashed.finalize()[..4]);
    }
}

#[test]
fn b1_a_seed_gives_the_key_that_others_computed_from_it() {
    let key = SigningKey::from_seed("audit.example/ws/acme", &[7; 32]).unwrap();
    let expected = "audit.example/ws/acme+2a3d4dea+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
    assert_eq!(key.verifier().to_string(), expected);
    assert_eq!(format!("{key:?}"), format!("SigningKey(secret of {expected})"));
}

#[test]
fn b1_keys_of_another_form_are_refused() {
    let good = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    let long = "x".repeat(256);
    let rows = [
        "".to_owned(),
        "example.com/foo".into(),
        "example.com/foo+530d903a".into(),
        good.replace("530d903a", "530D903A"),
        good.replace("530d903a", "+30d903a"),
        good.replace("530d903a", "530d903"),
        good.replace("530d903a", "530d903b"),
        good.replace("example.com/foo", "example.com/fop"),
        good.replace("example.com/foo", ""),
        good.replace("example.com/foo", "example.com/ foo"),
        good.replace("example.com/foo", &long),
        good.replace("+Ae", "+Be"),
        format!("{good}\n"),
        format!("{good}AAAA"),
        format!("a+00000000+{}", "A".repeat(4096)),
    ];
    for text in rows {
        assert!(text.parse::<VerifierKey>().is_err(), "{text:?}");
    }
}

#[test]
fn b1_weak_points_are_no_keys() {
    // The neutral element, and a point of order 8 (RFC 8032 curve, small subgroup).
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(VerifierKey::new("a", KeyKind::Ed25519, &neutral), Err(KeyError::Point));
    assert_eq!(VerifierKey::new("a", KeyKind::Ed25519, &[0; 32]), Err(KeyError::Point));
}

#[test]
fn b1_hkdf_is_that_of_rfc_5869() {
    // Appendix A.3: no salt, no info; its key has 22 bytes, which is a 32-byte key only by padding, so
    // the extraction is checked through HMAC's own definition instead.
    let key = [0x0b; 32];
    let extracted = hmac(&[], &key);
    let mut message = b"info".to_vec();
    message.push(1);
    assert_eq!(hkdf(&key, b"info".to_vec()), hmac(&extracted, &message));
}

/// HMAC-SHA256 by another crate.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    use ::hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[test]
fn b1_every_origin_and_epoch_has_a_key_of_its_own() {
    let master = [9; 32];
    let seeds = [
        workspace_seed(&master, "a.example/ws/1", 0),
        workspace_seed(&master, "a.example/ws/1", 1),
        workspace_seed(&master, "a.example/ws/2", 0),
        workspace_seed(&master, "a.example/ws/", 0x3100_0000),
        workspace_seed(&[8; 32], "a.example/ws/1", 0),
    ];
    for (at, seed) in seeds.iter().enumerate() {
        assert_eq!(seeds.iter().filter(|other| *other == seed).count(), 1, "seed {at}");
    }
    // Fixed for ever: a store of today must sign with the same key in ten years.
    let mut info = b"proofbook/v1/log-key\0\0\x0ea.example/ws/1\0\0\0\x01".to_vec();
    info.push(1);
    assert_eq!(seeds[1], hmac(&hmac(&[], &master), &info));
}
