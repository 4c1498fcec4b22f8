//! Territories, assignment rules, sequences and workflows, and what is changed about them.

use super::*;

const FIELDS: &[(&str, &str, &[&str])] = &[
    ("lead_score", "greater_than", &["40", "60", "80", "90"]),
    ("country", "is", &["DE", "CH", "ES", "SG", "JP", "NG"]),
    ("source", "is", &["website", "fair", "partner", "phone"]),
    ("lifecycle_stage", "is_not", &["customer", "lost", "unqualified"]),
    ("last_contacted", "older_than_days", &["3", "7", "14", "30"]),
    ("company_size", "greater_than", &["10", "50", "250"]),
];
const TEMPLATES: &[&str] =
    &["First hello", "Short reminder", "Price list", "Case study", "Last try", "Thank you"];
const STEP_TYPES: &[&str] = &["email", "task", "call", "sms"];
const RUN_TIMES: &[&str] = &["09:00–17:00", "08:00–18:00", "10:00–16:00", "07:30–19:30"];
const ZONES: &[&str] =
    &["Europe/Zurich", "Asia/Singapore", "Europe/Madrid", "Africa/Lagos", "recipient"];
const DESCRIPTIONS: &[&str] = &[
    "Agreed with sales in the weekly meeting",
    "Only while the campaign runs",
    "Replaces the two rules of last year",
    "Ask operations before changing this",
    "Tested with ten contacts first",
];
const ACTION_TYPES: &[(&str, &str)] = &[
    ("send_email", "Price list"),
    ("assign_owner", "round_robin"),
    ("create_task", "Call back"),
    ("update_field", "lifecycle_stage=qualified"),
    ("add_tag", "priority"),
    ("notify", "sales-desk"),
];

impl World {
    pub(super) fn territory(&mut self, action: &'static str, part: &str, at: i64) -> Happening {
        let by = self.admin();
        let setting = self.setting;
        let dice = &mut self.stage.dice;
        if part == "create" {
            let (name, description) = *dice.pick(setting.territories);
            let name = format!("{name} {}", 2 + self.territories.len());
            let doc = json!({"name": name, "description": description});
            self.territories.push(Thing::new("territory", fresh_id(dice, "ter"), doc));
        }
        let make = |dice: &mut Dice| {
            Thing::new(
                "territory",
                fresh_id(dice, "ter"),
                json!({"name": "Overseas", "description": "Everywhere else"}),
            )
        };
        let index = match part {
            "create" => self.territories.len() - 1,
            // EMEA is renamed in a scene of its own.
            _ => pick_or_make(&mut self.territories, dice, |thing| thing.name() != "EMEA", make),
        };
        let thing = &mut self.territories[index];
        let kept = thing.name().to_owned();
        let sides = match part {
            "create" => Sides::created(thing.doc.clone()),
            "delete" => Sides::deleted(thing.doc.clone()),
            "name.update" => thing.set(&["name"], renamed(&kept)),
            "description.update" => thing.choose(&["description"], DESCRIPTIONS, dice),
            _ => {
                let before = thing.doc.clone();
                thing.choose(&["description"], DESCRIPTIONS, dice);
                thing.set(&["name"], renamed(&kept));
                Sides::both(before, thing.doc.clone())
            }
        };
        let (target, url) = (thing.clone(), self.page("territories", &self.territories[index].id));
        if part == "delete" {
            self.territories.swap_remove(index);
        }
        Happening::new(at, by, action).on(target.target_at(url)).with(sides)
    }

    pub(super) fn rule(&mut self, action: &'static str, part: &str, at: i64) -> Happening {
        let by = self.admin();
        let setting = self.setting;
        let dice = &mut self.stage.dice;
        let territory = dice.pick(setting.territories).0;
        if part == "create" {
            let name = format!("{territory}: rule {}", self.rules.len() + 1);
            self.rules.push(new_rule(dice, setting, &name, territory));
        }
        let people = setting.people.len();
        let fits = |thing: &Thing| match part {
            "access.grant" => thing.len(&["users"]) < people,
            "access.revoke" => thing.len(&["users"]) > 0,
            "round_robin.add" => thing.len(&["round_robin"]) < people,
            "round_robin.remove" => thing.len(&["round_robin"]) > 0,
            "condition.remove" | "condition.update" => thing.len(&["conditions"]) > 0,
            _ => true,
        };
        let index = match part {
            "create" => self.rules.len() - 1,
            _ => pick_or_make(&mut self.rules, dice, fits, |dice| {
                new_rule(dice, setting, &format!("{territory}: catch-all"), territory)
            }),
        };
        let rule = &mut self.rules[index];
        let mut user = None;
        let sides = match part {
            "create" => Sides::created(rule.doc.clone()),
            "delete" => Sides::deleted(rule.doc.clone()),
            "filters.update" => rule.choose(&["match"], MATCH, dice),
            "access.grant" | "access.revoke" => {
                let (person, sides) =
                    change_users(rule, "users", part == "access.grant", setting, dice);
                user = Some(person);
                sides
            }
            "round_robin.add" | "round_robin.remove" => {
                let (person, sides) =
                    change_users(rule, "round_robin", part == "round_robin.add", setting, dice);
                user = Some(person);
                sides
            }
            "position.update" => {
                let now = rule.at(&["position"]).as_u64().unwrap_or(1);
                // One of the other five of the six positions.
                rule.set(&["position"], 1 + (now + dice.below(5) as u64) % 6)
            }
            "update" => {
                let before = rule.only(&["match", "conditions", "position"]);
                rule.choose(&["match"], MATCH, dice);
                rule.add(&["conditions"], condition(dice));
                let now = rule.at(&["position"]).as_u64().unwrap_or(1);
                rule.set(&["position"], 1 + now % 6);
                Sides::both(before, rule.only(&["match", "conditions", "position"]))
            }
            _ => change_list(rule, &["conditions"], part, condition, dice),
        };
        let target = rule.clone();
        if part == "delete" {
            self.rules.swap_remove(index);
        }
        let url = self.page("auto-assignment", &target.id);
        let happening = Happening::new(at, by, action).on(target.target_at(url)).with(sides);
        match user {
            Some(person) => happening.on(person.target("user")),
            None => happening,
        }
    }

    pub(super) fn sequence(&mut self, action: &'static str, part: &str, at: i64) -> Happening {
        let by = self.admin();
        let setting = self.setting;
        let dice = &mut self.stage.dice;
        if part == "create" {
            let name = format!("{} {}", dice.pick(setting.sequences), self.sequences.len() + 1);
            self.sequences.push(new_sequence(dice, &name));
        }
        let fits = |thing: &Thing| match part {
            "step.remove" | "step.update" => thing.len(&["steps"]) > 1,
            "entry_condition.remove" | "entry_condition.update" => {
                thing.len(&["entry", "conditions"]) > 0
            }
            "exit_condition.remove" | "exit_condition.update" => {
                thing.len(&["exit", "conditions"]) > 0
            }
            "enable" => thing.at(&["enabled"]) == false,
            "disable" => thing.at(&["enabled"]) == true,
            _ => true,
        };
        let index = match part {
            "create" => self.sequences.len() - 1,
            _ => pick_or_make(&mut self.sequences, dice, fits, |dice| {
                let mut made = new_sequence(dice, setting.sequences[3]);
                made.doc["enabled"] = json!(part == "disable");
                made
            }),
        };
        let thing = &mut self.sequences[index];
        let kept = thing.name().to_owned();
        let sides = match part {
            "create" => Sides::created(thing.doc.clone()),
            "delete" => Sides::deleted(thing.doc.clone()),
            "name.update" => thing.set(&["name"], renamed(&kept)),
            "entry_criteria.update" => thing.choose(&["entry", "match"], MATCH, dice),
            "exit_criteria.update" => thing.choose(&["exit", "match"], MATCH, dice),
            "type.update" => thing.choose(&["type"], &["classic", "smart"], dice),
            "run_time.update" => thing.choose(&["run_time"], RUN_TIMES, dice),
            "timezone.update" => thing.choose(&["timezone"], ZONES, dice),
            "enable" | "disable" => thing.set(&["enabled"], part == "enable"),
            "update" => {
                let before = thing.only(&["steps", "run_time", "timezone"]);
                thing.add(&["steps"], step(dice));
                thing.choose(&["run_time"], RUN_TIMES, dice);
                thing.choose(&["timezone"], ZONES, dice);
                Sides::both(before, thing.only(&["steps", "run_time", "timezone"]))
            }
            _ => match part.split_once('.') {
                Some(("step", verb)) => change_list(thing, &["steps"], verb, step, dice),
                Some(("entry_condition", verb)) => {
                    change_list(thing, &["entry", "conditions"], verb, condition, dice)
                }
                Some((_, verb)) => {
                    change_list(thing, &["exit", "conditions"], verb, condition, dice)
                }
                None => Sides::default(),
            },
        };
        let target = thing.clone();
        if part == "delete" {
            self.sequences.swap_remove(index);
        }
        let url = self.page("sales-sequences", &target.id);
        Happening::new(at, by, action).on(target.target_at(url)).with(sides)
    }

    pub(super) fn workflow(&mut self, action: &'static str, part: &str, at: i64) -> Happening {
        let by = self.admin();
        let setting = self.setting;
        let dice = &mut self.stage.dice;
        if part == "create" {
            let (name, description) = *dice.pick(setting.workflows);
            let name = format!("{name} {}", self.workflows.len() + 1);
            self.workflows.push(new_workflow(dice, &(name.as_str(), description)));
        }
        let fits = |thing: &Thing| match part {
            "condition.remove" | "condition.update" => thing.len(&["conditions"]) > 0,
            "action.remove" | "action.update" => thing.len(&["actions"]) > 1,
            "enable" => thing.at(&["enabled"]) == false,
            "disable" => thing.at(&["enabled"]) == true,
            _ => true,
        };
        let index = match part {
            "create" => self.workflows.len() - 1,
            _ => pick_or_make(&mut self.workflows, dice, fits, |dice| {
                let mut made = new_workflow(dice, &setting.workflows[3]);
                made.doc["enabled"] = json!(part == "disable");
                made
            }),
        };
        let thing = &mut self.workflows[index];
        let kept = thing.name().to_owned();
        let sides = match part {
            "create" => Sides::created(thing.doc.clone()),
            "delete" => Sides::deleted(thing.doc.clone()),
            "name.update" => thing.set(&["name"], renamed(&kept)),
            "description.update" => thing.choose(&["description"], DESCRIPTIONS, dice),
            "filters.update" => thing.choose(&["match"], MATCH, dice),
            "enable" | "disable" => thing.set(&["enabled"], part == "enable"),
            "update" => {
                let before = thing.only(&["description", "conditions", "actions"]);
                thing.choose(&["description"], DESCRIPTIONS, dice);
                thing.add(&["conditions"], condition(dice));
                thing.add(&["actions"], workflow_action(dice));
                Sides::both(before, thing.only(&["description", "conditions", "actions"]))
            }
            _ => match part.split_once('.') {
                Some(("condition", verb)) => {
                    change_list(thing, &["conditions"], verb, condition, dice)
                }
                Some((_, verb)) => change_list(thing, &["actions"], verb, workflow_action, dice),
                None => Sides::default(),
            },
        };
        let target = thing.clone();
        if part == "delete" {
            self.workflows.swap_remove(index);
        }
        let url = self.page("workflows", &target.id);
        Happening::new(at, by, action).on(target.target_at(url)).with(sides)
    }
}

const MATCH: &[&str] = &["OR", "AND"];

/// Adds, removes or changes an item of a list; a change may also move the item.
fn change_list(
    thing: &mut Thing,
    path: &[&str],
    verb: &str,
    item: impl Fn(&mut Dice) -> Value,
    dice: &mut Dice,
) -> Sides {
    let verb = verb.rsplit('.').next().unwrap_or(verb);
    let count = thing.len(path);
    match verb {
        "add" => thing.add(path, item(dice)),
        "remove" => thing.remove(path, dice.below(count)),
        _ => {
            // A changed item keeps its id, so that it is told apart from a new one.
            let index = dice.below(count);
            let moves = count > 1 && dice.percent(25);
            let present = thing.at(path)[index].clone();
            let mut other = item(dice);
            other["id"] = present["id"].clone();
            while other == present {
                other = item(dice);
                other["id"] = present["id"].clone();
            }
            thing.edit(path, |list| {
                let Value::Array(items) = list else { return };
                if moves {
                    let moved = items.remove(index);
                    items.insert((index + 1) % count, moved);
                } else {
                    items[index] = other;
                }
            })
        }
    }
}

/// Adds a user to a list of users or takes one out; returns whom.
fn change_users(
    rule: &mut Thing,
    list: &str,
    add: bool,
    setting: &'static Setting,
    dice: &mut Dice,
) -> (&'static Person, Sides) {
    let position = |rule: &Thing, person: &Person| {
        rule.at(&[list])
            .as_array()
            .and_then(|items| items.iter().position(|item| item["id"] == person.id))
    };
    let fitting: Vec<&'static Person> =
        setting.people.iter().filter(|person| position(rule, person).is_some() != add).collect();
    let person = *dice.pick(&fitting);
    let sides = match position(rule, person) {
        Some(index) => rule.remove(&[list], index),
        None => rule.add(&[list], person.item()),
    };
    (person, sides)
}

/// Another name for the same thing: the next year, or back.
fn renamed(name: &str) -> String {
    match name.strip_suffix(" (new)") {
        Some(old) => old.to_owned(),
        None => format!("{name} (new)"),
    }
}

pub(super) fn condition(dice: &mut Dice) -> Value {
    let (field, operator, values) = *dice.pick(FIELDS);
    json!({"id": fresh_id(dice, "cond"), "field": field, "operator": operator, "value": dice.pick(values)})
}

pub(super) fn step(dice: &mut Dice) -> Value {
    let delay = format!("{}d", 1 + dice.below(9));
    json!({"id": fresh_id(dice, "step"), "type": dice.pick(STEP_TYPES), "delay": delay, "template": dice.pick(TEMPLATES)})
}

pub(super) fn workflow_action(dice: &mut Dice) -> Value {
    let (kind, value) = *dice.pick(ACTION_TYPES);
    json!({"id": fresh_id(dice, "act"), "type": kind, "value": value, "after_minutes": 5 * dice.below(13)})
}

pub(super) fn new_rule(dice: &mut Dice, setting: &Setting, name: &str, territory: &str) -> Thing {
    let users: Vec<Value> = setting.people[3..5].iter().map(Person::item).collect();
    let doc = json!({
        "name": name, "territory": territory, "match": "OR",
        "conditions": [condition(dice), condition(dice)],
        "users": users, "round_robin": [setting.people[3].item()], "position": 1 + dice.below(6),
    });
    Thing::new("assignment_rule", fresh_id(dice, "rule"), doc)
}

pub(super) fn new_sequence(dice: &mut Dice, name: &str) -> Thing {
    let doc = json!({
        "name": name, "type": "classic",
        "entry": {"match": "AND", "conditions": [condition(dice)]},
        "steps": [step(dice), step(dice), step(dice)],
        "exit": {"match": "OR", "conditions": [condition(dice)]},
        "run_time": dice.pick(RUN_TIMES), "timezone": dice.pick(ZONES), "enabled": dice.percent(50),
    });
    Thing::new("sales_sequence", fresh_id(dice, "seq"), doc)
}

pub(super) fn new_workflow(dice: &mut Dice, (name, description): &(&str, &str)) -> Thing {
    let doc = json!({
        "name": name, "description": description, "match": "OR",
        "conditions": [condition(dice), condition(dice)],
        "actions": [workflow_action(dice), workflow_action(dice)], "enabled": dice.percent(50),
    });
    Thing::new("workflow", fresh_id(dice, "wf"), doc)
}
