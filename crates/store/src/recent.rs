//! Recent: the events that are durable in the log and not yet in a segment.
//!
//! A [`Generation`] takes the events of consecutive frames until it is full, then it is frozen and
//! packed while the next one grows. Events are the log's own bytes, shared with the frame they came
//! in. They stand in [`chunk`]s that only grow at their end, so a reader takes a picture of a
//! workspace by counting chunks, not events, and bounds it by a position: one generation serves every
//! View that names it.

pub mod chunk;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use proofbook_ledger::{Hash, WorkspaceUid};

use crate::log::Position;
use crate::record::EventParts;

use chunk::{Chunk, RecentBlock, Slot};

/// The body of a frame, which the events that came in it share.
#[derive(Debug)]
pub(crate) struct FrameBody {
    /// Which frame.
    pub(crate) position: Position,
    /// Its records.
    pub(crate) bytes: Bytes,
}

/// An event that the fold just gave its place, on its way into recent.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Its workspace.
    pub workspace: WorkspaceUid,
    /// Its number in its workspace.
    pub seq: u64,
    slot: Slot,
}

impl Arrival {
    /// Takes an event whose bytes, a part of the frame's body, the fold has decoded already.
    pub(crate) fn new(
        frame: &Arc<FrameBody>,
        workspace: WorkspaceUid,
        seq: u64,
        recorded_at: i64,
        leaf: Hash,
        occurred_at: i64,
        bytes: &[u8],
    ) -> Self {
        // Frames are far below 4 GiB, see `limits::FRAME_RAW_BYTES_MAX`.
        let at = (bytes.as_ptr().addr() - frame.bytes.as_ptr().addr()) as u32;
        let len = bytes.len() as u32;
        debug_assert_eq!(frame.bytes.get(at as usize..(at + len) as usize), Some(bytes));
        let slot = Slot { frame: frame.clone(), at, len, recorded_at, occurred_at, leaf };
        Self { workspace, seq, slot }
    }

    /// Returns the event as readers see it.
    pub fn event(&self) -> RecentEvent<'_> {
        self.slot.event(self.workspace, self.seq)
    }
}

/// An event with its place.
#[derive(Clone, Copy, Debug)]
pub struct RecentEvent<'a> {
    /// The frame it came in.
    pub position: Position,
    /// Its workspace.
    pub workspace: WorkspaceUid,
    /// Its number in its workspace.
    pub seq: u64,
    /// When it was recorded, microseconds UTC.
    pub recorded_at: i64,
    /// Its leaf's hash.
    pub leaf: Hash,
    /// When it happened, microseconds UTC.
    pub occurred_at: i64,
    bytes: &'a [u8],
}

impl<'a> RecentEvent<'a> {
    /// Returns the stored form.
    pub fn parts(&self) -> EventParts<'a> {
        EventParts::decode(self.bytes).expect("the fold decoded these bytes before")
    }

    /// Touches the event's bytes, so that they are near when they are needed soon: one wait for memory
    /// instead of one for each part.
    pub(crate) fn ask_for(&self) {
        const LINE_BYTES: usize = 64;
        let lines = self.bytes.iter().step_by(LINE_BYTES);
        std::hint::black_box(lines.fold(0, |seen, byte| seen ^ byte));
    }

    /// Returns the bytes that [`RecentEvent::parts`] are read from.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// A workspace's events of one generation up to a position, by ascending seq.
#[derive(Clone, Debug, Default)]
pub struct RecentEvents {
    blocks: Vec<RecentBlock>,
}

impl RecentEvents {
    /// Returns the events in the blocks they stand in, which are never empty.
    pub fn blocks(&self) -> &[RecentBlock] {
        &self.blocks
    }

    /// Takes the blocks out.
    pub fn into_blocks(self) -> Vec<RecentBlock> {
        self.blocks
    }

    /// Yields the events by ascending seq.
    pub fn iter(&self) -> impl Iterator<Item = RecentEvent<'_>> {
        self.blocks.iter().flat_map(RecentBlock::iter)
    }

    /// Finds an event by its number: its block, and its place in there.
    pub fn find(&self, seq: u64) -> Option<(&RecentBlock, usize)> {
        let at = self.blocks.partition_point(|block| block.seqs().end <= seq);
        let block = self.blocks.get(at).filter(|block| block.seqs().contains(&seq))?;
        Some((block, (seq - block.seqs().start) as usize))
    }

    /// Returns an event by its number.
    pub fn get(&self, seq: u64) -> Option<RecentEvent<'_>> {
        self.find(seq).map(|(block, place)| block.event(place))
    }
}

/// A workspace's chunks.
#[derive(Debug, Default)]
struct Shelf {
    chunks: Vec<Arc<Chunk>>,
    /// Events in the last chunk; the others are full, or were ended.
    last_len: usize,
}

/// The events of consecutive frames, by workspace and seq.
#[derive(Debug)]
pub struct Generation {
    /// Its frames are behind this position.
    pub after: Position,
    shelves: RwLock<HashMap<WorkspaceUid, Shelf>>,
    memory_bytes: Arc<AtomicUsize>,
    event_count: AtomicUsize,
}

/// What a workspace costs beside its chunks, with the free places of the table.
const SHELF_BYTES: usize = 2 * size_of::<(WorkspaceUid, Shelf)>() + 32;
/// What a frame's body costs beside its bytes.
const FRAME_BYTES: usize = size_of::<FrameBody>() + 64;

impl Generation {
    /// Begins an empty generation behind a position.
    pub fn new(after: Position) -> Self {
        Self {
            after,
            shelves: RwLock::default(),
            memory_bytes: Arc::default(),
            event_count: AtomicUsize::new(0),
        }
    }

    /// Adds events in the order in which they were folded; those of one frame together.
    pub(crate) fn extend(&self, arrivals: impl IntoIterator<Item = Arrival>) {
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        let mut frame: Option<Arc<FrameBody>> = None;
        let (mut bytes, mut count) = (0, 0);
        for Arrival { workspace, seq, slot } in arrivals {
            if frame.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &slot.frame)) {
                bytes += slot.frame.bytes.len() + FRAME_BYTES;
                frame = Some(slot.frame.clone());
            }
            let shelf = shelves.entry(workspace).or_insert_with(|| {
                bytes += SHELF_BYTES;
                Shelf::default()
            });
            bytes += shelf.push(workspace, seq, slot, &self.memory_bytes);
            count += 1;
        }
        drop(shelves);
        self.memory_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.event_count.fetch_add(count, Ordering::Relaxed);
    }

    /// Returns a workspace's events up to and with a position.
    pub fn workspace(&self, uid: WorkspaceUid, through: Position) -> RecentEvents {
        let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
        let Some(shelf) = shelves.get(&uid) else { return RecentEvents::default() };
        let mut blocks: Vec<RecentBlock> = shelf.chunks.iter().map(RecentBlock::whole).collect();
        if let Some(last) = blocks.last_mut() {
            last.keep_first(shelf.last_len);
        }
        drop(shelves);
        while let Some(last) = blocks.last_mut() {
            last.keep_through(through);
            if !last.is_empty() {
                break;
            }
            blocks.pop();
        }
        RecentEvents { blocks }
    }

    /// Returns the workspaces that have events here, in the order of their ids.
    pub fn workspaces(&self) -> Vec<WorkspaceUid> {
        let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
        let mut uids: Vec<WorkspaceUid> = shelves.keys().copied().collect();
        uids.sort_unstable();
        uids
    }

    /// Returns when the first of its events was recorded, microseconds UTC; `None` without any.
    pub fn first_recorded_at(&self) -> Option<i64> {
        let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
        let first = |shelf: &Shelf| shelf.chunks.first()?.first_recorded_at();
        shelves.values().filter_map(first).min()
    }

    /// Returns the memory it holds, in bytes: bodies of frames, chunks, and what readers made of them.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// Returns how many events it holds.
    pub fn event_count(&self) -> usize {
        self.event_count.load(Ordering::Relaxed)
    }
}

impl Shelf {
    /// Adds an event and returns the bytes that were allocated for it.
    fn push(
        &mut self,
        workspace: WorkspaceUid,
        seq: u64,
        slot: Slot,
        memory: &Arc<AtomicUsize>,
    ) -> usize {
        let slot = match self.chunks.last() {
            Some(last) => match last.put(self.last_len, seq, slot) {
                Ok(()) => {
                    self.last_len += 1;
                    return 0;
                }
                Err(slot) => slot,
            },
            None => slot,
        };
        // As a vector grows, 2 2 4 8 and so on: at most half of the places are empty.
        let capacity = match self.chunks.as_slice() {
            [] | [_] => chunk::EVENTS_MIN,
            [.., last] => (2 * last.capacity()).min(chunk::EVENTS_MAX),
        };
        let (chunk, bytes) = Chunk::begin(workspace, seq, slot, capacity, memory.clone());
        self.chunks.push(Arc::new(chunk));
        self.last_len = 1;
        bytes
    }
}

#[cfg(test)]
mod tests;
