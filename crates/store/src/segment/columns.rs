//! Search columns: for each block of rows, the distinct entries of a column and a code for each row.
//!
//! They are made from the codes of the Parquet columns when they are first asked for, and cached: a
//! block whose values have codes has its search columns for nothing.

use hashbrown::HashMap;
use proofbook_event::{Group, GroupBytes};

use super::extract::{FieldColumn, extract};
use super::join::join;
use super::lift::{VALUE_COLUMNS, Values};
use super::page::ValuePage;

/// A search column of one block.
#[derive(Debug, PartialEq, Eq)]
pub enum Column {
    /// Every row's entry is known by its code.
    Coded(CodedColumn),
    /// The block has too many distinct entries; its group has to be read.
    Uncoded,
}

/// The distinct entries of a column in a block and the code of each row.
#[derive(Debug, PartialEq, Eq)]
pub struct CodedColumn {
    group: Group,
    bytes: Vec<u8>,
    /// End of each entry in `bytes`.
    ends: Vec<u32>,
    /// Of each row: 0 for none, else the entry's number + 1.
    codes: Vec<u16>,
}

impl CodedColumn {
    /// Returns the number of distinct entries.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Tells whether no row has an entry.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns an entry: a canonical group value, cut down to what the column holds.
    pub fn entry(&self, number: usize) -> Option<&[u8]> {
        let end = *self.ends.get(number)? as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.bytes.get(start..end)
    }

    /// Yields the entries in the order of their numbers.
    pub fn entries(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|number| self.entry(number))
    }

    /// Returns an entry as the groups of an event that has nothing else.
    pub fn entry_groups(&self, number: usize) -> GroupBytes<'_> {
        let mut groups = GroupBytes::default();
        groups.set(self.group, self.entry(number));
        groups
    }

    /// Returns the number of a row's entry; `row` counts from the block's first row.
    pub fn code(&self, row: usize) -> Option<usize> {
        usize::from(*self.codes.get(row)?).checked_sub(1)
    }

    /// Visits each row with the number of its entry, in order; the fast way through a block.
    pub fn for_each_code(&self, rows: std::ops::Range<usize>, mut visit: impl FnMut(usize, usize)) {
        for (row, code) in self.codes.iter().enumerate().take(rows.end).skip(rows.start) {
            if *code > 0 {
                visit(row, usize::from(*code) - 1);
            }
        }
    }

    fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4 + self.codes.capacity() * 2
    }
}

impl Column {
    /// Returns the column when it is coded.
    pub fn coded(&self) -> Option<&CodedColumn> {
        match self {
            Self::Coded(coded) => Some(coded),
            Self::Uncoded => None,
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.coded().map_or(0, CodedColumn::memory_bytes)
    }

    /// Makes a block's column from the pages of [`FieldColumn::sources`], in that order. A page that is
    /// not coded leaves the column uncoded.
    pub(super) fn of_pages(column: FieldColumn, pages: &[ValuePage], rows: usize) -> Self {
        let mut coded = Vec::with_capacity(pages.len());
        for page in pages {
            let ValuePage::Coded { codes, entries } = page else { return Self::Uncoded };
            coded.push((codes, entries));
        }
        let group = column.group();
        let mut made = CodedColumn {
            group,
            bytes: Vec::new(),
            ends: Vec::new(),
            codes: Vec::with_capacity(rows),
        };
        // What a row's codes lead to, and what an entry's bytes lead to: different values may have the
        // same entry.
        let mut by_codes: HashMap<[u32; 3], u16> = HashMap::new();
        let mut by_entry: HashMap<Vec<u8>, u16> = HashMap::new();
        let (mut joined, mut entry) = (Vec::new(), Vec::new());
        for row in 0..rows {
            let mut key = [0; 3];
            for (part, (codes, _)) in key.iter_mut().zip(&coded) {
                *part = codes.get(row).copied().unwrap_or(0);
            }
            if key[0] == 0 {
                made.codes.push(0);
                continue;
            }
            let number = *by_codes.entry(key).or_insert_with(|| {
                let mut values: Values<'_> = [None; VALUE_COLUMNS];
                for ((code, (_, entries)), place) in key.iter().zip(&coded).zip(column.sources()) {
                    let number = code.checked_sub(1);
                    values[*place] = number.and_then(|number| entries.get(number as usize));
                }
                joined.clear();
                join(group, &values, &mut joined);
                let mut groups = GroupBytes::default();
                groups.set(group, Some(&joined));
                entry.clear();
                extract(column, &groups, &mut entry);
                *by_entry.entry_ref(entry.as_slice()).or_insert_with(|| {
                    made.bytes.extend_from_slice(&entry);
                    made.ends.push(made.bytes.len() as u32);
                    // A block has at most 4,096 rows.
                    made.ends.len() as u16
                })
            });
            made.codes.push(number);
        }
        Self::Coded(made)
    }
}
