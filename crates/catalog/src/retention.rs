//! How long a workspace keeps its events: plans, their durations, and what outlives them.
//!
//! A day is 24 hours; a year is one calendar year in UTC. The oldest moment still kept is computed
//! here alone, so that admit, queries and purge never disagree about an event.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use proofbook_event::Timestamp;

/// How long events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// For ever.
    Unlimited,
    /// A number of 24-hour days, at least 1.
    Days(u32),
    /// A number of calendar years in UTC, at least 1.
    Years(u32),
}

/// A text that is not a duration of retention.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a retention such as \"30d\", \"1y\" or \"unlimited\"")]
pub struct ParseKeepError {
    /// What was given.
    pub text: String,
}

/// Greatest number of days, about a hundred years.
const DAYS_MAX: u32 = 36_500;
/// Greatest number of years.
const YEARS_MAX: u32 = 1_000;

impl Keep {
    /// Returns the oldest moment that is still kept, or `None` when nothing ends.
    ///
    /// An event is outside when the moment it counts from is before this one.
    pub fn cutoff(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Unlimited => None,
            Self::Days(days) => {
                let micros = i64::from(days) * 86_400_000_000;
                Some(Timestamp::from_micros(now.micros().saturating_sub(micros)))
            }
            Self::Years(years) => {
                let here = now.in_zone(&jiff::tz::TimeZone::UTC);
                let then = jiff::Span::new()
                    .try_years(i64::from(years))
                    .and_then(|span| here.checked_sub(span));
                Some(then.map_or(Timestamp::MIN, |then| Timestamp::from_jiff(then.timestamp())))
            }
        }
    }
}

impl FromStr for Keep {
    type Err = ParseKeepError;

    fn from_str(text: &str) -> Result<Self, ParseKeepError> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        let number = |digits: &str, max: u32| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = plain.then(|| digits.parse().ok())??;
            (1..=max).contains(&number).then_some(number)
        };
        let keep = match text.split_at_checked(text.len().saturating_sub(1)) {
            Some((digits, "d")) => number(digits, DAYS_MAX).map(Self::Days),
            Some((digits, "y")) => number(digits, YEARS_MAX).map(Self::Years),
            _ => None,
        };
        keep.ok_or_else(|| ParseKeepError { text: text.chars().take(64).collect() })
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("unlimited"),
            Self::Days(days) => write!(f, "{days}d"),
            Self::Years(years) => write!(f, "{years}y"),
        }
    }
}

/// The plans of a preset.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Retention {
    /// The plan of a workspace that names none, or none that is known.
    pub default: Option<String>,
    /// How long each plan keeps events.
    pub plans: BTreeMap<String, Keep>,
}

impl Retention {
    /// Returns how long a workspace on this plan keeps its events.
    ///
    /// A workspace without a plan, or with one the preset does not know, is on the default plan; a
    /// preset without plans keeps everything.
    pub fn keep(&self, plan: Option<&str>) -> Keep {
        let plan_of = |name: &str| self.plans.get(name).copied();
        plan.and_then(plan_of)
            .or_else(|| self.default.as_deref().and_then(plan_of))
            .unwrap_or(Keep::Unlimited)
    }
}

/// Tells whether events of this action stay when retention ends: what happened to the log itself.
pub fn outlives_retention(action: &str) -> bool {
    let Some(rest) = action.strip_prefix(proofbook_event::name::RESERVED_ACTION_PREFIX) else {
        return false;
    };
    matches!(rest, "purged" | "erased")
        || ["hold_", "key_", "origin_"].iter().any(|prefix| rest.starts_with(prefix))
}

#[cfg(test)]
mod tests;
