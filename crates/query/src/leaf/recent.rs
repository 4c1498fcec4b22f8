//! A condition decided for recent events.
//!
//! They have no filters. Times, seqs, actions, outcomes and ids are columns. A group's value is asked
//! as an entry of a coded column is, once however many events share it. A word is looked for in all of
//! an event's bytes at once before anything of it is read: what is ASCII throughout has folded to
//! nothing but its lower case.

use proofbook_event::{Group, GroupBytes};
use proofbook_filter::{Field, Predicate, Test};
use proofbook_store::segment::GroupSet;

use crate::block::IdRows;
use crate::budget::Meter;
use crate::found::Stored;
use crate::plan::{Bounds, Decided};
use crate::recent::RecentRows;
use crate::rowset::RowSet;

use super::{Leaf, exact, literal, number_passes, open, text_is_in, with_action};

impl Leaf<'_> {
    /// Decides rows of a block.
    pub(super) fn decide_recent(
        &self,
        recent: &RecentRows,
        ids: &IdRows,
        rows: &RowSet,
    ) -> Decided {
        match self.predicate {
            Predicate::Field { field: Field::Id, any } => {
                let literals: Option<Vec<&str>> = any.iter().map(literal).collect();
                let possible = literals.map_or_else(
                    || rows.clone(),
                    |literals| rows_with_id(recent, ids, &literals, rows),
                );
                open(&possible, Group::Id)
            }
            Predicate::Field { field, any } => self.decide_recent_field(recent, rows, field, any),
            Predicate::Target(_) => open(rows, Group::Targets),
            Predicate::Change(_) => open(rows, Group::Changes),
            // Every event has an action, which is a text.
            Predicate::Text(pattern) if pattern.matches("") => exact(rows.clone()),
            Predicate::Text(_) => {
                let bounds =
                    Bounds { sure: self.with_action(recent, rows), possible: rows.clone() };
                Decided { bounds, groups: GroupSet::ALL, parts: GroupSet::ALL }
            }
        }
    }

    fn decide_recent_field(
        &self,
        recent: &RecentRows,
        rows: &RowSet,
        field: &Field,
        any: &[Test],
    ) -> Decided {
        let events = recent.events();
        let first = events.seqs().start;
        match field {
            Field::Occurred => {
                exact(rows.filtered(|row| number_passes(any, events.occurred_at(row))))
            }
            Field::Recorded => {
                exact(rows.filtered(|row| number_passes(any, events.recorded_at(row))))
            }
            Field::Seq => {
                exact(rows.filtered(|row| number_passes(any, (first + row as u64) as i64)))
            }
            Field::Action => exact(self.with_action(recent, rows)),
            Field::Outcome => exact(rows.filtered(|row| {
                let outcome = recent.columns().outcomes()[row];
                let event = Stored { outcome, ..Stored::nothing() };
                self.is_true_of(&event, &GroupBytes::default())
            })),
            // Conditions about a target or a change are put together when a filter is resolved.
            Field::Target
            | Field::TargetType
            | Field::TargetId
            | Field::TargetName
            | Field::Changed
            | Field::Before
            | Field::After => exact(rows.emptied()),
            _ => match field.group() {
                Some(group) => open(rows, group),
                None => exact(rows.emptied()),
            },
        }
    }

    /// Returns the rows whose action passes.
    fn with_action(&self, recent: &RecentRows, rows: &RowSet) -> RowSet {
        let columns = recent.columns();
        let passes = |word: &str| self.is_true_of(&with_action(word), &GroupBytes::default());
        let passing: Vec<bool> = columns.words().iter().map(|word| passes(word)).collect();
        if !passing.contains(&true) {
            return rows.emptied();
        }
        rows.filtered(|row| passing[usize::from(columns.actions()[row])])
    }

    /// Reads the groups that [`Leaf::decide_recent`] named and returns the rows that pass.
    pub(super) fn read_recent(
        &self,
        recent: &RecentRows,
        rows: &RowSet,
        groups: GroupSet,
        meter: &Meter<'_>,
    ) -> RowSet {
        let (events, columns) = (recent.events(), recent.columns());
        let mut passing = rows.emptied();
        let mut bytes = 0;
        for row in rows.iter() {
            let event = events.event(row);
            bytes += event.bytes().len();
            if let Predicate::Text(pattern) = self.predicate
                && columns.is_ascii(row)
                && !pattern.may_be_among_ascii(event.bytes())
            {
                continue;
            }
            let parts = event.parts();
            let mut present = parts.groups.present().filter(|(group, _)| groups.contains(*group));
            let passes = present.any(|(group, value)| match self.predicate {
                // Texts of different events are seldom alike.
                Predicate::Text(pattern) => text_is_in(pattern, value),
                _ => self.may_pass(value) && self.entry_passes(group, value),
            });
            if passes {
                passing.insert(row);
            }
        }
        meter.spend(bytes as u64);
        passing
    }
}

/// Returns the rows whose event may have one of some ids.
fn rows_with_id(recent: &RecentRows, ids: &IdRows, literals: &[&str], rows: &RowSet) -> RowSet {
    let mut found = rows.emptied();
    for id in literals {
        recent.columns().with_id(ids.hash(id)).for_each(|row| found.insert(row));
    }
    found.keep(rows);
    found
}
