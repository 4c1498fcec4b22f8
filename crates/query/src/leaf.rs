//! One condition of a filter, decided for a block by what the block keeps for searching.
//!
//! - Times, seqs, actions and outcomes are columns: exact.
//! - A coded search column has each distinct entry once, cut down to what the language reads; the
//!   condition is asked of the entry as of an event that has nothing else: exact.
//! - An uncoded column, a value before or after a change, and any bare word go through the block's
//!   text filters, which say "no" for certain, or leave the rows open.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use proofbook_event::{Event, Group, GroupBytes, Outcome, Value};
use proofbook_filter::{Clause, Condition, Field, Predicate, Test, TextPattern};
use proofbook_store::segment::{
    BlockNumbers, BlockWords, Column, FieldColumn, GroupSet, SegmentError, TextFinder, Words,
};

use crate::block::{Block, PackedBlock};
use crate::budget::Meter;
use crate::found::Stored;
use crate::limits::{VALUE_BYTES_MAX, VERDICTS_MAX};
use crate::page_filter::PageFilter;
use crate::plan::{Bounds, Decided};
use crate::reading::Reading;
use crate::rowset::RowSet;

mod recent;

/// One condition, and what is known of the entries it was asked of.
pub(crate) struct Leaf<'q> {
    predicate: &'q Predicate,
    /// Entries come again from block to block.
    verdicts: RefCell<HashMap<Box<[u8]>, bool>>,
    /// Which of the words pass that were met last; many blocks share them.
    passing_words: RefCell<Option<(Words, Rc<[bool]>)>>,
    filter: OnceCell<PageFilter>,
    finder: RefCell<TextFinder>,
}

impl<'q> Leaf<'q> {
    pub(crate) fn new(predicate: &'q Predicate) -> Self {
        Self {
            predicate,
            verdicts: RefCell::default(),
            passing_words: RefCell::default(),
            filter: OnceCell::new(),
            finder: RefCell::default(),
        }
    }

    /// Tells whether [`Leaf::decide`] may leave rows open.
    pub(crate) fn may_read_values(&self) -> bool {
        match self.predicate {
            Predicate::Field { field, .. } => {
                !matches!(field, Field::Action | Field::Outcome) && field.group().is_some()
            }
            Predicate::Target(_) | Predicate::Change(_) | Predicate::Text(_) => true,
        }
    }

    /// Decides rows of a block; the answer may speak of further rows.
    pub(crate) fn decide(&self, block: &Block<'_>, rows: &RowSet) -> Result<Decided, SegmentError> {
        let block = match block {
            Block::Packed(block) => block,
            Block::Recent(recent, ids) => return Ok(self.decide_recent(recent, ids, rows)),
        };
        match self.predicate {
            Predicate::Field { field, any } => self.decide_field(block, rows, field, any),
            Predicate::Target(clauses) => self.decide_target(block, rows, clauses),
            Predicate::Change(clauses) => self.decide_change(block, rows, clauses),
            Predicate::Text(pattern) => self.decide_text(block, rows, pattern),
        }
    }

    /// Reads the groups that [`Leaf::decide`] named and returns the rows that pass.
    pub(crate) fn read(
        &self,
        block: &Block<'_>,
        rows: &RowSet,
        decided: &Decided,
        meter: &Meter<'_>,
    ) -> Result<RowSet, SegmentError> {
        let Decided { groups, parts, .. } = *decided;
        let block = match block {
            Block::Packed(block) => block,
            Block::Recent(recent, _) => return Ok(self.read_recent(recent, rows, groups, meter)),
        };
        let filter = self.filter.get_or_init(|| PageFilter::new(self.predicate));
        let reading = Reading { block: block.columns, filter, groups, parts };
        let (passing, bytes) = match self.predicate {
            Predicate::Text(pattern) => {
                let finder = &mut self.finder.borrow_mut();
                reading.texts(rows, finder, &|text| pattern.matches(text))?
            }
            _ => reading.rows(rows, &|group, value| {
                self.may_pass(value) && self.entry_passes(group, value)
            })?,
        };
        meter.spend(bytes);
        Ok(passing)
    }

    fn is_true_of(&self, event: &Stored<'_>, groups: &GroupBytes<'_>) -> bool {
        Event::from_groups(event.clear(), groups).is_ok_and(|event| self.predicate.matches(&event))
    }

    fn decide_field(
        &self,
        block: &PackedBlock<'_>,
        rows: &RowSet,
        field: &Field,
        any: &[Test],
    ) -> Result<Decided, SegmentError> {
        let (segment, number) = (block.columns.segment, block.columns.number);
        let numbers = |numbers: BlockNumbers| {
            exact(rows.filtered(|row| number_passes(any, numbers.get(row))))
        };
        let column = match field {
            Field::Occurred => return Ok(numbers(segment.occurred_at(number)?)),
            Field::Recorded => return Ok(numbers(segment.recorded_at(number)?)),
            Field::Seq => return Ok(numbers(segment.seqs(number)?)),
            Field::Action => {
                return Ok(exact(self.words(&segment.actions(number)?, rows, with_action)));
            }
            Field::Outcome => {
                return Ok(exact(self.words(&segment.outcomes(number)?, rows, with_outcome)));
            }
            Field::Id => {
                let literals: Option<Vec<&str>> = any.iter().map(literal).collect();
                let Some(ids) = literals else { return self.open_field(block, rows, field, any) };
                let mut possible = rows.emptied();
                for id in ids {
                    possible.add(&block.rows_with_id(id, rows)?);
                }
                return Ok(open(&possible, Group::Id));
            }
            Field::Request => return self.open_field(block, rows, field, any),
            Field::Actor
            | Field::ActorId
            | Field::ActorName
            | Field::ActorEmail
            | Field::ActorType
            | Field::OnBehalfOf
            | Field::Via => FieldColumn::Actor,
            Field::Module | Field::Verb | Field::Severity => FieldColumn::Described,
            Field::Ip | Field::Country => FieldColumn::Place,
            Field::Session => FieldColumn::Session,
            Field::Source => FieldColumn::Source,
            Field::Meta(_) => FieldColumn::Metadata,
            Field::Target
            | Field::TargetType
            | Field::TargetId
            | Field::TargetName
            | Field::Changed
            | Field::Before
            | Field::After => return Ok(exact(rows.emptied())),
        };
        match &*block.column(column)? {
            Column::Coded(_) => self.coded(block, column, rows),
            Column::Uncoded => self.open_field(block, rows, field, any),
        }
    }

    /// Decides by the text filters: the rows are open, or none passes.
    fn open_field(
        &self,
        block: &PackedBlock<'_>,
        rows: &RowSet,
        field: &Field,
        any: &[Test],
    ) -> Result<Decided, SegmentError> {
        let Some(group) = field.group() else { return Ok(exact(rows.emptied())) };
        let hashed =
            !matches!(field, Field::Meta(_) | Field::Module | Field::Verb | Field::Severity);
        for test in any {
            if test_may_pass(block, field, test, group, hashed)? {
                return Ok(open(rows, group));
            }
        }
        Ok(exact(rows.emptied()))
    }

    fn decide_target(
        &self,
        block: &PackedBlock<'_>,
        rows: &RowSet,
        clauses: &[Clause],
    ) -> Result<Decided, SegmentError> {
        if block.column(FieldColumn::Targets)?.coded().is_some() {
            return self.coded(block, FieldColumn::Targets, rows);
        }
        let is_of_type =
            |clause: &Clause| clause.iter().all(|condition| condition.field == Field::TargetType);
        if clauses.iter().all(is_of_type)
            && block.column(FieldColumn::TargetTypes)?.coded().is_some()
        {
            return self.coded(block, FieldColumn::TargetTypes, rows);
        }
        for clause in clauses {
            if !clause_may_pass(block, clause, Group::Targets, true)? {
                return Ok(exact(rows.emptied()));
            }
        }
        Ok(open(rows, Group::Targets))
    }

    fn decide_change(
        &self,
        block: &PackedBlock<'_>,
        rows: &RowSet,
        clauses: &[Clause],
    ) -> Result<Decided, SegmentError> {
        let is_of_path =
            |clause: &&Clause| clause.iter().all(|condition| condition.field == Field::Changed);
        let paths: Vec<Clause> = clauses.iter().filter(is_of_path).cloned().collect();
        for clause in clauses.iter().filter(|clause| !is_of_path(clause)) {
            if !clause_may_pass(block, clause, Group::Changes, false)? {
                return Ok(exact(rows.emptied()));
            }
        }
        if block.column(FieldColumn::Changed)?.coded().is_none() {
            return Ok(open(rows, Group::Changes));
        }
        if paths.len() == clauses.len() {
            return self.coded(block, FieldColumn::Changed, rows);
        }
        // One change must pass everything; that some change passes the paths is a bound of it. Without
        // paths the bound is that there is a change at all.
        let bound = Predicate::Change(paths);
        let decided = Leaf::new(&bound).coded(block, FieldColumn::Changed, rows)?;
        Ok(open(&decided.bounds.possible, Group::Changes))
    }

    fn decide_text(
        &self,
        block: &PackedBlock<'_>,
        rows: &RowSet,
        pattern: &TextPattern,
    ) -> Result<Decided, SegmentError> {
        if pattern.matches("") {
            // Every event has an action, which is a text.
            return Ok(exact(rows.clone()));
        }
        let (segment, number) = (block.columns.segment, block.columns.number);
        // Which rows have an action is read only where one of the names passes.
        let passing = self.passing_words(&segment.action_words(number)?, with_action);
        let mut sure = match passing.contains(&true) {
            true => self.words(&segment.actions(number)?, rows, with_action),
            false => rows.emptied(),
        };
        let (mut groups, mut parts) = (GroupSet::ALL, GroupSet::NONE);
        for part in pattern.segments() {
            let with_part = block.groups_with(part)?;
            groups = groups.intersection(with_part);
            parts = parts.union(with_part);
            if groups.is_empty() {
                return Ok(exact(sure));
            }
        }
        for (group, column) in
            [(Group::Actor, FieldColumn::Actor), (Group::Targets, FieldColumn::Targets)]
        {
            // These columns hold their groups whole, so what they do not have is not there.
            if groups.contains(group) && block.column(column)?.coded().is_some() {
                sure.add(&self.coded(block, column, rows)?.bounds.sure);
                groups = groups.without(group);
            }
        }
        let possible = if groups.is_empty() { sure.clone() } else { rows.clone() };
        Ok(Decided { bounds: Bounds { sure, possible }, groups, parts })
    }

    /// Decides by a coded column.
    fn coded(
        &self,
        block: &PackedBlock<'_>,
        column: FieldColumn,
        rows: &RowSet,
    ) -> Result<Decided, SegmentError> {
        let decoded = block.column(column)?;
        let Some(coded) = decoded.coded() else { return Ok(open(rows, column.group())) };
        // Asked when a row has it: a block holds entries of other workspaces too.
        let mut verdicts: Vec<Option<bool>> = vec![None; coded.len()];
        let mut found = rows.emptied();
        coded.for_each_code(rows.bounds(), |row, code| {
            if !rows.contains(row) {
                return;
            }
            let passes = *verdicts[code].get_or_insert_with(|| {
                let entry = coded.entry(code).unwrap_or_default();
                self.may_pass(entry) && self.entry_passes(column.group(), entry)
            });
            if passes {
                found.insert(row);
            }
        });
        Ok(exact(found))
    }

    /// Asks of a group's value, or of what a column keeps of it.
    fn entry_passes(&self, group: Group, entry: &[u8]) -> bool {
        if let Some(known) = self.verdicts.borrow().get(entry) {
            return *known;
        }
        let passes = match self.predicate {
            Predicate::Text(pattern) => text_is_in(pattern, entry),
            _ => {
                let mut groups = GroupBytes::default();
                groups.set(group, Some(entry));
                self.is_true_of(&Stored::nothing(), &groups)
            }
        };
        let mut verdicts = self.verdicts.borrow_mut();
        if verdicts.len() < VERDICTS_MAX && entry.len() <= VALUE_BYTES_MAX {
            verdicts.insert(entry.into(), passes);
        }
        passes
    }

    /// Looks at JSON without parsing it; `false` is certain.
    fn may_pass(&self, json: &[u8]) -> bool {
        let may_pass = |field: &Field, test: &Test| match test {
            Test::Text(pattern) => pattern.may_be_in_json(json) || is_of_nameless(field, pattern),
            Test::TypeAndId(kind, id) => kind.may_be_in_json(json) && id.may_be_in_json(json),
            _ => true,
        };
        match self.predicate {
            Predicate::Text(pattern) => pattern.may_be_in_json(json),
            Predicate::Field { field, any } => any.iter().any(|test| may_pass(field, test)),
            Predicate::Target(clauses) | Predicate::Change(clauses) => {
                let one = |condition: &Condition| may_pass(&condition.field, &condition.test);
                clauses.iter().all(|clause| clause.iter().any(one))
            }
        }
    }

    /// Returns the rows whose word passes.
    fn words(&self, words: &BlockWords, rows: &RowSet, event: fn(&str) -> Stored<'_>) -> RowSet {
        let passing = self.passing_words(words.words(), event);
        let mut found = rows.emptied();
        if passing.contains(&true) {
            let bounds = rows.bounds();
            found.insert_passing(bounds.start, &words.codes()[bounds], &passing);
        }
        found
    }

    /// Tells of each word whether it passes.
    fn passing_words(&self, words: &Words, event: fn(&str) -> Stored<'_>) -> Rc<[bool]> {
        if let Some((known, passing)) = &*self.passing_words.borrow()
            && known.is(words)
        {
            return passing.clone();
        }
        let passes = |word| self.is_true_of(&event(word), &GroupBytes::default());
        let passing: Rc<[bool]> = words.iter().map(passes).collect();
        *self.passing_words.borrow_mut() = Some((words.clone(), passing.clone()));
        passing
    }
}

fn with_action(word: &str) -> Stored<'_> {
    Stored { action: word, ..Stored::nothing() }
}

fn with_outcome(word: &str) -> Stored<'_> {
    Stored { outcome: Outcome::parse(word).unwrap_or(Outcome::Success), ..Stored::nothing() }
}

fn exact(rows: RowSet) -> Decided {
    Decided { bounds: Bounds::exact(rows), groups: GroupSet::NONE, parts: GroupSet::NONE }
}

fn open(rows: &RowSet, group: Group) -> Decided {
    Decided { bounds: Bounds::open(rows), groups: GroupSet::NONE.with(group), parts: GroupSet::ALL }
}

/// Tells whether a time or seq passes one of some tests.
fn number_passes(any: &[Test], number: i64) -> bool {
    any.iter().any(|test| match test {
        Test::Times(range) | Test::Seqs(range) => range.contains(number),
        Test::Present => true,
        _ => false,
    })
}

fn literal(test: &Test) -> Option<&str> {
    match test {
        Test::Text(pattern) => pattern.literal(),
        _ => None,
    }
}

fn text_is_in(pattern: &TextPattern, json: &[u8]) -> bool {
    if !pattern.may_be_in_json(json) {
        return false;
    }
    let mut found = false;
    if let Ok(value) = Value::parse(json) {
        value.for_each_text(&mut |text| found |= pattern.matches(text));
    }
    found
}

/// A system without a name reads "System", which stands nowhere in its bytes.
fn is_of_nameless(field: &Field, pattern: &TextPattern) -> bool {
    matches!(field, Field::Actor | Field::OnBehalfOf) && pattern.matches("System")
}

fn clause_may_pass(
    block: &PackedBlock<'_>,
    clause: &Clause,
    group: Group,
    hashed: bool,
) -> Result<bool, SegmentError> {
    for Condition { field, test } in clause {
        if test_may_pass(block, field, test, group, hashed)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tells whether a block may hold a string value that passes; `false` is certain. `hashed` says that
/// the block's filter of whole values knows the field's.
fn test_may_pass(
    block: &PackedBlock<'_>,
    field: &Field,
    test: &Test,
    group: Group,
    hashed: bool,
) -> Result<bool, SegmentError> {
    let pattern = match test {
        Test::Text(pattern) | Test::TypeAndId(_, pattern) => pattern,
        // Numbers, booleans and null are no strings and in no filter.
        Test::Scalar { text, number: None }
            if text.literal().is_some()
                && !["true", "false", "null"].iter().any(|word| text.matches(word)) =>
        {
            text
        }
        _ => return Ok(true),
    };
    if is_of_nameless(field, pattern) {
        return Ok(true);
    }
    if hashed && let Some(value) = pattern.literal() {
        return block.may_have_value(value);
    }
    for part in pattern.segments().filter(|part| !part.is_empty()) {
        if !block.groups_with(part)?.contains(group) {
            return Ok(false);
        }
    }
    Ok(true)
}
