//! A store on a simulated disk, filled with random events, and beside it the same events as plain
//! JSON: what the naive evaluator reads.

use std::sync::Arc;
use std::time::Duration;

use proofbook_catalog::Rejected;
use proofbook_event::{EventDraft, Group};
use proofbook_store::clock::SimClock;
use proofbook_store::config::{ConfigChange, WorkspaceSettings};
use proofbook_store::disk::SimDisk;
use proofbook_store::fold::Outcome;
use proofbook_store::open::Options;
use proofbook_store::prepare::Wanted;
use proofbook_store::random::SimRandom;
use proofbook_store::record::flag;
use proofbook_store::store::{Machine, Store};
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::filters::{plain, strings};

pub(crate) const START: i64 = 1_800_000_000_000_000;
pub(crate) const DAY: i64 = 86_400_000_000;

/// An event as the oracle knows it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) seq: u64,
    pub(crate) occurred_at: i64,
    pub(crate) recorded_at: i64,
    pub(crate) counts_from: i64,
    pub(crate) outcome: String,
    pub(crate) action: String,
    /// The seven groups, null when absent, under their names without the slash.
    pub(crate) groups: Value,
    /// Every text of it, in lower case and without accents.
    pub(crate) texts: Vec<String>,
}

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) clock: SimClock,
    pub(crate) disk: SimDisk,
    pub(crate) known: Vec<Known>,
    pub(crate) dice: Dice,
    /// How many times more different ids, names and numbers there are.
    pub(crate) variety: usize,
    machine: Machine,
    options: Options,
}

pub(crate) const WORKSPACE: &str = "acme";

impl World {
    /// A world in which nothing is purged, and nothing packed for its age: the background would do it
    /// at a moment that no test can name. The model test is about that.
    pub(crate) fn new(seed: u64) -> Self {
        let purge_within_micros = 3_650 * DAY;
        Self::with_options(
            seed,
            Options { reserve_bytes: 0, purge_within_micros, ..Options::default() },
        )
    }

    pub(crate) fn with_options(seed: u64, options: Options) -> Self {
        let disk = SimDisk::new(seed);
        let clock = SimClock::new(START);
        let machine = Machine {
            disk: Arc::new(disk.clone()),
            clock: Arc::new(clock.clone()),
            random: Arc::new(SimRandom::new(seed)),
        };
        let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts");
        let mut world = Self {
            store,
            clock,
            disk,
            known: Vec::new(),
            dice: Dice::new(seed),
            variety: 1,
            machine,
            options,
        };
        world.settle();
        world
    }

    /// Puts the workspace on a plan that keeps 30 days.
    fn settle(&mut self) {
        let settings = WorkspaceSettings {
            preset: Some("clienwork".to_owned()),
            plan: Some("free".to_owned()),
            ..WorkspaceSettings::default()
        };
        let change = ConfigChange::PutWorkspace { name: WORKSPACE.to_owned(), settings };
        let draft = EventDraft::parse(br#"{"action":"workspace.put"}"#).expect("a draft");
        let event = Wanted { workspace: "_system", draft };
        let receipts = self.store.commit(self.store.prepare_change(change, event));
        assert!(receipts.expect("recorded")[0].is_ok());
    }

    /// Records events and remembers them; some go to other workspaces and are not remembered.
    pub(crate) fn send(&mut self, count: usize, wide: bool) {
        let mut left = count;
        while left > 0 {
            let batch = left.min(1 + self.dice.below(200));
            left -= batch;
            let may_import = self.dice.once_in(2);
            let now = self.store.now().micros();
            let texts: Vec<(String, Option<&str>, &str)> = (0..batch)
                .map(|_| {
                    let own = self.dice.once_in(17).then(|| {
                        self.dice.pick(&[
                            "audit_log.viewed",
                            "audit_log.purged",
                            "audit_log.key_made",
                        ])
                    });
                    let workspace = if wide && self.dice.once_in(3) { "other" } else { WORKSPACE };
                    (event_json(&mut self.dice, self.variety, now, may_import), own, workspace)
                })
                .collect();
            let wanted = texts
                .iter()
                .map(|(text, own, workspace)| {
                    let mut draft = EventDraft::parse(text.as_bytes()).map_err(Rejected::from)?;
                    if let Some(own) = own {
                        draft.action = (*own).into();
                    }
                    Ok(Wanted { workspace, draft })
                })
                .collect();
            let prepared = self.store.prepare(may_import, wanted);
            let receipts = self.store.commit(prepared).expect("recorded");
            for (receipt, (text, ..)) in receipts.into_iter().zip(&texts) {
                let receipt = receipt.unwrap_or_else(|error| panic!("{error:?}: {text}"));
                assert!(matches!(
                    receipt.outcome,
                    Outcome::Created { .. } | Outcome::Duplicate { .. } | Outcome::Conflict { .. }
                ));
            }
            self.remember();
            self.clock.advance(self.dice.below(5_000_000) as u64);
        }
    }

    /// Records events that happened in disorder within the last hour, in one batch.
    pub(crate) fn send_at_once(&mut self, count: usize) {
        let now = self.store.now().micros();
        let texts: Vec<String> = (0..count)
            .map(|_| {
                let event = event_json(&mut self.dice, self.variety, now, true);
                let mut event: Value = serde_json::from_str(&event).expect("our own");
                let at = now - 60_000_000 * self.dice.below(60) as i64;
                let at = proofbook_event::Timestamp::from_micros(at).to_string();
                event["occurred_at"] = json!(at);
                event.to_string()
            })
            .collect();
        let wanted = texts.iter().map(|text| {
            let draft = EventDraft::parse(text.as_bytes()).map_err(Rejected::from)?;
            Ok(Wanted { workspace: WORKSPACE, draft })
        });
        let prepared = self.store.prepare(true, wanted.collect());
        let receipts = self.store.commit(prepared).expect("recorded");
        assert!(receipts.iter().all(Result::is_ok));
        self.remember();
    }

    /// Reads what is recent and not yet known, straight from the store.
    fn remember(&mut self) {
        let uid = self.store.directory().by_name(WORKSPACE).expect("known").uid;
        let view = self.store.view();
        for generation in &view.generations {
            for event in generation.workspace(uid, view.position).iter() {
                if event.seq != self.known.len() as u64 {
                    assert!(event.seq < self.known.len() as u64, "packed before it was seen");
                    continue;
                }
                let parts = event.parts();
                let mut groups = json!({});
                for group in Group::ALL {
                    let bytes = parts.groups.get(group);
                    let value = bytes.map(|bytes| serde_json::from_slice(bytes).expect("JSON"));
                    groups[&group.pointer()[1..]] = value.unwrap_or(Value::Null);
                }
                let from_recorded = parts.flags & flag::RETAIN_FROM_RECORDED != 0;
                let mut texts = vec![parts.action.to_owned()];
                strings(&groups, &mut texts);
                self.known.push(Known {
                    texts: texts.iter().map(|text| plain(text)).collect(),
                    seq: event.seq,
                    occurred_at: event.occurred_at,
                    recorded_at: event.recorded_at,
                    counts_from: if from_recorded { event.recorded_at } else { event.occurred_at },
                    outcome: parts.outcome.as_str().to_owned(),
                    action: parts.action.to_owned(),
                    groups,
                });
            }
        }
    }

    /// Makes everything recent a segment, and waits until it is.
    pub(crate) fn pack(&mut self) {
        self.store.pack_soon();
        for _ in 0..3_000 {
            let view = self.store.view();
            if view.generations.iter().all(|generation| generation.event_count() == 0) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("not packed");
    }

    /// The doors to the same machine with another disk.
    pub(crate) fn machine_on(&self, disk: &SimDisk) -> Machine {
        Machine { disk: Arc::new(disk.clone()), ..self.machine.clone() }
    }

    /// Stops the store and opens it again.
    pub(crate) fn restart(&mut self) {
        self.store.stop();
        // The lock is free only when the old handle is gone.
        let other = Machine { disk: Arc::new(SimDisk::new(0)), ..self.machine.clone() };
        let idle = Store::start(&other, self.options, Box::new(|_| {})).expect("starts");
        drop(std::mem::replace(&mut self.store, idle));
        let back =
            Store::start(&self.machine, self.options, Box::new(|_| {})).expect("opens again");
        drop(std::mem::replace(&mut self.store, back));
    }
}

/// Draws an event from small vocabularies, so that filters meet it.
fn event_json(dice: &mut Dice, variety: usize, now: i64, may_import: bool) -> String {
    let mut event = json!({
        "action": dice.pick(&[
            "project.update", "project.create", "project.delete", "member.invite", "member.remove",
            "billing.plan.change", "session.login", "file.view", "other",
        ]),
        "outcome": dice.pick(&["success", "success", "success", "failure", "denied"]),
    });
    let mut set = |key: &str, value: Value| {
        event[key] = value;
    };
    if !dice.once_in(4) {
        set(
            "id",
            json!(if dice.once_in(3) {
                format!("ev-{}", dice.below(100_000))
            } else {
                dice.hex(32)
            }),
        );
    }
    if !dice.once_in(5) {
        let days = if dice.once_in(9) {
            29
        } else if !may_import && dice.once_in(6) {
            45
        } else {
            3
        };
        let mut at = now - dice.below(days * 86_400) as i64 * 1_000_000;
        if dice.once_in(2) {
            at -= at.rem_euclid(3_600_000_000);
        }
        // What is already outside is refused.
        let at =
            at.max(now - if may_import || days < 45 { 30 * DAY - 60_000_000 } else { 45 * DAY });
        set("occurred_at", json!(proofbook_event::Timestamp::from_micros(at).to_string()));
    }
    match dice.below(6) {
        0 => {}
        1 => set("actor", json!({"type": "system"})),
        2 => set("actor", json!({"type": "api_key", "id": "key_9", "name": "Deploy"})),
        _ => {
            let people = ["ada", "Bob", "Zoë", "li"];
            let name = dice.pick(&people);
            let id = format!("u_{}", dice.below(6 * variety));
            set(
                "actor",
                json!({"type": "user", "id": id, "name": format!("{name} Park"),
                "email": format!("{}@acme.example", name.to_lowercase().replace('ë', "e"))}),
            );
        }
    }
    if dice.once_in(7) {
        set("on_behalf_of", json!({"type": "user", "id": "u_1", "name": "Ada Park"}));
    }
    if dice.once_in(3) {
        set("via", json!({"channel": dice.pick(&["ui", "api", "cli"]), "client": "proof 1.0"}));
    }
    let targets: Vec<Value> = (0..dice.below(4))
        .map(|_| {
            json!({"type": dice.pick(&["project", "member", "Folder"]),
                "id": dice.below(12 * variety).to_string(),
                "name": dice.pick(&["Website", "Blog Überarbeitung", "shop"])})
        })
        .collect();
    if !targets.is_empty() {
        set("targets", json!(targets));
    }
    match dice.below(5) {
        0 | 1 => {
            let side = |dice: &mut Dice| match dice.below(4) {
                0 => json!("free"),
                1 => json!("Pro"),
                2 => json!(dice.below(5)),
                _ => json!(["a", "b"]),
            };
            set("before", json!({"plan": side(dice), "name": dice.pick(&["Old", "New"])}));
            set("after", json!({"plan": side(dice), "seats": {"max": dice.below(3)}}));
        }
        2 => set(
            "changes",
            json!([{"path": "/plan", "before": "free", "after": "pro", "kind": "update"}]),
        ),
        _ => {}
    }
    if !dice.once_in(4) {
        let mut context =
            json!({"ip": format!("10.0.{}.{}", dice.below(2), dice.below((3 * variety).min(250)))});
        if dice.once_in(2) {
            context["country"] = json!(dice.pick(&["DE", "FR", "US"]));
        }
        if dice.once_in(2) {
            context["request_id"] = json!(dice.hex(32));
        }
        if dice.once_in(2) {
            context["session_id"] = json!(format!("sess-{}", dice.below(40 * variety)));
        }
        set("context", context);
    }
    if dice.once_in(5) {
        set(
            "description",
            json!(format!("Something {} happened", dice.pick(&["ODD", "fine", "größer"]))),
        );
    }
    if dice.once_in(6) {
        set("reason", json!(dice.pick(&["ticket 42", "on-call"])));
    }
    if dice.once_in(4) {
        set("severity", json!(dice.pick(&["notice", "warning", "critical"])));
    }
    if dice.once_in(3) {
        set(
            "metadata",
            json!({"plan": dice.pick(&["pro", "free"]), "n": dice.below(20 * variety),
            "deep": {"er": dice.pick(&["x1", "y2"])}, "tags": ["red", dice.pick(&["blue", "green"])]}),
        );
    }
    if dice.once_in(5) {
        set("source", json!({"name": dice.pick(&["billing", "core"]), "seq": dice.below(1000)}));
    }
    event.to_string()
}
