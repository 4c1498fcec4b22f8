//! The project's own chores, as Rust instead of scripts: `cargo xtask <command>`.
//!
//! One file per command and one table, [`COMMANDS`], that lists them. Nothing here ships; a command
//! may read the checkout, start `cargo`, and print.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a developer's tool that reads the checkout and talks to a terminal"
)]

mod crash;
mod fuzz;
mod sim;
mod tidy;

use std::process::ExitCode;

/// Runs a command with the arguments behind its name. The error is printed and ends the process
/// with 1.
type Run = fn(&[String]) -> Result<(), String>;

/// One chore: `cargo xtask <name> [arguments]`.
struct Command {
    /// The word on the command line.
    name: &'static str,
    /// One line for `cargo xtask help`.
    about: &'static str,
    /// What it does. `None` is a place kept free: the command is not listed and cannot be called.
    /// `--ci` as first argument asks for the size that a run of `.ci/run` has time for.
    run: Option<Run>,
}

/// Every command, in the order of `cargo xtask help`. `.ci/run` starts what it finds there.
const COMMANDS: &[Command] = &[
    Command { name: "tidy", about: tidy::ABOUT, run: Some(tidy::run) },
    Command { name: "sim", about: sim::ABOUT, run: sim::RUN },
    Command { name: "crash", about: crash::ABOUT, run: crash::RUN },
    Command { name: "fuzz", about: fuzz::ABOUT, run: fuzz::RUN },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", help());
        return ExitCode::from(2);
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let command = COMMANDS.iter().find(|command| command.name == name);
    let Some(run) = command.and_then(|command| command.run) else {
        eprintln!("there is no command `{name}`\n\n{}", help());
        return ExitCode::from(2);
    };
    match run(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut text = String::from("cargo xtask <command>\n\n");
    for command in COMMANDS.iter().filter(|command| command.run.is_some()) {
        text.push_str(&format!("  {:<8}{}\n", command.name, command.about));
    }
    text
}
