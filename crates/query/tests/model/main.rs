//! P1 and P2 against a naive model: seeded lives of a store in which plans change, holds come and go,
//! clocks jump, the power fails, old events are imported, ids are sent again, and everything is asked
//! and exported meanwhile (`docs/reliability.md`, "Retention against a model").
//!
//! Judged is that nothing goes early, nothing under hold goes, nothing is shown late or hidden early,
//! and that what was purged stands in no file. The judge is `naive.rs`, which shares no code with the
//! store: it knows the events as they were sent and the rules as they were put.
//!
//! Read from the environment: `PROOFBOOK_MODEL_STEPS=N` (goes on with further lives until so many steps
//! were made; default 100,000), `PROOFBOOK_MODEL_SEEDS=A..B` (these lives and no others),
//! `PROOFBOOK_MODEL_PLANT=NAME` (with the feature `plant`: the bug to live with).
#![forbid(unsafe_code)]

mod answers;
mod files;
mod life;
mod naive;
mod purges;
mod shown;
mod tally;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use life::Life;
use tally::Tally;

/// Steps of a run when nothing else is asked for.
const STEPS: u64 = 100_000;

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

#[test]
fn p1_p2_random_lives_agree_with_a_naive_model() {
    let begin = Instant::now();
    let steps = std::env::var("PROOFBOOK_MODEL_STEPS").map_or(STEPS, |text| number(&text));
    let seeds = std::env::var("PROOFBOOK_MODEL_SEEDS").ok().map(|text| {
        let (from, to) = text.split_once("..").unwrap_or((&text, ""));
        let from = number(from);
        from..if to.is_empty() { from + 1 } else { number(to) }
    });
    let next = AtomicU64::new(seeds.as_ref().map_or(0, |seeds| seeds.start));
    let total = Mutex::new(Tally::default());
    let violation: Mutex<Option<(u64, String)>> = Mutex::new(None);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                plant_from_environment();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_over = match &seeds {
                        Some(seeds) => seed >= seeds.end,
                        None => total.lock().expect("no holder panics").steps >= steps,
                    };
                    if is_over || violation.lock().expect("no holder panics").is_some() {
                        return;
                    }
                    match lead(seed) {
                        Ok(tally) => total.lock().expect("no holder panics").add(&tally),
                        Err(reason) => {
                            let mut violation = violation.lock().expect("no holder panics");
                            violation.get_or_insert((seed, reason));
                        }
                    }
                }
            });
        }
    });
    let tally = total.into_inner().expect("no holder panics");
    println!("{tally:#?}");
    println!("in {:.1} s on {threads} threads", begin.elapsed().as_secs_f64());
    if let Some((seed, reason)) = violation.into_inner().expect("no holder panics") {
        panic!("seed {seed} breaks a promise: {reason}\nagain: PROOFBOOK_MODEL_SEEDS={seed}");
    }
    if seeds.is_none() && steps >= STEPS {
        assert!(tally.purged > 1_000 && tally.purges_dropped > 10 && tally.crashes > 100);
    }
}

#[test]
fn one_seed_is_one_life() {
    let lives = [lead(4), lead(4)];
    assert_eq!(format!("{:?}", lives[0]), format!("{:?}", lives[1]));
}

/// Leads one life; a panic of the store is a violation too.
fn lead(seed: u64) -> Result<Tally, String> {
    catch_unwind(AssertUnwindSafe(|| Life::lead(seed))).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

#[cfg(feature = "plant")]
fn plant_from_environment() {
    use proofbook_store::plant::{Plant, set};
    let Ok(name) = std::env::var("PROOFBOOK_MODEL_PLANT") else { return };
    let plant = Plant::ALL.iter().copied().find(|plant| plant.name() == name);
    set(Some(plant.unwrap_or_else(|| panic!("there is no planted bug {name}"))));
}

#[cfg(not(feature = "plant"))]
fn plant_from_environment() {
    let is_asked = std::env::var("PROOFBOOK_MODEL_PLANT").is_ok();
    assert!(!is_asked, "planted bugs need the feature `plant`");
}
