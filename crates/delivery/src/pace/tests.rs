use std::cell::Cell;
use std::time::Duration;

use super::*;

const MILLI: Duration = Duration::from_millis(1);

thread_local! {
    /// How the thread of a test fared, as the test wants it.
    static SPENT: Cell<Option<ProcessorTime>> = const { Cell::new(None) };
}

fn spend(ran: Duration, waited: Duration) {
    SPENT.with(|spent| {
        let before = spent.get().unwrap_or_default();
        spent.set(Some(ProcessorTime { ran: before.ran + ran, waited: before.waited + waited }));
    });
}

fn pace() -> Pace {
    Pace::new(|| SPENT.with(Cell::get))
}

/// Waits for a turn and returns how long that was.
async fn turn(pace: &Pace) -> Duration {
    let begin = Instant::now();
    pace.turn().await;
    begin.elapsed()
}

/// Lets time pass in which the thread ran and waited so long.
async fn fare(ran: Duration, waited: Duration) {
    spend(ran, waited);
    tokio::time::advance(limits::LOOK_ROUND_EVERY).await;
}

#[tokio::test(start_paused = true)]
async fn p3_deliveries_rest_after_waiting_longer_for_a_processor_than_having_one() {
    let pace = pace();
    spend(MILLI, 40 * MILLI);
    assert_eq!(turn(&pace).await, Duration::ZERO, "what was before the first turn says nothing");
    fare(2 * MILLI, 3 * MILLI).await;
    assert_eq!(turn(&pace).await, limits::REST);
    assert_eq!(turn(&pace).await, Duration::ZERO, "and then it goes on");
}

#[tokio::test(start_paused = true)]
async fn p3_everybody_who_sends_rests_at_once() {
    let pace = pace();
    spend(MILLI, MILLI);
    pace.turn().await;
    fare(MILLI, 9 * MILLI).await;
    let (one, other) = futures_util::future::join(turn(&pace), turn(&pace)).await;
    assert_eq!((one, other), (limits::REST, limits::REST));
}

#[tokio::test(start_paused = true)]
async fn p3_deliveries_do_not_rest_while_there_is_a_processor_for_them() {
    let pace = pace();
    spend(MILLI, MILLI);
    for waited in 0..=5 {
        assert_eq!(turn(&pace).await, Duration::ZERO, "{waited} ms");
        fare(5 * MILLI, waited * MILLI).await;
    }
    assert_eq!(turn(&pace).await, Duration::ZERO, "as long as it ran");
}

#[tokio::test(start_paused = true)]
async fn p3_deliveries_do_not_rest_where_the_system_does_not_tell() {
    let pace = pace();
    for _ in 0..10 {
        assert_eq!(turn(&pace).await, Duration::ZERO);
        tokio::time::advance(limits::LOOK_ROUND_EVERY).await;
    }
}

#[tokio::test(start_paused = true)]
async fn p3_however_crowded_the_machine_is_something_is_sent_in_every_tenth_of_a_second() {
    let pace = pace();
    let begin = Instant::now();
    let mut turns = 0;
    while begin.elapsed() < Duration::from_secs(10) {
        assert!(turn(&pace).await < 100 * MILLI);
        turns += 1;
        spend(MILLI, 100 * MILLI);
        tokio::time::advance(MILLI).await;
    }
    assert!(turns > 1_000, "{turns} messages of a millisecond in ten seconds");
}
