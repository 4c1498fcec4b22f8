//! Many lives on all cores, until there were enough or one broke a promise.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use proofbook_store::disk::sim::Fault;

use crate::branch::Tally;
use crate::disk::DiskBug;
use crate::life::{self, Plan, Violation};
use crate::plants::Plant;

/// Which lives are led.
pub(crate) struct Runs {
    seeds: Range<u64>,
    recoveries_min: u64,
    /// A call is a crash point once in so many, or less often.
    once_in_min: u64,
}

/// What a seed stands for.
pub(crate) fn plan(seed: u64, bug: Option<DiskBug>) -> Plan {
    Plan {
        seed,
        steps: 40 + seed % 5 * 30,
        // Some lives crash at every call, longer ones at some.
        crash_once_in: [2, 16, 40, 1, 24][(seed % 5) as usize],
        weather: seed % 2 == 1,
        fault: None,
        bug,
    }
}

impl Runs {
    pub(crate) fn from_environment() -> Self {
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{text} is no number"));
        let seeds = std::env::var("PROOFBOOK_SIM_SEEDS").unwrap_or_else(|_| "0..6".to_owned());
        let seeds = match seeds.split_once("..") {
            Some((from, to)) => number(from)..number(to),
            None => number(&seeds)..number(&seeds) + 1,
        };
        let recoveries_min =
            std::env::var("PROOFBOOK_SIM_RECOVERIES").map_or(0, |text| number(&text));
        let once_in_min = std::env::var("PROOFBOOK_SIM_ONCE_IN").map_or(1, |text| number(&text));
        Self { seeds, recoveries_min, once_in_min }
    }

    /// As many lives as catch a bug that is caught at all, from one on that is known to show it.
    pub(crate) fn until_caught(plant: Plant) -> Self {
        let first = plant.first_seed();
        Self { seeds: first..first + 400, recoveries_min: 0, once_in_min: 1 }
    }

    /// Leads the lives; the first violation ends all.
    pub(crate) fn run(&self, plant: Option<Plant>) -> Result<Tally, Box<Violation>> {
        let next = AtomicU64::new(self.seeds.start);
        let total = Mutex::new(Tally::default());
        let violation: Mutex<Option<Box<Violation>>> = Mutex::new(None);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let bug = Plant::plant(plant);
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        let enough = total.lock().expect("no holder panics").recoveries
                            >= self.recoveries_min;
                        let caught = violation.lock().expect("no holder panics").is_some();
                        if caught || (seed >= self.seeds.end && enough) {
                            return;
                        }
                        let mut plan = plan(seed, bug);
                        plan.crash_once_in = plan.crash_once_in.max(self.once_in_min);
                        if plant.is_some_and(Plant::shows_without_crashes) {
                            plan.crash_once_in = plan.crash_once_in.max(1_000);
                        }
                        match lead(plan) {
                            Ok(tally) => total.lock().expect("no holder panics").add(&tally),
                            Err(found) => {
                                violation.lock().expect("no holder panics").get_or_insert(found);
                            }
                        }
                    }
                });
            }
        });
        match violation.into_inner().expect("no holder panics") {
            Some(violation) => Err(violation),
            None => Ok(total.into_inner().expect("no holder panics")),
        }
    }
}

/// Lets each call of one life fail in turn, in every way in which it can (goal 5 of
/// `docs/reliability.md`): after a failed sync at every index, after the others at every `stride`th.
pub(crate) fn sweep(seed: u64, stride: u64) -> Result<Tally, Box<Violation>> {
    const WAYS: [Fault; 8] = [
        Fault::SyncLosesPages,
        Fault::SyncRevertsPages,
        Fault::Eio,
        Fault::EioButDone,
        Fault::Enospc,
        Fault::Emfile,
        Fault::Eintr,
        Fault::Short,
    ];
    let mut total = Tally::default();
    for (way, fault) in WAYS.into_iter().enumerate() {
        let stride = if way < 2 { 1 } else { stride };
        // Past the last process, not even its first call is there to fail.
        for process in 0.. {
            let mut nth = 1;
            loop {
                let life = lead(Plan {
                    seed,
                    steps: 40,
                    crash_once_in: u64::MAX,
                    weather: false,
                    fault: Some((fault, process, nth)),
                    bug: None,
                })
                .map_err(|violation| with_fault(violation, fault, process, nth))?;
                total.add(&life);
                if life.faults == 0 {
                    break;
                }
                nth += stride;
            }
            if nth == 1 {
                break;
            }
        }
    }
    Ok(total)
}

fn with_fault(
    mut violation: Box<Violation>,
    fault: Fault,
    process: u64,
    nth: u64,
) -> Box<Violation> {
    violation.reason =
        format!("{fault:?} at call {nth} of process {process}: {}", violation.reason);
    violation
}

/// Leads one life; a panic of the store is a violation too.
fn lead(plan: Plan) -> Result<Tally, Box<Violation>> {
    catch_unwind(AssertUnwindSafe(|| life::live(plan))).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let reason = format!("panic: {}", text.unwrap_or_default());
        Err(Box::new(Violation { seed: plan.seed, reason, calls: Vec::new() }))
    })
}

/// Writes a violation with how to see it again.
pub(crate) fn report(violation: &Violation, plant: Option<Plant>) -> String {
    let seed = violation.seed;
    let plant = plant.map_or(String::new(), |plant| format!(" --plant {}", plant.name()));
    format!(
        "seed {seed} breaks a promise: {}\nthe newest calls:\n  {}\nagain: cargo xtask sim --seeds {seed}..{}{plant}",
        violation.reason,
        violation.calls.join("\n  "),
        seed + 1,
    )
}
