//! The values of a field with how many events have each.

use std::collections::HashMap;

use proofbook_event::Event;
use proofbook_filter::{Field, ResolvedFilter, fold};
use proofbook_store::segment::GroupSet;

use crate::budget::Budget;
use crate::error::QueryError;
use crate::limits;
use crate::reader::Reader;

/// One value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetValue {
    /// The value; put behind the field in quotes it finds these events again.
    pub value: String,
    /// How many events have it.
    pub count: u64,
}

/// The values of a field, the most frequent first, then by value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facets {
    /// The values.
    pub values: Vec<FacetValue>,
    /// Sum of the counts of all further values.
    pub other: u64,
    /// How many different values there are, shown or not.
    pub distinct: u64,
    /// Whether everything could be read.
    pub complete: bool,
    /// What could not be read.
    pub unread: Vec<String>,
}

impl Reader {
    /// Counts events by the values of a field, an event once for each of its values.
    ///
    /// Values are those whose folded form begins with the folded `prefix`. At most `limit` come back,
    /// and never more than [`limits::VALUES_MAX`].
    ///
    /// # Errors
    /// The budget ran out, or there are more than [`limits::DISTINCT_VALUES_MAX`] values.
    pub fn facets(
        &self,
        filter: &ResolvedFilter,
        field: &Field,
        prefix: Option<&str>,
        limit: usize,
        budget: &Budget<'_>,
    ) -> Result<Facets, QueryError> {
        let selection = self.select(self.question(filter, u64::MAX), 0, true, budget);
        let mut tally = Tally::new(prefix);
        let groups = GroupSet::of(field.group());
        selection.for_each_block(&mut |source, block, judged| {
            if judged.rows.is_empty() {
                return Ok(());
            }
            let mut values = Vec::new();
            let read = source.visit(block, &judged.rows, groups, &mut |_, event| {
                selection.meter.spend(event.groups.bytes_total() as u64);
                if let Ok(event) = Event::from_groups(event.clear(), &event.groups) {
                    values.clear();
                    values_of(field, &event, &mut values);
                    tally.add(&values, 1);
                }
            });
            if let Err(error) = read {
                selection.unread(&error);
            }
            tally.check()
        })?;
        let (values, other, distinct) = tally.finish(limit);
        let (complete, unread) = (selection.is_complete(), selection.unread_names());
        Ok(Facets { values, other, distinct, complete, unread })
    }
}

/// Collects the different values of a field in one event.
pub(crate) fn values_of(field: &Field, event: &Event<'_>, values: &mut Vec<Box<str>>) {
    field.values(event, &mut |value| {
        let cut = value.floor_char_boundary(value.len().min(limits::VALUE_BYTES_MAX));
        if !values.iter().any(|known| **known == value[..cut]) {
            values.push(value[..cut].into());
        }
    });
}

/// Counts of values.
pub(crate) struct Tally {
    prefix: Option<String>,
    counts: HashMap<Box<str>, u64>,
}

impl Tally {
    pub(crate) fn new(prefix: Option<&str>) -> Self {
        let prefix = prefix.filter(|prefix| !prefix.is_empty());
        Self { prefix: prefix.map(|prefix| fold(prefix).into_owned()), counts: HashMap::new() }
    }

    /// Counts `events` events that have these values.
    pub(crate) fn add(&mut self, values: &[Box<str>], events: u64) {
        for value in values {
            if self.prefix.as_ref().is_some_and(|prefix| !fold(value).starts_with(prefix.as_str()))
            {
                continue;
            }
            match self.counts.get_mut(value) {
                Some(count) => *count += events,
                None => {
                    self.counts.insert(value.clone(), events);
                }
            }
        }
    }

    /// Fails when there are too many values.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        let (spent, limit) = (self.counts.len(), limits::DISTINCT_VALUES_MAX);
        if spent > limit {
            let (spent, limit) = (spent as u64, limit as u64);
            return Err(QueryError::OverBudget { what: "distinct values", spent, limit });
        }
        Ok(())
    }

    /// Returns the most frequent values, the sum of the rest, and how many there are.
    pub(crate) fn finish(self, limit: usize) -> (Vec<FacetValue>, u64, u64) {
        let distinct = self.counts.len() as u64;
        let mut values: Vec<FacetValue> = self
            .counts
            .into_iter()
            .map(|(value, count)| FacetValue { value: value.into(), count })
            .collect();
        values.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        let rest = values.split_off(values.len().min(limit.min(limits::VALUES_MAX)));
        (values, rest.iter().map(|value| value.count).sum(), distinct)
    }
}
