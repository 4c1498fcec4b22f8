use super::*;

#[test]
fn every_key_is_found_and_few_others_are() {
    for count in [0_u64, 1, 2, 3, 10, 100, 1000, 4096, 65_536] {
        let mut keys: Vec<u64> = (0..count).map(|n| mix(n ^ 0xabcd)).collect();
        keys.extend_from_slice(&keys.clone());
        let fuse = Fuse::build(&mut keys).unwrap();
        assert_eq!(keys.len() as u64, count, "keys are made unique");
        assert!(keys.iter().all(|key| fuse.may_contain(*key)), "{count}");
        let wrong = (0..100_000).filter(|n| fuse.may_contain(mix(n ^ 0x1234_5678_0000))).count();
        assert!(wrong < 500, "{wrong} of 100,000 false answers with {count} keys");
        let mut bytes = Vec::new();
        fuse.encode(&mut bytes);
        assert_eq!(Fuse::decode(&bytes), Ok(fuse));
        assert!(Fuse::decode(&bytes[..bytes.len() - 1]).is_err());
        if count == 65_536 {
            assert!(bytes.len() as u64 * 10 < count * 12, "{} bytes", bytes.len());
        }
    }
}
