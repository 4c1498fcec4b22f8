//! What leaves the house on its own: events to those who must know, without gap and in order.
//!
//! What lives here: [`engine`] (one loop for every destination, and progress into the log), `stream`
//! (that loop), `reading` (the next events of a workspace, as a View holds them), `pace` (when to keep
//! out of the way), [`board`] (where each destination stands and how it goes), [`encode`] and
//! [`transport`] (from an event to bytes and from there to a receiver: the two things that are
//! pluggable), [`call`] (one POST over HTTP, also for the server's own calls to witnesses), [`guard`]
//! (which addresses may be called), [`sign`] (Standard Webhooks), `backoff`, [`secrets`]; and for e-mail
//! [`rule`] (who is told of what, and when), `letters` (one by one, or many in one) and `letter` (what it
//! says, in the reader's language); and [`warnings`] (what somebody must be told although no event says
//! it).
//!
//! What stays out: routes and HTML pages (`server`), judging which event is told to whom by default
//! (`catalog`), searching (`query`), and every way to write into the log but through the store's own
//! handle.
//!
//! Invariants: a message is sent at least once, in the order of the workspace, under an id that stays
//! the same; a destination that is down delays no other and no ingest; no event is passed over unseen:
//! what expired before it could be told is told as a gap. Beside the command line this is the only
//! outgoing network client.
#![forbid(unsafe_code)]

mod backoff;
pub mod board;
pub mod call;
pub mod destination;
pub mod encode;
pub mod engine;
pub mod guard;
mod letter;
mod letters;
pub mod limits;
pub mod link;
pub mod message;
mod pace;
mod reading;
pub mod rule;
pub mod secrets;
pub mod sign;
mod stream;
pub mod tongue;
pub mod transport;
pub mod warnings;
