//! Every kind of answer about one workspace at one moment, compared with the model's.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::tz::TimeZone;
use proofbook_event::Timestamp;
use proofbook_filter::{Field, Filter, ResolveContext, ResolvedFilter};
use proofbook_query::{Budget, Found, Interval, ListRequest, Reader, Sort};
use proofbook_store::rules::Rules;
use proofbook_testkit::{Dice, SteppedStore};

use crate::life::ACTIONS;
use crate::naive::{DAY, Known, Space};

/// Asks one drawn question in every way and compares; `Err` says which answer is wrong.
pub(crate) fn check(
    store: &SteppedStore,
    name: &str,
    space: &Space,
    dice: &mut Dice,
) -> Result<(), String> {
    let Some(workspace) = store.published.directory.by_name(name) else { return Ok(()) };
    let view = store.published.view();
    let catalog = store.preparer.catalog_of(&view, &workspace.settings);
    let now = store.clock.now_micros();
    let moment = Timestamp::from_micros(now);
    let preset = catalog.preset();
    let rules = Rules::of(&view.config, &workspace.name, preset, &workspace.settings, moment);
    let reader = Reader::at(workspace, view, rules, store.preparer.id_hasher());

    let asked = Asked::draw(dice);
    let context = ResolveContext { now: moment, zone: TimeZone::UTC };
    let text = asked.text();
    let filter = Filter::parse(&text).map_err(|error| format!("{error:?}"))?.resolve(&context);
    let visible: Vec<(u64, &Known)> = (0..)
        .zip(&space.events)
        .filter(|(seq, event)| space.is_visible(*seq, event, now))
        .collect();
    let passing = visible.iter().filter(|(_, event)| asked.takes(event));
    let wanted: Vec<(u64, &Known)> = passing.copied().collect();
    let question = Question { reader, filter, wanted };
    let mut answers = question
        .rows(dice)
        .and_then(|()| question.figures())
        .and_then(|()| single(&question.reader, space, &visible, dice));
    if let Err(reason) = &mut answers {
        reason.push_str(&format!(" (asked {text:?} of {name} at {moment})"));
    }
    answers
}

/// What is asked for.
enum Asked {
    Everything,
    Actor(usize),
    Action(&'static str),
    Purges,
}

impl Asked {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(6) {
            0..3 => Self::Everything,
            3 => Self::Actor(dice.below(4)),
            4 => Self::Action(dice.pick(&ACTIONS)),
            _ => Self::Purges,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Everything => String::new(),
            Self::Actor(actor) => format!("actor.id:u{actor}"),
            Self::Action(action) => format!("action:{action}"),
            Self::Purges => "action:audit_log.purged".to_owned(),
        }
    }

    fn takes(&self, event: &Known) -> bool {
        match self {
            Self::Everything => !event.is_own(),
            Self::Actor(actor) => event.sent.as_ref().is_some_and(|sent| sent.actor == *actor),
            Self::Action(action) => event.action == *action,
            Self::Purges => event.is_own(),
        }
    }
}

/// One question, what it is asked of, and what must come back.
struct Question<'m> {
    reader: Reader,
    filter: ResolvedFilter,
    wanted: Vec<(u64, &'m Known)>,
}

impl Question<'_> {
    fn seqs(&self, sort: Sort) -> Vec<u64> {
        let mut wanted = self.wanted.clone();
        match sort {
            Sort::NewestFirst => {
                wanted.sort_by_key(|(seq, event)| std::cmp::Reverse((event.occurred_at, *seq)));
            }
            Sort::OldestFirst => wanted.sort_by_key(|(seq, event)| (event.occurred_at, *seq)),
            Sort::Seq => {}
        }
        wanted.into_iter().map(|(seq, _)| seq).collect()
    }

    /// List, export and tail.
    fn rows(&self, dice: &mut Dice) -> Result<(), String> {
        let budget = Budget::unlimited();
        let sort = dice.pick(&[Sort::NewestFirst, Sort::OldestFirst, Sort::Seq]);
        let wanted = self.seqs(sort);
        let limit = 1 + dice.below(30);
        let request = ListRequest {
            filter: self.filter.clone(),
            filter_hash: 1,
            sort,
            limit,
            cursor: None,
            page: None,
        };
        let page = self.reader.list(&request, &budget).map_err(unread)?;
        let first: Vec<u64> = wanted.iter().copied().take(limit).collect();
        same("the list", &seqs(&page.events), &first)?;
        same("the list's total", &page.total, &Some(wanted.len() as u64))?;

        let mut scanned = Vec::new();
        let mut visit = |found: Found| {
            scanned.push(found.seq());
            ControlFlow::Continue(())
        };
        let end = self.reader.scan(&self.filter, sort, u64::MAX, &mut visit, &budget);
        same("the export's end", &end.map_err(unread)?.complete, &true)?;
        same("the export", &scanned, &wanted)?;

        let after = dice.below(self.reader.head().size as usize + 1) as u64;
        let behind = self.reader.after_seq(&self.filter, Some(after), limit, &budget);
        let mut due = self.seqs(Sort::Seq);
        due.retain(|seq| *seq > after);
        due.truncate(limit);
        same("the tail", &seqs(&behind.map_err(unread)?), &due)
    }

    /// Total, facets and histogram.
    fn figures(&self) -> Result<(), String> {
        let budget = Budget::unlimited();
        let counted = self.reader.count(&self.filter, &budget).map_err(unread)?;
        same("the total", &counted.total, &Some(self.wanted.len() as u64))?;

        let field = Field::parse("action").ok_or("action is no field")?;
        let facets = self.reader.facets(&self.filter, &field, None, 50, &budget);
        let found: BTreeMap<String, u64> = facets
            .map_err(unread)?
            .values
            .into_iter()
            .map(|value| (value.value, value.count))
            .collect();
        let mut actions: BTreeMap<String, u64> = BTreeMap::new();
        for (_, event) in &self.wanted {
            *actions.entry(event.action.clone()).or_default() += 1;
        }
        same("the facets", &found, &actions)?;

        let histogram =
            self.reader.histogram(&self.filter, Interval::Day, &TimeZone::UTC, None, &budget);
        let histogram = histogram.map_err(unread)?;
        let filled = histogram.buckets.iter().filter(|bucket| bucket.count > 0);
        let found: BTreeMap<i64, u64> =
            filled.map(|bucket| (bucket.start.micros(), bucket.count)).collect();
        let mut days: BTreeMap<i64, u64> = BTreeMap::new();
        for (_, event) in &self.wanted {
            *days.entry(event.occurred_at.div_euclid(DAY) * DAY).or_default() += 1;
        }
        // Of very many days the newest are named, the rest is in one sum.
        let rest: u64 = days.iter().rev().skip(found.len()).map(|(_, count)| count).sum();
        let newest: BTreeMap<i64, u64> = days.into_iter().rev().take(found.len()).collect();
        same("the histogram", &found, &newest)?;
        same("the histogram's rest", &histogram.other, &rest)?;
        Ok(())
    }
}

/// Single events by number and by id, and what is known of an address.
fn single(
    reader: &Reader,
    space: &Space,
    visible: &[(u64, &Known)],
    dice: &mut Dice,
) -> Result<(), String> {
    if space.events.is_empty() {
        return Ok(());
    }
    let seq = dice.below(space.events.len()) as u64;
    let event = &space.events[seq as usize];
    let is_visible = visible.binary_search_by_key(&seq, |(seq, _)| *seq).is_ok();
    let found = reader.by_seq(seq).map_err(unread)?;
    same("the event by its number", &found.as_ref().map(Found::seq), &is_visible.then_some(seq))?;
    let Some(sent) = &event.sent else { return Ok(()) };
    // Another event may have the id since this one was purged.
    let named = space.ids.get(&sent.id).copied();
    let due = named.filter(|seq| visible.binary_search_by_key(seq, |(seq, _)| *seq).is_ok());
    let by_id = reader.by_id(&sent.id).map_err(unread)?;
    same("the event by its id", &by_id.map(|found| found.seq()), &due)?;
    let Some(found) = found else { return Ok(()) };
    let event = found.event().map_err(|error| format!("{error:?}"))?;
    let everything = ResolvedFilter::everything();
    let facts = reader.context(&event, &everything, &Budget::unlimited()).map_err(unread)?;
    let here = visible.iter().filter_map(|(_, known)| known.sent.as_ref());
    let with_address = here.filter(|other| other.actor == sent.actor).count() as u64;
    same("the context", &facts.ip.map(|fact| fact.events), &Some(with_address))
}

fn seqs(found: &[Found]) -> Vec<u64> {
    found.iter().map(Found::seq).collect()
}

fn unread(error: proofbook_query::QueryError) -> String {
    format!("cannot be read: {error:?}")
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, due: &T) -> Result<(), String> {
    if found == due { Ok(()) } else { Err(format!("{what} is {found:?} and must be {due:?}")) }
}
