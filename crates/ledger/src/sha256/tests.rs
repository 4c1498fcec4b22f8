//! Compared with the streaming hasher of `sha2`.

use super::*;
use sha2::{Digest, Sha256};

#[test]
fn every_short_length_and_prefix_hashes_as_the_streaming_hasher_does() {
    let bytes: Vec<u8> = (0..300_u16).map(|i| (i * 7 % 251) as u8).collect();
    for prefix_bytes in 0..BLOCK_BYTES {
        for rest_bytes in 0..300 - prefix_bytes {
            let whole = &bytes[..prefix_bytes + rest_bytes];
            let (prefix, rest) = whole.split_at(prefix_bytes);
            let expected: [u8; 32] = Sha256::digest(whole).into();
            assert_eq!(prefixed(prefix, rest), expected, "{prefix_bytes} + {rest_bytes}");
        }
    }
}

#[test]
fn a_message_continues_from_any_block_boundary() {
    let bytes = [0x5a_u8; 400];
    for blocks in 0..4 {
        let mut state = START;
        for block in bytes.as_chunks::<BLOCK_BYTES>().0.iter().take(blocks) {
            absorb(&mut state, block);
        }
        let expected: [u8; 32] = Sha256::digest(bytes).into();
        assert_eq!(finish(state, blocks * 64, &bytes[blocks * 64..]), expected);
    }
}
