//! The table of verbs; each has a file of its own.

use clap::{Parser, Subcommand};

use crate::failure::{EXIT_CODES, Failure};
use crate::output::Output;

mod bench;
mod catalog;
mod completions;
mod demo;
mod destination;
mod doctor;
mod erase;
mod export;
mod hold;
mod import;
mod key;
mod notifications;
mod retention;
mod rule;
mod search;
mod serve;
mod show;
mod tail;
mod verify;
mod warnings;
mod watch;
mod witness;
mod workspace;

/// The audit log in one binary.
#[derive(Debug, Parser)]
#[command(name = "proofbook", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Proofbook {
    /// Print the result as JSON, one value a line
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the server
    Serve(serve::Arguments),
    /// Try it: a server on this machine with five products' stories in it
    Demo(demo::Arguments),
    /// Bring in events from a file: our own format, or another product's log
    Import(import::Arguments),
    /// Find events
    Search(search::Arguments),
    /// Print events as they are recorded
    Tail(tail::Arguments),
    /// Show one event in full
    Show(show::Arguments),
    /// Write events to a file as NDJSON or CSV
    Export(export::Arguments),
    /// List workspaces, show one, or change its settings
    Workspace(workspace::Arguments),
    /// List, make and revoke keys
    Key(key::Arguments),
    /// Where events are sent on their own: list, make, test, pause, replay, remove
    Destination(destination::Arguments),
    /// Who is told of which events by e-mail: list, make, test, remove
    Rule(rule::Arguments),
    /// Of what a workspace's owner is told by e-mail: show and switch
    Notifications(notifications::Arguments),
    /// List what was warned of and is not over
    Warnings(warnings::Arguments),
    /// List, place and lift legal holds
    Hold(hold::Arguments),
    /// Erase what a person left, and keep every proof
    Erase(erase::Arguments),
    /// Show how long a workspace keeps its events and what the next purge would take
    Retention(retention::Arguments),
    /// List, show, check and put catalogs of actions
    Catalog(catalog::Arguments),
    /// Look for what is wrong with a server or a data directory
    Doctor(doctor::Arguments),
    /// Check a bundle with proofs, or a stopped store
    Verify(verify::Arguments),
    /// Pull a log's heads, and raise the alarm when it did not only grow
    Watch(watch::Arguments),
    /// Cosign the heads of logs that only grow
    Witness(witness::Arguments),
    /// Measure this machine with the published workload
    Bench(bench::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
}

/// Runs one verb.
///
/// # Errors
/// The verb failed; the failure's kind has the exit code.
pub fn run(arguments: Proofbook, output: &mut Output) -> Result<(), Failure> {
    match arguments.verb {
        Verb::Serve(arguments) => serve::run(arguments, output),
        Verb::Demo(arguments) => demo::run(arguments, output),
        Verb::Import(arguments) => import::run(arguments, output),
        Verb::Search(arguments) => search::run(arguments, output),
        Verb::Tail(arguments) => tail::run(arguments, output),
        Verb::Show(arguments) => show::run(arguments, output),
        Verb::Export(arguments) => export::run(arguments, output),
        Verb::Workspace(arguments) => workspace::run(arguments, output),
        Verb::Key(arguments) => key::run(arguments, output),
        Verb::Destination(arguments) => destination::run(arguments, output),
        Verb::Rule(arguments) => rule::run(arguments, output),
        Verb::Notifications(arguments) => notifications::run(arguments, output),
        Verb::Warnings(arguments) => warnings::run(arguments, output),
        Verb::Hold(arguments) => hold::run(arguments, output),
        Verb::Erase(arguments) => erase::run(arguments, output),
        Verb::Retention(arguments) => retention::run(arguments, output),
        Verb::Catalog(arguments) => catalog::run(arguments, output),
        Verb::Doctor(arguments) => doctor::run(arguments, output),
        Verb::Verify(arguments) => verify::run(arguments, output),
        Verb::Watch(arguments) => watch::run(arguments, output),
        Verb::Witness(arguments) => witness::run(arguments, output),
        Verb::Bench(arguments) => bench::run(arguments, output),
        Verb::Completions(arguments) => completions::run(arguments, output),
    }
}
