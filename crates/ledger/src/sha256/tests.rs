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

#[test]
fn messages_side_by_side_hash_as_they_do_alone() {
    let bytes: Vec<u8> = (0..800_u16).map(|i| (i * 13 % 241) as u8).collect();
    // Lengths around every way in which a message ends, in changing company.
    let lengths = [0, 1, 54, 55, 56, 63, 64, 65, 118, 119, 120, 128, 183, 184, 300, 650];
    for prefix_bytes in [0, 1, 37, 55, 56, 63] {
        for first in 0..lengths.len() {
            let rests: [&[u8]; 5] = std::array::from_fn(|at| {
                &bytes[prefix_bytes..][..lengths[(first + at * 5) % lengths.len()]]
            });
            let prefix = &bytes[..prefix_bytes];
            let mut messages = [Blocks::NONE; 5];
            for (message, rest) in messages.iter_mut().zip(rests) {
                message.first()[..prefix_bytes].copy_from_slice(prefix);
                message.lay(prefix_bytes, rest);
            }
            let expected: [[u8; 32]; 5] = rests.map(|rest| {
                Sha256::new().chain_update(prefix).chain_update(rest).finalize().into()
            });
            let hashes = each(&messages);
            assert_eq!(hashes, expected, "{prefix_bytes}, {first}");
        }
    }
}
