//! Events by time: buckets of a calendar interval in the reader's zone.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Span, Zoned};
use proofbook_event::Timestamp;
use proofbook_filter::{Field, ResolvedFilter};

use crate::budget::Budget;
use crate::error::QueryError;
use crate::facets::FacetValue;
use crate::limits;
use crate::reader::Reader;
use crate::values::Values;

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

/// Counts of the buckets that have events.
#[derive(Default)]
struct Counting {
    /// By first moment.
    places: BTreeMap<i64, usize>,
    buckets: Vec<Counts>,
}

/// Counts of one bucket.
#[derive(Default)]
struct Counts {
    end: i64,
    count: u64,
    /// By the number of the value.
    split: Vec<u64>,
}

impl Counting {
    fn place(&mut self, start: i64, end: i64) -> usize {
        *self.places.entry(start).or_insert_with(|| {
            self.buckets.push(Counts { end, ..Counts::default() });
            self.buckets.len() - 1
        })
    }
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
        let selection = self.select(self.question(filter, u64::MAX), 0, budget);
        let mut counting = Counting::default();
        let mut values = split.map(|field| Values::new(field, None));
        // Of the block that is read: the bucket of each row.
        let mut places: Vec<usize> = Vec::new();
        selection.for_each_block(&mut |source, block, judged| {
            let mut here = (0, 0, 0);
            places.clear();
            let read = source.for_each_key(block, &judged.rows, &mut |row, occurred_at, _| {
                if !(here.0..here.1).contains(&occurred_at) {
                    let (start, end) = interval.bucket(occurred_at, zone);
                    here = (start, end, counting.place(start, end));
                }
                counting.buckets[here.2].count += 1;
                places.resize(row + 1, here.2);
            });
            let split = read.and_then(|()| match &mut values {
                None => Ok(()),
                Some(values) => values.visit(
                    source,
                    block,
                    &judged.rows,
                    &selection.meter,
                    &mut |row, numbers| {
                        let split = &mut counting.buckets[places[row]].split;
                        for number in numbers {
                            let number = *number as usize;
                            if number >= split.len() {
                                split.resize(number + 1, 0);
                            }
                            split[number] += 1;
                        }
                    },
                ),
            });
            if let Err(error) = split {
                selection.unread(&error);
            }
            values.as_ref().map_or(Ok(()), Values::check)
        })?;
        let (complete, unread) = (selection.is_complete(), selection.unread_names());
        let names = values.as_ref().map_or(&[][..], Values::names);
        let split = most_frequent(&counting.buckets, names);
        let shown: Vec<usize> = split.iter().map(|(number, _)| *number).collect();
        let (buckets, other) = newest(counting, interval, zone, &shown, names);
        let split = split.into_iter().map(|(_, value)| value).collect();
        Ok(Histogram { buckets, split, other, complete, unread })
    }
}

/// Returns the values that most events have over all buckets, with their numbers.
fn most_frequent(buckets: &[Counts], names: &[Box<str>]) -> Vec<(usize, FacetValue)> {
    let mut sums = vec![0; names.len()];
    for (number, count) in buckets.iter().flat_map(|counts| counts.split.iter().enumerate()) {
        sums[number] += count;
    }
    let mut sums: Vec<(usize, FacetValue)> = names
        .iter()
        .zip(sums)
        .map(|(value, count)| FacetValue { value: (**value).to_owned(), count })
        .enumerate()
        .filter(|(_, value)| value.count > 0)
        .collect();
    sums.sort_unstable_by(|(_, a), (_, b)| {
        b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value))
    });
    sums.truncate(limits::SPLIT_VALUES_MAX);
    sums
}

/// Returns the newest buckets, empty ones between them included, and how many events came before.
fn newest(
    mut counting: Counting,
    interval: Interval,
    zone: &TimeZone,
    shown: &[usize],
    names: &[Box<str>],
) -> (Vec<Bucket>, u64) {
    let mut buckets: Vec<Bucket> = Vec::new();
    while buckets.len() < limits::VALUES_MAX && !counting.places.is_empty() {
        let before = buckets.last().map(|bucket: &Bucket| bucket.start.micros());
        let (start, counts) = match before.map(|before| interval.bucket(before - 1, zone)) {
            None => match counting.places.pop_last() {
                Some((start, place)) => (start, std::mem::take(&mut counting.buckets[place])),
                None => break,
            },
            Some((start, end)) => match counting.places.remove(&start) {
                Some(place) => (start, std::mem::take(&mut counting.buckets[place])),
                None => (start, Counts { end, ..Counts::default() }),
            },
        };
        let of_value = |number: &usize| FacetValue {
            value: (*names[*number]).to_owned(),
            count: counts.split.get(*number).copied().unwrap_or(0),
        };
        buckets.push(Bucket {
            start: Timestamp::from_micros(start),
            end: Timestamp::from_micros(counts.end),
            count: counts.count,
            split: shown.iter().map(of_value).collect(),
        });
    }
    buckets.reverse();
    (buckets, counting.places.values().map(|place| counting.buckets[*place].count).sum())
}
