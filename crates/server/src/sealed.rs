//! Sealed texts: what the server hands out and takes back, such as viewer tokens and portal links.
//!
//! A sealed text is base64url without padding (RFC 4648 section 5) of `nonce 24 ‖ ciphertext ‖ tag 16`,
//! XChaCha20-Poly1305 over JSON, with its purpose as associated data. Nobody else can make, change or
//! read one, and one made for a purpose opens for no other. The server keeps nothing: the key follows
//! from a secret of the store, so texts outlive a restart and work on every node of the log.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use proofbook_store::random::Random;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a sealed text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Reading a workspace: a viewer token.
    Viewer,
    /// Opening the viewer once: a portal link.
    Portal,
    /// Naming the sites that may frame the viewer.
    Frame,
    /// Reading one printable page.
    Print,
}

impl Purpose {
    fn word(self) -> &'static [u8] {
        match self {
            Self::Viewer => b"viewer",
            Self::Portal => b"portal",
            Self::Frame => b"frame",
            Self::Print => b"print",
        }
    }
}

const NONCE_BYTES: usize = 24;

/// Seals and opens texts. Secret: its `Debug` shows nothing.
pub(crate) struct Sealer(XChaCha20Poly1305);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

impl Sealer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Seals a value; empty when it cannot be written as JSON, which no value of ours does.
    pub(crate) fn seal(
        &self,
        purpose: Purpose,
        value: &impl Serialize,
        random: &dyn Random,
    ) -> String {
        let json = serde_json::to_vec(value).unwrap_or_default();
        let mut nonce = [0; NONCE_BYTES];
        random.fill(&mut nonce);
        let payload = Payload { msg: &json, aad: purpose.word() };
        // It fails for texts of more than 256 GiB alone.
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// Opens a text that [`Sealer::seal`] made for the same purpose.
    pub(crate) fn open<T: DeserializeOwned>(&self, purpose: Purpose, text: &str) -> Option<T> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: purpose.word() };
        let json = self.0.decrypt(&XNonce::from(*nonce), payload).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

#[cfg(test)]
mod tests;
