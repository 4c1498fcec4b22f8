//! Entry bundles (C2SP tlog-tiles): up to 256 leaves, each behind its length.
//!
//! ```text
//! entry    u16-be length ‖ leaf bytes, as many times as the tile is wide
//! ```

use alloc::vec::Vec;

use crate::leaf::LEAF_BYTES_MAX;
use crate::tile::TILE_WIDTH;

/// Longest bundle of leaves of ours, in bytes.
pub const BUNDLE_BYTES_MAX: usize = TILE_WIDTH as usize * (2 + LEAF_BYTES_MAX);

/// Bytes that are no entry bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntriesError {
    /// An entry's length reaches beyond the end.
    #[error("the entry bundle ends inside its entry {entry_index}")]
    Short {
        /// Which entry, from 0.
        entry_index: u16,
    },
    /// More or fewer entries than the tile is wide.
    #[error("the entry bundle does not have {expected} entries")]
    Count {
        /// The width.
        expected: u16,
    },
}

/// Appends one entry.
///
/// # Panics
/// The leaf is longer than 65,535 bytes; leaves have at most 1,024.
pub fn append_entry(leaf: &[u8], bundle: &mut Vec<u8>) {
    let length = u16::try_from(leaf.len()).expect("a leaf has at most 1,024 bytes");
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(leaf);
}

/// Takes a bundle of exactly `width` entries apart.
///
/// # Errors
/// Too few bytes, too many, or another number of entries.
pub fn split_entries(bundle: &[u8], width: u16) -> Result<Vec<&[u8]>, EntriesError> {
    let mut rest = bundle;
    let mut entries = Vec::with_capacity(usize::from(width.min(TILE_WIDTH)));
    for entry_index in 0..width {
        let short = EntriesError::Short { entry_index };
        let (length, behind) = rest.split_first_chunk::<2>().ok_or(short)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, behind) = behind.split_at_checked(length).ok_or(short)?;
        entries.push(entry);
        rest = behind;
    }
    if rest.is_empty() { Ok(entries) } else { Err(EntriesError::Count { expected: width }) }
}

#[cfg(test)]
mod tests;
