//! Writing a segment: rows in order, then both files durable under their names.

use proofbook_ledger::{Hash, WorkspaceUid};
use sha2::{Digest, Sha256};

use crate::disk::{Disk, join};
use crate::names;

use super::delta::{self, Width};
use super::directory::{Directory, KeyedPieces};
use super::error::SegmentError;
use super::ids::{Entry, IdsOut, stored_part};
use super::join::{joined_bytes, put_sentence};
use super::lift::{Splitter, WITHHELD};
use super::out::{OutFile, temporary};
use super::pack::Packer;
use super::parquet_out::ParquetOut;
use super::purged::{Cover, PurgedLeaf, PurgedOut};
use super::search_out::SearchOut;
use super::stream::StoredRow;
use super::workspaces::{Ended, Holes, Workspaces, WorkspacesBuilder};
use super::{
    BLOCK_RAW_BYTES, BLOCK_ROWS, FORMAT, IdEntry, Row, SegmentFiles, SegmentMeta, ZSTD_LEVEL,
};

/// First bytes of an index file.
pub(super) const IDX_MAGIC: &[u8; 8] = b"PBSEGIDX";
/// Bytes of the index's footer: directory offset and length, its SHA-256, format, magic.
pub(super) const FOOTER_BYTES: usize = 8 + 8 + 32 + 4 + 8;
/// Bytes behind the footer: its SHA-256.
pub(super) const TRAILER_BYTES: usize = 32;

/// Paths of a segment's two files.
pub(super) fn paths(name: u64) -> (String, String) {
    (
        join(names::SEGMENT_DIR, &names::segment_parquet(name)),
        join(names::SEGMENT_DIR, &names::segment_idx(name)),
    )
}

/// Writes one segment.
///
/// Dropping it before [`SegmentWriter::finish`] leaves temporary files, which the next writer of the
/// same name and the start's clean-up remove.
pub struct SegmentWriter<'d> {
    disk: &'d dyn Disk,
    name: u64,
    workspace_name: &'d dyn Fn(WorkspaceUid) -> String,
    current_name: Option<(WorkspaceUid, String)>,
    parquet: ParquetOut,
    idx: OutFile,
    packer: Packer,
    directory: Directory,
    workspaces: WorkspacesBuilder,
    search: SearchOut,
    ids: IdsOut,
    purged: PurgedOut,
    /// The workspace of the last id that came after all rows.
    id_workspace: Option<IdWorkspace>,
    /// Ids of the workspace whose rows are coming: hash, seq, fingerprint.
    waiting_ids: Vec<(u32, u64, u32)>,
    splitter: Splitter,
    sentence: Vec<u8>,
    block_raw_bytes: usize,
    block_rows: usize,
}

/// A workspace whose ids are coming.
struct IdWorkspace {
    uid: WorkspaceUid,
    /// Its place in the directory.
    place: u32,
    seqs: std::ops::Range<u64>,
}

impl<'d> SegmentWriter<'d> {
    /// Begins a segment under temporary names; `workspace_name` gives the names that foreign readers
    /// see.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn create(
        disk: &'d dyn Disk,
        name: u64,
        workspace_name: &'d dyn Fn(WorkspaceUid) -> String,
    ) -> Result<Self, SegmentError> {
        let (parquet, idx) = paths(name);
        let mut idx = OutFile::create(disk, &idx)?;
        idx.put(IDX_MAGIC)?;
        Ok(Self {
            disk,
            name,
            workspace_name,
            current_name: None,
            parquet: ParquetOut::create(disk, &parquet)?,
            idx,
            packer: Packer::new(ZSTD_LEVEL)?,
            directory: Directory::new(),
            workspaces: WorkspacesBuilder::default(),
            search: SearchOut::default(),
            ids: IdsOut::default(),
            purged: PurgedOut::default(),
            id_workspace: None,
            waiting_ids: Vec::new(),
            splitter: Splitter::default(),
            sentence: Vec::new(),
            block_raw_bytes: 0,
            block_rows: 0,
        })
    }

    /// Says, before any row, which purged seqs the segment will answer for; covers ascend by workspace.
    pub(super) fn expect_purged(&mut self, covers: Vec<Cover>) {
        self.workspaces = WorkspacesBuilder::with_holes(Holes::Purged(covers.clone()));
        self.purged.expect(covers);
    }

    /// Adds the leaf hash of a purged event; they come by workspace and seq, whatever rows come
    /// between.
    pub(super) fn put_purged(&mut self, purged: &PurgedLeaf) -> Result<(), SegmentError> {
        self.purged.put(purged, &mut self.idx)
    }

    /// Adds the next row in the order of (workspace, occurred_at, seq).
    ///
    /// # Errors
    /// The row breaks the order or a bound, or the disk refuses; the writer is then of no more use.
    pub fn push(&mut self, row: &Row<'_>, id: IdEntry) -> Result<(), SegmentError> {
        self.push_row(row)?;
        self.waiting_ids.push((stored_part(id.hash), row.seq, stored_part(id.fingerprint)));
        Ok(())
    }

    fn push_row(&mut self, row: &Row<'_>) -> Result<(), SegmentError> {
        self.begin_row(row)?;
        let split = self.splitter.split(&row.groups, row.withheld);
        if let Some(sentence) = split.sentence {
            self.search.add_sentence(sentence);
        }
        if let Some((_, name)) = &self.current_name {
            self.parquet.push(row, name, &split.values);
        }
        self.end_row(row.groups.bytes_total() + row.withheld.len() + row.action.len());
        Ok(())
    }

    /// Adds the next row as another segment stores it, without its id; `from` numbers the segments that
    /// rows come from.
    pub(super) fn push_stored(
        &mut self,
        stored: &StoredRow<'_>,
        from: usize,
    ) -> Result<(), SegmentError> {
        self.begin_row(&stored.row)?;
        self.sentence.clear();
        if put_sentence(&stored.values, stored.actor_name, &mut self.sentence) {
            self.search.add_sentence(&self.sentence);
        }
        if let Some((_, name)) = &self.current_name {
            self.parquet.push_stored(stored, name, from);
        }
        let withheld = stored.values[WITHHELD].map_or(0, <[u8]>::len);
        let groups = joined_bytes(&stored.values, &self.sentence);
        self.end_row(groups + withheld + stored.row.action.len());
        Ok(())
    }

    fn begin_row(&mut self, row: &Row<'_>) -> Result<(), SegmentError> {
        if self.block_rows == BLOCK_ROWS || self.block_raw_bytes >= BLOCK_RAW_BYTES {
            self.end_block()?;
        }
        if self.block_rows == 0 {
            self.directory.block_rows.push(self.workspaces.rows());
        }
        let block = self.directory.block_rows.len() as u32 - 1;
        if let Some(ended) = self.workspaces.push(row, block)? {
            self.end_workspace(&ended)?;
        }
        if self.current_name.as_ref().is_none_or(|(uid, _)| *uid != row.workspace) {
            self.current_name = Some((row.workspace, (self.workspace_name)(row.workspace)));
        }
        Ok(())
    }

    fn end_row(&mut self, raw_bytes: usize) {
        self.block_rows += 1;
        self.block_raw_bytes += raw_bytes;
    }

    fn end_block(&mut self) -> Result<(), SegmentError> {
        self.block_rows = 0;
        self.block_raw_bytes = 0;
        self.parquet.choose_encodings();
        self.search.add_block(&self.parquet);
        self.search.end_block(&mut self.packer, &mut self.idx, &mut self.directory)?;
        self.parquet.end_block(&mut self.directory)
    }

    /// Writes a workspace's permutation and the ids that came with its rows.
    fn end_workspace(&mut self, ended: &Ended) -> Result<(), SegmentError> {
        for rows in ended.permutation.iter().flat_map(|rows| rows.chunks(BLOCK_ROWS)) {
            let mut raw = Vec::new();
            delta::encode(rows, Width::W64, &mut raw);
            let piece = self.idx.put_piece(&self.packer.pack(&raw)?)?;
            self.directory.permutations.push(piece);
        }
        self.waiting_ids.sort_unstable();
        for (hash, seq, fingerprint) in self.waiting_ids.drain(..) {
            // The builder checked that the seqs are one range that begins here.
            let entry = Entry { hash, seq: (seq - ended.seq_start) as u32, fingerprint };
            self.ids.put(ended.place, &ended.uid, ended.seq_count, entry, &mut self.idx)?;
        }
        Ok(())
    }

    /// Ends the rows; returns the workspaces, whose ids may follow. May be called again.
    pub(super) fn end_rows(&mut self) -> Result<&Workspaces, SegmentError> {
        if self.block_rows > 0 {
            self.end_block()?;
        }
        if let Some(ended) = self.workspaces.end()? {
            self.end_workspace(&ended)?;
        }
        if self.directory.workspaces.len() == 0 {
            self.directory.rows = self.workspaces.rows();
            self.directory.workspaces = std::mem::take(&mut self.workspaces).finish();
        }
        Ok(&self.directory.workspaces)
    }

    /// Adds an id after [`SegmentWriter::end_rows`]; ids come by workspace, hash and seq.
    pub(super) fn put_id(
        &mut self,
        workspace: &WorkspaceUid,
        seq: u64,
        hash: u32,
        fingerprint: u32,
    ) -> Result<(), SegmentError> {
        if self.id_workspace.as_ref().is_none_or(|known| known.uid != *workspace) {
            let workspaces = &self.directory.workspaces;
            self.id_workspace = workspaces.find(workspace).map(|place| IdWorkspace {
                uid: *workspace,
                place: place as u32,
                seqs: workspaces.range(place).seqs,
            });
        }
        let known = self.id_workspace.as_ref().filter(|known| known.seqs.contains(&seq));
        let Some(known) = known else {
            return Err(SegmentError::refused("an id of an event that has no row"));
        };
        let entry = Entry { hash, seq: (seq - known.seqs.start) as u32, fingerprint };
        let seq_count = (known.seqs.end - known.seqs.start) as u32;
        self.ids.put(known.place, workspace, seq_count, entry, &mut self.idx)
    }

    /// Ends the segment.
    ///
    /// | step | what holds if the power goes after it |
    /// |---|---|
    /// | both files synced under temporary names | nothing names them |
    /// | both read back past the cache, hashes compared | the same |
    /// | index renamed, then the Parquet file | perhaps an index without its file, which nobody names |
    /// | directory synced | both files, whole; the segment lives once a record names it |
    ///
    /// # Errors
    /// The disk refuses or gives back other bytes; nothing may then be published under this name.
    pub fn finish(mut self) -> Result<SegmentMeta, SegmentError> {
        self.end_rows()?;
        if self.ids.count != self.directory.rows {
            let (ids, rows) = (self.ids.count, self.directory.rows);
            return Err(SegmentError::refused(format!("{ids} ids for {rows} rows")));
        }
        self.ids.finish(&mut self.idx)?;
        self.search.finish(&mut self.packer, &mut self.idx, &mut self.directory)?;
        self.directory.id_blocks = KeyedPieces::new(&self.ids.blocks);
        self.directory.id_shards = KeyedPieces::new(&self.ids.shards);
        let workspaces = &self.directory.workspaces;
        let rows_of = |uid| {
            workspaces.find(&uid).map_or(0, |place| workspaces.range(place).rows.len() as u64)
        };
        self.directory.purged = self.purged.finish(&mut self.idx, rows_of)?;
        let parquet = self.parquet.finish(&mut self.directory)?;
        self.directory.parquet_len = parquet.len;

        let packed = self.packer.pack(&self.directory.encode())?;
        let hash = Hash(Sha256::digest(&packed).into());
        let mut footer = Vec::with_capacity(FOOTER_BYTES + TRAILER_BYTES);
        footer.extend_from_slice(&self.idx.position().to_le_bytes());
        footer.extend_from_slice(&(packed.len() as u64).to_le_bytes());
        footer.extend_from_slice(&hash.0);
        footer.extend_from_slice(&FORMAT.to_le_bytes());
        footer.extend_from_slice(IDX_MAGIC);
        let trailer = Sha256::digest(&footer);
        footer.extend_from_slice(&trailer);
        self.idx.put(&packed)?;
        self.idx.put(&footer)?;
        let idx = self.idx.finish()?;

        let (parquet_path, idx_path) = paths(self.name);
        for path in [&idx_path, &parquet_path] {
            self.disk.rename(&temporary(path), path).map_err(SegmentError::io("rename", path))?;
        }
        self.disk
            .sync_dir(names::SEGMENT_DIR)
            .map_err(SegmentError::io("sync", names::SEGMENT_DIR))?;

        let workspaces = &self.directory.workspaces;
        Ok(SegmentMeta {
            files: SegmentFiles { name: self.name, parquet, idx, directory: hash },
            rows: self.directory.rows,
            workspaces: (0..workspaces.len())
                .map(|index| (workspaces.uid(index), workspaces.range(index)))
                .collect(),
        })
    }
}
