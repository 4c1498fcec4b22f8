//! Reading rows: some by number, or all in order.

use std::sync::Arc;

use proofbook_event::{Group, GroupBytes, Outcome};
use proofbook_ledger::WorkspaceUid;

use super::Row;
use super::cache::Dictionary;
use super::error::SegmentError;
use super::ints::Ints;
use super::page::ValuePage;
use super::reader::Segment;
use super::schema::ParquetColumn;

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

/// The columns of values: the seven groups in their order, then the withheld commitments.
const VALUE_COLUMNS: usize = Group::COUNT + 1;

fn value_column(index: usize) -> ParquetColumn {
    Group::ALL.get(index).map_or(ParquetColumn::Withheld, |group| ParquetColumn::of_group(*group))
}

/// The small columns of one block.
struct SmallColumns {
    rows: std::ops::Range<u32>,
    seq: Arc<Ints>,
    occurred_at: Arc<Ints>,
    recorded_at: Arc<Ints>,
    run: Arc<Ints>,
    k: Arc<Ints>,
    flags: Arc<Ints>,
    action: Arc<Vec<u32>>,
    actions: Arc<Dictionary>,
    outcome: Arc<Vec<u32>>,
    outcomes: Arc<Dictionary>,
}

impl SmallColumns {
    fn read(segment: &Segment, block: usize, cached: bool) -> Result<Self, SegmentError> {
        let ints = |column| {
            if cached {
                segment.ints(column, block)
            } else {
                segment.load_ints(column, block).map(Arc::new)
            }
        };
        let codes = |column| {
            if cached {
                segment.codes(column, block)
            } else {
                segment.load_codes(column, block).map(Arc::new)
            }
        };
        let group = segment.directory.group_of_block(block);
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
            outcomes: segment.dictionary(ParquetColumn::Outcome, group)?,
        })
    }

    /// Returns a row without its values; `None` when a word in a dictionary is none of ours.
    fn row(&self, workspace: WorkspaceUid, row: u32) -> Option<Row<'_>> {
        let at = (row - self.rows.start) as usize;
        let action = self.actions.get(self.action[at] as usize)?;
        let outcome = self.outcomes.get(self.outcome[at] as usize)?;
        Some(Row {
            workspace,
            occurred_at: self.occurred_at.get(at),
            seq: self.seq.get(at) as u64,
            recorded_at: self.recorded_at.get(at),
            run: self.run.get(at) as u32,
            k: self.k.get(at) as u16,
            flags: self.flags.get(at) as u8,
            outcome: Outcome::parse(std::str::from_utf8(outcome).ok()?)?,
            action: std::str::from_utf8(action).ok()?,
            groups: GroupBytes::default(),
            withheld: &[],
        })
    }
}

const BAD_WORD: &str = "an action or outcome is no word of ours";

/// Rows that were read, with the pages that hold their values.
pub struct OwnedRows {
    rows: Vec<(WorkspaceUid, u32, usize)>,
    small: Vec<SmallColumns>,
    /// By row: place in `pages` and index in the page; `NONE` where a group was not asked for.
    values: Vec<[(u32, u32); VALUE_COLUMNS]>,
    pages: Vec<Arc<ValuePage>>,
}

const NONE: (u32, u32) = (u32::MAX, 0);

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
        let mut found = found.expect("read_rows decoded this row once before");
        let value = |column: usize| -> Option<&[u8]> {
            let (page, at) = self.values[index][column];
            self.pages.get(page as usize)?.get(at as usize)
        };
        for group in Group::ALL {
            found.groups.set(group, value(group.index()));
        }
        found.withheld = value(Group::COUNT).unwrap_or_default();
        found
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
        if !rows.is_sorted() || rows.last().is_some_and(|last| *last >= self.rows()) {
            return Err(SegmentError::refused("rows asked for are not in the segment's order"));
        }
        let mut read = OwnedRows {
            rows: Vec::with_capacity(rows.len()),
            small: Vec::new(),
            values: Vec::with_capacity(rows.len()),
            pages: Vec::new(),
        };
        let mut open: [Option<(u32, std::ops::Range<u32>)>; VALUE_COLUMNS] = Default::default();
        for row in rows {
            if read.small.last().is_none_or(|small| !small.rows.contains(row)) {
                read.small.push(SmallColumns::read(self, self.block_of_row(*row), true)?);
            }
            let workspaces = &self.directory.workspaces;
            let workspace = workspaces.uid(workspaces.of_row(*row));
            let small = read.small.len() - 1;
            if read.small[small].row(workspace, *row).is_none() {
                return Err(self.inconsistent(BAD_WORD));
            }
            read.rows.push((workspace, *row, small));
            let mut places = [NONE; VALUE_COLUMNS];
            for (column, place) in places.iter_mut().enumerate() {
                if Group::ALL.get(column).is_some_and(|group| !groups.contains(*group)) {
                    continue;
                }
                let held = open[column].as_ref().filter(|(_, held)| held.contains(row));
                let (page, first) = match held {
                    Some((page, held)) => (*page, held.start),
                    None => {
                        let (page, held) = self.values(value_column(column), *row)?;
                        let first = held.start;
                        read.pages.push(page);
                        let number = read.pages.len() as u32 - 1;
                        open[column] = Some((number, held));
                        (number, first)
                    }
                };
                *place = (page, row - first);
            }
            read.values.push(places);
        }
        Ok(read)
    }

    /// Calls `visit` with every row in order; memory stays bounded and the cache is left alone.
    ///
    /// # Errors
    /// A piece is damaged or cannot be read, or `visit` fails; rows before it were visited.
    pub fn for_each_row<E: From<SegmentError>>(
        self: &Arc<Self>,
        groups: GroupSet,
        mut visit: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut stream = RowStream::new(Arc::clone(self), groups);
        while stream.advance()? {
            visit(&stream.row())?;
        }
        Ok(())
    }
}

/// Every row of a segment in order, one at a time.
pub struct RowStream {
    segment: Arc<Segment>,
    groups: GroupSet,
    next: u32,
    workspace: usize,
    workspace_end: u32,
    block: usize,
    small: Option<SmallColumns>,
    pages: [Option<(ValuePage, std::ops::Range<u32>)>; VALUE_COLUMNS],
}

impl RowStream {
    /// Begins before the first row.
    pub fn new(segment: Arc<Segment>, groups: GroupSet) -> Self {
        Self {
            segment,
            groups,
            next: 0,
            workspace: 0,
            workspace_end: 0,
            block: 0,
            small: None,
            pages: Default::default(),
        }
    }

    /// Goes to the next row; `false` behind the last one.
    ///
    /// # Errors
    /// A piece is damaged or cannot be read.
    pub fn advance(&mut self) -> Result<bool, SegmentError> {
        let row = self.next;
        if row >= self.segment.rows() {
            self.small = None;
            return Ok(false);
        }
        if row >= self.workspace_end {
            self.workspace = self.segment.directory.workspaces.of_row(row);
            self.workspace_end = self.segment.directory.workspaces.range(self.workspace).rows.end;
        }
        if self.small.as_ref().is_none_or(|small| !small.rows.contains(&row)) {
            self.block = self.segment.block_of_row(row);
            self.small = Some(SmallColumns::read(&self.segment, self.block, false)?);
        }
        for column in 0..VALUE_COLUMNS {
            let unwanted = Group::ALL.get(column).is_some_and(|of| !self.groups.contains(*of));
            if unwanted || self.pages[column].as_ref().is_some_and(|(_, held)| held.contains(&row))
            {
                continue;
            }
            let kind = value_column(column);
            let pages = &self.segment.directory.value_pages[kind.index()];
            let (index, first, end) = pages.of_row(row, self.segment.rows());
            let page = self.segment.load_values(kind, index, end - first)?;
            self.pages[column] = Some((page, first..end));
        }
        let workspace = self.segment.directory.workspaces.uid(self.workspace);
        if self.small.as_ref().and_then(|small| small.row(workspace, row)).is_none() {
            return Err(self.segment.inconsistent(BAD_WORD));
        }
        self.next = row + 1;
        Ok(true)
    }

    /// Returns the row that [`RowStream::advance`] went to.
    ///
    /// # Panics
    /// `advance` was not called, or did not return `true`.
    pub fn row(&self) -> Row<'_> {
        let row = self.next.checked_sub(1).expect("advance was called");
        let workspace = self.segment.directory.workspaces.uid(self.workspace);
        let found = self.small.as_ref().and_then(|small| small.row(workspace, row));
        let mut found = found.expect("advance decoded this row");
        let value = |column: usize| -> Option<&[u8]> {
            let (page, held) = self.pages[column].as_ref()?;
            page.get((row - held.start) as usize)
        };
        for group in Group::ALL {
            found.groups.set(group, value(group.index()));
        }
        found.withheld = value(Group::COUNT).unwrap_or_default();
        found
    }
}
