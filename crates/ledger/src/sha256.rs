//! SHA-256 over messages whose pieces are known at once, on the block function of `sha2`.
//!
//! A streaming hasher pays for its buffer on every call; sealing one event calls it about twenty
//! times with short messages, where that is a third of the cost. So padding is done here, and the
//! rounds, with their hardware instructions, stay in `sha2`. Source: FIPS 180-4, section 5.1.1.

use sha2::block_api::compress256;

/// The chaining value between two blocks.
pub(crate) type State = [u32; 8];

/// The chaining value before the first block (FIPS 180-4, section 5.3.3).
pub(crate) const START: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Bytes in one block.
pub(crate) const BLOCK_BYTES: usize = 64;

/// Runs the rounds over one block.
#[inline]
pub(crate) fn absorb(state: &mut State, block: &[u8; BLOCK_BYTES]) {
    compress256(state, core::slice::from_ref(block));
}

/// Ends a message of which `done_bytes` (a multiple of 64) are in `state` and `rest` is still to come.
#[inline]
pub(crate) fn finish(mut state: State, done_bytes: usize, rest: &[u8]) -> [u8; 32] {
    let (blocks, tail) = rest.as_chunks::<BLOCK_BYTES>();
    if !blocks.is_empty() {
        compress256(&mut state, blocks);
    }
    let mut last = [0_u8; BLOCK_BYTES];
    last[..tail.len()].copy_from_slice(tail);
    last[tail.len()] = 0x80;
    // Behind the closing bit come 8 bytes of length; where they have no room, another block does.
    if tail.len() >= BLOCK_BYTES - 8 {
        absorb(&mut state, &last);
        last = [0_u8; BLOCK_BYTES];
    }
    let bits = (done_bytes as u64 + rest.len() as u64) * 8;
    last[BLOCK_BYTES - 8..].copy_from_slice(&bits.to_be_bytes());
    absorb(&mut state, &last);
    to_bytes(&state)
}

/// Hashes `prefix` ‖ `rest`; the prefix is shorter than one block.
pub(crate) fn prefixed(prefix: &[u8], rest: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK_BYTES];
    let (head, room) = block.split_at_mut(prefix.len());
    head.copy_from_slice(prefix);
    match rest.split_at_checked(room.len()) {
        Some((first, others)) => {
            room.copy_from_slice(first);
            let mut state = START;
            absorb(&mut state, &block);
            finish(state, BLOCK_BYTES, others)
        }
        None => {
            room[..rest.len()].copy_from_slice(rest);
            finish(START, 0, &block[..prefix.len() + rest.len()])
        }
    }
}

/// Writes a chaining value as the digest's 32 bytes.
fn to_bytes(state: &State) -> [u8; 32] {
    let mut bytes = [0_u8; 32];
    for (slot, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *slot = word.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests;
