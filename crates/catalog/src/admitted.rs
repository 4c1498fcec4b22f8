//! An admitted event: everything about it that needs neither its place in the log nor a time stamp.
//!
//! Its action and its groups' canonical bytes lie one behind the other in one buffer:
//!
//! ```text
//! action ‖ /actor ‖ /changes ‖ /context ‖ /description ‖ /id ‖ /metadata ‖ /targets
//! ```
//!
//! Commitments and nonce follow from the bytes and the run's keys, so a log need not store them:
//! [`Admitted::from_stored`] takes what was stored and [`Admitted::recommit`] computes the rest.

use proofbook_event::{
    Event, Group, GroupBytes, Outcome, Timestamp, event::Clear, json::JsonError,
};
use proofbook_ledger::prf::{Nonce, Slot};
use proofbook_ledger::{Commitments, EventKey};

/// The keys that one event takes from its run.
#[derive(Clone, Debug)]
pub struct EventKeys {
    /// Number of the run in its workspace.
    pub run: u32,
    /// Place in the run, the `k` of (run, k).
    pub slot: Slot,
    /// The key of the event's salts.
    pub event_key: EventKey,
    /// The leaf's nonce.
    pub nonce: Nonce,
}

/// What a log stores of an admitted event.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// See [`Admitted::id_hash`].
    pub id_hash: u64,
    /// See [`Admitted::fingerprint`].
    pub fingerprint: u64,
    /// See [`Admitted::id_generated`].
    pub id_generated: bool,
    /// See [`Admitted::occurred_at`].
    pub occurred_at: Timestamp,
    /// See [`Admitted::retention_from_recorded`].
    pub retention_from_recorded: bool,
    /// See [`Admitted::action_listed`].
    pub action_listed: bool,
    /// See [`Admitted::notify`].
    pub notify: bool,
    /// See [`Admitted::outcome`].
    pub outcome: Outcome,
    /// See [`Admitted::masked`].
    pub masked: u32,
    /// Number of the run.
    pub run: u32,
    /// Place in the run.
    pub slot: Slot,
    /// The action's name.
    pub action: &'a str,
    /// The groups' canonical bytes.
    pub groups: GroupBytes<'a>,
}

/// A judged event, ready to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Keyed SipHash-2-4 of the id.
    pub id_hash: u64,
    /// Keyed SipHash-2-4 of the event as it was sent.
    pub fingerprint: u64,
    /// Whether the id was made here, so that nobody can send it again.
    pub id_generated: bool,
    /// When it happened; the time of admission when the sender gave none.
    pub occurred_at: Timestamp,
    /// Whether retention counts from recorded_at, for an event backdated without the right to.
    pub retention_from_recorded: bool,
    /// Whether the leaf shows the action in clear; else its name is in the description group.
    pub action_listed: bool,
    /// Whether the owner gets a mail by default.
    pub notify: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// How many secrets were masked.
    pub masked: u32,
    /// Number of the run in its workspace.
    pub run: u32,
    /// Place in the run, the `k` of (run, k).
    pub slot: Slot,
    /// The leaf's nonce.
    pub nonce: Nonce,
    bytes: Vec<u8>,
    action_bytes: u8,
    /// Bit i: group i is present.
    present: u8,
    /// Where each group ends in `bytes`; an absent one ends where the one before it does.
    ends: [u32; Group::COUNT],
    sealed: Commitments,
}

/// What becomes an [`Admitted`]: the buffer with its marks.
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) action_bytes: u8,
    pub(crate) present: u8,
    pub(crate) ends: [u32; Group::COUNT],
}

impl Packed {
    /// Begins a buffer with the action's name, which has at most 128 bytes.
    pub(crate) fn begin(action: &str, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(action.as_bytes());
        let action_bytes = u8::try_from(action.len()).expect("an action has at most 128 bytes");
        Self { bytes, action_bytes, present: 0, ends: [0; Group::COUNT] }
    }

    /// Appends one group, or marks it absent; groups come in the order of [`Group::ALL`].
    pub(crate) fn group(&mut self, group: Group, write: Option<impl FnOnce(&mut Vec<u8>)>) {
        if let Some(write) = write {
            write(&mut self.bytes);
            self.present |= 1 << group.index();
        }
        self.ends[group.index()] =
            u32::try_from(self.bytes.len()).expect("an event has far less than 4 GiB");
    }
}

/// The clear fields of an admitted event.
pub(crate) struct Facts {
    pub(crate) id_hash: u64,
    pub(crate) fingerprint: u64,
    pub(crate) id_generated: bool,
    pub(crate) occurred_at: Timestamp,
    pub(crate) retention_from_recorded: bool,
    pub(crate) action_listed: bool,
    pub(crate) notify: bool,
    pub(crate) outcome: Outcome,
    pub(crate) masked: u32,
}

impl Admitted {
    pub(crate) fn new(facts: Facts, packed: Packed, keys: &EventKeys) -> Self {
        let mut admitted = Self {
            id_hash: facts.id_hash,
            fingerprint: facts.fingerprint,
            id_generated: facts.id_generated,
            occurred_at: facts.occurred_at,
            retention_from_recorded: facts.retention_from_recorded,
            action_listed: facts.action_listed,
            notify: facts.notify,
            outcome: facts.outcome,
            masked: facts.masked,
            run: keys.run,
            slot: keys.slot,
            nonce: keys.nonce,
            bytes: packed.bytes,
            action_bytes: packed.action_bytes,
            present: packed.present,
            ends: packed.ends,
            sealed: Commitments::none(),
        };
        admitted.recommit(keys);
        admitted
    }

    /// Takes what a log stored; commitments and nonce are computed from the keys of its (run, k).
    ///
    /// # Panics
    /// The action is longer than 128 bytes; the reader of the record has checked it.
    pub fn from_stored(stored: &Stored<'_>, keys: &EventKeys) -> Self {
        debug_assert_eq!((stored.run, stored.slot), (keys.run, keys.slot), "keys of another event");
        let capacity = stored.action.len() + stored.groups.bytes_total();
        let mut packed = Packed::begin(stored.action, capacity);
        for group in Group::ALL {
            let bytes = stored.groups.get(group);
            packed
                .group(group, bytes.map(|bytes| |out: &mut Vec<u8>| out.extend_from_slice(bytes)));
        }
        let facts = Facts {
            id_hash: stored.id_hash,
            fingerprint: stored.fingerprint,
            id_generated: stored.id_generated,
            occurred_at: stored.occurred_at,
            retention_from_recorded: stored.retention_from_recorded,
            action_listed: stored.action_listed,
            notify: stored.notify,
            outcome: stored.outcome,
            masked: stored.masked,
        };
        Self::new(facts, packed, keys)
    }

    /// Computes the commitments and takes the nonce under the keys of this event's (run, k).
    ///
    /// Also moves the event to another (run, k), when the keys are those of another.
    pub fn recommit(&mut self, keys: &EventKeys) {
        self.run = keys.run;
        self.slot = keys.slot;
        self.nonce = keys.nonce;
        self.sealed = Commitments::seal(&keys.event_key.salts(), &self.groups());
    }

    /// Returns the action's name.
    pub fn action(&self) -> &str {
        let bytes = &self.bytes[..usize::from(self.action_bytes)];
        std::str::from_utf8(bytes).expect("the buffer begins with the action's name")
    }

    /// Returns the action as the leaf shows it: `None` when the leaf says `other`.
    pub fn clear_action(&self) -> Option<&str> {
        self.action_listed.then(|| self.action())
    }

    /// Returns the id.
    pub fn id(&self) -> &str {
        // An id has no character that JSON escapes, so it is the group's bytes without the quotes.
        let quoted = self.group(Group::Id).unwrap_or(b"\"\"");
        std::str::from_utf8(&quoted[1..quoted.len() - 1]).expect("an id is ASCII")
    }

    /// Returns one group's canonical bytes.
    pub fn group(&self, group: Group) -> Option<&[u8]> {
        self.range(group).map(|range| &self.bytes[range])
    }

    /// Returns the groups' canonical bytes.
    pub fn groups(&self) -> GroupBytes<'_> {
        GroupBytes::new(Group::ALL.map(|group| self.group(group)))
    }

    /// Returns the commitments of the present groups.
    pub fn sealed(&self) -> &Commitments {
        &self.sealed
    }

    /// Returns the length of action and groups together, in bytes.
    pub fn bytes_total(&self) -> usize {
        self.bytes.len()
    }

    /// Parses the groups, for a reader that needs single fields.
    ///
    /// # Errors
    /// A group is not JSON, which admit never writes and a reader of stored bytes has checked.
    pub fn to_event<'a>(
        &'a self,
        workspace: &'a str,
        seq: u64,
        recorded_at: Timestamp,
    ) -> Result<Event<'a>, JsonError> {
        let clear = Clear {
            workspace: workspace.into(),
            seq,
            recorded_at,
            occurred_at: self.occurred_at,
            action: self.clear_action().map(Into::into),
            outcome: self.outcome,
        };
        Event::from_groups(clear, &self.groups())
    }

    fn range(&self, group: Group) -> Option<std::ops::Range<usize>> {
        let index = group.index();
        if self.present >> index & 1 == 0 {
            return None;
        }
        let begin = match index {
            0 => usize::from(self.action_bytes),
            _ => self.ends[index - 1] as usize,
        };
        Some(begin..self.ends[index] as usize)
    }
}
