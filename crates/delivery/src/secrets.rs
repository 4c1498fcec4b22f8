//! Secrets of destinations in the log: sealed, so that a copy of the log gives none away.
//!
//! A sealed text is base64 of `nonce 24 ‖ ciphertext ‖ tag 16`, XChaCha20-Poly1305 under the store's
//! key, with the destination's id as associated data, so that no secret can be moved to another one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use proofbook_store::random::Random;
use proofbook_store::store_key::StoreKey;

const NONCE_BYTES: usize = 24;

/// Seals a text for a destination.
pub fn seal(key: &StoreKey, destination: &str, text: &str, random: &dyn Random) -> String {
    let mut nonce = [0; NONCE_BYTES];
    random.fill(&mut nonce);
    let payload = Payload { msg: text.as_bytes(), aad: destination.as_bytes() };
    // It fails for texts of more than 256 GiB alone.
    let sealed = XChaCha20Poly1305::new(key.as_bytes().into())
        .encrypt(&XNonce::from(nonce), payload)
        .unwrap_or_default();
    STANDARD.encode([&nonce[..], &sealed].concat())
}

/// Opens a sealed text; `None` when the key is another one or the text was changed or moved.
pub fn open(key: &StoreKey, destination: &str, sealed: &str) -> Option<String> {
    let bytes = STANDARD.decode(sealed).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
    let payload = Payload { msg: sealed, aad: destination.as_bytes() };
    let text = XChaCha20Poly1305::new(key.as_bytes().into())
        .decrypt(&XNonce::from(*nonce), payload)
        .ok()?;
    String::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use proofbook_store::random::SimRandom;

    use super::*;

    #[test]
    fn a_secret_opens_for_its_destination_and_key_alone() {
        let key = StoreKey::parse(&"0f".repeat(32)).expect("a key");
        let other = StoreKey::parse(&"0e".repeat(32)).expect("a key");
        let sealed = seal(&key, "dst_a", "whsec_…", &SimRandom::new(1));
        assert!(!sealed.contains("whsec"));
        assert_eq!(open(&key, "dst_a", &sealed).as_deref(), Some("whsec_…"));
        assert_eq!(open(&key, "dst_b", &sealed), None);
        assert_eq!(open(&other, "dst_a", &sealed), None);
        assert_eq!(open(&key, "dst_a", &sealed[4..]), None);
    }
}
