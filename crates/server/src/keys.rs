//! API keys: their form, how they are made, how one is recognised.
//!
//! A key reads `pb_<public id>_<secret>`: 12 letters and digits by which it is found and listed, and
//! 256 random bits in base64url. The store keeps SHA-256 of the whole text and nothing else, so a key
//! is shown once. Hashes are compared in constant time. A key given by the operator may be any text
//! of at least 24 visible characters; its public id is then made of its hash.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proofbook_store::config::{Config, Key};
use proofbook_store::random::Random;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

/// What every key begins with, so that scanners for leaked secrets know it.
pub const PREFIX: &str = "pb_";
/// Characters of a public id.
const ID_CHARS: usize = 12;
/// Fewest characters of a key that an operator chooses.
const GIVEN_CHARS_MIN: usize = 24;
/// Most characters of any key.
const CHARS_MAX: usize = 256;
const ID_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The whole text of a key. It cannot be printed, compared or serialised by accident.
#[derive(Clone)]
pub struct SecretKey(String);

/// Why a text cannot be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key has 24 to 256 visible ASCII characters without spaces")]
pub struct KeyFormError;

impl SecretKey {
    /// Takes a text as a key.
    ///
    /// # Errors
    /// It is too short, too long, or has characters that a header cannot carry.
    pub fn parse(text: &str) -> Result<Self, KeyFormError> {
        let fits = (GIVEN_CHARS_MIN..=CHARS_MAX).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyFormError)
        }
    }

    /// Makes a new key of 256 random bits.
    pub fn generate(random: &dyn Random) -> Self {
        let mut id = [0; ID_CHARS];
        random.fill(&mut id);
        let mut secret = [0; 32];
        random.fill(&mut secret);
        let mut text = String::with_capacity(PREFIX.len() + ID_CHARS + 1 + 43);
        text.push_str(PREFIX);
        text.extend(id.iter().map(|byte| char::from(ID_ALPHABET[usize::from(byte % 32)])));
        text.push('_');
        URL_SAFE_NO_PAD.encode_string(secret, &mut text);
        Self(text)
    }

    /// Returns the public half, by which the key is found.
    pub fn public_id(&self) -> String {
        let own = self.0.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_'));
        match own {
            Some((id, _)) if is_public_id(id) => id.to_owned(),
            _ => format!("given-{}", &self.sha256_hex()[..16]),
        }
    }

    /// Returns hex of SHA-256 of the whole key, as the store keeps it.
    pub fn sha256_hex(&self) -> String {
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(self.0.as_bytes()) {
            for nibble in [byte >> 4, byte & 15] {
                hex.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
            }
        }
        hex
    }

    /// Returns the text, to be shown to its owner once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Finds the key in the configuration; `None` when it is not known.
    ///
    /// Whether it is revoked or expired is the caller's question.
    pub fn find<'c>(&self, config: &'c Config) -> Option<&'c Key> {
        let known = config.keys.get(&self.public_id());
        // An unknown id costs the same comparison as a known one.
        let expected = known.map_or("", |key| key.secret_sha256.as_str());
        let same = self.sha256_hex().as_bytes().ct_eq(expected.as_bytes());
        known.filter(|_| bool::from(same))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// Tells whether a key works at `now` (microseconds UTC): neither revoked nor expired.
pub fn is_live(key: &Key, now: i64) -> bool {
    let over = |at: Option<i64>| at.is_some_and(|at| at <= now);
    !over(key.revoked_at) && !over(key.expires_at)
}

fn is_public_id(text: &str) -> bool {
    text.len() == ID_CHARS && text.bytes().all(|byte| ID_ALPHABET.contains(&byte))
}

#[cfg(test)]
mod tests;
