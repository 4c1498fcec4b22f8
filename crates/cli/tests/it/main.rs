//! The binary as its users meet it: its help, its exit codes, its files.
#![expect(clippy::disallowed_methods, reason = "tests damage and read files as a user could")]

mod console;
mod drill;
mod exit_codes;
mod help;
mod import;
#[path = "../../../ledger/tests/it/world.rs"]
#[expect(dead_code, reason = "the ledger's own tests use more of it")]
mod ledger_world;
mod server;
mod support;
mod telling;
mod verify;
mod witness;
