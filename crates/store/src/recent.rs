//! Recent: the events that are durable in the log and not yet in a segment.
//!
//! A [`Generation`] takes the events of consecutive frames until it is full, then it is frozen and
//! packed while the next one grows. Events are the log's own bytes, shared with the frame they came
//! in. Readers bound themselves by a position, so one generation serves every View that names it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use proofbook_ledger::{Hash, WorkspaceUid};

use crate::log::Position;
use crate::record::EventParts;

/// An event with its place.
#[derive(Clone, Debug)]
pub struct RecentEvent {
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
    bytes: Bytes,
}

impl RecentEvent {
    /// Takes an event whose bytes the fold has decoded already.
    pub(crate) fn new(
        position: Position,
        workspace: WorkspaceUid,
        seq: u64,
        recorded_at: i64,
        leaf: Hash,
        occurred_at: i64,
        bytes: Bytes,
    ) -> Self {
        Self { position, workspace, seq, recorded_at, leaf, occurred_at, bytes }
    }

    /// Returns the stored form.
    pub fn parts(&self) -> EventParts<'_> {
        EventParts::decode(&self.bytes).expect("the fold decoded these bytes before")
    }

    /// Returns how much memory the event holds, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.len() + size_of::<Self>() + 2 * size_of::<usize>()
    }
}

type Table = HashMap<WorkspaceUid, Vec<Arc<RecentEvent>>>;

/// The events of consecutive frames, by workspace and seq.
#[derive(Debug)]
pub struct Generation {
    /// Its frames are behind this position.
    pub after: Position,
    events: RwLock<Table>,
    memory_bytes: AtomicUsize,
    event_count: AtomicUsize,
}

impl Generation {
    /// Begins an empty generation behind a position.
    pub fn new(after: Position) -> Self {
        Self {
            after,
            events: RwLock::default(),
            memory_bytes: AtomicUsize::new(0),
            event_count: AtomicUsize::new(0),
        }
    }

    /// Adds the events of one frame, in the order in which they were folded.
    pub(crate) fn extend(&self, events: impl IntoIterator<Item = RecentEvent>) {
        let mut table = self.events.write().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            self.memory_bytes.fetch_add(event.memory_bytes(), Ordering::Relaxed);
            self.event_count.fetch_add(1, Ordering::Relaxed);
            table.entry(event.workspace).or_default().push(Arc::new(event));
        }
    }

    /// Returns a workspace's events up to and with a position, by ascending seq.
    pub fn workspace(&self, uid: WorkspaceUid, through: Position) -> Vec<Arc<RecentEvent>> {
        let table = self.events.read().unwrap_or_else(PoisonError::into_inner);
        let Some(events) = table.get(&uid) else { return Vec::new() };
        let count = events.partition_point(|event| event.position <= through);
        events[..count].to_vec()
    }

    /// Returns the workspaces that have events here, in the order of their ids.
    pub fn workspaces(&self) -> Vec<WorkspaceUid> {
        let table = self.events.read().unwrap_or_else(PoisonError::into_inner);
        let mut uids: Vec<WorkspaceUid> = table.keys().copied().collect();
        uids.sort_unstable();
        uids
    }

    /// Returns when the first of its events was recorded, microseconds UTC; `None` without any.
    pub fn first_recorded_at(&self) -> Option<i64> {
        let table = self.events.read().unwrap_or_else(PoisonError::into_inner);
        table.values().filter_map(|events| Some(events.first()?.recorded_at)).min()
    }

    /// Returns the memory it holds, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// Returns how many events it holds.
    pub fn event_count(&self) -> usize {
        self.event_count.load(Ordering::Relaxed)
    }
}
