//! Priority: how a thread gives way to others.
//!
//! A thread may lower its own priority and, without rights that the store does not ask for, never raise
//! it again. So what gives way has a thread of its own, which ends with its work.

use std::time::Duration;

/// How a thread fared since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessorTime {
    /// How long it had a processor.
    pub ran: Duration,
    /// How long it could have used one and had none.
    pub waited: Duration,
}

/// Returns how the calling thread fared; `None` where the system does not tell.
///
/// Only Linux tells it, in `/proc/thread-self/schedstat` (see proc(5) and the kernel's
/// `Documentation/scheduler/sched-stats.rst`): two numbers of nanoseconds, then one that is not asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "it is the kernel that answers, not the store's disk"
)]
pub fn processor_time() -> Option<ProcessorTime> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let mut numbers = text.split_ascii_whitespace().map_while(|number| number.parse().ok());
    let mut next = || numbers.next().map(Duration::from_nanos);
    Some(ProcessorTime { ran: next()?, waited: next()? })
}

/// Lowers the calling thread's priority to a niceness, from 0 (it does not give way) to 19. One that
/// gives way more already stays as it is.
///
/// Only on Linux is niceness that of one thread; elsewhere nothing is done.
pub fn give_way(niceness: i32) {
    if cfg!(target_os = "linux") {
        let gives_way = rustix::process::getpriority_process(None).is_ok_and(|now| now >= niceness);
        if !gives_way {
            // Refused by no system that we know; without it the thread competes with the others.
            let _ = rustix::process::setpriority_process(None, niceness);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_time_of_a_thread_that_works_is_the_time_it_worked() {
        let Some(before) = processor_time() else {
            eprintln!("not tested: this system does not tell how a thread fares");
            return;
        };
        let worked = Duration::from_millis(50);
        let begin = Instant::now();
        let mut after = before;
        while after.ran - before.ran < worked && begin.elapsed() < Duration::from_secs(60) {
            after = processor_time().expect("it was told before");
        }
        let fared = after.ran - before.ran + (after.waited - before.waited);
        assert!(after.ran - before.ran >= worked, "{before:?} {after:?}");
        // It never slept, so it either ran or waited; the clocks are not read at the same moment.
        let passed = begin.elapsed();
        assert!(fared <= passed + worked && passed <= fared + worked, "{fared:?} in {passed:?}");
    }
}
