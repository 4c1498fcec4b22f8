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
fn an_entry_above_a_quarter_of_the_cache_is_not_kept() {
    let cache = BlockCache::new(10_000);
    cache.insert((1, 0, 0), codes(1000));
    assert_eq!(cache.bytes(), 0);
}
