//! Where an event came from, seen in the whole log: is this address, is this country new?

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use proofbook_event::event::party_label;
use proofbook_event::{Event, Group, Timestamp, Value};
use proofbook_filter::{Field, FieldTerm, Filter, Glob, Match, Node, Operand, ResolvedFilter};

use crate::budget::Budget;
use crate::error::QueryError;
use crate::limits;
use crate::reader::Reader;

/// What the log knows of one value of an event's context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextFact {
    /// The value.
    pub value: String,
    /// Retained events that have it.
    pub events: u64,
    /// Different actors of these events.
    pub actors: u64,
    /// When the first of them happened.
    pub first_seen: Timestamp,
    /// Whether no event of this actor had it before this event.
    pub first_for_actor: bool,
    /// Whether everything could be read.
    pub complete: bool,
}

/// What the log knows of an event's address and country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextFacts {
    /// Its address.
    pub ip: Option<ContextFact>,
    /// Its country.
    pub country: Option<ContextFact>,
}

impl Reader {
    /// Looks an event's address and country up among the events that `within` lets the reader see.
    ///
    /// # Errors
    /// The budget ran out.
    pub fn context(
        &self,
        event: &Event<'_>,
        within: &ResolvedFilter,
        budget: &Budget<'_>,
    ) -> Result<ContextFacts, QueryError> {
        let fact = |field, value: Option<&str>| match value {
            Some(value) => self.context_fact(event, field, value, within, budget).map(Some),
            None => Ok(None),
        };
        Ok(ContextFacts {
            ip: fact(Field::Ip, event.context("ip"))?,
            country: fact(Field::Country, event.context("country"))?,
        })
    }

    fn context_fact(
        &self,
        event: &Event<'_>,
        field: Field,
        value: &str,
        within: &ResolvedFilter,
        budget: &Budget<'_>,
    ) -> Result<ContextFact, QueryError> {
        let operand = Operand::Glob(Glob::literal(value));
        let term = FieldTerm { field, values: vec![Match::Is(operand)], at: 0..0 };
        let context = proofbook_filter::ResolveContext {
            now: event.clear.recorded_at,
            zone: jiff::tz::TimeZone::UTC,
        };
        let same = Filter::from_node(Some(Node::Field(term))).resolve(&context);
        let filter = within.clone().and(same);
        let selection = self.select(self.question(&filter, u64::MAX), 0, budget);
        let this = (event.clear.occurred_at.micros(), event.clear.seq);
        let actor = actor_of(event);
        let mut actors: HashSet<Rc<str>> = HashSet::new();
        let (mut events, mut first_seen, mut seen_before) = (0, i64::MAX, false);
        // Values of the actor group come again and again.
        let mut names: HashMap<Box<[u8]>, Option<Rc<str>>> = HashMap::new();
        selection.for_each_block(&mut |source, block, judged| {
            if judged.rows.is_empty() {
                return Ok(());
            }
            let mut keys: Vec<(i64, u64)> = Vec::new();
            let read = source.for_each_key(block, &judged.rows, &mut |row, occurred_at, seq| {
                events += 1;
                first_seen = first_seen.min(occurred_at);
                keys.resize(row + 1, (occurred_at, seq));
            });
            let read = read.and_then(|()| {
                source.for_each_value(block, &judged.rows, Group::Actor, &mut |row, value| {
                    selection.meter.spend(value.len() as u64);
                    let name = match names.get(value) {
                        Some(known) => known.clone(),
                        None => {
                            let name = actor_of_group(value).map(Rc::from);
                            names.insert(value.into(), name.clone());
                            name
                        }
                    };
                    let Some(name) = name else { return };
                    seen_before |= keys[row] < this && actor.as_deref() == Some(&*name);
                    actors.insert(name);
                })
            });
            if let Err(error) = read {
                selection.unread(&error);
            }
            let (spent, limit) = (names.len() as u64, limits::DISTINCT_VALUES_MAX as u64);
            if spent > limit {
                return Err(QueryError::OverBudget { what: "distinct values", spent, limit });
            }
            Ok(())
        })?;
        Ok(ContextFact {
            value: value.to_owned(),
            events,
            actors: actors.len() as u64,
            first_seen: Timestamp::from_micros(first_seen.min(this.0)),
            first_for_actor: actor.is_some() && !seen_before,
            complete: selection.is_complete(),
        })
    }
}

/// Returns by what an actor is told apart: type and id, else what it is called.
fn actor_of(event: &Event<'_>) -> Option<String> {
    event.actor().and_then(name_of)
}

fn actor_of_group(group: &[u8]) -> Option<String> {
    Value::parse(group).ok()?.get("actor").and_then(name_of)
}

fn name_of(actor: &Value<'_>) -> Option<String> {
    let text = |key| actor.get(key).and_then(Value::as_str);
    let kind = text("type").unwrap_or_default();
    let name = text("id").or_else(|| party_label(actor))?;
    Some(format!("{kind}\0{name}"))
}
