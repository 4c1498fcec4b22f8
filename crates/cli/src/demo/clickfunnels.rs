//! A ClickFunnels workspace: a coach, her three members, affiliates, products and payments.
//!
//! Preset `clickfunnels-workspace`. The page's own example is the newest scene: one member creates
//! an affiliate campaign, one changes a product's price, one modifies the payment methods.

use proofbook_event::Timestamp;
use serde_json::{Value, json};

use super::stage::{
    By, Cue, Happening, LINUX, MAC, MINUTE, Person, Place, Stage, WINDOWS, in_order,
};
use super::thing::{Sides, Thing, fresh_id, pick_or_make};
use super::{Owner, Story, Try};
use crate::dice::Dice;

mod scenes;
use scenes::{banned, new_affiliate, new_collaborator, payment_methods, payments_ai, stripe};

const WORKSPACE: &str = "bluebird-coaching";
const OLDEST: i64 = 89;

const OLIVIA: Person = Person {
    id: "usr_1001",
    name: "Olivia Hart",
    email: "olivia@bluebird.example",
    role: "owner",
    place: Place { ip: "203.0.113.10", agent: MAC, country: "US", city: "Boise" },
};
const MAYA: Person = Person {
    id: "usr_1002",
    name: "Maya Chen",
    email: "maya@bluebird.example",
    role: "affiliate_manager",
    place: Place { ip: "198.51.100.23", agent: MAC, country: "CA", city: "Vancouver" },
};
const JONAS: Person = Person {
    id: "usr_1003",
    name: "Jonas Weber",
    email: "jonas@bluebird.example",
    role: "editor",
    place: Place { ip: "192.0.2.77", agent: LINUX, country: "DE", city: "Leipzig" },
};
const PRIYA: Person = Person {
    id: "usr_1004",
    name: "Priya Nair",
    email: "priya@bluebird.example",
    role: "admin",
    place: Place { ip: "2001:db8:4::1a", agent: WINDOWS, country: "IN", city: "Kochi" },
};
const SUPPORT: Person = Person {
    id: "sup_21",
    name: "Sam Ortiz",
    email: "sam.ortiz@support.example",
    role: "support",
    place: Place { ip: "192.0.2.4", agent: MAC, country: "US", city: "Denver" },
};
const PORTAL: By = By::Key { id: "key_portal", name: "Affiliate portal", ip: "198.51.100.201" };

const ROUTINE: &[(&str, usize)] = &[
    ("affiliate.create", 96),
    ("affiliate.update", 54),
    ("affiliate.destroy", 9),
    ("affiliate.activate", 62),
    ("affiliate.approve", 74),
    ("affiliate.ban", 11),
    ("affiliate.unban", 4),
    ("product.create", 17),
    ("product.update", 78),
    ("payments_ai.access", 21),
    ("payment_method.update", 5),
    ("stripe_installation.update", 3),
    ("workspace_collaborator.create", 8),
    ("workspace_collaborator.roles.update", 9),
];

const CAMPAIGNS: &[&str] = &[
    "Autumn Webinar",
    "Morning Routine Challenge",
    "Five Day Reset",
    "Black Friday",
    "Podcast Partners",
];
const PLANS: &[&str] = &["Standard", "Silver", "Gold", "Founding Partner"];
const FIRST: &[&str] = &[
    "Ava", "Noah", "Zoë", "Liam", "Mateo", "Isla", "Łukasz", "Freya", "José", "Hana", "Omar",
    "Chloé", "Tariq", "Greta", "Yuki", "Nils", "Amara", "Björn", "Leila", "Dario",
];
const LAST: &[&str] = &[
    "Reed",
    "Kowalski",
    "Moreno",
    "Okafor",
    "Lindqvist",
    "Tanaka",
    "Haddad",
    "Fischer",
    "Novak",
    "Brandt",
    "Silva",
    "Murphy",
    "Rossi",
    "Aydın",
    "Larsen",
    "Petit",
    "Nguyen",
    "Costa",
];
const PRODUCTS: &[(&str, &str)] = &[
    ("Morning Routine Workbook", "19.00"),
    ("Five Day Reset", "49.00"),
    ("Coaching Circle (monthly)", "89.00"),
    ("One to One Intensive", "1200.00"),
    ("Focus Playbook", "27.00"),
    ("Habit Tracker Templates", "12.00"),
    ("Speaker Training", "349.00"),
];
const PRICES: &[&str] =
    &["12.00", "19.00", "27.00", "39.00", "49.00", "59.00", "79.00", "89.00", "129.00", "349.00"];
const BAN_REASONS: &[&str] = &[
    "Bids on our brand name in search ads",
    "Sends unsolicited mail",
    "Several accounts, one payout address",
    "Promises income that we do not promise",
];

struct World {
    stage: Stage,
    affiliates: Vec<Thing>,
    products: Vec<Thing>,
    stripe: Vec<Thing>,
    collaborators: Vec<Thing>,
    methods: Vec<Value>,
}

/// Tells the story of the coaching workspace.
pub(super) fn story(now: Timestamp) -> Story {
    let mut stage = Stage::new(WORKSPACE, now);
    let mut timeline = stage.spread::<World>(ROUTINE, OLDEST);
    let scene = |at, play: fn(&mut World, i64), minutes| (at, Cue::Scene(play, minutes));
    timeline.extend([
        scene(stage.days_ago(84, 9, 12), World::owner_secures_the_account, 30),
        scene(stage.days_ago(71, 14, 3), World::stripe_is_connected, 60),
        scene(stage.days_ago(44, 10, 40), World::fake_sign_ups_are_removed, 60),
        scene(stage.days_ago(26, 16, 20), World::support_repairs_a_checkout, 40),
        scene(stage.days_ago(12, 8, 55), World::a_member_turns_mfa_off, 60),
        scene(stage.days_ago(5, 11, 30), World::old_stripe_account_goes, 20),
        scene(stage.minutes_ago(196), World::three_members, 170),
    ]);
    let mut world = World {
        stage,
        affiliates: Vec::new(),
        products: Vec::new(),
        stripe: Vec::new(),
        collaborators: Vec::new(),
        methods: vec![
            json!({"id": "pm_4242", "brand": "visa", "last4": "4242", "default": true}),
            json!({"id": "pm_0005", "brand": "amex", "last4": "0005", "default": false}),
        ],
    };
    for (name, price) in PRODUCTS {
        let doc = json!({"name": name, "price": price, "currency": "USD", "visible": true});
        let id = fresh_id(&mut world.stage.dice, "prod");
        world.products.push(Thing::new("product", id, doc));
    }
    for (at, cue) in in_order(timeline) {
        match cue {
            Cue::Routine(action) => world.everyday(action, at),
            Cue::Scene(play, _) => play(&mut world, at),
        }
    }
    Story {
        workspace: WORKSPACE,
        title: "Bluebird Coaching",
        preset: "clickfunnels-workspace",
        plan: "all",
        plan_while_loading: None,
        owner: Owner { name: OLIVIA.name, email: OLIVIA.email },
        app_url: "https://app.bluebird.example",
        events: world.stage.finish(),
        tries: &[
            Try {
                question: "Who changed the price, and from what to what?",
                query: "action:product.update changed:/price",
            },
            Try {
                question: "Who touched the payment methods?",
                query: "action:payment_method.update",
            },
            Try {
                question: "What did Maya do today?",
                query: "actor:maya@bluebird.example occurred:>=now-1d",
            },
            Try {
                question: "Who switched Multi-Factor Authentication off?",
                query: "action:mfa.disable",
            },
            Try {
                question: "Which fake affiliates were removed in one go?",
                query: "action:affiliate.destroy \"one payout address\"",
            },
        ],
    }
}

impl World {
    fn everyday(&mut self, action: &'static str, at: i64) {
        let by = self.somebody(action);
        let (target, sides) = match action {
            "affiliate.create" => {
                let thing = new_affiliate(&mut self.stage.dice, None);
                let sides = Sides::created(thing.only(&[
                    "name",
                    "email",
                    "campaign",
                    "commission_plan",
                    "status",
                ]));
                self.affiliates.push(thing);
                (self.affiliates[self.affiliates.len() - 1].target(), sides)
            }
            "affiliate.destroy" => {
                let index =
                    self.affiliate(|doc| doc["status"] != "active", json!({"status": "inactive"}));
                let thing = self.affiliates.swap_remove(index);
                (thing.target(), Sides::deleted(thing.only(&["name", "email", "status"])))
            }
            "affiliate.update" => self.change_affiliate(),
            "affiliate.approve" => {
                let index =
                    self.affiliate(|doc| doc["approved"] == false, json!({"approved": false}));
                let thing = &mut self.affiliates[index];
                thing.set(&["status"], "inactive");
                (thing.target(), thing.set(&["approved"], true))
            }
            "affiliate.activate" => {
                let index = self
                    .affiliate(|doc| doc["status"] == "inactive", json!({"status": "inactive"}));
                let thing = &mut self.affiliates[index];
                (thing.target(), thing.set(&["status"], "active"))
            }
            "affiliate.ban" => {
                let index = self.affiliate(|doc| doc["banned"] == false, json!({}));
                let reason = *self.stage.dice.pick(BAN_REASONS);
                self.affiliates[index].set(&["banned"], true);
                (self.affiliates[index].target(), banned(reason))
            }
            "affiliate.unban" => {
                let index = self.affiliate(|doc| doc["banned"] == true, json!({"banned": true}));
                let thing = &mut self.affiliates[index];
                (thing.target(), thing.set(&["banned"], false))
            }
            "product.create" => {
                let (name, price) = *self.stage.dice.pick(PRODUCTS);
                let edition = 2 + self.products.len() / PRODUCTS.len();
                let name = format!("{name}, edition {edition}");
                let doc =
                    json!({"name": name, "price": price, "currency": "USD", "visible": false});
                let thing = Thing::new("product", fresh_id(&mut self.stage.dice, "prod"), doc);
                let made = (thing.target(), Sides::created(thing.doc.clone()));
                self.products.push(thing);
                made
            }
            "product.update" => {
                let index = self.stage.dice.below(self.products.len());
                let thing = &mut self.products[index];
                let sides = if self.stage.dice.percent(70) {
                    thing.choose(&["price"], PRICES, &mut self.stage.dice)
                } else {
                    let visible = thing.at(&["visible"]) != true;
                    thing.set(&["visible"], visible)
                };
                (thing.target(), sides)
            }
            "payments_ai.access" => (payments_ai(), Sides::default()),
            "payment_method.update" => (payment_methods(), self.swap_default_method()),
            "stripe_installation.update" => {
                let index = self.installation();
                let mode = if self.stripe[index].at(&["mode"]) == "live" { "test" } else { "live" };
                (self.stripe[index].target(), self.stripe[index].set(&["mode"], mode))
            }
            "workspace_collaborator.create" => {
                let thing = new_collaborator(&mut self.stage.dice);
                let made = (thing.target(), Sides::created(thing.only(&["email", "roles"])));
                self.collaborators.push(thing);
                made
            }
            _ => {
                let dice = &mut self.stage.dice;
                let index = pick_or_make(&mut self.collaborators, dice, |_| true, new_collaborator);
                let thing = &mut self.collaborators[index];
                let roles = if thing.len(&["roles"]) == 1 {
                    json!(["editor", "admin"])
                } else {
                    json!(["editor"])
                };
                (thing.target(), thing.set(&["roles"], roles))
            }
        };
        let mut happening = Happening::new(at, by, action).on(target).with(sides);
        // Now and then Payments AI is refused to somebody who has no business there.
        if action == "payments_ai.access"
            && matches!(by, By::Person(person) if person.role == "editor")
        {
            happening = happening
                .and("outcome", json!({"result": "denied", "code": "missing_role", "reason": "Only administrators may open Payments AI"}));
        }
        self.stage.record(happening);
    }

    fn somebody(&mut self, action: &str) -> By {
        let roll = self.stage.dice.below(10);
        match action {
            "affiliate.create" if roll < 5 => PORTAL,
            "affiliate.activate" if roll < 3 => By::System,
            "affiliate.ban" if roll < 3 => By::System,
            "product.create" | "product.update" => {
                [By::Person(&JONAS), By::Person(&OLIVIA)][usize::from(roll == 9)]
            }
            "payments_ai.access" => [By::Person(&PRIYA), By::Person(&OLIVIA), By::Person(&JONAS)]
                [[0, 0, 0, 0, 0, 1, 1, 1, 1, 2][roll]],
            name if name.starts_with("affiliate") => By::Person(&MAYA),
            "workspace_collaborator.create" | "workspace_collaborator.roles.update" => {
                By::Person(&OLIVIA)
            }
            _ => By::Person(&PRIYA),
        }
    }

    /// An affiliate that fits, or one that is made to fit.
    fn affiliate(&mut self, fits: impl Fn(&Value) -> bool, otherwise: Value) -> usize {
        pick_or_make(
            &mut self.affiliates,
            &mut self.stage.dice,
            |thing| fits(&thing.doc),
            |dice| {
                let mut thing = new_affiliate(dice, None);
                if let Value::Object(fields) = otherwise {
                    for (key, value) in fields {
                        thing.doc[key] = value;
                    }
                }
                thing
            },
        )
    }

    fn change_affiliate(&mut self) -> (Value, Sides) {
        let index = self.affiliate(|_| true, json!({}));
        let thing = &mut self.affiliates[index];
        let dice = &mut self.stage.dice;
        let sides = if dice.percent(75) {
            thing.choose(&["commission_plan"], PLANS, dice)
        } else {
            thing.choose(&["campaign"], CAMPAIGNS, dice)
        };
        (thing.target(), sides)
    }

    fn swap_default_method(&mut self) -> Sides {
        let before = json!({ "methods": self.methods });
        for method in &mut self.methods {
            let default = method["default"] == true;
            method["default"] = json!(!default);
        }
        Sides::both(before, json!({ "methods": self.methods }))
    }

    fn installation(&mut self) -> usize {
        pick_or_make(
            &mut self.stripe,
            &mut self.stage.dice,
            |_| true,
            |_| stripe("acct_1Fh20bluebird", "Stripe (first account)", "test"),
        )
    }
}
