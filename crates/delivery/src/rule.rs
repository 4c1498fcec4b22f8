//! Rules of e-mail: who is told of which events, when, and how often at most.
//!
//! Every workspace has one rule without anybody making it: its owner is told of the actions that the
//! preset says, and of warnings, as far as nobody switched them off. Further rules are destinations of
//! the kind `mail`.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ToSpan as _, Zoned};
use proofbook_catalog::Catalog;
use proofbook_store::config::{Destination, Notifications, WorkspaceSettings};
use serde::{Deserialize, Serialize};

use crate::destination::SettingsError;
use crate::limits;
use crate::tongue::Tongue;
use crate::warnings;

/// Actions that tell of a warning and of its end.
pub const WARNINGS: [&str; 2] = [warnings::RAISED, warnings::OVER];

/// When mails are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One mail an event, at once.
    #[default]
    Instant,
    /// One mail at every full hour.
    Hourly,
    /// One mail a day, at seven in the morning.
    Daily,
    /// One mail a week, on Monday at seven in the morning.
    Weekly,
}

impl Mode {
    /// Every mode with its word.
    pub const ALL: [(&'static str, Self); 4] = [
        ("instant", Self::Instant),
        ("hourly", Self::Hourly),
        ("daily", Self::Daily),
        ("weekly", Self::Weekly),
    ];

    /// Finds a mode by its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, mode)| *mode)
    }

    /// Returns the last moment at or before `now` at which a digest is due, and the next one, both
    /// microseconds UTC; `None` for instant mails, and where the calendar ends.
    pub(crate) fn boundaries(self, now: i64, zone: &TimeZone) -> Option<(i64, i64)> {
        let now = Instant::from_microsecond(now).ok()?.to_zoned(zone.clone());
        let day = || now.with().hour(DIGEST_HOUR).minute(0).second(0).subsec_nanosecond(0).build();
        let (mut last, step) = match self {
            Self::Instant => return None,
            Self::Hourly => {
                (now.with().minute(0).second(0).subsec_nanosecond(0).build().ok()?, 1.hour())
            }
            Self::Daily => (day().ok()?, 1.day()),
            Self::Weekly => {
                let back = i64::from(now.weekday().to_monday_zero_offset());
                (day().ok()?.checked_sub(back.days()).ok()?, 1.week())
            }
        };
        if last > now {
            last = last.checked_sub(step).ok()?;
        }
        let micros = |zoned: &Zoned| zoned.timestamp().as_microsecond();
        Some((micros(&last), micros(&last.checked_add(step).ok()?)))
    }
}

/// The hour of the day at which digests are sent, in the rule's zone.
const DIGEST_HOUR: i8 = 7;

/// Settings of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// Addresses that are written to; empty for the workspace's owner.
    pub recipients: Vec<String>,
    /// When.
    pub mode: Mode,
    /// Instant mails in an hour for one workspace; what is more comes in one mail.
    pub per_hour: u32,
    /// Language: `en`, `de`.
    pub language: String,
    /// Zone of the times, and of the hours at which digests are sent.
    pub zone: String,
}

/// How one workspace's letters are written and sent.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) recipients: Vec<String>,
    pub(crate) mode: Mode,
    pub(crate) per_hour: u32,
    pub(crate) tongue: Tongue,
    pub(crate) zone: TimeZone,
}

impl RuleSettings {
    /// Reads the settings of a rule.
    ///
    /// # Errors
    /// [`SettingsError::Settings`].
    pub fn of(destination: &Destination) -> Result<Self, SettingsError> {
        serde_json::from_value(destination.settings.clone()).map_err(|_| SettingsError::Settings)
    }

    /// Returns how letters about a workspace are written.
    pub(crate) fn manner(&self, settings: &WorkspaceSettings) -> Manner {
        let owner = settings.owner_email.iter().cloned();
        let recipients = match self.recipients.as_slice() {
            [] => owner.collect(),
            own => own.to_vec(),
        };
        Manner {
            recipients,
            mode: self.mode,
            per_hour: self.per_hour.max(1),
            tongue: Tongue::parse(&self.language).unwrap_or_default(),
            zone: TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC),
        }
    }
}

/// Returns how letters to a workspace's owner are written.
pub(crate) fn owners_manner(settings: &WorkspaceSettings, own: Option<&Notifications>) -> Manner {
    let word = |word: Option<&String>| word.cloned().unwrap_or_default();
    let rule = RuleSettings {
        recipients: Vec::new(),
        mode: own.and_then(|own| Mode::parse(own.mode.as_deref()?)).unwrap_or_default(),
        per_hour: limits::MAILS_PER_HOUR,
        language: word(own.and_then(|own| own.language.as_ref())),
        zone: word(own.and_then(|own| own.zone.as_ref())),
    };
    rule.manner(settings)
}

/// Returns the actions of which a workspace's owner is told: the preset's and the warnings, without
/// what was switched off and with what was switched on.
pub fn owners_actions(catalog: &Catalog, own: Option<&Notifications>) -> BTreeSet<String> {
    if own.is_some_and(|own| own.off) {
        return BTreeSet::new();
    }
    let preset = catalog.preset().actions.iter().filter(|action| action.notify);
    let mut actions: BTreeSet<String> = preset.map(|action| action.name.clone()).collect();
    actions.extend(WARNINGS.map(str::to_owned));
    for (action, is_on) in own.iter().flat_map(|own| &own.switches) {
        if *is_on {
            actions.insert(action.clone());
        } else {
            actions.remove(action);
        }
    }
    actions
}

/// Writes a filter that takes these actions; `None` when there are none.
pub(crate) fn filter_of(actions: &BTreeSet<String>) -> Option<String> {
    let terms: Vec<String> = actions.iter().map(|action| format!("action:{action}")).collect();
    (!terms.is_empty()).then(|| terms.join(" OR "))
}

#[cfg(test)]
mod tests;
