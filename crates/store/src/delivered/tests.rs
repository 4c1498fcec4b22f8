use super::*;

const ONE: WorkspaceUid = WorkspaceUid([1; 16]);
const TWO: WorkspaceUid = WorkspaceUid([2; 16]);

fn moved(workspace: WorkspaceUid, generation: u32, next: u64) -> Progress {
    let cursors = vec![(workspace, Cursor { generation, next })];
    Progress { destination: "dst_a".to_owned(), cursors, ..Progress::default() }
}

fn dead(seq: u64, reason: &str) -> DeadLetter {
    DeadLetter { workspace: ONE, seq, at: -5, attempts: 8, reason: reason.to_owned() }
}

fn next(delivered: &Delivered, workspace: WorkspaceUid) -> Option<u64> {
    Some(delivered.of("dst_a")?.cursors.get(&workspace)?.next)
}

#[test]
fn p3_a_cursor_never_goes_back_but_by_a_replay() {
    let mut delivered = Delivered::default();
    // (workspace, generation, next) and what the cursor of ONE is then.
    for (progress, expected) in [
        (moved(ONE, 0, 5), 5),
        (moved(ONE, 0, 3), 5),
        (moved(TWO, 0, 9), 5),
        (moved(ONE, 0, 6), 6),
        (moved(ONE, 1, 2), 2),
        // Sent before the replay and recorded after it.
        (moved(ONE, 0, 7), 2),
        (moved(ONE, 1, 4), 4),
    ] {
        delivered.apply(&progress);
        assert_eq!(next(&delivered, ONE), Some(expected), "{progress:?}");
    }
    assert_eq!(next(&delivered, TWO), Some(9));
}

#[test]
fn p3_dead_letters_are_kept_once_settled_and_bounded() {
    let mut delivered = Delivered::default();
    let news = |letters: Vec<DeadLetter>, settled: Vec<(WorkspaceUid, u64)>| Progress {
        destination: "dst_a".to_owned(),
        dead: letters,
        settled,
        ..Progress::default()
    };
    delivered.apply(&news(vec![dead(4, "400"), dead(4, "413"), dead(9, "422")], Vec::new()));
    let seqs = |delivered: &Delivered| -> Vec<u64> {
        delivered.of("dst_a").expect("known").dead.iter().map(|dead| dead.seq).collect()
    };
    assert_eq!(seqs(&delivered), [4, 9]);
    delivered.apply(&news(Vec::new(), vec![(ONE, 4), (TWO, 9)]));
    assert_eq!(seqs(&delivered), [9], "a letter of another workspace is another letter");
    let many = (0..DEAD_LETTERS_MAX as u64).map(|seq| dead(100 + seq, "400")).collect();
    delivered.apply(&news(many, Vec::new()));
    let standing = delivered.of("dst_a").expect("known");
    assert_eq!(standing.dead.len(), DEAD_LETTERS_MAX);
    assert_eq!(standing.dead_dropped, 1);
    assert_eq!(standing.dead.front().map(|dead| dead.seq), Some(100));
}

#[test]
fn what_is_written_is_read_and_nothing_else() {
    let progress = Progress {
        destination: "dst_a".to_owned(),
        cursors: vec![(ONE, Cursor { generation: 2, next: 300 })],
        dead: vec![dead(7, "answered 400")],
        settled: vec![(TWO, 8)],
    };
    let mut bytes = Vec::new();
    progress.encode(&mut bytes);
    assert_eq!(Progress::decode(&bytes), Ok(progress.clone()));
    for cut in 0..bytes.len() {
        assert!(Progress::decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let mut delivered = Delivered::default();
    delivered.apply(&progress);
    let mut whole = Vec::new();
    delivered.encode(&mut whole);
    let mut from = Decoder::new(&whole);
    assert_eq!(Delivered::decode(&mut from), Ok(delivered.clone()));
    assert!(from.is_empty());
    delivered.forget("dst_a");
    assert_eq!(delivered, Delivered::default());
}
