//! What happens once at the bicycle shop, and how its things come into being.

use super::*;

const HUB_SUPPORT: Person = member(
    "sup_8",
    "Renée Marchand",
    "renee@support.example",
    "support",
    place("192.0.2.9", MAC, "CA", "Québec"),
);

impl World {
    /// The product's page knows no creation of webhooks, so the catalog knows no such action: it is
    /// kept and shown under the rule for unknown actions.
    pub(super) fn a_webhook_is_added_through_the_api(&mut self, at: i64) {
        let doc = json!({"url": "https://sync.helpdesk.example/velonord", "subscriptions": ["message_created"]});
        let hook = Thing::new("webhook", fresh_id(&mut self.stage.dice, "wh"), doc);
        let made = Happening::new(at, HELPDESK, "webhook.create").on(hook.target());
        self.stage.record(made.with(Sides::created(hook.doc.clone())));
        self.webhooks.push(hook);
    }

    /// Twelve teams of a finished campaign go in one request.
    pub(super) fn teams_are_tidied_up(&mut self, at: i64) {
        let request = self.stage.request_id();
        for number in 1..=12 {
            let name = format!("Autumn fair {number}");
            let team = new_team(&mut self.stage.dice, &(name.as_str(), "Stand and hotline"));
            let gone = Happening::new(at + number * 350_000, By::Person(&TOMAS), "team.delete");
            let sides = Sides::deleted(team.only(&["name", "description"]));
            let gone = gone.on(team.target()).with(sides).in_request(&request);
            self.stage.record(gone.and("reason", "The autumn fair is over"));
        }
    }

    pub(super) fn support_finds_a_lost_inbox(&mut self, at: i64) {
        let ticket = "Ticket 7719: mails of the repairs inbox do not arrive";
        let by = By::Impersonating { supporter: &HUB_SUPPORT, member: &INGRID, ticket };
        self.stage.record(Happening::new(at, by, "user.sign_in"));
        let inbox = &mut self.inboxes[0];
        let sides = inbox.set(&["forward_to"], "repairs@velonord.example");
        let repair = Happening::new(at + 11 * MINUTE, by, "inbox.update").on(inbox.target());
        self.stage.record(repair.with(sides));
        self.stage.record(Happening::new(at + 19 * MINUTE, by, "user.sign_out"));
    }

    pub(super) fn kwame_forgets_his_password(&mut self, at: i64) {
        let kwame = &AGENTS[1];
        for minute in 0..2 {
            let refused = Happening::new(at + minute * MINUTE, By::Person(kwame), "user.sign_in");
            self.stage.record(refused.and("outcome", wrong_password()));
        }
        self.stage.record(Happening::new(at + 4 * MINUTE, By::Person(kwame), "user.sign_in"));
    }

    /// Failed attempts from the other side of the world, a success, and what is done with it.
    pub(super) fn a_stranger_signs_in(&mut self, at: i64) {
        let stranger = By::PersonAt(PIOTR, FAR_AWAY);
        for attempt in 0..9 {
            let refused = Happening::new(at + attempt * 21_400_000, stranger, "user.sign_in");
            self.stage.record(refused.and("outcome", wrong_password()));
        }
        let minute = |minutes: i64| at + minutes * MINUTE;
        let inside = Happening::new(minute(4), stranger, "user.sign_in");
        self.stage.record(inside.and("severity", "warning"));

        // What was refused never happened: the webhook itself stays as it is.
        let mut hook = self.webhooks[0].clone();
        let target = hook.target();
        let sides = hook.set(&["url"], "https://collect.files.example/p");
        let update = Happening::new(minute(7), stranger, "webhook.update").on(target);
        self.stage.record(update.and("outcome", not_allowed()).with(sides));

        let inbox = &self.inboxes[0];
        let refused = Happening::new(minute(9), stranger, "inbox.member.add");
        self.stage.record(
            refused.on(inbox.target()).on(PIOTR.target("user")).and("outcome", not_allowed()),
        );
        let busy =
            Sides::both(json!({"availability": "offline"}), json!({"availability": "online"}));
        let shown = Happening::new(minute(12), stranger, "user.availability.update").with(busy);
        self.stage.record(shown);
        self.availability.set(&[PIOTR.id], "online");

        self.stage.record(Happening::new(
            minute(48),
            By::PersonAt(&INGRID, at_home()),
            "user.sign_in",
        ));
        let ended = Happening::new(minute(55), stranger, "user.sign_out");
        self.stage.record(ended.and("reason", "Every session was ended by Ingrid Solberg"));
        let late = Happening::new(minute(58), stranger, "user.sign_in");
        let locked = json!({"result": "denied", "code": "account_locked", "reason": "The account is locked"});
        self.stage.record(late.and("outcome", locked));
        let back = Happening::new(minute(74), By::Person(PIOTR), "user.sign_in");
        self.stage.record(back.and("reason", "First sign-in with the new password"));
    }

    /// A few things that have just happened, so that the list is never old.
    pub(super) fn this_hour(&mut self, at: i64) {
        let sofie = &AGENTS[0];
        self.stage.record(Happening::new(at, By::Person(sofie), "user.sign_in"));
        let sides = self.availability.choose(&[sofie.id], AVAILABILITY, &mut self.stage.dice);
        let word =
            |side: Option<Value>| json!({"availability": side.map(|side| side[sofie.id].clone())});
        let sides = Sides::both(word(sides.before), word(sides.after));
        let update = Happening::new(at + 3 * MINUTE, By::Person(sofie), "user.availability.update");
        self.stage.record(update.with(sides));
        let rule = self.rule("automation_rule.update", at + 17 * MINUTE);
        self.stage.record(rule);
        let inbox = self.inbox("inbox.update", at + 29 * MINUTE);
        self.stage.record(inbox);
        let agent = By::Agent { id: "agent_triage", name: "Triage assistant", member: &TOMAS };
        let rule = &mut self.rules[0];
        let word = *self.stage.dice.pick(WORDS);
        let sides = rule.add(&["conditions"], condition(&mut self.stage.dice, word));
        let update = Happening::new(at + 34 * MINUTE, agent, "automation_rule.update");
        self.stage.record(update.on(rule.target()).with(sides));
    }
}

fn at_home() -> Place {
    Place { ip: "198.51.100.230", agent: PHONE, country: "NO", city: "Voss" }
}

fn wrong_password() -> Value {
    json!({"result": "failure", "code": "wrong_password", "reason": "Wrong password"})
}

fn not_allowed() -> Value {
    json!({"result": "denied", "code": "missing_role", "reason": "Agents may not change this"})
}

pub(super) fn new_inbox(dice: &mut Dice, (name, channel): &(&str, &str)) -> Thing {
    let doc = json!({
        "name": name, "channel": channel, "members": [],
        "greeting": "Hello! How can we help?", "working_hours": "09:00–17:00",
        "auto_assignment": true, "forward_to": "velonord@inbox.example",
    });
    Thing::new("inbox", fresh_id(dice, "inb"), doc)
}

pub(super) fn new_team(dice: &mut Dice, (name, description): &(&str, &str)) -> Thing {
    let doc = json!({"name": name, "description": description, "members": []});
    Thing::new("team", fresh_id(dice, "team"), doc)
}

pub(super) fn new_rule(dice: &mut Dice, (name, event): &(&str, &str)) -> Thing {
    let (first, second) = (*dice.pick(WORDS), *dice.pick(WORDS));
    let doc = json!({
        "name": name, "event": event,
        "conditions": [condition(dice, first), condition(dice, second)],
        "actions": [{"id": fresh_id(dice, "act"), "type": "assign_team", "value": dice.pick(TEAMS).0}],
        "active": true,
    });
    Thing::new("automation_rule", fresh_id(dice, "rule"), doc)
}

pub(super) fn condition(dice: &mut Dice, word: &str) -> Value {
    json!({"id": fresh_id(dice, "cond"), "field": "content", "operator": "contains", "value": word})
}

pub(super) fn new_guest(dice: &mut Dice) -> Thing {
    const GUESTS: &[&str] =
        &["Elin", "Marta", "Yusuf", "Ole", "Clara", "Nikos", "Aoife", "Ravi", "Zuzana", "Hugo"];
    let name = *dice.pick(GUESTS);
    let email = format!("{}.{}@velonord.example", name.to_lowercase(), 10 + dice.below(90));
    let role = if dice.percent(80) { "agent" } else { "admin" };
    let doc = json!({"name": name, "email": email, "role": role});
    Thing::new("user", fresh_id(dice, "u"), doc)
}

/// Adds or removes a member; returns the member as a target and both sides of the list.
pub(super) fn change_members(thing: &mut Thing, add: bool, dice: &mut Dice) -> (Value, Sides) {
    let ids: Vec<String> = thing
        .at(&["members"])
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["id"].as_str().map(str::to_owned))
        .collect();
    let fitting: Vec<&Person> =
        AGENTS.iter().filter(|person| ids.iter().any(|id| id == person.id) != add).collect();
    let person = *dice.pick(&fitting);
    let sides = match ids.iter().position(|id| id == person.id) {
        Some(index) => thing.remove(&["members"], index),
        None => thing.add(&["members"], person.item()),
    };
    (person.target("user"), sides)
}
