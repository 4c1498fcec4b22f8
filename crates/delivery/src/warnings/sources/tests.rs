use super::*;

/// Numbers in the order in which they arrive, and what is missing afterwards.
fn check(numbers: &[(u64, bool)], expected: &[(u64, u64)]) {
    check_later(numbers, &[], expected);
}

/// Likewise, with numbers that arrive half an hour later.
fn check_later(numbers: &[(u64, bool)], later: &[(u64, bool)], expected: &[(u64, u64)]) {
    let first = numbers.first().expect("a number").0;
    let mut counter = Counter { next: first, missing: Vec::new(), began: 0, heard: 0 };
    for (at, numbers) in [(1, numbers), (30 * 60 * 1_000_000, later)] {
        for (number, is_new) in numbers {
            counter.take(*number, *is_new, at);
        }
    }
    let mut missing: Vec<(u64, u64)> =
        counter.missing.iter().map(|missing| (missing.from, missing.through)).collect();
    missing.sort_unstable();
    assert_eq!(missing, expected, "{numbers:?} {later:?}");
}

#[test]
fn p6_what_is_missing_of_a_producer_is_exact() {
    let new = |numbers: &[u64]| numbers.iter().map(|n| (*n, true)).collect::<Vec<_>>();
    check(&new(&[0, 1, 2]), &[]);
    check(&new(&[5, 9]), &[(6, 8)]);
    check(&new(&[5, 9, 7]), &[(6, 6), (8, 8)]);
    check(&new(&[5, 9, 6, 8, 7]), &[]);
    check(&new(&[5, 9, 12, 6]), &[(7, 8), (10, 11)]);
    check(&[(5, true), (9, true), (5, false), (9, false)], &[(6, 8)]);
    // It begins again: what was missing is not asked for any more.
    check_later(&new(&[0, 1, 5]), &new(&[0, 1, 2]), &[]);
    check_later(&new(&[0, 1, 5]), &new(&[1, 0, 2, 4]), &[(3, 3)]);
    // A number that was sent twice is no new beginning.
    check_later(&new(&[0, 1, 5]), &[(0, false), (6, true)], &[(2, 4)]);
    // At first requests cross: an earlier one that arrives later is no new beginning, either.
    check(&new(&[3, 4, 0, 1, 2, 5]), &[]);
    check(&new(&[u64::MAX - 1, u64::MAX]), &[]);
}

#[test]
fn p6_the_counters_of_producers_do_not_grow_without_end() {
    let mut counter = Counter { next: 0, missing: Vec::new(), began: 0, heard: 0 };
    for number in 0..10_000 {
        counter.take(number * 2 + 1, true, 1);
    }
    assert_eq!(counter.missing.len(), MISSING_MAX);
    let sources = Sources::default();
    let heard = Heard {
        workspace: "acme".to_owned(),
        source: "s".to_owned(),
        instance: String::new(),
        numbers: vec![(1, true); INBOX_NUMBERS_MAX / 2],
        first_event: 0,
        at: 0,
    };
    for _ in 0..3 {
        sources.hear(vec![heard.clone()]);
    }
    let inbox = sources.take();
    assert!(inbox.is_over && inbox.heard.len() <= 2);
}
