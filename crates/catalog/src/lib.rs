//! The catalog: presets, actions, templates, plans and roles, and the pure decisions made with them.
//!
//! What lives here: [`preset`] (one product as one TOML file), [`embedded`] (those in the binary),
//! [`catalog`] (an action's title, module, verb and sentence), [`template`], [`mask`] (secrets),
//! [`identity`] (by what an event is known again), [`mod@admit`] (the judgement of one event) and
//! [`admitted`] (its result), [`access`] (who may see it),
//! [`retention`] (how long it is kept), [`link`] (a module's address), [`mapping`] (foreign logs).
//!
//! What stays out: storage, HTTP, mail, clocks and randomness. Keys, ids and the time are given.
//!
//! Invariant: what [`fn@admit`] returns holds no value that the catalog or a detector calls a secret,
//! nowhere in its bytes.
#![forbid(unsafe_code)]

pub mod access;
pub mod admit;
pub mod admitted;
pub mod catalog;
pub mod change_label;
pub mod embedded;
pub mod identity;
pub mod limits;
pub mod link;
pub mod mapping;
pub mod mask;
pub mod preset;
pub mod retention;
pub mod template;

pub use admit::{AdmitContext, Rejected, admit};
pub use admitted::{Admitted, EventKeys};
pub use catalog::Catalog;
pub use identity::Identity;
pub use preset::Preset;
