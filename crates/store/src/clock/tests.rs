//! A2: the guarded clock, as rows of what the machine's clocks did and what came of it.

use super::ClockObservationKind::*;
use super::*;

const START: i64 = 1_795_000_000 * SECOND;
const MINUTE: i64 = 60 * SECOND;
const YEARS: i64 = 10 * 365 * 24 * HOUR;

/// What happens to the machine, one step of a story.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Time passes.
    Pass(i64),
    /// The wall clock alone moves.
    Wall(i64),
}
use Step::{Pass, Wall};

fn started(memory: ClockMemory) -> (SimClock, GuardedClock) {
    let clock = SimClock::new(START);
    (clock.clone(), GuardedClock::start(Arc::new(clock), memory))
}

fn after(last_stamp: i64) -> ClockMemory {
    ClockMemory { last_stamp: Some(last_stamp), purge_from: None }
}

fn run(clock: &SimClock, guarded: &GuardedClock, steps: &[Step]) {
    for step in steps {
        match *step {
            Pass(micros) => clock.advance(micros as u64),
            Wall(micros) => clock.jump_wall(micros),
        }
        let stamp = guarded.now_micros();
        assert!(guarded.now_micros() >= stamp);
    }
}

fn kinds(guarded: &GuardedClock) -> Vec<ClockObservationKind> {
    guarded.take_observations().into_iter().map(|observation| observation.kind).collect()
}

#[test]
fn stamps_follow_the_steady_clock_and_small_corrections_only() {
    let day = 24 * HOUR;
    // what happens, stamp since the start, observed, whether purging is allowed
    type Row<'a> = (&'a [Step], i64, &'a [ClockObservationKind], bool);
    let rows: [Row; 23] = [
        (&[], 0, &[], true),
        (&[Pass(1)], 1, &[], true),
        (&[Pass(day), Pass(day)], 2 * day, &[], true),
        // Ahead: up to 5 min is followed, more is not.
        (&[Wall(1)], 1, &[], true),
        (&[Wall(5 * MINUTE)], 5 * MINUTE, &[], true),
        (&[Wall(5 * MINUTE + 1)], 0, &[WallAhead], true),
        (&[Wall(6 * MINUTE), Pass(HOUR)], HOUR, &[WallAhead], true),
        (&[Wall(HOUR)], 0, &[WallAhead], true),
        (&[Wall(HOUR + 1)], 0, &[WallAhead], false),
        (&[Wall(YEARS), Pass(day - 1)], day - 1, &[WallAhead], false),
        (&[Wall(YEARS), Pass(day)], day, &[WallAhead], true),
        // Another jump makes purging wait anew, also the one back.
        (&[Wall(YEARS), Pass(day - 1), Wall(2 * HOUR), Pass(1)], day, &[WallAhead; 2], false),
        (&[Wall(YEARS), Pass(MINUTE), Wall(-YEARS)], MINUTE, &[WallAhead, WallAgrees], false),
        // A smaller change during the wait does not end it.
        (&[Wall(YEARS), Wall(6 * MINUTE)], 0, &[WallAhead; 2], false),
        // A difference that grows is told again, one that stays is not.
        (
            &[Wall(6 * MINUTE), Wall(4 * MINUTE), Wall(MINUTE), Wall(MINUTE)],
            0,
            &[WallAhead; 2],
            true,
        ),
        (&[Wall(6 * MINUTE), Wall(-2 * MINUTE)], 4 * MINUTE, &[WallAhead, WallAgrees], true),
        // Behind: stamps stand or go on, never back.
        (&[Wall(-1)], 0, &[], true),
        (&[Wall(-4 * MINUTE), Pass(2 * MINUTE)], MINUTE, &[], true),
        (&[Wall(-4 * MINUTE), Pass(8 * MINUTE), Pass(MINUTE)], 5 * MINUTE, &[], true),
        (&[Wall(-6 * MINUTE), Pass(HOUR)], HOUR, &[WallBehind], true),
        (&[Wall(-2 * HOUR), Pass(HOUR)], HOUR, &[WallBehind], false),
        // Purging never goes by stamps that are known to be ahead.
        (&[Wall(-YEARS), Pass(day), Pass(day)], 2 * day, &[WallBehind], false),
        (
            &[Wall(-YEARS), Pass(day), Wall(YEARS), Pass(day)],
            2 * day,
            &[WallBehind, WallAgrees],
            true,
        ),
    ];
    for (steps, expected, observed, purge) in rows {
        let (clock, guarded) = started(after(START));
        run(&clock, &guarded, steps);
        assert_eq!(guarded.now_micros() - START, expected, "{steps:?}");
        assert_eq!(kinds(&guarded), observed, "{steps:?}");
        assert_eq!(guarded.purge_allowed(), purge, "{steps:?}");
    }
}

#[test]
fn a_start_takes_the_later_of_wall_and_log() {
    let memory = |ago: i64, purge_in: Option<i64>| ClockMemory {
        last_stamp: Some(START - ago),
        purge_from: purge_in.map(|wait| START + wait),
    };
    let rows = [
        (ClockMemory::default(), 0, None, true),
        (memory(0, None), 0, None, true),
        (memory(HOUR, None), 0, None, true),
        (memory(HOUR + 1, None), 0, Some(StartedAfterGap), false),
        (memory(YEARS, None), 0, Some(StartedAfterGap), false),
        (memory(-5 * MINUTE, None), 5 * MINUTE, None, true),
        (memory(-6 * MINUTE, None), 6 * MINUTE, Some(StartedBehind), true),
        (memory(-YEARS, None), YEARS, Some(StartedBehind), false),
        // A wait that was recorded goes on.
        (memory(0, Some(1)), 0, None, false),
        (memory(0, Some(0)), 0, None, true),
    ];
    for (memory, expected, observed, purge) in rows {
        let (_, guarded) = started(memory);
        assert_eq!(guarded.now_micros() - START, expected, "{memory:?}");
        assert_eq!(guarded.purge_allowed(), purge, "{memory:?}");
        let observations = guarded.take_observations();
        let kind = observations.first().map(|observation| observation.kind);
        assert_eq!((kind, observations.len() < 2), (observed, true), "{memory:?}");
        assert_eq!(kinds(&guarded), [], "told once");
    }
}

#[test]
fn a_jump_is_not_forgotten_by_restarting() {
    let (clock, guarded) = started(after(START - YEARS));
    clock.advance(HOUR as u64);
    let memory = ClockMemory {
        last_stamp: Some(guarded.now_micros()),
        purge_from: guarded.take_observations().last().unwrap().purge_from,
    };
    assert_eq!(memory.purge_from, Some(START + 24 * HOUR));
    clock.advance(MINUTE as u64);
    let again = GuardedClock::start(Arc::new(clock.clone()), memory);
    assert_eq!((kinds(&again), again.purge_allowed()), (vec![], false));
    clock.advance(23 * HOUR as u64);
    assert!(again.purge_allowed());
}

#[test]
fn small_steps_add_up_to_a_jump() {
    let (clock, guarded) = started(after(START));
    for _ in 0..12 {
        run(&clock, &guarded, &[Pass(MINUTE), Wall(5 * MINUTE)]);
    }
    assert_eq!((kinds(&guarded), guarded.purge_allowed()), (vec![], true), "exactly one hour");
    run(&clock, &guarded, &[Wall(1)]);
    assert_eq!((kinds(&guarded), guarded.purge_allowed()), (vec![WallCrept], false));
}

#[test]
fn an_operators_word_lets_the_adding_up_begin_anew() {
    let (clock, guarded) = started(after(START));
    run(&clock, &guarded, &[Wall(5 * MINUTE); 10]);
    guarded.trust_wall();
    run(&clock, &guarded, &[Wall(5 * MINUTE); 10]);
    assert_eq!((kinds(&guarded), guarded.purge_allowed()), (vec![WallTrusted], true));
}

#[test]
fn the_jitter_of_reading_two_clocks_is_no_jump() {
    // The wall clock read a little late and a little early in turn, all day long.
    let (clock, guarded) = started(after(START));
    for _ in 0..100_000 {
        run(&clock, &guarded, &[Wall(SECOND / 2), Pass(400_000), Wall(-SECOND / 2), Pass(400_000)]);
    }
    assert_eq!((kinds(&guarded), guarded.purge_allowed()), (vec![], true));
    let off = guarded.now_micros() - clock.wall_micros();
    assert!((0..=SECOND).contains(&off), "off by {off}");
}

#[test]
fn an_operators_word_ends_the_wait_and_follows_the_wall() {
    let (clock, guarded) = started(after(START));
    run(&clock, &guarded, &[Wall(YEARS)]);
    assert!(!guarded.purge_allowed());
    guarded.trust_wall();
    assert!(guarded.purge_allowed());
    assert_eq!(guarded.now_micros(), START + YEARS);
    let observations = guarded.take_observations();
    let last = observations.last().unwrap();
    assert_eq!((last.kind, last.purge_from), (WallTrusted, Some(START + YEARS)));
    run(&clock, &guarded, &[Pass(HOUR)]);
    assert_eq!(kinds(&guarded), []);

    run(&clock, &guarded, &[Wall(-YEARS)]);
    guarded.trust_wall();
    assert!(!guarded.purge_allowed(), "stamps cannot go back, so nothing is purged by them");
}

#[test]
fn observations_nobody_fetches_stay_bounded() {
    let (clock, guarded) = started(after(START));
    for _ in 0..OBSERVATIONS_MAX {
        run(&clock, &guarded, &[Wall(YEARS / 100), Wall(-YEARS / 100)]);
    }
    run(&clock, &guarded, &[Pass(HOUR), Wall(YEARS)]);
    let observations = guarded.take_observations();
    assert_eq!(observations.len(), OBSERVATIONS_MAX);
    assert_eq!(observations[OBSERVATIONS_MAX - 1].purge_from, Some(START + 25 * HOUR));
}

#[test]
fn no_clock_makes_stamps_go_back_or_overflow() {
    let extremes = [i64::MIN, -YEARS, -1, 0, 1, START, YEARS, i64::MAX];
    for first in extremes {
        for second in extremes {
            let clock = SimClock::new(first);
            let guarded = GuardedClock::start(Arc::new(clock.clone()), after(START));
            let mut last = guarded.now_micros();
            assert!(last >= START);
            for wall in [second, first, second] {
                clock.set_wall(wall);
                clock.advance(SECOND as u64);
                let stamp = guarded.now_micros();
                assert!(stamp >= last, "{first} then {second}");
                last = stamp;
                guarded.trust_wall();
                last = last.max(guarded.now_micros());
            }
        }
    }
}

#[test]
fn the_real_clocks_run() {
    let clock = RealClock;
    let (wall, monotonic) = (clock.wall_micros(), clock.monotonic_micros());
    assert!(wall > START - YEARS, "microseconds since 1970");
    assert!(clock.monotonic_micros() >= monotonic);
}
