use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proofbook_event::Group;

use super::model::{self, OwnedRow, Shape};
use crate::disk::SimDisk;
use crate::segment::{
    BlockCache, GroupSet, Segment, SegmentError, SegmentMeta, SegmentWriter, digest_of, merge,
};

fn open(disk: &SimDisk, meta: &SegmentMeta) -> Arc<Segment> {
    Arc::new(Segment::open(disk, meta.files, Arc::new(BlockCache::default())).unwrap())
}

/// Cuts rows into parts by seq, as packs one after the other would.
fn parts(rows: &[OwnedRow], count: u64) -> Vec<Vec<OwnedRow>> {
    let last = rows.iter().map(|row| row.seq).max().unwrap() + 1;
    (0..count)
        .map(|part| {
            let seqs = part * last / count..(part + 1) * last / count;
            rows.iter().filter(|row| seqs.contains(&row.seq)).cloned().collect()
        })
        .filter(|part: &Vec<OwnedRow>| !part.is_empty())
        .collect()
}

#[test]
fn a5_a_merged_segment_is_the_segment_of_all_rows() {
    let name_of = |uid| format!("ws-{uid}");
    for (seed, count, late_micros) in [(41, 2, 0), (42, 5, 900_000), (43, 16, 1 << 40)] {
        let shape = Shape { rows: 6000, workspaces: 12, late_micros, seq_start: 0 };
        let rows = model::rows(seed, shape);
        let disk = model::disk();
        let inputs: Vec<Arc<Segment>> = parts(&rows, count)
            .iter()
            .enumerate()
            .map(|(name, part)| open(&disk, &model::write(&disk, name as u64 + 10, part)))
            .collect();
        let mut writer = SegmentWriter::create(&disk, 1, &name_of).unwrap();
        let digest = merge(&inputs, &mut writer, &AtomicBool::new(false)).unwrap();
        let merged = open(&disk, &writer.finish().unwrap());
        assert_eq!(digest_of(&merged).unwrap(), digest);

        let whole = model::write(&disk, 2, &rows);
        let whole = open(&disk, &whole);
        assert_eq!(digest_of(&whole).unwrap(), digest);
        assert_eq!(merged.files().parquet, whole.files().parquet, "byte by byte");
        let same: Vec<_> = whole.workspaces().collect();
        assert_eq!(merged.workspaces().collect::<Vec<_>>(), same);
        let mut at = 0;
        merged
            .for_each_row(GroupSet::ALL, |row| {
                assert_eq!(*row, rows[at].row());
                at += 1;
                Ok::<_, SegmentError>(())
            })
            .unwrap();
        for row in &rows {
            let place = merged.row_of_seq(row.workspace, row.seq).unwrap().unwrap();
            assert_eq!(rows[place as usize].seq, row.seq);
            let found = merged.lookup_id(row.workspace, row.id.hash).unwrap();
            assert_eq!(found, [(row.seq, (row.id.fingerprint >> 32) as u32)]);
        }
        assert_eq!(merged.verify().unwrap(), []);
    }
}

#[test]
fn a5_inputs_that_overlap_or_leave_a_gap_are_refused() {
    let shape = Shape { rows: 900, workspaces: 1, late_micros: 0, seq_start: 0 };
    let rows = model::rows(44, shape);
    let disk = model::disk();
    let name_of = |uid| format!("ws-{uid}");
    let parts = parts(&rows, 3);
    let first = open(&disk, &model::write(&disk, 10, &parts[0]));
    let last = open(&disk, &model::write(&disk, 12, &parts[2]));
    for inputs in [[first.clone(), last], [first.clone(), first]] {
        let mut writer = SegmentWriter::create(&disk, 1, &name_of).unwrap();
        let merged = merge(&inputs, &mut writer, &AtomicBool::new(false));
        assert!(matches!(merged, Err(SegmentError::Refused { .. })));
    }
}

#[test]
fn a5_a_digest_differs_when_an_id_does() {
    let shape = Shape { rows: 20, workspaces: 2, late_micros: 0, seq_start: 0 };
    let mut rows = model::rows(45, shape);
    let one = digest_of(&model::segment(&rows)).unwrap();
    rows[3].id.fingerprint ^= 1 << 63;
    let two = digest_of(&model::segment(&rows)).unwrap();
    assert_eq!(one.rows, two.rows);
    assert_ne!(one.ids, two.ids);
}

#[test]
fn a5_codes_of_one_row_group_are_not_taken_for_those_of_the_next() {
    let name_of = |uid| format!("ws-{uid}");
    let shape = Shape { rows: 15_000, workspaces: 3, late_micros: 1 << 40, seq_start: 0 };
    let mut rows = model::rows(46, shape);
    let mut numbers = model::Numbers(47);
    for (at, row) in rows.iter_mut().enumerate() {
        // Dictionaries that fill row groups, and in between a block of values that do not repeat.
        let distinct = if (8192..12288).contains(&at) { 1 << 40 } else { 900 };
        let value = format!("{{\"metadata\":{{\"x\":\"{:01400}\"}}}}", numbers.below(distinct));
        row.groups[Group::Metadata.index()] = Some(value.into_bytes());
    }
    let disk = model::disk();
    let inputs: Vec<Arc<Segment>> = parts(&rows, 3)
        .iter()
        .enumerate()
        .map(|(name, part)| open(&disk, &model::write(&disk, name as u64 + 10, part)))
        .collect();
    assert!(inputs.iter().all(|input| input.directory.group_of_block(input.blocks() - 1) > 0));
    let mut writer = SegmentWriter::create(&disk, 1, &name_of).unwrap();
    let digest = merge(&inputs, &mut writer, &AtomicBool::new(false)).unwrap();
    let merged = open(&disk, &writer.finish().unwrap());
    assert_eq!(digest_of(&merged).unwrap(), digest);
    let whole = open(&disk, &model::write(&disk, 2, &rows));
    assert!(whole.directory.group_of_block(whole.blocks() - 1) > 1);
    assert_eq!(merged.files().parquet, whole.files().parquet, "byte by byte");
}
