//! The event: its JSON contract, its limits, its canonical bytes, and the changes between two values.
//!
//! What lives here: [`json`] (bounded JSON values), [`canonical`] (RFC 8785), [`draft`] (an event as
//! a client sends it, checked), [`group`] (the seven leaf groups), [`event`] (an event as it is
//! read back), [`changes`] (before/after to a list of changes), [`time`], [`name`], [`limits`] and
//! the vocabulary in [`words`].
//!
//! What stays out: input and output, clocks, async code, HTTP words, catalogs. Every function is
//! bytes or values in, values out.
//!
//! Invariant: a value that reached a type of this crate obeys every limit of [`limits`], so no
//! later room checks it again (I10).
#![forbid(unsafe_code)]

pub mod canonical;
pub mod changes;
pub mod draft;
pub mod event;
pub mod group;
pub mod json;
pub mod limits;
pub mod name;
pub mod time;
pub mod words;

pub use draft::EventDraft;
pub use event::Event;
pub use group::{Group, GroupBytes};
pub use json::Value;
pub use time::Timestamp;
pub use words::{ActorType, Channel, Outcome, Severity, Verb};
