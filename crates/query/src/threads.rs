//! Two threads for one query: work on pieces that do not depend on each other.

use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Pieces from which on a second thread helps; below, starting one costs more than it saves.
const SHARED_MIN: usize = 4;

/// Does the work for each piece and returns what came of it, in the order of the pieces.
///
/// One thread begins at the front and the other at the back, because neighbours share what one of them
/// has to load. Each has a worker of its own.
pub(crate) fn on_two_threads<T, R, W>(pieces: &[T], worker: impl Fn() -> W + Sync) -> Vec<R>
where
    T: Sync,
    R: Send,
    W: FnMut(&T) -> R,
{
    let left = Mutex::new(0..pieces.len());
    let work = |take: fn(&mut Range<usize>) -> Option<usize>| {
        let mut worker = worker();
        let mut done = Vec::new();
        loop {
            // A range is whole whatever a panic interrupted.
            let taken = take(&mut left.lock().unwrap_or_else(PoisonError::into_inner));
            let Some(piece) = taken.and_then(|at| pieces.get(at)) else { return done };
            done.push(worker(piece));
        }
    };
    if pieces.len() < SHARED_MIN {
        return work(Range::next);
    }
    thread::scope(|scope| {
        let other = thread::Builder::new()
            .name("query".to_owned())
            .spawn_scoped(scope, || work(Range::next_back));
        let mut done = work(Range::next);
        // Without a second thread the first one has done everything.
        if let Ok(other) = other {
            let back = other.join().unwrap_or_else(|panic| resume_unwind(panic));
            done.extend(back.into_iter().rev());
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_of_each_piece_stands_in_its_order_whoever_did_it() {
        for count in [0, 1, 3, 4, 1_000] {
            let pieces: Vec<usize> = (0..count).collect();
            let squares = on_two_threads(&pieces, || |piece: &usize| piece * piece);
            assert_eq!(squares, pieces.iter().map(|piece| piece * piece).collect::<Vec<_>>());
        }
    }

    #[test]
    fn two_threads_are_at_work_at_once_on_many_pieces() {
        let both = std::sync::Barrier::new(2);
        // Whoever takes the first piece and whoever takes the last one wait for each other.
        let seen = on_two_threads(&[true, false, false, true], || {
            |is_end: &bool| {
                if *is_end {
                    both.wait();
                }
                thread::current().id()
            }
        });
        assert_ne!(seen[0], seen[3]);
    }

    #[test]
    #[should_panic(expected = "piece 7")]
    fn a_panic_of_either_thread_is_the_callers() {
        let pieces: Vec<usize> = (0..8).collect();
        on_two_threads(&pieces, || |piece: &usize| assert_ne!(*piece, 7, "piece 7"));
    }
}
