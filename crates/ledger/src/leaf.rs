//! The leaf: the canonical bytes of a sealed event, which the workspace's tree hashes.
//!
//! RFC 8785 of one object, keys in this order, no white space:
//!
//! ```text
//! {"act":"project.update","n":"<24 chars>","ot":"2026-11-22T09:30:00.123456Z","out":"success",
//!  "rt":"2026-11-22T09:30:00.200000Z","sealed":{"/actor":"<44 chars>",…},"seq":17,"v":1,"ws":"<24 chars>"}
//! ```
//!
//! Base64 is RFC 4648 section 4 with padding. Only closed vocabularies and random values stand in
//! clear; everything else is a commitment. The full table is in `docs/spec/leaf.md`.
//!
//! What stays out: what a group's canonical value contains, and whether an action is in the catalog.

use alloc::vec::Vec;
use core::fmt;

use proofbook_event::name::is_action_name;
use proofbook_event::words::Outcome;
use proofbook_event::{Group, Timestamp};

use crate::hash::{self, Hash, decode_base64, encode_base64};
use crate::prf::Nonce;

mod parse;

pub use parse::{ParseLeafError, ParsedLeaf, parse_leaf};

/// The version of the leaf format, its `v`.
pub const LEAF_VERSION: u64 = 1;
/// The greatest seq, 2^53 − 1: the greatest integer that RFC 8785 writes exactly.
pub const SEQ_MAX: u64 = (1 << 53) - 1;
/// Greatest length of a leaf in bytes; far below the 65,535 that an entry bundle can carry.
pub const LEAF_BYTES_MAX: usize = 1024;
/// What `act` says when the action is not in the catalog in force.
pub const OTHER_ACTION: &str = "other";

/// A workspace's opaque 128-bit id; never its name, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspaceUid(pub [u8; 16]);

impl fmt::Display for WorkspaceUid {
    /// Writes 32 lowercase hexadecimal digits, which are safe in an origin and in a file name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Everything that a leaf says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafFields<'a> {
    /// The workspace's opaque id, `ws`.
    pub workspace: WorkspaceUid,
    /// The event's number in its workspace and its leaf index, `seq`; at most [`SEQ_MAX`].
    pub seq: u64,
    /// When the server recorded it, `rt`; never decreasing within a workspace.
    pub recorded_at: Timestamp,
    /// When the producer says it happened, `ot`.
    pub occurred_at: Timestamp,
    /// The action when it is in the catalog in force, else `None`, written as `other`.
    ///
    /// An action that is itself named `other` is given as `None`, see [`clear_action`].
    pub action: Option<&'a str>,
    /// How the act ended, `out`.
    pub outcome: Outcome,
    /// The 128-bit nonce, `n`.
    pub nonce: Nonce,
    /// The commitments of the groups that are present, in the order of [`Group::ALL`].
    pub sealed: &'a [(Group, Hash)],
}

/// Decides what stands in clear: the action when it is in the catalog and not itself named `other`.
///
/// When this is `None`, the name belongs into the `/description` group.
pub fn clear_action(action: &str, in_catalog: bool) -> Option<&str> {
    (in_catalog && action != OTHER_ACTION).then_some(action)
}

/// Appends a leaf's bytes to `out`, which it never clears.
///
/// # Panics
/// A field breaks what [`LeafFields`] says of it: seq too great, an action that is not dotted
/// `[a-z0-9_]` names or is `other`, groups out of order. Admit and fold never let one through.
pub fn write_leaf(fields: &LeafFields<'_>, out: &mut Vec<u8>) {
    assert!(fields.seq <= SEQ_MAX, "seq {} is above 2^53 - 1", fields.seq);
    let groups_ascend = fields.sealed.windows(2).all(|pair| pair[0].0 < pair[1].0);
    assert!(groups_ascend, "sealed groups are unique and in pointer order");
    let action = match fields.action {
        // No character of an action needs an escape in JSON.
        Some(action) => {
            assert!(is_clear_action(action), "{action:?} cannot stand in a leaf");
            action
        }
        None => OTHER_ACTION,
    };

    out.reserve(LEAF_BYTES_MAX);
    out.extend_from_slice(b"{\"act\":\"");
    out.extend_from_slice(action.as_bytes());
    out.extend_from_slice(b"\",\"n\":\"");
    write_base64_16(&fields.nonce, out);
    out.extend_from_slice(b"\",\"ot\":\"");
    fields.occurred_at.write_rfc3339(out);
    out.extend_from_slice(b"\",\"out\":\"");
    out.extend_from_slice(fields.outcome.as_str().as_bytes());
    out.extend_from_slice(b"\",\"rt\":\"");
    fields.recorded_at.write_rfc3339(out);
    out.extend_from_slice(b"\",\"sealed\":{");
    for (place, (group, commitment)) in fields.sealed.iter().enumerate() {
        out.extend_from_slice(if place == 0 { b"\"" } else { b",\"" });
        out.extend_from_slice(group.pointer().as_bytes());
        out.extend_from_slice(b"\":\"");
        out.extend_from_slice(&commitment.to_base64());
        out.push(b'"');
    }
    out.extend_from_slice(b"},\"seq\":");
    write_decimal(fields.seq, out);
    out.extend_from_slice(b",\"v\":1,\"ws\":\"");
    write_base64_16(&fields.workspace.0, out);
    out.extend_from_slice(b"\"}");
}

/// Writes a leaf into `scratch`, which it clears first, and returns the leaf's hash.
///
/// # Panics
/// As [`write_leaf`].
pub fn leaf_hash(fields: &LeafFields<'_>, scratch: &mut Vec<u8>) -> Hash {
    scratch.clear();
    write_leaf(fields, scratch);
    hash::leaf_hash(scratch)
}

/// Says whether a name may stand in clear: an action name that is not `other`.
fn is_clear_action(action: &str) -> bool {
    is_action_name(action) && action != OTHER_ACTION
}

fn write_base64_16(bytes: &[u8; 16], out: &mut Vec<u8>) {
    out.extend_from_slice(&encode_base64::<16, 24>(bytes));
}

fn write_decimal(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests;
