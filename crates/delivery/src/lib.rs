//! What leaves the house on its own: events to those who must know, without gap and in order.
//!
//! Nothing of it ships yet. The room is kept free, since the boundary is part of the design
//! (section 12): what is written here later uses the log's order and adds no second path for an event.
//!
//! What will live here: cursors (how far each destination has read, by seq and workspace), the
//! outbox (what must go out, derived by the fold and read from a View, so that a delivery is neither
//! lost nor made before its event is durable), encoders (the forms that mail, webhooks and SIEMs
//! take), transports (mail, webhook, syslog …), and backoff.
//!
//! What stays out: routes and HTML pages (`server`), judging which event is told to whom (`catalog`),
//! searching (`query`), and every way to write into the log but through the store's own handle.
//!
//! Invariants to hold: a destination that is down delays no other and no ingest; a delivery repeated
//! after a crash is recognisable as such by workspace and seq; beside the command line this is the
//! only outgoing network client.
#![forbid(unsafe_code)]
