//! The crate held against its specification, `docs/spec/leaf.md`, from outside.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod bundle;
mod spec;
mod vectors;
mod world;
