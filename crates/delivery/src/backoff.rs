//! How long to wait after failures: twice as long each time, never all at the same moment.

use std::time::Duration;

use proofbook_store::random::Random;

use crate::limits;

/// Returns the pause after the n-th failure in a row (1, 2, 3 …): half of it is certain, half chance,
/// so that many destinations behind one broken gateway do not come back together.
///
/// `asked` is what the receiver asked for; it is kept, up to the longest pause.
pub(crate) fn pause(failures: u32, asked: Option<Duration>, random: &dyn Random) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let whole = (limits::BACKOFF_FIRST * (1 << doublings)).min(limits::BACKOFF_MAX);
    let mut bytes = [0; 2];
    random.fill(&mut bytes);
    let chance = f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX);
    let pause = whole / 2 + (whole / 2).mul_f64(chance);
    pause.max(asked.unwrap_or_default()).min(limits::BACKOFF_MAX)
}

#[cfg(test)]
mod tests {
    use proofbook_store::random::SimRandom;

    use super::*;

    #[test]
    fn p3_pauses_grow_differ_and_end_growing() {
        let random = SimRandom::new(1);
        for (failures, low, high) in [(1, 500, 1_000), (2, 1_000, 2_000), (5, 8_000, 16_000)] {
            let millis = pause(failures, None, &random).as_millis();
            assert!((low..=high).contains(&millis), "{failures}: {millis}");
        }
        let many: Vec<Duration> = (0..20).map(|_| pause(5, None, &random)).collect();
        assert!(many.iter().any(|one| *one != many[0]), "chance has a part in it");
        assert!(pause(u32::MAX, None, &random) <= limits::BACKOFF_MAX);
    }

    #[test]
    fn what_the_receiver_asks_for_is_kept_within_reason() {
        let random = SimRandom::new(1);
        let asked = |seconds| pause(1, Some(Duration::from_secs(seconds)), &random);
        assert_eq!(asked(30), Duration::from_secs(30));
        assert_eq!(asked(86_400), limits::BACKOFF_MAX);
    }
}
