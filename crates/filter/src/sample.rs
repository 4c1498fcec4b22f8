//! Events for the tests of this crate, written as the JSON of their groups.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use proofbook_event::event::Clear;
use proofbook_event::{Event, Group, GroupBytes, Outcome, Timestamp, Value, canonical};

use crate::moment::ResolveContext;

/// An event's clear fields and its groups as canonical bytes.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) clear: Clear<'static>,
    groups: [Option<Vec<u8>>; Group::COUNT],
}

impl Sample {
    /// An event with an action and nothing else, of 2026-11-20T12:00:00Z, seq 7.
    pub(crate) fn new(action: &'static str) -> Self {
        let at = Timestamp::parse("2026-11-20T12:00:00Z").expect("an RFC 3339 time");
        Self {
            clear: Clear {
                workspace: Cow::Borrowed("acme"),
                seq: 7,
                recorded_at: at,
                occurred_at: at,
                action: Some(Cow::Borrowed(action)),
                outcome: Outcome::Success,
            },
            groups: Default::default(),
        }
    }

    /// Sets a group from JSON.
    pub(crate) fn with(mut self, group: Group, json: &str) -> Self {
        let value = Value::parse(json.as_bytes()).expect("test JSON");
        self.groups[group.index()] = Some(canonical::to_bytes(&value));
        self
    }

    pub(crate) fn occurred(mut self, time: &str) -> Self {
        self.clear.occurred_at = Timestamp::parse(time).expect("an RFC 3339 time");
        self
    }

    pub(crate) fn outcome(mut self, outcome: Outcome) -> Self {
        self.clear.outcome = outcome;
        self
    }

    pub(crate) fn bytes(&self) -> GroupBytes<'_> {
        let mut bytes = GroupBytes::default();
        for group in Group::ALL {
            bytes.set(group, self.groups[group.index()].as_deref());
        }
        bytes
    }

    pub(crate) fn event(&self) -> Event<'_> {
        Event::from_groups(self.clear.clone(), &self.bytes()).expect("canonical bytes parse")
    }

    /// A project renamed by Ada Park, with two targets and two changes.
    pub(crate) fn project_update() -> Self {
        Self::new("project.update")
            .with(Group::Id, r#""0193-aB""#)
            .with(
                Group::Actor,
                r#"{"actor":{"type":"user","id":"u_7","name":"Ada Park","email":"Ada@acme.example","roles":["admin"]},
                    "on_behalf_of":{"type":"user","id":"u_9","name":"Zoë Lang"},
                    "via":{"channel":"ui","client":"Firefox"}}"#,
            )
            .with(
                Group::Targets,
                r#"[{"type":"project","id":"42","name":"Website"},{"type":"folder","id":"7","name":"Straße"}]"#,
            )
            .with(
                Group::Changes,
                r#"{"changes":[
                    {"path":"/plan","kind":"update","before":"Free","after":"pro"},
                    {"path":"/limits/seats","kind":"update","before":5,"after":12.5},
                    {"path":"/tags","kind":"add","after":["red","Blue"]},
                    {"path":"/active","kind":"update","before":false,"after":null}]}"#,
            )
            .with(
                Group::Context,
                r#"{"ip":"10.1.2.3","country":"DE","request_id":"Req-1","session_id":"s1","user_agent":"curl/8 (x)"}"#,
            )
            .with(
                Group::Description,
                r#"{"module":{"id":"projects","title":"Projects & more"},"verb":"update","severity":"warning",
                    "title":"Project Update","description":"Ada Park renamed “Website” to \"Café\"","reason":null}"#,
            )
            .with(
                Group::Metadata,
                r#"{"metadata":{"plan":"pro","count":3,"flag":true,"none":null,"a":{"b":{"c":"deep"}},"x.y":"dotted",
                    "tags":["one",2],"until":"2026-11-22","items":[{"sku":"A1"},{"sku":"B2"}],"empty":""},
                    "source":{"name":"billing","seq":881}}"#,
            )
    }
}

/// The reader of the tests: in Berlin, at 2026-11-22T09:30:00Z.
pub(crate) fn context() -> ResolveContext {
    ResolveContext {
        now: Timestamp::parse("2026-11-22T09:30:00Z").expect("an RFC 3339 time"),
        zone: TimeZone::get("Europe/Berlin").expect("a zone of the bundled database"),
    }
}
