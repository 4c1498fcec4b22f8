//! How far every destination was told: progress of deliveries, and what was given up.
//!
//! A record of progress is written by whoever delivers, in batches. The fold keeps the newest word of
//! each destination and workspace, so a restart goes on where the last record stood: what was sent
//! after it is sent again under the same delivery id.
//!
//! ```text
//! destination (text) ‖ count ‖ cursors: workspace (16) ‖ generation (varint) ‖ next (varint)
//!   ‖ count ‖ given up: workspace (16) ‖ seq (varint) ‖ at (signed) ‖ attempts (varint) ‖ why (text)
//!   ‖ count ‖ settled: workspace (16) ‖ seq (varint)
//! ```
//!
//! Invariant: a cursor never goes back within its generation. A replay begins a new generation, by a
//! change of the configuration, so that progress which was still under way cannot undo it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use proofbook_ledger::WorkspaceUid;

use crate::codec::{DecodeError, Decoder, Encode};

/// Dead letters that are kept for one destination; of more the oldest go.
pub const DEAD_LETTERS_MAX: usize = 1_000;
/// Bytes of the reason of one dead letter.
pub const REASON_BYTES_MAX: usize = 256;

/// Where a destination stands in one workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Counts replays; progress of an older generation is void.
    pub generation: u32,
    /// The smallest seq that was not dealt with yet.
    pub next: u64,
}

/// One event that a destination would not take and that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event's workspace.
    pub workspace: WorkspaceUid,
    /// The event's number.
    pub seq: u64,
    /// When it was given up, microseconds UTC.
    pub at: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// What the destination answered, at most [`REASON_BYTES_MAX`] bytes.
    pub reason: String,
}

/// News of one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The destination's id.
    pub destination: String,
    /// Where it stands now, for the workspaces in which it moved.
    pub cursors: Vec<(WorkspaceUid, Cursor)>,
    /// What was given up.
    pub dead: Vec<DeadLetter>,
    /// Dead letters that are none any more.
    pub settled: Vec<(WorkspaceUid, u64)>,
}

/// What the log says of one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Where it stands, by workspace.
    pub cursors: BTreeMap<WorkspaceUid, Cursor>,
    /// Dead letters, oldest first, at most [`DEAD_LETTERS_MAX`].
    pub dead: VecDeque<DeadLetter>,
    /// How many dead letters went because there were too many.
    pub dead_dropped: u64,
}

/// What the log says of every destination. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered(BTreeMap<String, Arc<Standing>>);

impl Progress {
    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_bytes(self.destination.as_bytes());
        out.put_varint(self.cursors.len() as u64);
        for (workspace, cursor) in &self.cursors {
            out.put_raw(&workspace.0);
            out.put_varint(u64::from(cursor.generation));
            out.put_varint(cursor.next);
        }
        out.put_varint(self.dead.len() as u64);
        for dead in &self.dead {
            dead.encode(out);
        }
        out.put_varint(self.settled.len() as u64);
        for (workspace, seq) in &self.settled {
            out.put_raw(&workspace.0);
            out.put_varint(*seq);
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// The bytes are of a form this version does not know.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Decoder::new(payload);
        let mut progress =
            Self { destination: from.text("a destination's id")?.to_owned(), ..Self::default() };
        for _ in 0..from.varint("cursors")? {
            progress.cursors.push(read_cursor(&mut from)?);
        }
        for _ in 0..from.varint("dead letters")? {
            progress.dead.push(DeadLetter::decode(&mut from)?);
        }
        for _ in 0..from.varint("settled dead letters")? {
            let workspace = WorkspaceUid(from.array("a workspace's id")?);
            progress.settled.push((workspace, from.varint("a number")?));
        }
        from.end()?;
        Ok(progress)
    }

    /// Tells whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.cursors.is_empty() && self.dead.is_empty() && self.settled.is_empty()
    }
}

fn read_cursor(from: &mut Decoder<'_>) -> Result<(WorkspaceUid, Cursor), DecodeError> {
    let workspace = WorkspaceUid(from.array("a workspace's id")?);
    let generation = from.varint_u32("a generation")?;
    Ok((workspace, Cursor { generation, next: from.varint("a number")? }))
}

impl DeadLetter {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_raw(&self.workspace.0);
        out.put_varint(self.seq);
        out.put_signed(self.at);
        out.put_varint(u64::from(self.attempts));
        out.put_bytes(self.reason.as_bytes());
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            workspace: WorkspaceUid(from.array("a workspace's id")?),
            seq: from.varint("a number")?,
            at: from.signed("a time")?,
            attempts: from.varint_u32("attempts")?,
            reason: from.text("a reason")?.to_owned(),
        })
    }
}

impl Standing {
    fn apply(&mut self, progress: &Progress) {
        for (workspace, cursor) in &progress.cursors {
            let known = self.cursors.entry(*workspace).or_insert(*cursor);
            if (cursor.generation, cursor.next) > (known.generation, known.next) {
                *known = *cursor;
            }
        }
        let is_settled = |dead: &DeadLetter| progress.settled.contains(&(dead.workspace, dead.seq));
        self.dead.retain(|dead| !is_settled(dead));
        for dead in &progress.dead {
            // Given up twice, as after a crash, is one dead letter.
            self.dead.retain(|old| (old.workspace, old.seq) != (dead.workspace, dead.seq));
            self.dead.push_back(dead.clone());
            if self.dead.len() > DEAD_LETTERS_MAX {
                self.dead.pop_front();
                self.dead_dropped += 1;
            }
        }
    }
}

impl Delivered {
    /// Returns what the log says of a destination.
    pub fn of(&self, destination: &str) -> Option<&Arc<Standing>> {
        self.0.get(destination)
    }

    /// Takes news of one destination.
    pub fn apply(&mut self, progress: &Progress) {
        let standing = self.0.entry(progress.destination.clone()).or_default();
        Arc::make_mut(standing).apply(progress);
    }

    /// Forgets a destination that is no more.
    pub fn forget(&mut self, destination: &str) {
        self.0.remove(destination);
    }

    /// Appends everything, for the snapshot.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_varint(self.0.len() as u64);
        for (destination, standing) in &self.0 {
            let whole = Progress {
                destination: destination.clone(),
                cursors: standing.cursors.iter().map(|(key, cursor)| (*key, *cursor)).collect(),
                dead: standing.dead.iter().cloned().collect(),
                settled: Vec::new(),
            };
            let mut bytes = Vec::new();
            whole.encode(&mut bytes);
            out.put_bytes(&bytes);
            out.put_varint(standing.dead_dropped);
        }
    }

    /// Reads what [`Delivered::encode`] wrote.
    ///
    /// # Errors
    /// The bytes are of a form this version does not know.
    pub fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut delivered = Self::default();
        for _ in 0..from.varint("destinations")? {
            let progress = Progress::decode(from.bytes("a destination's progress")?)?;
            let standing = Standing {
                cursors: progress.cursors.into_iter().collect(),
                dead: progress.dead.into(),
                dead_dropped: from.varint("dropped dead letters")?,
            };
            delivered.0.insert(progress.destination, Arc::new(standing));
        }
        Ok(delivered)
    }
}

#[cfg(test)]
mod tests;
