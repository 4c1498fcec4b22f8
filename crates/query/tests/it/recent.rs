//! A6, I6: recent events against the naive evaluator: happened in any order, many at one moment, over
//! several blocks, asked through Views that are older than what came since.

use std::ops::ControlFlow;
use std::rc::Rc;

use proofbook_query::{Budget, ListRequest, QueryError, Reader, Sort};

use crate::checks::{check_filter, check_one, expected, resolve, sort_as};
use crate::filters::{Drawn, filter};
use crate::world::{DAY, WORKSPACE, World};

const SORTS: [Sort; 3] = [Sort::NewestFirst, Sort::OldestFirst, Sort::Seq];

fn all() -> Drawn {
    Drawn { text: String::new(), passes: Rc::new(|_| true), names_own: false }
}

/// A range of time as a filter, whose ends are moments of events.
fn range(world: &mut World) -> Drawn {
    let one = world.known[world.dice.below(world.known.len())].occurred_at;
    let other = world.known[world.dice.below(world.known.len())].occurred_at;
    let (from, to) = (one.min(other), one.max(other));
    let written = |at| proofbook_event::Timestamp::from_micros(at).to_string();
    let text = format!("occurred:>={} occurred:<={}", written(from), written(to));
    let passes = move |event: &crate::world::Known| (from..=to).contains(&event.occurred_at);
    Drawn { text, passes: Rc::new(passes), names_own: false }
}

#[test]
fn a6_several_blocks_of_recent_events_answer_as_the_naive_evaluator() {
    let mut world = World::new(31);
    world.send(3_300, false);
    for _ in 0..9 {
        check_one(&mut world, 2);
        let drawn = range(&mut world);
        check_filter(&mut world, &drawn);
    }
    // Part of it is outside of retention, and is not packed either.
    world.clock.advance((27 * DAY + DAY / 7) as u64);
    for _ in 0..3 {
        check_one(&mut world, 1);
        check_filter(&mut world, &all());
    }
    // One generation is packed while the next one grows.
    world.pack();
    world.send(1_900, true);
    for _ in 0..4 {
        check_one(&mut world, 2);
        let drawn = range(&mut world);
        check_filter(&mut world, &drawn);
    }
}

#[test]
fn i6_a_reader_sees_nothing_that_came_after_its_view() {
    let mut world = World::new(32);
    world.send(900, true);
    let mut readers = Vec::new();
    let mut asked = 0;
    for round in 0..6 {
        let reader = Reader::open(&world.store, WORKSPACE).expect("there");
        readers.push((world.known.len() as u64, world.store.now().micros(), reader));
        world.send(260 + 90 * round, true);
        if round == 3 {
            world.pack();
        }
        for _ in 0..2 {
            let known = world.known.clone();
            let drawn = filter(&mut world.dice, &known, 1);
            asked += check_readers(&mut world, &readers, &drawn);
        }
        asked += check_readers(&mut world, &readers, &all());
        let drawn = range(&mut world);
        asked += check_readers(&mut world, &readers, &drawn);
    }
    assert!(asked > 60, "asked {asked} of 84");
}

/// Asks every reader and returns how many; each knows the events below a number. A reader has the rules
/// of its own moment, so one is not asked when events left retention since.
fn check_readers(world: &mut World, readers: &[(u64, i64, Reader)], drawn: &Drawn) -> usize {
    let mut asked = 0;
    let resolved = resolve(world, &drawn.text);
    let limit = 1 + world.dice.below(60);
    for (as_of, now, reader) in readers {
        let since = now - 30 * DAY;
        let (mut wanted, _) = expected(world, drawn, *as_of);
        let left = since..since + (world.store.now().micros() - now);
        if world.known.iter().any(|event| left.contains(&event.counts_from)) {
            continue;
        }
        asked += 1;
        assert_eq!(reader.head().size, *as_of);
        for sort in SORTS {
            sort_as(sort, &mut wanted);
            let seqs: Vec<u64> = wanted.iter().map(|event| event.seq).collect();
            let request = ListRequest {
                filter: resolved.clone(),
                filter_hash: 1,
                sort,
                limit,
                cursor: None,
                page: None,
            };
            let page = reader.list(&request, &Budget::unlimited()).expect("lists");
            let found: Vec<u64> = page.events.iter().map(|found| found.seq()).collect();
            assert_eq!(
                found,
                seqs[..limit.min(seqs.len())],
                "{sort:?} below {as_of}: {}",
                drawn.text
            );
            assert_eq!(page.total, Some(seqs.len() as u64), "below {as_of}: {}", drawn.text);
        }
        let last = reader.by_seq(*as_of).expect("reads");
        assert!(last.is_none(), "event {as_of} came later");
    }
    asked
}

#[test]
fn a_walk_by_time_judges_only_blocks_that_can_come_next() {
    let mut world = World::new(33);
    // Only what was sent at one moment happened in disorder: blocks overlap at their ends.
    for _ in 0..24 {
        world.send_at_once(250);
        world.clock.advance(DAY as u64 / 3);
    }
    assert!(world.store.view().segments.is_empty(), "this is about recent events");
    let resolved = resolve(&world, "action:*");
    let text = resolve(&world, "\"a\"");
    for sort in SORTS {
        let (mut wanted, _) = expected(&world, &all(), u64::MAX);
        sort_as(sort, &mut wanted);
        let reader = Reader::open(&world.store, WORKSPACE).expect("there");
        let mut found = Vec::new();
        let mut visit = |event: proofbook_query::Found| {
            found.push(event.seq());
            if found.len() == 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let end = reader.scan(&resolved, sort, u64::MAX, &mut visit, &Budget::unlimited());
        assert!(end.expect("scans").stopped);
        let first: Vec<u64> = wanted.iter().take(20).map(|event| event.seq).collect();
        assert_eq!(found, first, "{sort:?}");
        // A word in every event costs their bytes: a third of them must do, all of them must not.
        let bytes = total_bytes(&reader, &text);
        let budget = Budget { bytes: bytes / 3, ..Budget::unlimited() };
        let mut visit = |_| ControlFlow::Break(());
        let stopped = reader.scan(&text, sort, u64::MAX, &mut visit, &budget).expect("is enough");
        assert!(stopped.stopped, "{sort:?}");
        let mut visit = |_| ControlFlow::Continue(());
        let over = reader.scan(&text, sort, u64::MAX, &mut visit, &budget);
        assert!(matches!(over, Err(QueryError::OverBudget { .. })), "{sort:?}: {over:?}");
    }
}

/// Finds what a full scan costs, by the least budget that suffices.
fn total_bytes(reader: &Reader, filter: &proofbook_filter::ResolvedFilter) -> u64 {
    let (mut low, mut high) = (0_u64, 1 << 28);
    while low + 1_000 < high {
        let middle = (low + high) / 2;
        let budget = Budget { bytes: middle, ..Budget::unlimited() };
        match reader.count(filter, &budget) {
            Ok(_) => high = middle,
            Err(QueryError::OverBudget { .. }) => low = middle,
            Err(error) => panic!("{error}"),
        }
    }
    high
}
