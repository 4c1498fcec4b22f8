//! Asking the index of ids: one id, or all entries in order.

use std::sync::Arc;

use proofbook_ledger::WorkspaceUid;

use super::error::SegmentError;
use super::fuse::Fuse;
use super::ids::{self, Entry};
use super::reader::{File, Segment};

/// What the filters over ids are asked for: it depends on no segment.
#[derive(Clone, Copy)]
pub(crate) struct IdKey {
    hash: u32,
    filter_key: u64,
}

impl IdKey {
    /// Takes the keyed hash of an id of a workspace.
    pub(crate) fn new(workspace: WorkspaceUid, id_hash: u64) -> Self {
        let hash = ids::stored_part(id_hash);
        Self { hash, filter_key: ids::filter_key(&workspace, hash) }
    }

    /// Returns 64 bits that say both, mixed.
    pub(crate) fn mixed(self) -> u64 {
        self.filter_key
    }
}

impl Segment {
    /// Loads the filters over ids; `None` for a damaged one, without which ids are found all the same.
    pub(super) fn load_id_filters(&self) -> Result<Vec<Option<Fuse>>, SegmentError> {
        let load = |piece| match self.load_packed(File::Idx, piece, ids::FILTER) {
            Ok(bytes) => Ok(Fuse::decode(&bytes).ok()),
            Err(SegmentError::Damaged(_)) => Ok(None),
            Err(error) => Err(error),
        };
        self.directory.id_shards.pieces.iter().map(load).collect()
    }

    /// Finds events by the keyed hash of their id: seq and stored fingerprint of each candidate.
    ///
    /// A candidate has the same upper 32 bits of the hash; whether it is the same id, the stored id
    /// tells. An id that is not here is mostly answered from memory.
    ///
    /// # Errors
    /// The piece that may hold the id is damaged or cannot be read. Of a segment without its index only
    /// the ids that it does hold are errors.
    pub fn lookup_id(
        &self,
        workspace: WorkspaceUid,
        id_hash: u64,
    ) -> Result<Vec<(u64, u32)>, SegmentError> {
        match self.place_of(workspace) {
            Some(place) => self.lookup_id_at(place, id_hash),
            None => Ok(Vec::new()),
        }
    }

    /// Returns the place of a workspace among the segment's.
    pub(crate) fn place_of(&self, workspace: WorkspaceUid) -> Option<usize> {
        self.directory.workspaces.find(&workspace)
    }

    /// As [`Segment::place_of`], of workspaces that come ascending; `from` begins at 0.
    pub(crate) fn place_after(&self, workspace: WorkspaceUid, from: &mut usize) -> Option<usize> {
        self.directory.workspaces.find_after(&workspace, from)
    }

    /// Tells from memory whether a workspace, by its place, may have an id here.
    pub(crate) fn may_hold_id(&self, place: usize, key: IdKey) -> bool {
        if self.salvaged.is_some() {
            return true;
        }
        let first_keys = &self.directory.id_shards.first_keys;
        let sought = (place as u32, key.hash);
        let shard = first_keys.partition_point(|first| *first <= sought).checked_sub(1);
        let filter = shard.and_then(|shard| self.id_filters.get(shard));
        let may_contain =
            |filter: &Option<Fuse>| filter.as_ref().is_none_or(|f| f.may_contain(key.filter_key));
        filter.is_some_and(may_contain)
    }

    /// Like [`Segment::lookup_id`], for a workspace by its place.
    pub(crate) fn lookup_id_at(
        &self,
        place: usize,
        id_hash: u64,
    ) -> Result<Vec<(u64, u32)>, SegmentError> {
        let workspaces = &self.directory.workspaces;
        let workspace = workspaces.uid(place);
        if let Some(salvaged) = &self.salvaged {
            return match salvaged.ids.seq_of(workspace, id_hash) {
                Some(_) => Err(salvaged.damage.clone().into()),
                None => Ok(Vec::new()),
            };
        }
        let sought = IdKey::new(workspace, id_hash);
        if !self.may_hold_id(place, sought) {
            return Ok(Vec::new());
        }
        let key = (place as u32, sought.hash);
        let seq_start = workspaces.range(place).seqs.start;
        let blocks = &self.directory.id_blocks;
        // Entries with this very key may begin at the end of the block before the first that starts
        // with it.
        let from = blocks.first_keys.partition_point(|first| *first < key).saturating_sub(1);
        let mut found = Vec::new();
        for (block, first) in blocks.first_keys.iter().enumerate().skip(from) {
            if *first > key {
                break;
            }
            self.visit_id_block(block, |place, entry| {
                if (place, entry.hash) == key {
                    found.push((seq_start + u64::from(entry.seq), entry.fingerprint));
                }
                (place, entry.hash) <= key
            })?;
        }
        Ok(found)
    }

    fn visit_id_block(
        &self,
        block: usize,
        visit: impl FnMut(u32, Entry) -> bool,
    ) -> Result<(), SegmentError> {
        let blocks = &self.directory.id_blocks;
        let piece = blocks.pieces.get(block);
        let piece = piece.ok_or_else(|| self.inconsistent("a block of ids is missing"))?;
        let bytes = self.load_packed(File::Idx, piece, ids::BLOCK)?;
        let rows_of = |place| self.directory.workspaces.seq_count_of(place);
        ids::decode_block(&bytes, blocks.first_keys[block].0, rows_of, visit)
            .map_err(|_| self.undecodable(File::Idx, piece, ids::BLOCK))
    }
}

/// An entry of the index of ids, as merging sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StoredId {
    pub(super) workspace: WorkspaceUid,
    pub(super) hash: u32,
    pub(super) seq: u64,
    pub(super) fingerprint: u32,
}

/// Every entry of a segment's index of ids in order, one block in memory at a time.
pub(super) struct IdStream {
    segment: Arc<Segment>,
    next_block: usize,
    entries: std::vec::IntoIter<StoredId>,
}

impl IdStream {
    pub(super) fn new(segment: Arc<Segment>) -> Self {
        Self { segment, next_block: 0, entries: Vec::new().into_iter() }
    }

    /// Returns the next entry; `None` behind the last one.
    pub(super) fn next(&mut self) -> Result<Option<StoredId>, SegmentError> {
        loop {
            if let Some(entry) = self.entries.next() {
                return Ok(Some(entry));
            }
            if self.next_block >= self.segment.directory.id_blocks.first_keys.len() {
                return Ok(None);
            }
            let workspaces = &self.segment.directory.workspaces;
            let mut entries = Vec::with_capacity(ids::BLOCK_ENTRIES);
            // The entries of a workspace follow each other.
            let mut here: Option<(u32, WorkspaceUid, u64)> = None;
            self.segment.visit_id_block(self.next_block, |place, entry| {
                let (_, workspace, seq_start) = match here {
                    Some(known) if known.0 == place => known,
                    _ => {
                        let (uid, range) =
                            (workspaces.uid(place as usize), workspaces.range(place as usize));
                        *here.insert((place, uid, range.seqs.start))
                    }
                };
                entries.push(StoredId {
                    workspace,
                    hash: entry.hash,
                    seq: seq_start + u64::from(entry.seq),
                    fingerprint: entry.fingerprint,
                });
                true
            })?;
            self.next_block += 1;
            self.entries = entries.into_iter();
        }
    }
}
