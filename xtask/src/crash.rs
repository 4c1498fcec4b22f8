//! `cargo xtask crash`: kills a real process under load and checks every receipt. Not built yet.

/// The line in `cargo xtask help`.
pub(crate) const ABOUT: &str =
    "kills a server under load, starts it again and checks every receipt";
/// The command; `None` until it exists.
pub(crate) const RUN: Option<crate::Run> = None;
