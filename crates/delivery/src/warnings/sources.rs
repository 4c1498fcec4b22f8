//! Producers that count their events (`source.seq`): numbers that are missing for too long.
//!
//! Whoever takes events in says which numbers were acknowledged ([`Sources::hear`]); the counters are
//! brought up to date at the next tick. After a start a workspace's counters are taken from its newest
//! events, and open warnings bring what is missing with them. A producer that begins again at 0 or 1 is
//! a new one under the old name: nothing is missing of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use proofbook_event::{Event, Timestamp, Value as EventValue};
use proofbook_query::{Budget, ListRequest, Reader, Sort};
use proofbook_store::config::Config;
use proofbook_store::store::Store;
use serde_json::{Value, json};

use super::{Kind, News, filter, judge};

/// How long a number may be missing (5 min).
pub(super) const MISSING_FOR_MICROS: i64 = 5 * 60 * 1_000_000;
/// Numbers that wait for the next tick; of more all counters are forgotten, which warns of nothing.
const INBOX_NUMBERS_MAX: usize = 1_000_000;
/// Producers that are counted; of more the one that was silent longest is forgotten.
const PRODUCERS_MAX: usize = 10_000;
/// Missing pieces of one producer; further ones are not counted until some arrive.
const MISSING_MAX: usize = 100;
/// Missing pieces that a warning names.
const NAMED_MAX: usize = 16;
/// Newest events that are looked at for a workspace's counters.
const SEED_EVENTS: u64 = 1_000;
/// Workspaces whose counters are taken from the log in one tick.
const SEEDS_PER_TICK: usize = 32;
/// Workspaces with events this recent are looked at after a start (15 min).
const LATELY_MICROS: i64 = 15 * 60 * 1_000_000;

/// Numbers of one producer that were acknowledged together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The workspace.
    pub workspace: String,
    /// The producer's name.
    pub source: String,
    /// Which of several of that name.
    pub instance: String,
    /// Its numbers with whether each was new, not sent before.
    pub numbers: Vec<(u64, bool)>,
    /// The smallest number that one of the events has in its workspace.
    pub first_event: u64,
    /// When the newest of them was recorded, microseconds UTC.
    pub at: i64,
}

/// Where what was heard waits for the next tick.
#[derive(Debug, Default)]
pub struct Sources(Mutex<Inbox>);

#[derive(Debug, Default)]
struct Inbox {
    heard: Vec<Heard>,
    count: usize,
    is_over: bool,
}

impl Sources {
    /// Notes acknowledged numbers; quick.
    pub fn hear(&self, heard: Vec<Heard>) {
        let mut inbox = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.count += heard.iter().map(|heard| heard.numbers.len()).sum::<usize>();
        if inbox.count > INBOX_NUMBERS_MAX {
            *inbox = Inbox { is_over: true, ..Inbox::default() };
            return;
        }
        inbox.heard.extend(heard);
    }

    fn take(&self) -> Inbox {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Workspace, name and instance.
type Producer = (String, String, String);

/// What is known of every producer.
pub(super) struct Counters {
    sources: Arc<Sources>,
    counters: BTreeMap<Producer, Counter>,
    /// What was heard of workspaces whose counters are not taken from the log yet.
    waiting: Vec<Heard>,
    /// Workspaces whose counters are known; `None` before the first look.
    seeded: Option<HashSet<String>>,
    /// Workspaces to be looked at although nothing was heard of them.
    to_seed: Vec<Arc<str>>,
}

/// One producer.
#[derive(Debug)]
struct Counter {
    next: u64,
    missing: Vec<Missing>,
    began: i64,
    heard: i64,
}

/// Numbers that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Missing {
    from: u64,
    through: u64,
    since: i64,
}

impl Counters {
    pub(super) fn begin(sources: Arc<Sources>) -> Self {
        Self {
            sources,
            counters: BTreeMap::new(),
            waiting: Vec::new(),
            seeded: None,
            to_seed: Vec::new(),
        }
    }

    /// Takes in what was heard, and finds what is missing for too long or came after all.
    pub(super) fn look(&mut self, store: &Store, config: &Config, news: &mut Vec<News>) {
        let now = store.now().micros();
        if self.seeded.is_none() {
            self.start(store, config, now);
        }
        let inbox = self.sources.take();
        if inbox.is_over {
            tracing::warn!("too many producers' numbers at once: counters begin anew");
            self.counters.clear();
            self.waiting.clear();
        }
        self.take_in(store, inbox.heard, now);
        for ((workspace, source, instance), counter) in &self.counters {
            let oldest = counter.missing.iter().map(|missing| missing.since).min();
            let subject = subject(source, instance);
            let is_open = config.warned.find(workspace, Kind::Gap.as_str(), &subject).is_some();
            let raise = match is_open {
                true => oldest.is_some(),
                false => oldest.is_some_and(|since| now - since >= MISSING_FOR_MICROS),
            };
            let facts = raise.then(|| facts(source, instance, counter));
            judge(&config.warned, (workspace, Kind::Gap, &subject), facts, news);
        }
    }

    /// Takes what open warnings say, and notes which workspaces are to be looked at.
    fn start(&mut self, store: &Store, config: &Config, now: i64) {
        let mut names = BTreeSet::new();
        for open in config.warned.all().filter(|open| open.kind == Kind::Gap.as_str()) {
            let text = |key: &str| open.facts[key].as_str().unwrap_or_default().to_owned();
            let number = |value: &Value| value.as_u64().unwrap_or(0);
            let pieces = open.facts["missing"].as_array().into_iter().flatten();
            let missing = pieces.map(|piece| Missing {
                from: number(&piece[0]),
                through: number(&piece[1]),
                since: open.raised_at - MISSING_FOR_MICROS,
            });
            let missing: Vec<Missing> = missing.collect();
            let next = number(&open.facts["next"]);
            let counter = Counter { next, missing, began: 0, heard: now };
            let producer = (open.workspace.clone(), text("source"), text("instance"));
            self.counters.insert(producer, counter);
            names.insert(open.workspace.clone());
        }
        self.to_seed = names.into_iter().map(Arc::from).collect();
        let lately = store.directory().all();
        let lately = lately.iter().filter(|known| known.recorded_at >= now - LATELY_MICROS);
        self.to_seed.extend(lately.map(|workspace| workspace.name.clone()));
        self.seeded = Some(HashSet::new());
    }

    fn take_in(&mut self, store: &Store, heard: Vec<Heard>, now: i64) {
        let mut seeds_left = SEEDS_PER_TICK;
        let waiting = std::mem::take(&mut self.waiting);
        for heard in waiting.into_iter().chain(heard) {
            if !self.is_seeded(&heard.workspace) {
                if seeds_left == 0 {
                    self.waiting.push(heard);
                    continue;
                }
                seeds_left -= 1;
                self.seed(store, &heard.workspace, heard.first_event);
            }
            let Heard { workspace, source, instance, mut numbers, at, .. } = heard;
            numbers.sort_unstable();
            // Of what was only sent again nobody says when.
            let at = if at > now - LATELY_MICROS { at.min(now) } else { now };
            let counter = self.counter((workspace, source, instance), &numbers, at);
            for (number, is_new) in numbers {
                counter.take(number, is_new, at);
            }
        }
        // Who waits too long is looked up in the log when it is heard of again.
        let waiting: usize = self.waiting.iter().map(|heard| heard.numbers.len()).sum();
        if waiting > INBOX_NUMBERS_MAX {
            self.waiting.clear();
        }
        while seeds_left > 0
            && let Some(name) = self.to_seed.pop()
        {
            seeds_left -= 1;
            if !self.is_seeded(&name) {
                self.seed(store, &name, u64::MAX);
            }
        }
    }

    fn is_seeded(&self, workspace: &str) -> bool {
        self.seeded.as_ref().is_some_and(|seeded| seeded.contains(workspace))
    }

    /// Takes a workspace's counters from its newest events below a number.
    fn seed(&mut self, store: &Store, workspace: &str, below: u64) {
        self.seeded.get_or_insert_default().insert(workspace.to_owned());
        let Some(reader) = Reader::open(store, workspace) else { return };
        let below = below.min(reader.head().size);
        let text = format!("source:* seq:>={} seq:<{below}", below.saturating_sub(SEED_EVENTS));
        let Some(filter) = filter(&text, store.now()) else { return };
        let request = ListRequest {
            filter,
            filter_hash: 0,
            sort: Sort::NewestFirst,
            limit: SEED_EVENTS as usize,
            cursor: None,
            page: None,
        };
        let page = match reader.list(&request, &Budget::unlimited()) {
            Ok(page) => page,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "producers' counters cannot be read");
                return;
            }
        };
        let mut events: Vec<_> = page.events.iter().collect();
        events.sort_by_key(|found| found.seq());
        for found in events {
            let Ok(event) = found.event() else { continue };
            let Some((source, instance, number)) = number_of(&event) else { continue };
            let at = event.clear.recorded_at.micros();
            let producer = (workspace.to_owned(), source, instance);
            self.counter(producer, &[(number, true)], at).take(number, true, at);
        }
    }

    fn counter(&mut self, producer: Producer, numbers: &[(u64, bool)], now: i64) -> &mut Counter {
        if !self.counters.contains_key(&producer) && self.counters.len() >= PRODUCERS_MAX {
            let quiet = self.counters.iter().filter(|(_, counter)| counter.missing.is_empty());
            let oldest = quiet.min_by_key(|(_, counter)| counter.heard).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.counters.remove(&oldest);
            }
        }
        let first = numbers.first().map_or(0, |(number, _)| *number);
        let new = Counter { next: first, missing: Vec::new(), began: now, heard: now };
        self.counters.entry(producer).or_insert(new)
    }
}

impl Counter {
    /// Takes one number that arrived; `is_new` when it was not sent before.
    fn take(&mut self, number: u64, is_new: bool, now: i64) {
        self.heard = self.heard.max(now);
        if number >= self.next {
            if number > self.next && self.missing.len() < MISSING_MAX {
                self.missing.push(Missing { from: self.next, through: number - 1, since: now });
            }
            self.next = number.saturating_add(1);
            return;
        }
        let holding = |missing: &Missing| missing.from <= number && number <= missing.through;
        if let Some(place) = self.missing.iter().position(holding) {
            let Missing { from, through, since } = self.missing.swap_remove(place);
            if from < number {
                self.missing.push(Missing { from, through: number - 1, since });
            }
            if number < through {
                self.missing.push(Missing { from: number + 1, through, since });
            }
            return;
        }
        // At first requests cross, and an earlier number that arrives later is no new beginning.
        if is_new && number <= 1 && now - self.began >= MISSING_FOR_MICROS {
            *self = Self { next: number + 1, missing: Vec::new(), began: now, heard: now };
        }
    }
}

/// Returns the producer's name, instance and number of an event that has them.
fn number_of(event: &Event<'_>) -> Option<(String, String, u64)> {
    let source = event.source()?;
    let text = |key: &str| source.get(key).and_then(EventValue::as_str).unwrap_or_default();
    let number = source.get("seq").and_then(EventValue::as_int)?;
    Some((text("name").to_owned(), text("instance").to_owned(), u64::try_from(number).ok()?))
}

/// Returns what a warning about a producer is known by.
fn subject(source: &str, instance: &str) -> String {
    if instance.is_empty() { source.to_owned() } else { format!("{source}/{instance}") }
}

fn facts(source: &str, instance: &str, counter: &Counter) -> Value {
    let mut missing = counter.missing.clone();
    missing.sort_by_key(|missing| missing.from);
    let count: u64 = missing.iter().map(|missing| missing.through - missing.from + 1).sum();
    let since = missing.iter().map(|missing| missing.since).min().unwrap_or(0);
    let named: Vec<Value> = missing
        .iter()
        .take(NAMED_MAX)
        .map(|missing| json!([missing.from, missing.through]))
        .collect();
    let first = missing.first().map_or(0, |missing| missing.from);
    let last = missing.last().map_or(0, |missing| missing.through);
    json!({
        "producer": subject(source, instance),
        "source": source,
        "instance": instance,
        "missing": named,
        "count": count,
        "first": first,
        "last": last,
        "since": Timestamp::from_micros(since).to_string(),
        "next": counter.next,
    })
}

#[cfg(test)]
mod tests;
