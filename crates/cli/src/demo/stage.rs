//! Where a story is played: its calendar, its people, and the writing of its events.

use std::fmt::Write as _;

use proofbook_event::Timestamp;
use serde_json::{Map, Value, json};

use super::thing::Sides;
use crate::dice::{Dice, mix};

/// One minute in microseconds.
pub(super) const MINUTE: i64 = 60_000_000;
/// One day in microseconds.
pub(super) const DAY: i64 = 24 * 60 * MINUTE;

/// Somebody who acts.
#[derive(Debug)]
pub(super) struct Person {
    pub id: &'static str,
    pub name: &'static str,
    pub email: &'static str,
    pub role: &'static str,
    pub place: Place,
}

/// Where somebody sits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub ip: &'static str,
    pub agent: &'static str,
    pub country: &'static str,
    pub city: &'static str,
}

/// Chrome on a Mac.
pub(super) const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
/// Firefox on Windows.
pub(super) const WINDOWS: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";
/// Safari on a phone.
pub(super) const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1";
/// Chrome on Linux.
pub(super) const LINUX: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
/// A script.
pub(super) const SCRIPT: &str = "python-requests/2.32.5";

impl Person {
    /// The person as an actor, or as the one on whose behalf another acts.
    pub(super) fn party(&self, kind: &str) -> Value {
        json!({"type": kind, "id": self.id, "name": self.name, "email": self.email, "roles": [self.role]})
    }

    /// The person as the item of a list of users.
    pub(super) fn item(&self) -> Value {
        json!({"id": self.id, "name": self.name})
    }

    /// The person as a target.
    pub(super) fn target(&self, kind: &str) -> Value {
        json!({"type": kind, "id": self.id, "name": self.name})
    }
}

/// Who acts in an event.
#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    /// A member at the usual place.
    Person(&'static Person),
    /// A member at another place.
    PersonAt(&'static Person, Place),
    /// A supporter in a member's account, allowed by a ticket.
    Impersonating { supporter: &'static Person, member: &'static Person, ticket: &'static str },
    /// The product itself.
    System,
    /// A machine with its own key, through the API.
    Key { id: &'static str, name: &'static str, ip: &'static str },
    /// A nightly job.
    Job { id: &'static str, name: &'static str },
    /// An assistant that acts for a member.
    Agent { id: &'static str, name: &'static str, member: &'static Person },
}

/// One event before it is written down.
pub(super) struct Happening {
    at: i64,
    by: By,
    action: &'static str,
    targets: Vec<Value>,
    sides: Sides,
    more: Map<String, Value>,
    request: Option<String>,
}

impl Happening {
    /// Something that happens without a target and without a change.
    pub(super) fn new(at: i64, by: By, action: &'static str) -> Self {
        Self {
            at,
            by,
            action,
            targets: Vec::new(),
            sides: Sides::default(),
            more: Map::new(),
            request: None,
        }
    }

    /// Adds a target.
    pub(super) fn on(mut self, target: Value) -> Self {
        self.targets.push(target);
        self
    }

    /// Sets before and after.
    pub(super) fn with(mut self, sides: Sides) -> Self {
        self.sides = sides;
        self
    }

    /// Sets another field of the contract, such as `outcome`, `reason` or `metadata`.
    pub(super) fn and(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.more.insert(field.to_owned(), value.into());
        self
    }

    /// Puts the event into a request that several events share.
    pub(super) fn in_request(mut self, request: &str) -> Self {
        self.request = Some(request.to_owned());
        self
    }
}

/// What is to be played: an everyday act by its action, or a scene.
pub(super) enum Cue<W> {
    /// An everyday act.
    Routine(&'static str),
    /// A scene, with how many minutes it lasts.
    Scene(fn(&mut W, i64), i64),
}

/// The stage of one workspace.
pub(super) struct Stage {
    workspace: &'static str,
    now: i64,
    pub dice: Dice,
    written: Vec<(i64, String)>,
}

impl Stage {
    /// Sets the stage for a workspace; its name is the seed.
    pub(super) fn new(workspace: &'static str, now: Timestamp) -> Self {
        let seed = workspace.bytes().fold(17, |seed, byte| mix(seed ^ u64::from(byte)));
        Self { workspace, now: now.micros(), dice: Dice::new(seed), written: Vec::new() }
    }

    /// The moment so many minutes before now.
    pub(super) fn minutes_ago(&self, minutes: i64) -> i64 {
        self.now - minutes * MINUTE
    }

    /// A time of day, so many days ago.
    pub(super) fn days_ago(&self, days: i64, hour: i64, minute: i64) -> i64 {
        self.now - self.now.rem_euclid(DAY) - days * DAY + (hour * 60 + minute) * MINUTE
    }

    /// A moment in the working hours of a day that is 1 to `oldest` days ago, rarely at a weekend.
    pub(super) fn working_time(&mut self, oldest: i64) -> i64 {
        let days = 1 + self.dice.below(oldest as usize) as i64;
        self.on_working_day(days, oldest)
    }

    /// A moment in the working hours of about that day.
    pub(super) fn on_working_day(&mut self, days: i64, oldest: i64) -> i64 {
        // Day 0 of the epoch was a Thursday, so day 2 was a Saturday.
        let weekday = (self.days_ago(days, 0, 0) / DAY).rem_euclid(7);
        let to_friday = if weekday == 2 { 1 } else { 2 };
        let moved = self.dice.percent(88);
        let days = match weekday {
            2 | 3 if moved && days + to_friday <= oldest => days + to_friday,
            _ => days,
        };
        // Two draws added: busiest around noon, quiet at seven and at seven.
        let minutes = 7 * 60 + self.dice.below(6 * 60) + self.dice.below(6 * 60);
        let within = self.dice.below(MINUTE as usize) as i64;
        self.days_ago(days, 0, minutes as i64) + within
    }

    /// Spreads everyday acts over the last `oldest` days.
    pub(super) fn spread<W>(
        &mut self,
        acts: &[(&'static str, usize)],
        oldest: i64,
    ) -> Vec<(i64, Cue<W>)> {
        let mut timeline = Vec::new();
        for (action, count) in acts {
            for _ in 0..*count {
                timeline.push((self.working_time(oldest), Cue::Routine(action)));
            }
        }
        timeline
    }

    /// Writes an event down.
    pub(super) fn record(&mut self, happening: Happening) {
        let Happening { at, by, action, targets, sides, more, request } = happening;
        let request = request.unwrap_or_else(|| self.request_id());
        // Nothing happens on the full second.
        let at = at + self.dice.below(900_000) as i64;
        let mut event = more;
        let number = self.written.len() + 1;
        event.insert("id".into(), json!(format!("demo-{}-{number:05}", self.workspace)));
        event.insert("workspace".into(), json!(self.workspace));
        event.insert("action".into(), json!(action));
        let occurred_at = Timestamp::from_micros(at).to_string();
        event.insert("occurred_at".into(), json!(occurred_at));
        let mut context = Map::new();
        let (actor, channel, place) = match by {
            By::Person(person) => (person.party("user"), "ui", Some(person.place)),
            By::PersonAt(person, place) => {
                let channel = if place.agent == SCRIPT { "api" } else { "ui" };
                (person.party("user"), channel, Some(place))
            }
            By::Impersonating { supporter, member, ticket } => {
                event.insert("on_behalf_of".into(), member.party("user"));
                event.entry("reason").or_insert_with(|| json!(ticket));
                (supporter.party("support"), "ui", Some(supporter.place))
            }
            By::System => (json!({"type": "system"}), "job", None),
            By::Key { id, name, ip } => {
                context.insert("ip".into(), json!(ip));
                context.insert("user_agent".into(), json!(SCRIPT));
                (json!({"type": "api_key", "id": id, "name": name}), "api", None)
            }
            By::Job { id, name } => {
                (json!({"type": "service", "id": id, "name": name}), "job", None)
            }
            By::Agent { id, name, member } => {
                event.insert("on_behalf_of".into(), member.party("user"));
                context.insert("ip".into(), json!("2001:db8:7::21"));
                (json!({"type": "agent", "id": id, "name": name}), "mcp", None)
            }
        };
        if let Some(place) = place {
            context.insert("ip".into(), json!(place.ip));
            context.insert("user_agent".into(), json!(place.agent));
            context.insert("country".into(), json!(place.country));
            context.insert("city".into(), json!(place.city));
            context.insert("session_id".into(), json!(self.session_id(&actor, place, at)));
        }
        context.insert("request_id".into(), json!(request));
        event.insert("actor".into(), actor);
        event.insert("via".into(), json!({"channel": channel}));
        event.insert("context".into(), Value::Object(context));
        if !targets.is_empty() {
            event.insert("targets".into(), Value::Array(targets));
        }
        if let Some(before) = sides.before {
            event.insert("before".into(), before);
        }
        if let Some(after) = sides.after {
            event.insert("after".into(), after);
        }
        self.written.push((at, Value::Object(event).to_string()));
    }

    /// A request id of its own.
    pub(super) fn request_id(&mut self) -> String {
        format!("req_{:016x}", self.dice.roll())
    }

    /// A session lasts for one actor, one address and one day.
    fn session_id(&self, actor: &Value, place: Place, at: i64) -> String {
        let day = (self.now - at).div_euclid(DAY) as u64;
        let mut text = actor["id"].as_str().unwrap_or_default().to_owned();
        // Writing to a string cannot fail.
        let _ = write!(text, "/{}/{day}", place.ip);
        let hash = text.bytes().fold(3, |hash, byte| mix(hash ^ u64::from(byte)));
        format!("s_{hash:016x}")
    }

    /// The events, oldest first.
    pub(super) fn finish(mut self) -> Vec<String> {
        self.written.sort_by_key(|(at, _)| *at);
        self.written.into_iter().map(|(_, text)| text).collect()
    }
}

/// Puts a timeline in order, and everyday acts that would fall into a scene before it, so that no
/// scene is interrupted by a change that its own events do not know.
pub(super) fn in_order<W>(mut timeline: Vec<(i64, Cue<W>)>) -> Vec<(i64, Cue<W>)> {
    let mut scenes: Vec<(i64, i64)> = timeline
        .iter()
        .filter_map(|(at, cue)| match cue {
            Cue::Scene(_, minutes) => Some((*at, *at + minutes * MINUTE)),
            Cue::Routine(_) => None,
        })
        .collect();
    scenes.sort_unstable();
    for (at, cue) in &mut timeline {
        if matches!(cue, Cue::Routine(_)) {
            for (start, end) in scenes.iter().rev() {
                if (*start..=*end).contains(at) {
                    *at = start - (*at - start) / 16 - MINUTE;
                }
            }
        }
    }
    timeline.sort_by_key(|(at, _)| *at);
    timeline
}
