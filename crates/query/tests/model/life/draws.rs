//! What a life throws its dice for: how much time passes, what is sent, which plans and holds are put.

use proofbook_event::{EventDraft, Timestamp};
use proofbook_store::config::{ConfigChange, Hold, WorkspaceSettings};
use proofbook_store::prepare::Wanted;
use proofbook_testkit::{Dice, EventBuilder, SteppedStore};

use super::{ACTIONS, KEEPS, Life, Ready, WORKSPACES};
use crate::files;
use crate::naive::{DAY, Held, Known, SECOND, Sent, span};

impl Life {
    /// Draws a span of time: mostly short, sometimes longer than any plan, sometimes exactly to the
    /// moment, or one beside it, at which an event's retention ends.
    pub(super) fn any_time(&mut self) -> i64 {
        let seconds = |dice: &mut Dice, most: usize| (1 + dice.below(most)) as i64 * SECOND;
        match self.dice.below(20) {
            0..9 => seconds(&mut self.dice, 3_600),
            9..13 => seconds(&mut self.dice, 2 * 86_400),
            13..15 => seconds(&mut self.dice, 40 * 86_400),
            15 => seconds(&mut self.dice, 400 * 86_400),
            _ => self.time_to_an_end().unwrap_or(SECOND),
        }
    }

    /// Draws an event whose retention is still to end, and the time until that moment or one beside it.
    pub(super) fn time_to_an_end(&mut self) -> Option<i64> {
        let space = &self.spaces[self.dice.pick(&WORKSPACES)];
        let from = self.dice.below(space.events.len().max(1));
        let beside = self.dice.pick(&[-SECOND, -SECOND / 2, -1, 0, 1, SECOND]);
        let ends = space.events.iter().cycle().skip(from).take(space.events.len());
        let due = ends.filter(|event| !event.is_gone && !event.is_own()).filter_map(|event| {
            let end = event.counts_from() + span(space.keep_of(&event.action))?;
            Some(end + beside - self.true_now)
        });
        due.filter(|due| *due > 0).min()
    }

    /// Makes a request of one to five events: new ones, repeated ones, others under known ids, some of
    /// them old.
    pub(super) fn request(&mut self, store: &SteppedStore) -> Result<Ready, String> {
        let workspace = self.dice.pick(&WORKSPACES).to_owned();
        let (now, may_import) = (store.clock.now_micros(), self.dice.once_in(2));
        let count = 1 + self.dice.below(5);
        let drawn: Vec<Sent> =
            (0..count).map(|_| self.event(&workspace, now, may_import)).collect();
        let mut wanted = Vec::new();
        for sent in &drawn {
            let draft = EventDraft::parse(sent.text.as_bytes());
            let draft = draft.map_err(|error| format!("{error:?} of {}", sent.text))?;
            wanted.push(Ok(Wanted { workspace: &workspace, draft }));
        }
        let moment = Timestamp::from_micros(now);
        let prepared = store.preparer.prepare(&store.published, moment, may_import, wanted);
        let space = &self.spaces[&workspace];
        let mut admitted = Vec::new();
        for (sent, place) in drawn.into_iter().zip(&prepared.places) {
            let is_outside =
                !sent.from_recorded && space.is_outside(sent.action, sent.occurred_at, now);
            match place {
                Ok(_) if !is_outside => admitted.push(sent),
                Err(rejected) if is_outside && rejected.code == "outside_retention" => {
                    self.tally.refused += 1;
                }
                Err(rejected) if rejected.code == "unavailable" && self.is_off() => {}
                other => return Err(format!("at {now} {sent:?} was answered {other:?}")),
            }
        }
        Ok(Ready { prepared, workspace, sent: admitted })
    }

    pub(super) fn event(&mut self, workspace: &str, now: i64, may_import: bool) -> Sent {
        let lost = self.lost.iter().position(|(name, _)| name == workspace);
        if let Some(lost) = lost
            && self.dice.once_in(2)
        {
            let (_, mut again) = self.lost.swap_remove(lost);
            again.from_recorded = !may_import && now - again.occurred_at > DAY;
            // A clock that was ahead when it was made may be right again.
            if again.occurred_at <= now + DAY {
                return again;
            }
        }
        let known: Vec<&Known> = self.spaces[workspace].events.iter().collect();
        if !known.is_empty() && self.dice.once_in(6) {
            let again = known[self.dice.below(known.len())].sent.clone();
            if let Some(mut again) = again {
                // What counts from its recording does so by when it comes.
                again.from_recorded = !may_import && now - again.occurred_at > DAY;
                if self.dice.once_in(3) && !again.text.contains("\"reason\"") {
                    again.text =
                        again.text.replacen("\"action\"", "\"reason\":\"x\",\"action\"", 1);
                }
                if again.occurred_at <= now + DAY {
                    return again;
                }
            }
        }
        let number = self.next_id;
        self.next_id += 1;
        let (action, actor) = (self.dice.pick(&ACTIONS), self.dice.below(4));
        let age = match self.dice.below(8) {
            0..4 => self.dice.below(3_600) as i64 * SECOND,
            4 => -(self.dice.below(86_400) as i64 * SECOND),
            5 => self.dice.below(3 * 86_400) as i64 * SECOND,
            6 => self.dice.below(40 * 86_400) as i64 * SECOND,
            _ => self.dice.below(400 * 86_400) as i64 * SECOND,
        };
        let occurred_at = now - age;
        // Another event may come under a known id, purged or not.
        let known = self.spaces[workspace].events.len();
        let taken = if known > 0 && self.dice.once_in(8) {
            let taken = &self.spaces[workspace].events[self.dice.below(known)];
            taken.sent.as_ref().map(|sent| sent.id.clone())
        } else {
            None
        };
        let marker = format!("{}{number:012x}", files::PREFIX);
        let id = taken.unwrap_or_else(|| format!("{workspace}:{number}"));
        let event = EventBuilder::new(action)
            .id(&id)
            .occurred_at(occurred_at)
            .user(&format!("u{actor}"), "Ada Park")
            .ip(&format!("203.0.113.{actor}"))
            .target("note", &marker, &marker)
            .meta("marker", marker.clone());
        let from_recorded = !may_import && age > DAY;
        Sent { id, text: event.json(), marker, action, actor, occurred_at, from_recorded }
    }

    pub(super) fn settings(&mut self) -> ConfigChange {
        let mut settings = WorkspaceSettings::default();
        let name = self.dice.pick(&WORKSPACES).to_owned();
        match self.dice.below(6) {
            0..3 => {
                settings.preset = Some("clienwork".to_owned());
                let plans = ["free", "basic", "pro", "enterprise", "no such plan"];
                settings.plan = Some(self.dice.pick(&plans).to_owned());
            }
            3 => settings.preset = Some(self.dice.pick(&["freshsales", "cloudfon-cx"]).to_owned()),
            4 => {}
            // Only what people call it.
            _ => {
                settings = self.spaces[&name].settings.clone();
                settings.title = Some(format!("title {}", self.dice.below(9)));
                return ConfigChange::PutWorkspace { name, settings };
            }
        }
        if self.dice.once_in(3) {
            settings.retention = Some(self.dice.pick(&KEEPS).to_owned());
        }
        for _ in 0..self.dice.below(3) {
            let keep = self.dice.pick(&KEEPS).to_owned();
            settings.retention_actions.insert(self.dice.pick(&ACTIONS).to_owned(), keep);
        }
        ConfigChange::PutWorkspace { name, settings }
    }

    pub(super) fn hold_or_lift(&mut self, store: &SteppedStore) -> ConfigChange {
        let name = self.dice.pick(&WORKSPACES);
        let held: Vec<&String> = self.spaces[name].holds.keys().collect();
        if !held.is_empty() && (held.len() > 2 || self.dice.once_in(2)) {
            let id = held[self.dice.below(held.len())].clone();
            return ConfigChange::LiftHold { id, workspace: name.to_owned() };
        }
        self.tally.holds += 1;
        let (now, size) = (store.clock.now_micros(), self.spaces[name].events.len());
        let (actor, action) = (self.dice.below(4), self.dice.pick(&ACTIONS));
        let held = match self.dice.below(7) {
            0 => Held::Everything,
            1 => Held::Actor(actor),
            2 => Held::NotActor(actor),
            3 => Held::Action(action),
            4 => Held::ActorOrAction(actor, action),
            5 => Held::Before(now - self.dice.below(30 * 86_400) as i64 * SECOND),
            _ => Held::SeqFrom(self.dice.below(size + 1) as u64),
        };
        let id = format!("h{}", self.tally.holds);
        let hold = Hold {
            id: id.clone(),
            workspace: name.to_owned(),
            filter: held.filter(),
            reason: "case 7".to_owned(),
            owner: "Legal".to_owned(),
            placed_at: now,
        };
        // It is in force once it is acknowledged; until then the model keeps what it means aside.
        self.spaces.get_mut(name).expect("made at birth").drawn.insert(id, held);
        ConfigChange::PutHold { hold }
    }
}
