//! A MessageHub account: a small support team of a bicycle shop, day in, day out.
//!
//! Preset `messagehub`. Its scene of note is a sign-in from an address that was never seen before:
//! failed attempts, a success, then a new webhook and inbox changes, until the owner ends it.

use proofbook_event::Timestamp;
use serde_json::{Value, json};

use super::stage::{
    By, Cue, Happening, LINUX, MAC, MINUTE, PHONE, Person, Place, SCRIPT, Stage, WINDOWS, in_order,
};
use super::thing::{Sides, Thing, fresh_id, pick_or_make};
use super::{Owner, Story, Try};
use crate::dice::Dice;

mod groups;
mod scenes;
use scenes::{change_members, condition, new_guest, new_inbox, new_rule, new_team};

const WORKSPACE: &str = "velo-nord";
const OLDEST: i64 = 89;

const fn member(
    id: &'static str,
    name: &'static str,
    email: &'static str,
    role: &'static str,
    place: Place,
) -> Person {
    Person { id, name, email, role, place }
}
const fn place(
    ip: &'static str,
    agent: &'static str,
    country: &'static str,
    city: &'static str,
) -> Place {
    Place { ip, agent, country, city }
}

const INGRID: Person = member(
    "u_1",
    "Ingrid Solberg",
    "ingrid@velonord.example",
    "owner",
    place("198.51.100.12", MAC, "NO", "Bergen"),
);
const TOMAS: Person = member(
    "u_2",
    "Tomás Vieira",
    "tomas@velonord.example",
    "admin",
    place("203.0.113.31", LINUX, "PT", "Porto"),
);
const AGENTS: &[Person] = &[
    member(
        "u_3",
        "Sofie Dahl",
        "sofie@velonord.example",
        "agent",
        place("198.51.100.14", WINDOWS, "NO", "Bergen"),
    ),
    member(
        "u_4",
        "Kwame Mensah",
        "kwame@velonord.example",
        "agent",
        place("192.0.2.51", WINDOWS, "GH", "Accra"),
    ),
    member(
        "u_5",
        "Anaïs Laurent",
        "anais@velonord.example",
        "agent",
        place("2001:db8:11::5", MAC, "FR", "Nantes"),
    ),
    member(
        "u_6",
        "Piotr Zając",
        "piotr@velonord.example",
        "agent",
        place("192.0.2.87", LINUX, "PL", "Gdańsk"),
    ),
    member(
        "u_7",
        "Mei Lin Ho",
        "meilin@velonord.example",
        "agent",
        place("203.0.113.140", PHONE, "SG", "Singapore"),
    ),
];
/// The one whose password is in a stranger's hands for an evening.
const PIOTR: &Person = &AGENTS[3];
/// Where nobody of the team has ever been.
const FAR_AWAY: Place = place("203.0.113.199", SCRIPT, "NZ", "Auckland");
const HELPDESK: By = By::Key { id: "key_helpdesk", name: "Helpdesk sync", ip: "192.0.2.200" };

const ROUTINE: &[(&str, usize)] = &[
    ("user.availability.update", 210),
    ("user.invite", 9),
    ("user.role.update", 4),
    ("account.update", 11),
    ("automation_rule.create", 14),
    ("automation_rule.update", 46),
    ("automation_rule.delete", 5),
    ("inbox.create", 8),
    ("inbox.update", 37),
    ("inbox.delete", 3),
    ("inbox.member.add", 34),
    ("inbox.member.remove", 16),
    ("webhook.update", 13),
    ("webhook.delete", 2),
    ("team.create", 6),
    ("team.update", 12),
    ("team.delete", 3),
    ("team.member.add", 25),
    ("team.member.remove", 11),
];

const AVAILABILITY: &[&str] = &["online", "busy", "offline"];
const INBOXES: &[(&str, &str)] = &[
    ("Shop chat", "website"),
    ("Repairs", "email"),
    ("Instagram", "instagram"),
    ("WhatsApp Nord", "whatsapp"),
    ("Dealer line", "email"),
    ("Press", "email"),
    ("Spring campaign", "website"),
];
const TEAMS: &[(&str, &str)] = &[
    ("Front desk", "First answer, every channel"),
    ("Workshop", "Repairs and spare parts"),
    ("Returns", "Returns and refunds"),
    ("Dealers", "Orders by dealers"),
    ("Weekend", "Saturday and Sunday"),
    ("Spring crew", "Extra hands in April"),
];
const RULES: &[(&str, &str)] = &[
    ("Repairs to the workshop", "conversation_created"),
    ("Angry words first", "message_created"),
    ("Close silent chats", "conversation_updated"),
    ("Dealers to Kwame", "conversation_created"),
    ("Out of hours answer", "message_created"),
    ("Warranty label", "conversation_created"),
];
const WORDS: &[&str] =
    &["brake", "battery", "refund", "invoice", "delivery", "warranty", "gear", "broken"];
const SUBSCRIPTIONS: &[&str] =
    &["conversation_created", "conversation_updated", "message_created", "contact_updated"];

struct World {
    stage: Stage,
    account: Thing,
    availability: Thing,
    rules: Vec<Thing>,
    inboxes: Vec<Thing>,
    teams: Vec<Thing>,
    webhooks: Vec<Thing>,
    guests: Vec<Thing>,
}

/// Tells the story of the bicycle shop's support.
pub(super) fn story(now: Timestamp) -> Story {
    let mut stage = Stage::new(WORKSPACE, now);
    let mut timeline = stage.spread::<World>(ROUTINE, OLDEST);
    for day in 1..=OLDEST {
        for index in 0..AGENTS.len() + 2 {
            if stage.dice.percent(72) {
                let morning = stage.days_ago(day, 5, 40)
                    + stage.dice.below(130) as i64 * MINUTE
                    + index as i64 * 7_119_113;
                timeline.push((morning, Cue::Routine(SIGN_IN[index])));
                let evening = morning + (7 * 60 + stage.dice.below(150) as i64) * MINUTE;
                timeline.push((evening, Cue::Routine(SIGN_OUT[index])));
            }
        }
    }
    let scene = |at, play: fn(&mut World, i64), minutes| (at, Cue::Scene(play, minutes));
    timeline.extend([
        scene(stage.days_ago(80, 20, 15), World::a_webhook_is_added_through_the_api, 5),
        scene(stage.days_ago(57, 19, 40), World::teams_are_tidied_up, 15),
        scene(stage.days_ago(33, 20, 10), World::support_finds_a_lost_inbox, 30),
        scene(stage.days_ago(20, 19, 2), World::kwame_forgets_his_password, 10),
        scene(stage.days_ago(2, 19, 4), World::a_stranger_signs_in, 80),
        scene(stage.minutes_ago(37), World::this_hour, 36),
    ]);
    let mut world = World::set_up(stage);
    for (at, cue) in in_order(timeline) {
        match cue {
            Cue::Routine(action) => world.everyday(action, at),
            Cue::Scene(play, _) => play(&mut world, at),
        }
    }
    Story {
        workspace: WORKSPACE,
        title: "Velo Nord Support",
        preset: "messagehub",
        plan: "all",
        plan_while_loading: None,
        owner: Owner { name: INGRID.name, email: INGRID.email },
        app_url: "https://chat.velonord.example",
        events: world.stage.finish(),
        tries: &[
            Try {
                question: "Which sign-ins were refused?",
                query: "action:user.sign_in outcome:failure",
            },
            Try {
                question: "Who came from an address that was never seen before?",
                query: "ip:203.0.113.199",
            },
            Try {
                question: "What else happened as Piotr that day?",
                query: "actor:piotr@velonord.example occurred:>=now-4d",
            },
            Try {
                question: "Who changed who may answer which inbox?",
                query: "action:inbox.member.*",
            },
            Try { question: "What did the product change by itself?", query: "actor.type:system" },
        ],
    }
}

/// The everyday cue of each member's sign-in; the last part tells whose, and is no part of the action.
const SIGN_IN: &[&str] = &["in/0", "in/1", "in/2", "in/3", "in/4", "in/5", "in/6"];
const SIGN_OUT: &[&str] = &["out/0", "out/1", "out/2", "out/3", "out/4", "out/5", "out/6"];

fn whose(index: usize) -> &'static Person {
    match index {
        0 => &INGRID,
        1 => &TOMAS,
        other => &AGENTS[other - 2],
    }
}

impl World {
    fn set_up(mut stage: Stage) -> Self {
        let dice = &mut stage.dice;
        let inboxes = INBOXES[..4].iter().map(|inbox| new_inbox(dice, inbox)).collect();
        let teams = TEAMS[..3].iter().map(|team| new_team(dice, team)).collect();
        let rules = RULES[..3].iter().map(|rule| new_rule(dice, rule)).collect();
        let hooks = [
            ("https://erp.velonord.example/hooks/chat", 2),
            ("https://stock.velonord.example/in", 1),
            ("https://old-crm.velonord.example/messages", 3),
        ];
        let webhooks = hooks.iter().map(|(url, count)| {
            let doc = json!({"url": url, "subscriptions": SUBSCRIPTIONS[..*count]});
            Thing::new("webhook", fresh_id(dice, "wh"), doc)
        });
        let webhooks = webhooks.collect();
        let online: Vec<(String, Value)> = (0..AGENTS.len() + 2)
            .map(|index| (whose(index).id.to_owned(), json!("online")))
            .collect();
        Self {
            account: Thing::new(
                "account",
                "acc_velonord",
                json!({"name": "Velo Nord", "locale": "en", "timezone": "Europe/Oslo", "auto_resolve_days": 14, "csat": false}),
            ),
            availability: Thing::new("user", "all", Value::Object(online.into_iter().collect())),
            rules,
            inboxes,
            teams,
            webhooks,
            guests: Vec::new(),
            stage,
        }
    }

    fn everyday(&mut self, action: &'static str, at: i64) {
        if let Some((direction, index)) = action.split_once('/') {
            let person = whose(index.parse().unwrap_or_default());
            let action = if direction == "in" { "user.sign_in" } else { "user.sign_out" };
            self.stage.record(Happening::new(at, By::Person(person), action));
            return;
        }
        let happening = match action.split('.').next() {
            Some("user") => self.user(action, at),
            Some("account") => self.account(at),
            Some("automation_rule") => self.rule(action, at),
            Some("inbox") => self.inbox(action, at),
            Some("webhook") => self.webhook(action, at),
            _ => self.team(action, at),
        };
        self.stage.record(happening);
    }

    fn lead(&mut self) -> By {
        By::Person(if self.stage.dice.percent(65) { &TOMAS } else { &INGRID })
    }

    fn user(&mut self, action: &'static str, at: i64) -> Happening {
        let lead = self.lead();
        let dice = &mut self.stage.dice;
        let happening = |by| Happening::new(at, by, action);
        match action {
            "user.availability.update" => {
                let person = whose(dice.below(AGENTS.len() + 2));
                let state = &mut self.availability;
                let before = state.at(&[person.id]).clone();
                state.choose(&[person.id], AVAILABILITY, dice);
                let after = state.at(&[person.id]).clone();
                let sides = Sides::both(
                    json!({ "availability": before }),
                    json!({ "availability": after }),
                );
                match dice.below(10) {
                    0 => happening(lead).on(person.target("user")).with(sides),
                    1 if after != "online" => happening(By::System)
                        .on(person.target("user"))
                        .with(sides)
                        .and("reason", "No activity for 30 minutes"),
                    _ => happening(By::Person(person)).with(sides),
                }
            }
            "user.invite" => {
                let guest = new_guest(dice);
                let made = guest.only(&["email", "role"]);
                let happening = happening(lead).on(guest.target()).with(Sides::created(made));
                self.guests.push(guest);
                happening
            }
            _ => {
                let index = pick_or_make(&mut self.guests, dice, |_| true, new_guest);
                let guest = &mut self.guests[index];
                let sides = guest.choose(&["role"], &["agent", "admin"], dice);
                happening(By::Person(&INGRID)).on(guest.target()).with(sides)
            }
        }
    }

    fn account(&mut self, at: i64) -> Happening {
        let by = self.lead();
        let dice = &mut self.stage.dice;
        let sides = match dice.below(4) {
            0 => self.account.choose(&["locale"], &["en", "de", "nb", "pt"], dice),
            1 => self.account.choose(&["timezone"], &["Europe/Oslo", "Europe/Lisbon", "UTC"], dice),
            2 => {
                let days = |dice: &mut Dice| json!(5 + dice.below(25));
                self.account.set_other(&["auto_resolve_days"], dice, days)
            }
            _ => {
                let csat = self.account.at(&["csat"]) != true;
                self.account.set(&["csat"], csat)
            }
        };
        Happening::new(at, by, "account.update").on(self.account.target()).with(sides)
    }

    fn rule(&mut self, action: &'static str, at: i64) -> Happening {
        let by = self.lead();
        let dice = &mut self.stage.dice;
        let happening = Happening::new(at, by, action);
        if action == "automation_rule.create" {
            let pattern = *dice.pick(RULES);
            let mut rule = new_rule(dice, &pattern);
            rule.doc["name"] = json!(format!("{} {}", pattern.0, self.rules.len() + 1));
            let happening = happening.on(rule.target()).with(Sides::created(rule.doc.clone()));
            self.rules.push(rule);
            return happening;
        }
        let index = pick_or_make(&mut self.rules, dice, |_| true, |dice| new_rule(dice, &RULES[0]));
        if action == "automation_rule.delete" {
            let rule = self.rules.swap_remove(index);
            return happening.on(rule.target()).with(Sides::deleted(rule.doc));
        }
        let rule = &mut self.rules[index];
        let target = rule.target();
        let word = *dice.pick(WORDS);
        let sides = match dice.below(6) {
            0 => {
                let active = rule.at(&["active"]) != true;
                let sides = rule.set(&["active"], active);
                // A rule that fails again and again is switched off by the product.
                if !active && dice.percent(50) {
                    return Happening::new(at, By::System, action)
                        .on(target)
                        .with(sides)
                        .and("reason", "Failed 10 times in a row");
                }
                sides
            }
            1 if rule.len(&["conditions"]) > 1 => rule.remove(&["conditions"], 0),
            1 | 2 => rule.add(&["conditions"], condition(dice, word)),
            3 if rule.len(&["actions"]) > 1 => rule.remove(&["actions"], 0),
            3 => rule.add(
                &["actions"],
                json!({"id": fresh_id(dice, "act"), "type": "add_label", "value": word}),
            ),
            _ => {
                let others: Vec<&str> = WORDS
                    .iter()
                    .copied()
                    .filter(|other| rule.doc["conditions"][0]["value"] != *other)
                    .collect();
                let word = *dice.pick(&others);
                rule.edit(&["conditions"], |list| list[0]["value"] = json!(word))
            }
        };
        happening.on(target).with(sides)
    }

    fn webhook(&mut self, action: &'static str, at: i64) -> Happening {
        let dice = &mut self.stage.dice;
        let index = pick_or_make(
            &mut self.webhooks,
            dice,
            |_| true,
            |dice| {
                let url = format!("https://hooks.velonord.example/{:04x}", dice.below(65_536));
                Thing::new(
                    "webhook",
                    fresh_id(dice, "wh"),
                    json!({"url": url, "subscriptions": ["message_created"]}),
                )
            },
        );
        let happening = Happening::new(at, By::Person(&TOMAS), action);
        if action == "webhook.delete" {
            let hook = self.webhooks.swap_remove(index);
            return happening.on(hook.target()).with(Sides::deleted(hook.doc));
        }
        let hook = &mut self.webhooks[index];
        let target = hook.target();
        let sides = if dice.percent(40) {
            hook.set_other(&["url"], dice, |dice| {
                json!(format!("https://hooks.velonord.example/{:04x}", dice.below(65_536)))
            })
        } else if hook.len(&["subscriptions"]) > 1 {
            hook.remove(&["subscriptions"], 0)
        } else {
            let more = SUBSCRIPTIONS.iter().find(|word| hook.doc["subscriptions"][0] != **word);
            hook.add(&["subscriptions"], json!(more))
        };
        happening.on(target).with(sides)
    }
}
