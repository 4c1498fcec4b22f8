use std::collections::BTreeSet;

use super::*;

#[test]
fn spans_hold_exactly_their_rows() {
    for rows in [1, 63, 64, 65, 130, 4096] {
        for (from, to) in [(0, rows), (0, 0), (rows / 3, rows / 2), (rows - 1, rows), (1, rows)] {
            let set = RowSet::span(rows, from, to);
            let naive: Vec<usize> = (from..to.max(from)).collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), naive, "{rows} rows, {from}..{to}");
            assert_eq!(set.len(), naive.len());
            assert_eq!(set.is_empty(), naive.is_empty());
            assert_eq!(set.bounds().collect::<Vec<_>>(), naive);
        }
    }
}

#[test]
fn rows_whose_code_passes_are_inserted_wherever_they_begin() {
    let passing = [true, false, false, true, false];
    for first in [0, 1, 63, 64, 65, 100] {
        for count in [0, 1, 5, 27, 28, 63, 64, 65, 200] {
            let codes: Vec<u32> = (0..count).map(|at| (at * 7 + at / 3) as u32 % 5).collect();
            let mut set = RowSet::none(300);
            set.insert(299);
            set.insert_passing(first, &codes, &passing);
            let passes = |at: &usize| passing[codes[*at] as usize];
            let naive = (0..count).filter(passes).map(|at| first + at).chain([299]);
            assert_eq!(set.iter().collect::<Vec<_>>(), naive.collect::<Vec<_>>());
        }
    }
}

#[test]
fn inserts_and_removes_like_a_set_of_numbers() {
    let (mut set, mut naive) = (RowSet::none(300), BTreeSet::new());
    let mut dice = 7_usize;
    for _ in 0..2_000 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let row = (dice >> 33) % 300;
        if dice >> 20 & 1 == 0 {
            set.insert(row);
            naive.insert(row);
        } else {
            set.remove(row);
            naive.remove(&row);
        }
        assert_eq!(set.contains(row), naive.contains(&row));
    }
    assert_eq!(set.iter().collect::<Vec<_>>(), naive.into_iter().collect::<Vec<_>>());
}
