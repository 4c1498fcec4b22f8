//! Compares every kind of answer with what the oracle says.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::tz::TimeZone;
use proofbook_catalog::retention::outlives_retention;
use proofbook_event::Timestamp;
use proofbook_filter::{Field, Filter, ResolveContext, ResolvedFilter};
use proofbook_query::{Budget, Cursor, Interval, ListRequest, Page, Reader, Sort};

use crate::filters::{Drawn, filter, values};
use crate::world::{DAY, Known, WORKSPACE, World};

pub(crate) const KEY: [u8; 32] = [3; 32];

pub(crate) fn resolve(world: &World, text: &str) -> ResolvedFilter {
    let context = ResolveContext { now: world.store.now(), zone: TimeZone::UTC };
    let parsed = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    parsed.resolve(&context)
}

/// The events that pass, and those that are left out.
pub(crate) fn expected<'w>(world: &'w World, drawn: &Drawn, as_of: u64) -> (Vec<&'w Known>, u64) {
    let since = world.store.now().micros() - 30 * DAY;
    let all = world.known.iter().filter(|event| {
        event.seq < as_of
            && (event.counts_from >= since || outlives_retention(&event.action))
            && (drawn.passes)(event)
    });
    let (own, passing): (Vec<_>, Vec<_>) =
        all.partition(|event| event.action.starts_with("audit_log.") && !drawn.names_own);
    (passing, own.len() as u64)
}

pub(crate) fn sort_as(sort: Sort, events: &mut [&Known]) {
    match sort {
        Sort::NewestFirst => {
            events.sort_by_key(|event| std::cmp::Reverse((event.occurred_at, event.seq)));
        }
        Sort::OldestFirst => events.sort_by_key(|event| (event.occurred_at, event.seq)),
        Sort::Seq => events.sort_by_key(|event| event.seq),
    }
}

fn seqs(page: &Page) -> Vec<u64> {
    page.events.iter().map(|found| found.seq()).collect()
}

/// Draws a query and compares every answer to it.
pub(crate) fn check_one(world: &mut World, depth: usize) {
    let drawn = if world.dice.once_in(8) {
        Drawn { text: String::new(), passes: std::rc::Rc::new(|_| true), names_own: false }
    } else {
        filter(&mut world.dice, &world.known, depth)
    };
    check_filter(world, &drawn);
}

pub(crate) fn check_filter(world: &mut World, drawn: &Drawn) {
    let resolved = resolve(world, &drawn.text);
    assert_eq!(resolved.names_audit_log(), drawn.names_own, "{}", drawn.text);
    let sort = [Sort::NewestFirst, Sort::OldestFirst, Sort::Seq][world.dice.below(3)];
    let limit = 1 + world.dice.below(40);
    let (mut wanted, left_out) = expected(world, drawn, u64::MAX);
    sort_as(sort, &mut wanted);
    let wanted: Vec<u64> = wanted.iter().map(|event| event.seq).collect();
    let reader = Reader::open(&world.store, WORKSPACE).expect("there");
    let budget = Budget::unlimited();
    let text = &drawn.text;

    let counted = reader.count(&resolved, &budget).expect("counts");
    assert_eq!(counted.total, Some(wanted.len() as u64), "total of {text}");
    assert_eq!(counted.left_out, left_out, "left out of {text}");

    let request = |cursor, page| ListRequest {
        filter: resolved.clone(),
        filter_hash: 77,
        sort,
        limit,
        cursor,
        page,
    };
    let pages = wanted.len().div_ceil(limit);
    for number in [1, 2, pages, pages + 1] {
        let page = reader.list(&request(None, Some(number as u64)), &budget).expect("lists");
        let from = ((number.max(1) - 1) * limit).min(wanted.len());
        let to = wanted.len().min(from + limit);
        assert_eq!(seqs(&page), wanted[from..to], "page {number} of {limit}, {sort:?}: {text}");
        assert_eq!(page.total, Some(wanted.len() as u64), "{text}");
        assert_eq!((page.left_out, page.complete), (left_out, true), "{text}");
        assert_eq!(page.pages, Some(pages as u64));
        assert_eq!(page.next.is_some(), to < wanted.len(), "next of {number}: {text}");
        assert_eq!(page.prev.is_some(), number > 1 && from < to, "prev of {number}: {text}");
    }
    let mut scanned = Vec::new();
    let mut visit = |found: proofbook_query::Found| {
        scanned.push(found.seq());
        ControlFlow::Continue(())
    };
    let end = reader.scan(&resolved, sort, u64::MAX, &mut visit, &budget).expect("scans");
    assert_eq!((scanned, end.complete), (wanted.clone(), true), "scan of {text}");

    let after = world.dice.below(world.known.len() + 2) as u64;
    let mut behind = wanted;
    behind.sort_unstable();
    behind.retain(|seq| *seq > after);
    behind.truncate(limit);
    let found = reader.after_seq(&resolved, Some(after), limit, &budget).expect("follows");
    let found: Vec<u64> = found.iter().map(|found| found.seq()).collect();
    assert_eq!(found, behind, "after {after}: {text}");
    check_facets(world, drawn, &resolved, &reader);
    check_histogram(world, drawn, &resolved, &reader);
}

const FACETS: [&str; 16] = [
    "action",
    "outcome",
    "verb",
    "severity",
    "actor.id",
    "actor.email",
    "actor.type",
    "target.type",
    "target.name",
    "ip",
    "country",
    "session",
    "source",
    "meta.tags",
    "target.id",
    "meta.plan",
];

fn check_facets(world: &mut World, drawn: &Drawn, resolved: &ResolvedFilter, reader: &Reader) {
    let name = FACETS[world.dice.below(FACETS.len())];
    let field = Field::parse(name).expect("a field");
    let prefix = world.dice.once_in(4).then_some("p");
    let limit = 1 + world.dice.below(8);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for event in expected(world, drawn, u64::MAX).0 {
        let mut all = values(event, name);
        all.sort_unstable();
        all.dedup();
        for value in all {
            if prefix.is_none_or(|prefix| value.to_lowercase().starts_with(prefix)) {
                *counts.entry(value).or_default() += 1;
            }
        }
    }
    let mut wanted: Vec<(String, u64)> = counts.into_iter().collect();
    wanted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let rest = wanted.split_off(limit.min(wanted.len()));
    let facets =
        reader.facets(resolved, &field, prefix, limit, &Budget::unlimited()).expect("counts");
    let found: Vec<(String, u64)> =
        facets.values.into_iter().map(|value| (value.value, value.count)).collect();
    assert_eq!(found, wanted, "{name} of {}", drawn.text);
    assert_eq!(
        facets.other,
        rest.iter().map(|(_, count)| count).sum::<u64>(),
        "{name} of {}",
        drawn.text
    );
    assert_eq!(facets.distinct as usize, wanted.len() + rest.len());
}

fn check_histogram(world: &mut World, drawn: &Drawn, resolved: &ResolvedFilter, reader: &Reader) {
    let interval =
        [Interval::Hour, Interval::Day, Interval::Week, Interval::Month][world.dice.below(4)];
    let zone = TimeZone::get(world.dice.pick(&["UTC", "Europe/Berlin", "Asia/Kathmandu"]))
        .expect("a zone");
    let split = world.dice.once_in(2).then_some(Field::Outcome);
    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
    let events = expected(world, drawn, u64::MAX).0;
    for event in &events {
        let local = Timestamp::from_micros(event.occurred_at).in_zone(&zone);
        let day = local.date();
        let date = match interval {
            Interval::Hour | Interval::Day => day,
            Interval::Week => day
                .checked_sub(
                    jiff::Span::new().days(i64::from(day.weekday().to_monday_zero_offset())),
                )
                .expect("a date"),
            _ => day.first_of_month(),
        };
        let hour = if interval == Interval::Hour { local.hour() } else { 0 };
        let start = date.at(hour, 0, 0, 0).to_zoned(zone.clone()).expect("a moment");
        *counts.entry(start.timestamp().as_microsecond()).or_default() += 1;
    }
    let budget = Budget::unlimited();
    let histogram =
        reader.histogram(resolved, interval, &zone, split.as_ref(), &budget).expect("counts");
    let found: BTreeMap<i64, u64> = histogram
        .buckets
        .iter()
        .filter(|bucket| bucket.count > 0)
        .map(|bucket| (bucket.start.micros(), bucket.count))
        .collect();
    let shown: u64 = found.values().sum();
    assert_eq!(shown + histogram.other, events.len() as u64, "{}", drawn.text);
    let cut: BTreeMap<i64, u64> = counts.into_iter().rev().take(found.len()).collect();
    assert_eq!(found, cut, "{interval:?} of {}", drawn.text);
    for pair in histogram.buckets.windows(2) {
        assert_eq!(pair[0].end, pair[1].start, "{interval:?} of {}", drawn.text);
    }
    if split.is_some() {
        for bucket in &histogram.buckets {
            let sum: u64 = bucket.split.iter().map(|value| value.count).sum();
            assert_eq!(sum, bucket.count, "every event has one outcome");
        }
        let sum: u64 = histogram.split.iter().map(|value| value.count).sum();
        assert_eq!(sum, shown + histogram.other);
    }
}

/// Walks a list to its end and back by cursors, with events arriving between the pages.
pub(crate) fn check_walk(world: &mut World, drawn: &Drawn, mut disturb: impl FnMut(&mut World)) {
    let resolved = resolve(world, &drawn.text);
    let sort = [Sort::NewestFirst, Sort::OldestFirst, Sort::Seq][world.dice.below(3)];
    let as_of = world.known.len() as u64;
    let (mut wanted, _) = expected(world, drawn, as_of);
    sort_as(sort, &mut wanted);
    let wanted: Vec<u64> = wanted.iter().map(|event| event.seq).collect();
    let limit = 1 + wanted.len() / (2 + world.dice.below(4));
    let mut cursor: Option<Cursor> = None;
    let mut forwards: Vec<u64> = Vec::new();
    let mut last_page;
    loop {
        let request = ListRequest {
            filter: resolved.clone(),
            filter_hash: 5,
            sort,
            limit,
            cursor,
            page: None,
        };
        let reader = Reader::open(&world.store, WORKSPACE).expect("there");
        let page = reader.list(&request, &Budget::unlimited()).expect("lists");
        assert_eq!(page.as_of_seq, as_of);
        assert_eq!(page.total, Some(wanted.len() as u64), "{}", drawn.text);
        last_page = seqs(&page);
        forwards.extend(&last_page);
        disturb(world);
        let coded = page.next.map(|next| next.encode(&KEY));
        cursor = coded.map(|text| Cursor::decode(&text, &KEY).expect("our own"));
        if cursor.is_none() {
            cursor = page.prev;
            break;
        }
    }
    assert_eq!(forwards, wanted, "forwards, {sort:?}: {}", drawn.text);
    let mut backwards = last_page;
    while let Some(at) = cursor {
        let request = ListRequest {
            filter: resolved.clone(),
            filter_hash: 5,
            sort,
            limit,
            cursor: Some(at),
            page: None,
        };
        let reader = Reader::open(&world.store, WORKSPACE).expect("there");
        let page = reader.list(&request, &Budget::unlimited()).expect("lists");
        let mut all = seqs(&page);
        all.extend(&backwards);
        backwards = all;
        cursor = page.prev;
    }
    assert_eq!(backwards, wanted, "backwards, {sort:?}: {}", drawn.text);
}
