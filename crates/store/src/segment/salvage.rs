//! What can still be known of a segment whose index is damaged, read from its Parquet file.
//!
//! Without the index no piece of the Parquet file has a place or a hash, so no event of it is answered.
//! But the store must go on around it: which seqs of which workspaces it holds, so that nothing is taken
//! for missing or asked in vain, and which ids, so that no duplicate of an event in it is taken for a new
//! event. Both stand in the Parquet file, whose whole hash the log knows. It is hashed from front to end
//! before the library's decoder sees a byte of it; when it is damaged too, nothing is salvaged.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{
    ChunkReader, FileReader, Length, RowGroupReader, SerializedFileReader,
};
use proofbook_event::{GroupBytes, Outcome, Value};
use proofbook_ledger::WorkspaceUid;

use crate::disk::{Disk, DiskFile, read_exact_at};

use super::directory::Directory;
use super::error::{Damaged, SegmentError};
use super::out::hash_file;
use super::schema::ParquetColumn;
use super::workspaces::{Holes, WorkspacesBuilder};
use super::writer::paths;
use super::{BLOCK_ROWS, Row, SEGMENT_ROWS_MAX, SegmentFiles};

/// Gives the keyed hash under which ids are looked up.
pub type HashId<'h> = &'h dyn Fn(&str) -> u64;

/// The ids of a segment, from its Parquet file; 32 bytes each.
pub struct SalvagedIds {
    /// Workspace, hash of the id, seq; sorted.
    ids: Vec<(WorkspaceUid, u64, u64)>,
}

impl SalvagedIds {
    /// Reads the ids of a segment past its index.
    ///
    /// # Errors
    /// The Parquet file is missing or damaged.
    pub fn read(
        disk: &dyn Disk,
        files: SegmentFiles,
        hash_id: HashId<'_>,
    ) -> Result<Self, SegmentError> {
        salvage(disk, files, hash_id).map(|(_, ids)| ids)
    }

    /// Returns the seq of the event with this id; `None` when the segment has none.
    pub fn seq_of(&self, workspace: WorkspaceUid, id_hash: u64) -> Option<u64> {
        let at = self.ids.partition_point(|(uid, hash, _)| (uid, hash) < (&workspace, &id_hash));
        let (uid, hash, seq) = self.ids.get(at)?;
        (*uid == workspace && *hash == id_hash).then_some(*seq)
    }

    /// Returns the bytes that it holds.
    pub(super) fn memory_bytes(&self) -> usize {
        self.ids.capacity() * size_of::<(WorkspaceUid, u64, u64)>()
    }
}

/// Reads a segment's workspaces and ids from its Parquet file alone. The directory has no pieces.
pub(super) fn salvage(
    disk: &dyn Disk,
    files: SegmentFiles,
    hash_id: HashId<'_>,
) -> Result<(Directory, SalvagedIds), SegmentError> {
    let (path, _) = paths(files.name);
    let file = disk.open_read(&path).map_err(SegmentError::io("open", &path))?;
    let damaged = |what| {
        let (file, len) = (path.clone(), files.parquet.len);
        SegmentError::from(Damaged { file, offset: 0, len, what })
    };
    if hash_file(file.as_ref(), &path)? != files.parquet {
        return Err(damaged("the file beside a damaged index is damaged too"));
    }
    let whole = Whole { file: Arc::from(file), len: files.parquet.len };
    let read = SerializedFileReader::new(whole).and_then(|reader| read_rows(&reader, hash_id));
    let (workspaces, mut ids) = read.map_err(|error| SegmentError::Encode {
        what: "what a Parquet file holds beside a damaged index",
        reason: error.to_string(),
    })??;
    ids.sort_unstable();
    let mut directory = Directory::new();
    directory.rows = workspaces.rows();
    directory.parquet_len = files.parquet.len;
    directory.workspaces = workspaces.finish();
    directory.block_rows = (0..directory.rows).step_by(BLOCK_ROWS).collect();
    directory.end_group();
    Ok((directory, SalvagedIds { ids }))
}

type Ids = Vec<(WorkspaceUid, u64, u64)>;
/// The inner result is a refusal by the order that rows of a segment have.
type Read3 = Result<(WorkspacesBuilder, Ids), SegmentError>;

fn read_rows(reader: &SerializedFileReader<Whole>, hash_id: HashId<'_>) -> ParquetResult<Read3> {
    // The leaf hashes of purged events stood in the index, so which seqs they are is not known.
    let mut workspaces = WorkspacesBuilder::with_holes(Holes::Unknown);
    let mut ids = Ids::new();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        let mut columns = Columns::open(&*group)?;
        let mut rows_left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        while rows_left > 0 {
            let part = columns.read(rows_left.min(BLOCK_ROWS))?;
            rows_left -= part.seqs.len();
            for (index, uid) in part.uids.iter().enumerate() {
                let (seq, occurred_at) = (part.seqs[index] as u64, part.times[index]);
                if workspaces.rows() >= SEGMENT_ROWS_MAX {
                    return Err(ParquetError::General("more rows than a segment has".into()));
                }
                let block = workspaces.rows() / BLOCK_ROWS as u32;
                if let Err(refused) = workspaces.push(&row(*uid, occurred_at, seq), block) {
                    return Ok(Err(refused));
                }
                let id = part.ids[index].as_ref().and_then(|id| Value::parse(id.data()).ok());
                if let Some(id) = id.as_ref().and_then(Value::as_str) {
                    ids.push((*uid, hash_id(id), seq));
                }
            }
        }
    }
    Ok(workspaces.end().map(|_| (workspaces, ids)))
}

/// A row of which only the order is known.
fn row(workspace: WorkspaceUid, occurred_at: i64, seq: u64) -> Row<'static> {
    Row {
        workspace,
        occurred_at,
        seq,
        recorded_at: 0,
        run: 0,
        k: 0,
        flags: 0,
        outcome: Outcome::Success,
        action: "",
        groups: GroupBytes::default(),
        withheld: &[],
    }
}

/// The columns of one row group that are salvaged.
struct Columns {
    uids: ColumnReader,
    seqs: ColumnReader,
    times: ColumnReader,
    ids: ColumnReader,
}

/// Some rows of them, equally many of each.
struct Part {
    uids: Vec<WorkspaceUid>,
    seqs: Vec<i64>,
    times: Vec<i64>,
    ids: Vec<Option<ByteArray>>,
}

impl Columns {
    fn open(group: &dyn RowGroupReader) -> ParquetResult<Self> {
        let open = |column: ParquetColumn| group.get_column_reader(column.index());
        Ok(Self {
            uids: open(ParquetColumn::WorkspaceUid)?,
            seqs: open(ParquetColumn::Seq)?,
            times: open(ParquetColumn::OccurredAt)?,
            ids: open(ParquetColumn::Id)?,
        })
    }

    fn read(&mut self, rows: usize) -> ParquetResult<Part> {
        let other = || ParquetError::General("a column is of another type".into());
        let mut uids = Vec::with_capacity(rows);
        let ColumnReader::FixedLenByteArrayColumnReader(reader) = &mut self.uids else {
            return Err(other());
        };
        reader.read_records(rows, None, None, &mut uids)?;
        let numbers = |reader: &mut ColumnReader| {
            let ColumnReader::Int64ColumnReader(reader) = reader else { return Err(other()) };
            let mut numbers = Vec::with_capacity(rows);
            reader.read_records(rows, None, None, &mut numbers)?;
            Ok(numbers)
        };
        let (seqs, times) = (numbers(&mut self.seqs)?, numbers(&mut self.times)?);
        let ColumnReader::ByteArrayColumnReader(reader) = &mut self.ids else {
            return Err(other());
        };
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        reader.read_records(rows, Some(&mut levels), None, &mut values)?;
        let mut values = values.into_iter();
        let mut ids = Vec::with_capacity(rows);
        for level in levels {
            ids.push(if level > 0 { values.next() } else { None });
        }
        let uid = |bytes: &[u8]| bytes.try_into().map(WorkspaceUid).map_err(|_| other());
        let uids: ParquetResult<Vec<_>> = uids.iter().map(|bytes| uid(bytes.data())).collect();
        let part = Part { uids: uids?, seqs, times, ids };
        let counts = [part.uids.len(), part.seqs.len(), part.times.len(), part.ids.len()];
        if counts != [rows; 4] {
            return Err(ParquetError::General("columns are not equally long".into()));
        }
        Ok(part)
    }
}

/// A Parquet file that was hashed from front to end, for the library to read.
struct Whole {
    file: Arc<dyn DiskFile>,
    len: u64,
}

/// It, read on from one place.
struct WholeFrom {
    file: Arc<dyn DiskFile>,
    at: u64,
}

impl Length for Whole {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for Whole {
    type T = WholeFrom;

    fn get_read(&self, start: u64) -> ParquetResult<WholeFrom> {
        Ok(WholeFrom { file: self.file.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.len) {
            return Err(ParquetError::EOF("a piece ends behind the file".into()));
        }
        let mut bytes = vec![0; length];
        read_exact_at(&*self.file, &mut bytes, start)?;
        Ok(bytes.into())
    }
}

impl Read for WholeFrom {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buf, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
