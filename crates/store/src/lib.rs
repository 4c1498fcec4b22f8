//! The store: takes admitted events, never loses one that it acknowledged, and holds them ready for
//! queries.
//!
//! What lives here: [`disk`], [`clock`] and [`random`] (the only doors to the machine, each with a
//! simulated twin), [`log`] (frames, group commit, recovery), [`record`] (what the log holds),
//! [`fold`] (state from records), [`recent`] (durable, not yet packed), segments (packed), the
//! snapshot of the fold, and the handle that ties them together.
//!
//! What stays out: HTTP, query text, rendering, tenants' access.
//!
//! The way of an event: admit → commit → [`fold`] → publish; one direction, no way back.
#![forbid(unsafe_code)]

pub mod aside;
pub mod clock;
pub mod codec;
pub mod commit;
pub mod config;
pub mod delivered;
pub mod disk;
pub mod erase;
pub mod expiring;
pub mod fold;
mod fresh_ids;
pub mod hidden;
pub mod hold;
pub mod limits;
pub mod log;
pub mod lookup;
pub mod manifest;
pub mod names;
pub mod open;
pub mod pack;
#[cfg(not(feature = "plant"))]
mod plant;
#[cfg(feature = "plant")]
pub mod plant;
pub mod prepare;
pub mod priority;
pub mod purge;
pub mod random;
pub mod recent;
pub mod record;
pub mod rules;
pub mod seal;
mod seats;
pub mod segment;
pub mod segment_entry;
pub mod signing;
pub mod store;
pub mod store_key;
pub mod verify;
pub mod view;
pub mod warned;
pub mod withheld;
mod workspace_index;
