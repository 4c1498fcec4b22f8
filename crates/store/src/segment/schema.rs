//! The columns of the Parquet file and its footer.
//!
//! Foreign readers (DuckDB, pandas, Spark, Trino, ClickHouse) see one flat table. The footer is
//! written by the `parquet` crate; pages are ours.

use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaDataBuilder, ParquetMetaDataWriter,
    RowGroupMetaData, SortingColumn,
};
use parquet::file::statistics::Statistics;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor};

use super::error::SegmentError;

/// A column of the file, in the file's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ParquetColumn {
    /// Name of the workspace; for foreign readers only.
    Workspace,
    /// Opaque id of the workspace; for foreign readers only, ours know it from the directory.
    WorkspaceUid,
    /// Number in the workspace.
    Seq,
    /// When it happened, in microseconds UTC.
    OccurredAt,
    /// When the log took it, in microseconds UTC.
    RecordedAt,
    /// Name of the action.
    Action,
    /// `success`, `failure` or `denied`.
    Outcome,
    /// Run of keys of which the event's salts come.
    Run,
    /// Place in the run.
    K,
    /// The store's flags.
    Flags,
    /// Canonical bytes of `/actor`.
    Actor,
    /// Canonical bytes of `/changes`.
    Changes,
    /// Canonical bytes of `/context`, of what was not lifted.
    Context,
    /// Canonical bytes of `/description`, of what was not lifted.
    Description,
    /// Canonical bytes of `/id`.
    Id,
    /// Canonical bytes of `/metadata`.
    Metadata,
    /// Canonical bytes of `/targets`, of what was not lifted.
    Targets,
    /// Commitments of erased groups.
    Withheld,
    /// Text of `/context/ip`; this one and those below are lifted (see `lift.rs`).
    Ip,
    /// Text of `/context/request_id`.
    RequestId,
    /// Text of `/context/session_id`.
    SessionId,
    /// Text of `/context/user_agent`.
    UserAgent,
    /// Text of `/description/description`, with marks for the names of actor and first target.
    Sentence,
    /// Text of `/description/reason`.
    Reason,
    /// Text of `/targets/0/id`.
    TargetId,
    /// Text of `/targets/0/name`.
    TargetName,
}

/// How a column's pages are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Codes into a dictionary of the row group; a page is a block.
    Codes,
    /// Whole numbers of 32 bits; a page is a block.
    Ints32,
    /// Whole numbers of 64 bits; a page is a block.
    Ints64,
    /// Optional values; a page is a block, of codes into a dictionary of the row group or of the values
    /// themselves, whichever is smaller.
    Values,
}

const MESSAGE: &str = "message proofbook_segment {
    required binary workspace (STRING);
    required fixed_len_byte_array(16) workspace_uid;
    required int64 seq;
    required int64 occurred_at (TIMESTAMP(MICROS,true));
    required int64 recorded_at (TIMESTAMP(MICROS,true));
    required binary action (STRING);
    required binary outcome (STRING);
    required int32 run (INTEGER(32,false));
    required int32 k (INTEGER(16,false));
    required int32 flags (INTEGER(8,false));
    optional binary actor (JSON);
    optional binary changes (JSON);
    optional binary context (JSON);
    optional binary description (JSON);
    optional binary id (JSON);
    optional binary metadata (JSON);
    optional binary targets (JSON);
    optional binary withheld;
    optional binary ip (STRING);
    optional binary request_id (STRING);
    optional binary session_id (STRING);
    optional binary user_agent (STRING);
    optional binary sentence (STRING);
    optional binary reason (STRING);
    optional binary target_id (STRING);
    optional binary target_name (STRING);
}";

impl ParquetColumn {
    /// How many columns there are.
    pub const COUNT: usize = 26;
    /// Every column in the file's order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Workspace,
        Self::WorkspaceUid,
        Self::Seq,
        Self::OccurredAt,
        Self::RecordedAt,
        Self::Action,
        Self::Outcome,
        Self::Run,
        Self::K,
        Self::Flags,
        Self::Actor,
        Self::Changes,
        Self::Context,
        Self::Description,
        Self::Id,
        Self::Metadata,
        Self::Targets,
        Self::Withheld,
        Self::Ip,
        Self::RequestId,
        Self::SessionId,
        Self::UserAgent,
        Self::Sentence,
        Self::Reason,
        Self::TargetId,
        Self::TargetName,
    ];

    /// Returns the column's name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::WorkspaceUid => "workspace_uid",
            Self::Seq => "seq",
            Self::OccurredAt => "occurred_at",
            Self::RecordedAt => "recorded_at",
            Self::Action => "action",
            Self::Outcome => "outcome",
            Self::Run => "run",
            Self::K => "k",
            Self::Flags => "flags",
            Self::Actor => "actor",
            Self::Changes => "changes",
            Self::Context => "context",
            Self::Description => "description",
            Self::Id => "id",
            Self::Metadata => "metadata",
            Self::Targets => "targets",
            Self::Withheld => "withheld",
            Self::Ip => "ip",
            Self::RequestId => "request_id",
            Self::SessionId => "session_id",
            Self::UserAgent => "user_agent",
            Self::Sentence => "sentence",
            Self::Reason => "reason",
            Self::TargetId => "target_id",
            Self::TargetName => "target_name",
        }
    }

    /// Returns the column's place in the file.
    pub(super) fn index(self) -> usize {
        self as usize
    }

    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Workspace | Self::WorkspaceUid | Self::Action | Self::Outcome => Shape::Codes,
            Self::Seq | Self::OccurredAt | Self::RecordedAt => Shape::Ints64,
            Self::Run | Self::K | Self::Flags => Shape::Ints32,
            _ => Shape::Values,
        }
    }
}

/// What the footer says of one column chunk.
pub(super) struct ChunkFacts {
    pub(super) dictionary_offset: Option<u64>,
    pub(super) data_offset: u64,
    pub(super) packed_bytes: u64,
    pub(super) raw_bytes: u64,
    /// Least and greatest value, of [`Shape::Ints64`] columns.
    pub(super) bounds: Option<(i64, i64)>,
}

/// Collects row groups and writes the footer.
pub(super) struct Footer {
    schema: SchemaDescPtr,
    groups: Vec<RowGroupMetaData>,
    rows: i64,
}

impl Footer {
    pub(super) fn new() -> Result<Self, SegmentError> {
        let message = parse_message_type(MESSAGE).map_err(failed)?;
        let schema = Arc::new(SchemaDescriptor::new(Arc::new(message)));
        Ok(Self { schema, groups: Vec::new(), rows: 0 })
    }

    /// Adds a row group whose chunks stand in the file, one for each column in order.
    pub(super) fn add(&mut self, rows: u32, chunks: &[ChunkFacts]) -> Result<(), SegmentError> {
        let mut columns = Vec::with_capacity(chunks.len());
        for ((column, facts), descr) in
            ParquetColumn::ALL.iter().zip(chunks).zip(self.schema.columns())
        {
            let encodings = match column.shape() {
                Shape::Codes => vec![Encoding::PLAIN, Encoding::RLE_DICTIONARY],
                Shape::Ints32 | Shape::Ints64 => vec![Encoding::DELTA_BINARY_PACKED],
                Shape::Values => vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY],
            };
            let mut chunk = ColumnChunkMetaData::builder(descr.clone())
                .set_encodings(encodings)
                .set_compression(Compression::ZSTD(Default::default()))
                .set_num_values(i64::from(rows))
                .set_data_page_offset(facts.data_offset as i64)
                .set_dictionary_page_offset(facts.dictionary_offset.map(|offset| offset as i64))
                .set_total_compressed_size(facts.packed_bytes as i64)
                .set_total_uncompressed_size(facts.raw_bytes as i64);
            if let Some((least, most)) = facts.bounds {
                let bounds = Statistics::int64(Some(least), Some(most), None, Some(0), false);
                chunk = chunk.set_statistics(bounds);
            }
            columns.push(chunk.build().map_err(failed)?);
        }
        let sorted = |column: ParquetColumn| SortingColumn {
            column_idx: column.index() as i32,
            descending: false,
            nulls_first: false,
        };
        let raw_total: u64 = chunks.iter().map(|facts| facts.raw_bytes).sum();
        let group = RowGroupMetaData::builder(self.schema.clone())
            .set_num_rows(i64::from(rows))
            .set_total_byte_size(raw_total as i64)
            .set_sorting_columns(Some(vec![
                sorted(ParquetColumn::WorkspaceUid),
                sorted(ParquetColumn::OccurredAt),
                sorted(ParquetColumn::Seq),
            ]))
            .set_column_metadata(columns)
            .build()
            .map_err(failed)?;
        self.groups.push(group);
        self.rows += i64::from(rows);
        Ok(())
    }

    /// Returns the footer with its length and the closing magic.
    pub(super) fn finish(self) -> Result<Vec<u8>, SegmentError> {
        let facts = FileMetaData::new(
            1,
            self.rows,
            Some("proofbook".to_owned()),
            Some(vec![KeyValue::new("proofbook.segment".to_owned(), super::FORMAT.to_string())]),
            self.schema,
            None,
        );
        let metadata = ParquetMetaDataBuilder::new(facts).set_row_groups(self.groups).build();
        let mut bytes = Vec::new();
        ParquetMetaDataWriter::new(&mut bytes, &metadata).finish().map_err(failed)?;
        Ok(bytes)
    }
}

fn failed(source: parquet::errors::ParquetError) -> SegmentError {
    SegmentError::Encode { what: "the Parquet footer", reason: source.to_string() }
}
