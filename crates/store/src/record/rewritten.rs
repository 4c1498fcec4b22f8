//! The record of a purge or of an erasure: which segments are replaced, and what is gone with them.
//!
//! ```text
//! payload  uleb position decided at, uleb workspaces with something gone, for each: uid (16),
//!          uleb ranges, for each range: uleb seqs passed over, uleb seqs;
//!          uleb replaced segments, for each: u64 id, SHA-256 of its Parquet file, the new segment;
//!          of an erasure: u64 id of the erasure, uleb step of it,
//!          uleb runs of keys that lose some, for each: uid (16), uleb run, uleb places, each u16;
//!          the events that tell of it (bytes, as an events record; empty for none)
//! ```

use std::ops::Range;

use proofbook_ledger::{Slot, WorkspaceUid};

use super::EventsRecord;
use crate::codec::{DecodeError, Decoder, Encode};
use crate::log::Position;
use crate::segment_entry::SegmentEntry;
use crate::withheld::ErasureStep;

/// What was decided about segments some of whose values must go.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewritten<'a> {
    /// Whether retention or a request took them.
    pub kind: RewriteKind,
    /// The newest frame that the decision knew: it falls when a rule of a workspace in it, or a hold,
    /// changed behind it.
    pub decided_at: Position,
    /// What is gone, by workspace: whole events of a purge, values of an erasure.
    pub gone: Vec<Gone>,
    /// The segments that are replaced.
    pub segments: Vec<Pair>,
    /// The events that tell of it; they are recorded only if the decision holds.
    pub events: Option<EventsRecord<'a>>,
}

/// Why something is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RewriteKind {
    /// Retention ended.
    Purged,
    /// Somebody asked for it.
    Erased {
        /// The erasure, and which step of it: 0, 1, 2 … in the order in which they are folded.
        by: ErasureStep,
        /// Runs of keys that lose some.
        punctured: Vec<Punctured>,
    },
}

/// The seqs of one workspace that something is gone of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The workspace.
    pub workspace: WorkspaceUid,
    /// The seqs: ranges that are not empty, ascend, and do not touch.
    pub seqs: Vec<Range<u64>>,
}

/// A segment and the one that replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Id and Parquet hash of the one that goes.
    pub input: (u64, [u8; 32]),
    /// The one that comes.
    pub segment: SegmentEntry,
}

/// The event keys that a run loses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Punctured {
    /// Whose run.
    pub workspace: WorkspaceUid,
    /// Its number.
    pub run: u32,
    /// The places of the events. The fold knows the run's secrets and destroys what gives these; were
    /// the rest of the secrets in the record instead, two erasures at once would undo each other.
    pub slots: Vec<Slot>,
}

impl Gone {
    /// Returns how many seqs there are.
    pub fn count(&self) -> u64 {
        self.seqs.iter().map(|range| range.end - range.start).sum()
    }

    /// Puts ascending seqs together.
    pub fn of(workspace: WorkspaceUid, seqs: impl IntoIterator<Item = u64>) -> Self {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for seq in seqs {
            match ranges.last_mut() {
                Some(last) if last.end == seq => last.end += 1,
                _ => ranges.push(seq..seq + 1),
            }
        }
        Self { workspace, seqs: ranges }
    }
}

impl<'a> Rewritten<'a> {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.put_varint(self.decided_at.0);
        out.put_varint(self.gone.len() as u64);
        for gone in &self.gone {
            out.put_raw(&gone.workspace.0);
            out.put_varint(gone.seqs.len() as u64);
            let mut end = 0;
            for range in &gone.seqs {
                out.put_varint(range.start - end);
                out.put_varint(range.end - range.start);
                end = range.end;
            }
        }
        out.put_varint(self.segments.len() as u64);
        for Pair { input: (id, hash), segment } in &self.segments {
            out.put_u64(*id);
            out.put_raw(hash);
            segment.encode(out);
        }
        if let RewriteKind::Erased { by, punctured } = &self.kind {
            out.put_u64(by.erasure);
            out.put_varint(u64::from(by.step));
            out.put_varint(punctured.len() as u64);
            for run in punctured {
                out.put_raw(&run.workspace.0);
                out.put_varint(u64::from(run.run));
                out.put_varint(run.slots.len() as u64);
                for slot in &run.slots {
                    out.put_raw(&slot.get().to_le_bytes());
                }
            }
        }
        let mut bytes = Vec::new();
        if let Some(events) = &self.events {
            events.encode(&mut bytes);
        }
        out.put_bytes(&bytes);
    }

    pub(super) fn decode(from: &mut Decoder<'a>, erased: bool) -> Result<Self, DecodeError> {
        let decided_at = Position(from.varint("a position")?);
        let mut gone = Vec::new();
        for _ in 0..from.varint("workspaces")? {
            let workspace = WorkspaceUid(from.array("a workspace's id")?);
            let mut seqs: Vec<Range<u64>> = Vec::new();
            let mut end = 0_u64;
            for _ in 0..from.varint("ranges")? {
                let bad = || DecodeError::Unknown("a range of seqs");
                let start = end.checked_add(from.varint("a seq")?).ok_or_else(bad)?;
                end = start.checked_add(from.varint("seqs")?).ok_or_else(bad)?;
                seqs.push(start..end);
            }
            gone.push(Gone { workspace, seqs });
        }
        let mut segments = Vec::new();
        for _ in 0..from.varint("segments")? {
            let input = (from.u64("an input")?, from.array("an input's hash")?);
            segments.push(Pair { input, segment: SegmentEntry::decode(from)? });
        }
        let kind = match erased {
            false => RewriteKind::Purged,
            true => {
                let bad = || DecodeError::Unknown("a place in a run");
                let erasure = from.u64("an erasure's id")?;
                let step = from.varint("a step")?.try_into().map_err(|_| bad())?;
                let mut punctured = Vec::new();
                for _ in 0..from.varint("runs")? {
                    let workspace = WorkspaceUid(from.array("a workspace's id")?);
                    let run = from.varint_u32("a run")?;
                    let mut slots = Vec::new();
                    for _ in 0..from.varint("places")? {
                        let slot = u16::from_le_bytes(from.array("a place in a run")?);
                        slots.push(Slot::new(slot).ok_or_else(bad)?);
                    }
                    punctured.push(Punctured { workspace, run, slots });
                }
                RewriteKind::Erased { by: ErasureStep { erasure, step }, punctured }
            }
        };
        let bytes = from.bytes("the events of a decision")?;
        let events = if bytes.is_empty() { None } else { Some(EventsRecord::decode(bytes)?) };
        Ok(Self { kind, decided_at, gone, segments, events })
    }
}
