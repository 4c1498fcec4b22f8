//! The simulation's only chance: coins thrown from a seed.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// A stream of decisions that a seed fixes.
pub(super) struct Coins(ChaCha8Rng);

/// How strongly one throw leans to survival.
#[derive(Clone, Copy)]
pub(super) struct Bias(u64);

impl Coins {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Starts an independent stream.
    pub(super) fn split(&mut self) -> Self {
        Self::new(self.0.next_u64())
    }

    /// Picks a number below `end`, which is not 0. The bias of the remainder (below 2^-40 here) is
    /// of no importance to a crash.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    /// Picks an index into something that is not empty.
    pub(super) fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap_or(0)
    }

    /// Picks how likely survival is: fair coins alone would almost never show the crash that loses
    /// one write of twenty, or keeps only one.
    pub(super) fn bias(&mut self) -> Bias {
        Bias([1, 8, 15][self.index(3)])
    }

    /// Throws one coin: whether something survives.
    pub(super) fn survives(&mut self, bias: Bias) -> bool {
        self.below(16) < bias.0
    }
}
