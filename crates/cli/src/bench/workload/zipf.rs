//! Zipf's distribution with exponent 1: rank k has a share in proportion to 1 / (k + 1).
//!
//! Drawn by the alias method (Walker 1977, Vose 1991): one draw, one comparison, whatever the number
//! of ranks.

use crate::dice::Dice;

/// The distribution over a fixed number of ranks.
#[derive(Clone, Debug)]
pub(super) struct Zipf {
    /// For each slot: below which 32-bit draw it stands for itself, and for which rank otherwise.
    slots: Vec<(u32, u32)>,
    /// Sum of 1 / (k + 1) over all ranks.
    total: f64,
}

impl Zipf {
    /// Prepares the distribution over `ranks` ≥ 1 ranks.
    pub(super) fn new(ranks: usize) -> Self {
        let total: f64 = (1..=ranks).map(|rank| 1.0 / rank as f64).sum();
        let mut weights: Vec<f64> =
            (1..=ranks).map(|rank| ranks as f64 / (rank as f64 * total)).collect();
        let mut slots: Vec<(u32, u32)> = (0..ranks as u32).map(|rank| (u32::MAX, rank)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..ranks).partition(|rank| weights[*rank] < 1.0);
        while let (Some(less), Some(more)) = (small.pop(), large.last().copied()) {
            slots[less] = ((weights[less] * f64::from(u32::MAX)) as u32, more as u32);
            weights[more] -= 1.0 - weights[less];
            if weights[more] < 1.0 {
                large.pop();
                small.push(more);
            }
        }
        Self { slots, total }
    }

    /// The share of a rank, from 0 to 1.
    pub(super) fn share(&self, rank: usize) -> f64 {
        1.0 / ((rank + 1) as f64 * self.total)
    }

    /// Draws a rank, from 0.
    #[inline]
    pub(super) fn rank(&self, dice: &mut Dice) -> usize {
        let roll = dice.roll();
        let slot = (((roll >> 32) * self.slots.len() as u64) >> 32) as usize;
        let (own_below, other) = self.slots[slot];
        if (roll as u32) < own_below { slot } else { other as usize }
    }
}
