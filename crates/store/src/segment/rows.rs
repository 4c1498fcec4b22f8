//! Reading rows by number; [`super::stream`] reads all in order.

use std::sync::Arc;

use proofbook_event::{Group, GroupBytes, Outcome};
use proofbook_ledger::WorkspaceUid;

use super::Row;
use super::dictionary::Entries;
use super::error::SegmentError;
use super::ints::Ints;
use super::join::Joiner;
use super::lift::{VALUE_COLUMNS, VALUES, Values, WITHHELD, actor_name, places_of};
use super::page::ValuePage;
use super::reader::Segment;
use super::schema::ParquetColumn;
use super::stream::NO_CODES;

/// A set of groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupSet(u8);

impl GroupSet {
    /// No group.
    pub const NONE: Self = Self(0);
    /// Every group.
    pub const ALL: Self = Self((1 << Group::COUNT) - 1);

    /// Returns the set of some groups.
    pub fn of(groups: impl IntoIterator<Item = Group>) -> Self {
        groups.into_iter().fold(Self::NONE, Self::with)
    }

    /// Returns the set with a group added.
    #[must_use]
    pub const fn with(self, group: Group) -> Self {
        Self(self.0 | 1 << group as u8)
    }

    /// Returns the groups that are in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the set without a group.
    #[must_use]
    pub const fn without(self, group: Group) -> Self {
        Self(self.0 & !(1 << group as u8))
    }

    /// Returns the groups that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Tells whether a group is in the set.
    pub const fn contains(self, group: Group) -> bool {
        self.0 & 1 << group as u8 != 0
    }

    /// Tells whether no group is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the set as bits, bit n for the group with index n.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Takes the lowest seven of some bits.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }
}

/// What becomes of pages that were decoded and were not in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// They wait in the cache for whoever comes next.
    Cached,
    /// They were for this once: a row of many blocks must not drive out what all queries need.
    Nothing,
}

/// The small columns of one block.
pub(super) struct SmallColumns {
    pub(super) rows: std::ops::Range<u32>,
    seq: Arc<Ints>,
    occurred_at: Arc<Ints>,
    recorded_at: Arc<Ints>,
    run: Arc<Ints>,
    k: Arc<Ints>,
    flags: Arc<Ints>,
    action: Arc<Vec<u32>>,
    actions: Arc<Entries>,
    outcome: Arc<Vec<u32>>,
    /// By code; `None` for a word that is none of ours.
    outcomes: Vec<Option<Outcome>>,
}

impl SmallColumns {
    pub(super) fn read(segment: &Segment, block: usize, keep: Keep) -> Result<Self, SegmentError> {
        let ints = |column| segment.ints(column, block, keep);
        let codes = |column| segment.codes(column, block, keep);
        let group = segment.directory.group_of_block(block);
        let words = segment.dictionary(ParquetColumn::Outcome, group)?;
        let outcome = |number| Outcome::parse(std::str::from_utf8(words.get(number)?).ok()?);
        Ok(Self {
            rows: segment.rows_of_block(block),
            seq: ints(ParquetColumn::Seq)?,
            occurred_at: ints(ParquetColumn::OccurredAt)?,
            recorded_at: ints(ParquetColumn::RecordedAt)?,
            run: ints(ParquetColumn::Run)?,
            k: ints(ParquetColumn::K)?,
            flags: ints(ParquetColumn::Flags)?,
            action: codes(ParquetColumn::Action)?,
            actions: segment.dictionary(ParquetColumn::Action, group)?,
            outcome: codes(ParquetColumn::Outcome)?,
            outcomes: (0..words.len()).map(outcome).collect(),
        })
    }

    /// Returns the key of the row at a place in the block.
    pub(super) fn key(&self, workspace: WorkspaceUid, at: usize) -> (WorkspaceUid, i64, u64) {
        (workspace, self.occurred_at.get(at), self.seq.get(at) as u64)
    }

    /// Returns a row without its values; `None` when a word in a dictionary is none of ours.
    pub(super) fn row(&self, workspace: WorkspaceUid, row: u32) -> Option<Row<'_>> {
        let at = (row - self.rows.start) as usize;
        let action = self.actions.get(self.action[at] as usize)?;
        Some(Row {
            workspace,
            occurred_at: self.occurred_at.get(at),
            seq: self.seq.get(at) as u64,
            recorded_at: self.recorded_at.get(at),
            run: self.run.get(at) as u32,
            k: self.k.get(at) as u16,
            flags: self.flags.get(at) as u8,
            outcome: (*self.outcomes.get(self.outcome[at] as usize)?)?,
            action: std::str::from_utf8(action).ok()?,
            groups: GroupBytes::default(),
            withheld: &[],
        })
    }
}

pub(super) const BAD_WORD: &str = "an action or outcome is no word of ours";

/// The pages of one block that some groups are put together from.
pub(super) type BlockPages = [Option<ValuePage>; VALUE_COLUMNS];

/// Where a row's groups and withheld commitments stand in a buffer.
pub(super) type Places = [Option<(u32, u32)>; Group::COUNT + 1];

/// Returns which pages some groups need; the withheld commitments always come along.
pub(super) fn needed(groups: GroupSet) -> [bool; VALUE_COLUMNS] {
    let mut needed = [false; VALUE_COLUMNS];
    needed[WITHHELD] = true;
    for group in Group::ALL.into_iter().filter(|group| groups.contains(*group)) {
        places_of(group).for_each(|place| needed[place] = true);
    }
    needed
}

/// Adds what was joined to a row.
pub(super) fn with_groups<'r>(mut row: Row<'r>, places: &Places, buffer: &'r [u8]) -> Row<'r> {
    let value = |place: usize| -> Option<&'r [u8]> {
        let (from, to) = places[place]?;
        buffer.get(from as usize..to as usize)
    };
    for group in Group::ALL {
        row.groups.set(group, value(group.index()));
    }
    row.withheld = value(WITHHELD).unwrap_or_default();
    row
}

/// Rows that were read.
pub struct OwnedRows {
    rows: Vec<(WorkspaceUid, u32, usize)>,
    small: Vec<SmallColumns>,
    places: Vec<Places>,
    buffer: Vec<u8>,
}

impl OwnedRows {
    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Tells whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns a row by its place among the rows that were asked for.
    ///
    /// # Panics
    /// `index` is not below [`OwnedRows::len`].
    pub fn get(&self, index: usize) -> Row<'_> {
        let (workspace, row, small) = self.rows[index];
        let found = self.small[small].row(workspace, row);
        let found = found.expect("read_rows decoded this row once before");
        with_groups(found, &self.places[index], &self.buffer)
    }

    /// Yields the rows in the order in which they were asked for.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }
}

impl Segment {
    /// Reads rows by their numbers, which ascend; only pages that hold them are decoded.
    ///
    /// Groups not asked for read as absent; the withheld commitments always come along.
    ///
    /// # Errors
    /// A piece is damaged or cannot be read, or a row is not in the segment.
    pub fn read_rows(&self, rows: &[u32], groups: GroupSet) -> Result<OwnedRows, SegmentError> {
        self.read_pages(rows, groups, Keep::Cached)
    }

    pub(super) fn read_pages(
        &self,
        rows: &[u32],
        groups: GroupSet,
        keep: Keep,
    ) -> Result<OwnedRows, SegmentError> {
        if !rows.is_sorted() || rows.last().is_some_and(|last| *last >= self.rows()) {
            return Err(SegmentError::refused("rows asked for are not in the segment's order"));
        }
        let mut read = OwnedRows {
            rows: Vec::with_capacity(rows.len()),
            small: Vec::new(),
            places: Vec::with_capacity(rows.len()),
            buffer: Vec::new(),
        };
        let needed = needed(groups);
        let mut pages: BlockPages = Default::default();
        let mut joiner = Joiner::default();
        for row in rows {
            if read.small.last().is_none_or(|small| !small.rows.contains(row)) {
                let block = self.block_of_row(*row);
                read.small.push(SmallColumns::read(self, block, keep)?);
                for place in (0..VALUE_COLUMNS).filter(|place| needed[*place]) {
                    pages[place] = Some(self.values(VALUES[place], block, keep)?);
                }
            }
            let workspaces = &self.directory.workspaces;
            let workspace = workspaces.uid(workspaces.of_row(*row));
            let number = read.small.len() - 1;
            let small = &read.small[number];
            if small.row(workspace, *row).is_none() {
                return Err(self.inconsistent(BAD_WORD));
            }
            let at = (row - small.rows.start) as usize;
            read.rows.push((workspace, *row, number));
            let values: Values<'_> =
                std::array::from_fn(|place| pages[place].as_ref().and_then(|page| page.get(at)));
            let actor = values[Group::Actor.index()].and_then(actor_name);
            let joined = joiner.join_row(&values, &NO_CODES, actor, groups, &mut read.buffer);
            read.places.push(joined);
        }
        Ok(read)
    }
}
