//! Times: UTC, in microseconds, written with exactly six fraction digits.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

#[cfg(feature = "std")]
use jiff::tz::TimeZone;

/// A moment in UTC, in microseconds since 1970-01-01T00:00:00Z.
///
/// Range: years 0001 to 9999, so that every value has an RFC 3339 form of 27 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 time, or one outside the years 0001 to 9999.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an RFC 3339 time such as 2026-11-22T09:30:00.123456Z")]
pub struct ParseTimeError {
    /// What was given, cut to 64 characters.
    pub text: String,
}

impl Timestamp {
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// Takes microseconds since the epoch, clamped to the representable years.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Returns microseconds since the epoch.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Parses the form `YYYY-MM-DDThh:mm:ss[.f{1,9}]Z`, without the time library; finer digits than
    /// microseconds are cut off. `None` for every other form, and for a leap second.
    pub fn parse_utc(text: &str) -> Option<Self> {
        parse_fixed(text.as_bytes()).map(Self)
    }

    /// Parses an RFC 3339 time with any offset; fractions beyond microseconds are cut off.
    ///
    /// # Errors
    /// The text is not RFC 3339, or lies outside the years 0001 to 9999.
    #[cfg(feature = "std")]
    pub fn parse(text: &str) -> Result<Self, ParseTimeError> {
        if let Some(micros) = parse_fixed(text.as_bytes()) {
            return Ok(Self(micros));
        }
        let fail = || ParseTimeError { text: text.chars().take(64).collect() };
        // jiff also reads forms that RFC 3339 does not have: a space, no offset, a zone in brackets.
        let bytes = text.as_bytes();
        let shape = bytes.len() >= 20
            && matches!(bytes[10], b'T' | b't')
            && !text.contains('[')
            && bytes[13] == b':'
            && bytes[16] == b':';
        if !shape {
            return Err(fail());
        }
        let parsed: jiff::Timestamp = text.parse().map_err(|_| fail())?;
        let micros = parsed.as_microsecond();
        // A negative time with a nanosecond rest is rounded towards zero by jiff; cut it downwards.
        let micros =
            if parsed.as_nanosecond() < i128::from(micros) * 1_000 { micros - 1 } else { micros };
        if (Self::MIN.0..=Self::MAX.0).contains(&micros) { Ok(Self(micros)) } else { Err(fail()) }
    }

    /// Appends the 27 bytes `YYYY-MM-DDThh:mm:ss.ffffffZ`.
    pub fn write_rfc3339(self, out: &mut Vec<u8>) {
        let days = self.0.div_euclid(86_400_000_000);
        let in_day = self.0.rem_euclid(86_400_000_000);
        let (year, month, day) = civil_from_days(days);
        let (seconds, micros) = ((in_day / 1_000_000) as u32, (in_day % 1_000_000) as u32);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        for (at, number) in [
            (0, year / 100),
            (2, year % 100),
            (5, month),
            (8, day),
            (11, seconds / 3_600),
            (14, seconds / 60 % 60),
            (17, seconds % 60),
            (20, micros / 10_000),
            (22, micros / 100 % 100),
            (24, micros % 100),
        ] {
            text[at] = b'0' + (number / 10) as u8;
            text[at + 1] = b'0' + (number % 10) as u8;
        }
        out.extend_from_slice(&text);
    }

    /// Returns this moment as the time library's type, for zones and calendars.
    ///
    /// The library ends 26 hours before the year 10000; later moments become its last one.
    #[cfg(feature = "std")]
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX)
    }

    /// Takes a moment of the time library, cut to microseconds and clamped to the years 1 to 9999.
    #[cfg(feature = "std")]
    pub fn from_jiff(moment: jiff::Timestamp) -> Self {
        Self::from_micros(moment.as_microsecond())
    }

    /// Returns the calendar date and time in a zone.
    #[cfg(feature = "std")]
    pub fn in_zone(self, zone: &TimeZone) -> jiff::Zoned {
        self.to_jiff().to_zoned(zone.clone())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(27);
        self.write_rfc3339(&mut text);
        f.write_str(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// Returns (year, month, day) of a day number, day 0 being 1970-01-01, in the years 1 to 9999.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`. From the year 1 on
/// its shifted days are not negative, so that 32 bits without a sign do.
fn civil_from_days(days: i64) -> (u32, u32, u32) {
    let shifted = (days + 719_468) as u32;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    (year_of_era + era * 400 + u32::from(month <= 2), month, day)
}

/// Returns the day number of a date, the inverse of [`civil_from_days`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Reads the form that producers send most, `YYYY-MM-DDThh:mm:ss[.f{1,9}]Z`, on the ingest path.
fn parse_fixed(text: &[u8]) -> Option<i64> {
    let number = |range: core::ops::Range<usize>| -> Option<i64> {
        text.get(range)?.iter().try_fold(0_i64, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
        })
    };
    if text.len() < 20
        || text[4] != b'-'
        || text[7] != b'-'
        || text[10] != b'T'
        || text[13] != b':'
        || text[16] != b':'
        || text[text.len() - 1] != b'Z'
    {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let month_days = match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    // A leap second (60) is left to the library.
    if year < 1 || day < 1 || day > month_days || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut micros = 0;
    if text.len() > 20 {
        let digits = text.len() - 21;
        if text[19] != b'.' || !(1..=9).contains(&digits) {
            return None;
        }
        let kept = digits.min(6);
        micros = number(20..20 + kept)? * 10_i64.pow(6 - kept as u32);
        number(20..20 + digits)?;
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000_000 + micros)
}

#[cfg(test)]
mod tests;
