//! Every bound on an event and on a request's worth of events (design section 5).
//!
//! A client that goes over one of them gets the pointer, the byte offset and the number below.

/// Bytes of one event's JSON text, as received.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;
/// Events in one request.
pub const BATCH_EVENTS_MAX: usize = 10_000;
/// Bytes of one request's body after decompression.
pub const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Nesting of arrays and objects in an event; the event itself is level 1.
pub const JSON_DEPTH_MAX: usize = 32;
/// Largest magnitude of an integer that every JSON reader keeps exactly (2^53 − 1).
pub const INTEGER_MAX: i64 = 9_007_199_254_740_991;
/// Bytes of an event id.
pub const ID_BYTES_MAX: usize = 128;
/// Bytes of a workspace name.
pub const WORKSPACE_BYTES_MAX: usize = 128;
/// Bytes of an action name.
pub const ACTION_BYTES_MAX: usize = 128;
/// Targets of one event.
pub const TARGETS_MAX: usize = 32;
/// Keys directly in `metadata`.
pub const METADATA_KEYS_MAX: usize = 64;
/// Nesting inside `metadata`; the metadata object itself is level 1.
pub const METADATA_DEPTH_MAX: usize = 8;
/// Roles of one actor.
pub const ROLES_MAX: usize = 64;
/// Bytes of a short text: names, ids of actors and targets, reasons, addresses.
pub const TEXT_BYTES_MAX: usize = 4 * 1024;
/// How far ahead of the server's clock `occurred_at` may be, in microseconds (24 h).
pub const FUTURE_MICROS_MAX: i64 = 24 * 3600 * 1_000_000;
/// Changes kept of one derived diff; more are counted in one closing `cut` entry.
pub const CHANGES_MAX: usize = 1_000;
/// Canonical bytes of one side of a change; a longer side is cut, marked and hashed.
pub const CHANGE_SIDE_BYTES_MAX: usize = 4 * 1024;
/// Canonical bytes of all derived changes of one event.
pub const CHANGES_BYTES_MAX: usize = 64 * 1024;

const _: () = assert!(EVENT_BYTES_MAX <= BATCH_BYTES_MAX);
const _: () = assert!(METADATA_DEPTH_MAX < JSON_DEPTH_MAX);
