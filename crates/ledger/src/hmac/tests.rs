//! Compared with RFC 4231 and with the `hmac` crate.

use super::*;
use ::hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// A key as RFC 2104 reads it: hashed when longer than a block, else filled up with zeros.
fn key_of(bytes: &[u8]) -> [u8; 32] {
    if bytes.len() > 64 {
        return Sha256::digest(bytes).into();
    }
    let mut key = [0; 32];
    key[..bytes.len()].copy_from_slice(bytes);
    key
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn rfc_4231_vectors_hold() {
    let counting: Vec<u8> = (1..=25).collect();
    let rows: [(&[u8], &[u8], &str); 7] = [
        (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        (&counting, &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        (&[0x0c; 20], b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
        (
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            &[0xaa; 131],
            b"This is a test using a larger than block-size key and a larger than block-size data. \
              The key needs to be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        ),
    ];
    for (key, message, expected) in rows {
        let expected = hex(expected);
        assert_eq!(HmacKey::new(&key_of(key)).mac(message)[..expected.len()], expected);
    }
}

#[test]
fn every_message_length_agrees_with_the_hmac_crate() {
    let key: [u8; 32] = std::array::from_fn(|i| (i * 11) as u8);
    let message: Vec<u8> = (0..200_u8).collect();
    let ready = HmacKey::new(&key);
    for length in 0..message.len() {
        let mut foreign = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        foreign.update(&message[..length]);
        let expected: [u8; 32] = foreign.finalize().into_bytes().into();
        assert_eq!(ready.mac(&message[..length]), expected, "{length} bytes");
        assert_eq!(ready.mac_16(&message[..length]), expected[..16]);
        if length <= 55 {
            let laid_out = ShortMessage::new(&message[..length]);
            assert_eq!(ready.end(&ready.begin(&laid_out)), expected, "{length} bytes, laid out");
        }
    }
}
