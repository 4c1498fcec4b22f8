//! The server: Proofbook over HTTP.
//!
//! What lives here: [`config`] (every setting), [`mod@serve`] (listening, deadlines, stopping),
//! [`routes`] (the table of addresses, one file per resource), [`access`] (from a key and the
//! matched route to a grant), [`keys`], [`problem`] (every error a client sees), [`mod@split`]
//! (a body into events; public for its fuzz target), metrics, pages.
//!
//! What stays out: hashing, segments, the evaluation of filters, the decisions of catalogs.
//!
//! For the command line: read [`Config::load`], open a store with [`on_fatal`], give it to
//! [`ensure_admin_key`] and then to [`fn@serve`] (or [`Server::start`] and [`Server::stop`]); at last
//! stop the store.
//!
//! Invariant: no handler reaches a workspace without a grant, and grants are made in [`access`] alone
//! (I8).
#![forbid(unsafe_code)]

pub mod access;
mod admin;
mod app;
mod ask;
mod asset;
mod body;
mod bundle;
pub mod config;
mod console;
mod cors;
mod cosigners;
mod delivery;
mod demo;
mod document;
mod document_page;
mod erased;
mod erasing;
mod export;
mod heads;
pub mod keys;
mod layers;
pub mod limits;
mod metrics;
mod notes;
mod page;
mod params;
pub mod problem;
mod producers;
mod receipts;
pub mod routes;
mod scoped;
mod sealed;
pub mod serve;
mod sight;
pub mod split;
mod tongue;
mod viewer;
mod views;
pub mod witness;

pub use admin::{FirstKey, FirstKeyError, ensure_admin_key};
pub use config::Config;
pub use cosigners::{Cosigners, CosignersError};
pub use erased::{EraseAgainError, erase_again};
pub use heads::{SigningSeedError, ensure_signing_seed};
pub use serve::{Server, StartError, serve};

/// Exit code of the process when the store cannot go on (`EX_SOFTWARE` of sysexits.h).
pub const EXIT_STORE_FAILED: i32 = 70;

/// Returns what the store calls when it cannot go on: it says so in the log and ends the process with
/// [`EXIT_STORE_FAILED`].
///
/// Nothing is acknowledged after the failure, and what was acknowledged before is durable, so ending
/// at once loses nothing; whatever supervises the process starts it again, and recovery runs.
pub fn on_fatal() -> proofbook_store::store::OnFatal {
    Box::new(|fatal| {
        tracing::error!(
            error = fatal as &dyn std::error::Error,
            exit_code = EXIT_STORE_FAILED,
            "the store cannot go on; the process ends now, and everything acknowledged is safe"
        );
        std::process::exit(EXIT_STORE_FAILED);
    })
}
