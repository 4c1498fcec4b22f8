use super::*;

#[test]
fn crooked_workspaces_survive_their_encoding() {
    let uid = |n| WorkspaceUid([n; 16]);
    let built = Workspaces::from(Collected {
        uids: (0..5).map(uid).collect(),
        row_starts: vec![0, 10, 11, 500, 600],
        seq_starts: vec![0, u64::from(u32::MAX), 9, 1 << 52, 3],
        times: vec![(-5, 5), (i64::MIN, i64::MAX), (0, 0), (7, 8), (1, 2)],
        rows: 700,
        crooked: vec![0, 1, 3, 4],
        crooked_at: vec![0, PERMUTED | 2, 2, 3],
        holed: Vec::new(),
        spans: vec![(0, 9), (2, 3), (0, 99), (5, 99), (0, 50)],
    });
    let mut bytes = Vec::new();
    built.encode(&mut bytes);
    let mut from = Decoder::new(&bytes);
    let decoded = Workspaces::decode(&mut from).unwrap();
    assert!(from.is_empty());
    assert_eq!(decoded, built);
    assert_eq!(decoded.seq_order(0), SeqOrder::Spans(&[(0, 9), (2, 3)]));
    assert_eq!(decoded.seq_order(1), SeqOrder::Permutation(2));
    assert_eq!(decoded.seq_order(2), SeqOrder::Straight);
    assert_eq!(decoded.seq_order(3), SeqOrder::Spans(&[(0, 99)]));
    assert_eq!(decoded.seq_order(4), SeqOrder::Spans(&[(5, 99), (0, 50)]));
    assert_eq!(decoded.of_row(10), 1);
    assert_eq!(decoded.of_row(699), 4);
    for cut in 0..bytes.len() {
        assert!(Workspaces::decode(&mut Decoder::new(&bytes[..cut])).is_err());
    }
}

#[test]
fn workspaces_that_are_looked_for_in_order_are_found_as_one_by_one() {
    let uid = |n: u16| WorkspaceUid([(n >> 8) as u8; 16].map(|high| high ^ n as u8));
    for known in [0_usize, 1, 2, 3, 7, 60] {
        let mut uids: Vec<WorkspaceUid> = (0..known).map(|n| uid(n as u16 * 4 + 1)).collect();
        uids.sort_unstable();
        let workspaces = Workspaces { uids: uids.into(), ..Workspaces::default() };
        // Every way of leaving some out: runs of strangers and of known ones, of all lengths.
        for stride in 1..9 {
            let mut sought: Vec<WorkspaceUid> = (0..256).step_by(stride).map(uid).collect();
            sought.sort_unstable();
            let mut from = 0;
            for uid in sought {
                let found = workspaces.find_after(&uid, &mut from);
                assert_eq!(found, workspaces.find(&uid), "{known} known, every {stride}");
            }
        }
    }
}
