//! The judge: events as they were sent, rules as they were put, and the simplest words for what they
//! mean. Nothing of the store's code is used, not even for durations and calendars.

use std::collections::BTreeMap;

use proofbook_ledger::Hash;
use proofbook_store::config::WorkspaceSettings;

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const HOUR: i64 = 3_600 * SECOND;
pub(crate) const DAY: i64 = 24 * HOUR;

/// One event of a workspace.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Its id and the text that was sent; none of Proofbook's own events.
    pub(crate) sent: Option<Sent>,
    pub(crate) action: String,
    pub(crate) occurred_at: i64,
    pub(crate) recorded_at: i64,
    /// Whether its retention counts from when it was recorded.
    pub(crate) from_recorded: bool,
    pub(crate) leaf: Hash,
    /// Whether it was purged.
    pub(crate) is_gone: bool,
}

/// An event as its client sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) text: String,
    /// A value that no other event has.
    pub(crate) marker: String,
    pub(crate) action: &'static str,
    /// Number of the actor and of the address.
    pub(crate) actor: usize,
    pub(crate) occurred_at: i64,
    pub(crate) from_recorded: bool,
}

/// What a hold holds.
#[derive(Clone, Debug)]
pub(crate) enum Held {
    Everything,
    Actor(usize),
    NotActor(usize),
    Action(&'static str),
    ActorOrAction(usize, &'static str),
    Before(i64),
    SeqFrom(u64),
}

/// One workspace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Space {
    /// By seq.
    pub(crate) events: Vec<Known>,
    /// Ids that are known, with their seqs.
    pub(crate) ids: BTreeMap<String, u64>,
    pub(crate) settings: WorkspaceSettings,
    pub(crate) holds: BTreeMap<String, Held>,
    /// What holds mean that were asked for, whether they were placed or not.
    pub(crate) drawn: BTreeMap<String, Held>,
    /// Counts the changes of what is kept.
    pub(crate) rules: u64,
}

impl Known {
    pub(crate) fn counts_from(&self) -> i64 {
        if self.from_recorded { self.recorded_at } else { self.occurred_at }
    }

    /// Proofbook's own events are left out of answers unless they are asked for.
    pub(crate) fn is_own(&self) -> bool {
        self.sent.is_none()
    }
}

impl Space {
    /// Tells whether an event's retention has ended at a moment, held or not.
    pub(crate) fn is_expired(&self, event: &Known, now: i64) -> bool {
        // The only own events in a customer's workspace tell of purges, and outlive them.
        !event.is_own() && self.is_outside(&event.action, event.counts_from(), now)
    }

    /// Tells whether something that counts from a moment is outside of retention.
    pub(crate) fn is_outside(&self, action: &str, from: i64, now: i64) -> bool {
        cutoff(self.keep_of(action), now).is_some_and(|cutoff| from < cutoff)
    }

    /// Returns how long events of an action are kept.
    pub(crate) fn keep_of(&self, action: &str) -> &str {
        let settings = &self.settings;
        let plan = settings.plan.as_deref().unwrap_or_default();
        let by_plan = match settings.preset.as_deref() {
            Some("clienwork") => match plan {
                "basic" => "90d",
                "pro" => "1y",
                "enterprise" => "unlimited",
                _ => "30d",
            },
            Some("freshsales" | "cloudfon-cx") => "90d",
            _ => "unlimited",
        };
        let own = settings.retention_actions.get(action).or(settings.retention.as_ref());
        own.map_or(by_plan, String::as_str)
    }

    pub(crate) fn is_held(&self, seq: u64, event: &Known) -> bool {
        let is_by = |actor: usize| event.sent.as_ref().is_some_and(|sent| sent.actor == actor);
        self.holds.values().any(|held| match held {
            Held::Everything => true,
            Held::Actor(actor) => is_by(*actor),
            Held::NotActor(actor) => !is_by(*actor),
            Held::Action(action) => event.action == *action,
            Held::ActorOrAction(actor, action) => is_by(*actor) || event.action == *action,
            Held::Before(moment) => event.occurred_at < *moment,
            Held::SeqFrom(from) => seq >= *from,
        })
    }

    /// Tells whether an answer given at a moment may show an event.
    pub(crate) fn is_visible(&self, seq: u64, event: &Known, now: i64) -> bool {
        !event.is_gone && (!self.is_expired(event, now) || self.is_held(seq, event))
    }
}

impl Held {
    /// Writes it in the filter language.
    pub(crate) fn filter(&self) -> String {
        match self {
            Self::Everything => String::new(),
            Self::Actor(actor) => format!("actor.id:u{actor}"),
            Self::NotActor(actor) => format!("-actor.id:u{actor}"),
            Self::Action(action) => format!("action:{action}"),
            Self::ActorOrAction(actor, action) => format!("actor.id:u{actor} OR action:{action}"),
            Self::Before(moment) => {
                format!("occurred:<{}", proofbook_event::Timestamp::from_micros(*moment))
            }
            Self::SeqFrom(from) => format!("seq:>={from}"),
        }
    }
}

/// Returns the length of a duration that has always the same.
pub(crate) fn span(keep: &str) -> Option<i64> {
    let (count, unit) = keep.split_at(keep.len() - 1);
    let unit = match unit {
        "s" => SECOND,
        "d" if keep != "unlimited" => DAY,
        _ => return None,
    };
    Some(count.parse::<i64>().expect("the test's own durations") * unit)
}

/// Returns the oldest moment that is kept for a duration.
pub(crate) fn cutoff(keep: &str, now: i64) -> Option<i64> {
    if keep == "unlimited" {
        return None;
    }
    let (count, unit) = keep.split_at(keep.len() - 1);
    let count: i64 = count.parse().expect("the test's own durations");
    Some(match unit {
        "s" => now - count * SECOND,
        "d" => now - count * DAY,
        _ => {
            let (days, rest) = (now.div_euclid(DAY), now.rem_euclid(DAY));
            let (year, month, day) = civil(days);
            if month == 2 && day == 29 && !is_leap(year - count) {
                // There is no such day: the 28th is over, and March begins.
                return Some(days_of(year - count, 3, 1) * DAY);
            }
            days_of(year - count, month, day) * DAY + rest
        }
    })
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Counts the days from 1970-01-01 one year and one month after the other.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year_days = |year| if is_leap(year) { 366 } else { 365 };
    let years: i64 = match year >= 1970 {
        true => (1970..year).map(year_days).sum(),
        false => -(year..1970).map(year_days).sum::<i64>(),
    };
    years + (1..month).map(|month| month_days(year, month)).sum::<i64>() + day - 1
}

fn civil(mut days: i64) -> (i64, i64, i64) {
    let mut year = 1970;
    while days < 0 {
        year -= 1;
        days += if is_leap(year) { 366 } else { 365 };
    }
    while days >= if is_leap(year) { 366 } else { 365 } {
        days -= if is_leap(year) { 366 } else { 365 };
        year += 1;
    }
    let mut month = 1;
    while days >= month_days(year, month) {
        days -= month_days(year, month);
        month += 1;
    }
    (year, month, days + 1)
}

#[test]
fn the_calendar_is_that_of_the_almanac() {
    assert_eq!(civil(0), (1970, 1, 1));
    assert_eq!(civil(11_016), (2000, 2, 29));
    assert_eq!(days_of(2028, 2, 29), 21_243);
    let leap_day = 21_243 * DAY + 5;
    assert_eq!(cutoff("1y", leap_day), Some(days_of(2027, 3, 1) * DAY));
    assert_eq!(cutoff("4y", leap_day), Some(days_of(2024, 2, 29) * DAY + 5));
}
