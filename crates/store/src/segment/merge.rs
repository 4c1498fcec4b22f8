//! Merging segments into one, row by row, and writing one again without some of its values.
//!
//! Inputs are read as streams and merged by (workspace, occurred_at, seq), so memory is one block and
//! one page a column for each input, whatever their size. Ids follow, merged by (workspace, hash,
//! seq), and the leaf hashes of purged events by (workspace, seq). The digest over everything that
//! went in must be the digest of what is read back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proofbook_ledger::{Hash, WorkspaceUid};
use sha2::{Digest, Sha256};

use super::Row;
use super::error::SegmentError;
use super::id_lookup::{IdStream, StoredId};
use super::purged::{Cover, PurgedLeaf, PurgedStream};
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
    /// SHA-256 over every purged event's leaf in order.
    pub purged: Hash,
}

/// A [`MergeDigest`] while it is taken.
#[derive(Default)]
struct Digests {
    rows: Sha256,
    ids: Sha256,
    purged: Sha256,
}

impl Digests {
    fn id(&mut self, id: &StoredId) {
        self.ids.update(id.workspace.0);
        self.ids.update(id.hash.to_le_bytes());
        self.ids.update(id.seq.to_le_bytes());
        self.ids.update(id.fingerprint.to_le_bytes());
    }

    fn purged(&mut self, purged: &PurgedLeaf) {
        self.purged.update(purged.workspace.0);
        self.purged.update(purged.seq.to_le_bytes());
        self.purged.update(purged.leaf.0);
    }

    fn finish(self) -> MergeDigest {
        let hash = |digest: Sha256| Hash(digest.finalize().into());
        MergeDigest { rows: hash(self.rows), ids: hash(self.ids), purged: hash(self.purged) }
    }
}

/// Writes the rows, ids and purged leaves of `inputs` to `writer` in order and returns their digest.
///
/// The caller finishes the writer, opens what it made, and compares its [`digest_of`] with this one
/// before anything refers to the new segment.
///
/// # Errors
/// An input is damaged, inputs overlap or leave a gap in a workspace's seqs, the disk refuses, or it
/// was told to stop.
pub fn merge(
    inputs: &[Arc<Segment>],
    writer: &mut SegmentWriter<'_>,
    stopping: &AtomicBool,
) -> Result<MergeDigest, SegmentError> {
    let mut digests = Digests::default();
    writer.expect_purged(covers_of(inputs)?);
    merge_rows(inputs, writer, &mut digests, stopping)?;
    merge_purged(inputs, writer, &mut digests)?;
    writer.end_rows()?;
    let mut streams: Vec<IdStream> = inputs.iter().cloned().map(IdStream::new).collect();
    let mut heads = BinaryHeap::with_capacity(inputs.len());
    for (number, stream) in streams.iter_mut().enumerate() {
        if let Some(id) = stream.next()? {
            heads.push(Reverse((id, number)));
        }
    }
    while let Some(Reverse((id, number))) = heads.pop() {
        digests.id(&id);
        writer.put_id(&id.workspace, id.seq, id.hash, id.fingerprint)?;
        if let Some(id) = streams[number].next()? {
            heads.push(Reverse((id, number)));
        }
    }
    Ok(digests.finish())
}

fn merge_rows(
    inputs: &[Arc<Segment>],
    writer: &mut SegmentWriter<'_>,
    digests: &mut Digests,
    stopping: &AtomicBool,
) -> Result<(), SegmentError> {
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
        if stopping.load(Ordering::Relaxed) {
            return Err(SegmentError::Stopped);
        }
        let stream = &mut streams[number];
        let row = stream.row();
        row.digest(&mut digests.rows);
        writer.push_row(&row)?;
        if stream.advance()? {
            heads.push(Reverse((stream.row().key(), number)));
        }
    }
    Ok(())
}

fn merge_purged(
    inputs: &[Arc<Segment>],
    writer: &mut SegmentWriter<'_>,
    digests: &mut Digests,
) -> Result<(), SegmentError> {
    let mut streams: Vec<PurgedStream> = inputs.iter().cloned().map(PurgedStream::new).collect();
    let mut heads = BinaryHeap::with_capacity(inputs.len());
    let key = |purged: &PurgedLeaf, number| {
        Reverse((purged.workspace, purged.seq, number, purged.leaf.0))
    };
    for (number, stream) in streams.iter_mut().enumerate() {
        if let Some(purged) = stream.next()? {
            heads.push(key(&purged, number));
        }
    }
    while let Some(Reverse((workspace, seq, number, leaf))) = heads.pop() {
        let purged = PurgedLeaf { workspace, seq, leaf: Hash(leaf) };
        digests.purged(&purged);
        writer.put_purged(&purged)?;
        if let Some(purged) = streams[number].next()? {
            heads.push(key(&purged, number));
        }
    }
    Ok(())
}

/// Returns the covers of what inputs become together.
fn covers_of(inputs: &[Arc<Segment>]) -> Result<Vec<Cover>, SegmentError> {
    let purged: BTreeSet<WorkspaceUid> = inputs
        .iter()
        .flat_map(|input| input.purged_covers().iter().map(|cover| cover.workspace))
        .collect();
    let cover = |workspace| {
        let mut ranges: Vec<_> = inputs.iter().filter_map(|input| input.cover(workspace)).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let follows = ranges.windows(2).all(|pair| pair[0].end == pair[1].start);
        let (Some(first), Some(last), true) = (ranges.first(), ranges.last(), follows) else {
            return Err(SegmentError::refused(format!(
                "seqs of workspace {workspace} are not one contiguous range"
            )));
        };
        let here = |input: &Arc<Segment>| {
            input.directory.purged.find(workspace).map_or(0, |cover| cover.purged)
        };
        let purged = inputs.iter().map(here).sum();
        Ok(Cover { workspace, seqs: first.start..last.end, purged })
    };
    purged.into_iter().map(cover).collect()
}

/// What becomes of a row that is written again.
pub(crate) enum Rewrite {
    /// It stays as it is.
    Keep,
    /// It goes, and this leaf hash stays. Only for a row that was announced.
    Purge(Hash),
    /// Some groups of it go.
    Erase {
        /// Which.
        groups: GroupSet,
        /// What stays in their place.
        withheld: Vec<u8>,
        /// Whether the action's name goes with them.
        hides_action: bool,
    },
}

/// What a segment was written again with and without.
pub(crate) struct Rewrote {
    /// What was written.
    pub(crate) digest: MergeDigest,
    /// Of each workspace the seqs that went, ascending, and SHA-256 over their leaf hashes in that order.
    pub(crate) gone: Vec<(WorkspaceUid, Vec<u64>, Hash)>,
}

/// Writes one segment's rows again, without those of `purged`, which says so by row number, and with
/// what `fate` says of each.
///
/// Memory is bounded by the number of rows that go: 40 bytes each.
///
/// # Errors
/// The input is damaged, the disk refuses, or `fate` fails.
pub(crate) fn rewrite<E: From<SegmentError>>(
    input: &Arc<Segment>,
    purged: &dyn Fn(u32) -> bool,
    mut fate: impl FnMut(u32, &Row<'_>) -> Result<Rewrite, E>,
    writer: &mut SegmentWriter<'_>,
) -> Result<Rewrote, E> {
    let mut digests = Digests::default();
    writer.expect_purged(covers_after(input, purged));
    let mut purging =
        Purging { before: PurgedStream::new(input.clone()), head: None, gone: BTreeMap::new() };
    purging.head = purging.before.next()?;
    let mut new: Vec<PurgedLeaf> = Vec::new();
    let mut stream = RowStream::new(Arc::clone(input), GroupSet::ALL);
    let mut number = 0;
    while stream.advance()? {
        let mut row = stream.row();
        if new.first().is_some_and(|first| first.workspace != row.workspace) {
            purging.end_workspace(&mut new, writer, &mut digests)?;
        }
        let erased;
        match fate(number, &row)? {
            Rewrite::Keep => {}
            Rewrite::Purge(leaf) => {
                new.push(PurgedLeaf { workspace: row.workspace, seq: row.seq, leaf });
                number += 1;
                continue;
            }
            Rewrite::Erase { groups, withheld, hides_action } => {
                erased = withheld;
                for group in proofbook_event::Group::ALL {
                    if groups.contains(group) {
                        row.groups.set(group, None);
                    }
                }
                row.withheld = &erased;
                if hides_action {
                    row.action = "other";
                }
            }
        }
        row.digest(&mut digests.rows);
        writer.push_row(&row)?;
        number += 1;
    }
    purging.end_workspace(&mut new, writer, &mut digests)?;
    while let Some(purged) = purging.head {
        purging.put(&purged, writer, &mut digests)?;
    }
    writer.end_rows()?;
    let mut ids = IdStream::new(Arc::clone(input));
    while let Some(id) = ids.next()? {
        let gone = purging.gone.get(&id.workspace);
        if gone.is_some_and(|(seqs, _)| seqs.binary_search(&id.seq).is_ok()) {
            continue;
        }
        digests.id(&id);
        writer.put_id(&id.workspace, id.seq, id.hash, id.fingerprint)?;
    }
    let gone = purging.gone.into_iter().map(|(uid, (seqs, leaves))| (uid, seqs, leaves)).collect();
    Ok(Rewrote { digest: digests.finish(), gone })
}

/// Puts the leaves of rows that go now among those that went before.
struct Purging {
    before: PurgedStream,
    /// The next one of `before`.
    head: Option<PurgedLeaf>,
    /// Seqs that go now, ascending, and SHA-256 over their leaves.
    gone: BTreeMap<WorkspaceUid, (Vec<u64>, Hash)>,
}

impl Purging {
    fn end_workspace(
        &mut self,
        new: &mut Vec<PurgedLeaf>,
        writer: &mut SegmentWriter<'_>,
        digests: &mut Digests,
    ) -> Result<(), SegmentError> {
        new.sort_unstable_by_key(|purged| purged.seq);
        let Some(first) = new.first() else { return Ok(()) };
        let workspace = first.workspace;
        let (mut seqs, mut leaves) = (Vec::with_capacity(new.len()), Sha256::new());
        for purged in new.drain(..) {
            while let Some(before) = self.head
                && (before.workspace, before.seq) < (purged.workspace, purged.seq)
            {
                self.put(&before, writer, digests)?;
            }
            digests.purged(&purged);
            writer.put_purged(&purged)?;
            seqs.push(purged.seq);
            leaves.update(purged.leaf.0);
        }
        self.gone.insert(workspace, (seqs, Hash(leaves.finalize().into())));
        Ok(())
    }

    /// Writes the head and takes the next one.
    fn put(
        &mut self,
        head: &PurgedLeaf,
        writer: &mut SegmentWriter<'_>,
        digests: &mut Digests,
    ) -> Result<(), SegmentError> {
        digests.purged(head);
        writer.put_purged(head)?;
        self.head = self.before.next()?;
        Ok(())
    }
}

/// Returns the covers of a segment once some of its rows are purged.
fn covers_after(input: &Segment, purged: &dyn Fn(u32) -> bool) -> Vec<Cover> {
    let mut covers: BTreeMap<WorkspaceUid, Cover> =
        input.purged_covers().iter().map(|cover| (cover.workspace, cover.clone())).collect();
    for (workspace, range) in input.workspaces() {
        let count = range.rows.filter(|row| purged(*row)).count() as u32;
        if count > 0 {
            let none = Cover { workspace, seqs: range.seqs, purged: 0 };
            covers.entry(workspace).or_insert(none).purged += count;
        }
    }
    covers.into_values().collect()
}

/// Reads a whole segment back and digests its rows, ids and purged leaves.
///
/// # Errors
/// A piece is damaged or cannot be read.
pub fn digest_of(segment: &Arc<Segment>) -> Result<MergeDigest, SegmentError> {
    let mut digests = Digests::default();
    segment.for_each_row(GroupSet::ALL, |row| {
        row.digest(&mut digests.rows);
        Ok::<_, SegmentError>(())
    })?;
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
