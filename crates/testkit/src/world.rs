//! Many events whose facts are known: what a test counts on this list, a store must answer.
//!
//! A [`Fact`] is plain data, so an oracle is a filter over a slice and shares no code with what it
//! judges.

use serde_json::json;

use crate::{Dice, EventBuilder};

/// 2026-11-22T00:00:00Z, the moment at which worlds are sent.
pub const START_MICROS: i64 = 1_795_305_600_000_000;

const ACTIONS: [&str; 6] = [
    "project.create",
    "project.update",
    "project.delete",
    "member.invite",
    "member.remove",
    "settings.update",
];
const OUTCOMES: [&str; 3] = ["success", "failure", "denied"];
/// Names that careless code quotes, cuts or compares wrongly.
const PEOPLE: [&str; 6] = ["Ada Park", "Zoë O'Neil", "José", "山田 太郎", "A \"B\" \\C", "Ümit"];
const WORDS: [&str; 5] = ["website", "roadmap", "invoice", "launch", "zanzibar"];

/// What is known of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its workspace's name.
    pub workspace: String,
    /// The number it gets when a world is sent to an empty store in its order.
    pub seq: u64,
    /// Its id, unique in its workspace.
    pub id: String,
    /// Its action.
    pub action: &'static str,
    /// Id of the user who acted.
    pub actor_id: String,
    /// Name of the user who acted.
    pub actor_name: &'static str,
    /// Id of the one target.
    pub target_id: String,
    /// Name of the one target.
    pub target_name: String,
    /// `success`, `failure` or `denied`.
    pub outcome: &'static str,
    /// When it happened, microseconds UTC; not in the order of seq.
    pub occurred_at: i64,
    /// Address in the context; absent in some.
    pub ip: Option<String>,
    /// Value of `/name` before and after; absent in some.
    pub renamed: Option<(String, String)>,
}

impl Fact {
    /// Returns the event that a client sends.
    pub fn event(&self) -> EventBuilder {
        let mut event = EventBuilder::new(self.action)
            .id(&self.id)
            .occurred_at(self.occurred_at)
            .user(&self.actor_id, self.actor_name)
            .target("project", &self.target_id, &self.target_name)
            .outcome(self.outcome)
            .meta("n", self.seq);
        if let Some(ip) = &self.ip {
            event = event.ip(ip);
        }
        if let Some((before, after)) = &self.renamed {
            event = event.changed(json!({"name": before}), json!({"name": after}));
        }
        event
    }
}

/// Events of several workspaces, in the order in which they are sent.
#[derive(Clone, Debug)]
pub struct World {
    /// Every event.
    pub facts: Vec<Fact>,
}

impl World {
    /// Makes the world of a seed, with so many events in each of the named workspaces, interleaved.
    ///
    /// They happened within the thirty days before [`START_MICROS`], some at the same microsecond.
    pub fn new(seed: u64, workspaces: &[(&str, usize)]) -> Self {
        let mut dice = Dice::new(seed);
        let mut left: Vec<(&str, usize, u64)> =
            workspaces.iter().map(|(name, count)| (*name, *count, 0)).collect();
        let mut facts = Vec::new();
        while left.iter().any(|(_, count, _)| *count > 0) {
            let place = dice.below(left.len());
            let (name, count, seq) = &mut left[place];
            for _ in 0..(*count).min(1 + dice.below(40)) {
                facts.push(fact(&mut dice, name, *seq));
                *seq += 1;
                *count -= 1;
            }
        }
        Self { facts }
    }

    /// Returns one workspace's events in the order of their seq.
    pub fn of(&self, workspace: &str) -> Vec<&Fact> {
        self.facts.iter().filter(|fact| fact.workspace == workspace).collect()
    }

    /// Returns one workspace's events that pass, the newest first, as lists are ordered unless asked
    /// otherwise.
    pub fn newest(&self, workspace: &str, passes: impl Fn(&Fact) -> bool) -> Vec<&Fact> {
        let mut facts = self.of(workspace);
        facts.retain(|fact| passes(fact));
        facts.sort_by_key(|fact| std::cmp::Reverse((fact.occurred_at, fact.seq)));
        facts
    }
}

fn fact(dice: &mut Dice, workspace: &str, seq: u64) -> Fact {
    let person = dice.below(PEOPLE.len());
    let target = dice.below(50);
    let minutes = dice.below(30 * 24 * 60 - 1) as i64;
    let word = dice.pick(&WORDS);
    Fact {
        workspace: workspace.to_owned(),
        seq,
        id: format!("{workspace}:{seq}"),
        action: dice.pick(&ACTIONS),
        actor_id: format!("u_{person}"),
        actor_name: PEOPLE[person],
        target_id: target.to_string(),
        target_name: format!("{} {target}", dice.pick(&WORDS)),
        outcome: if dice.once_in(4) { dice.pick(&OUTCOMES) } else { "success" },
        occurred_at: START_MICROS - minutes * 60_000_000 - dice.below(3) as i64,
        ip: (!dice.once_in(5)).then(|| format!("203.0.113.{}", dice.below(20))),
        renamed: dice.once_in(3).then(|| (word.to_owned(), format!("{word} {seq}"))),
    }
}

#[cfg(test)]
mod tests;
