//! How long a workspace keeps its events: plans, their durations, and what outlives them.
//!
//! A day is 24 hours; a year is one calendar year in UTC, and what began on a day that the year does not
//! have ends with the day before. A [`Policy`] is what holds for one workspace:
//! its plan's duration or its own, and those of single actions. The oldest moment still kept is
//! computed here alone, so that admit, queries and purge never disagree about an event.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use proofbook_event::Timestamp;

/// How long events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// For ever.
    Unlimited,
    /// A number of seconds, at least 1; for trials and drills.
    Seconds(u32),
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
/// Greatest number of seconds, a hundred days.
const SECONDS_MAX: u32 = 8_640_000;
/// Greatest number of years.
const YEARS_MAX: u32 = 1_000;

impl Keep {
    /// Returns the oldest moment that is still kept, or `None` when nothing ends. It never goes back as
    /// time goes on.
    ///
    /// An event is outside when the moment it counts from is before this one.
    pub fn cutoff(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Unlimited => None,
            Self::Seconds(seconds) => {
                let micros = i64::from(seconds) * 1_000_000;
                Some(Timestamp::from_micros(now.micros().saturating_sub(micros)))
            }
            Self::Days(days) => {
                let micros = i64::from(days) * 86_400_000_000;
                Some(Timestamp::from_micros(now.micros().saturating_sub(micros)))
            }
            Self::Years(years) => {
                let here = now.in_zone(&jiff::tz::TimeZone::UTC);
                let span = jiff::Span::new().try_years(i64::from(years));
                let Ok(then) = span.and_then(|span| here.checked_sub(span)) else {
                    return Some(Timestamp::MIN);
                };
                // Most years have no 29th of February. All of that day the year before ends with the
                // 28th: taking the 28th's own hours would show again what was gone a day earlier.
                let then = match then.day() == here.day() {
                    true => Ok(then),
                    false => then.tomorrow().and_then(|next| next.start_of_day()),
                };
                Some(then.map_or(Timestamp::MIN, |then| Timestamp::from_jiff(then.timestamp())))
            }
        }
    }

    /// Returns the moment from which on an event that counts from `from` is outside; `None` when it
    /// never is. It is the inverse of [`Keep::cutoff`], to the microsecond.
    pub fn end(self, from: Timestamp) -> Option<Timestamp> {
        let after = |micros: i64| {
            Timestamp::from_micros(from.micros().saturating_add(micros).saturating_add(1))
        };
        match self {
            Self::Unlimited => None,
            Self::Seconds(seconds) => Some(after(i64::from(seconds) * 1_000_000)),
            Self::Days(days) => Some(after(i64::from(days) * 86_400_000_000)),
            Self::Years(years) => {
                let here = from.in_zone(&jiff::tz::TimeZone::UTC);
                let years = jiff::Span::new().try_years(i64::from(years)).ok()?;
                let then = here.checked_add(years).ok()?;
                // A leap day has no anniversary: it is kept through the 28th of February.
                let then = match then.day() == here.day() {
                    true => then.timestamp().as_microsecond().saturating_add(1),
                    false => {
                        then.tomorrow().ok()?.start_of_day().ok()?.timestamp().as_microsecond()
                    }
                };
                Some(Timestamp::from_micros(then))
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
            Some((digits, "s")) => number(digits, SECONDS_MAX).map(Self::Seconds),
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
            Self::Seconds(seconds) => write!(f, "{seconds}s"),
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
    /// Actions whose events are kept for another time than the plan says, by name.
    pub actions: BTreeMap<String, Keep>,
}

/// What one workspace decided for itself; it goes before its preset.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Overrides {
    /// How long its events are kept, whatever its plan says.
    pub keep: Option<Keep>,
    /// How long those of single actions are kept, by name.
    pub actions: BTreeMap<String, Keep>,
}

/// How long one workspace keeps its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// All events but those of `actions`.
    pub keep: Keep,
    /// Events of single actions, by name.
    pub actions: BTreeMap<String, Keep>,
}

/// A [`Policy`] at one moment: the oldest moments still kept, microseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Cutoffs {
    default: Option<i64>,
    actions: BTreeMap<String, Option<i64>>,
}

impl Policy {
    /// Returns the moments that begin what is kept at `now`.
    pub fn cutoffs(&self, now: Timestamp) -> Cutoffs {
        let cutoff = |keep: Keep| keep.cutoff(now).map(|cutoff| cutoff.micros());
        let actions = self.actions.iter().map(|(name, keep)| (name.clone(), cutoff(*keep)));
        Cutoffs { default: cutoff(self.keep), actions: actions.collect() }
    }

    /// Returns how long events of an action are kept.
    pub fn keep_of(&self, action: &str) -> Keep {
        match outlives_retention(action) {
            true => Keep::Unlimited,
            false => self.actions.get(action).copied().unwrap_or(self.keep),
        }
    }
}

impl fmt::Display for Policy {
    /// Writes it as people read it, such as `90d, project.read 30d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.keep)?;
        self.actions.iter().try_for_each(|(name, keep)| write!(f, ", {name} {keep}"))
    }
}

impl Cutoffs {
    /// Returns the oldest moment at which an event of this action is kept; `None` when all are.
    pub fn since(&self, action: &str) -> Option<i64> {
        match self.actions.get(action) {
            _ if self.keeps_everything() || outlives_retention(action) => None,
            Some(cutoff) => *cutoff,
            None => self.default,
        }
    }

    /// Returns the cutoff of actions that have none of their own.
    pub fn default(&self) -> Option<i64> {
        self.default
    }

    /// Returns the moment from which on every event is kept, whatever its action; `None` when every
    /// event is kept however old.
    pub fn latest(&self) -> Option<i64> {
        self.actions.values().copied().chain([self.default]).flatten().max()
    }

    /// Tells whether nothing ends.
    pub fn keeps_everything(&self) -> bool {
        self.default.is_none() && self.actions.values().all(Option::is_none)
    }

    /// Tells whether an event is outside of retention, by its action and the moment that it counts from.
    pub fn is_expired(&self, action: &str, counts_from: i64) -> bool {
        self.since(action).is_some_and(|since| counts_from < since)
    }
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

    /// Returns what holds for a workspace on this plan with what it decided for itself.
    pub fn policy(&self, plan: Option<&str>, own: &Overrides) -> Policy {
        let mut actions = self.actions.clone();
        actions.extend(own.actions.iter().map(|(name, keep)| (name.clone(), *keep)));
        Policy { keep: own.keep.unwrap_or_else(|| self.keep(plan)), actions }
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
