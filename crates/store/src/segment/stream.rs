//! Reading all rows of a segment in order: as they are stored, or with their groups put together.
//!
//! A [`StoredStream`] hands out the values of the columns, and for those that the row group's dictionary
//! holds their codes too: whoever writes them to another segment need not take groups apart that were
//! just put together, nor look a value up that it saw under the same code before. A [`RowStream`] puts
//! the groups together on top of it.

use std::sync::Arc;

use proofbook_event::Group;
use proofbook_ledger::WorkspaceUid;

use super::Row;
use super::dictionary::Entries;
use super::error::SegmentError;
use super::join::Joiner;
use super::lift::{VALUE_COLUMNS, VALUES, Values, actor_name};
use super::reader::Segment;
use super::rows::{
    BAD_WORD, BlockPages, GroupSet, Keep, Places, SmallColumns, needed, with_groups,
};

/// Codes of one row's values: 0 for one that is absent or stands in its page, else the number of its
/// entry in the row group's dictionary + 1.
pub(super) type Codes = [u32; VALUE_COLUMNS];

/// No value has a code.
pub(super) const NO_CODES: Codes = [0; VALUE_COLUMNS];

/// A row as a segment stores it.
pub(super) struct StoredRow<'r> {
    /// Everything but its groups and withheld commitments.
    pub(super) row: Row<'r>,
    /// What its groups are put together from.
    pub(super) values: Values<'r>,
    /// The values' codes in the dictionaries of the row group.
    pub(super) codes: Codes,
    /// Which row group that is.
    pub(super) row_group: usize,
    /// The name in its actor's group.
    pub(super) actor_name: Option<&'r [u8]>,
}

/// Where the name stands in each actor of a row group's dictionary, start and end; looked for when it is
/// first needed.
#[derive(Default)]
struct ActorNames(Vec<(u32, u32)>);

impl ActorNames {
    const UNKNOWN: (u32, u32) = (0, 0);
    /// The start is behind the end.
    const NOWHERE: (u32, u32) = (1, 0);

    fn of<'r>(&mut self, code: u32, actor: &'r [u8]) -> Option<&'r [u8]> {
        let Some(number) = (code as usize).checked_sub(1) else { return actor_name(actor) };
        let place = known_place(&mut self.0, number);
        if *place == Self::UNKNOWN {
            *place = actor_name(actor).map_or(Self::NOWHERE, |name| {
                // A name has a quote before it, so it never begins at 0.
                let from = (name.as_ptr().addr() - actor.as_ptr().addr()) as u32;
                (from, from + name.len() as u32)
            });
        }
        actor.get(place.0 as usize..place.1 as usize)
    }
}

/// Returns what is known of an entry by its number; lists grow by little, since there is one for each
/// column of each segment that is merged.
#[inline]
pub(super) fn known_place<T: Clone + Default>(known: &mut Vec<T>, number: usize) -> &mut T {
    const STEP: usize = 256;
    if known.len() <= number {
        known.reserve_exact(number + STEP - known.len());
        known.resize(number + 1, T::default());
    }
    &mut known[number]
}

/// Every row of a segment in order, one at a time, as it is stored. Holds one block and one row group's
/// dictionaries.
pub(super) struct StoredStream {
    segment: Arc<Segment>,
    needed: [bool; VALUE_COLUMNS],
    next: u32,
    workspace: usize,
    workspace_end: u32,
    uid: WorkspaceUid,
    small: Option<SmallColumns>,
    pages: BlockPages,
    row_group: Option<usize>,
    dictionaries: [Option<Arc<Entries>>; VALUE_COLUMNS],
    actor_names: ActorNames,
}

impl StoredStream {
    /// Begins before the first row; only the values that some groups need are read.
    pub(super) fn new(segment: Arc<Segment>, groups: GroupSet) -> Self {
        Self {
            segment,
            needed: needed(groups),
            next: 0,
            workspace: 0,
            workspace_end: 0,
            uid: WorkspaceUid([0; 16]),
            small: None,
            pages: Default::default(),
            row_group: None,
            dictionaries: Default::default(),
            actor_names: ActorNames::default(),
        }
    }

    /// Goes to the next row; `false` behind the last one.
    ///
    /// # Errors
    /// A piece is damaged or cannot be read.
    pub(super) fn advance(&mut self) -> Result<bool, SegmentError> {
        let row = self.next;
        if row >= self.segment.rows() {
            self.small = None;
            return Ok(false);
        }
        if row >= self.workspace_end {
            let workspaces = &self.segment.directory.workspaces;
            self.workspace = workspaces.of_row(row);
            self.workspace_end = workspaces.range(self.workspace).rows.end;
            self.uid = workspaces.uid(self.workspace);
        }
        if self.small.as_ref().is_none_or(|small| !small.rows.contains(&row)) {
            let block = self.segment.block_of_row(row);
            self.small = Some(SmallColumns::read(&self.segment, block, Keep::Nothing)?);
            self.load_block(block)?;
        }
        if self.small.as_ref().and_then(|small| small.row(self.uid, row)).is_none() {
            return Err(self.segment.inconsistent(BAD_WORD));
        }
        self.next = row + 1;
        Ok(true)
    }

    fn load_block(&mut self, block: usize) -> Result<(), SegmentError> {
        let row_group = self.segment.directory.group_of_block(block);
        if self.row_group != Some(row_group) {
            self.pages = Default::default();
            self.dictionaries = Default::default();
            self.actor_names.0.clear();
            self.row_group = Some(row_group);
        }
        for place in (0..VALUE_COLUMNS).filter(|place| self.needed[*place]) {
            let column = VALUES[place];
            let known = &mut self.dictionaries[place];
            let loaded = self.segment.load_values(column, block)?;
            let page = self.segment.value_page(block, loaded, |group| {
                if let Some(entries) = known {
                    return Ok(entries.clone());
                }
                let entries = self.segment.load_dictionary(column, group)?;
                Ok(known.insert(entries).clone())
            })?;
            self.pages[place] = Some(page);
        }
        Ok(())
    }

    /// Returns the place in its block of the row that [`StoredStream::advance`] went to, and its small
    /// columns.
    fn here(&self) -> (usize, &SmallColumns) {
        let row = self.next.checked_sub(1).expect("advance was called");
        let small = self.small.as_ref().expect("advance returned true");
        ((row - small.rows.start) as usize, small)
    }

    /// Returns the row that [`StoredStream::advance`] went to, without its values.
    ///
    /// # Panics
    /// As [`StoredStream::stored`].
    fn row(&self) -> Row<'_> {
        let (_, small) = self.here();
        small.row(self.uid, self.next - 1).expect("advance decoded this row")
    }

    /// Returns the row's place in the order of a segment.
    ///
    /// # Panics
    /// As [`StoredStream::stored`].
    pub(super) fn key(&self) -> (WorkspaceUid, i64, u64) {
        let (at, small) = self.here();
        small.key(self.uid, at)
    }

    /// Returns the row that [`StoredStream::advance`] went to.
    ///
    /// # Panics
    /// `advance` was not called, or did not return `true`.
    pub(super) fn stored(&mut self) -> StoredRow<'_> {
        let at = self.here().0;
        let small = self.small.as_ref().expect("advance returned true");
        let row = small.row(self.uid, self.next - 1).expect("advance decoded this row");
        let mut values: Values<'_> = [None; VALUE_COLUMNS];
        let mut codes = NO_CODES;
        for ((value, code), page) in values.iter_mut().zip(&mut codes).zip(&self.pages) {
            if let Some(page) = page {
                (*value, *code) = page.get_with_code(at);
            }
        }
        let actor = Group::Actor.index();
        let actor_name = values[actor].and_then(|value| self.actor_names.of(codes[actor], value));
        StoredRow { row, values, codes, row_group: self.row_group.unwrap_or(0), actor_name }
    }
}

/// Every row of a segment in order, one at a time, with its groups put together.
pub struct RowStream {
    stored: StoredStream,
    groups: GroupSet,
    joiner: Joiner,
    places: Places,
    buffer: Vec<u8>,
}

impl RowStream {
    /// Begins before the first row.
    pub fn new(segment: Arc<Segment>, groups: GroupSet) -> Self {
        let stored = StoredStream::new(segment, groups);
        let (joiner, places) = (Joiner::default(), Places::default());
        Self { stored, groups, joiner, places, buffer: Vec::new() }
    }

    /// Goes to the next row; `false` behind the last one.
    ///
    /// # Errors
    /// A piece is damaged or cannot be read.
    pub fn advance(&mut self) -> Result<bool, SegmentError> {
        if !self.stored.advance()? {
            return Ok(false);
        }
        self.buffer.clear();
        let StoredRow { values, codes, row_group, actor_name, .. } = &self.stored.stored();
        self.joiner.enter(*row_group);
        let buffer = &mut self.buffer;
        self.places = self.joiner.join_row(values, codes, *actor_name, self.groups, buffer);
        Ok(true)
    }

    /// Returns the row that [`RowStream::advance`] went to.
    ///
    /// # Panics
    /// `advance` was not called, or did not return `true`.
    pub fn row(&self) -> Row<'_> {
        with_groups(self.stored.row(), &self.places, &self.buffer)
    }

    /// Returns the same row as it is stored.
    ///
    /// # Panics
    /// As [`RowStream::row`].
    pub(super) fn stored(&mut self) -> StoredRow<'_> {
        self.stored.stored()
    }
}

impl Segment {
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
