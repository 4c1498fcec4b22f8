//! What rows, ids and purged leaves hold, in three short digests: what was written must be what is read
//! back.
//!
//! A row is digested as it is stored, by the values of its columns, so nothing is put together for it. Its
//! 64-bit hash is keyed at random when the process starts, and so is that of an id; their sequence is
//! hashed with SHA-256. So a digest means nothing outside of the process that took it, and a row or an
//! id that changed goes unnoticed once in 2^64 times. Damage on the disk is none of its business: every
//! piece has a SHA-256 of its own. It is for our own faults between two segments.

use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::{Arc, LazyLock};

use hashbrown::DefaultHashBuilder;
use proofbook_ledger::Hash;
use sha2::{Digest, Sha256};

use super::error::SegmentError;
use super::id_lookup::{IdStream, StoredId};
use super::lift::VALUE_COLUMNS;
use super::purged::{PurgedLeaf, PurgedStream};
use super::reader::Segment;
use super::rows::GroupSet;
use super::stream::{StoredRow, StoredStream, known_place};

/// The key of this process.
static KEY: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// What rows and ids hold, whatever file they are in; comparable within one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeDigest {
    /// Digest of every stored byte of every row in order.
    pub rows: Hash,
    /// Digest of every id's entry in order.
    pub ids: Hash,
    /// SHA-256 over every purged event's leaf in order.
    pub purged: Hash,
}

/// Values longer than this are hashed once for each entry of a dictionary; to keep the hash of a shorter
/// one would cost memory and save little.
const LONG_BYTES: usize = 64;

/// Hashes of the long values of one row group, by their codes; 0 for one that is not known.
#[derive(Default)]
struct Known {
    row_group: usize,
    hashes: [Vec<u64>; VALUE_COLUMNS],
}

impl Known {
    fn enter(&mut self, row_group: usize) {
        if std::mem::replace(&mut self.row_group, row_group) != row_group {
            self.hashes.iter_mut().for_each(Vec::clear);
        }
    }

    /// Returns the hash of a value; `code` is 0 for one that is in no dictionary.
    fn hash(&mut self, place: usize, code: u32, value: &[u8]) -> u64 {
        if code == 0 {
            return KEY.hash_one(value);
        }
        let known = known_place(&mut self.hashes[place], code as usize);
        if *known == 0 {
            *known = KEY.hash_one(value);
        }
        *known
    }
}

/// A [`MergeDigest`] while it is taken.
#[derive(Default)]
pub(super) struct Digests {
    /// Of each segment that rows come from.
    known: Vec<Known>,
    rows: Sha256,
    ids: Sha256,
    purged: Sha256,
}

impl Digests {
    /// Adds a row with every stored byte of it, unambiguously; `from` numbers the segments that rows come
    /// from.
    pub(super) fn row(&mut self, stored: &StoredRow<'_>, from: usize) {
        if self.known.len() <= from {
            self.known.resize_with(from + 1, Known::default);
        }
        let known = &mut self.known[from];
        known.enter(stored.row_group);
        self.rows.update(row_hash(stored, known).to_le_bytes());
    }

    pub(super) fn id(&mut self, id: &StoredId) {
        let mut hash = KEY.build_hasher();
        hash.write(&id.workspace.0);
        hash.write_u64(id.seq);
        hash.write_u64(u64::from(id.hash) << 32 | u64::from(id.fingerprint));
        self.ids.update(hash.finish().to_le_bytes());
    }

    pub(super) fn purged(&mut self, purged: &PurgedLeaf) {
        self.purged.update(purged.workspace.0);
        self.purged.update(purged.seq.to_le_bytes());
        self.purged.update(purged.leaf.0);
    }

    pub(super) fn finish(self) -> MergeDigest {
        let hash = |digest: Sha256| Hash(digest.finalize().into());
        MergeDigest { rows: hash(self.rows), ids: hash(self.ids), purged: hash(self.purged) }
    }
}

fn row_hash(stored: &StoredRow<'_>, known: &mut Known) -> u64 {
    let row = &stored.row;
    let mut hash = KEY.build_hasher();
    hash.write(&row.workspace.0);
    hash.write_u64(row.seq);
    hash.write_u64(row.occurred_at as u64);
    hash.write_u64(row.recorded_at as u64);
    let small = [u64::from(row.k), u64::from(row.flags), row.outcome as u64];
    hash.write_u64(u64::from(row.run) | small[0] << 32 | small[1] << 48 | small[2] << 56);
    hash.write_u64(row.action.len() as u64);
    hash.write(row.action.as_bytes());
    for (place, (value, code)) in stored.values.iter().zip(stored.codes).enumerate() {
        // An absent value has a length of its own.
        hash.write_u64(value.map_or(u64::MAX, |value| value.len() as u64));
        match value {
            None => {}
            Some(value) if value.len() > LONG_BYTES => {
                hash.write_u64(known.hash(place, code, value));
            }
            Some(value) => hash.write(value),
        }
    }
    hash.finish()
}

/// Reads a whole segment back and digests its rows, ids and purged leaves.
///
/// # Errors
/// A piece is damaged or cannot be read.
pub fn digest_of(segment: &Arc<Segment>) -> Result<MergeDigest, SegmentError> {
    let mut digests = Digests::default();
    let mut rows = StoredStream::new(Arc::clone(segment), GroupSet::ALL);
    while rows.advance()? {
        digests.row(&rows.stored(), 0);
    }
    let mut ids = IdStream::new(Arc::clone(segment));
    while let Some(id) = ids.next()? {
        digests.id(&id);
    }
    let mut leaves = PurgedStream::new(Arc::clone(segment));
    while let Some(purged) = leaves.next()? {
        digests.purged(&purged);
    }
    Ok(digests.finish())
}

#[cfg(test)]
mod tests;
