use super::*;

fn codes(count: usize) -> Cached {
    Cached::Codes(Arc::new(vec![1; count]))
}

#[test]
fn bytes_stay_within_the_bound_and_used_entries_stay() {
    let cache = BlockCache::new(100_000);
    cache.insert((1, 0, 0), codes(1000));
    for index in 0..500 {
        assert!(cache.get((1, 0, 0)).is_some(), "evicted before {index}");
        cache.insert((2, 0, index), codes(1000));
        assert!(cache.bytes() <= 100_000);
    }
    assert!(cache.get((2, 0, 0)).is_none());
    cache.forget(2);
    assert_eq!(cache.bytes(), 4000 + ENTRY_BYTES);
    cache.forget(1);
    assert_eq!(cache.bytes(), 0);
}

#[test]
fn what_came_last_is_not_the_first_to_go() {
    let cache = BlockCache::new(100_000);
    for index in 0..500 {
        cache.insert((1, 0, index), codes(1000));
        // 24 fit; whoever comes has a whole round of the hand.
        for newer in index.saturating_sub(23)..=index {
            let slots = cache.lock();
            assert!(slots.places.contains_key(&(1, 0, newer)), "{newer} was gone at {index}");
        }
    }
}

#[test]
fn what_is_asked_for_again_and_again_comes_to_stay() {
    let cache = BlockCache::new(100_000);
    // Entries that were used, and are not any more.
    for index in 0..24 {
        cache.insert((1, 0, index), codes(1000));
        cache.get((1, 0, index));
    }
    let mut missed = 0;
    for _ in 0..4 {
        missed = 0;
        for index in 0..20 {
            if cache.get((2, 0, index)).is_none() {
                missed += 1;
                cache.insert((2, 0, index), codes(1000));
            }
        }
    }
    assert_eq!(missed, 0, "missed in the fourth round");
}

#[test]
fn an_entry_above_a_quarter_of_the_cache_is_not_kept() {
    let cache = BlockCache::new(10_000);
    cache.insert((1, 0, 0), codes(1000));
    assert_eq!(cache.bytes(), 0);
}
