//! The directory of a segment: where every piece stands, and its hash.
//!
//! It is loaded at open and stays resident. In the index file it is one zstd frame, found through
//! the closing footer and checked against the hash in the manifest. Layout: docs/spec/segment.md.

use proofbook_filter::FOLD_VERSION;

use crate::codec::{DecodeError, Decoder, Encode};

use super::Piece;
use super::ids::{self, FirstKey};
use super::purged::{self, Purged};
use super::reader::File;
use super::schema::{ParquetColumn, Shape};
use super::search;
use super::text::SPAN_BLOCKS;
use super::workspaces::Workspaces;

/// Many pieces of one file, packed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pieces {
    offsets: Vec<u64>,
    lens: Vec<u32>,
    hashes: Vec<[u8; 16]>,
}

impl Pieces {
    pub(super) fn push(&mut self, piece: Piece) {
        self.offsets.push(piece.offset);
        self.lens.push(piece.len);
        self.hashes.push(piece.hash);
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<Piece> {
        Some(Piece {
            offset: *self.offsets.get(index)?,
            len: self.lens[index],
            hash: self.hashes[index],
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Piece> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    pub(super) fn bytes_total(&self) -> u64 {
        self.lens.iter().map(|len| u64::from(*len)).sum()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.offsets.capacity() * 8 + self.lens.capacity() * 4 + self.hashes.capacity() * 16
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.put_varint(self.len() as u64);
        let mut end = 0;
        for piece in self.iter() {
            out.put_signed(piece.offset.wrapping_sub(end) as i64);
            out.put_varint(u64::from(piece.len));
            end = piece.offset + u64::from(piece.len);
        }
        self.hashes.iter().for_each(|hash| out.put_raw(hash));
    }

    pub(super) fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let count = from.varint_u32("pieces")? as usize;
        let mut pieces = Self::default();
        let mut end = 0_u64;
        for _ in 0..count {
            let offset = end.wrapping_add(from.signed("piece offset")? as u64);
            let len = from.varint_u32("piece length")?;
            end = offset.wrapping_add(u64::from(len));
            pieces.offsets.push(offset);
            pieces.lens.push(len);
        }
        for _ in 0..count {
            pieces.hashes.push(from.array("piece hash")?);
        }
        Ok(pieces)
    }
}

/// The dictionary of one column in one row group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DictionaryPiece {
    pub(super) piece: Piece,
    pub(super) entries: u32,
}

/// Pieces of a sorted list, with the first key of each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KeyedPieces {
    pub(super) pieces: Pieces,
    pub(super) first_keys: Vec<FirstKey>,
}

impl KeyedPieces {
    pub(super) fn new(list: &[(Piece, FirstKey)]) -> Self {
        let mut keyed = Self::default();
        for (piece, key) in list {
            keyed.pieces.push(*piece);
            keyed.first_keys.push(*key);
        }
        keyed
    }

    fn memory_bytes(&self) -> usize {
        self.pieces.memory_bytes() + self.first_keys.capacity() * 8
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.pieces.encode(out);
        let mut previous = 0;
        for (workspace, hash) in &self.first_keys {
            out.put_varint(u64::from(workspace - previous));
            out.put_raw(&hash.to_le_bytes());
            previous = *workspace;
        }
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let pieces = Pieces::decode(from)?;
        let mut first_keys = Vec::with_capacity(pieces.len());
        let mut workspace = 0_u32;
        for _ in 0..pieces.len() {
            let step = from.varint_u32("first key")?;
            workspace = workspace.checked_add(step).ok_or(DecodeError::Unknown("first key"))?;
            first_keys.push((workspace, u32::from_le_bytes(from.array("first key")?)));
        }
        if !first_keys.is_sorted() {
            return Err(DecodeError::Unknown("first keys"));
        }
        Ok(Self { pieces, first_keys })
    }
}

/// Where everything in a segment stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) rows: u32,
    /// Length of the Parquet file.
    pub(super) parquet_len: u64,
    pub(super) workspaces: Workspaces,
    /// First row of each block.
    pub(super) block_rows: Vec<u32>,
    /// First block of each row group.
    pub(super) group_blocks: Vec<u32>,
    /// By column: the dictionary of each row group, of columns that are read.
    pub(super) dictionaries: Vec<Vec<DictionaryPiece>>,
    /// By column: the page of each block, of columns that are read.
    pub(super) pages: Vec<Pieces>,
    /// By column of values: whether the page of each block holds codes.
    pub(super) coded: Vec<Vec<bool>>,
    /// Permutations, [`super::BLOCK_ROWS`] rows each.
    pub(super) permutations: Pieces,
    /// Blocks of the index of ids.
    pub(super) id_blocks: KeyedPieces,
    /// Filters over ids.
    pub(super) id_shards: KeyedPieces,
    /// The Unicode tables under which the text filters were folded.
    pub(super) fold_version: String,
    /// The text filter of each block.
    pub(super) texts: Pieces,
    /// The filter of values of each block; of no length where there are none.
    pub(super) values: Pieces,
    /// The text filter of each span of blocks.
    pub(super) spans: Pieces,
    /// Purged events; written behind everything else, and only when there are some.
    pub(super) purged: Purged,
}

/// Tells whether our reader reads a column; the workspace's columns are for foreign readers.
fn is_read(column: ParquetColumn) -> bool {
    !matches!(column, ParquetColumn::Workspace | ParquetColumn::WorkspaceUid)
}

/// Tells whether a column has a dictionary in each row group, which may be empty.
fn has_dictionary(column: ParquetColumn) -> bool {
    matches!(column.shape(), Shape::Codes | Shape::Values)
}

impl Directory {
    pub(super) fn new() -> Self {
        let columns = ParquetColumn::COUNT;
        Self {
            rows: 0,
            parquet_len: 0,
            workspaces: Workspaces::default(),
            block_rows: Vec::new(),
            group_blocks: vec![0],
            dictionaries: vec![Vec::new(); columns],
            pages: (0..columns).map(|_| Pieces::default()).collect(),
            coded: vec![Vec::new(); columns],
            permutations: Pieces::default(),
            id_blocks: KeyedPieces::default(),
            id_shards: KeyedPieces::default(),
            fold_version: FOLD_VERSION.to_string(),
            texts: Pieces::default(),
            values: Pieces::default(),
            spans: Pieces::default(),
            purged: Purged::default(),
        }
    }

    pub(super) fn add_dictionary(&mut self, column: ParquetColumn, piece: DictionaryPiece) {
        if is_read(column) {
            self.dictionaries[column.index()].push(piece);
        }
    }

    pub(super) fn add_page(&mut self, column: ParquetColumn, piece: Piece, coded: bool) {
        if is_read(column) {
            self.pages[column.index()].push(piece);
            if column.shape() == Shape::Values {
                self.coded[column.index()].push(coded);
            }
        }
    }

    /// Ends a row group behind the blocks added so far.
    pub(super) fn end_group(&mut self) {
        self.group_blocks.push(self.block_rows.len() as u32);
    }

    /// Yields every piece of one file with what it is.
    pub(super) fn pieces(
        &self,
        file: File,
    ) -> Box<dyn Iterator<Item = (&'static str, Piece)> + '_> {
        let columns = ParquetColumn::ALL.into_iter();
        match file {
            File::Idx => {
                let permutations = self.permutations.iter().map(|piece| ("a permutation", piece));
                let blocks = self.id_blocks.pieces.iter().map(|piece| (ids::BLOCK, piece));
                let shards = self.id_shards.pieces.iter().map(|piece| (ids::FILTER, piece));
                let texts = self.texts.iter().map(|piece| (search::TEXT, piece));
                let values = self.values.iter().map(|piece| (search::VALUES, piece));
                let leaves = self.purged.pieces.iter().map(|piece| (purged::PIECE, piece));
                let spans = self.spans.iter().map(|piece| (search::SPAN, piece));
                let for_search = texts.chain(values).chain(spans).chain(leaves);
                Box::new(permutations.chain(blocks).chain(shards).chain(for_search))
            }
            File::Parquet => Box::new(columns.flat_map(|column| {
                let index = column.index();
                let dictionaries = self.dictionaries[index].iter().map(|of| of.piece);
                dictionaries
                    .chain(self.pages[index].iter())
                    .map(move |piece| (column.name(), piece))
            })),
        }
    }

    /// Returns the block that holds a row.
    pub(super) fn block_of_row(&self, row: u32) -> usize {
        self.block_rows.partition_point(|first| *first <= row).saturating_sub(1)
    }

    /// Returns the rows of a block.
    pub(super) fn rows_of_block(&self, block: usize) -> std::ops::Range<u32> {
        let start = self.block_rows.get(block).copied().unwrap_or(self.rows);
        start..self.block_rows.get(block + 1).copied().unwrap_or(self.rows)
    }

    /// Returns the row group of a block.
    pub(super) fn group_of_block(&self, block: usize) -> usize {
        self.group_blocks.partition_point(|first| *first as usize <= block).saturating_sub(1)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let dictionaries: usize = self.dictionaries.iter().map(|of| of.capacity() * 40).sum();
        let pages: usize = self.pages.iter().map(Pieces::memory_bytes).sum();
        let coded: usize = self.coded.iter().map(Vec::capacity).sum();
        self.workspaces.memory_bytes()
            + (self.block_rows.capacity() + self.group_blocks.capacity()) * 4
            + dictionaries
            + pages
            + coded
            + self.permutations.memory_bytes()
            + self.id_blocks.memory_bytes()
            + self.id_shards.memory_bytes()
            + self.texts.memory_bytes()
            + self.values.memory_bytes()
            + self.spans.memory_bytes()
            + self.purged.memory_bytes()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_varint(u64::from(self.rows));
        out.put_varint(self.parquet_len);
        self.workspaces.encode(&mut out);
        put_ascending(&self.block_rows, &mut out);
        put_ascending(&self.group_blocks, &mut out);
        for column in ParquetColumn::ALL.into_iter().filter(|column| is_read(*column)) {
            let index = column.index();
            if has_dictionary(column) {
                let mut pieces = Pieces::default();
                self.dictionaries[index].iter().for_each(|of| pieces.push(of.piece));
                pieces.encode(&mut out);
                self.dictionaries[index].iter().for_each(|of| out.put_varint(of.entries.into()));
            }
            self.pages[index].encode(&mut out);
            let bits =
                |chunk: &[bool]| chunk.iter().rev().fold(0, |bits, one| bits << 1 | u8::from(*one));
            self.coded[index].chunks(8).for_each(|chunk| out.put_u8(bits(chunk)));
        }
        self.permutations.encode(&mut out);
        self.id_blocks.encode(&mut out);
        self.id_shards.encode(&mut out);
        out.put_bytes(self.fold_version.as_bytes());
        self.texts.encode(&mut out);
        self.values.encode(&mut out);
        self.spans.encode(&mut out);
        if !self.purged.is_empty() {
            self.purged.encode(&mut out);
            self.workspaces.encode_holes(&mut out);
        }
        out
    }

    /// Decodes a directory and checks that its parts fit each other.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let bad = DecodeError::Unknown("directory");
        let mut from = Decoder::new(bytes);
        let mut directory = Self::new();
        directory.rows = from.varint_u32("rows")?;
        directory.parquet_len = from.varint("parquet length")?;
        directory.workspaces = Workspaces::decode(&mut from)?;
        directory.block_rows = take_ascending(&mut from, directory.rows)?;
        let blocks = directory.block_rows.len();
        directory.group_blocks = take_ascending(&mut from, blocks as u32 + 1)?;
        let groups = directory.group_blocks.len().checked_sub(1).ok_or(bad)?;
        for column in ParquetColumn::ALL.into_iter().filter(|column| is_read(*column)) {
            let index = column.index();
            if has_dictionary(column) {
                let pieces = Pieces::decode(&mut from)?;
                for piece in pieces.iter() {
                    let entries = from.varint_u32("dictionary")?;
                    directory.dictionaries[index].push(DictionaryPiece { piece, entries });
                }
                if pieces.len() != groups {
                    return Err(bad);
                }
            }
            directory.pages[index] = Pieces::decode(&mut from)?;
            if directory.pages[index].len() != blocks {
                return Err(bad);
            }
            if column.shape() == Shape::Values {
                let bits = from.raw(blocks.div_ceil(8), "coded pages")?;
                let is_coded = |block: usize| bits[block / 8] & 1 << (block % 8) != 0;
                directory.coded[index] = (0..blocks).map(is_coded).collect();
            }
        }
        directory.permutations = Pieces::decode(&mut from)?;
        directory.id_blocks = KeyedPieces::decode(&mut from)?;
        directory.id_shards = KeyedPieces::decode(&mut from)?;
        directory.fold_version = from.text("fold version")?.to_owned();
        directory.texts = Pieces::decode(&mut from)?;
        directory.values = Pieces::decode(&mut from)?;
        let fits = |pieces: &Pieces| pieces.len() == blocks;
        directory.spans = Pieces::decode(&mut from)?;
        let spans_fit = directory.spans.len() == blocks.div_ceil(SPAN_BLOCKS);
        if !(fits(&directory.texts) && fits(&directory.values) && spans_fit) {
            return Err(bad);
        }
        if !from.is_empty() {
            directory.purged = Purged::decode(&mut from)?;
            directory.workspaces.decode_holes(&mut from)?;
        }
        from.end()?;
        Ok(directory)
    }
}

fn put_ascending(numbers: &[u32], out: &mut Vec<u8>) {
    out.put_varint(numbers.len() as u64);
    let mut previous = 0;
    for number in numbers {
        out.put_varint(u64::from(number - previous));
        previous = *number;
    }
}

/// Takes numbers that ascend strictly from any first one and stay below `bound`.
fn take_ascending(from: &mut Decoder<'_>, bound: u32) -> Result<Vec<u32>, DecodeError> {
    let bad = || DecodeError::Unknown("ascending numbers");
    let count = from.varint_u32("count")?;
    let mut numbers = Vec::new();
    let mut number = 0_u32;
    for index in 0..count {
        let step = from.varint_u32("number")?;
        if step == 0 && index > 0 {
            return Err(bad());
        }
        number = number.checked_add(step).filter(|number| *number < bound).ok_or_else(bad)?;
        numbers.push(number);
    }
    Ok(numbers)
}
