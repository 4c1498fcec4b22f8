//! Parquet pages: encoding and decoding of our columns' V1 data pages and dictionary pages.
//!
//! ```text
//! page        header (Thrift compact), body (one zstd frame)
//! ints        DELTA_BINARY_PACKED
//! codes       one byte bit width, RLE / bit-packed hybrid                     (RLE_DICTIONARY)
//! values      u32 length, RLE definition levels of width 1, then for the present values either codes as
//!             above, or u32 length and bytes of each                  (RLE_DICTIONARY or PLAIN)
//! dictionary  per entry u32 length, bytes; for fixed-length columns the bytes alone        (PLAIN)
//! ```
//! The header serves foreign readers; ours knows a body's place, hash and count from the directory
//! and never parses one. Source: Apache parquet-format, parquet.thrift and Encodings.md.

use std::ops::Range;
use std::sync::Arc;

use crate::codec::Encode;

use super::delta::{self, Width};
use super::dictionary::Entries;
use super::rle;

/// Numbers of the Thrift enum `Encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum PageEncoding {
    /// PLAIN
    Plain = 0,
    /// DELTA_BINARY_PACKED
    Delta = 5,
    /// RLE_DICTIONARY
    Codes = 8,
}

const RLE: u64 = 3;
const DATA_PAGE: u64 = 0;
const DICTIONARY_PAGE: u64 = 2;

/// Appends the header of a data page.
pub(super) fn data_header(
    raw_bytes: usize,
    packed_bytes: usize,
    values: usize,
    encoding: PageEncoding,
    out: &mut Vec<u8>,
) {
    page_sizes(DATA_PAGE, raw_bytes, packed_bytes, out);
    out.push(0x2c); // field 5, struct DataPageHeader
    thrift_int(values as u64, out);
    thrift_int(encoding as u64, out);
    thrift_int(RLE, out);
    thrift_int(RLE, out);
    out.extend_from_slice(&[0, 0]);
}

/// Appends the header of a dictionary page.
pub(super) fn dictionary_header(
    raw_bytes: usize,
    packed_bytes: usize,
    values: usize,
    out: &mut Vec<u8>,
) {
    page_sizes(DICTIONARY_PAGE, raw_bytes, packed_bytes, out);
    out.push(0x4c); // field 7, struct DictionaryPageHeader
    thrift_int(values as u64, out);
    thrift_int(PageEncoding::Plain as u64, out);
    out.extend_from_slice(&[0, 0]);
}

fn page_sizes(kind: u64, raw_bytes: usize, packed_bytes: usize, out: &mut Vec<u8>) {
    thrift_int(kind, out);
    thrift_int(raw_bytes as u64, out);
    thrift_int(packed_bytes as u64, out);
}

/// Appends the next field, an i32 that is not negative: type 5, number one above the last field's.
fn thrift_int(value: u64, out: &mut Vec<u8>) {
    out.push(0x15);
    out.put_varint(value << 1);
}

/// Appends the body of a page of whole numbers.
pub(super) fn encode_ints(values: &[i64], width: Width, out: &mut Vec<u8>) {
    delta::encode(values, width, out);
}

/// Appends a page's dictionary codes, each of which fits `width` bits.
pub(super) fn encode_codes(codes: &[u32], width: u32, out: &mut Vec<u8>) {
    out.push(width as u8);
    rle::encode(codes, width, out);
}

/// Decodes the body of a page of dictionary codes; each code is below `entries`.
pub(super) fn decode_codes(body: &[u8], count: usize, entries: usize) -> Option<Vec<u32>> {
    let (width, rest) = body.split_first()?;
    let codes = rle::decode(rest, count, u32::from(*width))?;
    codes.iter().all(|code| (*code as usize) < entries).then_some(codes)
}

/// Appends the levels that begin a page of optional values: 1 for one that is present, else 0.
pub(super) fn encode_levels(levels: &[u32], out: &mut Vec<u8>) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    rle::encode(levels, 1, out);
    let length = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

/// Bytes of the length that stands before a PLAIN byte array.
pub(super) const LENGTH_BYTES: usize = 4;

/// Appends one PLAIN byte array.
pub(super) fn plain_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Visits the PLAIN byte arrays of a page being filled.
pub(super) fn for_each_plain(plain: &[u8], visit: &mut dyn FnMut(&[u8])) {
    let mut at = 0;
    while let Some(range) = plain_range(plain, at) {
        at = range.end;
        visit(&plain[range]);
    }
}

/// Reads one PLAIN byte array at `at` and returns its range.
fn plain_range(body: &[u8], at: usize) -> Option<Range<usize>> {
    let from = at.checked_add(LENGTH_BYTES)?;
    let length = u32::from_le_bytes(body.get(at..from)?.try_into().ok()?);
    let to = from.checked_add(usize::try_from(length).ok()?)?;
    (to <= body.len()).then_some(from..to)
}

/// A decoded page of optional values that stand in it, in the buffer it was decompressed to.
#[derive(Debug)]
pub(super) struct PlainPage {
    body: Vec<u8>,
    /// Where the length before each value stands in `body`; 0, where the levels are, marks an absent one.
    starts: Vec<u32>,
}

impl PlainPage {
    /// Decodes a page of exactly `count` values.
    pub(super) fn decode(body: Vec<u8>, count: usize) -> Option<Self> {
        u32::try_from(body.len()).ok()?;
        let levels_at = plain_range(&body, 0)?;
        let mut at = levels_at.end;
        let mut starts = rle::decode(body.get(levels_at)?, count, 1)?;
        for start in starts.iter_mut().filter(|level| **level > 0) {
            *start = at as u32;
            at = plain_range(&body, at)?.end;
        }
        (at == body.len()).then_some(Self { body, starts })
    }

    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        self.body.get(self.range(index)?)
    }

    fn range(&self, index: usize) -> Option<Range<usize>> {
        match *self.starts.get(index)? {
            0 => None,
            start => plain_range(&self.body, start as usize),
        }
    }

    /// Returns what values stand in.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Yields the values of ascending rows that are present: the row, and where its value stands.
    pub(super) fn parts(&self, rows: &[usize]) -> impl Iterator<Item = (u32, Range<usize>)> {
        rows.iter().filter_map(|row| Some((*row as u32, self.range(*row)?)))
    }

    /// Returns how much memory it holds.
    pub(super) fn memory_bytes(&self) -> usize {
        self.body.capacity() + self.starts.capacity() * 4
    }
}

/// Decodes a page of exactly `count` optional codes into a dictionary of `entries`: 0 for an absent
/// value, else the entry's number + 1.
pub(super) fn decode_optional_codes(body: &[u8], count: usize, entries: usize) -> Option<Vec<u32>> {
    let levels_at = plain_range(body, 0)?;
    let at = levels_at.end;
    let levels = rle::decode(body.get(levels_at)?, count, 1)?;
    let present = levels.iter().sum::<u32>() as usize;
    let mut numbers = decode_codes(body.get(at..)?, present, entries)?;
    if present == count {
        numbers.iter_mut().for_each(|number| *number += 1);
        return Some(numbers);
    }
    // Whether a value is there is not to be foreseen, so nothing branches on it.
    let mut codes = levels;
    let mut next = 0;
    for code in &mut codes {
        let level = *code;
        *code = level * (numbers.get(next).copied().unwrap_or(0) + 1);
        next += level as usize;
    }
    Some(codes)
}

/// The optional values of one column in one block.
#[derive(Clone, Debug)]
pub(super) enum ValuePage {
    /// They stand in the page.
    Plain(Arc<PlainPage>),
    /// They are numbers of values that the row group shares.
    Coded {
        /// Of each row: 0 for an absent value, else the entry's number + 1.
        codes: Arc<Vec<u32>>,
        /// The row group's dictionary.
        entries: Arc<Entries>,
    },
}

impl ValuePage {
    /// Returns a value by its row in the block; `None` when it is absent.
    pub(super) fn get(&self, row: usize) -> Option<&[u8]> {
        match self {
            Self::Plain(page) => page.get(row),
            Self::Coded { codes, entries } => entries.get(codes.get(row)?.checked_sub(1)? as usize),
        }
    }

    /// Visits the values of some rows with their codes; one that many rows share by its code only once. The
    /// code is 0 where values stand in the page.
    pub(super) fn for_each_distinct(&self, rows: &[usize], visit: &mut dyn FnMut(u32, &[u8])) {
        match self {
            Self::Plain(page) => {
                rows.iter().filter_map(|row| page.get(*row)).for_each(|value| visit(0, value));
            }
            Self::Coded { codes, entries } => {
                let mut visited = vec![false; entries.len() + 1];
                for row in rows {
                    let code = codes.get(*row).copied().unwrap_or(0) as usize;
                    if !std::mem::replace(&mut visited[code], true)
                        && let Some(entry) = code.checked_sub(1).and_then(|at| entries.get(at))
                    {
                        visit(code as u32, entry);
                    }
                }
            }
        }
    }

    /// Appends the values of some rows, with NUL between them, which is refused in events: no text lies
    /// across two. One that many rows share by its code is there once.
    pub(super) fn put_distinct(&self, rows: &[usize], out: &mut Vec<u8>) {
        self.for_each_distinct(rows, &mut |_, value| {
            out.extend_from_slice(value);
            out.push(0);
        });
    }

    /// Returns a value and its code by its row in the block; the code is 0 when the value is absent or
    /// stands in the page.
    #[inline]
    pub(super) fn get_with_code(&self, row: usize) -> (Option<&[u8]>, u32) {
        match self {
            Self::Plain(page) => (page.get(row), 0),
            Self::Coded { codes, entries } => {
                let code = codes.get(row).copied().unwrap_or(0);
                let number = code.checked_sub(1);
                (number.and_then(|number| entries.get(number as usize)), code)
            }
        }
    }
}

/// Decodes a dictionary page of byte arrays.
pub(super) fn decode_dictionary(body: Vec<u8>, count: usize) -> Option<Entries> {
    let mut bounds = vec![0];
    let mut at = 0;
    for _ in 0..count {
        at = plain_range(&body, at)?.end;
        bounds.push(u32::try_from(at).ok()?);
    }
    bounds.shrink_to_fit();
    (at == body.len()).then(|| Entries::new(body, bounds))
}
