//! Exports as Parquet: the columns of [`flat`], times as UTC timestamps, everything else as text.
//!
//! Rows wait until a row group is full, in rows or in bytes; that is what an export holds in memory.

use std::io::Write as _;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use proofbook_event::Event;

use super::columns::Columns;
use super::{Sink, Stop, flat};
use crate::problem::{Code, Problem};

/// Rows of one row group.
const GROUP_ROWS: usize = 20_000;
/// Bytes of the cells of one row group.
const GROUP_BYTES: usize = 8 * 1024 * 1024;
/// Columns whose values are numbers: the event's number, and times in microseconds UTC.
const NUMBERS: [&str; 3] = ["seq", "occurred_at", "recorded_at"];

/// A Parquet file being written.
pub(super) struct ParquetOut {
    writer: SerializedFileWriter<Sink>,
    numbers: [Vec<i64>; NUMBERS.len()],
    /// One list a text column; empty cells are null.
    texts: Vec<Vec<Option<ByteArray>>>,
    bytes: usize,
}

impl ParquetOut {
    pub(super) fn begin(sink: Sink) -> Result<Self, Stop> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by("proofbook".to_owned())
            .build();
        let writer = SerializedFileWriter::new(sink, schema()?, Arc::new(properties))?;
        let texts = flat::COLUMNS.iter().filter(|name| !NUMBERS.contains(name));
        let texts = texts.map(|_| Vec::new()).collect();
        Ok(Self { writer, numbers: Default::default(), texts, bytes: 0 })
    }

    /// Appends a row; what `hidden` does not show is null.
    pub(super) fn event(
        &mut self,
        event: &Event<'_>,
        leaf: Option<&str>,
        hidden: &Columns,
    ) -> Result<(), Stop> {
        let clear = &event.clear;
        let numbers = [clear.seq as i64, clear.occurred_at.micros(), clear.recorded_at.micros()];
        for (column, number) in self.numbers.iter_mut().zip(numbers) {
            column.push(number);
        }
        let cells = flat::cells(event, leaf).into_iter().zip(flat::COLUMNS);
        let cells = cells.filter(|(_, name)| !NUMBERS.contains(name));
        for (column, (cell, name)) in self.texts.iter_mut().zip(cells) {
            let shown = !cell.is_empty() && hidden.may_show(name);
            self.bytes += cell.len();
            column.push(shown.then(|| ByteArray::from(cell.as_bytes().to_vec())));
        }
        if self.numbers[0].len() >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.end_group()?;
        }
        Ok(())
    }

    pub(super) fn end(mut self) -> Result<(), Stop> {
        self.end_group()?;
        Ok(self.writer.into_inner()?.flush()?)
    }

    fn end_group(&mut self) -> Result<(), Stop> {
        if self.numbers[0].is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        let (mut numbers, mut texts) = (self.numbers.iter_mut(), self.texts.iter_mut());
        for name in flat::COLUMNS {
            let Some(mut column) = group.next_column()? else { break };
            if NUMBERS.contains(name) {
                let values = numbers.next().map(std::mem::take).unwrap_or_default();
                column.typed::<Int64Type>().write_batch(&values, None, None)?;
            } else {
                let cells = texts.next().map(std::mem::take).unwrap_or_default();
                let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
                let values: Vec<ByteArray> = cells.into_iter().flatten().collect();
                column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
            }
            column.close()?;
        }
        group.close()?;
        self.bytes = 0;
        Ok(())
    }
}

fn schema() -> Result<TypePtr, ParquetError> {
    let mut fields = Vec::with_capacity(flat::COLUMNS.len());
    for name in flat::COLUMNS {
        let field = match *name {
            "seq" => Type::primitive_type_builder(name, Physical::INT64)
                .with_repetition(Repetition::REQUIRED),
            "occurred_at" | "recorded_at" => Type::primitive_type_builder(name, Physical::INT64)
                .with_repetition(Repetition::REQUIRED)
                .with_logical_type(Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
            _ => Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(Some(LogicalType::String)),
        };
        fields.push(Arc::new(field.build()?));
    }
    let schema = Type::group_type_builder("audit_log").with_fields(fields).build()?;
    Ok(Arc::new(schema))
}

impl From<ParquetError> for Stop {
    /// A writer fails when its sink does; anything else is a fault of ours.
    fn from(error: ParquetError) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            if error.is::<std::io::Error>() {
                return Self::ClientGone;
            }
            cause = error.source();
        }
        tracing::error!(error = &error as &dyn std::error::Error, "cannot write Parquet");
        Self::Problem(Problem::new(Code::Internal, "the file could not be written"))
    }
}
