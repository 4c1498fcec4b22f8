//! The values of a field with how many events have each.

use proofbook_filter::{Field, ResolvedFilter};

use crate::budget::Budget;
use crate::error::QueryError;
use crate::limits;
use crate::reader::Reader;
use crate::values::Values;

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
        let selection = self.select(self.question(filter, u64::MAX), 0, budget);
        let mut values = Values::new(field, prefix);
        let mut counts: Vec<u64> = Vec::new();
        selection.for_each_block(&mut |source, block, judged| {
            if judged.rows.is_empty() {
                return Ok(());
            }
            let read =
                values.visit(source, block, &judged.rows, &selection.meter, &mut |_, numbers| {
                    for number in numbers {
                        let number = *number as usize;
                        if number >= counts.len() {
                            counts.resize(number + 1, 0);
                        }
                        counts[number] += 1;
                    }
                });
            if let Err(error) = read {
                selection.unread(&error);
            }
            values.check()
        })?;
        // A value has a number from when an entry with it was read, also when no row passed.
        let counted = values.names().iter().zip(counts).filter(|(_, count)| *count > 0);
        let mut values: Vec<FacetValue> = counted
            .map(|(value, count)| FacetValue { value: (**value).to_owned(), count })
            .collect();
        let distinct = values.len() as u64;
        sort_by_count(&mut values);
        let rest = values.split_off(values.len().min(limit.min(limits::VALUES_MAX)));
        let other = rest.iter().map(|value| value.count).sum();
        let (complete, unread) = (selection.is_complete(), selection.unread_names());
        Ok(Facets { values, other, distinct, complete, unread })
    }
}

/// Sorts the most frequent first, then by value.
pub(crate) fn sort_by_count(values: &mut [FacetValue]) {
    values.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
}
