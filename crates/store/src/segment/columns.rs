//! Search columns: for each block of rows, the distinct entries of a column and a code for each row.
//!
//! ```text
//! column   u8 state: 0 no row has an entry, 1 coded, 2 too many distinct entries to code
//!          coded only: uleb length of the dictionary's frame, its frame, the codes' frame (zstd)
//! dictionary   uleb entries, then for each uleb length and bytes
//! codes        one byte a row, or low bytes then high bytes when there are more than 255 entries;
//!              0 for a row without an entry, else the entry's number + 1; entries come in the
//!              order of their first row
//! ```

use std::collections::HashMap;

use proofbook_event::{Group, GroupBytes};

use crate::codec::{Decoder, Encode};

use super::error::SegmentError;
use super::pack::{Packer, unpack};

/// A block's column stays coded up to this many distinct entries …
const ENTRIES_MAX: usize = 2048;
/// … and this many bytes of them.
const ENTRY_BYTES_MAX: usize = 96 * 1024;

const NO_ENTRIES: u8 = 0;
const CODED: u8 = 1;
const UNCODED: u8 = 2;

/// A search column of one block.
#[derive(Debug, PartialEq, Eq)]
pub enum Column {
    /// Every row's entry is known by its code.
    Coded(CodedColumn),
    /// The block has too many distinct entries; its group has to be read.
    Uncoded,
}

/// The distinct entries of a column in a block and the code of each row.
#[derive(Debug, PartialEq, Eq)]
pub struct CodedColumn {
    group: Group,
    bytes: Vec<u8>,
    /// End of each entry in `bytes`.
    ends: Vec<u32>,
    /// 0 for none, else the entry's number + 1; empty when no row has an entry.
    codes: Codes,
}

#[derive(Debug, PartialEq, Eq)]
enum Codes {
    None,
    Narrow(Box<[u8]>),
    Wide(Box<[u16]>),
}

impl CodedColumn {
    /// Returns the number of distinct entries.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Tells whether no row has an entry.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns an entry: a canonical group value, cut down to what the column holds.
    pub fn entry(&self, number: usize) -> Option<&[u8]> {
        let end = *self.ends.get(number)? as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.bytes.get(start..end)
    }

    /// Yields the entries in the order of their numbers.
    pub fn entries(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|number| self.entry(number))
    }

    /// Returns an entry as the groups of an event that has nothing else.
    pub fn entry_groups(&self, number: usize) -> GroupBytes<'_> {
        let mut groups = GroupBytes::default();
        groups.set(self.group, self.entry(number));
        groups
    }

    /// Returns the number of a row's entry; `row` counts from the block's first row.
    pub fn code(&self, row: usize) -> Option<usize> {
        let code = match &self.codes {
            Codes::None => 0,
            Codes::Narrow(codes) => usize::from(*codes.get(row)?),
            Codes::Wide(codes) => usize::from(*codes.get(row)?),
        };
        code.checked_sub(1)
    }

    /// Visits each row with the number of its entry, in order; the fast way through a block.
    pub fn for_each_code(&self, rows: std::ops::Range<usize>, mut visit: impl FnMut(usize, usize)) {
        match &self.codes {
            Codes::None => {}
            Codes::Narrow(codes) => {
                for (row, code) in codes.iter().enumerate().take(rows.end).skip(rows.start) {
                    if *code > 0 {
                        visit(row, usize::from(*code) - 1);
                    }
                }
            }
            Codes::Wide(codes) => {
                for (row, code) in codes.iter().enumerate().take(rows.end).skip(rows.start) {
                    if *code > 0 {
                        visit(row, usize::from(*code) - 1);
                    }
                }
            }
        }
    }

    fn memory_bytes(&self) -> usize {
        let codes = match &self.codes {
            Codes::None => 0,
            Codes::Narrow(codes) => codes.len(),
            Codes::Wide(codes) => codes.len() * 2,
        };
        self.bytes.capacity() + self.ends.capacity() * 4 + codes
    }
}

impl Column {
    /// Returns the column when it is coded.
    pub fn coded(&self) -> Option<&CodedColumn> {
        match self {
            Self::Coded(coded) => Some(coded),
            Self::Uncoded => None,
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.coded().map_or(0, CodedColumn::memory_bytes)
    }

    /// Decodes a hash-checked piece for a block of `rows` rows.
    pub(super) fn decode(piece: &[u8], group: Group, rows: usize) -> Option<Self> {
        let (state, rest) = piece.split_first()?;
        let empty = CodedColumn { group, bytes: Vec::new(), ends: Vec::new(), codes: Codes::None };
        match *state {
            NO_ENTRIES => rest.is_empty().then_some(Self::Coded(empty)),
            UNCODED => rest.is_empty().then_some(Self::Uncoded),
            CODED => {
                let mut from = Decoder::new(rest);
                let dictionary = unpack(from.bytes("dictionary").ok()?)?;
                let codes = unpack(from.rest())?;
                let coded = Self::decode_dictionary(&dictionary, empty)?;
                Self::decode_codes(codes, coded, rows).map(Self::Coded)
            }
            _ => None,
        }
    }

    fn decode_dictionary(dictionary: &[u8], mut coded: CodedColumn) -> Option<CodedColumn> {
        let mut from = Decoder::new(dictionary);
        let count = from.varint("entries").ok()?;
        for _ in 0..count {
            coded.bytes.extend_from_slice(from.bytes("entry").ok()?);
            coded.ends.push(u32::try_from(coded.bytes.len()).ok()?);
        }
        from.is_empty().then_some(coded)
    }

    fn decode_codes(codes: Vec<u8>, mut coded: CodedColumn, rows: usize) -> Option<CodedColumn> {
        let entries = coded.len();
        if entries <= usize::from(u8::MAX) {
            let valid =
                codes.len() == rows && codes.iter().all(|code| usize::from(*code) <= entries);
            coded.codes = Codes::Narrow(codes.into());
            return valid.then_some(coded);
        }
        let (low, high) = codes.split_at_checked(rows)?;
        let pairs = low.iter().zip(high);
        let wide: Box<[u16]> = pairs.map(|(low, high)| u16::from_le_bytes([*low, *high])).collect();
        let valid = high.len() == rows && wide.iter().all(|code| usize::from(*code) <= entries);
        coded.codes = Codes::Wide(wide);
        valid.then_some(coded)
    }
}

/// A column of the block being written.
#[derive(Default)]
pub(super) struct ColumnBuilder {
    numbers: HashMap<Box<[u8]>, u16>,
    dictionary: Vec<u8>,
    codes: Vec<u16>,
    overflowed: bool,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It is the first of its kind in the block, or the column codes no more.
    New,
    /// The block had it already.
    Known,
}

impl ColumnBuilder {
    /// Adds the next row's entry; `None` when it has none.
    pub(super) fn push(&mut self, entry: Option<&[u8]>) -> Added {
        if self.overflowed {
            return Added::New;
        }
        let Some(entry) = entry else {
            self.codes.push(0);
            return Added::Known;
        };
        if let Some(number) = self.numbers.get(entry) {
            self.codes.push(number + 1);
            return Added::Known;
        }
        let number = self.numbers.len();
        if number == ENTRIES_MAX || self.dictionary.len() + entry.len() > ENTRY_BYTES_MAX {
            self.overflowed = true;
            return Added::New;
        }
        self.numbers.insert(entry.into(), number as u16);
        self.dictionary.put_bytes(entry);
        self.codes.push(number as u16 + 1);
        Added::New
    }

    /// Returns the piece that says that a column is not coded.
    pub(super) fn uncoded_piece() -> Vec<u8> {
        vec![UNCODED]
    }

    /// Tells whether the column gave up coding.
    pub(super) fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Yields the entries that were coded, also those from before the column gave up.
    pub(super) fn entries(&self) -> impl Iterator<Item = &[u8]> {
        self.numbers.keys().map(|entry| &**entry)
    }

    /// Encodes the block's piece and begins the next block.
    pub(super) fn end_block(&mut self, packer: &mut Packer) -> Result<Vec<u8>, SegmentError> {
        let entries = self.numbers.len();
        let piece = if self.overflowed {
            Self::uncoded_piece()
        } else if entries == 0 {
            vec![NO_ENTRIES]
        } else {
            let mut dictionary = Vec::with_capacity(self.dictionary.len() + 3);
            dictionary.put_varint(entries as u64);
            dictionary.put_raw(&self.dictionary);
            let mut codes: Vec<u8> = self.codes.iter().map(|code| *code as u8).collect();
            if entries > usize::from(u8::MAX) {
                codes.extend(self.codes.iter().map(|code| (code >> 8) as u8));
            }
            let mut piece = vec![CODED];
            piece.put_bytes(&packer.pack(&dictionary)?);
            piece.put_raw(&packer.pack(&codes)?);
            piece
        };
        self.numbers.clear();
        self.dictionary.clear();
        self.codes.clear();
        self.overflowed = false;
        Ok(piece)
    }
}
