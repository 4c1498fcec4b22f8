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
use proofbook_event::Group;

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
    /// Canonical bytes of `/context`.
    Context,
    /// Canonical bytes of `/description`.
    Description,
    /// Canonical bytes of `/id`.
    Id,
    /// Canonical bytes of `/metadata`.
    Metadata,
    /// Canonical bytes of `/targets`.
    Targets,
    /// Commitments of erased groups.
    Withheld,
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
    /// Optional values; a page is about [`super::VALUE_PAGE_BYTES`].
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
}";

impl ParquetColumn {
    /// How many columns there are.
    pub const COUNT: usize = 18;
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
    ];

    /// Returns the column that holds a group.
    pub fn of_group(group: Group) -> Self {
        match group {
            Group::Actor => Self::Actor,
            Group::Changes => Self::Changes,
            Group::Context => Self::Context,
            Group::Description => Self::Description,
            Group::Id => Self::Id,
            Group::Metadata => Self::Metadata,
            Group::Targets => Self::Targets,
        }
    }

    /// Returns the group that the column holds.
    pub(super) fn group(self) -> Option<Group> {
        match self {
            Self::Actor => Some(Group::Actor),
            Self::Changes => Some(Group::Changes),
            Self::Context => Some(Group::Context),
            Self::Description => Some(Group::Description),
            Self::Id => Some(Group::Id),
            Self::Metadata => Some(Group::Metadata),
            Self::Targets => Some(Group::Targets),
            _ => None,
        }
    }

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
                Shape::Values => vec![Encoding::PLAIN, Encoding::RLE],
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
