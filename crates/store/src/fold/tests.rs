use proptest::prelude::*;

use proofbook_event::Group;

use super::*;
use crate::segment::{FileHash, SegmentFiles};
use proofbook_event::{GroupBytes, Outcome as EventOutcome};

const ACME: WorkspaceUid = WorkspaceUid([1; 16]);
const BETA: WorkspaceUid = WorkspaceUid([2; 16]);

/// An event as a test names it: id, what else it says, hash of the id.
#[derive(Clone, Copy, Debug)]
struct Sent {
    workspace: WorkspaceUid,
    id: &'static str,
    says: u64,
    id_hash: u64,
}

fn sent(id: &'static str, says: u64) -> Sent {
    let id_hash = id.bytes().fold(7, |hash: u64, byte| hash * 31 + u64::from(byte));
    Sent { workspace: ACME, id, says, id_hash }
}

fn format() -> Record<'static> {
    let version = record::FORMAT;
    Record::Format(Format { version, store_uid: [0; 16], id_key: [0; 16], mask_key: [0; 16] })
}

fn workspace(uid: WorkspaceUid, name: &str) -> Record<'_> {
    Record::Workspace { uid, name }
}

fn run(workspace: WorkspaceUid, run: u32) -> Record<'static> {
    Record::Run { workspace, run, seed: [run as u8; 32], nonce_key: [9; 32] }
}

fn body(records: &[Record<'_>]) -> Bytes {
    let mut body = Vec::new();
    for record in records {
        record.encode(&mut body);
    }
    Bytes::from(body)
}

/// Encodes events as one batch, at consecutive places of a run from `k` on.
fn batch(events: &[Sent], of_run: u32, k: u16) -> Vec<u8> {
    let workspaces = vec![ACME, BETA];
    let mut bytes = Vec::new();
    for (event, k) in events.iter().zip(k..) {
        let id = format!("\"{}\"", event.id);
        let mut groups = GroupBytes::default();
        groups.set(Group::Id, Some(id.as_bytes()));
        EventParts {
            workspace_index: u32::from(event.workspace == BETA),
            run: of_run,
            k,
            flags: 0,
            outcome: EventOutcome::Success,
            occurred_at: 5,
            id_hash: event.id_hash,
            fingerprint: event.says,
            action: "x.create",
            groups,
        }
        .encode(&mut bytes);
    }
    let mut record = Vec::new();
    Record::Events(EventsRecord {
        batch: [0; 16],
        workspaces,
        event_count: events.len() as u32,
        events: &bytes,
    })
    .encode(&mut record);
    record
}

/// A fold with two workspaces, one run each, at position 1.
fn begun() -> Fold {
    let mut fold = Fold::default();
    let records =
        [format(), workspace(ACME, "acme"), workspace(BETA, "beta"), run(ACME, 0), run(BETA, 0)];
    fold.apply(Position(1), 100, &body(&records), &[], &[]).expect("folds");
    fold
}

fn apply(fold: &mut Fold, stamp: i64, events: &[Sent], k: u16) -> Vec<Outcome> {
    let position = fold.state.position.next();
    let body = Bytes::from(batch(events, 0, k));
    let folded = fold.apply(position, stamp, &body, &[], &[]).expect("folds");
    folded.outcomes.into_iter().next().expect("one batch")
}

fn kinds(outcomes: &[Outcome]) -> Vec<(char, u64)> {
    let kind = |outcome: &Outcome| match outcome {
        Outcome::Created { seq, .. } => ('c', *seq),
        Outcome::Duplicate { seq } => ('d', *seq),
        Outcome::Conflict { seq } => ('x', *seq),
        Outcome::Lost => ('l', 0),
    };
    outcomes.iter().map(kind).collect()
}

#[test]
fn i5_the_same_id_is_a_duplicate_or_a_conflict_inside_a_batch_and_over_frames() {
    let mut fold = begun();
    let first = apply(&mut fold, 100, &[sent("a", 1), sent("a", 1), sent("a", 2), sent("b", 1)], 0);
    assert_eq!(kinds(&first), [('c', 0), ('d', 0), ('x', 0), ('c', 1)]);
    let second = apply(&mut fold, 100, &[sent("b", 1), sent("b", 9), sent("c", 1)], 10);
    assert_eq!(kinds(&second), [('d', 1), ('x', 1), ('c', 2)]);
    let elsewhere = Sent { workspace: BETA, ..sent("a", 1) };
    assert_eq!(kinds(&apply(&mut fold, 100, &[elsewhere], 20)), [('c', 0)]);
}

#[test]
fn i5_two_ids_with_one_hash_are_both_kept() {
    let mut fold = begun();
    let twin = |id| Sent { id_hash: 4, ..sent(id, 1) };
    let outcomes = apply(&mut fold, 100, &[twin("a"), twin("b"), twin("a")], 0);
    assert_eq!(kinds(&outcomes), [('c', 0), ('c', 1), ('d', 0)]);
}

#[test]
fn i5_what_a_segment_knows_of_an_id_counts_as_if_it_were_folded() {
    let mut fold = begun();
    let event = sent("a", 1);
    let position = fold.state.position.next();
    let bytes = batch(&[event, sent("b", 1)], 0, 0);
    let id_crc = crc32c::crc32c(b"\"a\"");
    for (fingerprint, crc, expected) in
        [(1, id_crc, ('d', 77)), (2, id_crc, ('x', 77)), (1, !id_crc, ('c', 0))]
    {
        let hit = IdHit { seq: 77, fingerprint, id_crc: crc };
        let mut fold = Fold::new(fold.state.clone());
        let folded = fold
            .apply(position, 100, &Bytes::from(bytes.clone()), &[Some(hit), None], &[])
            .expect("folds");
        assert_eq!(kinds(&folded.outcomes[0])[0], expected);
    }
    // The fold's own knowledge is newer than a look-up.
    apply(&mut fold, 100, &[event], 0);
    let stale = IdHit { seq: 77, fingerprint: 1, id_crc };
    let position = fold.state.position.next();
    let folded = fold
        .apply(position, 100, &Bytes::from(batch(&[event], 0, 5)), &[Some(stale)], &[])
        .expect("folds");
    assert_eq!(kinds(&folded.outcomes[0]), [('d', 0)]);
}

#[test]
fn ids_stay_known_for_one_pack_after_their_own() {
    let mut fold = begun();
    let pack = |fold: &mut Fold| {
        let through = fold.state.position;
        fold.ids.freeze(through);
        let after = fold.state.packed_through;
        let record = Record::Packed { after, through, segment: entry(through.0) };
        fold.apply(through.next(), 100, &body(&[record]), &[], &[]).expect("folds");
    };
    apply(&mut fold, 100, &[sent("a", 1)], 0);
    pack(&mut fold);
    assert_eq!(
        kinds(&apply(&mut fold, 100, &[sent("a", 1), sent("b", 1)], 10)),
        [('d', 0), ('c', 1)]
    );
    pack(&mut fold);
    let outcomes = apply(&mut fold, 100, &[sent("b", 1), sent("a", 1)], 20);
    assert_eq!(kinds(&outcomes)[0], ('d', 1));
    assert!(matches!(outcomes[1], Outcome::Created { .. }), "a look-up must say so from here on");
}

#[test]
fn a_format_of_the_future_is_refused() {
    let mut fold = Fold::default();
    let future = Record::Format(Format {
        version: record::FORMAT + 1,
        store_uid: [0; 16],
        id_key: [0; 16],
        mask_key: [0; 16],
    });
    let refused = fold.apply(Position(1), 0, &body(&[future]), &[], &[]);
    assert!(matches!(
        refused,
        Err(FoldError::Format { found, known: record::FORMAT }) if found == record::FORMAT + 1
    ));
}

#[test]
fn a_log_that_does_not_begin_with_a_format_is_refused() {
    let mut fold = Fold::default();
    let refused = fold.apply(Position(1), 0, &body(&[workspace(ACME, "acme")]), &[], &[]);
    assert!(matches!(refused, Err(FoldError::NoFormat)));
}

#[test]
fn i4_a_digest_that_differs_names_the_position() {
    let mut fold = begun();
    apply(&mut fold, 100, &[sent("a", 1)], 0);
    let digest = fold.state.digest;
    assert_eq!(digest.position, Position(2));
    fold.check_digest(digest).expect("its own");
    let other = FoldDigest { hash: [1; 32], ..digest };
    assert!(matches!(fold.check_digest(other), Err(FoldError::Digest { position: Position(2) })));
    // What a frame says of a position that was not folded here last is not ours to judge.
    fold.check_digest(FoldDigest { position: Position(1), hash: [1; 32] }).expect("older");
}

#[test]
fn the_first_record_of_a_name_wins_and_events_of_the_loser_are_lost() {
    let mut fold = begun();
    let loser = WorkspaceUid([3; 16]);
    let records = [workspace(loser, "acme"), run(loser, 0), workspace(ACME, "another")];
    let position = fold.state.position.next();
    fold.apply(position, 100, &body(&records), &[], &[]).expect("folds");
    assert_eq!(fold.workspace_by_uid(loser), None);
    assert_eq!(fold.workspace_by_name("another"), None);
    assert_eq!(fold.state.workspaces.len(), 2);
    let mut bytes = Vec::new();
    let parts_batch = batch(&[sent("a", 1)], 0, 0);
    let mut from = Decoder::new(&parts_batch);
    let Record::Events(events) = Record::decode(&mut from).expect("decodes") else {
        panic!("events")
    };
    let events = EventsRecord { workspaces: vec![loser, loser], ..events };
    Record::Events(events).encode(&mut bytes);
    let folded = fold.apply(position.next(), 100, &Bytes::from(bytes), &[], &[]).expect("folds");
    assert_eq!(folded.outcomes, [[Outcome::Lost]]);
}

#[test]
fn a_run_is_taken_once_and_in_order() {
    let mut fold = begun();
    let position = fold.state.position.next();
    let other = Record::Run { workspace: ACME, run: 0, seed: [77; 32], nonce_key: [77; 32] };
    fold.apply(position, 100, &body(&[other, run(ACME, 2), run(ACME, 1)]), &[], &[])
        .expect("folds");
    let runs = &fold.state.workspaces[0].runs;
    assert_eq!(runs.len(), 2, "the repeated run and the one that skips a number are ignored");
    assert_eq!(runs[0].secret, RunSecret::Whole(RunSeed::from_bytes([0; 32])));
}

fn entry(id: u64) -> SegmentEntry {
    let file = FileHash { len: 1, sha256: Hash([id as u8; 32]) };
    let files = SegmentFiles { name: id, parquet: file, idx: file, directory: file.sha256 };
    SegmentEntry { files, rows: 1 }
}

fn decide(fold: &mut Fold, record: &Record<'_>) -> Decision {
    let position = fold.state.position.next();
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    let folded = fold.apply(position, 100, &Bytes::from(bytes), &[], &[]).expect("folds");
    folded.decisions.into_iter().next().expect("one decision")
}

/// Design decision 3: the first valid record wins, any other is ignored.
#[test]
fn a_pack_that_does_not_continue_the_one_before_is_dropped() {
    let mut fold = begun();
    for n in 0..6 {
        apply(&mut fold, 100, &[sent("a", n)], n as u16);
    }
    let pack = |after, through, id| Record::Packed {
        after: Position(after),
        through: Position(through),
        segment: entry(id),
    };
    let is_taken = |decision: Decision| matches!(decision, Decision::Packed { .. });
    assert!(!is_taken(decide(&mut fold, &pack(1, 4, 10))), "it leaves a gap");
    assert!(is_taken(decide(&mut fold, &pack(0, 4, 11))));
    assert!(!is_taken(decide(&mut fold, &pack(0, 4, 12))), "another was first");
    assert!(!is_taken(decide(&mut fold, &pack(4, 4, 13))), "it is empty");
    assert!(!is_taken(decide(&mut fold, &pack(4, 99, 14))), "it names the future");
    assert!(is_taken(decide(&mut fold, &pack(4, 6, 15))));
    let live: Vec<u64> = fold.state.segments.iter().map(SegmentEntry::id).collect();
    assert_eq!(live, [11, 15]);
    assert_eq!(fold.state.packed_through, Position(6));
}

#[test]
fn a_compaction_is_dropped_unless_its_inputs_are_live_neighbours() {
    let mut fold = begun();
    fold.state.segments = [1, 2, 3, 4].map(entry).to_vec();
    let compact = |ids: &[u64], id| Record::Compacted {
        inputs: ids.iter().map(|id| (*id, [*id as u8; 32])).collect(),
        segment: entry(id),
    };
    let live = |fold: &Fold| fold.state.segments.iter().map(SegmentEntry::id).collect::<Vec<_>>();
    let mut dropped = |record: &Record<'_>| {
        assert!(matches!(decide(&mut fold, record), Decision::Dropped { .. }), "{record:?}");
        assert_eq!(live(&fold), [1, 2, 3, 4]);
    };
    dropped(&compact(&[], 9));
    dropped(&compact(&[1, 3], 9));
    dropped(&compact(&[4, 5], 9));
    dropped(&Record::Compacted { inputs: vec![(1, [1; 32]), (2, [9; 32])], segment: entry(9) });
    let taken = decide(&mut fold, &compact(&[2, 3], 9));
    assert_eq!(taken, Decision::Compacted { inputs: vec![2, 3], segment: entry(9) });
    assert_eq!(live(&fold), [1, 9, 4]);
    assert!(matches!(decide(&mut fold, &compact(&[2, 3], 8)), Decision::Dropped { .. }));
}

/// RFC 6962 section 2.1 word by word, with no code of the ledger.
fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash(Sha256::digest([]).into()),
        [leaf] => *leaf,
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            let mut node = Sha256::new();
            node.update([1]);
            node.update(root_of(&leaves[..split]).0);
            node.update(root_of(&leaves[split..]).0);
            Hash(node.finalize().into())
        }
    }
}

const IDS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

proptest! {
    /// I2, I3, I4 and I5 against the plainest model: lists of ids and of leaves.
    #[test]
    fn any_frames_number_without_gap_and_fold_again_to_the_same(
        frames in prop::collection::vec(
            (-50_i64..50, prop::collection::vec((0..6_usize, 0..3_u64, any::<bool>()), 1..8)),
            1..12,
        ),
    ) {
        let mut fold = begun();
        let mut known: [Vec<(&str, u64)>; 2] = Default::default();
        let mut leaves: [Vec<Hash>; 2] = Default::default();
        let mut times = [i64::MIN; 2];
        let mut log = Vec::new();
        let mut k = 0;
        for (jump, events) in &frames {
            let stamp = 1_000 + jump;
            let events: Vec<Sent> = events
                .iter()
                .map(|(id, says, in_beta)| Sent {
                    workspace: if *in_beta { BETA } else { ACME },
                    ..sent(IDS[*id], *says)
                })
                .collect();
            let bytes = Bytes::from(batch(&events, 0, k));
            k += events.len() as u16;
            let position = fold.state.position.next();
            log.push((position, stamp, bytes.clone(), fold.state.digest));
            let folded = fold.apply(position, stamp, &bytes, &[], &[]).expect("folds");
            for (event, outcome) in events.iter().zip(&folded.outcomes[0]) {
                let index = usize::from(event.workspace == BETA);
                let place = known[index].iter().position(|(id, _)| *id == event.id);
                match (place, *outcome) {
                    (None, Outcome::Created { seq, leaf, recorded_at }) => {
                        prop_assert_eq!(seq as usize, known[index].len());
                        prop_assert!(recorded_at >= times[index] && recorded_at >= stamp);
                        times[index] = recorded_at;
                        known[index].push((event.id, event.says));
                        leaves[index].push(leaf);
                    }
                    (Some(place), Outcome::Duplicate { seq }) => {
                        prop_assert_eq!(seq as usize, place);
                        prop_assert_eq!(known[index][place].1, event.says);
                    }
                    (Some(place), Outcome::Conflict { seq }) => {
                        prop_assert_eq!(seq as usize, place);
                        prop_assert_ne!(known[index][place].1, event.says);
                    }
                    (place, outcome) => prop_assert!(false, "{place:?} {outcome:?}"),
                }
            }
        }
        for (workspace, leaves) in fold.state.workspaces.iter().zip(&leaves) {
            prop_assert_eq!(workspace.edge.size() as usize, leaves.len());
            prop_assert_eq!(workspace.edge.root(), root_of(leaves));
        }
        let mut again = begun();
        for (position, stamp, bytes, digest) in log {
            again.check_digest(digest).expect("the same until here");
            again.apply(position, stamp, &bytes, &[], &[]).expect("folds");
        }
        prop_assert_eq!(format!("{:?}", again.state), format!("{:?}", fold.state));
    }
}

fn head(fold: &Fold, uid: WorkspaceUid) -> Record<'static> {
    let index = fold.workspace_by_uid(uid).expect("it exists");
    let edge = &fold.state.workspaces[index as usize].edge;
    Record::Head { workspace: uid, size: edge.size(), root: edge.root() }
}

fn published(fold: &Fold) -> Vec<u64> {
    let signing = fold.state.workspaces[0].signing.as_ref();
    signing.map_or(Vec::new(), |signing| signing.heads.iter().map(|head| head.size).collect())
}

#[test]
fn b1_a_head_is_published_only_as_the_tree_is() {
    let mut fold = begun();
    let publish = |fold: &mut Fold, record: Record<'_>| {
        let position = fold.state.position.next();
        fold.apply(position, 100, &body(&[record]), &[], &[]).expect("folds");
    };
    apply(&mut fold, 100, &[sent("a", 1), sent("b", 1)], 0);
    // Without a master seed there is nothing to sign with.
    let first = head(&fold, ACME);
    publish(&mut fold, first.clone());
    assert_eq!(published(&fold), [0; 0]);
    let change = ConfigChange::SigningSeed { seed: SeedId([7; 8]) };
    publish(&mut fold, Record::Config { change, event: None });
    publish(&mut fold, first.clone());
    assert_eq!(published(&fold), [2]);
    apply(&mut fold, 100, &[sent("c", 1)], 10);
    // A head of before, and one that is of no tree.
    publish(&mut fold, first);
    publish(&mut fold, Record::Head { workspace: ACME, size: 3, root: Hash([1; 32]) });
    assert_eq!(published(&fold), [2]);
    let second = head(&fold, ACME);
    publish(&mut fold, second);
    assert_eq!(published(&fold), [2, 3]);
}

#[test]
fn the_upper_tiles_are_those_of_the_tree() {
    let mut fold = begun();
    let ids: Vec<String> = (0..600).map(|number| format!("e{number}")).collect();
    let ids: Vec<&'static str> = ids.into_iter().map(|id| &*id.leak()).collect();
    let events: Vec<Sent> = ids.into_iter().map(|id| sent(id, 1)).collect();
    apply(&mut fold, 100, &events, 0);
    let workspace = &fold.state.workspaces[0];
    assert_eq!(workspace.edge.size(), 600);
    assert!(workspace.upper.fits(&workspace.edge));
}
