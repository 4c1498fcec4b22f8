use proptest::prelude::*;

use super::*;
use crate::config::WorkspaceSettings;
use crate::segment::{FileHash, SegmentFiles};
use crate::withheld::ErasureStep;
use proofbook_ledger::{Hash, Slot};

fn groups_of(values: &[Option<Vec<u8>>]) -> GroupBytes<'_> {
    let mut groups = GroupBytes::default();
    for (group, value) in Group::ALL.into_iter().zip(values) {
        groups.set(group, value.as_deref());
    }
    groups
}

fn an_outcome(number: u8) -> Outcome {
    [Outcome::Success, Outcome::Failure, Outcome::Denied][usize::from(number) % 3]
}

fn entry(seed: u64) -> SegmentEntry {
    let file = |n: u64| FileHash { len: n, sha256: Hash([n as u8; 32]) };
    let files = SegmentFiles {
        name: seed,
        parquet: file(seed % 251),
        idx: file(seed % 241),
        directory: Hash([seed as u8; 32]),
    };
    SegmentEntry { files, rows: seed as u32 }
}

proptest! {
    #[test]
    fn an_event_reads_back_as_it_was_written(
        numbers in (any::<u32>(), any::<u32>(), any::<u16>(), any::<u8>(), any::<u8>()),
        times in (any::<i64>(), any::<u64>(), any::<u64>()),
        action in "[a-z_.]{1,128}",
        values in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..300)), 7),
    ) {
        let (workspace_index, run, k, flags, outcome) = numbers;
        let (occurred_at, id_hash, fingerprint) = times;
        let outcome = an_outcome(outcome);
        let groups = groups_of(&values);
        let parts = EventParts {
            workspace_index, run, k, flags, outcome, occurred_at, id_hash, fingerprint,
            action: &action, groups,
        };
        let mut bytes = Vec::new();
        parts.encode(&mut bytes);
        let mut from = Decoder::new(&bytes);
        let event = from.bytes("an event").expect("a length and its bytes");
        from.end().expect("nothing behind it");
        prop_assert_eq!(EventParts::decode(event).expect("decodes"), parts);
        // Every proper prefix is refused, and so is anything behind it.
        for cut in 0..event.len() {
            prop_assert!(EventParts::decode(&event[..cut]).is_err());
        }
        let longer = [event, &[0]].concat();
        prop_assert!(EventParts::decode(&longer).is_err());
    }

    #[test]
    fn records_read_back_in_their_order(
        uids in prop::collection::vec(any::<[u8; 16]>(), 0..5),
        keys in (any::<[u8; 32]>(), any::<[u8; 32]>(), any::<[u8; 16]>()),
        numbers in (any::<u16>(), any::<u32>(), any::<u64>(), any::<u64>()),
        name in "[a-z]{1,40}",
        events in prop::collection::vec(any::<u8>(), 0..500),
    ) {
        let (seed, nonce_key, batch) = keys;
        let (version, run, position, id) = numbers;
        let uid = WorkspaceUid(batch);
        let event_record = EventsRecord {
            batch,
            workspaces: uids.iter().copied().map(WorkspaceUid).collect(),
            event_count: run,
            events: &events,
        };
        let change = ConfigChange::PutWorkspace {
            name: name.clone(),
            settings: WorkspaceSettings { plan: Some(name.clone()), ..Default::default() },
        };
        let records = [
            Record::Format(Format { version, store_uid: batch, id_key: batch, mask_key: batch }),
            Record::Workspace { uid, name: &name },
            Record::Run { workspace: uid, run, seed, nonce_key },
            Record::Events(event_record.clone()),
            Record::Config { change: change.clone(), event: None },
            Record::Config { change, event: Some(event_record.clone()) },
            Record::Rewritten(Rewritten {
                kind: RewriteKind::Erased {
                    by: ErasureStep { erasure: id, step: version },
                    punctured: vec![Punctured { workspace: uid, run, slots: vec![Slot::FIRST, Slot::LAST] }],
                },
                decided_at: Position(position),
                gone: vec![Gone::of(uid, [3, 4, 9])],
                segments: vec![Pair { input: (id, seed), segment: entry(id) }],
                events: Some(event_record.clone()),
            }),
            Record::Packed { after: Position(position), through: Position(id), segment: entry(id) },
            Record::Compacted { inputs: vec![(id, seed), (position, nonce_key)], segment: entry(position) },
        ];
        let mut body = Vec::new();
        for record in &records {
            record.encode(&mut body);
        }
        let mut from = Decoder::new(&body);
        for record in &records {
            prop_assert_eq!(&Record::decode(&mut from).expect("decodes"), record);
        }
        prop_assert!(from.is_empty());
    }

    #[test]
    fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut from = Decoder::new(&bytes);
        while let Ok(record) = Record::decode(&mut from) {
            if let Record::Events(events) = record {
                for event in events.iter().flatten() {
                    let _ = EventParts::decode(event);
                }
            }
        }
    }
}

/// Bytes of format 1. A change here is a change of what every store has on disk.
#[test]
fn the_bytes_of_format_1_stay() {
    let mut groups = GroupBytes::default();
    groups.set(Group::Id, Some(b"\"a\""));
    groups.set(Group::Metadata, Some(b"{}"));
    let parts = EventParts {
        workspace_index: 1,
        run: 300,
        k: 4095,
        flags: flag::ACTION_LISTED | flag::NOTIFY,
        outcome: Outcome::Success,
        occurred_at: -1,
        id_hash: 0x0102_0304_0506_0708,
        fingerprint: 0x1112_1314_1516_1718,
        action: "x.y",
        groups,
    };
    let mut events = Vec::new();
    parts.encode(&mut events);
    let outcome = Outcome::Success as u8;
    #[rustfmt::skip]
    let expected = [
        37, // bytes that follow
        1, 0xac, 0x02, 0xff, 0x1f, // workspace, run, place
        9, outcome, 1, // flags, outcome, -1 as zigzag
        8, 7, 6, 5, 4, 3, 2, 1, // id hash
        0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, // fingerprint
        3, b'x', b'.', b'y',
        0b0011_0000, // /id and /metadata
        3, b'"', b'a', b'"',
        2, b'{', b'}',
    ];
    assert_eq!(events[1..], expected[1..]);
    assert_eq!(usize::from(events[0]), events.len() - 1);

    let mut record = Vec::new();
    Record::Workspace { uid: WorkspaceUid([5; 16]), name: "acme" }.encode(&mut record);
    let mut expected = vec![2, 21];
    expected.extend_from_slice(&[5; 16]);
    expected.extend_from_slice(b"\x04acme");
    assert_eq!(record, expected);
}

#[test]
fn an_unknown_tag_is_refused() {
    for tag in [0_u8, 99, 255] {
        let bytes = [tag, 0];
        let record = Record::decode(&mut Decoder::new(&bytes));
        assert_eq!(record, Err(DecodeError::Unknown("a record's tag")));
    }
}

#[test]
fn an_events_record_says_when_its_bytes_are_not_its_count() {
    let record = |event_count, events: &'static [u8]| EventsRecord {
        batch: [0; 16],
        workspaces: Vec::new(),
        event_count,
        events,
    };
    let results = |record: EventsRecord<'static>| record.iter().collect::<Vec<_>>();
    assert_eq!(results(record(2, b"\x01a\x01b")), [Ok(b"a".as_slice()), Ok(b"b".as_slice())]);
    assert!(results(record(2, b"\x01a"))[1].is_err());
    assert_eq!(results(record(1, b"\x01a\x01b"))[1], Err(DecodeError::LeftOver(2)));
}
