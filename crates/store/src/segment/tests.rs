//! A5 and A6: what a segment gives back is what a plain list of the same rows gives back.

mod damage;
mod ids;
mod merge;
pub(super) mod model;
mod round_trip;
mod search;
