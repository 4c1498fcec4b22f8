//! `cargo xtask sim [--seeds A..B] [--recoveries N] [--plant NAME] [--plants] [--list]`: seeded lives
//! of a store on the simulated disk (`crates/store/tests/sim`), and proof that they notice bugs.
//!
//! The lives are a test of the store crate; this starts it, so that nothing of the store is compiled
//! into the chores. A violation prints the seed that shows it again.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// The line in `cargo xtask help`.
pub(crate) const ABOUT: &str =
    "runs seeded lives of the store on a disk that loses, tears and corrupts";
/// The command.
pub(crate) const RUN: Option<crate::Run> = Some(run);

/// How many recoveries one run judges unless told otherwise; what CI asks for as well.
const RECOVERIES: u64 = 20_000;
const LIVES: &str = "no_life_loses_what_was_acknowledged";
const PLANTS: &str = "every_planted_bug_is_caught";
const LIST: &str = "the_planted_bugs_have_names";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    seeds: Option<String>,
    recoveries: Option<u64>,
    plant: Option<String>,
    plants: bool,
    list: bool,
    ci: bool,
}

fn run(arguments: &[String]) -> Result<(), String> {
    let asked = parse(arguments)?;
    if asked.list {
        return test(LIST, &[]);
    }
    if asked.plants {
        return test(PLANTS, &[("PROOFBOOK_SIM_PLANTS", "all".to_owned())]);
    }
    let mut settings = Vec::new();
    if let Some(seeds) = &asked.seeds {
        settings.push(("PROOFBOOK_SIM_SEEDS", seeds.clone()));
    } else if asked.plant.is_some() {
        // Enough lives to meet any bug that is met at all.
        settings.push(("PROOFBOOK_SIM_SEEDS", "0..400".to_owned()));
    } else {
        let recoveries = asked.recoveries.unwrap_or(RECOVERIES);
        settings.push(("PROOFBOOK_SIM_RECOVERIES", recoveries.to_string()));
    }
    if let Some(plant) = &asked.plant {
        settings.push(("PROOFBOOK_SIM_PLANT", plant.clone()));
    }
    test(LIVES, &settings)?;
    if asked.ci {
        test(PLANTS, &[("PROOFBOOK_SIM_PLANTS", "all".to_owned())])?;
    }
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Asked, String> {
    let mut asked = Asked::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().cloned().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--seeds" => asked.seeds = Some(value()?),
            "--plant" => asked.plant = Some(value()?),
            "--recoveries" => {
                let number = value()?.parse();
                asked.recoveries = Some(number.map_err(|_| "--recoveries takes a whole number")?);
            }
            "--plants" => asked.plants = true,
            "--list" => asked.list = true,
            "--ci" => asked.ci = true,
            other => return Err(format!("`sim` does not know `{other}`")),
        }
    }
    Ok(asked)
}

/// Runs one test of the simulation and says how long it took.
fn test(name: &str, settings: &[(&str, String)]) -> Result<(), String> {
    let begin = Instant::now();
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".."))
        .args(["test", "--quiet", "--package", "proofbook-store", "--features", "plant"])
        .args(["--test", "sim", "--", "--exact", name, "--nocapture"])
        .env("RUST_BACKTRACE", "0")
        .envs(settings.iter().map(|(key, value)| (*key, value)))
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    let seconds = begin.elapsed().as_secs();
    if status.success() {
        println!("{name}: {seconds} s with compiling");
        Ok(())
    } else {
        Err(format!("{name}: failed after {seconds} s with compiling"))
    }
}

#[cfg(test)]
mod tests;
