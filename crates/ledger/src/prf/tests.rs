//! Compared with the definition, written down again over the `hmac` crate.

use super::*;
use ::hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn mac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The definition: one HMAC a bit, the highest bit first.
fn expected_key(seed: &[u8; 32], k: u16) -> [u8; 32] {
    format!("{k:012b}").bytes().fold(*seed, |node, bit| mac(&node, &[bit - b'0']))
}

fn seed() -> RunSeed {
    RunSeed::from_bytes(std::array::from_fn(|i| i as u8 ^ 0x5a))
}

fn slot(k: u16) -> Slot {
    Slot::new(k).unwrap()
}

#[test]
fn event_key_is_the_walk_along_the_bits_of_k() {
    for k in [0, 1, 2, 3, 255, 256, 1023, 2047, 2048, 4094, 4095] {
        assert_eq!(event_key(&seed(), slot(k)).0, expected_key(&seed().0, k), "{k}");
    }
}

#[test]
fn a_slot_is_below_4096() {
    assert_eq!(Slot::new(4095), Some(Slot::LAST));
    assert_eq!(Slot::new(4096), None);
    assert_eq!(Slot::LAST.next(), None);
}

#[test]
fn a_range_has_the_keys_and_nonces_of_its_slots_and_no_others() {
    let nonce_key = NonceKey::from_bytes([3; 32]);
    for (first, last) in
        [(0, 0), (0, 31), (5, 5), (31, 32), (1000, 1038), (2047, 2048), (4000, 4095), (4095, 4095)]
    {
        let range = KeyRange::new(&seed(), &nonce_key, slot(first), slot(last));
        for k in 0..4096 {
            let expected = (first..=last)
                .contains(&k)
                .then(|| (EventKey(expected_key(&seed().0, k)), nonce(&nonce_key, slot(k))));
            assert_eq!(range.get(slot(k)), expected, "{first} {last} {k}");
            assert_eq!(range.has(slot(k)), expected.is_some(), "{first} {last} {k}");
        }
    }
}

#[test]
fn a_range_of_a_whole_run_has_all_its_keys() {
    let nonce_key = NonceKey::from_bytes([3; 32]);
    let whole = KeyRange::new(&seed(), &nonce_key, Slot::FIRST, Slot::LAST);
    for k in (0..4096).step_by(37) {
        assert_eq!(whole.get(slot(k)).unwrap().0, event_key(&seed(), slot(k)), "{k}");
    }
}

#[test]
fn of_two_ranges_the_one_that_ends_first_is_before() {
    let range = |first, last| {
        KeyRange::new(&seed(), &NonceKey::from_bytes([3; 32]), slot(first), slot(last))
    };
    assert!(range(31, 40).ends_before(&range(0, 63)));
    assert!(!range(0, 63).ends_before(&range(32, 63)));
}

#[test]
fn salts_and_nonces_are_the_first_half_of_their_mac() {
    let key = event_key(&seed(), slot(17));
    assert_eq!(salt(&key, "/description"), mac(&key.0, b"/description")[..16]);
    let nonces = NonceKey::from_bytes([3; 32]);
    assert_eq!(nonce(&nonces, slot(0x0102)), mac(&[3; 32], &[0x01, 0x02])[..16]);
}

#[test]
fn debug_of_a_secret_prints_nothing_of_it() {
    let secret = RunSeed::from_bytes([0xab; 32]);
    assert_eq!(format!("{secret:?}"), "RunSeed(secret)");
    assert_eq!(format!("{:?}", event_key(&secret, Slot::FIRST)), "EventKey(secret)");
    assert_eq!(format!("{:?}", PuncturedRun::whole(&secret)), "PuncturedRun(secret, 1 nodes)");
}

#[test]
fn a_punctured_run_gives_every_key_but_the_erased_one() {
    for erased in [0, 1, 2048, 2731, 4095] {
        let run = puncture(&seed(), slot(erased));
        assert_eq!(run.node_count(), 12);
        for k in 0..4096 {
            let expected = (k != erased).then(|| event_key(&seed(), slot(k)));
            assert_eq!(run.event_key(slot(k)), expected, "{erased} {k}");
        }
    }
}

#[test]
fn no_kept_node_lies_above_an_erased_slot() {
    let mut run = PuncturedRun::whole(&seed());
    let mut erased: Vec<u16> = (0..60).map(|i| i * 677 % 4096).collect();
    for &k in &erased {
        assert!(run.puncture(slot(k)));
        assert!(!run.puncture(slot(k)), "a second time there is nothing left to erase");
    }
    erased.sort_unstable();
    for (depth, prefix, _) in run.nodes() {
        let below = |k: &u16| k >> (12 - depth) == prefix;
        assert!(!erased.iter().any(below), "depth {depth} prefix {prefix}");
    }
    for k in 0..4096 {
        let expected = erased.binary_search(&k).is_err().then(|| event_key(&seed(), slot(k)));
        assert_eq!(run.event_key(slot(k)), expected);
    }
}

#[test]
fn erasing_a_whole_run_leaves_no_node() {
    let mut run = PuncturedRun::whole(&seed());
    for k in 0..4096 {
        run.puncture(slot(k));
    }
    assert_eq!(run.node_count(), 0);
    let mut bytes = Vec::new();
    run.encode(&mut bytes);
    assert_eq!(bytes, [0, 0]);
}

#[test]
fn a_punctured_run_reads_back_and_refuses_other_bytes() {
    let mut run = puncture(&seed(), slot(100));
    run.puncture(slot(3000));
    let mut bytes = Vec::new();
    run.encode(&mut bytes);
    assert_eq!(bytes.len(), 2 + 35 * run.node_count());
    assert_eq!(PuncturedRun::decode(&bytes).unwrap(), run);

    for length in 0..bytes.len() {
        assert!(PuncturedRun::decode(&bytes[..length]).is_err(), "{length}");
    }
    bytes.push(0);
    assert!(PuncturedRun::decode(&bytes).is_err());
    bytes.pop();

    let mut deep = bytes.clone();
    deep[2] = 13;
    assert_eq!(PuncturedRun::decode(&deep), Err(DecodePuncturedError::Place { index: 0 }));
    let mut wide = bytes.clone();
    wide[3] = 0xff;
    assert_eq!(PuncturedRun::decode(&wide), Err(DecodePuncturedError::Place { index: 0 }));
    let mut swapped = bytes.clone();
    swapped[2..72].rotate_left(35);
    assert_eq!(PuncturedRun::decode(&swapped), Err(DecodePuncturedError::Place { index: 1 }));
}
