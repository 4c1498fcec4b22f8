//! Merging segments into one, row by row.
//!
//! Inputs are read as streams and merged by (workspace, occurred_at, seq), so memory is one block and
//! one page a column for each input, whatever their size. Ids follow, merged by (workspace, hash,
//! seq). The digest over everything that went in must be the digest of what is read back.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use proofbook_ledger::Hash;
use sha2::{Digest, Sha256};

use super::error::SegmentError;
use super::id_lookup::{IdStream, StoredId};
use super::reader::Segment;
use super::rows::{GroupSet, RowStream};
use super::writer::SegmentWriter;

/// What rows and ids hold, whatever file they are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeDigest {
    /// SHA-256 over every stored byte of every row in order.
    pub rows: Hash,
    /// SHA-256 over every id's entry in order.
    pub ids: Hash,
}

fn digest_id(id: &StoredId, digest: &mut Sha256) {
    digest.update(id.workspace.0);
    digest.update(id.hash.to_le_bytes());
    digest.update(id.seq.to_le_bytes());
    digest.update(id.fingerprint.to_le_bytes());
}

/// Writes the rows and ids of `inputs` to `writer` in order and returns their digest.
///
/// The caller finishes the writer, opens what it made, and compares its [`digest_of`] with this one
/// before anything refers to the new segment.
///
/// # Errors
/// An input is damaged, inputs overlap or leave a gap in a workspace's seqs, or the disk refuses.
pub fn merge(
    inputs: &[Arc<Segment>],
    writer: &mut SegmentWriter<'_>,
) -> Result<MergeDigest, SegmentError> {
    let mut rows = Sha256::new();
    let mut streams = Vec::with_capacity(inputs.len());
    let mut heads = BinaryHeap::with_capacity(inputs.len());
    for (number, input) in inputs.iter().enumerate() {
        let mut stream = RowStream::new(Arc::clone(input), GroupSet::ALL);
        if stream.advance()? {
            heads.push(Reverse((stream.row().key(), number)));
        }
        streams.push(stream);
    }
    while let Some(Reverse((_, number))) = heads.pop() {
        let stream = &mut streams[number];
        let row = stream.row();
        row.digest(&mut rows);
        writer.push_row(&row)?;
        if stream.advance()? {
            heads.push(Reverse((stream.row().key(), number)));
        }
    }
    drop(streams);

    writer.end_rows()?;
    let mut ids = Sha256::new();
    let mut streams: Vec<IdStream> = inputs.iter().cloned().map(IdStream::new).collect();
    let mut heads = BinaryHeap::with_capacity(inputs.len());
    for (number, stream) in streams.iter_mut().enumerate() {
        if let Some(id) = stream.next()? {
            heads.push(Reverse((id, number)));
        }
    }
    while let Some(Reverse((id, number))) = heads.pop() {
        digest_id(&id, &mut ids);
        writer.put_id(&id.workspace, id.seq, id.hash, id.fingerprint)?;
        if let Some(id) = streams[number].next()? {
            heads.push(Reverse((id, number)));
        }
    }
    Ok(MergeDigest { rows: Hash(rows.finalize().into()), ids: Hash(ids.finalize().into()) })
}

/// Reads a whole segment back and digests its rows and ids.
///
/// # Errors
/// A piece is damaged or cannot be read.
pub fn digest_of(segment: &Arc<Segment>) -> Result<MergeDigest, SegmentError> {
    let mut rows = Sha256::new();
    segment.for_each_row(GroupSet::ALL, |row| {
        row.digest(&mut rows);
        Ok::<_, SegmentError>(())
    })?;
    let mut ids = Sha256::new();
    let mut stream = IdStream::new(Arc::clone(segment));
    while let Some(id) = stream.next()? {
        digest_id(&id, &mut ids);
    }
    Ok(MergeDigest { rows: Hash(rows.finalize().into()), ids: Hash(ids.finalize().into()) })
}
