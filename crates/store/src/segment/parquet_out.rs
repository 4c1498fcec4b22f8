//! Writing the Parquet file: rows to pages to row groups.
//!
//! Every column has one page a block. Values get codes into a dictionary of the row group as long as
//! they repeat; a block in which most of them are new gets them written out, and for some blocks after
//! it codes are not even tried. Pages are compressed as their block ends and wait in memory until their
//! row group ends, because a row group stores its columns one after the other.

use proofbook_event::Group;

use crate::disk::Disk;

use super::delta::Width;
use super::dictionary::Dictionary;
use super::directory::{DictionaryPiece, Directory};
use super::error::SegmentError;
use super::lift::{VALUE_COLUMNS, VALUES, Values};
use super::out::{OutFile, piece_hash};
use super::pack::Packer;
use super::page::{self, PageEncoding};
use super::schema::{ChunkFacts, Footer, ParquetColumn, Shape};
use super::stream::{StoredRow, known_place};
use super::{FileHash, GROUP_PACKED_BYTES, GROUP_ROWS, Piece, PieceHash, Row, ZSTD_LEVEL};

const MAGIC: &[u8; 4] = b"PAR1";
/// A row group ends when its dictionaries reach this many bytes together: whoever reads a single row of
/// it loads them, whoever reads rows in order holds them, and hostile values must stay bounded.
const DICTIONARY_BYTES_MAX: usize = 1024 * 1024;
/// So few values are coded in any case.
const CODED_VALUES_MIN: usize = 64;
/// After how many blocks a column whose values did not repeat is tried again.
const TRIED_AGAIN_AFTER: u32 = 15;

/// A page that waits for its row group to end.
struct WaitingPage {
    header_bytes: u32,
    bytes: Vec<u8>,
    hash: PieceHash,
    coded: bool,
}

/// One column of the row group being filled.
struct Chunk {
    column: ParquetColumn,
    /// Numbers of the page being filled.
    ints: Vec<i64>,
    /// Codes of the page being filled: of optional values 0 for none, else the number + 1. While values
    /// are written out, 0 or 1 only.
    codes: Vec<u32>,
    /// Values written out, as PLAIN.
    plain: Vec<u8>,
    dictionary: Dictionary,
    /// Of each segment that values come from, by their codes there: their codes here, 0 where it is not
    /// known.
    passed: Vec<Vec<u32>>,
    /// Length of the dictionary when the page began.
    known: usize,
    /// For how many blocks values are written out without trying codes.
    plain_blocks: u32,
    pages: Vec<WaitingPage>,
    raw_bytes: u64,
    bounds: Option<(i64, i64)>,
}

impl Chunk {
    fn new(column: ParquetColumn) -> Self {
        Self {
            column,
            ints: Vec::new(),
            codes: Vec::new(),
            plain: Vec::new(),
            dictionary: Dictionary::default(),
            passed: Vec::new(),
            known: 0,
            plain_blocks: 0,
            pages: Vec::new(),
            raw_bytes: 0,
            bounds: None,
        }
    }

    fn int(&mut self, value: i64) {
        self.ints.push(value);
        let (least, most) = self.bounds.unwrap_or((value, value));
        self.bounds = Some((least.min(value), most.max(value)));
    }

    fn word(&mut self, value: &[u8]) {
        let fixed = self.column == ParquetColumn::WorkspaceUid;
        let code = self.dictionary.number(value, fixed);
        self.codes.push(code);
    }

    fn value(&mut self, value: Option<&[u8]>) {
        let code = match value {
            None => 0,
            Some(value) if self.plain_blocks > 0 => {
                page::plain_bytes(value, &mut self.plain);
                1
            }
            Some(value) => self.dictionary.number(value, false) + 1,
        };
        self.codes.push(code);
    }

    /// Takes a value that has a code in another segment, number `from`: it is looked up once.
    fn passed(&mut self, value: Option<&[u8]>, code: u32, from: usize) {
        if code == 0 || self.plain_blocks > 0 {
            return self.value(value);
        }
        let Some(value) = value else { return self.value(None) };
        if self.passed.len() <= from {
            self.passed.resize_with(from + 1, Vec::new);
        }
        let here = known_place(&mut self.passed[from], code as usize);
        if *here == 0 {
            *here = self.dictionary.number(value, false) + 1;
        }
        self.codes.push(*here);
    }

    /// Forgets which codes here those of other segments are.
    fn forget_passed(&mut self) {
        self.passed.iter_mut().for_each(Vec::clear);
    }

    /// Tells whether the block's values have codes.
    fn is_coded(&self) -> bool {
        self.plain_blocks == 0
    }

    /// Writes the block's values out if codes do not pay.
    fn choose_encoding(&mut self) {
        let present = self.codes.iter().filter(|code| **code > 0).count();
        if !self.is_coded() {
            // A page without values is a page of codes: no entry of it has to be read.
            if present == 0 {
                self.plain_blocks = 0;
            }
            return;
        }
        let new = self.dictionary.len() - self.known;
        if present < CODED_VALUES_MIN || new * 2 <= present {
            return;
        }
        for code in self.codes.iter_mut().filter(|code| **code > 0) {
            page::plain_bytes(self.dictionary.get(*code - 1), &mut self.plain);
            *code = 1;
        }
        self.dictionary.truncate(self.known);
        self.forget_passed();
        self.plain_blocks = TRIED_AGAIN_AFTER + 1;
    }

    fn for_each_distinct(&self, visit: &mut dyn FnMut(&[u8])) {
        if !self.is_coded() {
            return page::for_each_plain(&self.plain, visit);
        }
        let mut seen = vec![false; self.dictionary.len() + 1];
        for code in self.codes.iter().filter(|code| **code > 0) {
            if !std::mem::replace(&mut seen[*code as usize], true) {
                visit(self.dictionary.get(*code - 1));
            }
        }
    }

    /// Ends the page of a block; returns how many bytes wait.
    fn end_page(
        &mut self,
        packer: &mut Packer,
        scratch: &mut Vec<u8>,
    ) -> Result<usize, SegmentError> {
        let count = self.ints.len().max(self.codes.len());
        if count == 0 {
            return Ok(0);
        }
        scratch.clear();
        let coded = self.is_coded();
        let (body, encoding) = match self.column.shape() {
            Shape::Ints64 => {
                page::encode_ints(&self.ints, Width::W64, scratch);
                (packer.pack(scratch)?, PageEncoding::Delta)
            }
            Shape::Ints32 => {
                page::encode_ints(&self.ints, Width::W32, scratch);
                (packer.pack(scratch)?, PageEncoding::Delta)
            }
            Shape::Codes => (pack_codes(&self.codes, packer, scratch)?, PageEncoding::Codes),
            Shape::Values if coded => {
                let levels: Vec<u32> = self.codes.iter().map(|code| (*code).min(1)).collect();
                page::encode_levels(&levels, scratch);
                self.codes.retain_mut(|code| {
                    let present = *code > 0;
                    *code = code.saturating_sub(1);
                    present
                });
                (pack_codes(&self.codes, packer, scratch)?, PageEncoding::Codes)
            }
            Shape::Values => {
                page::encode_levels(&self.codes, scratch);
                scratch.extend_from_slice(&self.plain);
                (packer.pack(scratch)?, PageEncoding::Plain)
            }
        };
        let mut bytes = Vec::with_capacity(body.len() + 32);
        page::data_header(scratch.len(), body.len(), count, encoding, &mut bytes);
        let header_bytes = bytes.len() as u32;
        let hash = piece_hash(&body);
        bytes.extend_from_slice(&body);
        self.raw_bytes += u64::from(header_bytes) + scratch.len() as u64;
        let waiting = bytes.len();
        self.pages.push(WaitingPage { header_bytes, bytes, hash, coded });
        self.ints.clear();
        self.codes.clear();
        self.plain.clear();
        self.known = self.dictionary.len();
        self.plain_blocks = self.plain_blocks.saturating_sub(1);
        Ok(waiting)
    }

    /// Moves the chunk's pages to the file and their places to the directory.
    fn write(
        &mut self,
        file: &mut OutFile,
        packer: &mut Packer,
        directory: &mut Directory,
    ) -> Result<ChunkFacts, SegmentError> {
        let start = file.position();
        let column = self.column;
        let entries = self.dictionary.len();
        let mut dictionary_offset = None;
        let mut raw_bytes = std::mem::take(&mut self.raw_bytes);
        let mut piece = Piece { offset: start, len: 0, hash: piece_hash(&[]) };
        if entries > 0
            || self.pages.iter().any(|page| page.coded && column.shape() == Shape::Values)
        {
            let plain = self.dictionary.plain();
            let body = packer.pack(plain)?;
            let mut header = Vec::with_capacity(32);
            page::dictionary_header(plain.len(), body.len(), entries, &mut header);
            dictionary_offset = Some(start);
            raw_bytes += (header.len() + plain.len()) as u64;
            file.put(&header)?;
            piece = file.put_piece(&body)?;
        }
        if matches!(column.shape(), Shape::Codes | Shape::Values) {
            directory.add_dictionary(column, DictionaryPiece { piece, entries: entries as u32 });
        }
        let data_offset = file.position();
        for waiting in self.pages.drain(..) {
            let piece = Piece {
                offset: file.position() + u64::from(waiting.header_bytes),
                len: waiting.bytes.len() as u32 - waiting.header_bytes,
                hash: waiting.hash,
            };
            file.put(&waiting.bytes)?;
            directory.add_page(column, piece, waiting.coded);
        }
        self.dictionary.clear();
        self.forget_passed();
        self.known = 0;
        Ok(ChunkFacts {
            dictionary_offset,
            data_offset,
            packed_bytes: file.position() - start,
            raw_bytes,
            bounds: self.bounds.take().filter(|_| column.shape() == Shape::Ints64),
        })
    }
}

/// Appends codes to what is in `scratch`, at their least width or as whole bytes, which zstd often packs
/// better, and packs all of it.
fn pack_codes(
    codes: &[u32],
    packer: &mut Packer,
    scratch: &mut Vec<u8>,
) -> Result<Vec<u8>, SegmentError> {
    let most = codes.iter().copied().max().unwrap_or(0);
    let width = 32 - most.leading_zeros();
    let before = scratch.len();
    page::encode_codes(codes, width, scratch);
    let narrow = packer.pack(scratch)?;
    let whole = width.next_multiple_of(8);
    if width == whole {
        return Ok(narrow);
    }
    let mut bytewise = Vec::with_capacity(before + codes.len() * whole as usize / 8 + 8);
    bytewise.extend_from_slice(&scratch[..before]);
    page::encode_codes(codes, whole, &mut bytewise);
    let wide = packer.pack(&bytewise)?;
    if wide.len() >= narrow.len() {
        return Ok(narrow);
    }
    *scratch = bytewise;
    Ok(wide)
}

/// The Parquet file being written.
pub(super) struct ParquetOut {
    file: OutFile,
    packer: Packer,
    footer: Footer,
    chunks: Vec<Chunk>,
    scratch: Vec<u8>,
    rows: u32,
    group_first_row: u32,
    waiting_bytes: usize,
    /// Of each segment that rows come from, the row group of the last one.
    row_groups: Vec<usize>,
}

impl ParquetOut {
    pub(super) fn create(disk: &dyn Disk, path: &str) -> Result<Self, SegmentError> {
        let mut file = OutFile::create(disk, path)?;
        file.put(MAGIC)?;
        Ok(Self {
            file,
            packer: Packer::new(ZSTD_LEVEL)?,
            footer: Footer::new()?,
            chunks: ParquetColumn::ALL.into_iter().map(Chunk::new).collect(),
            scratch: Vec::new(),
            rows: 0,
            group_first_row: 0,
            waiting_bytes: 0,
            row_groups: Vec::new(),
        })
    }

    /// Adds a row of the block; `workspace` is the workspace's name.
    pub(super) fn push(&mut self, row: &Row<'_>, workspace: &str, values: &Values<'_>) {
        self.push_small(row, workspace);
        for (column, value) in VALUES.into_iter().zip(values) {
            self.chunks[column.index()].value(*value);
        }
    }

    /// Adds a row of another segment, number `from` of those that rows come from.
    pub(super) fn push_stored(&mut self, stored: &StoredRow<'_>, workspace: &str, from: usize) {
        self.push_small(&stored.row, workspace);
        if self.row_groups.len() <= from {
            self.row_groups.resize(from + 1, 0);
        }
        if std::mem::replace(&mut self.row_groups[from], stored.row_group) != stored.row_group {
            // The codes of another row group are of other dictionaries.
            for chunk in &mut self.chunks {
                chunk.passed.get_mut(from).into_iter().for_each(Vec::clear);
            }
        }
        for ((column, value), code) in VALUES.into_iter().zip(&stored.values).zip(stored.codes) {
            self.chunks[column.index()].passed(*value, code, from);
        }
    }

    fn push_small(&mut self, row: &Row<'_>, workspace: &str) {
        self.chunks[ParquetColumn::Workspace.index()].word(workspace.as_bytes());
        self.chunks[ParquetColumn::WorkspaceUid.index()].word(&row.workspace.0);
        self.chunks[ParquetColumn::Seq.index()].int(row.seq as i64);
        self.chunks[ParquetColumn::OccurredAt.index()].int(row.occurred_at);
        self.chunks[ParquetColumn::RecordedAt.index()].int(row.recorded_at);
        self.chunks[ParquetColumn::Action.index()].word(row.action.as_bytes());
        self.chunks[ParquetColumn::Outcome.index()].word(row.outcome.as_str().as_bytes());
        self.chunks[ParquetColumn::Run.index()].int(i64::from(row.run as i32));
        self.chunks[ParquetColumn::K.index()].int(i64::from(row.k));
        self.chunks[ParquetColumn::Flags.index()].int(i64::from(row.flags));
        self.rows += 1;
    }

    /// Decides for each column how the block's values are written.
    pub(super) fn choose_encodings(&mut self) {
        for column in VALUES {
            self.chunks[column.index()].choose_encoding();
        }
    }

    /// Tells whether a column's values have codes in this block; `place` is one of [`VALUES`].
    pub(super) fn is_coded(&self, place: usize) -> bool {
        self.chunks[VALUES[place].index()].is_coded()
    }

    /// Visits the values of a column in this block; those with a code are visited once.
    pub(super) fn for_each_distinct(&self, place: usize, visit: &mut dyn FnMut(&[u8])) {
        self.chunks[VALUES[place].index()].for_each_distinct(visit);
    }

    /// Ends a block, and the row group with it when that is full.
    pub(super) fn end_block(&mut self, directory: &mut Directory) -> Result<(), SegmentError> {
        for chunk in &mut self.chunks {
            self.waiting_bytes += chunk.end_page(&mut self.packer, &mut self.scratch)?;
        }
        let dictionary_bytes: usize =
            self.chunks.iter().map(|chunk| chunk.dictionary.plain().len()).sum();
        if self.rows - self.group_first_row >= GROUP_ROWS as u32
            || self.waiting_bytes >= GROUP_PACKED_BYTES
            || dictionary_bytes >= DICTIONARY_BYTES_MAX
        {
            self.end_group(directory)?;
        }
        Ok(())
    }

    fn end_group(&mut self, directory: &mut Directory) -> Result<(), SegmentError> {
        let rows = self.rows - self.group_first_row;
        if rows == 0 {
            return Ok(());
        }
        let mut facts = Vec::with_capacity(self.chunks.len());
        for chunk in &mut self.chunks {
            facts.push(chunk.write(&mut self.file, &mut self.packer, directory)?);
        }
        self.footer.add(rows, &facts)?;
        directory.end_group();
        self.group_first_row = self.rows;
        self.waiting_bytes = 0;
        Ok(())
    }

    /// Writes the footer, syncs, and reads the file back.
    pub(super) fn finish(mut self, directory: &mut Directory) -> Result<FileHash, SegmentError> {
        self.end_group(directory)?;
        let footer = self.footer.finish()?;
        self.file.put(&footer)?;
        self.file.finish()
    }
}

const _: () = assert!(VALUE_COLUMNS + 10 == ParquetColumn::COUNT && VALUE_COLUMNS > Group::COUNT);
