//! `cargo xtask fuzz`: runs the fuzz targets of every parser of outside bytes. Not built yet.

/// The line in `cargo xtask help`.
pub(crate) const ABOUT: &str = "runs the fuzz targets, each for a bounded time";
/// The command; `None` until it exists.
pub(crate) const RUN: Option<crate::Run> = None;
