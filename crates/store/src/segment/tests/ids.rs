use std::collections::HashMap;

use proofbook_ledger::WorkspaceUid;

use super::model::{self, Numbers, OwnedRow, Shape};
use crate::segment::{IdEntry, Segment};

/// Compares lookups with a map from (workspace, upper half of the hash) to what was given, of which the
/// upper half of the fingerprint is stored.
fn check(segment: &Segment, rows: &[OwnedRow]) {
    let mut oracle: HashMap<(WorkspaceUid, u64), Vec<(u64, u32)>> = HashMap::new();
    for row in rows {
        let found = oracle.entry((row.workspace, row.id.hash >> 32)).or_default();
        found.push((row.seq, (row.id.fingerprint >> 32) as u32));
    }
    for row in rows.iter().step_by(1 + rows.len() / 5000) {
        let mut found = segment.lookup_id(row.workspace, row.id.hash).unwrap();
        let expected = oracle.get_mut(&(row.workspace, row.id.hash >> 32)).unwrap();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, *expected);
    }
    let mut numbers = Numbers(1);
    for row in rows.iter().take(2000) {
        let hash = numbers.next();
        let expected = oracle.get(&(row.workspace, hash >> 32)).cloned().unwrap_or_default();
        assert_eq!(segment.lookup_id(row.workspace, hash).unwrap(), expected);
    }
    let stranger = WorkspaceUid([0xee; 16]);
    assert_eq!(segment.lookup_id(stranger, rows[0].id.hash).unwrap(), []);
}

#[test]
fn a6_every_id_is_found_in_its_workspace_only() {
    let shape = Shape { rows: 7000, workspaces: 30, late_micros: 3_000, seq_start: 1 << 40 };
    let rows = model::rows(31, shape);
    check(&model::segment(&rows), &rows);
}

#[test]
fn a6_ids_whose_stored_hashes_collide_are_all_candidates() {
    let shape = Shape { rows: 3000, workspaces: 2, late_micros: 0, seq_start: 0 };
    let mut rows = model::rows(32, shape);
    for (at, row) in rows.iter_mut().enumerate() {
        // Up to 1500 of one hash, so that equal keys cross several blocks.
        row.id = IdEntry { hash: (at as u64 % 2) << 40 | at as u64, fingerprint: at as u64 };
    }
    check(&model::segment(&rows), &rows);
}

#[test]
fn a6_more_ids_than_one_filter_takes_are_found() {
    let shape = Shape { rows: 70_000, workspaces: 3, late_micros: 0, seq_start: 5 };
    let mut rows = model::rows(33, shape);
    for row in &mut rows {
        row.groups = Default::default();
        row.withheld.clear();
    }
    let segment = model::segment(&rows);
    assert_eq!(segment.directory.id_shards.first_keys.len(), 2);
    assert!(segment.id_filter_bytes() * 10 < rows.len() * 13, "at most 1.3 bytes an id");
    check(&segment, &rows);
}
