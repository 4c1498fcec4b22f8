use std::sync::Arc;

use super::model::{self, OwnedRow, Shape};
use crate::disk::{Disk, SimDisk};
use crate::segment::writer::paths;
use crate::segment::{BlockCache, FieldColumn, GroupSet, Segment, SegmentError, SegmentMeta};

/// Reads everything that can be read and compares it; `Ok` when all was there and right.
fn read_all(disk: &dyn Disk, meta: &SegmentMeta, rows: &[OwnedRow]) -> Result<(), SegmentError> {
    let segment = Arc::new(Segment::open(disk, meta.files, Arc::new(BlockCache::default()))?);
    let mut at = 0;
    segment.for_each_row(GroupSet::ALL, |row| {
        assert_eq!(*row, rows[at].row(), "a damaged byte was answered from");
        at += 1;
        Ok::<_, SegmentError>(())
    })?;
    for block in 0..segment.blocks() {
        for column in FieldColumn::ALL {
            segment.column(column, block)?;
        }
        segment.text_groups(block, "a1b2c3d4e5f6a7b8a1b2c3d4e5f6a7b8", None)?;
        segment.value_may_be_in(block, "x")?;
    }
    for row in rows.iter().step_by(1 + rows.len() / 100) {
        let found = segment.row_of_seq(row.workspace, row.seq)?;
        assert_eq!(rows[found.unwrap() as usize], *row);
        let ids = segment.lookup_id(row.workspace, row.id.hash)?;
        assert!(
            ids.contains(&(row.seq, (row.id.fingerprint >> 32) as u32)),
            "a damaged byte was answered from"
        );
    }
    Ok(())
}

fn check_flip(disk: &SimDisk, meta: &SegmentMeta, rows: &[OwnedRow], path: &str, at: u64, bit: u8) {
    disk.flip_bit(path, at, bit).unwrap();
    let place = format!("bit {bit} of byte {at} of {path}");
    match read_all(disk, meta, rows) {
        Ok(()) => {}
        Err(SegmentError::Damaged(damaged)) => assert_eq!(damaged.file, path, "{place}"),
        Err(other) => panic!("{place}: {other}"),
    }
    // Bytes that no read of ours touches are still found by verify.
    match Segment::open(disk, meta.files, Arc::default()) {
        Ok(segment) => assert!(!segment.verify().unwrap().is_empty(), "{place}"),
        Err(SegmentError::Damaged(_)) => {}
        Err(other) => panic!("{place}: {other}"),
    }
    disk.flip_bit(path, at, bit).unwrap();
}

#[test]
fn a5_every_flipped_bit_of_a_small_segment_is_noticed() {
    let rows = model::rows(21, Shape { rows: 12, workspaces: 3, late_micros: 5_000, seq_start: 0 });
    let disk = model::disk();
    let meta = model::write(&disk, 1, &rows);
    assert!(read_all(&disk, &meta, &rows).is_ok());
    let (parquet, idx) = paths(1);
    for (path, len) in [(parquet, meta.files.parquet.len), (idx, meta.files.idx.len)] {
        for at in 0..len {
            check_flip(&disk, &meta, &rows, &path, at, (at % 8) as u8);
        }
    }
    assert!(read_all(&disk, &meta, &rows).is_ok());
}

#[test]
#[ignore = "eight times as long as the test above; run before a release"]
fn a5_every_single_bit_of_a_small_segment_is_noticed_in_full() {
    let rows = model::rows(22, Shape { rows: 12, workspaces: 3, late_micros: 5_000, seq_start: 0 });
    let disk = model::disk();
    let meta = model::write(&disk, 1, &rows);
    let (parquet, idx) = paths(1);
    for (path, len) in [(parquet, meta.files.parquet.len), (idx, meta.files.idx.len)] {
        for at in 0..len {
            (0..8).for_each(|bit| check_flip(&disk, &meta, &rows, &path, at, bit));
        }
    }
}

#[test]
fn a5_sampled_flips_of_a_larger_segment_are_noticed() {
    let shape = Shape { rows: 6000, workspaces: 5, late_micros: 1 << 40, seq_start: 9 };
    let rows = model::rows(23, shape);
    let disk = model::disk();
    let meta = model::write(&disk, 1, &rows);
    let (parquet, idx) = paths(1);
    let mut numbers = model::Numbers(24);
    for (path, len) in [(parquet, meta.files.parquet.len), (idx, meta.files.idx.len)] {
        for _ in 0..30 {
            let (at, bit) = (numbers.below(len), numbers.below(8) as u8);
            check_flip(&disk, &meta, &rows, &path, at, bit);
        }
    }
}

#[test]
fn a5_a_file_cut_short_or_swapped_is_noticed_at_open() {
    let shape = Shape { rows: 30, workspaces: 2, late_micros: 0, seq_start: 0 };
    let disk = model::disk();
    let one = model::write(&disk, 1, &model::rows(25, shape));
    let two = model::write(&disk, 2, &model::rows(26, shape));
    let (_, first) = paths(1);
    let (_, second) = paths(2);
    disk.overwrite(&second, &disk.visible_bytes(&first).unwrap()).unwrap();
    let opened = Segment::open(&disk, two.files, Arc::default());
    assert!(matches!(opened, Err(SegmentError::Damaged(_))));
    let bytes = disk.visible_bytes(&first).unwrap();
    disk.overwrite(&first, &bytes[..bytes.len() - 1]).unwrap();
    let opened = Segment::open(&disk, one.files, Arc::default());
    assert!(matches!(opened, Err(SegmentError::Damaged(_))));
}
