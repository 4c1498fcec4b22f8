//! The event: its JSON contract, its limits, its canonical bytes, and the changes between two values.
//!
//! What lives here: [`json`] (bounded JSON values), [`canonical`] (RFC 8785), [`draft`] (an event as
//! a client sends it, checked), [`field`] (its fields), [`group`] (the seven leaf groups), [`event`] (an event as it is
//! read back), [`changes`] (before/after to a list of changes), [`time`], [`name`], [`limits`] and
//! the vocabulary in [`words`].
//!
//! What stays out: input and output, clocks, async code, HTTP words, catalogs. Every function is
//! bytes or values in, values out.
//!
//! Invariant: a value that reached a type of this crate obeys every limit of [`limits`], so no
//! later room checks it again (I10).
//!
//! Without the feature `std` (on by default) only [`group`], [`limits`], [`name`], [`time`] and
//! [`words`] are there, and they need no more than `core` and `alloc`: that is what the ledger uses.
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "std")]
pub mod canonical;
#[cfg(feature = "std")]
pub mod changes;
#[cfg(feature = "std")]
pub mod draft;
#[cfg(feature = "std")]
pub mod event;
#[cfg(feature = "std")]
pub mod field;
pub mod group;
#[cfg(feature = "std")]
pub mod json;
pub mod limits;
pub mod name;
pub mod time;
pub mod words;

#[cfg(feature = "std")]
pub use draft::EventDraft;
#[cfg(feature = "std")]
pub use event::Event;
#[cfg(feature = "std")]
pub use field::Field;
pub use group::{Group, GroupBytes};
#[cfg(feature = "std")]
pub use json::Value;
pub use time::Timestamp;
pub use words::{ActorType, Channel, Outcome, Severity, Verb};
