//! The keys of signed notes: what a verifier is given (`vkey`), and what a log or a witness holds.
//!
//! ```text
//! vkey    name '+' key ID in 8 lowercase hexadecimal digits '+' base64(type ‖ public key)
//! key ID  first four bytes of SHA-256(name ‖ LF ‖ type ‖ public key)
//! type    0x01 Ed25519 over the text (a log's key)
//!         0x04 Ed25519 over "cosignature/v1\ntime <s>\n" ‖ text (a witness's key, C2SP
//!              tlog-cosignature v1); its signature is u64-be seconds ‖ 64 bytes
//! ```
//!
//! A workspace's keys come from one master seed that never enters the log:
//!
//! ```text
//! seed = HKDF-SHA256(salt = none, key = master seed, length = 32,
//!                    info = "proofbook/v1/log-key\0" ‖ u16-be len(origin) ‖ origin ‖ u32-be epoch)
//! ```
//!
//! so that no two workspaces share a key, an origin and an epoch lead to one key and no other, and
//! whoever learns one key learns nothing of the others. Epochs count rotations, from 0.
//!
//! What stays out: where the master seed is kept.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH, Signature, Signer as _};

use super::write_line;
use crate::hmac::HmacKey;
use crate::sha256::{START, finish};

/// Longest key name that is read, in bytes; ML-DSA cosignatures allow no more either.
pub const NAME_BYTES_MAX: usize = 255;
/// The greatest time of a cosignature (C2SP tlog-cosignature).
pub const TIME_S_MAX: u64 = i64::MAX as u64;
/// Bytes of the time in front of a cosignature.
const TIME_BYTES: usize = 8;
/// What the derivation of a workspace's key is for.
const DERIVE_LABEL: &[u8] = b"proofbook/v1/log-key\0";

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum KeyKind {
    /// Ed25519 over the text, type 0x01: a log's key.
    Ed25519 = 0x01,
    /// Timestamped Ed25519, type 0x04: a witness's key.
    CosignatureV1 = 0x04,
}

/// A text that is no verifier key, or a name that no key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not name, hash and key between plus signs.
    #[error("a verifier key is name+hash+key, such as example.com/log+530d903a+AekyeRrm…")]
    Malformed,
    /// The name is empty, too long, or holds a space, a plus sign or a control character.
    #[error("a key name has 1 to 255 bytes and no space, plus sign or control character")]
    Name,
    /// The type of key is not one of [`KeyKind`].
    #[error("keys of type 0x{found:02x} are not known here, only 0x01 and 0x04")]
    Kind {
        /// The type given.
        found: u8,
    },
    /// The key is not a point of the curve in its one encoding, or a weak one.
    #[error("not an Ed25519 public key")]
    Point,
    /// The hash in the text belongs to another name or key.
    #[error("the hash {found:08x} does not belong to this name and key")]
    Id {
        /// The hash given.
        found: u32,
    },
}

/// A key that verifies, with the name it signs under.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    id: u32,
    key: ed25519_dalek::VerifyingKey,
}

/// A key that signs. Secret: its `Debug` prints only the name.
pub struct SigningKey {
    verifier: VerifierKey,
    key: ed25519_dalek::SigningKey,
}

impl VerifierKey {
    /// Takes a name, a kind and 32 bytes of public key.
    ///
    /// # Errors
    /// A name that no key can have, or bytes that are no public key.
    pub fn new(
        name: &str,
        kind: KeyKind,
        public: &[u8; PUBLIC_KEY_LENGTH],
    ) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(public).map_err(|_| KeyError::Point)?;
        // Under a weak key one signature fits many texts.
        if key.is_weak() {
            return Err(KeyError::Point);
        }
        Ok(Self { name: name.to_string(), kind, id: key_id(name, kind, public), key })
    }

    /// Returns the name; for a log's key it is the log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what the key signs.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Returns the key ID.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Returns the 32 bytes of the public key (RFC 8032).
    pub fn public_key(&self) -> &[u8; PUBLIC_KEY_LENGTH] {
        self.key.as_bytes()
    }

    /// Checks a signature, the blob behind the key ID; the inner value is a cosignature's time.
    ///
    /// Weak points and unreduced scalars are refused, which RFC 8032 leaves open.
    pub(crate) fn verify(&self, text: &[u8], signature: &[u8]) -> Option<Option<u64>> {
        match self.kind {
            KeyKind::Ed25519 => {
                let signature: &[u8; SIGNATURE_LENGTH] = signature.try_into().ok()?;
                self.key.verify_strict(text, &Signature::from_bytes(signature)).ok()?;
                Some(None)
            }
            KeyKind::CosignatureV1 => {
                let (time, signature) = signature.split_first_chunk::<TIME_BYTES>()?;
                let time_s = u64::from_be_bytes(*time);
                let signature: &[u8; SIGNATURE_LENGTH] = signature.try_into().ok()?;
                if time_s > TIME_S_MAX {
                    return None;
                }
                let message = cosigned_message(time_s, text);
                self.key.verify_strict(&message, &Signature::from_bytes(signature)).ok()?;
                Some(Some(time_s))
            }
        }
    }
}

impl fmt::Display for VerifierKey {
    /// Writes the `vkey`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = [0_u8; 1 + PUBLIC_KEY_LENGTH];
        key[0] = self.kind as u8;
        key[1..].copy_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id, STANDARD.encode(key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    /// Reads a `vkey`; only the one form that is displayed is taken.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        // Base64 may hold plus signs, a name and a hash may not.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Malformed);
        };
        let is_lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if id.len() != 8 || !id.bytes().all(is_lower_hex) {
            return Err(KeyError::Malformed);
        }
        let id = u32::from_str_radix(id, 16).map_err(|_| KeyError::Malformed)?;
        // The largest known key has 1,312 bytes; nothing longer is decoded.
        if key.len() > 2048 {
            return Err(KeyError::Malformed);
        }
        let key = STANDARD.decode(key).map_err(|_| KeyError::Malformed)?;
        let (kind, public) = key.split_first().ok_or(KeyError::Malformed)?;
        let kind = match kind {
            0x01 => KeyKind::Ed25519,
            0x04 => KeyKind::CosignatureV1,
            found => return Err(KeyError::Kind { found: *found }),
        };
        let public: &[u8; PUBLIC_KEY_LENGTH] =
            public.try_into().map_err(|_| KeyError::Malformed)?;
        let verifier = Self::new(name, kind, public)?;
        if verifier.id == id { Ok(verifier) } else { Err(KeyError::Id { found: id }) }
    }
}

impl SigningKey {
    /// Makes a log's key (type 0x01) from 32 secret bytes.
    ///
    /// # Errors
    /// A name that no key can have.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Self::new(name, KeyKind::Ed25519, seed)
    }

    /// Makes a witness's key (type 0x04) from 32 secret bytes.
    ///
    /// # Errors
    /// A name that no key can have.
    pub fn cosigner_from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Self::new(name, KeyKind::CosignatureV1, seed)
    }

    fn new(name: &str, kind: KeyKind, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, kind, key.verifying_key().as_bytes())?;
        Ok(Self { verifier, key })
    }

    /// Returns the key that verifies.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a text and returns the signature line, without LF. The same text gives the same line.
    ///
    /// # Panics
    /// The key is a witness's; it signs with [`SigningKey::cosign`].
    pub fn sign(&self, text: &str) -> String {
        assert_eq!(self.verifier.kind, KeyKind::Ed25519, "a witness's key signs with a time");
        let signature = self.key.sign(text.as_bytes());
        write_line(&self.verifier.name, self.verifier.id, &signature.to_bytes())
    }

    /// Cosigns a checkpoint's text at a time in POSIX seconds, at most [`TIME_S_MAX`], and returns
    /// the signature line, without LF.
    ///
    /// # Panics
    /// The key is a log's; it signs with [`SigningKey::sign`]. Or the time is too great.
    pub fn cosign(&self, text: &str, time_s: u64) -> String {
        assert_eq!(self.verifier.kind, KeyKind::CosignatureV1, "a log's key signs without a time");
        assert!(time_s <= TIME_S_MAX, "a cosignature's time is below 2^63");
        let signature = self.key.sign(&cosigned_message(time_s, text.as_bytes()));
        let mut blob = Vec::with_capacity(TIME_BYTES + SIGNATURE_LENGTH);
        blob.extend_from_slice(&time_s.to_be_bytes());
        blob.extend_from_slice(&signature.to_bytes());
        write_line(&self.verifier.name, self.verifier.id, &blob)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(secret of {})", self.verifier)
    }
}

/// Derives the seed of one workspace's key, as described at the top of this file.
///
/// # Panics
/// The origin is longer than 65,535 bytes; no key name is.
pub fn workspace_seed(master: &[u8; 32], origin: &str, epoch: u32) -> [u8; 32] {
    let length = u16::try_from(origin.len()).expect("an origin is a key name");
    let mut info = Vec::with_capacity(DERIVE_LABEL.len() + 2 + origin.len() + 4);
    info.extend_from_slice(DERIVE_LABEL);
    info.extend_from_slice(&length.to_be_bytes());
    info.extend_from_slice(origin.as_bytes());
    info.extend_from_slice(&epoch.to_be_bytes());
    hkdf(master, info)
}

/// HKDF-SHA256 (RFC 5869) without a salt, for one block of output.
fn hkdf(key: &[u8; 32], mut info: Vec<u8>) -> [u8; 32] {
    let extracted = HmacKey::new(&[0; 32]).mac(key);
    info.push(0x01);
    HmacKey::new(&extracted).mac(&info)
}

/// Says whether a text can be a key's name (C2SP signed-note; no control characters, since a note
/// can hold none; bounded).
pub fn is_key_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && !name
            .chars()
            .any(|letter| letter.is_whitespace() || letter.is_control() || letter == '+')
}

fn cosigned_message(time_s: u64, text: &[u8]) -> Vec<u8> {
    let mut message = format!("cosignature/v1\ntime {time_s}\n").into_bytes();
    message.extend_from_slice(text);
    message
}

fn key_id(name: &str, kind: KeyKind, public: &[u8; PUBLIC_KEY_LENGTH]) -> u32 {
    let mut bytes = Vec::with_capacity(name.len() + 2 + public.len());
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(&[b'\n', kind as u8]);
    bytes.extend_from_slice(public);
    let [a, b, c, d, ..] = finish(START, 0, &bytes);
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests;
