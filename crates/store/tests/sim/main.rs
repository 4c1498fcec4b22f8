//! The simulation: seeded lives of a store on a disk that crashes, fails and lies, judged by what
//! clients outside the store know (invariants I1 to I7, `docs/reliability.md`).
//!
//! `cargo xtask sim` runs it at length. Without it these tests run some lives only. Read from the
//! environment: `PROOFBOOK_SIM_SEEDS=A..B` (default `0..6`), `PROOFBOOK_SIM_RECOVERIES=N` (goes on
//! with further seeds until so many recoveries were judged), `PROOFBOOK_SIM_PLANT=NAME` (the bug to
//! live with), `PROOFBOOK_SIM_ONCE_IN=N` (a call is a crash point at most once in so many: many lives in
//! little time), `PROOFBOOK_SIM_PLANTS=all` (which planted bugs must be caught),
//! `PROOFBOOK_SIM_STRIDE=N` (every Nth call fails in turn).
#![forbid(unsafe_code)]

mod branch;
mod check;
mod dice;
mod disk;
mod life;
mod model;
mod plants;
mod process;
mod run;
mod traces;
mod tree;

use run::Runs;

#[test]
fn no_life_loses_what_was_acknowledged() {
    let runs = Runs::from_environment();
    let plant = std::env::var("PROOFBOOK_SIM_PLANT").ok();
    let plant = plant.as_deref().map(|name| {
        plants::find(name).unwrap_or_else(|| {
            panic!("there is no planted bug {name}; there are: {}", plants::names().join(", "))
        })
    });
    match runs.run(plant) {
        Ok(tally) => println!("{tally:#?}"),
        Err(violation) => panic!("{}", run::report(&violation, plant)),
    }
}

#[test]
fn a_failing_call_anywhere_loses_nothing() {
    let stride = std::env::var("PROOFBOOK_SIM_STRIDE")
        .map_or(97, |text| text.parse().unwrap_or_else(|_| panic!("{text} is no number")));
    match run::sweep(3, stride) {
        Ok(tally) => println!("{} calls failed, {} recoveries", tally.faults, tally.recoveries),
        Err(violation) => panic!("{}", run::report(&violation, None)),
    }
}

#[test]
fn every_planted_bug_is_caught() {
    let wanted =
        std::env::var("PROOFBOOK_SIM_PLANTS").unwrap_or_else(|_| "log-sync-dropped".to_owned());
    let wanted: Vec<String> = match wanted.as_str() {
        "all" => plants::names().into_iter().map(str::to_owned).collect(),
        some => some.split(',').map(str::to_owned).collect(),
    };
    let mut missed = Vec::new();
    for name in wanted {
        let plant = plants::find(&name).unwrap_or_else(|| panic!("there is no planted bug {name}"));
        match Runs::until_caught(plant).run(Some(plant)) {
            Ok(tally) => missed.push(format!("{name} (in {} recoveries)", tally.recoveries)),
            Err(violation) => println!(
                "caught {name:<28} by seed {:<4} {}",
                violation.seed,
                violation.reason.lines().next().unwrap_or_default()
            ),
        }
    }
    assert!(missed.is_empty(), "planted bugs that nothing noticed: {}", missed.join(", "));
}

#[test]
fn the_planted_bugs_have_names() {
    let names = plants::names();
    println!("{}", names.join("\n"));
    let different: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(different.len(), names.len());
}

#[test]
fn one_seed_is_one_life() {
    let plan = |seed| run::plan(seed, None);
    for seed in [1, 2] {
        let lives =
            [life::live(plan(seed)), life::live(plan(seed))].map(|life| format!("{life:?}"));
        assert_eq!(lives[0], lives[1]);
    }
}

#[test]
fn the_reference_tree_is_that_of_rfc_6962() {
    use proofbook_ledger::Hash;
    // The tests of Certificate Transparency give these roots over eight known leaves.
    let leaves: Vec<Hash> = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    .iter()
    .map(|hex| {
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex"))
            .collect();
        proofbook_ledger::leaf_hash(&bytes)
    })
    .collect();
    let root = tree::root(&leaves);
    let hex: String = root.0.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}
