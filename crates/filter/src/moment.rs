//! Times as a filter writes them: dates of any precision, RFC 3339 times, and relative times.
//!
//! | form | means |
//! |---|---|
//! | `2026`, `2026-11`, `2026-11-22` | the whole year, month or day in the reader's zone |
//! | `2026-11-22T09`, `…T09:30` | the whole hour or minute in the reader's zone |
//! | `…T09:30:00`, `…T09:30:00.5` | a moment; `Z` or an offset may follow a time with minutes |
//! | `today`, `yesterday` | a whole day in the reader's zone |
//! | `now`, `now-7d`, `now+1h` | a moment; `m h d w` are fixed lengths (`d` is 24 h), `M y` calendar months and years in UTC |
//!
//! Invariant: an expression that parsed resolves to times between the years 1 and 9999, clamped.

use std::fmt;

use jiff::civil;
use jiff::tz::TimeZone;
use proofbook_event::Timestamp;

use crate::limits;

/// The moment and zone by which relative times and dates become moments.
#[derive(Clone, Debug)]
pub struct ResolveContext {
    /// The moment that `now` stands for.
    pub now: Timestamp,
    /// The reader's zone, in which days begin and end.
    pub zone: TimeZone,
}

/// A time as it was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeExpr {
    text: Box<str>,
    form: Form,
}

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Now { amount: i64, unit: Unit },
    DaysAgo(i64),
    Civil { start: civil::DateTime, precision: Precision },
    Moment { start: Timestamp, precision: Precision },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    Fraction,
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Year,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// The stretch of time that an expression covers, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First microsecond.
    pub first: i64,
    /// Last microsecond; the same as `first` for a moment of full precision.
    pub last: i64,
    /// Last microsecond when the expression ends a range: a time given to the second is the moment
    /// itself there, while a day, month or year counts whole.
    pub last_as_end: i64,
}

impl TimeExpr {
    /// Reads a time; `None` when the text is none of the forms.
    pub fn parse(text: &str) -> Option<Self> {
        let form = match text.to_ascii_lowercase().as_str() {
            "today" => Form::DaysAgo(0),
            "yesterday" => Form::DaysAgo(1),
            lower if lower.starts_with("now") => parse_relative(&text[3..])?,
            _ => parse_absolute(text)?,
        };
        Some(Self { text: text.into(), form })
    }

    /// Tells whether the time moves with `now` and is a moment, not a day.
    pub fn is_relative_moment(&self) -> bool {
        matches!(self.form, Form::Now { .. })
    }

    /// Tells whether this time surely begins after the other, in any zone and at any moment.
    pub fn is_surely_after(&self, other: &TimeExpr) -> bool {
        match (&self.form, &other.form) {
            (Form::Civil { start, .. }, Form::Civil { start: other, .. }) => start > other,
            (Form::Moment { start, .. }, Form::Moment { start: other, .. }) => start > other,
            _ => false,
        }
    }

    /// Returns the stretch of time that is meant.
    pub fn resolve(&self, context: &ResolveContext) -> Window {
        match &self.form {
            Form::Now { amount, unit } => {
                let moment = shift(context.now, *amount, *unit).micros();
                Window { first: moment, last: moment, last_as_end: moment }
            }
            Form::DaysAgo(days) => {
                let today = context.now.in_zone(&context.zone).date();
                let start = today.saturating_sub(jiff::Span::new().days(*days)).at(0, 0, 0, 0);
                civil_window(start, Precision::Day, &context.zone)
            }
            Form::Civil { start, precision } => civil_window(*start, *precision, &context.zone),
            Form::Moment { start, precision } => {
                let first = start.micros();
                let length = match precision {
                    Precision::Fraction => 1,
                    Precision::Second => 1_000_000,
                    _ => 60_000_000,
                };
                window(first, first.saturating_add(length), *precision)
            }
        }
    }
}

impl fmt::Display for TimeExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn window(first: i64, end: i64, precision: Precision) -> Window {
    let last = Timestamp::from_micros((end - 1).max(first)).micros();
    let last_as_end = if precision <= Precision::Second { first } else { last };
    Window { first, last, last_as_end }
}

fn civil_window(start: civil::DateTime, precision: Precision, zone: &TimeZone) -> Window {
    let one = jiff::Span::new();
    let end = match precision {
        Precision::Fraction => start.saturating_add(one.microseconds(1)),
        Precision::Second => start.saturating_add(one.seconds(1)),
        Precision::Minute => start.saturating_add(one.minutes(1)),
        Precision::Hour => start.saturating_add(one.hours(1)),
        Precision::Day => start.saturating_add(one.days(1)),
        Precision::Month => start.saturating_add(one.months(1)),
        Precision::Year => start.saturating_add(one.years(1)),
    };
    let first = Timestamp::from_micros(in_zone(start, zone)).micros();
    window(first, in_zone(end, zone), precision)
}

/// Takes the earlier of two moments that a clock shows alike, the later end of a gap.
fn in_zone(civil: civil::DateTime, zone: &TimeZone) -> i64 {
    match zone.to_ambiguous_timestamp(civil).compatible() {
        Ok(moment) => Timestamp::from_jiff(moment).micros(),
        Err(_) if civil.year() <= 1 => Timestamp::MIN.micros(),
        // One past the last, so that a stretch that ends here takes in the last microsecond. The
        // time library ends a day before 9999-12-31, which is closer than anyone needs.
        Err(_) => Timestamp::MAX.micros() + 1,
    }
}

fn shift(now: Timestamp, amount: i64, unit: Unit) -> Timestamp {
    const MINUTE: i64 = 60_000_000;
    let fixed = |unit_micros: i64| {
        Timestamp::from_micros(now.micros().saturating_add(amount.saturating_mul(unit_micros)))
    };
    let clamped = if amount < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let calendar = |span: Result<jiff::Span, jiff::Error>| {
        let utc = now.in_zone(&TimeZone::UTC);
        match span.and_then(|span| utc.checked_add(span)) {
            Ok(moment) => Timestamp::from_jiff(moment.timestamp()),
            Err(_) => clamped,
        }
    };
    match unit {
        Unit::Minute => fixed(MINUTE),
        Unit::Hour => fixed(60 * MINUTE),
        Unit::Day => fixed(24 * 60 * MINUTE),
        Unit::Week => fixed(7 * 24 * 60 * MINUTE),
        Unit::Month => calendar(jiff::Span::new().try_months(amount)),
        Unit::Year => calendar(jiff::Span::new().try_years(amount)),
    }
}

/// Reads what follows `now`: nothing, or a sign, digits and one unit.
fn parse_relative(rest: &str) -> Option<Form> {
    if rest.is_empty() {
        return Some(Form::Now { amount: 0, unit: Unit::Minute });
    }
    let (sign, rest) = match rest.as_bytes()[0] {
        b'-' => (-1, &rest[1..]),
        b'+' => (1, &rest[1..]),
        _ => return None,
    };
    let digits_count = rest.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=limits::RELATIVE_DIGITS_MAX).contains(&digits_count) {
        return None;
    }
    let unit = match &rest[digits_count..] {
        "m" => Unit::Minute,
        "h" => Unit::Hour,
        "d" => Unit::Day,
        "w" => Unit::Week,
        "M" => Unit::Month,
        "y" => Unit::Year,
        _ => return None,
    };
    Some(Form::Now { amount: sign * rest[..digits_count].parse::<i64>().ok()?, unit })
}

fn parse_absolute(text: &str) -> Option<Form> {
    if !text.is_ascii() {
        return None;
    }
    let (date, time) = match text.find(['T', 't']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let (date, mut precision) = parse_date(date)?;
    let Some(time) = time else {
        return Some(Form::Civil { start: date.at(0, 0, 0, 0), precision });
    };
    if precision != Precision::Day {
        return None;
    }
    let (clock, zone_text) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, ""),
    };
    let (clock, clock_precision) = parse_clock(clock)?;
    precision = clock_precision;
    let start = date.to_datetime(clock);
    if zone_text.is_empty() {
        return Some(Form::Civil { start, precision });
    }
    if precision > Precision::Minute {
        return None;
    }
    let moment = parse_offset(zone_text)?.to_timestamp(start).ok()?;
    let start = Timestamp::from_jiff(moment);
    Some(Form::Moment { start, precision })
}

fn parse_date(text: &str) -> Option<(civil::Date, Precision)> {
    let precision = match text.len() {
        4 => Precision::Year,
        7 => Precision::Month,
        10 => Precision::Day,
        _ => return None,
    };
    let bytes = text.as_bytes();
    if (bytes.len() > 4 && bytes[4] != b'-') || (bytes.len() > 7 && bytes[7] != b'-') {
        return None;
    }
    let part = |range: std::ops::Range<usize>| text.get(range).map_or(Some(1), number);
    let year = number(&text[0..4]).filter(|year| *year >= 1)?;
    let (month, day) = (part(5..7)?, part(8..10)?);
    let date = civil::Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    );
    Some((date.ok()?, precision))
}

/// Reads `hh`, `hh:mm`, `hh:mm:ss` or `hh:mm:ss.f`, one to nine fraction digits cut to six.
fn parse_clock(text: &str) -> Option<(civil::Time, Precision)> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let precision = match (whole.len(), fraction) {
        (2, None) => Precision::Hour,
        (5, None) => Precision::Minute,
        (8, None) => Precision::Second,
        (8, Some(_)) => Precision::Fraction,
        _ => return None,
    };
    let bytes = whole.as_bytes();
    if (bytes.len() > 2 && bytes[2] != b':') || (bytes.len() > 5 && bytes[5] != b':') {
        return None;
    }
    let part = |range: std::ops::Range<usize>| whole.get(range).map_or(Some(0), number);
    let nanos = match fraction {
        None => 0,
        Some(digits) if (1..=9).contains(&digits.len()) => {
            let kept = &digits[..digits.len().min(6)];
            number(digits)?;
            number(kept)? * 10_i64.pow(9 - kept.len() as u32)
        }
        Some(_) => return None,
    };
    let time = civil::Time::new(
        i8::try_from(number(&whole[0..2])?).ok()?,
        i8::try_from(part(3..5)?).ok()?,
        i8::try_from(part(6..8)?).ok()?,
        i32::try_from(nanos).ok()?,
    );
    Some((time.ok()?, precision))
}

fn parse_offset(text: &str) -> Option<jiff::tz::Offset> {
    if text.eq_ignore_ascii_case("z") {
        return Some(jiff::tz::Offset::UTC);
    }
    let bytes = text.as_bytes();
    if bytes.len() != 6 || bytes[3] != b':' {
        return None;
    }
    let (hours, minutes) = (number(&text[1..3])?, number(&text[4..6])?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3_600 + minutes * 60;
    let signed = if bytes[0] == b'-' { -seconds } else { seconds };
    jiff::tz::Offset::from_seconds(i32::try_from(signed).ok()?).ok()
}

fn number(digits: &str) -> Option<i64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
