//! The index of ids: (workspace, hash of id) → (seq, fingerprint).
//!
//! Entries are sorted by (workspace, hash, seq) and cut into blocks of [`BLOCK_ENTRIES`]; the first
//! key of each block stays resident. A [`Fuse`] filter for each [`SHARD_ENTRIES`] entries is resident
//! too, so that almost every id that is not here is answered without reading.
//!
//! ```text
//! block   uleb runs, then for each run: uleb workspaces passed over, uleb entries, u8 rice parameter,
//!         u32 first hash, bit stream, fingerprints (u32 each)
//! bits    for each entry: difference of hashes (Rice code; not for the first), seq less the
//!         workspace's first (as many bits as the workspace's row count needs), LSB first
//! ```
//! Only the upper 32 bits of hash and fingerprint are stored. Whether a candidate is the same id, the id
//! stored with the event tells; whether the same event was sent again, the fingerprint.

use crate::codec::{DecodeError, Decoder, Encode};

use super::bits::{BitReader, BitWriter};
use super::error::SegmentError;
use super::fuse::{Fuse, mix};
use super::out::OutFile;
use super::{Piece, WorkspaceUid};

/// Entries of one block, about 4 KiB.
pub(super) const BLOCK_ENTRIES: usize = 512;
/// Entries of one filter; bounds the memory of building it (about 2 MiB).
pub(super) const SHARD_ENTRIES: usize = 1 << 16;

/// What a damaged block of entries is called.
pub(super) const BLOCK: &str = "a block of ids";
/// What a damaged filter is called.
pub(super) const FILTER: &str = "a filter over ids";

/// One entry inside its workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// Upper 32 bits of the id's hash.
    pub(super) hash: u32,
    /// Seq less the workspace's first.
    pub(super) seq: u32,
    /// Upper 32 bits of the fingerprint.
    pub(super) fingerprint: u32,
}

/// First key of a block or shard: workspace's place in the directory, hash.
pub(super) type FirstKey = (u32, u32);

/// Returns the part of an id's hash, or of a fingerprint, that is stored.
pub(crate) fn stored_part(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Returns the key of an entry in the filters.
pub(super) fn filter_key(workspace: &WorkspaceUid, hash: u32) -> u64 {
    let (high, low) = workspace.0.split_at(8);
    let word = |bytes: &[u8]| bytes.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
    mix(mix(word(high) ^ u64::from(hash)).wrapping_add(word(low)))
}

/// Returns how many bits a seq needs in a workspace of so many seqs.
pub(super) fn seq_bits(rows: u32) -> u32 {
    u32::BITS - rows.saturating_sub(1).leading_zeros()
}

/// The entries of one workspace inside one block.
struct Run {
    workspace: u32,
    rows: u32,
    entries: Vec<Entry>,
}

/// Writes entries as they come in order.
#[derive(Default)]
pub(super) struct IdsOut {
    runs: Vec<Run>,
    block_entries: usize,
    shard_keys: Vec<u64>,
    shard_first: Option<FirstKey>,
    /// Entries added so far.
    pub(super) count: u32,
    pub(super) blocks: Vec<(Piece, FirstKey)>,
    pub(super) shards: Vec<(Piece, FirstKey)>,
}

impl IdsOut {
    /// Adds the next entry of workspace number `place`, which has `rows` seqs from first to last.
    pub(super) fn put(
        &mut self,
        place: u32,
        workspace: &WorkspaceUid,
        rows: u32,
        entry: Entry,
        idx: &mut OutFile,
    ) -> Result<(), SegmentError> {
        if self.block_entries == BLOCK_ENTRIES {
            self.end_block(idx)?;
        }
        if self.shard_keys.len() == SHARD_ENTRIES {
            self.end_shard(idx)?;
        }
        self.shard_first.get_or_insert((place, entry.hash));
        self.shard_keys.push(filter_key(workspace, entry.hash));
        self.block_entries += 1;
        self.count += 1;
        match self.runs.last_mut() {
            Some(run) if run.workspace == place => run.entries.push(entry),
            _ => self.runs.push(Run { workspace: place, rows, entries: vec![entry] }),
        }
        Ok(())
    }

    fn end_block(&mut self, idx: &mut OutFile) -> Result<(), SegmentError> {
        let Some(first) = self.runs.first() else {
            return Ok(());
        };
        let key = (first.workspace, first.entries.first().map_or(0, |entry| entry.hash));
        let piece = idx.put_piece(&encode_block(&self.runs))?;
        self.blocks.push((piece, key));
        self.runs.clear();
        self.block_entries = 0;
        Ok(())
    }

    fn end_shard(&mut self, idx: &mut OutFile) -> Result<(), SegmentError> {
        let Some(first) = self.shard_first.take() else {
            return Ok(());
        };
        let Some(filter) = Fuse::build(&mut self.shard_keys) else {
            let reason = "no seed fits these keys".to_owned();
            return Err(SegmentError::Encode { what: FILTER, reason });
        };
        let mut bytes = Vec::new();
        filter.encode(&mut bytes);
        self.shards.push((idx.put_piece(&bytes)?, first));
        self.shard_keys.clear();
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn finish(&mut self, idx: &mut OutFile) -> Result<(), SegmentError> {
        self.end_block(idx)?;
        self.end_shard(idx)
    }
}

fn encode_block(runs: &[Run]) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_varint(runs.len() as u64);
    let mut passed = runs.first().map_or(0, |run| run.workspace);
    for run in runs {
        out.put_varint(u64::from(run.workspace - passed));
        passed = run.workspace;
        out.put_varint(run.entries.len() as u64);
        let first = run.entries.first().map_or(0, |entry| entry.hash);
        let last = run.entries.last().map_or(0, |entry| entry.hash);
        let mean = u64::from(last - first) / run.entries.len() as u64;
        // The best parameter is near log2(mean × ln 2) (Golomb; Gallager and van Voorhis 1975).
        let rice = (mean * 89 / 128).checked_ilog2().unwrap_or(0);
        out.put_u8(rice as u8);
        out.put_raw(&first.to_le_bytes());
        let mut bits = BitWriter::new(&mut out);
        let mut previous = first;
        for (place, entry) in run.entries.iter().enumerate() {
            if place > 0 {
                bits.put_rice(entry.hash - previous, rice);
                previous = entry.hash;
            }
            bits.put(u64::from(entry.seq), seq_bits(run.rows));
        }
        bits.end();
        run.entries.iter().for_each(|entry| out.put_raw(&entry.fingerprint.to_le_bytes()));
    }
    out
}

/// Decodes a block and calls `visit` with each workspace's place and entry, in order, while it
/// returns `true`.
///
/// `rows_of` gives a workspace's count of seqs by its place, `None` for a place that is none.
pub(super) fn decode_block(
    bytes: &[u8],
    first_workspace: u32,
    rows_of: impl Fn(u32) -> Option<u32>,
    mut visit: impl FnMut(u32, Entry) -> bool,
) -> Result<(), DecodeError> {
    let bad = || DecodeError::Unknown("id block");
    let mut from = Decoder::new(bytes);
    let runs = from.varint("runs")?;
    let mut workspace = first_workspace;
    for _ in 0..runs {
        let step = from.varint_u32("workspace")?;
        workspace = workspace.checked_add(step).ok_or_else(bad)?;
        let rows = rows_of(workspace).ok_or_else(bad)?;
        let count = from.varint("entries")? as usize;
        let rice = u32::from(from.u8("rice")?);
        let mut hash = u32::from_le_bytes(from.array("hash")?);
        if count == 0 || count > BLOCK_ENTRIES || rice >= 32 {
            return Err(bad());
        }
        let mut bits = BitReader::new(from.rest());
        let mut entries = [Entry { hash: 0, seq: 0, fingerprint: 0 }; BLOCK_ENTRIES];
        let entries = &mut entries[..count];
        for (place, entry) in entries.iter_mut().enumerate() {
            if place > 0 {
                let step = bits.rice(rice).ok_or_else(bad)?;
                hash = hash.checked_add(step).ok_or_else(bad)?;
            }
            let seq = bits.take(seq_bits(rows)).ok_or_else(bad)? as u32;
            if seq >= rows {
                return Err(bad());
            }
            *entry = Entry { hash, seq, fingerprint: 0 };
        }
        from.raw(bits.bytes_used(), "bits")?;
        for entry in entries.iter_mut() {
            entry.fingerprint = u32::from_le_bytes(from.array("fingerprint")?);
        }
        for entry in entries.iter() {
            if !visit(workspace, *entry) {
                return Ok(());
            }
        }
    }
    from.end()
}

#[cfg(test)]
mod tests;
