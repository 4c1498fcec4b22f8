//! Randomness: salts, nonces, keys and ids draw from here and nowhere else.
//!
//! [`SystemRandom`] asks the operating system, [`SimRandom`] a seed. What the bytes are for stays out.

use std::sync::{Mutex, PoisonError};

use rand::rngs::{ChaCha20Rng, SysRng};
use rand::{Rng, SeedableRng, TryRng};

/// Gives random bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes`. Every byte is unpredictable to anyone outside, except in a simulation.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator (`getrandom(2)`).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// Panics when the system has no randomness to give (no `getrandom` and no `/dev/urandom`): a
    /// predictable salt or key would be worse than stopping, and nothing is lost by it.
    fn fill(&self, bytes: &mut [u8]) {
        let filled = SysRng.try_fill_bytes(bytes);
        filled.expect("a Linux that has booted always answers getrandom");
    }
}

/// Bytes that a seed fixes, for tests and simulations only.
#[derive(Debug)]
pub struct SimRandom(Mutex<ChaCha20Rng>);

impl SimRandom {
    /// Starts the stream of one seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Random for SimRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(random: &dyn Random) -> [u8; 32] {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        bytes
    }

    #[test]
    fn a_seed_fixes_the_stream() {
        let (one, same, other) = (SimRandom::new(7), SimRandom::new(7), SimRandom::new(8));
        let first = bytes(&one);
        assert_eq!(first, bytes(&same));
        assert_ne!(first, bytes(&other));
        assert_ne!(first, bytes(&one), "the stream goes on");
    }

    #[test]
    fn the_system_never_gives_the_same_twice() {
        assert_ne!(bytes(&SystemRandom), bytes(&SystemRandom));
    }
}
