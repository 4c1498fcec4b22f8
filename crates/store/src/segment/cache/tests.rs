use super::*;

fn codes(count: usize) -> Cached {
    Cached::Codes(Arc::new(vec![1; count]))
}

#[test]
fn bytes_stay_within_the_bound_and_what_is_used_stays_longer() {
    let cache = BlockCache::new(100_000);
    let mut found = 0;
    for index in 0..500 {
        match cache.get((1, 0, 0)) {
            Some(_) => found += 1,
            None => cache.insert((1, 0, 0), codes(1000)),
        }
        cache.insert((2, 0, index), codes(1000));
        assert!(cache.bytes() <= 100_000);
    }
    // 24 fit, so another entry stays for some 24 that come.
    assert!(found > 490, "{found} times of 500");
    cache.forget(2);
    assert!([0, 4000 + ENTRY_BYTES].contains(&cache.bytes()));
    cache.forget(1);
    assert_eq!(cache.bytes(), 0);
}

/// Asks for some entries in order, `rounds` times; returns how many were found in the last round.
fn found_in_round(cache: &BlockCache, rounds: usize, entries: u32) -> usize {
    let mut found = 0;
    for _ in 0..rounds {
        found = 0;
        for index in 0..entries {
            match cache.get((2, 0, index)) {
                Some(_) => found += 1,
                None => cache.insert((2, 0, index), codes(100)),
            }
        }
    }
    found
}

#[test]
fn what_is_asked_for_again_and_again_comes_to_stay() {
    // Two hundred fit. At first they are such as were used, and are not any more.
    let cache = BlockCache::new(200 * (400 + ENTRY_BYTES));
    for index in 0..200 {
        cache.insert((1, 0, index), codes(100));
        cache.get((1, 0, index));
    }
    let found = found_in_round(&cache, 8, 180);
    assert!(found >= 170, "{found} of 180 in the eighth round");
}

#[test]
fn most_of_what_is_a_little_too_much_is_found_all_the_same() {
    let cache = BlockCache::new(200 * (400 + ENTRY_BYTES));
    let found = found_in_round(&cache, 20, 240);
    assert!(found > 120, "{found} of 240, of which 200 fit");
}

#[test]
fn an_entry_above_a_quarter_of_the_cache_is_not_kept() {
    let cache = BlockCache::new(10_000);
    cache.insert((1, 0, 0), codes(1000));
    assert_eq!(cache.bytes(), 0);
}
