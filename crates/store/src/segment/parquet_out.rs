//! Writing the Parquet file: rows to pages to row groups.
//!
//! Small columns get one page a block, values a page each [`VALUE_PAGE_BYTES`]. Pages are compressed
//! as they fill and wait in memory until their row group ends, because a row group stores its
//! columns one after the other.

use std::collections::HashMap;

use crate::disk::Disk;

use super::delta::Width;
use super::directory::{DictionaryPiece, Directory};
use super::error::SegmentError;
use super::out::{OutFile, piece_hash};
use super::pack::Packer;
use super::page::{self, PageEncoding};
use super::schema::{ChunkFacts, Footer, ParquetColumn, Shape};
use super::{FileHash, GROUP_PACKED_BYTES, GROUP_ROWS, Piece, PieceHash, Row, VALUE_PAGE_BYTES};

const MAGIC: &[u8; 4] = b"PAR1";
/// A row group ends when a dictionary reaches this many bytes, so that hostile names stay bounded.
const DICTIONARY_BYTES_MAX: usize = 1024 * 1024;

/// A page that waits for its row group to end.
struct WaitingPage {
    header_bytes: u32,
    bytes: Vec<u8>,
    hash: PieceHash,
    first_row: u32,
}

/// The codes of one column's values in this row group.
#[derive(Default)]
struct Dictionary {
    codes: HashMap<Box<[u8]>, u32>,
    plain: Vec<u8>,
    last: Option<(Box<[u8]>, u32)>,
}

impl Dictionary {
    fn code(&mut self, value: &[u8], fixed: bool) -> u32 {
        if let Some((last, code)) = &self.last
            && last.as_ref() == value
        {
            return *code;
        }
        let code = match self.codes.get(value) {
            Some(code) => *code,
            None => {
                let code = self.codes.len() as u32;
                self.codes.insert(value.into(), code);
                if fixed {
                    self.plain.extend_from_slice(value);
                } else {
                    page::plain_bytes(value, &mut self.plain);
                }
                code
            }
        };
        self.last = Some((value.into(), code));
        code
    }
}

/// One column of the row group being filled.
struct Chunk {
    column: ParquetColumn,
    /// Values, codes or levels of the page being filled.
    ints: Vec<i64>,
    codes: Vec<u32>,
    plain: Vec<u8>,
    dictionary: Dictionary,
    pages: Vec<WaitingPage>,
    page_first_row: u32,
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
            pages: Vec::new(),
            page_first_row: 0,
            raw_bytes: 0,
            bounds: None,
        }
    }

    fn int(&mut self, value: i64) {
        self.ints.push(value);
        let (least, most) = self.bounds.unwrap_or((value, value));
        self.bounds = Some((least.min(value), most.max(value)));
    }

    fn text(&mut self, value: &[u8]) {
        let fixed = self.column == ParquetColumn::WorkspaceUid;
        let code = self.dictionary.code(value, fixed);
        self.codes.push(code);
    }

    fn value(&mut self, value: Option<&[u8]>) {
        self.codes.push(u32::from(value.is_some()));
        if let Some(bytes) = value {
            page::plain_bytes(bytes, &mut self.plain);
        }
    }

    /// Ends the page being filled; `next_row` is the first row of the next one.
    fn end_page(
        &mut self,
        next_row: u32,
        packer: &mut Packer,
        scratch: &mut Vec<u8>,
    ) -> Result<usize, SegmentError> {
        let count = self.ints.len().max(self.codes.len());
        if count == 0 {
            return Ok(0);
        }
        scratch.clear();
        let (body, encoding) = match self.column.shape() {
            Shape::Ints64 => {
                page::encode_ints(&self.ints, Width::W64, scratch);
                (packer.pack(scratch)?, PageEncoding::Delta)
            }
            Shape::Ints32 => {
                page::encode_ints(&self.ints, Width::W32, scratch);
                (packer.pack(scratch)?, PageEncoding::Delta)
            }
            Shape::Codes => (self.pack_codes(packer, scratch)?, PageEncoding::Codes),
            Shape::Values => {
                page::encode_values(&self.codes, &self.plain, scratch);
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
        self.pages.push(WaitingPage { header_bytes, bytes, hash, first_row: self.page_first_row });
        self.page_first_row = next_row;
        self.ints.clear();
        self.codes.clear();
        self.plain.clear();
        Ok(waiting)
    }

    /// Packs codes at their least width or as whole bytes, which zstd often packs better.
    fn pack_codes(
        &self,
        packer: &mut Packer,
        scratch: &mut Vec<u8>,
    ) -> Result<Vec<u8>, SegmentError> {
        let most = self.codes.iter().copied().max().unwrap_or(0);
        let width = 32 - most.leading_zeros();
        page::encode_codes(&self.codes, width, scratch);
        let narrow = packer.pack(scratch)?;
        if width == 0 || width >= 8 {
            return Ok(narrow);
        }
        let mut bytewise = Vec::with_capacity(self.codes.len() + 8);
        page::encode_codes(&self.codes, 8, &mut bytewise);
        let wide = packer.pack(&bytewise)?;
        if wide.len() >= narrow.len() {
            return Ok(narrow);
        }
        *scratch = bytewise;
        Ok(wide)
    }
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
}

impl ParquetOut {
    pub(super) fn create(disk: &dyn Disk, path: &str, level: i32) -> Result<Self, SegmentError> {
        let mut file = OutFile::create(disk, path)?;
        file.put(MAGIC)?;
        Ok(Self {
            file,
            packer: Packer::new(level)?,
            footer: Footer::new()?,
            chunks: ParquetColumn::ALL.into_iter().map(Chunk::new).collect(),
            scratch: Vec::new(),
            rows: 0,
            group_first_row: 0,
            waiting_bytes: 0,
        })
    }

    /// Adds a row; `workspace` is the workspace's name.
    pub(super) fn push(&mut self, row: &Row<'_>, workspace: &str) -> Result<(), SegmentError> {
        let rows_after = self.rows + 1;
        for chunk in &mut self.chunks {
            match chunk.column {
                ParquetColumn::Workspace => chunk.text(workspace.as_bytes()),
                ParquetColumn::WorkspaceUid => chunk.text(&row.workspace.0),
                ParquetColumn::Seq => chunk.int(row.seq as i64),
                ParquetColumn::OccurredAt => chunk.int(row.occurred_at),
                ParquetColumn::RecordedAt => chunk.int(row.recorded_at),
                ParquetColumn::Action => chunk.text(row.action.as_bytes()),
                ParquetColumn::Outcome => chunk.text(row.outcome.as_str().as_bytes()),
                ParquetColumn::Run => chunk.int(i64::from(row.run as i32)),
                ParquetColumn::K => chunk.int(i64::from(row.k)),
                ParquetColumn::Flags => chunk.int(i64::from(row.flags)),
                ParquetColumn::Withheld => {
                    chunk.value((!row.withheld.is_empty()).then_some(row.withheld));
                }
                _ => {
                    let group = chunk.column.group();
                    chunk.value(group.and_then(|group| row.groups.get(group)));
                }
            }
            if chunk.plain.len() >= VALUE_PAGE_BYTES {
                self.waiting_bytes +=
                    chunk.end_page(rows_after, &mut self.packer, &mut self.scratch)?;
            }
        }
        self.rows = rows_after;
        Ok(())
    }

    /// Ends a block, and the row group with it when that is full.
    pub(super) fn end_block(&mut self, directory: &mut Directory) -> Result<(), SegmentError> {
        for chunk in &mut self.chunks {
            if chunk.column.shape() != Shape::Values {
                self.waiting_bytes +=
                    chunk.end_page(self.rows, &mut self.packer, &mut self.scratch)?;
            }
        }
        let dictionary_bytes =
            self.chunks.iter().map(|chunk| chunk.dictionary.plain.len()).max().unwrap_or(0);
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
            chunk.end_page(self.rows, &mut self.packer, &mut self.scratch)?;
            facts.push(write_chunk(chunk, &mut self.file, &mut self.packer, directory)?);
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

/// Moves a chunk's pages to the file and their places to the directory.
fn write_chunk(
    chunk: &mut Chunk,
    file: &mut OutFile,
    packer: &mut Packer,
    directory: &mut Directory,
) -> Result<ChunkFacts, SegmentError> {
    let start = file.position();
    let column = chunk.column;
    let mut dictionary_offset = None;
    let mut raw_bytes = std::mem::take(&mut chunk.raw_bytes);
    if column.shape() == Shape::Codes {
        let dictionary = std::mem::take(&mut chunk.dictionary);
        let entries = dictionary.codes.len();
        let body = packer.pack(&dictionary.plain)?;
        let mut header = Vec::with_capacity(32);
        page::dictionary_header(dictionary.plain.len(), body.len(), entries, &mut header);
        dictionary_offset = Some(start);
        raw_bytes += (header.len() + dictionary.plain.len()) as u64;
        file.put(&header)?;
        let piece = file.put_piece(&body)?;
        directory.add_dictionary(column, DictionaryPiece { piece, entries: entries as u32 });
    }
    let data_offset = file.position();
    for waiting in chunk.pages.drain(..) {
        let piece = Piece {
            offset: file.position() + u64::from(waiting.header_bytes),
            len: waiting.bytes.len() as u32 - waiting.header_bytes,
            hash: waiting.hash,
        };
        file.put(&waiting.bytes)?;
        match column.shape() {
            Shape::Values => directory.add_value_page(column, piece, waiting.first_row),
            _ => directory.add_block_page(column, piece),
        }
    }
    Ok(ChunkFacts {
        dictionary_offset,
        data_offset,
        packed_bytes: file.position() - start,
        raw_bytes,
        bounds: chunk.bounds.take().filter(|_| column.shape() == Shape::Ints64),
    })
}
