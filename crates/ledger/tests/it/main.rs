//! The crate held against its specification, `docs/spec/leaf.md`, from outside.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]
#![expect(
    clippy::disallowed_methods,
    reason = "bundles are written where another program reads them"
)]

mod bundle;
mod evil_operator;
mod spec;
mod texts;
mod vectors;
mod world;
