//! The ids of events that are not in a segment yet: what the fold itself re-checks (I5).
//!
//! A segment's index knows the ids of its events; a look-up there happens before the fold and comes
//! in as an [`IdHit`]. Between that look-up and the fold a generation may have become a segment, so
//! the ids of the generation packed last stay here until the next pack.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use proofbook_event::Group;

use crate::log::Position;
use crate::plant::{self, Plant};
use crate::record::EventParts;

/// An event that has the id hash that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdHit {
    /// Its number.
    pub seq: u64,
    /// Keyed hash of it as it was sent.
    pub fingerprint: u64,
    /// CRC-32C of its id's canonical bytes, which tells a collision of hashes from the same id.
    pub id_crc: u32,
}

/// What a known id means for an event that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The same event again.
    Same,
    /// The same id for another event.
    Conflict,
    /// Another id with the same hash.
    Collision,
}

impl IdHit {
    /// Compares an event with the one that was found.
    pub fn judge(&self, parts: &EventParts<'_>) -> Judgement {
        if self.id_crc != id_crc(parts) {
            Judgement::Collision
        } else if self.fingerprint == parts.fingerprint {
            Judgement::Same
        } else {
            Judgement::Conflict
        }
    }
}

/// Returns the CRC-32C of an event's id.
pub fn id_crc(parts: &EventParts<'_>) -> u32 {
    crc32c::crc32c(parts.groups.get(Group::Id).unwrap_or_default())
}

/// The ids' hashes are keyed and uniform already, so hashing them again would only cost time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TakeAsIs(u64);

impl Hasher for TakeAsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.0 ^= u64::from(value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 ^= value;
    }
}

type IdMap = HashMap<(u32, u64), IdHit, BuildHasherDefault<TakeAsIs>>;

/// Ids of one generation, and the position of its last frame once that is fixed.
#[derive(Debug, Default)]
struct Generation {
    ids: IdMap,
    through: Option<Position>,
}

/// The ids of recent events, by workspace index and id hash.
#[derive(Debug, Default)]
pub struct KnownIds {
    /// The generation packed last, the frozen one if there is one, and the one that grows (last).
    generations: Vec<Generation>,
}

impl KnownIds {
    /// Finds an event with the same id hash.
    pub fn find(&self, workspace: u32, parts: &EventParts<'_>) -> Option<IdHit> {
        self.find_hash(workspace, parts.id_hash)
    }

    /// Finds an event by its id hash.
    pub fn find_hash(&self, workspace: u32, id_hash: u64) -> Option<IdHit> {
        self.generations.iter().rev().find_map(|g| g.ids.get(&(workspace, id_hash)).copied())
    }

    /// Adds an event. Of two ids with one hash the first stays: the later one is found in its segment.
    pub fn insert(&mut self, workspace: u32, parts: &EventParts<'_>, seq: u64) {
        if self.generations.last().is_none_or(|generation| generation.through.is_some()) {
            self.generations.push(Generation::default());
        }
        if let Some(growing) = self.generations.last_mut() {
            let hit = IdHit { seq, fingerprint: parts.fingerprint, id_crc: id_crc(parts) };
            growing.ids.entry((workspace, parts.id_hash)).or_insert(hit);
        }
    }

    /// Ends the growing generation at a position; later ids begin a new one.
    pub fn freeze(&mut self, through: Position) {
        if let Some(growing) = self.generations.last_mut().filter(|g| g.through.is_none()) {
            growing.through = Some(through);
        }
    }

    /// Forgets the ids of some of a workspace's events, named by ascending ranges of seqs.
    pub(super) fn forget(&mut self, workspace: u32, seqs: &[std::ops::Range<u64>]) {
        let is_gone = |seq: u64| {
            let at = seqs.partition_point(|range| range.end <= seq);
            seqs.get(at).is_some_and(|range| range.contains(&seq))
        };
        for generation in &mut self.generations {
            generation.ids.retain(|(of, _), hit| *of != workspace || !is_gone(hit.seq));
        }
    }

    /// Forgets the generations packed before this pack; the one it packed stays one pack longer.
    pub(super) fn packed(&mut self, through: Position) {
        let packed = |g: &Generation| g.through.is_some_and(|end| end <= through);
        let packed_count = self.generations.iter().filter(|g| packed(g)).count();
        let kept = if plant::is_on(Plant::IdsForgottenWithPack) { 0 } else { 1 };
        self.generations.drain(..packed_count.saturating_sub(kept));
    }
}
