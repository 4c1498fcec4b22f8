//! An admitted event: everything about it that needs neither its place in the log nor a time stamp.
//!
//! Its action and its groups' canonical bytes lie one behind the other in one buffer:
//!
//! ```text
//! action ‖ /actor ‖ /changes ‖ /context ‖ /description ‖ /id ‖ /metadata ‖ /targets
//! ```
//!
//! Commitments and nonce follow from the bytes and the run's keys, so a log need not store them.
//!
//! One is kept for a whole batch, and each event is admitted into it: it is large, and moving it costs as
//! much as a commitment.

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

/// A judged event, ready to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Keyed SipHash-2-4 of the id.
    pub id_hash: u64,
    /// Keyed SipHash-1-3 of the event as it was sent.
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

impl Admitted {
    /// Makes room for an event, without one.
    pub fn blank() -> Self {
        Self {
            id_hash: 0,
            fingerprint: 0,
            id_generated: false,
            occurred_at: Timestamp::from_micros(0),
            retention_from_recorded: false,
            action_listed: false,
            notify: false,
            outcome: Outcome::Success,
            masked: 0,
            run: 0,
            slot: Slot::FIRST,
            nonce: [0; 16],
            bytes: Vec::new(),
            action_bytes: 0,
            present: 0,
            ends: [0; Group::COUNT],
            sealed: Commitments::none(),
        }
    }

    /// Begins another event's bytes with the action's name, which has at most 128 bytes.
    pub(crate) fn begin(&mut self, action: &str) {
        self.bytes.clear();
        self.bytes.extend_from_slice(action.as_bytes());
        self.action_bytes = u8::try_from(action.len()).expect("an action has at most 128 bytes");
        self.present = 0;
    }

    /// Appends one group, or marks it absent; groups come in the order of [`Group::ALL`].
    pub(crate) fn put(&mut self, group: Group, write: Option<impl FnOnce(&mut Vec<u8>)>) {
        if let Some(write) = write {
            write(&mut self.bytes);
            self.present |= 1 << group.index();
        }
        self.ends[group.index()] =
            u32::try_from(self.bytes.len()).expect("an event has far less than 4 GiB");
    }

    /// Computes the commitments and takes the nonce under the keys of this event's (run, k).
    pub(crate) fn seal(&mut self, keys: &EventKeys) {
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
