//! Against a list of what was added, for every workspace and position.

use std::sync::Arc;

use bytes::Bytes;
use proofbook_event::{Group, GroupBytes, Outcome};
use proofbook_ledger::{Hash, WorkspaceUid};

use super::chunk::EVENTS_MAX;
use super::{Arrival, FrameBody, Generation, RecentEvents};
use crate::codec::Decoder;
use crate::log::Position;
use crate::record::EventParts;

const ONE: WorkspaceUid = WorkspaceUid([1; 16]);
const TWO: WorkspaceUid = WorkspaceUid([2; 16]);
const NOBODY: WorkspaceUid = WorkspaceUid([9; 16]);

/// An event as it was added.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
    position: u64,
    workspace: WorkspaceUid,
    seq: u64,
    occurred_at: i64,
    action: String,
    reason: &'static str,
}

impl Sent {
    fn new(position: u64, workspace: WorkspaceUid, seq: u64) -> Self {
        Self {
            position,
            workspace,
            seq,
            // Anything but ascending.
            occurred_at: (seq as i64 * 7_919) % 1_000,
            action: format!("a{}.update", seq % 5),
            reason: if seq.is_multiple_of(3) {
                "{\"reason\":\"größer\"}"
            } else {
                "{\"reason\":\"ok\"}"
            },
        }
    }

    fn parts(&self) -> EventParts<'_> {
        let mut groups = GroupBytes::default();
        groups.set(Group::Description, Some(self.reason.as_bytes()));
        EventParts {
            workspace_index: 0,
            run: 3,
            k: 4,
            flags: (self.seq % 4) as u8,
            outcome: Outcome::Failure,
            occurred_at: self.occurred_at,
            id_hash: self.seq.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            fingerprint: 6,
            action: &self.action,
            groups,
        }
    }
}

/// Adds the events of one frame.
fn add(generation: &Generation, events: &[Sent]) {
    let mut body = b"what comes before".to_vec();
    events.iter().for_each(|event| event.parts().encode(&mut body));
    let position = Position(events[0].position);
    let frame = Arc::new(FrameBody { position, bytes: Bytes::from(body) });
    let mut from = Decoder::new(&frame.bytes[b"what comes before".len()..]);
    let arrivals: Vec<Arrival> = events
        .iter()
        .map(|event| {
            let bytes = from.bytes("an event").unwrap();
            let leaf = Hash([event.seq as u8; 32]);
            let recorded_at = event.position as i64;
            let (uid, seq, at) = (event.workspace, event.seq, event.occurred_at);
            Arrival::new(&frame, uid, seq, recorded_at, leaf, at, bytes)
        })
        .collect();
    generation.extend(arrivals);
}

/// Frames of 1, 2, 3 … events, every third for the second workspace.
fn filled(frames: u64) -> (Generation, Vec<Sent>) {
    let generation = Generation::new(Position(10));
    let mut sent: Vec<Sent> = Vec::new();
    let mut next = [0, 100];
    for frame in 0..frames {
        let events: Vec<Sent> = (0..=frame)
            .map(|number| {
                let which = usize::from((frame + number).is_multiple_of(3));
                next[which] += 1;
                Sent::new(11 + frame, [ONE, TWO][which], next[which] - 1)
            })
            .collect();
        add(&generation, &events);
        sent.extend(events);
    }
    (generation, sent)
}

fn shown(events: &RecentEvents) -> Vec<Sent> {
    let shown = events.iter().map(|event| {
        let parts = event.parts();
        assert_eq!(event.leaf, Hash([event.seq as u8; 32]));
        assert_eq!(event.recorded_at, event.position.0 as i64);
        Sent {
            position: event.position.0,
            workspace: event.workspace,
            seq: event.seq,
            occurred_at: event.occurred_at,
            action: parts.action.to_owned(),
            reason: Sent::new(0, ONE, event.seq).reason,
        }
    });
    shown.collect()
}

#[test]
fn a_picture_holds_what_came_up_to_its_position_and_nothing_else() {
    let (generation, sent) = filled(90);
    assert!(sent.len() > 3 * EVENTS_MAX, "several chunks");
    for position in (10..=103).chain([u64::MAX]) {
        for uid in [ONE, TWO, NOBODY] {
            let events = generation.workspace(uid, Position(position));
            let is_seen = |event: &&Sent| event.workspace == uid && event.position <= position;
            let wanted: Vec<Sent> = sent.iter().filter(is_seen).cloned().collect();
            assert_eq!(shown(&events), wanted, "{uid} at {position}");
            let mut next = wanted.first().map_or(0, |event| event.seq);
            for block in events.blocks() {
                assert_eq!(block.seqs().start, next, "blocks follow each other");
                assert!(!block.is_empty() && block.len() <= EVENTS_MAX);
                next = block.seqs().end;
            }
            for seq in [0, 1, 99, 100, 101, next.saturating_sub(1), next, u64::MAX] {
                let found = events.get(seq).map(|event| event.seq);
                let wanted = wanted.iter().find(|event| event.seq == seq).map(|event| event.seq);
                assert_eq!(found, wanted, "event {seq} of {uid} at {position}");
            }
        }
    }
    assert_eq!(generation.workspaces(), [ONE, TWO]);
    assert_eq!(generation.event_count(), sent.len());
    assert_eq!(generation.first_recorded_at(), Some(11));
}

#[test]
fn what_comes_later_changes_no_picture_and_no_columns_of_it() {
    let generation = Generation::new(Position(0));
    let (mut sent, mut pictures) = (Vec::new(), Vec::new());
    for position in 1..=40 {
        let first = sent.len() as u64;
        let events: Vec<Sent> =
            (first..first + 37).map(|seq| Sent::new(position, ONE, seq)).collect();
        add(&generation, &events);
        sent.extend(events);
        // Newer and older ones ask for columns in turn.
        pictures.push((sent.len(), generation.workspace(ONE, Position(position))));
        for (count, events) in pictures.iter().rev().step_by(3) {
            assert_eq!(shown(events), sent[..*count]);
            check_columns(events, &sent[..*count]);
        }
    }
}

fn check_columns(events: &RecentEvents, sent: &[Sent]) {
    let mut sent = sent.iter();
    for block in events.blocks() {
        let columns = block.columns();
        let here: Vec<&Sent> = sent.by_ref().take(block.len()).collect();
        let times = here.iter().map(|event| event.occurred_at);
        assert_eq!(columns.times(), (times.clone().min().unwrap(), times.max().unwrap()));
        for (place, event) in here.iter().enumerate() {
            let number = usize::from(columns.actions()[place]);
            assert_eq!(*columns.words()[number], *event.action);
            assert_eq!(columns.outcomes()[place], Outcome::Failure);
            assert_eq!(columns.flags()[place], event.parts().flags);
            assert_eq!(columns.is_ascii(place), event.reason.is_ascii());
            assert!(columns.with_id(event.parts().id_hash).any(|found| found == place));
            assert_eq!(block.occurred_at(place), event.occurred_at);
        }
        assert_eq!(columns.actions().len(), block.len());
    }
    assert_eq!(sent.next(), None);
}

#[test]
fn a_number_that_is_not_the_next_one_begins_a_block() {
    let generation = Generation::new(Position(0));
    let events: Vec<Sent> =
        [5, 6, 7, 20, 21, 40].into_iter().map(|seq| Sent::new(1, ONE, seq)).collect();
    add(&generation, &events);
    let found = generation.workspace(ONE, Position(1));
    assert_eq!(shown(&found), events);
    assert_eq!(found.get(20).map(|event| event.seq), Some(20));
    assert!(found.get(8).is_none() && found.get(22).is_none());
}

#[test]
fn i10_the_account_covers_bodies_places_and_columns() {
    let (generation, sent) = filled(90);
    let bodies: usize = sent
        .iter()
        .map(|event| {
            let mut body = Vec::new();
            event.parts().encode(&mut body);
            body.len()
        })
        .sum();
    let before = generation.memory_bytes();
    assert!(before >= bodies + sent.len() * 72, "{before} bytes");
    // At most half of the places are empty, and little else is charged.
    assert!(before <= bodies + 2 * sent.len() * 72 + 64 * 1024, "{before} bytes");
    for uid in [ONE, TWO] {
        for block in generation.workspace(uid, Position(u64::MAX)).blocks() {
            block.columns();
        }
    }
    let with_columns = generation.memory_bytes();
    assert!(with_columns >= before + 8 * sent.len(), "{with_columns} bytes");
    for uid in [ONE, TWO] {
        for position in [20, 60, u64::MAX] {
            for block in generation.workspace(uid, Position(position)).blocks() {
                block.columns();
            }
        }
    }
    assert_eq!(generation.memory_bytes(), with_columns, "made once");
}
