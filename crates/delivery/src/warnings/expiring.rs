//! Events that end soon and that no whole export holds.
//!
//! A few workspaces are looked at in each tick, all of them once in [`ROUND_MICROS`] or as soon as the
//! ticks allow, with holds once in [`HELD_EVERY_MICROS`]; what was exported meanwhile is looked at at once. A workspace that keeps its events no
//! longer than the warning's own time is not warned: its owner wants it so.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use proofbook_catalog::retention::Keep;
use proofbook_event::Timestamp;
use proofbook_store::config::Config;
use proofbook_store::expiring::Expiring;
use proofbook_store::rules::policy_of;
use proofbook_store::store::Store;
use serde_json::{Value, json};

use super::{DAY_MICROS, Kind, News, is_customers, judge};

/// How often a workspace is looked at (1 min), unless there are too many.
const ROUND_MICROS: i64 = 60 * 1_000_000;
/// How often a workspace with holds is looked at (1 h).
const HELD_EVERY_MICROS: i64 = 3_600_000_000;
/// Workspaces looked at in one tick.
const LOOKS_PER_TICK: usize = 32;

/// The state of the rounds.
#[derive(Default)]
pub(super) struct Rounds {
    left: VecDeque<Arc<str>>,
    began: Option<i64>,
    config: Option<Arc<Config>>,
    /// When workspaces with holds were looked at last: asking which events a hold keeps reads them.
    held: HashMap<Arc<str>, i64>,
}

impl Rounds {
    /// Looks at the next workspaces.
    pub(super) fn look(&mut self, store: &Store, config: &Arc<Config>, news: &mut Vec<News>) {
        let now = store.now();
        let is_due = self.began.is_none_or(|began| now.micros() - began >= ROUND_MICROS);
        if self.left.is_empty() && is_due {
            self.began = Some(now.micros());
            let all = store.directory().all();
            let all = all.iter().filter(|workspace| is_customers(&workspace.name));
            self.left = all.map(|workspace| workspace.name.clone()).collect();
        }
        if !self.config.as_ref().is_some_and(|known| Arc::ptr_eq(known, config)) {
            self.exported(config);
            self.config = Some(config.clone());
        }
        for _ in 0..LOOKS_PER_TICK {
            let Some(name) = self.left.pop_front() else { return };
            if config.holds.values().any(|hold| *hold.workspace == *name) {
                let last = self.held.entry(name.clone()).or_insert(i64::MIN);
                if now.micros().saturating_sub(*last) < HELD_EVERY_MICROS {
                    continue;
                }
                *last = now.micros();
            } else {
                self.held.remove(&name);
            }
            look_at(store, config, &name, now, news);
        }
    }

    /// Puts workspaces first that were exported since they were warned.
    fn exported(&mut self, config: &Config) {
        let kinds = [Kind::ExpiringWeek.as_str(), Kind::ExpiringDay.as_str()];
        let open = config.warned.all().filter(|open| kinds.contains(&open.kind.as_str()));
        for open in open {
            let then = open.facts["exported_below"].as_u64().unwrap_or(0);
            if config.warned.exported_below(&open.workspace) > then {
                self.left.push_front(open.workspace.as_str().into());
            }
        }
    }
}

fn look_at(store: &Store, config: &Config, name: &str, now: Timestamp, news: &mut Vec<News>) {
    let Some(workspace) = store.directory().by_name(name) else { return };
    let catalog = store.catalog_of(&workspace.settings);
    let policy = policy_of(catalog.preset(), &workspace.settings);
    let below = config.warned.exported_below(name);
    let within = |days: i64| {
        if is_at_most(policy.keep, days) {
            return Some(Expiring::default());
        }
        let then = Timestamp::from_micros(now.micros().saturating_add(days * DAY_MICROS));
        match store.expiring(&workspace, then, below) {
            Ok(found) => Some(found),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "cannot tell what ends soon");
                None
            }
        }
    };
    let Some(week) = within(7) else { return };
    let is_tomorrow = week.first_ends_at.is_some_and(|at| at <= now.micros() + DAY_MICROS);
    let day = if is_tomorrow { within(1) } else { Some(Expiring::default()) };
    let Some(day) = day else { return };
    let facts = |found: &Expiring| (found.count > 0).then(|| facts(found, below));
    // Who was not told a week before is told the nearer thing alone.
    let week = facts(&week).filter(|_| {
        day.count == 0 || config.warned.find(name, Kind::ExpiringWeek.as_str(), "").is_some()
    });
    judge(&config.warned, (name, Kind::ExpiringWeek, ""), week, news);
    judge(&config.warned, (name, Kind::ExpiringDay, ""), facts(&day), news);
}

/// Tells whether events are kept no longer than some days.
fn is_at_most(keep: Keep, days: i64) -> bool {
    match keep {
        Keep::Unlimited | Keep::Years(_) => false,
        Keep::Days(own) => i64::from(own) <= days,
        Keep::Seconds(own) => i64::from(own) <= days * 86_400,
    }
}

fn facts(found: &Expiring, below: u64) -> Value {
    let time = |at: i64| Timestamp::from_micros(at).to_string();
    let (first, last) = found.occurred.unwrap_or_default();
    let (first_seq, last_seq) = found.seqs.unwrap_or_default();
    json!({
        "count": found.count,
        "first_seq": first_seq,
        "last_seq": last_seq,
        "first_at": time(first),
        "last_at": time(last),
        "ends_at": found.first_ends_at.map(time),
        "exported_below": below,
    })
}
