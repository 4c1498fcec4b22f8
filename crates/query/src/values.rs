//! The values of a field by row, numbered so that counting them is adding to a list.
//!
//! A value of a group, or a coded column's entry, is read once a query, however many rows and blocks
//! have it.

use std::collections::HashMap;
use std::rc::Rc;

use proofbook_event::{Event, Group, GroupBytes};
use proofbook_filter::{Field, fold};
use proofbook_store::segment::{BlockWords, CodedColumn, FieldColumn, SegmentError};

use crate::budget::Meter;
use crate::error::QueryError;
use crate::found::Stored;
use crate::limits;
use crate::rowset::RowSet;
use crate::source::Source;

/// Numbers of values.
type Numbers = Rc<[u32]>;

/// The values of one field.
pub(crate) struct Values<'f> {
    field: &'f Field,
    /// Folded; values that begin otherwise have no number.
    prefix: Option<String>,
    names: Vec<Box<str>>,
    numbers: HashMap<Box<str>, Option<u32>>,
    of_value: HashMap<Box<[u8]>, Numbers>,
}

impl<'f> Values<'f> {
    pub(crate) fn new(field: &'f Field, prefix: Option<&str>) -> Self {
        let prefix = prefix.filter(|prefix| !prefix.is_empty());
        Self {
            field,
            prefix: prefix.map(|prefix| fold(prefix).into_owned()),
            names: Vec::new(),
            numbers: HashMap::new(),
            of_value: HashMap::new(),
        }
    }

    /// Returns the values by number.
    pub(crate) fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// Fails when there are too many values.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        let (spent, limit) = (self.numbers.len() as u64, limits::DISTINCT_VALUES_MAX as u64);
        if spent > limit {
            return Err(QueryError::OverBudget { what: "distinct values", spent, limit });
        }
        Ok(())
    }

    /// Visits rows of a block, ascending, with the numbers of their values; rows that have none may be
    /// left out.
    pub(crate) fn visit(
        &mut self,
        source: &Source,
        block: usize,
        rows: &RowSet,
        meter: &Meter<'_>,
        visit: &mut dyn FnMut(usize, &[u32]),
    ) -> Result<(), SegmentError> {
        if let Some(packed) = source.packed_block(block) {
            match self.field {
                // The description group has the names of unlisted actions only.
                Field::Action => {
                    let words = packed.segment.actions(packed.number)?;
                    self.visit_words(&words, rows, visit);
                    return Ok(());
                }
                Field::Outcome => {
                    let words = packed.segment.outcomes(packed.number)?;
                    self.visit_words(&words, rows, visit);
                    return Ok(());
                }
                _ => {}
            }
            for key in columns_of(self.field) {
                let column = packed.column(*key)?;
                if let Some(coded) = column.coded() {
                    self.visit_coded(coded, key.group(), rows, visit);
                    return Ok(());
                }
            }
        }
        if let Some(recent) = source.recent_block(block) {
            let columns = recent.columns();
            match self.field {
                Field::Action => {
                    let numbers: Vec<Option<u32>> =
                        columns.words().iter().map(|word| self.number(word)).collect();
                    for row in rows.iter() {
                        if let Some(number) = numbers[usize::from(columns.actions()[row])] {
                            visit(row, &[number]);
                        }
                    }
                    return Ok(());
                }
                Field::Outcome => {
                    for row in rows.iter() {
                        if let Some(number) = self.number(columns.outcomes()[row].as_str()) {
                            visit(row, &[number]);
                        }
                    }
                    return Ok(());
                }
                _ => {}
            }
        }
        match self.field.group().filter(|_| *self.field != Field::Action) {
            Some(group) => source.for_each_value(block, rows, group, &mut |row, value| {
                meter.spend(value.len() as u64);
                let numbers = self.of_value(group, value);
                visit(row, &numbers);
            }),
            None => source.for_each_row(block, rows, &mut |row, event| {
                let numbers = self.of_event(event, &GroupBytes::default());
                visit(row, &numbers);
            }),
        }
    }

    fn visit_words(
        &mut self,
        words: &BlockWords,
        rows: &RowSet,
        visit: &mut dyn FnMut(usize, &[u32]),
    ) {
        let numbers: Vec<Option<u32>> =
            words.words().iter().map(|word| self.number(word)).collect();
        for row in rows.iter() {
            if let Some(number) = numbers[words.codes()[row] as usize] {
                visit(row, &[number]);
            }
        }
    }

    fn visit_coded(
        &mut self,
        coded: &CodedColumn,
        group: Group,
        rows: &RowSet,
        visit: &mut dyn FnMut(usize, &[u32]),
    ) {
        let mut numbers: Vec<Option<Numbers>> = vec![None; coded.len()];
        coded.for_each_code(rows.bounds(), |row, code| {
            if rows.contains(row) {
                let numbers = numbers[code].get_or_insert_with(|| {
                    self.of_value(group, coded.entry(code).unwrap_or_default())
                });
                visit(row, numbers);
            }
        });
    }

    /// Returns the numbers of what a group's value, or what a column keeps of it, has of the field.
    fn of_value(&mut self, group: Group, value: &[u8]) -> Numbers {
        if let Some(known) = self.of_value.get(value) {
            return known.clone();
        }
        let mut groups = GroupBytes::default();
        groups.set(group, Some(value));
        let numbers = self.of_event(&Stored::nothing(), &groups);
        if self.of_value.len() < limits::VERDICTS_MAX && value.len() <= limits::VALUE_BYTES_MAX {
            self.of_value.insert(value.into(), numbers.clone());
        }
        numbers
    }

    fn of_event(&mut self, event: &Stored<'_>, groups: &GroupBytes<'_>) -> Numbers {
        let Ok(event) = Event::from_groups(event.clear(), groups) else { return [].into() };
        let mut numbers = Vec::new();
        let field = self.field;
        field.values(&event, &mut |value| {
            if let Some(number) = self.number(value)
                && !numbers.contains(&number)
            {
                numbers.push(number);
            }
        });
        numbers.into()
    }

    /// Returns a value's number; `None` when it is not wanted.
    fn number(&mut self, value: &str) -> Option<u32> {
        let value = cut(value);
        if let Some(known) = self.numbers.get(value) {
            return *known;
        }
        let is_wanted =
            self.prefix.as_ref().is_none_or(|prefix| fold(value).starts_with(prefix.as_str()));
        let number = is_wanted.then_some(self.names.len() as u32);
        if is_wanted {
            self.names.push(value.into());
        }
        self.numbers.insert(value.into(), number);
        number
    }
}

/// Cuts a long value at a character.
fn cut(value: &str) -> &str {
    let mut end = value.len().min(limits::VALUE_BYTES_MAX);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    &value[..end]
}

/// Returns the columns whose entries have every value of a field, best first.
fn columns_of(field: &Field) -> &'static [FieldColumn] {
    match field {
        Field::Actor
        | Field::ActorId
        | Field::ActorName
        | Field::ActorEmail
        | Field::ActorType
        | Field::OnBehalfOf
        | Field::Via => &[FieldColumn::Actor],
        Field::Module | Field::Verb | Field::Severity => &[FieldColumn::Described],
        Field::Ip | Field::Country => &[FieldColumn::Place],
        Field::Session => &[FieldColumn::Session],
        Field::Source => &[FieldColumn::Source],
        Field::Meta(_) => &[FieldColumn::Metadata],
        Field::Changed => &[FieldColumn::Changed],
        Field::TargetType => &[FieldColumn::Targets, FieldColumn::TargetTypes],
        Field::Target | Field::TargetId | Field::TargetName => &[FieldColumn::Targets],
        Field::Action
        | Field::Outcome
        | Field::Before
        | Field::After
        | Field::Occurred
        | Field::Recorded
        | Field::Seq
        | Field::Id
        | Field::Request => &[],
    }
}
