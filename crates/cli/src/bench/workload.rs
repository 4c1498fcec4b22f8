//! Workload W: the events that every figure in `docs/performance.md` is measured with.
//!
//! | property | value |
//! |---|---|
//! | size | 597 bytes of JSON in the median, without the line feed |
//! | workspaces | 1,000, Zipf-distributed with exponent 1 (the largest has 13.4 % of the events) |
//! | actions | 38: 24 that change something, 14 that only happen |
//! | before/after | in 60 % of the events |
//! | ids | a random 128-bit event id and a random 128-bit request id in each |
//! | people | from 408 in the largest workspace to 8 in the smallest, the busy ones far busier |
//! | sessions | about eight events each |
//! | text | names, titles and, in one event of three, a reason, all from a small natural vocabulary |
//! | time | advancing over 30 days, with microseconds |
//! | rare word | `zanzibar-…` in the reason of one event in 100,000, always in the largest workspace |
//!
//! Everything follows from the seed and the event's number, so batches can be made in any order and
//! on several threads, and a run can be repeated. Generating takes about half a microsecond an
//! event, so that the load generator does not measure itself.
//!
//! Addresses come from 100.64.0.0/10 (RFC 6598), which no person has.

mod people;
mod vocabulary;
mod zipf;

use std::collections::{BTreeMap, BTreeSet};

use proofbook_event::{EventDraft, Timestamp};

use self::people::People;
use self::vocabulary::{Action, Change};
use self::zipf::Zipf;
use crate::dice::{Dice, mix};

/// Events in one batch, that is in one request.
pub const BATCH_EVENTS: u64 = 1_000;
/// One event in so many has the rare word.
pub const RARE_EVERY: u64 = 100_000;
/// The rare word's first part; it occurs nowhere else.
pub const RARE_WORD: &str = "zanzibar";
/// Share of events with before, after or both, in percent.
pub const CHANGED_PERCENT: usize = 60;

/// The first event with the rare word; a multiple of [`BATCH_EVENTS`], so it opens its batch.
const RARE_FIRST: u64 = 50_000;
/// Time from the first event to the last, in microseconds.
const SPAN_MICROS: u64 = 30 * 86_400_000_000;
/// 2026-10-01T00:00:00Z.
const START_MICROS: i64 = 1_790_812_800_000_000;
/// Share of events with a reason, in percent.
const REASON_PERCENT: usize = 33;
/// Share of events that failed, in percent.
const FAILED_PERCENT: usize = 3;

const _: () = assert!(RARE_FIRST.is_multiple_of(BATCH_EVENTS));
const _: () = assert!(RARE_EVERY.is_multiple_of(BATCH_EVENTS));

/// A workload of a given size.
#[derive(Clone, Debug)]
pub struct Workload {
    seed: u64,
    events: u64,
    start: Timestamp,
    names: Vec<String>,
    people: Vec<People>,
    spread: Spread,
    rendered: vocabulary::Rendered,
}

/// How events are spread over workspaces.
#[derive(Clone, Debug)]
enum Spread {
    Zipf(Zipf),
    InTurn,
}

/// Some events as newline-delimited JSON, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The batch's number, from 0.
    pub index: u64,
    /// How many events it has.
    pub events: usize,
    /// One JSON object a line, each line ended by a line feed.
    pub bytes: Vec<u8>,
}

/// What to ask for when a workload is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queries {
    /// The name of the workspace with the most events.
    pub largest_workspace: String,
    /// A workspace of the middle rank, of which a tenfold store has tenfold events.
    pub middle_workspace: String,
    /// A filter on one field that about 8 % of the events pass.
    pub field_filter: String,
    /// The rare word.
    pub rare_word: String,
    /// How many events of the largest workspace have it.
    pub rare_hits: u64,
    /// Twelve characters from inside an event id of the largest workspace.
    pub id_substring: String,
    /// The id they are from.
    pub id_of_substring: String,
}

/// What a workload turned out to be, read back from its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Events that were looked at.
    pub sampled: usize,
    /// Median size of an event in bytes, without the line feed.
    pub bytes_median: usize,
    /// Mean size.
    pub bytes_mean: usize,
    /// Nineteen of twenty are at most this large.
    pub bytes_p95: usize,
    /// Share with before, after or both, from 0 to 1.
    pub changed_share: f64,
    /// Distinct actions.
    pub actions: usize,
    /// Distinct workspaces.
    pub workspaces: usize,
    /// Share of the largest workspace, from 0 to 1.
    pub largest_share: f64,
}

impl Workload {
    /// Prepares workload W, or the same with other numbers of workspaces and events.
    ///
    /// A workload without workspaces gets one.
    pub fn new(seed: u64, workspaces: usize, events: u64) -> Self {
        let zipf = Zipf::new(workspaces.max(1));
        let shares: Vec<f64> = (0..workspaces.max(1)).map(|rank| zipf.share(rank)).collect();
        Self::build(seed, events, &shares, Spread::Zipf(zipf))
    }

    /// Prepares a workload in which every workspace gets the same number of events, in turn.
    pub fn in_turn(seed: u64, workspaces: usize, events_each: u64) -> Self {
        let count = workspaces.max(1);
        let shares = vec![1.0 / count as f64; count];
        Self::build(seed, events_each * count as u64, &shares, Spread::InTurn)
    }

    fn build(seed: u64, events: u64, shares: &[f64], spread: Spread) -> Self {
        let people = shares.iter().enumerate().map(|(rank, share)| People::new(seed, rank, *share));
        Self {
            seed,
            events,
            start: Timestamp::from_micros(START_MICROS),
            names: (0..shares.len()).map(vocabulary::workspace_name).collect(),
            people: people.collect(),
            spread,
            rendered: vocabulary::Rendered::new(),
        }
    }

    /// Lets the first event happen at another moment than 2026-10-01; the last one happens just
    /// under 30 days later.
    #[must_use]
    pub fn starting_at(mut self, start: Timestamp) -> Self {
        self.start = start;
        self
    }

    /// How many events there are in all.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many batches there are; only the last one may be smaller than [`BATCH_EVENTS`].
    pub fn batch_count(&self) -> u64 {
        self.events.div_ceil(BATCH_EVENTS)
    }

    /// The names of the workspaces, the largest first.
    pub fn workspaces(&self) -> &[String] {
        &self.names
    }

    /// All batches in order.
    pub fn batches(&self) -> impl Iterator<Item = Batch> + '_ {
        (0..self.batch_count()).map(|index| self.batch(index))
    }

    /// Makes one batch; the same index always gives the same bytes.
    pub fn batch(&self, index: u64) -> Batch {
        let mut bytes = Vec::new();
        let events = self.fill(index, &mut bytes);
        Batch { index, events, bytes }
    }

    /// Makes one batch in a buffer that is used again, and returns its number of events: none when
    /// there is no such batch.
    pub fn fill(&self, index: u64, out: &mut Vec<u8>) -> usize {
        out.clear();
        out.reserve(680 * BATCH_EVENTS as usize);
        let first = index.saturating_mul(BATCH_EVENTS).min(self.events);
        let last = (first + BATCH_EVENTS).min(self.events);
        let mut dice = Dice::new(mix(self.seed ^ mix(index.wrapping_add(1))));
        for number in first..last {
            self.write_event(number, &mut dice, out);
        }
        (last - first) as usize
    }

    /// What to ask for when all events are in.
    pub fn queries(&self) -> Queries {
        let planted = RARE_FIRST < self.events;
        let batch = self.batch(if planted { RARE_FIRST / BATCH_EVENTS } else { 0 });
        let workspace = format!("\"workspace\":\"{}\"", self.names[0]);
        let text = String::from_utf8_lossy(&batch.bytes);
        let line = text.lines().find(|line| line.contains(&workspace)).unwrap_or_default();
        let id = line.get(7..39).unwrap_or_default();
        let rare_hits = match self.spread {
            Spread::Zipf(_) => (self.events + RARE_EVERY - RARE_FIRST - 1) / RARE_EVERY,
            Spread::InTurn => 0,
        };
        Queries {
            largest_workspace: self.names[0].clone(),
            middle_workspace: self.names[self.names.len() / 2].clone(),
            field_filter: "action:project.update".to_owned(),
            rare_word: RARE_WORD.to_owned(),
            rare_hits,
            id_substring: id.get(10..22).unwrap_or_default().to_owned(),
            id_of_substring: id.to_owned(),
        }
    }

    /// Reads up to `batches_max` batches, evenly chosen, and says what is in them.
    pub fn describe(&self, batches_max: u64) -> Figures {
        let step = self.batch_count().div_ceil(batches_max.max(1)).max(1);
        let mut sizes = Vec::new();
        let mut changed = 0;
        let mut actions = BTreeSet::new();
        let mut workspaces: BTreeMap<String, usize> = BTreeMap::new();
        let mut bytes = Vec::new();
        for index in (0..self.batch_count()).step_by(step as usize) {
            self.fill(index, &mut bytes);
            for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                sizes.push(line.len());
                let Ok(draft) = EventDraft::parse(line) else { continue };
                changed += usize::from(draft.before.is_some() || draft.after.is_some());
                actions.insert(draft.action.into_owned());
                let name = draft.workspace.unwrap_or_default().into_owned();
                *workspaces.entry(name).or_default() += 1;
            }
        }
        sizes.sort_unstable();
        let count = sizes.len().max(1);
        let largest = workspaces.get(&self.names[0]).copied().unwrap_or_default();
        Figures {
            sampled: sizes.len(),
            bytes_median: sizes.get(sizes.len() / 2).copied().unwrap_or_default(),
            bytes_mean: sizes.iter().sum::<usize>() / count,
            bytes_p95: sizes.get(sizes.len() * 95 / 100).copied().unwrap_or_default(),
            changed_share: changed as f64 / count as f64,
            actions: actions.len(),
            workspaces: workspaces.len(),
            largest_share: largest as f64 / count as f64,
        }
    }

    fn write_event(&self, number: u64, dice: &mut Dice, out: &mut Vec<u8>) {
        let (workspace, rare) = match &self.spread {
            Spread::InTurn => ((number % self.names.len() as u64) as usize, false),
            Spread::Zipf(zipf) => {
                let rank = zipf.rank(dice);
                let rare = number % RARE_EVERY == RARE_FIRST;
                (if rare { 0 } else { rank }, rare)
            }
        };
        let texts = &self.rendered;
        let action: &Action = texts.action(dice, CHANGED_PERCENT);
        let person = self.people[workspace].person(number, dice);

        put(out, b"{\"id\":\"");
        put_id(out, dice);
        put(out, b"\",\"workspace\":\"");
        let name = self.names[workspace].as_bytes();
        put(out, name);
        put(out, b"\",\"action\":\"");
        put(out, action.name.as_bytes());
        put(out, b"\",\"occurred_at\":\"");
        self.time_of(number, dice).write_rfc3339(out);
        put(out, b"\",\"actor\":{\"type\":\"user\",\"id\":\"usr_");
        put_hex8(out, person.id);
        put(out, texts.person(person.name));
        put(out, name);
        put(out, b".example\",\"roles\":[\"");
        put(out, vocabulary::ROLES[person.role].as_bytes());
        put(out, b"\"]},");
        let target = self.people[workspace].target(action.kind_index, dice);
        let title = texts.title(action, target.name);
        if !action.kind.is_empty() {
            put(out, b"\"targets\":[{\"type\":\"");
            put(out, action.kind.as_bytes());
            put(out, b"\",\"id\":\"");
            put(out, action.prefix.as_bytes());
            put_hex8(out, target.id);
            put(out, b"\",\"name\":\"");
            put(out, title);
            put(out, b"\"}],");
        }
        write_change(action, title, dice, out);
        put(out, b"\"context\":{\"ip\":\"");
        put_ip(out, person.ip);
        put(out, b"\",\"user_agent\":\"");
        put(out, vocabulary::AGENTS[person.agent].as_bytes());
        put(out, b"\",\"session_id\":\"s_");
        put_hex8(out, (person.session >> 32) as u32);
        put_hex8(out, person.session as u32);
        put(out, b"\",\"request_id\":\"");
        put_id(out, dice);
        if dice.percent(FAILED_PERCENT) {
            put(out, b"\"},\"outcome\":{\"result\":\"failure\",\"code\":\"not_allowed\"}");
        } else {
            put(out, b"\"}");
        }
        if rare {
            put(
                out,
                format!(
                    ",\"reason\":\"Asked for in review {RARE_WORD}-{:06}\"",
                    number / RARE_EVERY
                )
                .as_bytes(),
            );
        } else if dice.percent(REASON_PERCENT) {
            put(out, b",\"reason\":\"");
            for part in vocabulary::REASON {
                put(out, dice.pick(part).as_bytes());
            }
            put(out, b"\"");
        }
        put(out, b"}\n");
    }

    /// Each event has its own share of the time; within it, the microsecond is random.
    fn time_of(&self, number: u64, dice: &mut Dice) -> Timestamp {
        let share = SPAN_MICROS / self.events.max(1);
        let within = dice.below(share.clamp(1, 1 << 31) as usize) as u64;
        let passed = number * share + within;
        Timestamp::from_micros(self.start.micros().saturating_add_unsigned(passed))
    }
}

fn write_change(action: &Action, title: &[u8], dice: &mut Dice, out: &mut Vec<u8>) {
    let member = |out: &mut Vec<u8>, value: &str| {
        put(out, b"\"");
        put(out, action.field.as_bytes());
        put(out, b"\":\"");
        put(out, value.as_bytes());
        put(out, b"\"}");
    };
    let values = action.values;
    match action.change {
        Change::None => {}
        Change::Create | Change::Delete => {
            put(
                out,
                if action.change == Change::Create { b"\"after\":{" } else { b"\"before\":{" },
            );
            put(out, b"\"name\":\"");
            put(out, title);
            put(out, b"\",");
            let value: &&str = dice.pick(values);
            member(out, value);
            put(out, b",");
        }
        Change::Update => {
            let before = dice.below(values.len());
            let after = (before + 1 + dice.below(values.len() - 1)) % values.len();
            put(out, b"\"before\":{");
            member(out, values[before]);
            put(out, b",\"after\":{");
            member(out, values[after]);
            put(out, b",");
        }
    }
}

#[inline]
fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}

/// The two digits of each byte.
const HEX: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    table
};

#[inline]
fn put_hex8(out: &mut Vec<u8>, number: u32) {
    let mut text = [0; 8];
    for (pair, byte) in text.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair.copy_from_slice(&HEX[usize::from(byte)]);
    }
    put(out, &text);
}

/// Writes 128 random bits as 32 digits.
#[inline]
fn put_id(out: &mut Vec<u8>, dice: &mut Dice) {
    let mut text = [0; 32];
    let number = (u128::from(dice.roll()) << 64) | u128::from(dice.roll());
    for (pair, byte) in text.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair.copy_from_slice(&HEX[usize::from(byte)]);
    }
    put(out, &text);
}

/// Writes an address of 100.64.0.0/10.
#[inline]
fn put_ip(out: &mut Vec<u8>, bits: u32) {
    put(out, b"100.");
    for (octet, dot) in
        [(64 + (bits >> 16 & 63), true), (bits >> 8 & 255, true), (bits & 255, false)]
    {
        if octet >= 100 {
            out.push(b'0' + (octet / 100) as u8);
        }
        if octet >= 10 {
            out.push(b'0' + (octet / 10 % 10) as u8);
        }
        out.push(b'0' + (octet % 10) as u8);
        if dot {
            out.push(b'.');
        }
    }
}

#[cfg(test)]
mod tests;
