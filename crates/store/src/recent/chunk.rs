//! A chunk: consecutive events of one workspace, without gap, that are added at the end and never
//! moved; and what readers made of it, so that not every query reads every event.
//!
//! A place is written once and then shared, so readers need no lock: a [`RecentBlock`] is a chunk and
//! how many of its events belong to the reader's picture.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use proofbook_event::Outcome;
use proofbook_ledger::{Hash, WorkspaceUid};

use crate::log::Position;

use super::{FrameBody, RecentEvent};

/// Places of a workspace's first chunk.
pub(super) const EVENTS_MIN: usize = 2;
/// Most places of a chunk: the counterpart of a segment's block.
pub const EVENTS_MAX: usize = 1024;

/// One event; its workspace and seq follow from the chunk.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) frame: Arc<FrameBody>,
    /// Where its bytes begin in the frame's body.
    pub(super) at: u32,
    pub(super) len: u32,
    pub(super) recorded_at: i64,
    pub(super) occurred_at: i64,
    pub(super) leaf: Hash,
}

/// What an event of recent costs beside its frame's bytes.
const _: () = assert!(size_of::<OnceLock<Slot>>() == 72);

impl Slot {
    pub(super) fn event(&self, workspace: WorkspaceUid, seq: u64) -> RecentEvent<'_> {
        let (from, to) = (self.at as usize, (self.at + self.len) as usize);
        RecentEvent {
            position: self.frame.position,
            workspace,
            seq,
            recorded_at: self.recorded_at,
            leaf: self.leaf,
            occurred_at: self.occurred_at,
            bytes: &self.frame.bytes[from..to],
        }
    }
}

/// Consecutive events of one workspace.
#[derive(Debug)]
pub(super) struct Chunk {
    workspace: WorkspaceUid,
    first_seq: u64,
    slots: Box<[OnceLock<Slot>]>,
    /// Those of the longest picture that was asked for.
    columns: Mutex<Option<Arc<RecentColumns>>>,
    /// The generation's account.
    memory_bytes: Arc<AtomicUsize>,
}

impl Chunk {
    /// Begins with an event; returns the chunk and what it allocated, in bytes.
    pub(super) fn begin(
        workspace: WorkspaceUid,
        first_seq: u64,
        first: Slot,
        capacity: usize,
        memory_bytes: Arc<AtomicUsize>,
    ) -> (Self, usize) {
        let mut slots: Vec<OnceLock<Slot>> = Vec::with_capacity(capacity);
        slots.push(OnceLock::from(first));
        slots.resize_with(capacity, OnceLock::new);
        let slots = slots.into_boxed_slice();
        // The counts of an Arc, the place in the shelf's list with its growth, two allocations.
        let bytes = size_of::<Self>() + size_of_val::<[_]>(&slots) + 16 + 16 + 32;
        (Self { workspace, first_seq, slots, columns: Mutex::default(), memory_bytes }, bytes)
    }

    /// Adds the event behind the first `len`; gives it back when the chunk is full, or when the event is
    /// not the next one.
    pub(super) fn put(&self, len: usize, seq: u64, slot: Slot) -> Result<(), Slot> {
        match self.slots.get(len) {
            Some(place) if self.first_seq + len as u64 == seq => place.set(slot),
            _ => Err(slot),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn first_recorded_at(&self) -> Option<i64> {
        Some(self.slots.first()?.get()?.recorded_at)
    }

    fn slot(&self, place: usize) -> &Slot {
        self.slots[place].get().expect("places below a block's length are written")
    }
}

/// Events of one workspace that follow each other without gap, as a reader sees them.
#[derive(Clone, Debug)]
pub struct RecentBlock {
    chunk: Arc<Chunk>,
    /// Places below it are written.
    len: usize,
}

impl RecentBlock {
    /// Takes all places that are written; right for chunks that are not added to any more.
    pub(super) fn whole(chunk: &Arc<Chunk>) -> Self {
        let len = match chunk.slots.last() {
            Some(last) if last.get().is_some() => chunk.slots.len(),
            _ => chunk.slots.partition_point(|slot| slot.get().is_some()),
        };
        Self { chunk: chunk.clone(), len }
    }

    /// Keeps the first events.
    pub(super) fn keep_first(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Keeps the events up to and with a position.
    pub(super) fn keep_through(&mut self, through: Position) {
        let is_within = |place: usize| self.chunk.slot(place).frame.position <= through;
        if self.len > 0 && !is_within(self.len - 1) {
            let (mut low, mut high) = (0, self.len - 1);
            while low < high {
                let middle = (low + high) / 2;
                if is_within(middle) { low = middle + 1 } else { high = middle }
            }
            self.len = low;
        }
    }

    /// Returns how many events it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Tells whether it has no events; those of [`super::RecentEvents`] have some.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the numbers of its events.
    pub fn seqs(&self) -> Range<u64> {
        self.chunk.first_seq..self.chunk.first_seq + self.len as u64
    }

    /// Returns an event by its place.
    ///
    /// # Panics
    /// `place` is not below [`RecentBlock::len`].
    pub fn event(&self, place: usize) -> RecentEvent<'_> {
        assert!(place < self.len, "a place behind the end of a block");
        let seq = self.chunk.first_seq + place as u64;
        self.chunk.slot(place).event(self.chunk.workspace, seq)
    }

    /// Returns when an event happened, microseconds UTC.
    ///
    /// # Panics
    /// As [`RecentBlock::event`].
    pub fn occurred_at(&self, place: usize) -> i64 {
        assert!(place < self.len, "a place behind the end of a block");
        self.chunk.slot(place).occurred_at
    }

    /// Returns when an event was recorded, microseconds UTC.
    ///
    /// # Panics
    /// As [`RecentBlock::event`].
    pub fn recorded_at(&self, place: usize) -> i64 {
        assert!(place < self.len, "a place behind the end of a block");
        self.chunk.slot(place).recorded_at
    }

    /// Yields the events by ascending seq.
    pub fn iter(&self) -> impl Iterator<Item = RecentEvent<'_>> {
        (0..self.len).map(|place| self.event(place))
    }

    /// Returns what most queries ask of the events, read once for all of them.
    pub fn columns(&self) -> Arc<RecentColumns> {
        let lock = || self.chunk.columns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().as_ref().filter(|known| known.len() == self.len) {
            return known.clone();
        }
        let made = Arc::new(RecentColumns::of(self));
        let mut known = lock();
        let before = known.as_ref().map_or((0, 0), |known| (known.len(), known.memory_bytes()));
        // A reader of an older picture must not take from the others what they have.
        if before.0 < self.len {
            *known = Some(made.clone());
            let account = &self.chunk.memory_bytes;
            account.fetch_add(made.memory_bytes(), Ordering::Relaxed);
            account.fetch_sub(before.1, Ordering::Relaxed);
        }
        made
    }
}

/// What most queries ask of the events of a block, by place.
#[derive(Debug)]
pub struct RecentColumns {
    times: (i64, i64),
    words: Vec<Box<str>>,
    actions: Box<[u16]>,
    outcomes: Box<[Outcome]>,
    flags: Box<[u8]>,
    id_tags: Box<[u32]>,
    /// One bit an event.
    ascii: Box<[u64]>,
}

impl RecentColumns {
    fn of(block: &RecentBlock) -> Self {
        let len = block.len();
        let mut times = (i64::MAX, i64::MIN);
        let mut words: Vec<Box<str>> = Vec::new();
        let mut numbers: hashbrown::HashMap<&str, u16> = hashbrown::HashMap::new();
        let mut actions = Vec::with_capacity(len);
        let mut outcomes = Vec::with_capacity(len);
        let mut flags = Vec::with_capacity(len);
        let mut id_tags = Vec::with_capacity(len);
        let mut ascii = vec![0_u64; len.div_ceil(64)];
        for (place, event) in block.iter().enumerate() {
            let parts = event.parts();
            times = (times.0.min(event.occurred_at), times.1.max(event.occurred_at));
            // There are no more words than events, and no more events than places.
            let number = *numbers.entry(parts.action).or_insert_with(|| {
                words.push(parts.action.into());
                words.len() as u16 - 1
            });
            actions.push(number);
            outcomes.push(parts.outcome);
            flags.push(parts.flags);
            id_tags.push(id_tag(parts.id_hash));
            let mut groups = parts.groups.present();
            if parts.action.is_ascii() && groups.all(|(_, value)| value.is_ascii()) {
                ascii[place / 64] |= 1 << (place % 64);
            }
        }
        Self {
            times,
            words,
            actions: actions.into(),
            outcomes: outcomes.into(),
            flags: flags.into(),
            id_tags: id_tags.into(),
            ascii: ascii.into(),
        }
    }

    fn len(&self) -> usize {
        self.actions.len()
    }

    fn memory_bytes(&self) -> usize {
        let words: usize = self.words.iter().map(|word| word.len() + 16).sum();
        let each = size_of::<u16>() + size_of::<Outcome>() + 1 + size_of::<u32>();
        size_of::<Self>()
            + self.words.capacity() * size_of::<Box<str>>()
            + words
            + self.len() * each
            + size_of_val::<[_]>(&self.ascii)
            + 7 * 16
    }

    /// Returns the first and last moment at which one of the events happened, microseconds UTC.
    pub fn times(&self) -> (i64, i64) {
        self.times
    }

    /// Returns the names of the actions by number.
    pub fn words(&self) -> &[Box<str>] {
        &self.words
    }

    /// Returns the number of each event's action.
    pub fn actions(&self) -> &[u16] {
        &self.actions
    }

    /// Returns how each event ended.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Returns each event's flags, see [`crate::record::flag`].
    pub fn flags(&self) -> &[u8] {
        &self.flags
    }

    /// Yields the places of events whose id may have this keyed hash; no others have it.
    pub fn with_id(&self, id_hash: u64) -> impl Iterator<Item = usize> + '_ {
        let wanted = id_tag(id_hash);
        let places = self.id_tags.iter().enumerate();
        places.filter(move |(_, tag)| **tag == wanted).map(|(place, _)| place)
    }

    /// Tells whether an event's action and groups are ASCII throughout.
    pub fn is_ascii(&self, place: usize) -> bool {
        self.ascii[place / 64] & 1 << (place % 64) != 0
    }
}

/// A part of an id's hash; the whole id has the last word.
fn id_tag(id_hash: u64) -> u32 {
    id_hash as u32
}

const _: () = assert!(EVENTS_MAX <= 1 << 16);
