//! The records of the log: what a frame's body holds.
//!
//! A body is a sequence of `tag (1 byte) ‖ length (varint) ‖ payload`. Payloads are written once and
//! read by every later version: a field is added at the end of a payload, a meaning is changed only
//! by a new tag under a new `format` (design decision 2).
//!
//! A purge or an erasure is a record of its own file, `record/rewritten.rs`.
//!
//! Events stay as bytes: the same bytes go from admit into the frame, into recent and through the
//! fold, so a replay reads exactly what the live path read.

use proofbook_event::{Group, GroupBytes, Outcome};
use proofbook_ledger::{Hash, WorkspaceUid};

use crate::codec::{DecodeError, Decoder, Encode};
use crate::config::ConfigChange;
use crate::delivered::Progress;
use crate::log::Position;
use crate::segment_entry::SegmentEntry;

mod rewritten;

pub use rewritten::{Gone, Pair, Punctured, RewriteKind, Rewritten};

/// Version of the fold's semantics that this binary writes.
pub const FORMAT: u16 = 1;

/// One record, borrowed from a frame's body.
#[derive(Clone, Debug, PartialEq)]
pub enum Record<'a> {
    /// The first record of a log, and any later switch of the fold's semantics.
    Format(Format),
    /// A workspace comes into being. Repeated by every batch that needs it until it is known durable.
    Workspace {
        /// Its opaque id.
        uid: WorkspaceUid,
        /// Its name.
        name: &'a str,
    },
    /// A run of leaf keys begins. Repeated like [`Record::Workspace`].
    Run {
        /// Whose run.
        workspace: WorkspaceUid,
        /// Its number in the workspace: 0, 1, 2 …
        run: u32,
        /// Root of the run's key tree.
        seed: [u8; 32],
        /// Key of the run's nonces.
        nonce_key: [u8; 32],
    },
    /// Events of one request.
    Events(EventsRecord<'a>),
    /// A configuration change and the event that tells of it.
    Config {
        /// What changes.
        change: ConfigChange,
        /// The `_system` event, as an events record of one event; none at a store's making.
        event: Option<EventsRecord<'a>>,
    },
    /// A head of a workspace's tree is published: from here on it may be signed.
    Head {
        /// Whose tree.
        workspace: WorkspaceUid,
        /// How many leaves it had before this frame.
        size: u64,
        /// Its root then.
        root: Hash,
    },
    /// Recent events were packed into a segment.
    Packed {
        /// Frames behind this one …
        after: Position,
        /// … up to and with this one are in the segment.
        through: Position,
        /// The segment.
        segment: SegmentEntry,
    },
    /// Segments were merged into one.
    Compacted {
        /// Ids and Parquet hashes of the inputs.
        inputs: Vec<(u64, [u8; 32])>,
        /// The segment that replaces them.
        segment: SegmentEntry,
    },
    /// How far a destination was told.
    Delivered(Progress),
    /// Segments were written again without what was purged or erased.
    Rewritten(Rewritten<'a>),
}

/// The fold's version and the keys that never change in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Version of the fold's semantics.
    pub version: u16,
    /// The store's own id.
    pub store_uid: [u8; 16],
    /// Key of the hashes of ids and of fingerprints.
    pub id_key: [u8; 16],
    /// Key of the fingerprints that masked secrets leave behind.
    pub mask_key: [u8; 16],
}

/// Events under one batch id, as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsRecord<'a> {
    /// Random; by it an unknown outcome is resolved.
    pub batch: [u8; 16],
    /// The workspaces that the events name by index.
    pub workspaces: Vec<WorkspaceUid>,
    /// How many events follow.
    pub event_count: u32,
    /// The events, each a length and its bytes.
    pub events: &'a [u8],
}

/// One event's stored form, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventParts<'a> {
    /// Index into the record's workspaces.
    pub workspace_index: u32,
    /// Run whose keys seal it.
    pub run: u32,
    /// Place in the run.
    pub k: u16,
    /// See [`flag`].
    pub flags: u8,
    /// How it ended.
    pub outcome: Outcome,
    /// When it happened, microseconds UTC.
    pub occurred_at: i64,
    /// Keyed hash of its id.
    pub id_hash: u64,
    /// Keyed hash of the event as sent.
    pub fingerprint: u64,
    /// The action's name, whether the leaf shows it or not.
    pub action: &'a str,
    /// Canonical bytes of its groups.
    pub groups: GroupBytes<'a>,
}

/// Bits of [`EventParts::flags`].
pub mod flag {
    /// The action is in the catalog in force, so the leaf shows it.
    pub const ACTION_LISTED: u8 = 1;
    /// Retention counts from `recorded_at`.
    pub const RETAIN_FROM_RECORDED: u8 = 2;
    /// The id was made by the server.
    pub const ID_GENERATED: u8 = 4;
    /// The catalog in force asked for the owner to be told.
    pub const NOTIFY: u8 = 8;
}

mod tag {
    pub(super) const FORMAT: u8 = 1;
    pub(super) const WORKSPACE: u8 = 2;
    pub(super) const RUN: u8 = 3;
    pub(super) const EVENTS: u8 = 4;
    pub(super) const CONFIG: u8 = 5;
    pub(super) const PACKED: u8 = 6;
    pub(super) const COMPACTED: u8 = 7;
    pub(super) const HEAD: u8 = 8;
    pub(super) const DELIVERED: u8 = 11;
    pub(super) const PURGED: u8 = 9;
    pub(super) const ERASED: u8 = 10;
}

impl EventParts<'_> {
    /// Appends the event's length and bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut bytes = Vec::with_capacity(64 + self.action.len() + self.groups.bytes_total());
        bytes.put_varint(u64::from(self.workspace_index));
        bytes.put_varint(u64::from(self.run));
        bytes.put_varint(u64::from(self.k));
        bytes.put_u8(self.flags);
        bytes.put_u8(self.outcome as u8);
        bytes.put_signed(self.occurred_at);
        bytes.put_u64(self.id_hash);
        bytes.put_u64(self.fingerprint);
        bytes.put_bytes(self.action.as_bytes());
        let present =
            self.groups.present().fold(0_u8, |mask, (group, _)| mask | 1 << group.index());
        bytes.put_u8(present);
        for (_, group) in self.groups.present() {
            bytes.put_bytes(group);
        }
        out.put_bytes(&bytes);
    }
}

impl<'a> EventParts<'a> {
    /// Reads one event's bytes (without their length).
    ///
    /// # Errors
    /// The bytes are of a form this version does not know.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut from = Decoder::new(bytes);
        let workspace_index = from.varint_u32("an event's workspace")?;
        let run = from.varint_u32("an event's run")?;
        let k = u16::try_from(from.varint("an event's place in its run")?)
            .map_err(|_| DecodeError::Unknown("an event's place in its run"))?;
        let flags = from.u8("an event's flags")?;
        let outcome =
            Outcome::from_u8(from.u8("an outcome")?).ok_or(DecodeError::Unknown("an outcome"))?;
        let occurred_at = from.signed("a time")?;
        let id_hash = from.u64("an id's hash")?;
        let fingerprint = from.u64("a fingerprint")?;
        let action = from.text("an action")?;
        let present = from.u8("the groups' mask")?;
        let mut groups = GroupBytes::default();
        for group in Group::ALL {
            if present & 1 << group.index() != 0 {
                groups.set(group, Some(from.bytes("a group")?));
            }
        }
        from.end()?;
        Ok(Self {
            workspace_index,
            run,
            k,
            flags,
            outcome,
            occurred_at,
            id_hash,
            fingerprint,
            action,
            groups,
        })
    }

    /// Returns the action as the leaf shows it: `None` stands for `other`.
    pub fn leaf_action(&self) -> Option<&'a str> {
        proofbook_ledger::leaf::clear_action(self.action, self.flags & flag::ACTION_LISTED != 0)
    }
}

impl<'a> EventsRecord<'a> {
    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_head(out);
        out.put_raw(self.events);
    }

    /// Appends what comes before the events.
    fn encode_head(&self, out: &mut Vec<u8>) {
        out.put_raw(&self.batch);
        out.put_varint(self.workspaces.len() as u64);
        for uid in &self.workspaces {
            out.put_raw(&uid.0);
        }
        out.put_varint(u64::from(self.event_count));
    }

    fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let mut from = Decoder::new(payload);
        let batch = from.array("a batch's id")?;
        let count = from.varint("the workspaces of a batch")?;
        let mut workspaces = Vec::new();
        for _ in 0..count {
            workspaces.push(WorkspaceUid(from.array("a workspace's id")?));
        }
        let event_count = from.varint_u32("the events of a batch")?;
        Ok(Self { batch, workspaces, event_count, events: from.rest() })
    }

    /// Yields each event's bytes, without their length.
    pub fn iter(&self) -> impl Iterator<Item = Result<&'a [u8], DecodeError>> + use<'a> {
        let mut from = Decoder::new(self.events);
        let mut left = self.event_count;
        std::iter::from_fn(move || {
            if left == 0 {
                return (!from.is_empty()).then(|| {
                    let over = from.rest().len();
                    from = Decoder::new(&[]);
                    Err(DecodeError::LeftOver(over))
                });
            }
            left -= 1;
            Some(from.bytes("an event"))
        })
    }
}

impl<'a> Record<'a> {
    /// Returns the events that the record brings, in the order in which a fold takes them.
    pub fn events(&self) -> Option<&EventsRecord<'a>> {
        match self {
            Record::Events(events) => Some(events),
            Record::Config { event, .. } => event.as_ref(),
            Record::Rewritten(rewritten) => rewritten.events.as_ref(),
            _ => None,
        }
    }
}

impl<'a> Record<'a> {
    /// Appends the record with its tag and length.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let rest = self.encode_front(out);
        out.put_raw(rest);
    }

    /// As [`Record::encode`], but for what ends the record as it stands, which is returned: the events
    /// of a batch.
    pub(crate) fn encode_front(&self, out: &mut Vec<u8>) -> &'a [u8] {
        let mut payload = Vec::new();
        let mut rest: &'a [u8] = &[];
        let tag = match self {
            Record::Format(format) => {
                payload.put_varint(u64::from(format.version));
                payload.put_raw(&format.store_uid);
                payload.put_raw(&format.id_key);
                payload.put_raw(&format.mask_key);
                tag::FORMAT
            }
            Record::Workspace { uid, name } => {
                payload.put_raw(&uid.0);
                payload.put_bytes(name.as_bytes());
                tag::WORKSPACE
            }
            Record::Run { workspace, run, seed, nonce_key } => {
                payload.put_raw(&workspace.0);
                payload.put_varint(u64::from(*run));
                payload.put_raw(seed);
                payload.put_raw(nonce_key);
                tag::RUN
            }
            Record::Events(events) => {
                events.encode_head(&mut payload);
                rest = events.events;
                tag::EVENTS
            }
            Record::Config { change, event } => {
                payload.put_bytes(&change.encode());
                let mut bytes = Vec::new();
                if let Some(event) = event {
                    event.encode(&mut bytes);
                }
                payload.put_bytes(&bytes);
                tag::CONFIG
            }
            Record::Head { workspace, size, root } => {
                payload.put_raw(&workspace.0);
                payload.put_varint(*size);
                payload.put_raw(&root.0);
                tag::HEAD
            }
            Record::Packed { after, through, segment } => {
                payload.put_varint(after.0);
                payload.put_varint(through.0);
                segment.encode(&mut payload);
                tag::PACKED
            }
            Record::Compacted { inputs, segment } => {
                payload.put_varint(inputs.len() as u64);
                for (id, hash) in inputs {
                    payload.put_u64(*id);
                    payload.put_raw(hash);
                }
                segment.encode(&mut payload);
                tag::COMPACTED
            }
            Record::Delivered(progress) => {
                progress.encode(&mut payload);
                tag::DELIVERED
            }
            Record::Rewritten(rewritten) => {
                rewritten.encode(&mut payload);
                match rewritten.kind {
                    RewriteKind::Purged => tag::PURGED,
                    RewriteKind::Erased { .. } => tag::ERASED,
                }
            }
        };
        let bytes = payload.len() + rest.len();
        out.put_u8(tag);
        out.put_varint(bytes as u64);
        out.put_raw(&payload);
        rest
    }

    /// Takes the next record off a body.
    ///
    /// # Errors
    /// The record is of a kind or form that this version does not know.
    pub fn decode(body: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let tag = body.u8("a record's tag")?;
        let payload = body.bytes("a record")?;
        let mut from = Decoder::new(payload);
        let record = match tag {
            tag::FORMAT => Record::Format(Format {
                version: u16::try_from(from.varint("a format")?)
                    .map_err(|_| DecodeError::Unknown("a format"))?,
                store_uid: from.array("a store's id")?,
                id_key: from.array("a key")?,
                mask_key: from.array("a key")?,
            }),
            tag::WORKSPACE => Record::Workspace {
                uid: WorkspaceUid(from.array("a workspace's id")?),
                name: from.text("a workspace's name")?,
            },
            tag::RUN => Record::Run {
                workspace: WorkspaceUid(from.array("a workspace's id")?),
                run: from.varint_u32("a run")?,
                seed: from.array("a seed")?,
                nonce_key: from.array("a nonce key")?,
            },
            tag::EVENTS => return Ok(Record::Events(EventsRecord::decode(payload)?)),
            tag::CONFIG => {
                let change = ConfigChange::decode(from.bytes("a configuration change")?)
                    .ok_or(DecodeError::Unknown("a configuration change"))?;
                let event = from.bytes("a configuration event")?;
                let event =
                    if event.is_empty() { None } else { Some(EventsRecord::decode(event)?) };
                Record::Config { change, event }
            }
            tag::HEAD => Record::Head {
                workspace: WorkspaceUid(from.array("a workspace's id")?),
                size: from.varint("a tree's size")?,
                root: Hash(from.array("a root")?),
            },
            tag::PACKED => Record::Packed {
                after: Position(from.varint("a position")?),
                through: Position(from.varint("a position")?),
                segment: SegmentEntry::decode(&mut from)?,
            },
            tag::COMPACTED => {
                let count = from.varint("a compaction's inputs")?;
                let mut inputs = Vec::new();
                for _ in 0..count {
                    inputs.push((from.u64("an input")?, from.array("an input's hash")?));
                }
                Record::Compacted { inputs, segment: SegmentEntry::decode(&mut from)? }
            }
            tag::DELIVERED => return Ok(Record::Delivered(Progress::decode(payload)?)),
            tag::PURGED => Record::Rewritten(Rewritten::decode(&mut from, false)?),
            tag::ERASED => Record::Rewritten(Rewritten::decode(&mut from, true)?),
            _ => return Err(DecodeError::Unknown("a record's tag")),
        };
        from.end()?;
        Ok(record)
    }
}

#[cfg(test)]
mod tests;
