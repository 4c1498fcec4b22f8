//! Building a block's search columns and text filters from its rows.
//!
//! A text is folded and indexed once for each distinct entry of a column, since an entry known to the
//! block was indexed with the row that brought it; what no column holds is indexed with every row.

use proofbook_event::Group;

use super::Row;
use super::columns::{Added, ColumnBuilder};
use super::directory::Directory;
use super::error::SegmentError;
use super::extract::{FieldColumn, extract};
use super::out::OutFile;
use super::pack::Packer;
use super::slice::{for_each_text, member, members};
use super::text::TextBuilder;

/// The search part of the block being written.
#[derive(Default)]
pub(super) struct SearchOut {
    columns: [ColumnBuilder; FieldColumn::COUNT],
    text: TextBuilder,
    entry: Vec<u8>,
    scratch: String,
}

impl SearchOut {
    /// Adds the next row of the block.
    pub(super) fn push(&mut self, row: &Row<'_>) {
        for column in FieldColumn::ALL {
            self.push_column(column, row);
        }
        for (group, bytes) in row.groups.present() {
            match group {
                // Their columns hold them whole.
                Group::Actor | Group::Targets => {}
                Group::Id | Group::Changes => self.add_texts(bytes, group),
                Group::Description => self.add_rest(
                    bytes,
                    group,
                    &[&b"module"[..], &b"severity"[..], &b"title"[..], &b"verb"[..]],
                ),
                Group::Context => {
                    self.add_rest(bytes, group, &[&b"country"[..], &b"ip"[..], &b"session_id"[..]]);
                    for key in ["request_id", "trace_id"] {
                        if let Some(value) = member(bytes, key) {
                            self.add_values(value);
                        }
                    }
                }
                Group::Metadata => self.add_rest(bytes, group, &[&b"metadata"[..]]),
            }
        }
    }

    fn push_column(&mut self, column: FieldColumn, row: &Row<'_>) {
        let mut entry = std::mem::take(&mut self.entry);
        entry.clear();
        let present = extract(column, &row.groups, &mut entry);
        let builder = &mut self.columns[column.index()];
        let added = builder.push(present.then_some(&entry));
        let overflowed = builder.overflowed();
        if present && added == Added::New {
            // The texts of these columns are indexed with their group in any case.
            if !matches!(column, FieldColumn::Changed | FieldColumn::TargetTypes) {
                self.add_texts(&entry, column.group());
            }
            if overflowed && column.is_hashed_when_uncoded() {
                self.add_values(&entry);
            }
        }
        self.entry = entry;
    }

    /// Indexes all texts of a value.
    fn add_texts(&mut self, json: &[u8], group: Group) {
        let text = &mut self.text;
        for_each_text(json, &mut self.scratch, &mut |found| text.add(found, group));
    }

    /// Indexes the texts of an object's members except those that columns hold.
    fn add_rest(&mut self, object: &[u8], group: Group, held: &[&[u8]]) {
        // A group that is no object has no members, and is a text at most.
        if object.first() != Some(&b'{') {
            return self.add_texts(object, group);
        }
        for (key, value) in members(object) {
            if !held.contains(&key) {
                self.add_texts(value, group);
            }
        }
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
        let text = &mut self.text;
        for column in FieldColumn::ALL {
            let builder = &self.columns[column.index()];
            if builder.overflowed() && column.is_hashed_when_uncoded() {
                for entry in builder.entries() {
                    for_each_text(entry, &mut self.scratch, &mut |found| text.add_value(found));
                }
            }
        }
        let targets_are_coded = !self.columns[FieldColumn::Targets.index()].overflowed();
        for column in FieldColumn::ALL {
            let mut piece = self.columns[column.index()].end_block(packer)?;
            if column == FieldColumn::TargetTypes && targets_are_coded {
                piece = ColumnBuilder::uncoded_piece();
            }
            directory.search[column.index()].push(idx.put_piece(&piece)?);
        }
        let (text, values) = self.text.end_block(packer)?;
        directory.texts.push(idx.put_piece(&text)?);
        directory.values.push(idx.put_piece(&values)?);
        Ok(())
    }
}
