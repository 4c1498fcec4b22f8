//! HMAC-SHA256 (RFC 2104) with 32-byte keys, its two key blocks hashed once and used many times.

use crate::sha256::{BLOCK_BYTES, START, State, absorb, finish};

/// A key made ready: the chaining values after its inner and its outer block.
///
/// Secret. It has no `Debug`, so that no log line can hold it.
pub(crate) struct HmacKey {
    inner: State,
    outer: State,
}

impl HmacKey {
    /// Prepares a key, at the cost of two blocks.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self { inner: key_block(key, 0x36), outer: key_block(key, 0x5c) }
    }

    /// Authenticates a message, at the cost of two blocks when it is at most 55 bytes long.
    pub(crate) fn mac(&self, message: &[u8]) -> [u8; 32] {
        let inner = finish(self.inner, BLOCK_BYTES, message);
        finish(self.outer, BLOCK_BYTES, &inner)
    }

    /// Returns the first 16 bytes of [`HmacKey::mac`].
    pub(crate) fn mac_16(&self, message: &[u8]) -> [u8; 16] {
        let mut first = [0_u8; 16];
        first.copy_from_slice(&self.mac(message)[..16]);
        first
    }
}

/// Hashes the key, filled up with zeros to one block and XORed with `pad`.
fn key_block(key: &[u8; 32], pad: u8) -> State {
    let mut block = [pad; BLOCK_BYTES];
    for (slot, byte) in block.iter_mut().zip(key) {
        *slot ^= byte;
    }
    let mut state = START;
    absorb(&mut state, &block);
    state
}

#[cfg(test)]
mod tests;
