use std::sync::Arc;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use proofbook_event::Group;

use super::model::{self, OwnedRow, Shape};
use crate::names;
use crate::segment::ParquetColumn;
use crate::segment::join::join;
use crate::segment::lift::VALUES;
use crate::segment::{BLOCK_ROWS, GroupSet, Segment, SegmentError, SegmentWriter, WorkspaceRange};

fn check(rows: &[OwnedRow]) -> Arc<Segment> {
    let segment = model::segment(rows);
    assert_eq!(segment.rows() as usize, rows.len());
    let mut at = 0;
    segment
        .for_each_row(GroupSet::ALL, |row| {
            assert_eq!(*row, rows[at].row(), "row {at}");
            at += 1;
            Ok::<_, SegmentError>(())
        })
        .unwrap();
    assert_eq!(at, rows.len());

    let some: Vec<u32> = (0..rows.len() as u32).filter(|row| row % 7 == 3).collect();
    let read = segment.read_rows(&some, GroupSet::ALL).unwrap();
    assert_eq!(read.len(), some.len());
    for (row, number) in read.iter().zip(&some) {
        assert_eq!(row, rows[*number as usize].row());
    }
    let read = segment.read_rows(&some, GroupSet::NONE.with(Group::Actor)).unwrap();
    for (row, number) in read.iter().zip(&some) {
        let expected = rows[*number as usize].row();
        assert_eq!(row.groups.get(Group::Actor), expected.groups.get(Group::Actor));
        assert_eq!(row.groups.get(Group::Id), None);
        assert_eq!(row.withheld, expected.withheld);
    }

    let mut from = 0;
    for (uid, range) in segment.workspaces() {
        let count = rows[from..].iter().take_while(|row| row.workspace == uid).count();
        let own = &rows[from..from + count];
        let seqs = own.iter().map(|row| row.seq);
        let (least, most) = (seqs.clone().min().unwrap(), seqs.max().unwrap());
        let expected = WorkspaceRange {
            rows: from as u32..(from + count) as u32,
            seqs: least..most + 1,
            t_min: own[0].occurred_at,
            t_max: own[count - 1].occurred_at,
        };
        assert_eq!(range, expected);
        assert_eq!(segment.range(uid), Some(expected));
        for (place, row) in own.iter().enumerate() {
            let found = segment.row_of_seq(uid, row.seq).unwrap();
            assert_eq!(found, Some((from + place) as u32), "seq {} of {uid}", row.seq);
        }
        assert_eq!(segment.row_of_seq(uid, most + 1).unwrap(), None);
        from += count;
    }
    assert_eq!(from, rows.len());
    assert_eq!(segment.verify().unwrap(), []);
    segment
}

#[test]
fn a5_rows_come_back_as_they_went_in() {
    for (seed, rows, workspaces, late_micros) in
        [(1, 1, 1, 0), (2, 50, 3, 0), (3, 3000, 40, 5_000), (4, 9000, 2, 0)]
    {
        check(&model::rows(seed, Shape { rows, workspaces, late_micros, seq_start: seed * 1000 }));
    }
}

#[test]
fn a5_an_empty_segment_is_a_segment() {
    check(&[]);
}

#[test]
fn a5_late_events_are_found_by_seq_through_spans() {
    let shape = Shape { rows: 14_000, workspaces: 2, late_micros: 300_000, seq_start: 12 };
    check(&model::rows(5, shape));
}

#[test]
fn a5_events_in_no_order_are_found_by_seq_through_a_permutation() {
    let shape = Shape { rows: 30_000, workspaces: 1, late_micros: 1 << 40, seq_start: 77 };
    let segment = check(&model::rows(6, shape));
    assert!(segment.directory.permutations.len() > 6);
}

#[test]
fn a5_values_that_fill_pages_and_blocks_by_themselves_survive() {
    let mut rows = model::rows(8, Shape { rows: 90, workspaces: 2, late_micros: 0, seq_start: 0 });
    let mut numbers = model::Numbers(9);
    for row in &mut rows {
        let text = numbers.hex(250 * 1024);
        row.groups[Group::Metadata.index()] = Some(format!("\"{text}\"").into_bytes());
    }
    let segment = check(&rows);
    assert!(segment.blocks() > 1, "the bytes end a block");
}

#[test]
fn a5_several_row_groups_survive() {
    let shape = Shape { rows: 140_000, workspaces: 3, late_micros: 2_000, seq_start: 0 };
    let mut rows = model::rows(10, shape);
    // Short values keep this test short.
    for row in &mut rows {
        row.groups = Default::default();
        row.withheld.clear();
    }
    let segment = model::segment(&rows);
    let mut at = 0;
    segment
        .for_each_row(GroupSet::ALL, |row| {
            assert_eq!(*row, rows[at].row());
            at += 1;
            Ok::<_, SegmentError>(())
        })
        .unwrap();
    assert_eq!(segment.directory.group_blocks, [0, 32, 140_000_u32.div_ceil(BLOCK_ROWS as u32)]);
    assert_eq!(at, 140_000);
}

#[test]
fn a5_rows_out_of_order_are_refused() {
    let rows = model::rows(11, Shape { rows: 40, workspaces: 2, late_micros: 0, seq_start: 5 });
    let disk = model::disk();
    let name_of = |_| String::from("acme");
    let written = |order: &[usize]| {
        let mut writer = SegmentWriter::create(&disk, 1, &name_of)?;
        for at in order {
            writer.push(&rows[*at].row(), rows[*at].id)?;
        }
        writer.finish()
    };
    assert!(written(&[0, 1, 2]).is_ok());
    for bad in [vec![1, 0], vec![0, 0], vec![39, 0], vec![0, 2], vec![0, 1, 3]] {
        assert!(matches!(written(&bad), Err(SegmentError::Refused { .. })), "{bad:?}");
    }
}

#[test]
fn a5_another_parquet_reader_reads_the_same() {
    let shape = Shape { rows: 5000, workspaces: 9, late_micros: 9_000, seq_start: 3 };
    let rows = model::rows(12, shape);
    let disk = model::disk();
    let meta = model::write(&disk, 1, &rows);
    let path = format!("{}/{}", names::SEGMENT_DIR, names::segment_parquet(meta.files.name));
    let bytes = disk.visible_bytes(&path).unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let mut count = 0;
    for (found, row) in reader.get_row_iter(None).unwrap().zip(&rows) {
        let found = found.unwrap();
        assert_eq!(found.get_string(0).unwrap(), &format!("ws-{}", row.workspace));
        assert_eq!(found.get_bytes(1).unwrap().data(), row.workspace.0);
        assert_eq!(found.get_long(2).unwrap() as u64, row.seq);
        assert_eq!(found.get_timestamp_micros(3).unwrap(), row.occurred_at);
        assert_eq!(found.get_timestamp_micros(4).unwrap(), row.recorded_at);
        assert_eq!(found.get_string(5).unwrap(), &row.action);
        assert_eq!(found.get_string(6).unwrap(), row.outcome.as_str());
        assert_eq!(found.get_uint(7).unwrap(), row.run);
        assert_eq!(found.get_ushort(8).unwrap(), row.k);
        assert_eq!(found.get_ubyte(9).unwrap(), row.flags);
        let text = |place: usize| match VALUES[place] {
            ParquetColumn::Withheld => None,
            column => found.get_string(column.index()).ok().map(String::as_bytes),
        };
        let values = std::array::from_fn(text);
        for group in Group::ALL {
            let mut joined = Vec::new();
            let present = join(group, &values, &mut joined);
            let stored = row.group(group).map(str::as_bytes);
            assert_eq!(present.then_some(joined.as_slice()), stored);
        }
        count += 1;
    }
    assert_eq!(count, rows.len());
}

#[test]
fn a5_far_rows_come_back_as_they_went_in_each_time() {
    let shape = Shape { rows: 9_000, workspaces: 3, late_micros: 2_000, seq_start: 0 };
    let rows = model::rows(13, shape);
    let segment = model::segment(&rows);
    // The second time some are known and some are not; the last time all are.
    for numbers in [vec![5, 4_000, 8_999], vec![4, 5, 6, 4_000, 8_998, 8_999], vec![5, 8_998]] {
        let read = segment.read_far_rows(&numbers).unwrap();
        assert_eq!(read.len(), numbers.len());
        for (number, row) in numbers.iter().zip(&read) {
            assert_eq!(row.row(), rows[*number as usize].row(), "row {number}");
        }
    }
    assert!(segment.read_far_rows(&[9_000]).is_err());
}
