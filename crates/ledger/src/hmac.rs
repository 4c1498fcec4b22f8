//! HMAC-SHA256 (RFC 2104) with 32-byte keys, its two key blocks hashed once and used many times.

use crate::sha256::{BLOCK_BYTES, START, State, absorb, finish, to_bytes};

/// A key made ready: the chaining values after its inner and its outer block.
///
/// Secret. It has no `Debug`, so that no log line can hold it.
pub(crate) struct HmacKey {
    inner: State,
    outer: State,
}

/// A message that is known before, laid out as the block behind a key's inner block.
pub(crate) struct ShortMessage([u8; BLOCK_BYTES]);

/// What is between the two halves of a code: the inner hash, laid out as the block behind a key's
/// outer block. Secret.
pub(crate) struct Halfway([u8; BLOCK_BYTES]);

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
        first_16(&self.mac(message))
    }

    /// Does the first half of [`HmacKey::mac`], one block.
    ///
    /// Who has several messages begins all of them, then ends all: see [`crate::sha256::each`].
    #[inline]
    pub(crate) fn begin(&self, message: &ShortMessage) -> Halfway {
        let mut state = self.inner;
        absorb(&mut state, &message.0);
        let mut block = BEHIND_OUTER;
        block[..32].copy_from_slice(&to_bytes(&state));
        Halfway(block)
    }

    /// Does the second half of [`HmacKey::mac`], one block.
    #[inline]
    pub(crate) fn end(&self, halfway: &Halfway) -> [u8; 32] {
        let mut state = self.outer;
        absorb(&mut state, &halfway.0);
        to_bytes(&state)
    }
}

impl ShortMessage {
    /// Lays out a message of at most 55 bytes.
    pub(crate) const fn new(message: &[u8]) -> Self {
        assert!(message.len() < BLOCK_BYTES - 8, "the message has room in one block");
        let mut block = [0_u8; BLOCK_BYTES];
        block.split_at_mut(message.len()).0.copy_from_slice(message);
        block[message.len()] = 0x80;
        let bits = ((BLOCK_BYTES + message.len()) as u64 * 8).to_be_bytes();
        block.split_at_mut(BLOCK_BYTES - 8).1.copy_from_slice(&bits);
        Self(block)
    }
}

/// The block behind a key's outer block, but for the inner hash.
const BEHIND_OUTER: [u8; BLOCK_BYTES] = ShortMessage::new(&[0; 32]).0;

/// Returns the first half of a code.
pub(crate) fn first_16(mac: &[u8; 32]) -> [u8; 16] {
    let mut first = [0_u8; 16];
    first.copy_from_slice(&mac[..16]);
    first
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
