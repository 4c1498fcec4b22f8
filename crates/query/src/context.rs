//! Where an event came from, seen in the whole log: is this address, is this country new?

use std::collections::HashSet;

use proofbook_event::Group;
use proofbook_event::event::party_label;
use proofbook_event::{Event, Timestamp};
use proofbook_filter::{Field, FieldTerm, Filter, Glob, Match, Node, Operand, ResolvedFilter};
use proofbook_store::segment::GroupSet;

use crate::budget::Budget;
use crate::error::QueryError;
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
        let selection = self.select(self.question(&filter, u64::MAX), 0, true, budget);
        let this = (event.clear.occurred_at.micros(), event.clear.seq);
        let actor = actor_of(event);
        let mut actors: HashSet<String> = HashSet::new();
        let (mut events, mut first_seen, mut seen_before) = (0, i64::MAX, false);
        let groups = GroupSet::NONE.with(Group::Actor);
        selection.for_each_block(&mut |source, block, judged| {
            if judged.rows.is_empty() {
                return Ok(());
            }
            let read = source.visit(block, &judged.rows, groups, &mut |_, stored| {
                selection.meter.spend(stored.groups.bytes_total() as u64);
                events += 1;
                first_seen = first_seen.min(stored.occurred_at);
                let Ok(other) = Event::from_groups(stored.clear(), &stored.groups) else { return };
                let Some(name) = actor_of(&other) else { return };
                let before = (stored.occurred_at, stored.seq) < this;
                seen_before |= before && actor.as_deref() == Some(name.as_ref());
                if actors.len() < crate::limits::DISTINCT_VALUES_MAX && !actors.contains(&name) {
                    actors.insert(name);
                }
            });
            if let Err(error) = read {
                selection.unread(&error);
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
    let actor = event.actor()?;
    let text = |key| actor.get(key).and_then(proofbook_event::Value::as_str);
    let kind = text("type").unwrap_or_default();
    let name = text("id").or_else(|| party_label(actor))?;
    Some(format!("{kind}\0{name}"))
}
