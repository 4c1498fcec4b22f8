//! Bundles: a part of a workspace's log with everything that proves it, as files that other programs
//! read too. This file names the files; `docs/spec/bundle.md` is the normative description.
//!
//! ```text
//! checkpoint                   the signed head
//! bundle.json                  what the bundle claims to be ([`Manifest`])
//! tile/<L>/<N>[.p/<W>]         hashes (C2SP tlog-tiles)
//! tile/entries/<N>[.p/<W>]     leaves (C2SP tlog-tiles)
//! openings/<N>.ndjson          one line an event, 256 events a file, numbered as entry bundles are
//! range-edges                  what proves that the leaves are all of them, one hash a line
//! proofs/<seq>.tlog-proof      single events, with their leaf as extra data
//! heads/<size>                 older published heads, signed
//! consistency/<size>           from that size to the bundle's ([`crate::consistency`])
//! keys/history.json            the server's word on its keys; nothing is trusted for standing there
//! VERIFY.md                    how to check all this with programs of others
//! SHA256SUMS                   the hash of every file above, for `sha256sum -c`
//! ```
//!
//! `write` makes bundles from leaves that come in their order; `verify` checks them through
//! [`BundleFiles`] and reports each check apart. Both hold a few hashes for each 256 leaves and one
//! block of 256 events.
//!
//! What stays out: where the files are, and which events somebody may have.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

pub mod manifest;
pub mod openings;
mod range_root;
pub mod report;
mod sums;
pub mod verify;
mod verify_files;
mod verify_leaves;
pub mod write;

pub use manifest::{Kind, Manifest, ManifestError};
pub use openings::{EventOpenings, OpeningsError};
pub use report::{Check, Report, Status, Verdict};
pub use verify::{Expectations, verify};
pub use write::{BundleWriter, WriteError};

use crate::tile::{TILE_WIDTH, Tile, TileKind};

/// The signed head.
pub const CHECKPOINT: &str = "checkpoint";
/// The claims.
pub const MANIFEST: &str = "bundle.json";
/// The edge hashes of a range.
pub const RANGE_EDGES: &str = "range-edges";
/// The server's history of keys.
pub const KEY_HISTORY: &str = "keys/history.json";
/// What to do with the bundle.
pub const VERIFY_TEXT: &str = "VERIFY.md";
/// The hashes of the files.
pub const SUMS: &str = "SHA256SUMS";

/// Events in one file of openings, and leaves in one entry bundle.
pub const BLOCK: u64 = TILE_WIDTH as u64;
/// Longest file of openings that is read, in bytes: 256 events of 256 KiB and their frame.
pub const OPENINGS_BYTES_MAX: usize = 96 << 20;
/// Longest list of hashes of files that is read, in bytes; about half a million files.
pub const SUMS_BYTES_MAX: usize = 64 << 20;
/// Longest file of any other kind that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 2 << 20;

/// Where a bundle's files are: a directory, or an archive.
pub trait BundleFiles {
    /// Why a file cannot be read.
    type Error: core::error::Error;

    /// Reads a file; `None` when there is none of this path, and an error when it is longer than
    /// `bytes_max`.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    fn read(&mut self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Lists the paths of all files, in any order.
    ///
    /// # Errors
    /// The files cannot be listed.
    fn list(&mut self) -> Result<Vec<String>, Self::Error>;
}

/// Returns the leaves that a bundle over the events `from..to` of a tree of `size` holds: these, the
/// one on either side (which shows that a window of time is whole), and what fills up the first and
/// the last block.
pub fn leaves_of(from: u64, to: u64, size: u64) -> Range<u64> {
    let begin = from.saturating_sub(1) / BLOCK * BLOCK;
    let end = (to.saturating_add(1).min(size)).div_ceil(BLOCK).saturating_mul(BLOCK).min(size);
    begin..end
}

/// Returns the path of the openings of one block.
pub fn openings_path(block: u64) -> String {
    // The path of a full entry bundle, under another name.
    let tile = Tile::new(TileKind::Entries, block, TILE_WIDTH);
    let path = tile.map(|tile| format!("{tile}")).unwrap_or_default();
    format!("openings/{}.ndjson", path.trim_start_matches("tile/entries/"))
}

/// Returns the path of the proof of one event.
pub fn proof_path(seq: u64) -> String {
    format!("proofs/{seq}.tlog-proof")
}

/// Returns the path of an older head.
pub fn head_path(size: u64) -> String {
    format!("heads/{size}")
}

/// Returns the path of the consistency lines from an older size.
pub fn consistency_path(size: u64) -> String {
    format!("consistency/{size}")
}
