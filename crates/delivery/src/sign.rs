//! Signatures of webhooks, by the Standard Webhooks specification.
//!
//! ```text
//! webhook-id: <delivery id>
//! webhook-timestamp: <seconds since 1970>
//! webhook-signature: v1,<base64 HMAC-SHA256> v1a,<base64 Ed25519> …   one for each active secret
//! signed: <id> "." <timestamp> "." <body>
//! ```
//! A symmetric secret is shown as `whsec_<base64>`, a public key as `whpk_<base64>`. While secrets are
//! rotated two are active, and every message is signed with both.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use proofbook_store::random::Random;
use sha2::Sha256;

/// What a symmetric secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";
/// What a private Ed25519 key begins with.
pub const PRIVATE_PREFIX: &str = "whsk_";
/// What a public Ed25519 key begins with.
pub const PUBLIC_PREFIX: &str = "whpk_";
/// Bytes of a symmetric secret that we make.
const SECRET_BYTES: usize = 32;
/// Bytes of a symmetric secret that we take.
const SECRET_BYTES_TAKEN: std::ops::RangeInclusive<usize> = 24..=64;

/// Which signatures a destination has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `v1`: HMAC-SHA256 with a shared secret.
    Hmac,
    /// `v1a`: Ed25519; the receiver knows the public key alone.
    Ed25519,
}

/// A secret that signs. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub enum Secret {
    /// A shared secret.
    Hmac(Vec<u8>),
    /// A private key.
    Ed25519(Box<SigningKey>),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// Makes a new secret.
    pub fn generate(scheme: Scheme, random: &dyn Random) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        random.fill(&mut bytes);
        match scheme {
            Scheme::Hmac => Self::Hmac(bytes.to_vec()),
            Scheme::Ed25519 => Self::Ed25519(Box::new(SigningKey::from_bytes(&bytes))),
        }
    }

    /// Reads a secret as [`Secret::reveal`] writes it.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(encoded) = text.strip_prefix(SECRET_PREFIX) {
            let bytes = STANDARD.decode(encoded).ok()?;
            return SECRET_BYTES_TAKEN.contains(&bytes.len()).then_some(Self::Hmac(bytes));
        }
        let bytes = STANDARD.decode(text.strip_prefix(PRIVATE_PREFIX)?).ok()?;
        let seed: [u8; 32] = bytes.get(..32)?.try_into().ok()?;
        // Some tools write the public key behind the seed.
        let key = SigningKey::from_bytes(&seed);
        let rest = &bytes[32..];
        let agrees = rest.is_empty() || rest == key.verifying_key().as_bytes();
        agrees.then(|| Self::Ed25519(Box::new(key)))
    }

    /// Writes the secret, to be sealed or to be shown once.
    pub fn reveal(&self) -> String {
        match self {
            Self::Hmac(bytes) => format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes)),
            Self::Ed25519(key) => format!("{PRIVATE_PREFIX}{}", STANDARD.encode(key.to_bytes())),
        }
    }

    /// Returns what the receiver needs: the secret itself, or the public key.
    pub fn for_receiver(&self) -> String {
        match self {
            Self::Hmac(_) => self.reveal(),
            Self::Ed25519(key) => {
                format!("{PUBLIC_PREFIX}{}", STANDARD.encode(key.verifying_key().as_bytes()))
            }
        }
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let head = format!("{id}.{timestamp}.");
        match self {
            Self::Hmac(secret) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret)
                    .expect("an HMAC key may have any length (RFC 2104 section 2)");
                mac.update(head.as_bytes());
                mac.update(body);
                format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
            }
            Self::Ed25519(key) => {
                let signature = key.sign(&[head.as_bytes(), body].concat());
                format!("v1a,{}", STANDARD.encode(signature.to_bytes()))
            }
        }
    }
}

/// Returns the value of `webhook-signature`.
pub fn signatures(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signed = secrets.iter().map(|secret| secret.sign(id, timestamp, body));
    signed.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
