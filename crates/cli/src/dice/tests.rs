//! The sequence is the published one, so that a workload is the same everywhere.

use super::*;

#[test]
fn the_sequence_is_the_reference_implementation_s() {
    // First outputs of splitmix64.c (Vigna, public domain) for the seed 1234567.
    let mut dice = Dice::new(1_234_567);
    let rolled: Vec<u64> = (0..5).map(|_| dice.roll()).collect();
    assert_eq!(
        rolled,
        [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821
        ]
    );
}

#[test]
fn below_reaches_every_number_and_never_the_limit() {
    let mut dice = Dice::new(7);
    let mut seen = [0_u32; 6];
    for _ in 0..6_000 {
        seen[dice.below(6)] += 1;
    }
    assert!(seen.iter().all(|count| (850..1_150).contains(count)), "{seen:?}");
}
