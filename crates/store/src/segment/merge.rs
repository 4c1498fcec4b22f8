//! Merging segments into one, row by row, and writing one again without some of its values.
//!
//! Inputs are read as streams and merged by (workspace, occurred_at, seq), so memory is one block and
//! one page a column for each input, whatever their size. Rows go over as they are stored, column by
//! column: nothing is put together and taken apart again. Ids follow, merged by (workspace, hash, seq),
//! and the leaf hashes of purged events by (workspace, seq). The digest over everything that went in
//! ([`super::digests`]) must be the digest of what is read back.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proofbook_event::Group;
use proofbook_ledger::{Hash, WorkspaceUid};
use sha2::{Digest, Sha256};

use super::Row;
use super::digests::{Digests, MergeDigest};
use super::error::SegmentError;
use super::id_lookup::IdStream;
use super::join::Joiner;
use super::lift::{Splitter, Values, actor_name};
use super::purged::{Cover, PurgedLeaf, PurgedStream};
use super::reader::Segment;
use super::rows::{GroupSet, with_groups};
use super::stream::{NO_CODES, RowStream, StoredRow, StoredStream};
use super::writer::SegmentWriter;

/// Writes the rows, ids and purged leaves of `inputs` to `writer` in order and returns their digest.
///
/// The caller finishes the writer, opens what it made, and compares its [`super::digest_of`] with this one
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
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((id, number)) = &mut *head;
        digests.id(id);
        writer.put_id(&id.workspace, id.seq, id.hash, id.fingerprint)?;
        match streams[*number].next()? {
            Some(next) => *id = next,
            None => drop(PeekMut::pop(head)),
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
        let mut stream = StoredStream::new(Arc::clone(input), GroupSet::ALL);
        if stream.advance()? {
            heads.push(Reverse((stream.key(), number)));
        }
        streams.push(stream);
    }
    while let Some(mut head) = heads.peek_mut() {
        if stopping.load(Ordering::Relaxed) {
            return Err(SegmentError::Stopped);
        }
        let Reverse((key, number)) = &mut *head;
        let stream = &mut streams[*number];
        let stored = stream.stored();
        digests.row(&stored, *number);
        writer.push_stored(&stored, *number)?;
        match stream.advance()? {
            true => *key = stream.key(),
            false => drop(PeekMut::pop(head)),
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
    let mut erasing = Erasing::default();
    let mut number = 0;
    while stream.advance()? {
        let row = stream.row();
        if new.first().is_some_and(|first| first.workspace != row.workspace) {
            purging.end_workspace(&mut new, writer, &mut digests)?;
        }
        match fate(number, &row)? {
            Rewrite::Keep => {
                let stored = stream.stored();
                digests.row(&stored, 0);
                writer.push_stored(&stored, 0)?;
            }
            Rewrite::Purge(leaf) => {
                new.push(PurgedLeaf { workspace: row.workspace, seq: row.seq, leaf });
            }
            Rewrite::Erase { groups, withheld, hides_action } => {
                let mut row = row;
                for group in Group::ALL {
                    if groups.contains(group) {
                        row.groups.set(group, None);
                    }
                }
                row.withheld = &withheld;
                if hides_action {
                    row.action = "other";
                }
                let stored = erasing.stored(&row)?;
                digests.row(&stored, 0);
                writer.push_stored(&stored, 0)?;
            }
        }
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

/// Spreads rows over columns again that some groups went from: a sentence may name what is gone.
#[derive(Default)]
struct Erasing {
    splitter: Splitter,
    joined: Vec<u8>,
}

impl Erasing {
    fn stored<'r>(&'r mut self, row: &Row<'r>) -> Result<StoredRow<'r>, SegmentError> {
        let values: Values<'r> = self.splitter.split(&row.groups, row.withheld).values;
        let bare = Row { groups: Default::default(), withheld: &[], ..*row };
        // The digest is over values, so it would not notice values that make another row.
        let actor_name = values[Group::Actor.index()].and_then(actor_name);
        self.joined.clear();
        let places = Joiner::default().join_row(
            &values,
            &NO_CODES,
            actor_name,
            GroupSet::ALL,
            &mut self.joined,
        );
        if with_groups(bare, &places, &self.joined) != *row {
            return Err(SegmentError::refused("a row that some groups went from is another row"));
        }
        Ok(StoredRow { row: bare, values, codes: NO_CODES, row_group: 0, actor_name })
    }
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
