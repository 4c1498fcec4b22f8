//! The Merkle tree of one workspace: leaves, tiles and proofs at any size up to the reader's head.
//!
//! The fold keeps one hash for each 256 leaves; below that, leaves are derived from the stored events,
//! at most a few blocks of 256 for a proof. Retention does not narrow what is read here: a tree has
//! every leaf it ever had, and a leaf tells nothing that is committed to.
//!
//! What stays out: signing, and who may see what.

use std::ops::Range;

use proofbook_ledger::proof::{self, ProveError};
use proofbook_ledger::tile::{TILE_HEIGHT, TILE_WIDTH, TileKind};
use proofbook_ledger::{Hash, Tile};
use proofbook_store::seal::Sealer;
use proofbook_store::segment::GroupSet;

use crate::error::QueryError;
use crate::found::Found;
use crate::reader::Reader;

/// Leaves of one block, whose root is an entry of level 1.
const BLOCK: u64 = TILE_WIDTH as u64;

/// What is there of one number.
#[derive(Clone, Debug)]
pub enum Leaf {
    /// Its event.
    Event(Box<Found>),
    /// Its event was purged, its leaf's hash stays.
    Purged(Hash),
}

impl Leaf {
    fn event(self) -> Option<Found> {
        match self {
            Self::Event(event) => Some(*event),
            Self::Purged(_) => None,
        }
    }
}

impl Reader {
    /// Returns the events with these numbers in their order, whether retention shows them or not; those
    /// that were purged are left out.
    ///
    /// # Errors
    /// [`QueryError::Damaged`] when one is missing or cannot be read.
    pub fn every(&self, seqs: Range<u64>) -> Result<Vec<Found>, QueryError> {
        let found = self.leaves(seqs)?;
        Ok(found.into_iter().filter_map(Leaf::event).collect())
    }

    /// Visits every event of the workspace that is there, whether retention shows it or not, in no order
    /// that is worth relying on.
    ///
    /// # Errors
    /// [`QueryError::Damaged`] when a segment cannot be read.
    pub fn for_each(&self, visit: &mut dyn FnMut(&Found)) -> Result<(), QueryError> {
        let (uid, size) = (self.workspace.uid, self.workspace.edge.size());
        let unread = |error| QueryError::unread(&error);
        for segment in self.view.segments.iter() {
            let Some(range) = segment.range(uid) else { continue };
            let rows: Vec<u32> = range.rows.collect();
            for chunk in rows.chunks(BLOCK as usize) {
                let read = segment.read_rows(chunk, GroupSet::ALL).map_err(unread)?;
                for row in read.iter().filter(|row| row.seq < size) {
                    visit(&Found::packed(self.workspace.clone(), row));
                }
            }
        }
        for generation in &self.view.generations {
            let events = generation.workspace(uid, self.view.position);
            for block in events.blocks() {
                let below = size.saturating_sub(block.seqs().start);
                for place in 0..block.len().min(usize::try_from(below).unwrap_or(usize::MAX)) {
                    visit(&Found::recent(self.workspace.clone(), block.clone(), place));
                }
            }
        }
        Ok(())
    }

    /// Returns what is there of these numbers, one after the other without gap.
    ///
    /// # Errors
    /// [`QueryError::Damaged`] when one is missing or cannot be read.
    pub fn leaves(&self, seqs: Range<u64>) -> Result<Vec<Leaf>, QueryError> {
        let end = seqs.end.min(self.workspace.edge.size());
        let count = end.saturating_sub(seqs.start) as usize;
        let mut found: Vec<Option<Leaf>> = (0..count).map(|_| None).collect();
        let uid = self.workspace.uid;
        let unread = |error| QueryError::unread(&error);
        for segment in self.view.segments.iter() {
            let mut put = |seq: u64, leaf| {
                if let Some(slot) = found.get_mut(seq.wrapping_sub(seqs.start) as usize) {
                    *slot = Some(Leaf::Purged(leaf));
                }
            };
            segment.for_each_purged(uid, seqs.start..end, &mut put).map_err(unread)?;
            let Some(range) = segment.range(uid) else { continue };
            let (from, to) = (range.seqs.start.max(seqs.start), range.seqs.end.min(end));
            let mut rows = Vec::new();
            for seq in from..to {
                if let Some(row) = segment.row_of_seq(uid, seq).map_err(unread)? {
                    rows.push(row);
                }
            }
            rows.sort_unstable();
            let read = segment.read_rows(&rows, GroupSet::ALL).map_err(unread)?;
            for row in read.iter() {
                let place = (row.seq.wrapping_sub(seqs.start)) as usize;
                if let Some(slot) = found.get_mut(place) {
                    let event = Found::packed(self.workspace.clone(), row);
                    *slot = Some(Leaf::Event(Box::new(event)));
                }
            }
        }
        for generation in &self.view.generations {
            let events = generation.workspace(uid, self.view.position);
            for (seq, slot) in (seqs.start..end).zip(&mut found) {
                if let Some((block, place)) = events.find(seq) {
                    let event = Found::recent(self.workspace.clone(), block.clone(), place);
                    *slot = Some(Leaf::Event(Box::new(event)));
                }
            }
        }
        let missing = found.iter().position(Option::is_none);
        if let Some(place) = missing {
            let what = format!("event {} of the workspace is missing", seqs.start + place as u64);
            return Err(QueryError::Damaged { what });
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Returns the hashes of the leaves with these numbers.
    ///
    /// # Errors
    /// [`QueryError::Damaged`] when an event is missing, cannot be read, or has no keys.
    pub fn leaf_hashes(&self, seqs: Range<u64>) -> Result<Vec<Hash>, QueryError> {
        let mut sealer = Sealer::default();
        let hash = |leaf: &Leaf| match leaf {
            Leaf::Purged(hash) => Ok(*hash),
            Leaf::Event(event) => event.leaf_with(&mut sealer).ok_or_else(|| QueryError::Damaged {
                what: format!("event {} of the workspace has no keys", event.seq()),
            }),
        };
        self.leaves(seqs)?.iter().map(hash).collect()
    }

    /// Returns the root of the first `size` leaves.
    ///
    /// # Errors
    /// [`QueryError::Damaged`] when the size is beyond the head, or a leaf cannot be derived.
    pub fn root_at(&self, size: u64) -> Result<Hash, QueryError> {
        self.check_size(size)?;
        proof::root(size, self.nodes()).map_err(prove_error)
    }

    /// Returns the path from a leaf to the root of a tree of `size` leaves.
    ///
    /// # Errors
    /// [`QueryError::Damaged`] when the leaf is not in that tree, the size is beyond the head, or a leaf
    /// cannot be derived.
    pub fn inclusion_proof(&self, seq: u64, size: u64) -> Result<Vec<Hash>, QueryError> {
        self.check_size(size)?;
        proof::inclusion_proof(seq, size, self.nodes()).map_err(prove_error)
    }

    /// Returns the proof that the tree of `size` leaves begins with its first `old_size`.
    ///
    /// # Errors
    /// As [`Reader::inclusion_proof`].
    pub fn consistency_proof(&self, old_size: u64, size: u64) -> Result<Vec<Hash>, QueryError> {
        self.check_size(size)?;
        proof::consistency_proof(old_size, size, self.nodes()).map_err(prove_error)
    }

    /// Returns the hashes by which the leaves of a range prove to be all of it.
    ///
    /// # Errors
    /// As [`Reader::inclusion_proof`].
    pub fn range_proof(&self, seqs: Range<u64>, size: u64) -> Result<Vec<Hash>, QueryError> {
        self.check_size(size)?;
        proof::range_proof(seqs.start, seqs.end, size, self.nodes()).map_err(prove_error)
    }

    /// Returns the hashes of a tile at the width it is named with; `None` when the tree has no such.
    ///
    /// # Errors
    /// [`QueryError::Damaged`] when a leaf cannot be derived.
    pub fn tile(&self, tile: Tile) -> Result<Option<Vec<Hash>>, QueryError> {
        let TileKind::Hashes(level) = tile.kind() else { return Ok(None) };
        if !tile.exists_at(self.workspace.edge.size()) {
            return Ok(None);
        }
        let first = tile.index() * BLOCK;
        let entries = first..first + u64::from(tile.width());
        if level == 0 {
            return self.leaf_hashes(entries).map(Some);
        }
        let height = TILE_HEIGHT * u32::from(level);
        Ok(entries.map(|index| self.workspace.upper.node(height, index)).collect())
    }

    fn check_size(&self, size: u64) -> Result<(), QueryError> {
        let head = self.workspace.edge.size();
        if size <= head {
            return Ok(());
        }
        Err(QueryError::Damaged { what: format!("the tree has {head} leaves and not {size}") })
    }

    /// Returns the source of full nodes that proofs are made from: (height, index) to the root over
    /// leaves index·2^height ..< (index + 1)·2^height.
    pub fn nodes(&self) -> impl FnMut(u32, u64) -> Result<Hash, QueryError> {
        // Neighbouring nodes of a proof are in the same block.
        let mut block: Option<(u64, Vec<Hash>)> = None;
        move |height, index| {
            if let Some(node) = self.workspace.upper.node(height, index) {
                return Ok(node);
            }
            let first = index << height;
            let number = first / BLOCK;
            if block.as_ref().is_none_or(|(known, _)| *known != number) {
                let leaves = self.leaf_hashes(number * BLOCK..(number + 1) * BLOCK)?;
                block = Some((number, leaves));
            }
            let leaves = block.as_ref().map(|(_, leaves)| leaves.as_slice()).unwrap_or_default();
            let within = (first % BLOCK) as usize;
            let below = leaves.get(within..within + (1 << height));
            let below = below.ok_or_else(|| QueryError::Damaged {
                what: format!("leaves behind {first} of the workspace are missing"),
            })?;
            proof::root(1 << height, proof::nodes_of(below)).map_err(|_| QueryError::Damaged {
                what: format!("leaves behind {first} of the workspace make no node"),
            })
        }
    }
}

fn prove_error(error: ProveError<QueryError>) -> QueryError {
    match error {
        ProveError::Node { source, .. } => source,
        outside @ ProveError::Outside { .. } => QueryError::Damaged { what: outside.to_string() },
    }
}
