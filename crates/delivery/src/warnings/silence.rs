//! Workspaces in which nothing happens any more: no event for a day, after seven days with events each.
//!
//! Every workspace waits for the moment at which it could have been silent for a day; a few whose
//! moment has come are looked at in each tick. Proofbook's own events are no sign of life.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use proofbook_event::Timestamp;
use proofbook_filter::ResolvedFilter;
use proofbook_query::{Budget, ListRequest, Reader, Sort};
use proofbook_store::config::Config;
use proofbook_store::store::Store;
use serde_json::json;

use super::{DAY_MICROS, Kind, News, filter, is_customers, judge, open_of};

/// Workspaces looked at in one tick.
const LOOKS_PER_TICK: usize = 16;
/// How long the process runs before it says that something is missing: producers come back, too (1 h).
const GRACE_MICROS: i64 = 3_600_000_000;
/// When a workspace is looked at again that is silent and warned of (1 min).
const WARNED_AGAIN_MICROS: i64 = 60_000_000;
/// When a workspace is looked at again that is silent for another reason (1 h).
const SILENT_AGAIN_MICROS: i64 = 3_600_000_000;
/// Who was silent before for longer than this is not warned of (14 days).
const FORGOTTEN_MICROS: i64 = 14 * DAY_MICROS;

/// The state of the rounds.
pub(super) struct Rounds {
    began: i64,
    due: BTreeSet<(i64, Arc<str>)>,
    /// How many workspaces are waiting or were looked at: those behind them are new.
    known: usize,
    /// Sizes of silent workspaces as they were looked at last.
    sizes: HashMap<Arc<str>, u64>,
}

impl Rounds {
    /// Begins at a moment.
    pub(super) fn begin(now: i64) -> Self {
        Self { began: now, due: BTreeSet::new(), known: 0, sizes: HashMap::new() }
    }

    /// Looks at the workspaces whose moment has come.
    pub(super) fn look(&mut self, store: &Store, config: &Config, news: &mut Vec<News>) {
        let now = store.now().micros();
        if now - self.began < GRACE_MICROS {
            return;
        }
        if self.known < store.directory().len() {
            let all = store.directory().all();
            for workspace in all.iter().skip(self.known) {
                if is_customers(&workspace.name) {
                    self.due.insert((i64::MIN, workspace.name.clone()));
                }
            }
            if self.known == 0 {
                // A warning that was raised by an earlier process is looked at first.
                for name in open_of(config, Kind::Silence) {
                    self.due.insert((i64::MIN, name.into()));
                }
            }
            self.known = all.len();
        }
        for _ in 0..LOOKS_PER_TICK {
            let Some((at, _)) = self.due.first() else { return };
            if *at > now {
                return;
            }
            let Some((_, name)) = self.due.pop_first() else { return };
            let again = self.look_at(store, config, &name, now, news);
            self.due.insert((again, name));
        }
    }

    /// Looks at one workspace, and returns when to look again.
    fn look_at(
        &mut self,
        store: &Store,
        config: &Config,
        name: &Arc<str>,
        now: i64,
        news: &mut Vec<News>,
    ) -> i64 {
        let is_warned = config.warned.find(name, Kind::Silence.as_str(), "").is_some();
        let again = now + if is_warned { WARNED_AGAIN_MICROS } else { SILENT_AGAIN_MICROS };
        let Some(reader) = Reader::open(store, name) else { return again };
        let size = reader.head().size;
        if is_warned && self.sizes.get(name) == Some(&size) {
            return again;
        }
        self.sizes.remove(name);
        let Some(last) = newest(&reader) else { return again };
        if now - last < DAY_MICROS {
            judge(&config.warned, (name, Kind::Silence, ""), None, news);
            return last.min(now) + DAY_MICROS;
        }
        self.sizes.insert(name.clone(), size);
        let was_daily = now - last < FORGOTTEN_MICROS
            && (0..7).all(|day| has_event(&reader, last - day * DAY_MICROS));
        if is_warned || !was_daily {
            return again;
        }
        let facts = json!({"last_at": Timestamp::from_micros(last).to_string()});
        judge(&config.warned, (name, Kind::Silence, ""), Some(facts), news);
        now + WARNED_AGAIN_MICROS
    }
}

/// Returns when the newest event of a workspace happened, microseconds UTC.
fn newest(reader: &Reader) -> Option<i64> {
    let request = ListRequest {
        filter: ResolvedFilter::everything(),
        filter_hash: 0,
        sort: Sort::NewestFirst,
        limit: 1,
        cursor: None,
        page: None,
    };
    let page = reader.list(&request, &Budget::unlimited()).ok()?;
    Some(page.events.first()?.occurred_at())
}

/// Tells whether an event happened in the day that ends at a moment.
fn has_event(reader: &Reader, end: i64) -> bool {
    let time = |at: i64| Timestamp::from_micros(at).to_string();
    let text = format!("occurred:>{} occurred:<={}", time(end - DAY_MICROS), time(end));
    let Some(filter) = filter(&text, Timestamp::from_micros(end)) else { return false };
    let found = reader.after_seq(&filter, None, 1, &Budget::unlimited());
    found.is_ok_and(|found| !found.is_empty())
}
