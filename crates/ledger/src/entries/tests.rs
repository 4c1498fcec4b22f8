//! Written and read back, and cut at every byte.

use super::*;

#[test]
fn b2_a_bundle_is_its_entries_each_behind_its_length() {
    let entries: Vec<Vec<u8>> = (0..256_usize).map(|n| vec![n as u8; n * 3]).collect();
    let mut bundle = Vec::new();
    entries.iter().for_each(|entry| append_entry(entry, &mut bundle));
    assert_eq!(&bundle[..10], [0, 0, 0, 3, 1, 1, 1, 0, 6, 2]);
    assert_eq!(split_entries(&bundle, 256).unwrap(), entries);
    for end in 0..bundle.len() {
        assert!(split_entries(&bundle[..end], 256).is_err(), "cut at {end}");
    }
    assert_eq!(split_entries(&bundle, 255), Err(EntriesError::Count { expected: 255 }));
    bundle.push(0);
    assert!(split_entries(&bundle, 256).is_err());
    assert_eq!(split_entries(&[], 0), Ok(vec![]));
}
