//! Chance, thrown from a seed: one seed is one life.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// A stream of decisions that a seed fixes.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Returns any number, for instance as the seed of something else.
    pub(crate) fn any(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Picks a number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    /// Tells whether something that happens once in `times` happens.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Picks one of several.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}
