//! The binary `proofbook`: reads the command line, runs one verb, and ends with its exit code.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;
use proofbook_cli::{Output, Proofbook, run};

/// Keeps less memory than the C library's allocator after work of many threads, a fifth at 100,000
/// workspaces; how it is set up stands in `.cargo/config.toml`.
#[cfg(all(target_os = "linux", any(target_env = "gnu", target_env = "musl")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
