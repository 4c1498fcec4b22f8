//! Events by time: buckets of a calendar interval in the reader's zone.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use jiff::{Span, Zoned};
use proofbook_event::{Event, Timestamp};
use proofbook_filter::{Field, ResolvedFilter};
use proofbook_store::segment::GroupSet;

use crate::budget::Budget;
use crate::error::QueryError;
use crate::facets::{FacetValue, values_of};
use crate::limits;
use crate::reader::Reader;

/// The width of a histogram's buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A calendar day.
    Day,
    /// Seven calendar days from Monday.
    Week,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

/// One bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment behind it.
    pub end: Timestamp,
    /// How many events happened in it.
    pub count: u64,
    /// The count by the values of the field to split by, those of [`Histogram::split`] only.
    pub split: Vec<FacetValue>,
}

/// Buckets in ascending order, from the first to the last with events, none left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// The newest buckets, at most [`limits::VALUES_MAX`].
    pub buckets: Vec<Bucket>,
    /// The most frequent values of the field to split by, at most [`limits::SPLIT_VALUES_MAX`].
    pub split: Vec<FacetValue>,
    /// Events before the first bucket.
    pub other: u64,
    /// Whether everything could be read.
    pub complete: bool,
    /// What could not be read.
    pub unread: Vec<String>,
}

impl Interval {
    /// Every interval, narrow to wide.
    pub const ALL: &'static [Self] =
        &[Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    /// Returns the word of the interval.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// Finds the interval of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|interval| interval.as_str() == word)
    }

    /// Returns the narrowest interval that cuts a range into at most `buckets` buckets.
    pub fn fitting(from: Timestamp, to: Timestamp, buckets: u32) -> Self {
        let span = to.micros().saturating_sub(from.micros()).max(0);
        let fits = |interval: &&Self| span / interval.micros_about() < i64::from(buckets.max(1));
        Self::ALL.iter().find(fits).copied().unwrap_or(Self::Year)
    }

    fn micros_about(self) -> i64 {
        const MINUTE: i64 = 60_000_000;
        match self {
            Self::Minute => MINUTE,
            Self::Hour => 60 * MINUTE,
            Self::Day => 24 * 60 * MINUTE,
            Self::Week => 7 * 24 * 60 * MINUTE,
            Self::Month => 30 * 24 * 60 * MINUTE,
            Self::Year => 365 * 24 * 60 * MINUTE,
        }
    }

    fn span(self) -> Span {
        let span = Span::new();
        match self {
            Self::Minute => span.minutes(1),
            Self::Hour => span.hours(1),
            Self::Day => span.days(1),
            Self::Week => span.weeks(1),
            Self::Month => span.months(1),
            Self::Year => span.years(1),
        }
    }

    /// Returns the first moment of the bucket that holds a moment, in its zone.
    fn floor(self, moment: &Zoned) -> Option<Zoned> {
        let rounded = |unit| {
            moment.round(jiff::ZonedRound::new().smallest(unit).mode(jiff::RoundMode::Floor)).ok()
        };
        match self {
            Self::Minute => rounded(jiff::Unit::Minute),
            Self::Hour => rounded(jiff::Unit::Hour),
            Self::Day => moment.start_of_day().ok(),
            Self::Week => {
                let back = i64::from(moment.weekday().to_monday_zero_offset());
                moment.checked_sub(Span::new().days(back)).ok()?.start_of_day().ok()
            }
            Self::Month => moment.first_of_month().ok()?.start_of_day().ok(),
            Self::Year => moment.first_of_year().ok()?.start_of_day().ok(),
        }
    }

    /// Returns the bucket that holds a moment, as first moment and first moment behind.
    fn bucket(self, micros: i64, zone: &TimeZone) -> (i64, i64) {
        let moment = Timestamp::from_micros(micros).in_zone(zone);
        let bounds = self.floor(&moment).and_then(|start| {
            let next = start.checked_add(self.span()).ok()?;
            // A day that begins late (no midnight) must not shift the ones behind it.
            let end = if self.micros_about() >= Self::Day.micros_about() {
                next.start_of_day().ok()?
            } else {
                next
            };
            Some((start.timestamp().as_microsecond(), end.timestamp().as_microsecond()))
        });
        // At the very edge of representable time there is no bucket beside this one.
        bounds.unwrap_or((micros, micros.saturating_add(1)))
    }
}

/// Counts of one bucket.
#[derive(Default)]
struct Counts {
    end: i64,
    count: u64,
    split: HashMap<Box<str>, u64>,
}

impl Reader {
    /// Counts events by when they happened.
    ///
    /// # Errors
    /// The budget ran out, or the field to split by has too many values.
    pub fn histogram(
        &self,
        filter: &ResolvedFilter,
        interval: Interval,
        zone: &TimeZone,
        split: Option<&Field>,
        budget: &Budget<'_>,
    ) -> Result<Histogram, QueryError> {
        let selection = self.select(self.question(filter, u64::MAX), 0, true, budget);
        let groups = GroupSet::of(split.and_then(Field::group));
        let mut buckets: BTreeMap<i64, Counts> = BTreeMap::new();
        let mut distinct = 0;
        selection.for_each_block(&mut |source, block, judged| {
            if judged.rows.is_empty() {
                return Ok(());
            }
            let mut here = (0, 0);
            let mut values = Vec::new();
            let read = source.visit(block, &judged.rows, groups, &mut |_, event| {
                if !(here.0..here.1).contains(&event.occurred_at) {
                    here = interval.bucket(event.occurred_at, zone);
                }
                let counts = buckets.entry(here.0).or_default();
                counts.end = here.1;
                counts.count += 1;
                let Some(field) = split else { return };
                selection.meter.spend(event.groups.bytes_total() as u64);
                if let Ok(event) = Event::from_groups(event.clear(), &event.groups) {
                    values.clear();
                    values_of(field, &event, &mut values);
                    for value in values.drain(..) {
                        *counts.split.entry(value).or_insert_with(|| {
                            distinct += 1;
                            0
                        }) += 1;
                    }
                }
            });
            if let Err(error) = read {
                selection.unread(&error);
            }
            let (spent, limit) = (distinct, limits::DISTINCT_VALUES_MAX as u64);
            if spent > limit {
                return Err(QueryError::OverBudget { what: "distinct values", spent, limit });
            }
            Ok(())
        })?;
        let (complete, unread) = (selection.is_complete(), selection.unread_names());
        let split = most_frequent(&buckets);
        let (buckets, other) = newest(buckets, interval, zone, &split);
        Ok(Histogram { buckets, split, other, complete, unread })
    }
}

fn most_frequent(buckets: &BTreeMap<i64, Counts>) -> Vec<FacetValue> {
    let mut sums: HashMap<&str, u64> = HashMap::new();
    for (value, count) in buckets.values().flat_map(|counts| &counts.split) {
        *sums.entry(value).or_default() += count;
    }
    let mut sums: Vec<FacetValue> = sums
        .into_iter()
        .map(|(value, count)| FacetValue { value: value.to_owned(), count })
        .collect();
    sums.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    sums.truncate(limits::SPLIT_VALUES_MAX);
    sums
}

/// Returns the newest buckets, empty ones between them included, and how many events came before.
fn newest(
    mut counted: BTreeMap<i64, Counts>,
    interval: Interval,
    zone: &TimeZone,
    split: &[FacetValue],
) -> (Vec<Bucket>, u64) {
    let mut buckets: Vec<Bucket> = Vec::new();
    while buckets.len() < limits::VALUES_MAX && !counted.is_empty() {
        let before = buckets.last().map(|bucket: &Bucket| bucket.start.micros());
        let (start, counts) = match before.map(|before| interval.bucket(before - 1, zone)) {
            None => match counted.pop_last() {
                Some(last) => last,
                None => break,
            },
            Some((start, end)) => {
                let counts = counted.remove(&start);
                (start, counts.unwrap_or(Counts { end, ..Counts::default() }))
            }
        };
        let of_value = |value: &FacetValue| FacetValue {
            value: value.value.clone(),
            count: counts.split.get(value.value.as_str()).copied().unwrap_or(0),
        };
        buckets.push(Bucket {
            start: Timestamp::from_micros(start),
            end: Timestamp::from_micros(counts.end),
            count: counts.count,
            split: split.iter().map(of_value).collect(),
        });
    }
    buckets.reverse();
    (buckets, counted.values().map(|counts| counts.count).sum())
}
