//! Reading what a block knows for searching: columns, times, and where a word may stand.

use std::sync::Arc;

use proofbook_event::Outcome;

use super::cache::Cached;
use super::columns::Column;
use super::dictionary::Entries;
use super::directory::Pieces;
use super::error::SegmentError;
use super::extract::FieldColumn;
use super::fuse::Fuse;
use super::ints::Ints;
use super::lift;
use super::reader::{File, Segment};
use super::rows::{GroupSet, Keep};
use super::schema::ParquetColumn;
use super::text::{AnyToken, SPAN_BLOCKS, TextFilter, WholeTokens, value_key};

/// Kinds of cached pieces; pages and dictionaries of Parquet columns have lower ones.
const COLUMN_KIND: u8 = 0x80;
const TEXT_KIND: u8 = 0xa0;
const VALUES_KIND: u8 = 0xa1;
const SPAN_KIND: u8 = 0xa2;

/// What damaged pieces are called.
pub(super) const TEXT: &str = "a text filter";
pub(super) const SPAN: &str = "a text filter of a span";
pub(super) const VALUES: &str = "a filter of values";

/// Numbers of one block by row, such as its times.
#[derive(Clone, Debug)]
pub struct BlockNumbers(Arc<Ints>);

impl BlockNumbers {
    /// Returns the number of a row, counted from the block's first row.
    ///
    /// # Panics
    /// The block has no such row.
    pub fn get(&self, row: usize) -> i64 {
        self.0.get(row)
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether the block has no rows; it always has some.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Yields the numbers by row.
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.len()).map(|row| self.0.get(row))
    }
}

/// Words that blocks share, such as the actions of a row group; some may not occur in a block.
#[derive(Clone, Debug)]
pub struct Words(Arc<Entries>);

impl Words {
    /// Returns a word by its number; `None` when there is no such, or it is no text.
    pub fn get(&self, number: usize) -> Option<&str> {
        std::str::from_utf8(self.0.get(number)?).ok()
    }

    /// Yields the words by number; one that is no text is empty.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.0.len()).map(|number| self.get(number).unwrap_or_default())
    }

    /// Tells whether these are the very same words in memory; `false` says nothing.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The words of one block by row: its actions or outcomes.
#[derive(Clone, Debug)]
pub struct BlockWords {
    words: Words,
    codes: Arc<Vec<u32>>,
}

impl BlockWords {
    /// Returns the words.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// Returns a row's word, counted from the block's first row; `None` for one that is no text.
    ///
    /// # Panics
    /// The block has no such row.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.words.get(self.codes[row] as usize)
    }

    /// Returns the number of each row's word, by row.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }
}

impl Segment {
    /// Returns `occurred_at` of a block's rows, microseconds UTC; ascending inside a workspace.
    ///
    /// # Errors
    /// The piece is damaged or cannot be read; so for all below.
    pub fn occurred_at(&self, block: usize) -> Result<BlockNumbers, SegmentError> {
        self.ints(ParquetColumn::OccurredAt, block, Keep::Cached).map(BlockNumbers)
    }

    /// Returns `recorded_at` of a block's rows, microseconds UTC.
    ///
    /// # Errors
    /// As [`Segment::occurred_at`].
    pub fn recorded_at(&self, block: usize) -> Result<BlockNumbers, SegmentError> {
        self.ints(ParquetColumn::RecordedAt, block, Keep::Cached).map(BlockNumbers)
    }

    /// Returns the seqs of a block's rows.
    ///
    /// # Errors
    /// As [`Segment::occurred_at`].
    pub fn seqs(&self, block: usize) -> Result<BlockNumbers, SegmentError> {
        self.ints(ParquetColumn::Seq, block, Keep::Cached).map(BlockNumbers)
    }

    /// Returns the flags of a block's rows.
    ///
    /// # Errors
    /// As [`Segment::occurred_at`].
    pub fn flags(&self, block: usize) -> Result<BlockNumbers, SegmentError> {
        self.ints(ParquetColumn::Flags, block, Keep::Cached).map(BlockNumbers)
    }

    /// Returns the actions of a block's rows.
    ///
    /// # Errors
    /// As [`Segment::occurred_at`].
    pub fn actions(&self, block: usize) -> Result<BlockWords, SegmentError> {
        self.words(ParquetColumn::Action, block)
    }

    /// Returns the actions that may occur in a block, without reading which rows have them.
    ///
    /// # Errors
    /// As [`Segment::occurred_at`].
    pub fn action_words(&self, block: usize) -> Result<Words, SegmentError> {
        let group = self.directory.group_of_block(block);
        self.dictionary(ParquetColumn::Action, group).map(Words)
    }

    /// Returns the outcomes of a block's rows; each word is one of [`Outcome`].
    ///
    /// # Errors
    /// As [`Segment::occurred_at`].
    pub fn outcomes(&self, block: usize) -> Result<BlockWords, SegmentError> {
        let words = self.words(ParquetColumn::Outcome, block)?;
        if words.words().iter().all(|word| Outcome::parse(word).is_some()) {
            Ok(words)
        } else {
            Err(self.inconsistent("an outcome is no word of ours"))
        }
    }

    fn words(&self, column: ParquetColumn, block: usize) -> Result<BlockWords, SegmentError> {
        let group = self.directory.group_of_block(block);
        let dictionary = self.dictionary(column, group)?;
        Ok(BlockWords { words: Words(dictionary), codes: self.codes(column, block, Keep::Cached)? })
    }

    /// Returns a search column of a block.
    ///
    /// # Errors
    /// As [`Segment::occurred_at`].
    pub fn column(&self, column: FieldColumn, block: usize) -> Result<Arc<Column>, SegmentError> {
        let make = || {
            let sources = column.sources().iter();
            let pages: Result<Vec<_>, _> = sources
                .map(|place| self.values(lift::VALUES[*place], block, Keep::Cached))
                .collect();
            let rows = self.rows_of_block(block).len();
            Ok(Cached::Column(Arc::new(Column::of_pages(column, &pages?, rows))))
        };
        match self.cached(COLUMN_KIND | column as u8, block, Keep::Cached, make)? {
            Cached::Column(column) => Ok(column),
            _ => Err(self.inconsistent("the cache mixed up two pieces")),
        }
    }

    /// Tells whether a value may stand in a block, in an uncoded column or as request or trace id.
    ///
    /// `folded` is the whole value, folded. Asks only for columns for which
    /// [`FieldColumn::is_hashed_when_uncoded`] says so, or for request and trace ids; `false` is
    /// certain for them.
    ///
    /// # Errors
    /// As [`Segment::occurred_at`].
    pub fn value_may_be_in(&self, block: usize, folded: &str) -> Result<bool, SegmentError> {
        if !self.is_folded_alike() {
            return Ok(true);
        }
        let values = self.values_filter(block)?;
        Ok(values.is_some_and(|values| values.may_contain(value_key(folded))))
    }

    /// Returns the groups of a block in which a folded text may stand, as a part of a string value.
    /// Empty is certain, but for actions, which [`Segment::actions`] has.
    ///
    /// `id_rows` are the rows of the events that [`Segment::lookup_id`] finds for the needle as an
    /// id, without which an id that equals the needle may stand in any block.
    ///
    /// # Errors
    /// As [`Segment::occurred_at`].
    pub fn text_groups(
        &self,
        block: usize,
        folded: &str,
        id_rows: Option<&[u32]>,
    ) -> Result<GroupSet, SegmentError> {
        if !self.is_folded_alike() {
            return Ok(GroupSet::ALL);
        }
        // What stands in none of many blocks needs none of their own filters.
        let span = self.text_filter(&self.directory.spans, block / SPAN_BLOCKS, SPAN_KIND, SPAN)?;
        if span.groups(folded, &mut AnyToken)?.is_empty() {
            return Ok(GroupSet::NONE);
        }
        let text = self.text_filter(&self.directory.texts, block, TEXT_KIND, TEXT)?;
        text.groups(folded, &mut BlockTokens { segment: self, block, id_rows })
    }

    fn text_filter(
        &self,
        pieces: &Pieces,
        place: usize,
        kind: u8,
        what: &'static str,
    ) -> Result<Arc<TextFilter>, SegmentError> {
        let make = || {
            let piece = pieces.get(place);
            let piece = piece.ok_or_else(|| self.inconsistent("a text filter is missing"))?;
            let raw = self.load(File::Idx, piece, what)?;
            match TextFilter::decode(&raw) {
                Some(filter) => Ok(Cached::Text(Arc::new(filter))),
                None => Err(self.undecodable(File::Idx, piece, what)),
            }
        };
        match self.cached(kind, place, Keep::Cached, make)? {
            Cached::Text(filter) => Ok(filter),
            _ => Err(self.inconsistent("the cache mixed up two pieces")),
        }
    }

    /// Returns a block's filter of values; `None` when it has no values.
    fn values_filter(&self, block: usize) -> Result<Option<Arc<Fuse>>, SegmentError> {
        let piece = self.directory.values.get(block);
        let piece = piece.ok_or_else(|| self.inconsistent("a filter of values is missing"))?;
        if piece.len == 0 {
            return Ok(None);
        }
        let make = || {
            let bytes = self.load_packed(File::Idx, piece, VALUES)?;
            match Fuse::decode(&bytes) {
                Ok(filter) => Ok(Cached::Values(Arc::new(filter))),
                Err(_) => Err(self.undecodable(File::Idx, piece, VALUES)),
            }
        };
        match self.cached(VALUES_KIND, block, Keep::Cached, make)? {
            Cached::Values(filter) => Ok(Some(filter)),
            _ => Err(self.inconsistent("the cache mixed up two pieces")),
        }
    }
}

/// Whole tokens of one block.
struct BlockTokens<'s> {
    segment: &'s Segment,
    block: usize,
    id_rows: Option<&'s [u32]>,
}

impl WholeTokens for BlockTokens<'_> {
    fn may_hold(&mut self, token: &str, groups: GroupSet) -> Result<GroupSet, SegmentError> {
        use proofbook_event::Group;
        let values = self.segment.values_filter(self.block)?;
        if values.is_some_and(|values| values.may_contain(value_key(token))) {
            return Ok(groups);
        }
        // Ids that are tokens as they were sent are in the index of ids instead.
        let rows = self.segment.rows_of_block(self.block);
        let may_be_id = groups.contains(Group::Id)
            && self.id_rows.is_none_or(|found| found.iter().any(|row| rows.contains(row)));
        Ok(if may_be_id { GroupSet::NONE.with(Group::Id) } else { GroupSet::NONE })
    }
}
