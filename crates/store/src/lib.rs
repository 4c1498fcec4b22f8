//! The store: takes admitted events, never loses one that it acknowledged, and holds them ready for
//! queries.
//!
//! What lives here: [`disk`], [`clock`] and [`random`] (the only doors to the machine, each with a
//! simulated twin), [`log`] (frames, group commit, recovery), [`record`] (what the log holds),
//! [`fold`] (state from records), [`recent`] (durable, not yet packed), [`segment`] (packed),
//! [`manifest`] (the snapshot of the fold), and [`store`], the handle that ties them together.
//!
//! What stays out: HTTP, query text, rendering, tenants' access.
//!
//! The way of an event: `admit` → [`commit`] → [`fold`] → publish; one direction, no way back.
#![forbid(unsafe_code)]

pub mod clock;
pub mod codec;
pub mod disk;
pub mod limits;
pub mod log;
pub mod names;
pub mod random;
