//! What a segment keeps of purged events: their leaf hashes, and which seqs it answers for.
//!
//! A row that is purged leaves its leaf's hash behind, so that tree, proofs and receipts stay what
//! they were. Per workspace a segment answers for one contiguous range of seqs, its *cover*: rows and
//! purged seqs fill it without gap. A workspace all of whose rows went has a cover and no rows.
//!
//! ```text
//! piece  uleb runs, then for each run: uleb workspaces passed over (among those with purged seqs),
//!        uleb seqs passed over (from the cover's first seq, or behind the run before in the same
//!        workspace), uleb seqs; then the leaf hashes of all runs, 32 bytes each
//! ```
//! A piece holds at most [`PIECE_LEAVES`] hashes, so an event costs 32 bytes and a share of some 40.
//! Hashes do not compress, so pieces are not packed.

use std::ops::Range;
use std::sync::Arc;

use proofbook_ledger::{Hash, WorkspaceUid};

use crate::codec::{DecodeError, Decoder, Encode};

use super::directory::Pieces;
use super::error::SegmentError;
use super::out::OutFile;
use super::reader::{File, Segment};

/// Leaf hashes of one piece.
const PIECE_LEAVES: usize = 4096;
/// What a damaged piece is called.
pub(super) const PIECE: &str = "leaf hashes of purged events";

/// The seqs of one workspace that a segment answers for, when some of them are purged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The workspace.
    pub workspace: WorkspaceUid,
    /// The seqs: rows and purged ones together.
    pub seqs: Range<u64>,
    /// How many of them are purged, at least 1.
    pub purged: u32,
}

/// The leaf of a purged event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgedLeaf {
    /// Its workspace.
    pub workspace: WorkspaceUid,
    /// Its number.
    pub seq: u64,
    /// The hash of its leaf.
    pub leaf: Hash,
}

/// The purged events of a segment as its directory knows them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Purged {
    /// By workspace uid.
    pub(super) covers: Vec<Cover>,
    pub(super) pieces: Pieces,
    /// For each piece: number of the cover, first seq.
    first_keys: Vec<(u32, u64)>,
}

impl Purged {
    pub(super) fn is_empty(&self) -> bool {
        self.covers.is_empty()
    }

    pub(super) fn find(&self, workspace: WorkspaceUid) -> Option<&Cover> {
        let at = self.covers.binary_search_by_key(&workspace, |cover| cover.workspace).ok()?;
        self.covers.get(at)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.covers.capacity() * size_of::<Cover>()
            + self.pieces.memory_bytes()
            + self.first_keys.capacity() * size_of::<(u32, u64)>()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.put_varint(self.covers.len() as u64);
        for cover in &self.covers {
            out.put_raw(&cover.workspace.0);
            out.put_varint(cover.seqs.start);
            out.put_varint(cover.seqs.end - cover.seqs.start);
            out.put_varint(u64::from(cover.purged));
        }
        self.pieces.encode(out);
        for (place, seq) in &self.first_keys {
            out.put_varint(u64::from(*place));
            out.put_varint(*seq);
        }
    }

    pub(super) fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let bad = || DecodeError::Unknown("purged seqs");
        let count = from.varint_u32("covers")?;
        let mut covers: Vec<Cover> = Vec::new();
        for _ in 0..count {
            let workspace = WorkspaceUid(from.array("a workspace's id")?);
            let start = from.varint("a seq")?;
            let end = start.checked_add(from.varint("seqs")?).ok_or_else(bad)?;
            let purged = from.varint_u32("purged seqs")?;
            let ascends = covers.last().is_none_or(|last| last.workspace < workspace);
            if !ascends || purged == 0 || u64::from(purged) > end - start {
                return Err(bad());
            }
            covers.push(Cover { workspace, seqs: start..end, purged });
        }
        let pieces = Pieces::decode(from)?;
        let mut first_keys = Vec::with_capacity(pieces.len());
        for _ in 0..pieces.len() {
            first_keys.push((from.varint_u32("a workspace")?, from.varint("a seq")?));
        }
        let inside = first_keys.iter().all(|(place, _)| *place < count);
        if !inside || !first_keys.is_sorted() {
            return Err(bad());
        }
        Ok(Self { covers, pieces, first_keys })
    }
}

/// Purged seqs behind each other.
struct Run {
    place: u32,
    start: u64,
    count: u32,
}

/// Writes leaf hashes as they come by workspace and seq.
#[derive(Default)]
pub(super) struct PurgedOut {
    done: Purged,
    /// How many came for each cover.
    came: Vec<u32>,
    /// Cover and seq that came last.
    last: Option<(u32, u64)>,
    runs: Vec<Run>,
    hashes: Vec<u8>,
}

impl PurgedOut {
    /// Says which seqs will come; covers ascend by workspace.
    pub(super) fn expect(&mut self, covers: Vec<Cover>) {
        self.came = vec![0; covers.len()];
        self.done.covers = covers;
    }

    pub(super) fn put(
        &mut self,
        purged: &PurgedLeaf,
        idx: &mut OutFile,
    ) -> Result<(), SegmentError> {
        let PurgedLeaf { workspace, seq, leaf } = *purged;
        let covers = &self.done.covers;
        let place = covers.binary_search_by_key(&workspace, |cover| cover.workspace).ok();
        let place = place.filter(|place| covers[*place].seqs.contains(&seq));
        let Some(place) = place.map(|place| place as u32) else {
            return Err(SegmentError::refused("a purged seq outside of its segment's cover"));
        };
        if self.last.is_some_and(|last| last >= (place, seq)) {
            return Err(SegmentError::refused("purged seqs do not ascend"));
        }
        if self.hashes.len() >= PIECE_LEAVES * 32 {
            self.end_piece(idx)?;
        }
        self.last = Some((place, seq));
        self.came[place as usize] += 1;
        self.hashes.extend_from_slice(&leaf.0);
        match self.runs.last_mut() {
            Some(run) if run.place == place && run.start + u64::from(run.count) == seq => {
                run.count += 1;
            }
            _ => self.runs.push(Run { place, start: seq, count: 1 }),
        }
        Ok(())
    }

    fn end_piece(&mut self, idx: &mut OutFile) -> Result<(), SegmentError> {
        let Some(first) = self.runs.first() else { return Ok(()) };
        self.done.first_keys.push((first.place, first.start));
        let mut bytes = Vec::with_capacity(self.hashes.len() + 64);
        bytes.put_varint(self.runs.len() as u64);
        let (mut place, mut end) = (first.place, first.start);
        for run in &self.runs {
            bytes.put_varint(u64::from(run.place - place));
            if run.place != place {
                end = self.done.covers[run.place as usize].seqs.start;
                place = run.place;
            }
            bytes.put_varint(run.start - end);
            bytes.put_varint(u64::from(run.count));
            end = run.start + u64::from(run.count);
        }
        bytes.append(&mut self.hashes);
        self.runs.clear();
        let piece = idx.put_piece(&bytes)?;
        self.done.pieces.push(piece);
        Ok(())
    }

    /// Writes what is left. `rows_of` says how many rows a workspace has: together with its purged
    /// seqs they must fill its cover.
    pub(super) fn finish(
        mut self,
        idx: &mut OutFile,
        rows_of: impl Fn(WorkspaceUid) -> u64,
    ) -> Result<Purged, SegmentError> {
        self.end_piece(idx)?;
        for (cover, came) in self.done.covers.iter().zip(&self.came) {
            let length = cover.seqs.end - cover.seqs.start;
            if *came != cover.purged || rows_of(cover.workspace) + u64::from(*came) != length {
                return Err(SegmentError::refused(format!(
                    "rows and purged seqs of workspace {} do not fill their range",
                    cover.workspace
                )));
            }
        }
        Ok(self.done)
    }
}

impl Segment {
    /// Yields every workspace with the seqs that this segment answers for, rows and purged ones
    /// together, by uid.
    pub fn covers(&self) -> Vec<(WorkspaceUid, Range<u64>)> {
        let mut covers: Vec<_> = self.directory.purged.covers.to_vec();
        let rows = self.workspaces().filter(|(uid, _)| self.directory.purged.find(*uid).is_none());
        covers.extend(rows.map(|(workspace, range)| Cover {
            workspace,
            seqs: range.seqs,
            purged: 0,
        }));
        covers.sort_unstable_by_key(|cover| cover.workspace);
        covers.into_iter().map(|cover| (cover.workspace, cover.seqs)).collect()
    }

    /// Returns the seqs of a workspace that this segment answers for, rows and purged ones together.
    pub fn cover(&self, workspace: WorkspaceUid) -> Option<Range<u64>> {
        match self.directory.purged.find(workspace) {
            Some(cover) => Some(cover.seqs.clone()),
            None => self.range(workspace).map(|range| range.seqs),
        }
    }

    /// Returns the covers of workspaces that have purged seqs here, by uid.
    pub fn purged_covers(&self) -> &[Cover] {
        &self.directory.purged.covers
    }

    /// Returns how many purged events the segment keeps the leaf hashes of.
    pub fn purged_count(&self) -> u64 {
        self.directory.purged.covers.iter().map(|cover| u64::from(cover.purged)).sum()
    }

    /// Visits the leaf hashes of a workspace's purged events within a range of seqs, ascending.
    ///
    /// # Errors
    /// A piece is damaged or cannot be read.
    pub fn for_each_purged(
        &self,
        workspace: WorkspaceUid,
        seqs: Range<u64>,
        mut visit: impl FnMut(u64, Hash),
    ) -> Result<(), SegmentError> {
        let purged = &self.directory.purged;
        let place = purged.covers.binary_search_by_key(&workspace, |cover| cover.workspace);
        let Ok(place) = place.map(|place| place as u32) else { return Ok(()) };
        let from = purged.first_keys.partition_point(|key| *key <= (place, seqs.start));
        for piece in from.saturating_sub(1)..purged.pieces.len() {
            if purged.first_keys[piece] >= (place, seqs.end) {
                break;
            }
            for leaf in self.purged_piece(piece)? {
                if leaf.workspace == workspace && seqs.contains(&leaf.seq) {
                    visit(leaf.seq, leaf.leaf);
                }
            }
        }
        Ok(())
    }

    fn purged_piece(&self, index: usize) -> Result<Vec<PurgedLeaf>, SegmentError> {
        let purged = &self.directory.purged;
        let piece = purged.pieces.get(index);
        let piece = piece.ok_or_else(|| self.inconsistent("a piece of leaf hashes is missing"))?;
        let bytes = self.load_packed(File::Idx, piece, PIECE)?;
        let decoded = decode_piece(&bytes, purged.first_keys[index], &purged.covers);
        decoded.map_err(|_| self.undecodable(File::Idx, piece, PIECE))
    }
}

fn decode_piece(
    bytes: &[u8],
    first: (u32, u64),
    covers: &[Cover],
) -> Result<Vec<PurgedLeaf>, DecodeError> {
    let bad = || DecodeError::Unknown("leaf hashes");
    let mut from = Decoder::new(bytes);
    let (mut place, mut end) = first;
    let mut seqs: Vec<(WorkspaceUid, u64)> = Vec::new();
    for _ in 0..from.varint("runs")? {
        let step = from.varint_u32("workspaces")?;
        place = place.checked_add(step).ok_or_else(bad)?;
        let cover = covers.get(place as usize).ok_or_else(bad)?;
        if step > 0 {
            end = cover.seqs.start;
        }
        let start = end.checked_add(from.varint("seqs")?).ok_or_else(bad)?;
        let count = from.varint("seqs")?;
        end = start.checked_add(count).filter(|end| *end <= cover.seqs.end).ok_or_else(bad)?;
        if count == 0 || seqs.len() as u64 + count > PIECE_LEAVES as u64 {
            return Err(bad());
        }
        seqs.extend((start..end).map(|seq| (cover.workspace, seq)));
    }
    let hashes = from.rest();
    if hashes.len() != seqs.len() * 32 {
        return Err(bad());
    }
    let hashes = hashes.as_chunks::<32>().0.iter();
    let leaf = |((workspace, seq), hash): ((WorkspaceUid, u64), &[u8; 32])| PurgedLeaf {
        workspace,
        seq,
        leaf: Hash(*hash),
    };
    Ok(seqs.into_iter().zip(hashes).map(leaf).collect())
}

/// Every purged event of a segment by workspace and seq, one piece in memory at a time.
pub(crate) struct PurgedStream {
    segment: Arc<Segment>,
    next_piece: usize,
    leaves: std::vec::IntoIter<PurgedLeaf>,
}

impl PurgedStream {
    pub(crate) fn new(segment: Arc<Segment>) -> Self {
        Self { segment, next_piece: 0, leaves: Vec::new().into_iter() }
    }

    /// Returns the next one; `None` behind the last.
    pub(crate) fn next(&mut self) -> Result<Option<PurgedLeaf>, SegmentError> {
        loop {
            if let Some(leaf) = self.leaves.next() {
                return Ok(Some(leaf));
            }
            if self.next_piece >= self.segment.directory.purged.pieces.len() {
                return Ok(None);
            }
            self.leaves = self.segment.purged_piece(self.next_piece)?.into_iter();
            self.next_piece += 1;
        }
    }
}
