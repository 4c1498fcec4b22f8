//! A5, A6: random queries over random events, packed and recent, against a naive evaluator.

use std::rc::Rc;

use proofbook_query::{Budget, Cursor, CursorError, ListRequest, QueryError, Reader, Sort};

use crate::checks::{KEY, check_one, check_walk, expected, resolve};
use crate::filters::{Drawn, filter};
use crate::world::{DAY, WORKSPACE, World};

fn all() -> Drawn {
    Drawn { text: String::new(), passes: Rc::new(|_| true), names_own: false }
}

#[test]
fn a6_queries_agree_with_the_naive_evaluator() {
    for seed in 1..=6 {
        let mut world = World::new(seed);
        for round in 0..4 {
            let count = 20 + world.dice.below(150);
            world.send(count, true);
            for _ in 0..12 {
                check_one(&mut world, 2);
            }
            if round < 3 && !world.dice.once_in(4) {
                world.pack();
                for _ in 0..6 {
                    check_one(&mut world, 2);
                }
            }
        }
        // Part of it leaves retention.
        world.clock.advance((10 * DAY + DAY / 3) as u64);
        for _ in 0..10 {
            check_one(&mut world, 1);
        }
        world.restart();
        for _ in 0..4 {
            check_one(&mut world, 1);
        }
    }
}

#[test]
fn a6_queries_over_several_blocks_agree_too() {
    let mut world = World::new(99);
    // So many that columns are not coded, and filters have to tell.
    world.variety = 10_000;
    world.send(5_500, true);
    world.pack();
    world.send(1_800, false);
    world.pack();
    world.send(2_500, true);
    for _ in 0..40 {
        check_one(&mut world, 2);
    }
}

#[test]
fn a5_cursors_stay_true_while_events_arrive() {
    for seed in 11..=16 {
        let mut world = World::new(seed);
        world.send(150, true);
        world.pack();
        world.send(100, true);
        for _ in 0..6 {
            let drawn = if world.dice.once_in(3) {
                all()
            } else {
                let known = world.known.clone();
                filter(&mut world.dice, &known, 1)
            };
            check_walk(&mut world, &drawn, |world| {
                world.send(7, false);
                if world.dice.once_in(5) {
                    world.pack();
                }
            });
        }
    }
}

#[test]
fn single_events_are_found_by_seq_and_by_id() {
    let mut world = World::new(5);
    world.send(200, true);
    world.pack();
    world.send(100, true);
    let reader = Reader::open(&world.store, WORKSPACE).expect("there");
    for known in &world.known {
        let id = known.groups["id"].as_str().expect("an id");
        let by_seq = reader.by_seq(known.seq).expect("reads").expect("is there");
        let by_id = reader.by_id(id).expect("reads").expect("is there");
        assert_eq!((by_seq.seq(), by_id.seq()), (known.seq, known.seq));
        assert_eq!(by_id.event().expect("parses").id(), id);
        assert_eq!(by_seq.leaf(), by_id.leaf());
        assert!(by_seq.leaf().is_some());
    }
    assert!(reader.by_seq(world.known.len() as u64).expect("reads").is_none());
    assert!(reader.by_id("nobody").expect("reads").is_none());
    assert!(Reader::open(&world.store, "nowhere").is_none());
}

#[test]
fn events_outside_of_retention_are_not_found_by_seq() {
    let mut world = World::new(6);
    for _ in 0..12 {
        world.send(5, false);
    }
    world.pack();
    world.clock.advance((29 * DAY) as u64);
    let visible: Vec<u64> = expected(&world, &Drawn { names_own: true, ..all() }, u64::MAX)
        .0
        .iter()
        .map(|event| event.seq)
        .collect();
    assert!(visible.len() < 60 && !visible.is_empty(), "{} of 60", visible.len());
    let reader = Reader::open(&world.store, WORKSPACE).expect("there");
    for known in &world.known {
        let found = reader.by_seq(known.seq).expect("reads").is_some();
        assert_eq!(found, visible.contains(&known.seq));
    }
}

#[test]
fn leaves_of_packed_events_are_those_of_their_receipts() {
    let mut world = World::new(7);
    world.send(120, true);
    let reader = Reader::open(&world.store, WORKSPACE).expect("there");
    let leaf =
        |reader: &Reader, seq| reader.by_seq(seq).expect("reads").and_then(|found| found.leaf());
    let before: Vec<_> = (0..120).map(|seq| leaf(&reader, seq)).collect();
    world.pack();
    let reader = Reader::open(&world.store, WORKSPACE).expect("there");
    let after: Vec<_> = (0..120).map(|seq| leaf(&reader, seq)).collect();
    assert_eq!(before, after);
}

#[test]
fn a_cursor_of_another_query_is_refused() {
    let mut world = World::new(8);
    world.send(30, false);
    let reader = Reader::open(&world.store, WORKSPACE).expect("there");
    let budget = Budget::unlimited();
    let request = ListRequest {
        filter: resolve(&world, ""),
        filter_hash: 1,
        sort: Sort::NewestFirst,
        limit: 5,
        cursor: None,
        page: None,
    };
    let next = reader.list(&request, &budget).expect("lists").next.expect("more");
    let other = ListRequest { filter_hash: 2, cursor: Some(next), ..request.clone() };
    assert_eq!(reader.list(&other, &budget).err(), Some(QueryError::CursorForAnotherQuery));
    let other = ListRequest { sort: Sort::Seq, cursor: Some(next), ..request.clone() };
    assert_eq!(reader.list(&other, &budget).err(), Some(QueryError::CursorForAnotherQuery));
    let far = ListRequest { page: Some(2_001), ..request };
    assert!(matches!(reader.list(&far, &budget), Err(QueryError::PageTooFar { page: 2_001, .. })));
    assert_eq!(Cursor::decode(&next.encode(&KEY), &[0; 32]), Err(CursorError::Forged));
}

#[test]
fn a_spent_budget_is_an_error_and_never_a_shorter_answer() {
    let mut world = World::new(9);
    world.send(300, false);
    world.pack();
    let reader = Reader::open(&world.store, WORKSPACE).expect("there");
    let resolved = resolve(&world, "\"happened\"");
    let ticks = std::sync::atomic::AtomicU64::new(0);
    let clock = || ticks.fetch_add(1_000, std::sync::atomic::Ordering::Relaxed);
    let tight = Budget { micros: 500, now_micros: &clock, ..Budget::unlimited() };
    assert!(matches!(
        reader.count(&resolved, &tight),
        Err(QueryError::OverBudget { what: "microseconds", limit: 500, .. })
    ));
    let cancelled = std::sync::atomic::AtomicBool::new(true);
    let gone = Budget { cancelled: &cancelled, ..Budget::unlimited() };
    assert_eq!(reader.count(&resolved, &gone), Err(QueryError::Cancelled));
}

#[test]
fn a_list_that_runs_out_of_time_has_all_of_its_page_or_is_an_error() {
    let mut world = World::new(10);
    world.send(20_500, false);
    world.pack();
    world.send(500, false);
    let reader = Reader::open(&world.store, WORKSPACE).expect("there");
    let request = ListRequest {
        filter: resolve(&world, "\"e\""),
        filter_hash: 1,
        sort: Sort::NewestFirst,
        limit: 5,
        cursor: None,
        page: None,
    };
    let seqs = |page: &proofbook_query::Page| -> Vec<u64> {
        page.events.iter().map(proofbook_query::Found::seq).collect()
    };
    let whole = reader.list(&request, &Budget::unlimited()).expect("lists");
    assert!(whole.total > Some(10_000), "{:?}", whole.total);
    let (mut refused, mut without_total, mut with_total) = (0, 0, 0);
    for micros in 0..40 {
        // Each look at the clock takes a microsecond.
        let ticks = std::sync::atomic::AtomicU64::new(0);
        let clock = || ticks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let tight = Budget { micros, now_micros: &clock, ..Budget::unlimited() };
        match reader.list(&request, &tight) {
            Err(QueryError::OverBudget { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
            Ok(page) => {
                assert_eq!(seqs(&page), seqs(&whole));
                match page.total {
                    None => without_total += 1,
                    total => {
                        assert_eq!(total, whole.total);
                        with_total += 1;
                    }
                }
            }
        }
    }
    let counts = (refused, without_total, with_total);
    assert!(refused > 0 && without_total > 0 && with_total > 0, "{counts:?}");
}

#[test]
fn events_far_apart_are_the_same_each_time_a_page_is_asked_for() {
    let mut world = World::new(11);
    world.send(25_000, false);
    world.pack();
    world.send(100, false);
    let reader = Reader::open(&world.store, WORKSPACE).expect("there");
    let mut numbers: Vec<u64> =
        expected(&world, &all(), u64::MAX).0.iter().map(|event| event.seq).collect();
    numbers.sort_unstable();
    let numbers: Vec<u64> = numbers.into_iter().step_by(2_500).collect();
    assert!(numbers.len() > 8, "{numbers:?}");
    let parts: Vec<String> = numbers.iter().map(|seq| format!("seq:{seq}..{seq}")).collect();
    let request = ListRequest {
        filter: resolve(&world, &parts.join(" OR ")),
        filter_hash: 1,
        sort: Sort::Seq,
        limit: 20,
        cursor: None,
        page: None,
    };
    for _ in 0..2 {
        let page = reader.list(&request, &Budget::unlimited()).expect("lists");
        assert_eq!(page.total, Some(numbers.len() as u64));
        assert_eq!(page.events.len(), numbers.len());
        for (found, seq) in page.events.iter().zip(numbers.iter().copied()) {
            let alone = reader.by_seq(seq).expect("reads").expect("is there");
            assert_eq!(found.seq(), seq);
            assert_eq!(found.leaf().expect("is there"), alone.leaf().expect("is there"));
            assert_eq!(found.groups(), alone.groups());
        }
    }
}
