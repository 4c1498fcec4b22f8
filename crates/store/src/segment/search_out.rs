//! Building a block's text filters from its columns.
//!
//! A text is folded and indexed once for each distinct value of a column, since its code says nothing
//! new the second time. Sentences are the exception: their columns leave names out, so they are indexed
//! whole, with every row.

use proofbook_event::{Group, GroupBytes};

use super::directory::Directory;
use super::error::SegmentError;
use super::extract::{FieldColumn, extract};
use super::lift::{REQUEST_ID, SENTENCE, VALUE_COLUMNS, lifted};
use super::out::OutFile;
use super::pack::Packer;
use super::parquet_out::ParquetOut;
use super::slice::{for_each_text, member};
use super::text::{SPAN_BLOCKS, TextBuilder};

/// The search part of the block being written.
#[derive(Default)]
pub(super) struct SearchOut {
    text: TextBuilder,
    entry: Vec<u8>,
    scratch: String,
}

impl SearchOut {
    /// Adds the sentence of the next row of the block.
    pub(super) fn add_sentence(&mut self, sentence: &[u8]) {
        if let Ok(text) = std::str::from_utf8(sentence) {
            self.text.add(text, Group::Description, false);
        }
    }

    /// Adds every distinct value of the block's columns.
    pub(super) fn add_block(&mut self, columns: &ParquetOut) {
        let mut whole = [false; VALUE_COLUMNS];
        whole[REQUEST_ID] = true;
        for column in FieldColumn::ALL {
            let is_coded = column.sources().iter().all(|place| columns.is_coded(*place));
            if !is_coded && column.is_hashed_when_uncoded() {
                self.add_entries(column, columns);
                column.sources()[1..].iter().for_each(|place| whole[*place] = true);
            }
        }
        for group in Group::ALL {
            columns.for_each_distinct(group.index(), &mut |json| self.add_texts(json, group));
            let (first, keys) = lifted(group);
            for place in (first..first + keys.len()).filter(|place| *place != SENTENCE) {
                columns.for_each_distinct(place, &mut |text| {
                    if let Ok(text) = std::str::from_utf8(text) {
                        self.text.add(text, group, whole[place]);
                    }
                });
            }
        }
        columns.for_each_distinct(Group::Context.index(), &mut |json| {
            for key in ["request_id", "trace_id"] {
                if let Some(value) = member(json, key) {
                    self.add_values(value);
                }
            }
        });
    }

    /// Adds whole the values that an uncoded column would have had, but for those that were lifted.
    fn add_entries(&mut self, column: FieldColumn, columns: &ParquetOut) {
        let group = column.group();
        columns.for_each_distinct(group.index(), &mut |json| {
            let mut groups = GroupBytes::default();
            groups.set(group, Some(json));
            let mut entry = std::mem::take(&mut self.entry);
            entry.clear();
            extract(column, &groups, &mut entry);
            self.add_values(&entry);
            self.entry = entry;
        });
    }

    /// Indexes all texts of a value.
    fn add_texts(&mut self, json: &[u8], group: Group) {
        let text = &mut self.text;
        for_each_text(json, &mut self.scratch, &mut |found| text.add(found, group, false));
    }

    /// Adds all texts of a value to the filter of whole values.
    fn add_values(&mut self, json: &[u8]) {
        let text = &mut self.text;
        for_each_text(json, &mut self.scratch, &mut |found| text.add_value(found));
    }

    /// Writes the block's pieces and begins the next block.
    pub(super) fn end_block(
        &mut self,
        packer: &mut Packer,
        idx: &mut OutFile,
        directory: &mut Directory,
    ) -> Result<(), SegmentError> {
        let (text, values) = self.text.end_block(packer)?;
        directory.texts.push(idx.put_piece(&text)?);
        directory.values.push(idx.put_piece(&values)?);
        match directory.texts.len().is_multiple_of(SPAN_BLOCKS) {
            true => self.end_span(packer, idx, directory),
            false => Ok(()),
        }
    }

    /// Ends the last span behind the last block.
    pub(super) fn finish(
        &mut self,
        packer: &mut Packer,
        idx: &mut OutFile,
        directory: &mut Directory,
    ) -> Result<(), SegmentError> {
        match directory.texts.len().is_multiple_of(SPAN_BLOCKS) {
            true => Ok(()),
            false => self.end_span(packer, idx, directory),
        }
    }

    fn end_span(
        &mut self,
        packer: &mut Packer,
        idx: &mut OutFile,
        directory: &mut Directory,
    ) -> Result<(), SegmentError> {
        let span = self.text.end_span(packer)?;
        directory.spans.push(idx.put_piece(&span)?);
        Ok(())
    }
}
