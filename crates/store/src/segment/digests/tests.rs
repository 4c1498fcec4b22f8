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
    let stored = StoredRow { row, values, codes: NO_CODES, row_group, actor_name: None };
    row_hash(&stored, &mut Known::default())
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

#[test]
fn a_code_stands_for_its_value_in_its_own_row_group_alone() {
    let rows = model::rows(15, Shape { rows: 1, workspaces: 1, late_micros: 0, seq_start: 0 });
    let long = |letter: &str| {
        let mut row = rows[0].clone();
        row.groups[0] = Some(letter.repeat(LONG_BYTES + 1).into_bytes());
        row
    };
    let digest_of = |coded: &[(&OwnedRow, u32, usize)]| {
        let mut digests = Digests::default();
        for (row, code, row_group) in coded {
            let stored = row.row();
            let mut splitter = Splitter::default();
            let values = splitter.split(&stored.groups, stored.withheld).values;
            let row = Row { groups: Default::default(), withheld: &[], ..stored };
            let mut codes = NO_CODES;
            codes[0] = *code;
            let stored = StoredRow { row, values, codes, row_group: *row_group, actor_name: None };
            digests.row(&stored, 0);
        }
        digests.finish()
    };
    let (a, b) = (long("a"), long("b"));
    let expected = digest_of(&[(&a, 0, 0), (&a, 0, 0), (&b, 0, 0), (&a, 0, 0)]);
    assert_eq!(digest_of(&[(&a, 1, 0), (&a, 1, 0), (&b, 2, 0), (&a, 1, 0)]), expected);
    assert_eq!(digest_of(&[(&a, 7, 0), (&a, 1, 1), (&b, 1, 2), (&a, 1, 3)]), expected);
    assert_ne!(digest_of(&[(&a, 1, 0), (&b, 2, 0), (&a, 1, 0), (&a, 1, 0)]), expected);
}
