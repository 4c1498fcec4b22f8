//! The time forms a mapping may name.

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use proofbook_event::{Timestamp, Value};

/// One form of a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TimeForm {
    /// RFC 3339, and its near kin in ISO 8601 (a space for the T, `+0000`).
    Rfc3339,
    /// A number since 1970 in UTC; the value is its decimal places of a second: 0, 3, 6 or 9.
    Unix(u32),
    /// A pattern of `strptime`.
    Pattern(String),
}

/// The words of time forms that are no pattern, for error messages.
pub(super) const TIME_WORDS: &[&str] = &["rfc3339", "unix_s", "unix_ms", "unix_us", "unix_ns"];

/// The forms of a `time =` key, tried in order, and the zone of times that name none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Times {
    pub(super) forms: Vec<TimeForm>,
    pub(super) zone: TimeZone,
}

/// A time that was read.
pub(super) struct ReadTime {
    pub(super) moment: Timestamp,
    /// Whether the moment says all that the text said: UTC, no more than microseconds.
    pub(super) lossless: bool,
}

impl TimeForm {
    /// Reads a form; the reason is returned when it is none.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "rfc3339" => Ok(Self::Rfc3339),
            "unix_s" => Ok(Self::Unix(0)),
            "unix_ms" => Ok(Self::Unix(3)),
            "unix_us" => Ok(Self::Unix(6)),
            "unix_ns" => Ok(Self::Unix(9)),
            pattern if pattern.contains('%') => {
                let sample = jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
                jiff::fmt::strtime::format(pattern, &sample)
                    .map(|_| Self::Pattern(pattern.to_owned()))
                    .map_err(|fault| format!("`{pattern}` is not a time pattern: {fault}"))
            }
            other => Err(format!("`{other}` is neither a time form nor a pattern with `%`")),
        }
    }
}

impl Times {
    /// RFC 3339 alone, the form of a time field that names none.
    pub(super) fn rfc3339() -> Self {
        Self { forms: vec![TimeForm::Rfc3339], zone: TimeZone::UTC }
    }

    /// Reads a time in the first form that fits.
    pub(super) fn read(&self, value: &Value<'_>) -> Option<ReadTime> {
        self.forms.iter().find_map(|form| self.read_form(form, value))
    }

    fn read_form(&self, form: &TimeForm, value: &Value<'_>) -> Option<ReadTime> {
        match form {
            TimeForm::Unix(places) => {
                let text = match value {
                    Value::String(text) => text.trim().to_owned(),
                    Value::Int(_) | Value::Float(_) => value.to_string(),
                    _ => return None,
                };
                unix(&text, *places)
            }
            TimeForm::Rfc3339 => {
                let text = value.as_str()?.trim();
                let moment = match Timestamp::parse(text) {
                    Ok(moment) => moment,
                    Err(_) => in_range(text.parse::<jiff::Timestamp>().ok()?)?,
                };
                let fraction = text
                    .split_once('.')
                    .map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
                Some(ReadTime { moment, lossless: text.ends_with('Z') && fraction <= 6 })
            }
            TimeForm::Pattern(pattern) => {
                let parsed = BrokenDownTime::parse(pattern, value.as_str()?.trim()).ok()?;
                let moment = match parsed.to_timestamp() {
                    Ok(moment) => moment,
                    Err(_) => {
                        let civil = match parsed.to_datetime() {
                            Ok(civil) => civil,
                            Err(_) => parsed.to_date().ok()?.at(0, 0, 0, 0),
                        };
                        self.zone.to_timestamp(civil).ok()?
                    }
                };
                Some(ReadTime { moment: in_range(moment)?, lossless: false })
            }
        }
    }
}

/// Returns the moment unless it lies outside the years 1 to 9999.
fn in_range(moment: jiff::Timestamp) -> Option<Timestamp> {
    micros_in_range(moment.as_microsecond())
}

fn micros_in_range(micros: i64) -> Option<Timestamp> {
    let moment = Timestamp::from_micros(micros);
    (moment.micros() == micros).then_some(moment)
}

/// Reads a decimal count of seconds with `places` decimals moved away: 3 for milliseconds.
fn unix(text: &str, places: u32) -> Option<ReadTime> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 21 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    // In picoseconds, which neither form can go below with the digits kept here.
    let scale = 10_i128.pow(12 - places);
    let mut picos = whole.parse::<i128>().ok()?.checked_mul(scale)?;
    let mut unit = scale / 10;
    for digit in fraction.bytes() {
        picos += i128::from(digit - b'0') * unit;
        unit /= 10;
    }
    if negative {
        picos = -picos;
    }
    let micros = i64::try_from(picos.div_euclid(1_000_000)).ok()?;
    let lossless = picos.rem_euclid(1_000_000) == 0 && fraction.len() <= 6;
    Some(ReadTime { moment: micros_in_range(micros)?, lossless })
}

#[cfg(test)]
mod tests;
