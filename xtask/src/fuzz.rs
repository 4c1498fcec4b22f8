//! `cargo xtask fuzz [--seconds N] [TARGET …]`: runs the fuzz targets of `fuzz/`, each for a bounded
//! time. Needs the nightly toolchain and `cargo-fuzz`; a machine without them is told so.

use std::path::PathBuf;
use std::process::Command;

/// The line in `cargo xtask help`.
pub(crate) const ABOUT: &str = "runs the fuzz targets, each for a bounded time";
/// The command.
pub(crate) const RUN: Option<crate::Run> = Some(run);

/// Every target: one parser of outside bytes each.
const TARGETS: &[&str] = &["ingest_json", "ndjson", "filter", "log_frame", "mapping", "proofs"];
/// How long each runs unless told otherwise, in seconds.
const SECONDS: u64 = 600;
/// How long each runs in CI, in seconds: enough to see that it builds and finds nothing at once.
const SECONDS_IN_CI: u64 = 10;

fn run(arguments: &[String]) -> Result<(), String> {
    let mut seconds = SECONDS;
    let mut chosen = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--ci" => seconds = SECONDS_IN_CI,
            "--seconds" => {
                let number = rest.next().and_then(|text| text.parse().ok());
                seconds = number.ok_or("--seconds takes a whole number")?;
            }
            target => match TARGETS.iter().find(|known| **known == target) {
                Some(known) => chosen.push(*known),
                None => return Err(format!("no target `{target}`; there are {TARGETS:?}")),
            },
        }
    }
    if chosen.is_empty() {
        chosen = TARGETS.to_vec();
    }
    let has_cargo_fuzz = cargo_fuzz().arg("--version").output().is_ok_and(|o| o.status.success());
    if !has_cargo_fuzz {
        println!("skipped: cargo-fuzz or the nightly toolchain is not installed on this machine");
        return Ok(());
    }
    for target in &chosen {
        println!("fuzzing {target} for {seconds} s");
        let status = cargo_fuzz()
            .args(["run", target, "--"])
            .arg(format!("-max_total_time={seconds}"))
            .args(["-rss_limit_mb=2048", "-timeout=60", "-max_len=65536", "-print_final_stats=1"])
            .status()
            .map_err(|error| format!("cannot start cargo fuzz: {error}"))?;
        if !status.success() {
            return Err(format!("{target} failed; the input is under fuzz/artifacts/{target}"));
        }
    }
    println!("{} targets ran {seconds} s each and found nothing", chosen.len());
    Ok(())
}

fn cargo_fuzz() -> Command {
    let mut command = Command::new("cargo");
    command.arg("+nightly").arg("fuzz");
    command.current_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".."));
    command
}
