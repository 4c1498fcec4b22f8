use super::*;

/// The reference vectors of both hashes: key 00..0f, no input.
#[test]
fn ids_are_hashed_by_siphash_2_4_and_events_by_siphash_1_3() {
    let key: [u8; 16] = std::array::from_fn(|at| at as u8);
    assert_eq!(keyed_hash(&key, b""), 0x726f_db47_dd0e_0e31);
    assert_eq!(fingerprint(&key, b""), 0xabac_0158_050f_c4dc);
}
