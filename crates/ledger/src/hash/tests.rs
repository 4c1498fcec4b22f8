//! Compared with `sha2` and with the values of RFC 6962.

use super::*;
use sha2::{Digest, Sha256};

#[test]
fn empty_root_is_the_hash_of_nothing() {
    let expected: [u8; 32] = Sha256::digest(b"").into();
    assert_eq!(EMPTY_ROOT.0, expected);
}

#[test]
fn leaf_and_node_carry_their_prefix() {
    for length in [0, 1, 54, 55, 62, 63, 64, 200] {
        let bytes = vec![9; length];
        let expected: [u8; 32] =
            Sha256::new().chain_update([0]).chain_update(&bytes).finalize().into();
        assert_eq!(leaf_hash(&bytes).0, expected);
    }
    let (left, right) = (Hash([1; 32]), Hash(std::array::from_fn(|i| i as u8)));
    let expected: [u8; 32] = Sha256::new()
        .chain_update([1])
        .chain_update(left.0)
        .chain_update(right.0)
        .finalize()
        .into();
    assert_eq!(node_hash(&left, &right).0, expected);
}

#[test]
fn display_is_padded_base64_and_parses_back() {
    assert_eq!(EMPTY_ROOT.to_string(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert_eq!(EMPTY_ROOT.to_string().parse(), Ok(EMPTY_ROOT));
    assert_eq!(format!("{EMPTY_ROOT:?}"), "Hash(e3b0c442…)");
}

#[test]
fn only_the_canonical_base64_form_is_taken() {
    for text in [
        "",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",
        "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    ] {
        assert_eq!(text.parse::<Hash>(), Err(ParseHashError), "{text:?}");
    }
}
