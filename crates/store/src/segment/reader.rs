//! An open segment: finding workspaces and rows, and loading pieces.
//!
//! Every piece goes the same way: read at its place, hash, and only then decompress and decode
//! ([`Segment::load`]). What was decoded may wait in the shared [`BlockCache`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proofbook_filter::FOLD_VERSION;
use proofbook_ledger::{Hash, WorkspaceUid};
use sha2::{Digest, Sha256};

use crate::disk::{Disk, DiskFile, read_exact_at};

use super::cache::{BlockCache, Cached};
use super::delta::{self, Width};
use super::dictionary::Entries;
use super::directory::Directory;
use super::error::{Damaged, SegmentError};
use super::fuse::Fuse;
use super::ints::Ints;
use super::out::{hash_file, piece_hash};
use super::pack::{RAW_BYTES_MAX, unpack};
use super::page::{self, PlainPage, ValuePage};
use super::rows::Keep;
use super::salvage::{HashId, SalvagedIds, salvage};
use super::schema::{ParquetColumn, Shape};
use super::workspaces::{SeqOrder, WorkspaceRange};
use super::writer::{FOOTER_BYTES, IDX_MAGIC, TRAILER_BYTES, paths};
use super::{BLOCK_ROWS, FORMAT, FileHash, Piece, SegmentFiles};

/// Numbers open segments, so that cached pieces of one are never taken for those of another.
static OPENED: AtomicU64 = AtomicU64::new(0);

/// Kind of cached piece for dictionaries of a column; pages have their column's number.
const DICTIONARY_KIND: u8 = 0x40;

/// An open segment; shared between threads.
pub struct Segment {
    files: SegmentFiles,
    parquet_path: String,
    idx_path: String,
    parquet: Box<dyn DiskFile>,
    /// None beside [`Salvaged`]: no piece of a damaged index is read.
    idx: Option<Box<dyn DiskFile>>,
    pub(super) directory: Directory,
    /// Filters over ids, in the order of the directory's shards; `None` where one is damaged, so that
    /// the ids themselves are asked.
    pub(super) id_filters: Vec<Option<Fuse>>,
    /// When the index is damaged: what is known without it. No piece has a place then.
    pub(super) salvaged: Option<Salvaged>,
    folded_alike: bool,
    cache: Arc<BlockCache>,
    number: u64,
}

/// What is known of a segment without its index.
pub(super) struct Salvaged {
    pub(super) damage: Damaged,
    pub(super) ids: SalvagedIds,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Segment({:016x}, {} rows)", self.files.name, self.directory.rows)
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.cache.forget(self.number);
    }
}

/// Which of the two files a piece stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum File {
    Parquet,
    Idx,
}

impl Segment {
    /// Opens a segment and loads its directory.
    ///
    /// Lengths, footer and directory are checked against `files`; the other pieces are checked when
    /// they are read, and all bytes by [`Segment::verify`].
    ///
    /// # Errors
    /// A file is missing, damaged, or of a format that this version does not know.
    pub fn open(
        disk: &dyn Disk,
        files: SegmentFiles,
        cache: Arc<BlockCache>,
    ) -> Result<Self, SegmentError> {
        let (parquet_path, idx_path) = paths(files.name);
        let parquet = open_checked(disk, &parquet_path, files.parquet)?;
        let idx = open_checked(disk, &idx_path, files.idx)?;
        let directory = read_directory(idx.as_ref(), &idx_path, files)?;
        if directory.parquet_len != files.parquet.len {
            return Err(Damaged {
                file: idx_path,
                offset: 0,
                len: files.idx.len,
                what: "the index belongs to another Parquet file",
            }
            .into());
        }
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let folded_alike = directory.fold_version == FOLD_VERSION.to_string();
        let mut segment = Self {
            files,
            parquet_path,
            idx_path,
            parquet,
            idx: Some(idx),
            directory,
            id_filters: Vec::new(),
            salvaged: None,
            folded_alike,
            cache,
            number,
        };
        segment.id_filters = segment.load_id_filters()?;
        Ok(segment)
    }

    /// Opens a segment whose index may be damaged or missing.
    ///
    /// Without its index a segment says which seqs of which workspaces it holds and which ids, and
    /// answers every read with the damage ([`Segment::damage`]).
    ///
    /// # Errors
    /// As [`Segment::open`], when the damage is in the Parquet file, or in both.
    pub fn open_or_salvage(
        disk: &dyn Disk,
        files: SegmentFiles,
        cache: Arc<BlockCache>,
        hash_id: HashId<'_>,
    ) -> Result<Self, SegmentError> {
        let (parquet_path, idx_path) = paths(files.name);
        let damage = match Self::open(disk, files, cache.clone()) {
            Err(SegmentError::Damaged(damage)) if damage.file == idx_path => damage,
            Err(SegmentError::Io { file, .. }) if file == idx_path => Damaged {
                file,
                offset: 0,
                len: files.idx.len,
                what: "the index is missing or cannot be read",
            },
            opened => return opened,
        };
        let (directory, ids) = salvage(disk, files, hash_id)?;
        let parquet = open_checked(disk, &parquet_path, files.parquet)?;
        Ok(Self {
            files,
            parquet_path,
            idx_path,
            parquet,
            idx: None,
            directory,
            id_filters: Vec::new(),
            salvaged: Some(Salvaged { damage, ids }),
            folded_alike: true,
            cache,
            number: OPENED.fetch_add(1, Ordering::Relaxed),
        })
    }

    /// Returns what is damaged when the segment has no index that could be read; its events cannot be
    /// answered then.
    pub fn damage(&self) -> Option<&Damaged> {
        self.salvaged.as_ref().map(|salvaged| &salvaged.damage)
    }

    /// Returns what identifies the segment's files.
    pub fn files(&self) -> SegmentFiles {
        self.files
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> u32 {
        self.directory.rows
    }

    /// Returns the number of blocks.
    pub fn blocks(&self) -> usize {
        self.directory.block_rows.len()
    }

    /// Returns the rows of a block; empty behind the last block.
    pub fn rows_of_block(&self, block: usize) -> std::ops::Range<u32> {
        self.directory.rows_of_block(block)
    }

    /// Returns the block that holds a row.
    pub fn block_of_row(&self, row: u32) -> usize {
        self.directory.block_of_row(row)
    }

    /// Returns the bytes that the directory keeps resident.
    pub fn memory_bytes(&self) -> usize {
        let salvaged = self.salvaged.as_ref().map_or(0, |salvaged| salvaged.ids.memory_bytes());
        self.directory.memory_bytes() + self.id_filter_bytes() + salvaged
    }

    /// Returns the bytes of [`Segment::memory_bytes`] that are filters over ids.
    pub fn id_filter_bytes(&self) -> usize {
        self.id_filters.iter().flatten().map(Fuse::memory_bytes).sum()
    }

    /// Yields the workspaces with their ranges, by uid.
    pub fn workspaces(&self) -> impl Iterator<Item = (WorkspaceUid, WorkspaceRange)> + '_ {
        let workspaces = &self.directory.workspaces;
        (0..workspaces.len()).map(|index| (workspaces.uid(index), workspaces.range(index)))
    }

    /// Returns what the segment holds of a workspace.
    pub fn range(&self, workspace: WorkspaceUid) -> Option<WorkspaceRange> {
        let workspaces = &self.directory.workspaces;
        Some(workspaces.range(workspaces.find(&workspace)?))
    }

    /// Finds the row of a seq; `None` when it is not in this segment, or was purged.
    ///
    /// # Errors
    /// A piece that is needed for it is damaged or cannot be read.
    pub fn row_of_seq(
        &self,
        workspace: WorkspaceUid,
        seq: u64,
    ) -> Result<Option<u32>, SegmentError> {
        let workspaces = &self.directory.workspaces;
        let Some(index) = workspaces.find(&workspace) else {
            return Ok(None);
        };
        let range = workspaces.range(index);
        if !range.seqs.contains(&seq) {
            return Ok(None);
        }
        let relative = (seq - range.seqs.start) as u32;
        match workspaces.seq_order(index) {
            SeqOrder::Straight => Ok(Some(range.rows.start + relative)),
            SeqOrder::Permutation(first) => {
                let place = relative as usize % BLOCK_ROWS;
                let rows = self.permutation(first as usize + relative as usize / BLOCK_ROWS)?;
                let row = rows.get(place).and_then(|row| u32::try_from(*row).ok());
                match row.and_then(|row| row.checked_add(range.rows.start)) {
                    Some(row) if range.rows.contains(&row) => Ok(Some(row)),
                    None if workspaces.has_holes(index) => Ok(None),
                    _ => Err(self.inconsistent("a permutation points outside its workspace")),
                }
            }
            SeqOrder::Spans(spans) => {
                let first_block = self.block_of_row(range.rows.start);
                for (offset, (least, most)) in spans.iter().enumerate() {
                    if !(*least..=*most).contains(&relative) {
                        continue;
                    }
                    let block = first_block + offset;
                    let seqs = self.ints(ParquetColumn::Seq, block, Keep::Cached)?;
                    let rows = self.rows_of_block(block);
                    let from = rows.start.max(range.rows.start);
                    let to = rows.end.min(range.rows.end);
                    let found =
                        (from..to).find(|row| seqs.get((row - rows.start) as usize) == seq as i64);
                    if found.is_some() {
                        return Ok(found);
                    }
                }
                match workspaces.has_holes(index) {
                    true => Ok(None),
                    false => Err(self.inconsistent("a seq is missing from its workspace's rows")),
                }
            }
        }
    }

    fn permutation(&self, index: usize) -> Result<Vec<i64>, SegmentError> {
        let what = "a permutation";
        let piece = self.directory.permutations.get(index);
        let piece = piece.ok_or_else(|| self.inconsistent("a permutation is missing"))?;
        let raw = self.load(File::Idx, piece, what)?;
        let count = raw_count(&raw).filter(|count| *count <= BLOCK_ROWS);
        count
            .and_then(|count| delta::decode(&raw, count, Width::W64))
            .ok_or_else(|| self.undecodable(File::Idx, piece, what))
    }

    /// Tells whether the text filters were folded with the tables that this build folds with.
    pub(super) fn is_folded_alike(&self) -> bool {
        self.folded_alike
    }

    /// Reads a piece, checks its hash, and decompresses it.
    pub(super) fn load(
        &self,
        file: File,
        piece: Piece,
        what: &'static str,
    ) -> Result<Vec<u8>, SegmentError> {
        let bytes = self.load_packed(file, piece, what)?;
        unpack(&bytes).ok_or_else(|| self.undecodable(file, piece, what))
    }

    /// Reads a piece and checks its hash.
    pub(super) fn load_packed(
        &self,
        file: File,
        piece: Piece,
        what: &'static str,
    ) -> Result<Vec<u8>, SegmentError> {
        let (disk_file, path, len) = match file {
            File::Parquet => (Some(&self.parquet), &self.parquet_path, self.files.parquet.len),
            File::Idx => (self.idx.as_ref(), &self.idx_path, self.files.idx.len),
        };
        let Some(disk_file) = disk_file else { return Err(self.inconsistent(what)) };
        // The directory is hash-checked, so this only guards the allocation against our own faults.
        if piece.offset.checked_add(piece.len.into()).is_none_or(|end| end > len) {
            return Err(self.undecodable(file, piece, what));
        }
        let mut bytes = vec![0; piece.len as usize];
        read_exact_at(disk_file.as_ref(), &mut bytes, piece.offset)
            .map_err(SegmentError::io("read", path))?;
        if piece_hash(&bytes) != piece.hash {
            return Err(self.undecodable(file, piece, what));
        }
        Ok(bytes)
    }

    /// Says that a piece is damaged, by its hash or because it does not decode.
    pub(super) fn undecodable(&self, file: File, piece: Piece, what: &'static str) -> SegmentError {
        let path = match file {
            File::Parquet => &self.parquet_path,
            File::Idx => &self.idx_path,
        };
        let (offset, len) = (piece.offset, u64::from(piece.len));
        Damaged { file: path.clone(), offset, len, what }.into()
    }

    /// Says that hash-checked parts of the index contradict each other, which is our own fault; or that
    /// the index is damaged, when there is none.
    pub(super) fn inconsistent(&self, what: &'static str) -> SegmentError {
        if let Some(damage) = self.damage() {
            return damage.clone().into();
        }
        let (file, len) = (self.idx_path.clone(), self.files.idx.len);
        Damaged { file, offset: 0, len, what }.into()
    }

    pub(super) fn cached(
        &self,
        kind: u8,
        index: usize,
        keep: Keep,
        make: impl FnOnce() -> Result<Cached, SegmentError>,
    ) -> Result<Cached, SegmentError> {
        if let Some(known) = self.known(kind, index as u32) {
            return Ok(known);
        }
        let made = make()?;
        if keep == Keep::Cached {
            self.keep(kind, index as u32, made.clone());
        }
        Ok(made)
    }

    /// Returns what the cache has of a piece.
    pub(super) fn known(&self, kind: u8, index: u32) -> Option<Cached> {
        self.cache.get((self.number, kind, index))
    }

    /// Lets a piece wait in the cache.
    pub(super) fn keep(&self, kind: u8, index: u32, piece: Cached) {
        self.cache.insert((self.number, kind, index), piece);
    }

    /// Returns the numbers of a block, from the cache or past it.
    pub(super) fn ints(
        &self,
        column: ParquetColumn,
        block: usize,
        keep: Keep,
    ) -> Result<Arc<Ints>, SegmentError> {
        let make = || Ok(Cached::Ints(Arc::new(self.load_ints(column, block)?)));
        match self.cached(column as u8, block, keep, make)? {
            Cached::Ints(ints) => Ok(ints),
            _ => Err(self.inconsistent("the cache mixed up two pieces")),
        }
    }

    pub(super) fn load_ints(
        &self,
        column: ParquetColumn,
        block: usize,
    ) -> Result<Ints, SegmentError> {
        let width = if column.shape() == Shape::Ints32 { Width::W32 } else { Width::W64 };
        let (piece, body) = self.load_block_page(column, block)?;
        let count = self.rows_of_block(block).len();
        match delta::decode(&body, count, width) {
            Some(values) => Ok(Ints::new(values)),
            None => Err(self.undecodable(File::Parquet, piece, column.name())),
        }
    }

    fn load_block_page(
        &self,
        column: ParquetColumn,
        block: usize,
    ) -> Result<(Piece, Vec<u8>), SegmentError> {
        let piece = self.directory.pages[column.index()].get(block);
        let piece = piece.ok_or_else(|| self.inconsistent("a page is missing"))?;
        Ok((piece, self.load(File::Parquet, piece, column.name())?))
    }

    /// Returns the dictionary codes of a block, from the cache or past it.
    pub(super) fn codes(
        &self,
        column: ParquetColumn,
        block: usize,
        keep: Keep,
    ) -> Result<Arc<Vec<u32>>, SegmentError> {
        let make = || Ok(Cached::Codes(Arc::new(self.load_codes(column, block)?)));
        match self.cached(column as u8, block, keep, make)? {
            Cached::Codes(codes) => Ok(codes),
            _ => Err(self.inconsistent("the cache mixed up two pieces")),
        }
    }

    pub(super) fn load_codes(
        &self,
        column: ParquetColumn,
        block: usize,
    ) -> Result<Vec<u32>, SegmentError> {
        let (piece, body) = self.load_block_page(column, block)?;
        let entries = self.dictionary_entries(column, block)?;
        let count = self.rows_of_block(block).len();
        page::decode_codes(&body, count, entries)
            .ok_or_else(|| self.undecodable(File::Parquet, piece, column.name()))
    }

    /// Returns the dictionary of a row group, through the cache.
    pub(super) fn dictionary(
        &self,
        column: ParquetColumn,
        group: usize,
    ) -> Result<Arc<Entries>, SegmentError> {
        let make = || Ok(Cached::Dictionary(self.load_dictionary(column, group)?));
        match self.cached(DICTIONARY_KIND | column as u8, group, Keep::Cached, make)? {
            Cached::Dictionary(entries) => Ok(entries),
            _ => Err(self.inconsistent("the cache mixed up two pieces")),
        }
    }

    /// Names the dictionaries of a block among those of all open segments.
    pub(super) fn dictionary_name(&self, block: usize) -> (u64, usize) {
        (self.number, self.directory.group_of_block(block))
    }

    /// Loads the dictionary of a row group.
    pub(super) fn load_dictionary(
        &self,
        column: ParquetColumn,
        group: usize,
    ) -> Result<Arc<Entries>, SegmentError> {
        let piece = self.directory.dictionaries[column.index()].get(group);
        let piece = piece.ok_or_else(|| self.inconsistent("a dictionary is missing"))?;
        if piece.entries == 0 {
            return Ok(Arc::default());
        }
        let body = self.load(File::Parquet, piece.piece, column.name())?;
        page::decode_dictionary(body, piece.entries as usize)
            .map(Arc::new)
            .ok_or_else(|| self.undecodable(File::Parquet, piece.piece, column.name()))
    }

    /// Returns the values of a block, from the cache or past it.
    pub(super) fn values(
        &self,
        column: ParquetColumn,
        block: usize,
        keep: Keep,
    ) -> Result<ValuePage, SegmentError> {
        let make = || self.load_values(column, block);
        let loaded = self.cached(column as u8, block, keep, make)?;
        self.value_page(block, loaded, |group| self.dictionary(column, group))
    }

    /// Puts a page and its dictionary together.
    pub(super) fn value_page(
        &self,
        block: usize,
        loaded: Cached,
        dictionary: impl FnOnce(usize) -> Result<Arc<Entries>, SegmentError>,
    ) -> Result<ValuePage, SegmentError> {
        match loaded {
            Cached::Page(page) => Ok(ValuePage::Plain(page)),
            Cached::Codes(codes) => {
                let entries = dictionary(self.directory.group_of_block(block))?;
                Ok(ValuePage::Coded { codes, entries })
            }
            _ => Err(self.inconsistent("the cache mixed up two pieces")),
        }
    }

    /// Loads the page of a block: values, or codes.
    pub(super) fn load_values(
        &self,
        column: ParquetColumn,
        block: usize,
    ) -> Result<Cached, SegmentError> {
        let (piece, body) = self.load_block_page(column, block)?;
        let count = self.rows_of_block(block).len();
        let coded = self.directory.coded[column.index()].get(block).copied().unwrap_or(false);
        let decoded = if coded {
            let entries = self.dictionary_entries(column, block)?;
            page::decode_optional_codes(&body, count, entries)
                .map(|codes| Cached::Codes(Arc::new(codes)))
        } else {
            PlainPage::decode(body, count).map(|page| Cached::Page(Arc::new(page)))
        };
        decoded.ok_or_else(|| self.undecodable(File::Parquet, piece, column.name()))
    }

    fn dictionary_entries(
        &self,
        column: ParquetColumn,
        block: usize,
    ) -> Result<usize, SegmentError> {
        let group = self.directory.group_of_block(block);
        let dictionary = self.directory.dictionaries[column.index()].get(group);
        let dictionary = dictionary.ok_or_else(|| self.inconsistent("a dictionary is missing"))?;
        Ok(dictionary.entries as usize)
    }

    /// Reads both files from front to end and names every damaged piece; empty when all is well.
    ///
    /// # Errors
    /// The disk refuses to read.
    pub fn verify(&self) -> Result<Vec<Damaged>, SegmentError> {
        let mut damaged = Vec::new();
        damaged.extend(self.damage().cloned());
        for (file, path, disk_file, expected) in [
            (File::Parquet, &self.parquet_path, Some(&self.parquet), self.files.parquet),
            (File::Idx, &self.idx_path, self.idx.as_ref(), self.files.idx),
        ] {
            let Some(disk_file) = disk_file else { continue };
            if hash_file(disk_file.as_ref(), path)? == expected {
                continue;
            }
            let before = damaged.len();
            for (what, piece) in self.directory.pieces(file) {
                match self.load_packed(file, piece, what) {
                    Ok(_) => {}
                    Err(SegmentError::Damaged(found)) => damaged.push(found),
                    Err(other) => return Err(other),
                }
            }
            if damaged.len() == before {
                let what = "bytes outside every piece that is read, or the length";
                damaged.push(Damaged { file: path.clone(), offset: 0, len: expected.len, what });
            }
        }
        Ok(damaged)
    }
}

/// Names which of a segment's files are not the files that the log knows, without opening it.
pub(crate) fn damaged_files(disk: &dyn Disk, files: SegmentFiles) -> Vec<Damaged> {
    let (parquet_path, idx_path) = paths(files.name);
    let is_intact = |path: &str, expected: FileHash| {
        let file = disk.open_read(path).map_err(SegmentError::io("open", path))?;
        Ok::<_, SegmentError>(hash_file(file.as_ref(), path)? == expected)
    };
    let mut damaged = Vec::new();
    for (path, expected) in [(parquet_path, files.parquet), (idx_path, files.idx)] {
        let what = match is_intact(&path, expected) {
            Ok(true) => continue,
            Ok(false) => "the file is not the one that was written",
            Err(_) => "the file is missing or cannot be read",
        };
        damaged.push(Damaged { file: path, offset: 0, len: expected.len, what });
    }
    damaged
}

/// Reads the count in the header of a delta encoding.
fn raw_count(raw: &[u8]) -> Option<usize> {
    let mut from = crate::codec::Decoder::new(raw);
    from.varint("block").ok()?;
    from.varint("miniblocks").ok()?;
    usize::try_from(from.varint("count").ok()?).ok()
}

fn open_checked(
    disk: &dyn Disk,
    path: &str,
    expected: FileHash,
) -> Result<Box<dyn DiskFile>, SegmentError> {
    let file = disk.open_read(path).map_err(SegmentError::io("open", path))?;
    let len = file.len().map_err(SegmentError::io("measure", path))?;
    if len != expected.len {
        let what = "the file has another length than the manifest says";
        return Err(Damaged { file: path.to_owned(), offset: 0, len, what }.into());
    }
    Ok(file)
}

fn read_directory(
    idx: &dyn DiskFile,
    path: &str,
    files: SegmentFiles,
) -> Result<Directory, SegmentError> {
    let damaged = |offset: u64, len: u64, what: &'static str| {
        SegmentError::from(Damaged { file: path.to_owned(), offset, len, what })
    };
    let end_bytes = (FOOTER_BYTES + TRAILER_BYTES) as u64;
    let Some(footer_at) = files.idx.len.checked_sub(end_bytes) else {
        return Err(damaged(0, files.idx.len, "the index is shorter than its footer"));
    };
    let mut end = [0; FOOTER_BYTES + TRAILER_BYTES];
    read_exact_at(idx, &mut end, footer_at).map_err(SegmentError::io("read", path))?;
    let (footer, trailer) = end.split_at(FOOTER_BYTES);
    if Sha256::digest(footer).as_slice() != trailer {
        return Err(damaged(footer_at, end_bytes, "the index's footer"));
    }
    let mut from = crate::codec::Decoder::new(footer);
    let fields = (|| {
        let (offset, len) = (from.u64("offset")?, from.u64("length")?);
        let hash: Hash = from.hash("hash")?;
        let format = u32::from_le_bytes(from.array("format")?);
        let magic: [u8; 8] = from.array("magic")?;
        Ok::<_, crate::codec::DecodeError>((offset, len, hash, format, magic))
    })();
    let Ok((offset, len, hash, format, magic)) = fields else {
        return Err(damaged(footer_at, end_bytes, "the index's footer"));
    };
    if magic != *IDX_MAGIC {
        return Err(damaged(footer_at, end_bytes, "the index's magic"));
    }
    if format != FORMAT {
        return Err(SegmentError::Format { file: path.to_owned(), found: format, known: FORMAT });
    }
    let fits = offset.checked_add(len) == Some(footer_at) && len <= RAW_BYTES_MAX as u64;
    if hash != files.directory || !fits {
        return Err(damaged(footer_at, end_bytes, "the index's footer names another directory"));
    }
    let mut packed = vec![0; len as usize];
    read_exact_at(idx, &mut packed, offset).map_err(SegmentError::io("read", path))?;
    if Hash(Sha256::digest(&packed).into()) != hash {
        return Err(damaged(offset, len, "the directory"));
    }
    let directory = unpack(&packed).and_then(|raw| Directory::decode(&raw).ok());
    directory.ok_or_else(|| damaged(offset, len, "the directory does not decode"))
}
