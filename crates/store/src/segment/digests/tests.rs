use super::*;
use crate::segment::Row;
use crate::segment::lift::Splitter;
use crate::segment::stream::NO_CODES;
use crate::segment::tests::model::{self, OwnedRow, Shape};

fn digest_with(row: &OwnedRow, row_group: usize) -> u64 {
    let stored = row.row();
    let mut splitter = Splitter::default();
    let values = splitter.split(&stored.groups, stored.withheld).values;
    let row = Row { groups: Default::default(), withheld: &[], ..stored };
    row_hash(&StoredRow { row, values, codes: NO_CODES, row_group, actor_name: None })
}

fn digest(row: &OwnedRow) -> u64 {
    digest_with(row, 0)
}

#[test]
fn rows_that_differ_in_one_thing_have_other_digests() {
    let rows = model::rows(13, Shape { rows: 2, workspaces: 1, late_micros: 0, seq_start: 0 });
    let base = &rows[0];
    let mut others = vec![base.clone(); 11];
    others[0].seq += 1;
    others[1].occurred_at -= 1;
    others[2].recorded_at += 1;
    others[3].run ^= 1;
    others[4].k ^= 1;
    others[5].flags ^= 1;
    others[6].action.push('x');
    others[7].groups[0] = Some(b"{}".to_vec());
    others[8].groups[1] = Some(b"{}".to_vec());
    others[9].withheld.push(1);
    others[10].workspace.0[15] ^= 1;
    for (at, other) in others.iter().enumerate() {
        assert_ne!(digest(base), digest(other), "{at}");
    }
    assert_eq!(digest(base), digest_with(base, 7), "where it is stored is no part of a row");
}

#[test]
fn a_value_in_another_column_is_another_row() {
    let rows = model::rows(14, Shape { rows: 1, workspaces: 1, late_micros: 0, seq_start: 0 });
    let mut base = rows[0].clone();
    base.groups = Default::default();
    base.withheld = Vec::new();
    let with = |index: usize, json: &str| {
        let mut row = base.clone();
        row.groups[index] = Some(json.as_bytes().to_vec());
        digest(&row)
    };
    let digests = [with(0, "1"), with(1, "1"), with(4, "1"), with(0, ""), digest(&base)];
    for (at, one) in digests.iter().enumerate() {
        assert!(digests[at + 1..].iter().all(|other| one != other), "{at}");
    }
}
