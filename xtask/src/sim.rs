//! `cargo xtask sim`: many seeded lives of a store on the simulated disk. Not built yet.

/// The line in `cargo xtask help`.
pub(crate) const ABOUT: &str =
    "runs seeded lives of the store on a disk that loses, tears and corrupts";
/// The command; `None` until it exists.
pub(crate) const RUN: Option<crate::Run> = None;
