//! The binary: one file per verb, and the remote client.
//!
//! What lives here: the table of verbs (`verb`), how a person is answered (`output`,
//! `failure`), the user's own files (`files`), the client of a running server, the demo's
//! stories and the benchmark.
//!
//! What stays out: logic that a library test cannot reach. A verb reads its arguments, calls a
//! library, and prints.
#![forbid(unsafe_code)]

pub mod bench;
mod bundle;
mod client;
mod data_dir;
pub mod demo;
mod dice;
mod event_text;
mod failure;
mod files;
mod import;
mod logging;
mod output;
mod progress;
mod running;
mod trusted;
mod verb;

pub use failure::{ExitKind, Failure};
pub use output::Output;
pub use verb::{Proofbook, run};
