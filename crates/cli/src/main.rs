//! The binary `proofbook`: reads the command line, runs one verb, and ends with its exit code.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;
use proofbook_cli::{Output, Proofbook, run};

/// Half of an event's way through ingest is short-lived small objects on several threads, which the C
/// library's allocator serves at twice the cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Ends with code 2 by itself when the command line is wrong.
    let arguments = Proofbook::parse();
    let mut output = Output::of_process(arguments.json);
    match run(arguments, &mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.kind.code())
        }
    }
}
