//! A run from which events were erased: the tree nodes that still give every other event's key.
//!
//! Erasing slot k replaces the node above it by the siblings along the way down, at most 12. What
//! is left determines every other event key, and says nothing about that of k (Boneh, Waters 2013;
//! Kiayias and others 2013).
//!
//! Byte layout of [`PuncturedRun::encode`]: node count (u16 big-endian), then for each node, by
//! ascending first slot: depth (u8, 0..=12), prefix (u16 big-endian, the high `depth` bits of the
//! slots below it, as a number), node (32 bytes).

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::{EventKey, Node, RUN_DEPTH, RunSeed, Slot, descend};
use crate::hmac::HmacKey;

/// A node of the run's tree that is kept.
#[derive(Clone, PartialEq, Eq)]
struct Kept {
    depth: u32,
    /// The highest `depth` bits of every slot below this node.
    prefix: u16,
    node: Node,
}

impl Kept {
    fn covers(&self, slot: Slot) -> bool {
        slot.get() >> (RUN_DEPTH - self.depth) == self.prefix
    }

    fn first_slot(&self) -> u32 {
        u32::from(self.prefix) << (RUN_DEPTH - self.depth)
    }

    fn end_slot(&self) -> u32 {
        self.first_slot() + (1 << (RUN_DEPTH - self.depth))
    }
}

/// A run's secrets without those of erased events.
///
/// Invariant: the kept nodes are disjoint and in ascending order; a slot below none is erased.
#[derive(Clone, PartialEq, Eq)]
pub struct PuncturedRun {
    kept: Vec<Kept>,
}

/// Bytes that are no encoding of a punctured run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodePuncturedError {
    /// The length does not fit the node count.
    #[error("a punctured run of {nodes} nodes takes {expected_bytes} bytes, found {found_bytes}")]
    Length {
        /// The count that the first two bytes say; 0 when they are missing.
        nodes: u16,
        /// The length that belongs to it.
        expected_bytes: usize,
        /// The length given.
        found_bytes: usize,
    },
    /// A node has an impossible place, or does not come after the one before it.
    #[error("node {index} of a punctured run has an impossible place")]
    Place {
        /// Which node, from 0.
        index: usize,
    },
}

const COUNT_BYTES: usize = 2;
const NODE_BYTES: usize = 1 + 2 + 32;

/// Erases one event from a whole run; the result keeps 12 sibling nodes.
pub fn puncture(seed: &RunSeed, slot: Slot) -> PuncturedRun {
    let mut run = PuncturedRun::whole(seed);
    run.puncture(slot);
    run
}

impl PuncturedRun {
    /// Takes a run from which nothing was erased yet.
    pub fn whole(seed: &RunSeed) -> Self {
        Self { kept: vec![Kept { depth: 0, prefix: 0, node: seed.0 }] }
    }

    /// Erases one more event; false when it was erased before.
    ///
    /// The caller must also destroy every older copy of the seed and of this value.
    pub fn puncture(&mut self, slot: Slot) -> bool {
        let Some(at) = self.kept.iter().position(|kept| kept.covers(slot)) else { return false };
        let top = self.kept.remove(at);
        let mut node = top.node;
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for depth in top.depth + 1..=RUN_DEPTH {
            let parent = HmacKey::new(&node);
            let bit = slot.bit(depth);
            let sibling = Kept {
                depth,
                prefix: slot.get() >> (RUN_DEPTH - depth) ^ 1,
                node: parent.mac(&[bit ^ 1]),
            };
            if bit == 1 {
                before.push(sibling)
            } else {
                after.push(sibling)
            }
            node = parent.mac(&[bit]);
        }
        // Going down, left siblings ascend towards the slot and right siblings descend towards it.
        after.reverse();
        before.append(&mut after);
        self.kept.splice(at..at, before);
        true
    }

    /// Returns the key of an event, or `None` when it was erased.
    pub fn event_key(&self, slot: Slot) -> Option<EventKey> {
        let kept = self.kept.iter().find(|kept| kept.covers(slot))?;
        Some(EventKey(descend(&kept.node, kept.depth, slot)))
    }

    /// Returns how many nodes are kept: 1 for a whole run, 12 after one erasure.
    pub fn node_count(&self) -> usize {
        self.kept.len()
    }

    /// Yields what is kept as (depth, prefix, node).
    pub fn nodes(&self) -> impl Iterator<Item = (u32, u16, &[u8; 32])> + '_ {
        self.kept.iter().map(|kept| (kept.depth, kept.prefix, &kept.node))
    }

    /// Appends the encoding described at the top of this file.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(COUNT_BYTES + self.kept.len() * NODE_BYTES);
        let count = u16::try_from(self.kept.len()).expect("a run has at most 4,096 disjoint nodes");
        out.extend_from_slice(&count.to_be_bytes());
        for kept in &self.kept {
            out.push(kept.depth as u8);
            out.extend_from_slice(&kept.prefix.to_be_bytes());
            out.extend_from_slice(&kept.node);
        }
    }

    /// Reads an encoding, all of it.
    ///
    /// # Errors
    /// The length does not fit the count, a place is impossible, or nodes overlap or are unordered.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodePuncturedError> {
        let found_bytes = bytes.len();
        let (count, rest) = bytes.split_first_chunk::<COUNT_BYTES>().unwrap_or((&[0; 2], &[]));
        let nodes = u16::from_be_bytes(*count);
        let expected_bytes = COUNT_BYTES + usize::from(nodes) * NODE_BYTES;
        if found_bytes != expected_bytes {
            return Err(DecodePuncturedError::Length { nodes, expected_bytes, found_bytes });
        }
        let mut kept = Vec::with_capacity(usize::from(nodes));
        let mut free_from = 0;
        for (index, entry) in rest.as_chunks::<NODE_BYTES>().0.iter().enumerate() {
            let [depth, high, low, node @ ..] = *entry;
            let entry =
                Kept { depth: u32::from(depth), prefix: u16::from_be_bytes([high, low]), node };
            let fits = entry.depth <= RUN_DEPTH && u32::from(entry.prefix) >> entry.depth == 0;
            if !fits || entry.first_slot() < free_from {
                return Err(DecodePuncturedError::Place { index });
            }
            free_from = entry.end_slot();
            kept.push(entry);
        }
        Ok(Self { kept })
    }
}

impl fmt::Debug for PuncturedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PuncturedRun(secret, {} nodes)", self.kept.len())
    }
}
