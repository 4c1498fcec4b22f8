//! Segments: immutable Parquet files of packed events, each with an index and a hash for every
//! piece that is ever read.
//!
//! A segment is two files, `segments/<id>.parquet` (readable by any Parquet reader) and
//! `segments/<id>.idx` (ours). `docs/spec/segment.md` has the byte layout of both. Rows are sorted by
//! (workspace uid, occurred_at, seq); per workspace a segment answers for exactly one contiguous range
//! of seqs: rows, and purged ones of which the leaf hash is kept.
//!
//! What lives here: the writer, the reader, merging, the index of ids, the search columns and the
//! text filters, and the byte ledger. What stays out: which rows go into which segment, and when
//! (pack and compact); what a query means; leaves, which are derived from rows by the caller.
//!
//! Invariant: no byte of either file reaches a decoder before its hash was checked (I9). A
//! mismatch is [`Damaged`], naming file, offset and length, and nothing of the piece is used.

mod bits;
mod byte_ledger;
mod cache;
mod columns;
mod delta;
mod dictionary;
mod digests;
mod directory;
mod error;
mod extract;
mod find_text;
mod fuse;
mod id_lookup;
mod ids;
mod ints;
mod join;
mod lift;
mod merge;
mod out;
mod owned_row;
mod pack;
mod page;
mod parquet_out;
mod purged;
mod reader;
mod rle;
mod rows;
mod salvage;
mod scan;
mod schema;
mod search;
mod search_out;
mod slice;
mod stream;
mod text;
mod thin;
mod token;
mod workspaces;
mod writer;

use proofbook_event::{GroupBytes, Outcome};
use proofbook_ledger::{Hash, WorkspaceUid};

pub use byte_ledger::LedgerLine;
pub use cache::{BlockCache, CACHE_BYTES};
pub use columns::{CodedColumn, Column};
pub use digests::{MergeDigest, digest_of};
pub use error::{Damaged, SegmentError};
pub use extract::{FieldColumn, extract};
pub use find_text::{TextFinder, TextPlace, TextSearch};
pub(crate) use id_lookup::IdKey;
pub(crate) use ids::stored_part;
pub use merge::merge;
pub(crate) use merge::{Rewrite, Rewrote, rewrite};
pub use owned_row::OwnedRow;
pub use purged::{Cover, PurgedLeaf};
pub use reader::Segment;
pub(crate) use reader::damaged_files;
pub use rows::{GroupSet, OwnedRows};
pub use salvage::{HashId, SalvagedIds};
pub use scan::GroupScan;
pub use schema::ParquetColumn;
pub use search::{BlockNumbers, BlockWords, Words};
pub use stream::RowStream;
pub use workspaces::WorkspaceRange;
pub use writer::SegmentWriter;

/// Number of the format that this version writes and reads.
pub const FORMAT: u32 = 1;
/// Most rows of one segment; bounds the memory for a workspace's seq order (4 bytes a row).
pub const SEGMENT_ROWS_MAX: u32 = 1 << 22;
/// Rows of a block, the unit of pages, search columns and text filters.
pub const BLOCK_ROWS: usize = 4096;
/// A block ends early at this many raw bytes, so that huge events bound its memory too: a merge holds a
/// block of each input.
pub const BLOCK_RAW_BYTES: usize = 3 * 1024 * 1024;
/// A row group ends after this many rows …
pub const GROUP_ROWS: usize = 131_072;
/// … or when its compressed pages, which wait in memory, reach this many bytes.
pub const GROUP_PACKED_BYTES: usize = 12 * 1024 * 1024;
/// zstd level of everything in a segment. Dictionaries have done most of its work: of a million events of
/// workload W level 3 makes 78.1 MB too. In random digits it finds short repeats whose references are longer
/// than the digits.
pub const ZSTD_LEVEL: i32 = 1;

/// One event's stored form, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Opaque id of its workspace; first sort key.
    pub workspace: WorkspaceUid,
    /// When it happened, microseconds UTC; second sort key.
    pub occurred_at: i64,
    /// Number in its workspace; third sort key.
    pub seq: u64,
    /// When the log took it, microseconds UTC.
    pub recorded_at: i64,
    /// Run of keys of which its salts come.
    pub run: u32,
    /// Place in the run.
    pub k: u16,
    /// The store's flags, opaque here.
    pub flags: u8,
    /// How the act ended.
    pub outcome: Outcome,
    /// Name of the action.
    pub action: &'a str,
    /// Canonical bytes of the groups that are present.
    pub groups: GroupBytes<'a>,
    /// Commitments of erased groups, opaque here; mostly empty.
    pub withheld: &'a [u8],
}

impl Row<'_> {
    /// Returns the row's place in the order of a segment.
    pub fn key(&self) -> (WorkspaceUid, i64, u64) {
        (self.workspace, self.occurred_at, self.seq)
    }
}

/// What the index of ids keeps of one event besides its seq.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdEntry {
    /// Keyed 64-bit hash of the event's id; its upper 32 bits are stored.
    pub hash: u64,
    /// Keyed fingerprint of the event as sent; its upper 32 bits are stored.
    pub fingerprint: u64,
}

/// Length and SHA-256 of a whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHash {
    /// Length in bytes.
    pub len: u64,
    /// SHA-256 of every byte.
    pub sha256: Hash,
}

/// What identifies a segment's files; the manifest keeps it and [`Segment::open`] checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentFiles {
    /// The number in the files' names.
    pub name: u64,
    /// The Parquet file.
    pub parquet: FileHash,
    /// The index file.
    pub idx: FileHash,
    /// SHA-256 of the index's directory, which holds the hash of every other piece.
    pub directory: Hash,
}

/// What a writer made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentMeta {
    /// The files.
    pub files: SegmentFiles,
    /// Rows in the segment.
    pub rows: u32,
    /// The workspaces in the order of their uids.
    pub workspaces: Vec<(WorkspaceUid, WorkspaceRange)>,
}

/// First 16 bytes of a SHA-256.
pub(crate) type PieceHash = [u8; 16];

/// Where a piece stands and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Offset in its file.
    pub(crate) offset: u64,
    /// Length in bytes.
    pub(crate) len: u32,
    /// Hash of its bytes.
    pub(crate) hash: PieceHash,
}

#[cfg(test)]
mod tests;
