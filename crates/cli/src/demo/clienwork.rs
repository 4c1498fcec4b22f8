//! A Clienwork workspace on the plan Pro: a design studio, its clients' projects, keys and tools.
//!
//! Preset `clienwork`. It reaches back 400 days, so that the plan's retention of one year has
//! something to show: the first 35 days are there until the plan is set.

use proofbook_event::Timestamp;
use serde_json::{Value, json};

use super::stage::{
    By, Cue, DAY, Happening, LINUX, MAC, MINUTE, PHONE, Person, Place, Stage, WINDOWS, in_order,
};
use super::thing::{Sides, Thing, fresh_id, pick_or_make};
use super::{Owner, Story, Try};
use crate::dice::Dice;

const WORKSPACE: &str = "studio-lumen";
/// Days of the past.
const OLDEST: i64 = 400;

const HELENA: Person = Person {
    id: "mem_01",
    name: "Helena Marques",
    email: "helena@lumen.example",
    role: "owner",
    place: Place { ip: "203.0.113.9", agent: MAC, country: "PT", city: "Lisboa" },
};
const BEN: Person = Person {
    id: "mem_02",
    name: "Ben Adeyemi",
    email: "ben@lumen.example",
    role: "admin",
    place: Place { ip: "198.51.100.77", agent: LINUX, country: "GB", city: "Bristol" },
};
const TEAM: &[Person] = &[
    Person {
        id: "mem_03",
        name: "Yara Haddad",
        email: "yara@lumen.example",
        role: "member",
        place: Place { ip: "192.0.2.61", agent: MAC, country: "LB", city: "Beirut" },
    },
    Person {
        id: "mem_04",
        name: "Mikko Virtanen",
        email: "mikko@lumen.example",
        role: "member",
        place: Place { ip: "2001:db8:51::2", agent: WINDOWS, country: "FI", city: "Tampere" },
    },
    Person {
        id: "mem_05",
        name: "Chloé Perrin",
        email: "chloe@lumen.example",
        role: "member",
        place: Place { ip: "192.0.2.63", agent: PHONE, country: "FR", city: "Lyon" },
    },
];
const SUPPORT: Person = Person {
    id: "sup_5",
    name: "Rosa Jiménez",
    email: "rosa@support.example",
    role: "support",
    place: Place { ip: "192.0.2.6", agent: MAC, country: "MX", city: "Puebla" },
};
const DEPLOY: By = By::Key { id: "key_deploy", name: "Deploy pipeline", ip: "198.51.100.180" };

const ROUTINE: &[(&str, usize)] = &[
    ("settings.update", 92),
    ("member.invite", 58),
    ("member.remove", 31),
    ("project.create", 134),
    ("project.update", 402),
    ("api_key.create", 71),
    ("api_key.revoke", 44),
    ("integration.connect", 39),
    ("integration.disconnect", 24),
];

const CLIENTS: &[&str] = &[
    "Alma Bakery",
    "Nordwind Museum",
    "Fjord Ferries",
    "Casa Verde",
    "Tandem Bikes",
    "Ostara Tea",
    "Kiosk Radio",
    "Meridian Clinic",
    "Papaya Books",
    "Quinta do Sol",
    "Atelier Zoé",
    "Harbour Choir",
];
const JOBS: &[&str] =
    &["Website", "Brand refresh", "Packaging", "Campaign", "App", "Annual report", "Wayfinding"];
const NOTES: &[&str] = &[
    "First draft for the client",
    "Two rounds of corrections are included",
    "Print data until the end of the month",
    "Waiting for photographs",
    "Agreed by phone, offer follows",
    "Handover to the client's own team",
    "Paused until the budget is approved",
];
const PROVIDERS: &[(&str, &str)] = &[
    ("Slack", "lumen-studio"),
    ("Figma", "Studio Lumen"),
    ("GitHub", "lumen-design"),
    ("Google Drive", "drive@lumen.example"),
    ("Stripe", "acct_lumen"),
    ("Notion", "Lumen notes"),
    ("Zapier", "lumen"),
];
const SCOPES: &[&str] =
    &["projects:read", "projects:write", "members:read", "time:read", "invoices:read"];

struct World {
    stage: Stage,
    workspace: Thing,
    settings: Thing,
    members: Vec<Thing>,
    projects: Vec<Thing>,
    keys: Vec<Thing>,
    integrations: Vec<Thing>,
}

/// Tells the story of the design studio.
pub(super) fn story(now: Timestamp) -> Story {
    let mut stage = Stage::new(WORKSPACE, now);
    let mut timeline = stage.spread::<World>(ROUTINE, OLDEST - 2);
    let scene = |at, play: fn(&mut World, i64), minutes| (at, Cue::Scene(play, minutes));
    timeline.extend([
        scene(now.micros() - OLDEST * DAY - MINUTE, World::the_studio_opens, 30),
        scene(stage.days_ago(310, 10, 5), World::the_studio_moves, 10),
        scene(stage.days_ago(121, 8, 30), World::a_member_leaves, 20),
        scene(stage.days_ago(63, 14, 12), World::support_restores_a_logo, 20),
        scene(stage.days_ago(31, 18, 40), World::a_key_leaks, 30),
        scene(stage.days_ago(8, 2, 0), World::the_product_tidies_up, 5),
        scene(stage.minutes_ago(44), World::this_hour, 43),
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
        title: "Studio Lumen",
        preset: "clienwork",
        plan: "pro",
        plan_while_loading: Some("enterprise"),
        owner: Owner { name: HELENA.name, email: HELENA.email },
        app_url: "https://lumen.clienwork.example",
        events: world.stage.finish(),
        tries: &[
            Try {
                question: "Which keys were revoked in one evening, and why?",
                query: "action:api_key.revoke \"public repository\"",
            },
            Try {
                question: "Who renamed a project?",
                query: "action:project.update changed:/name",
            },
            Try {
                question: "What was connected to this workspace, ever?",
                query: "target.type:integration",
            },
            Try {
                question: "What happened at the far end of the retention?",
                query: "occurred:<=now-340d",
            },
            Try { question: "What did support do on somebody's behalf?", query: "on_behalf_of:*" },
        ],
    }
}

impl World {
    fn set_up(mut stage: Stage) -> Self {
        let dice = &mut stage.dice;
        let members = TEAM.iter().map(|person| {
            Thing::new(
                "member",
                person.id,
                json!({"name": person.name, "email": person.email, "role": person.role}),
            )
        });
        Self {
            workspace: Thing::new(
                "workspace",
                "ws_lumen",
                json!({"name": "Lumen", "slug": "lumen", "logo": "lumen-2024.svg"}),
            ),
            settings: Thing::new(
                "settings",
                "settings",
                json!({
                    "name": "Settings", "timezone": "UTC", "week_starts_on": "monday", "currency": "EUR",
                    "require_two_factor": false, "default_project_visibility": "team", "invoice_due_days": 30,
                }),
            ),
            members: members.collect(),
            projects: (0..4).map(|_| new_project(dice)).collect(),
            keys: Vec::new(),
            integrations: Vec::new(),
            stage,
        }
    }

    fn everyday(&mut self, action: &'static str, at: i64) {
        let by = self.somebody(action);
        let dice = &mut self.stage.dice;
        let (target, sides) = match action {
            "settings.update" => self.change_settings(),
            "member.invite" => {
                let member = new_member(dice);
                let made = (member.target(), Sides::created(member.only(&["email", "role"])));
                self.members.push(member);
                made
            }
            "member.remove" => {
                let core = |thing: &Thing| TEAM.iter().all(|person| person.id != thing.id);
                let index = pick_or_make(&mut self.members, dice, core, new_member);
                let member = self.members.swap_remove(index);
                (member.target(), Sides::deleted(member.only(&["email", "role"])))
            }
            "project.create" => {
                let project = new_project(dice);
                let made = (
                    project_target(&project),
                    Sides::created(project.only(&["name", "description"])),
                );
                self.projects.push(project);
                made
            }
            "project.update" => {
                let index = dice.below(self.projects.len());
                let project = &mut self.projects[index];
                let before = project.only(&["name", "description"]);
                let mut sides = project.choose(&["description"], NOTES, dice);
                if dice.percent(30) {
                    let client = *dice.pick(CLIENTS);
                    let job = *dice.pick(JOBS);
                    project.set(&["name"], format!("{client}: {job}, part {}", 2 + dice.below(3)));
                    sides = Sides::both(before, project.only(&["name", "description"]));
                }
                (project_target(project), sides)
            }
            "api_key.create" => {
                let key = new_key(dice, None);
                let made = (key.target(), Sides::created(key.doc.clone()));
                self.keys.push(key);
                made
            }
            "api_key.revoke" => {
                let index =
                    pick_or_make(&mut self.keys, dice, |_| true, |dice| new_key(dice, None));
                let key = self.keys.swap_remove(index);
                (key.target(), Sides::deleted(key.doc))
            }
            "integration.connect" => {
                let integration = new_integration(dice);
                let made = (
                    integration.target(),
                    Sides::created(integration.only(&["provider", "account"])),
                );
                self.integrations.push(integration);
                made
            }
            _ => {
                let index = pick_or_make(&mut self.integrations, dice, |_| true, new_integration);
                let gone = self.integrations.swap_remove(index);
                (gone.target(), Sides::deleted(gone.only(&["provider", "account"])))
            }
        };
        self.stage.record(Happening::new(at, by, action).on(target).with(sides));
    }

    fn somebody(&mut self, action: &str) -> By {
        let roll = self.stage.dice.below(20);
        let member = &TEAM[roll % TEAM.len()];
        match action {
            "project.create" if roll < 3 => DEPLOY,
            "project.update" if roll == 0 => DEPLOY,
            "project.create" | "project.update" if roll < 15 => By::Person(member),
            "settings.update" if roll < 13 => By::Person(&HELENA),
            "integration.connect" | "api_key.create" if roll < 5 => By::Person(member),
            _ if roll.is_multiple_of(3) => By::Person(&HELENA),
            _ => By::Person(&BEN),
        }
    }

    fn change_settings(&mut self) -> (Value, Sides) {
        let dice = &mut self.stage.dice;
        let settings = &mut self.settings;
        let sides = match dice.below(7) {
            0 => {
                let logo = |dice: &mut Dice| json!(format!("lumen-{}.svg", 100 + dice.below(900)));
                return (self.workspace.target(), self.workspace.set_other(&["logo"], dice, logo));
            }
            1 => settings.choose(
                &["timezone"],
                &["UTC", "Europe/Lisbon", "Europe/London", "Europe/Berlin"],
                dice,
            ),
            2 => settings.choose(&["week_starts_on"], &["monday", "sunday"], dice),
            3 => settings.choose(&["currency"], &["EUR", "GBP", "USD"], dice),
            4 => {
                let on = settings.at(&["require_two_factor"]) != true;
                settings.set(&["require_two_factor"], on)
            }
            5 => settings.choose(
                &["default_project_visibility"],
                &["team", "private", "client"],
                dice,
            ),
            _ => {
                let days = settings.at(&["invoice_due_days"]).as_u64().unwrap_or(30);
                settings.set(&["invoice_due_days"], 7 + days % 53)
            }
        };
        (settings.target(), sides)
    }

    fn the_studio_opens(&mut self, at: i64) {
        let name = self.workspace.set(&["name"], "Studio Lumen");
        let target = self.workspace.target();
        let first = Happening::new(at, By::Person(&HELENA), "settings.update").on(target);
        self.stage.record(first.with(name));
        for (minute, index) in [(6, 0), (8, 1)] {
            let member = &self.members[index];
            let invite = Happening::new(at + minute * MINUTE, By::Person(&HELENA), "member.invite");
            let sides = Sides::created(member.only(&["email", "role"]));
            self.stage.record(invite.on(member.target()).with(sides));
        }
        let project = new_project(&mut self.stage.dice);
        let sides = Sides::created(project.only(&["name", "description"]));
        let create = Happening::new(at + 19 * MINUTE, By::Person(&HELENA), "project.create");
        self.stage.record(create.on(project_target(&project)).with(sides));
        self.projects.push(project);
    }

    /// The page's own example of a changed setting.
    fn the_studio_moves(&mut self, at: i64) {
        self.settings.set(&["timezone"], "UTC");
        let sides = self.settings.set(&["timezone"], "Europe/Berlin");
        let change = Happening::new(at, By::Person(&HELENA), "settings.update");
        self.stage.record(change.on(self.settings.target()).with(sides));
    }

    /// Somebody leaves: her keys go with her, one after the other.
    fn a_member_leaves(&mut self, at: i64) {
        let member = Thing::new(
            "member",
            "mem_77",
            json!({"name": "Dora Klein", "email": "dora@lumen.example", "role": "admin"}),
        );
        let denied = json!({"result": "denied", "code": "owner_only", "reason": "Only the owner may remove an admin"});
        let ask = Happening::new(at, By::Person(&BEN), "member.remove").on(member.target());
        self.stage.record(ask.and("outcome", denied));
        let remove = Happening::new(at + 14 * MINUTE, By::Person(&HELENA), "member.remove");
        let sides = Sides::deleted(member.only(&["email", "role"]));
        self.stage.record(remove.on(member.target()).with(sides).and("reason", "Left the studio"));
    }

    fn support_restores_a_logo(&mut self, at: i64) {
        let by = By::Impersonating {
            supporter: &SUPPORT,
            member: &HELENA,
            ticket: "Ticket 3312: the logo is gone after the upload",
        };
        let approval = json!({"id": "apr_3312", "by": HELENA.party("user"), "at": Timestamp::from_micros(at - 12 * MINUTE).to_string()});
        let sides = self.workspace.set(&["logo"], "lumen-restored.svg");
        let change = Happening::new(at, by, "settings.update").on(self.workspace.target());
        self.stage.record(change.with(sides).and("approval", approval));
    }

    /// A key in a public repository: every key of the pipeline goes in one request.
    fn a_key_leaks(&mut self, at: i64) {
        let request = self.stage.request_id();
        for number in 1..=14 {
            let key = new_key(&mut self.stage.dice, Some(number));
            let gone = Happening::new(at + number * 240_000, By::Person(&BEN), "api_key.revoke");
            let gone = gone.on(key.target()).with(Sides::deleted(key.doc)).in_request(&request);
            self.stage.record(
                gone.and("reason", "One of them stood in a public repository")
                    .and("severity", "warning"),
            );
        }
        let key = new_key(&mut self.stage.dice, Some(15));
        let made = Happening::new(at + 22 * MINUTE, By::Person(&BEN), "api_key.create");
        self.stage.record(made.on(key.target()).with(Sides::created(key.doc.clone())));
        self.keys.push(key);
    }

    /// What nobody did: an expired connection and a key that nobody used.
    fn the_product_tidies_up(&mut self, at: i64) {
        let integration = Thing::new(
            "integration",
            "int_legacy",
            json!({"name": "Dropbox", "provider": "Dropbox", "account": "lumen-old"}),
        );
        let gone =
            Happening::new(at, By::System, "integration.disconnect").on(integration.target());
        let sides = Sides::deleted(integration.only(&["provider", "account"]));
        self.stage.record(gone.with(sides).and("reason", "The provider withdrew the permission"));
        let key = new_key(&mut self.stage.dice, None);
        let gone = Happening::new(at + 3 * MINUTE, By::System, "api_key.revoke").on(key.target());
        self.stage
            .record(gone.with(Sides::deleted(key.doc)).and("reason", "Not used for 180 days"));
    }

    /// A few things that have just happened, so that the list is never old.
    fn this_hour(&mut self, at: i64) {
        let acts = [
            (0, "project.update"),
            (8, "member.invite"),
            (19, "api_key.create"),
            (30, "project.create"),
        ];
        for (minute, action) in acts {
            self.everyday(action, at + minute * MINUTE);
        }
        let agent = By::Agent { id: "agent_pm", name: "Project assistant", member: &BEN };
        let project = &mut self.projects[0];
        let sides = project.choose(&["description"], NOTES, &mut self.stage.dice);
        let target = project_target(project);
        let update = Happening::new(at + 41 * MINUTE, agent, "project.update");
        self.stage.record(update.on(target).with(sides));
    }
}

fn project_target(project: &Thing) -> Value {
    project.target_at(format!("https://lumen.clienwork.example/projects/{}", project.id))
}

fn new_project(dice: &mut Dice) -> Thing {
    let name = format!("{}: {}", dice.pick(CLIENTS), dice.pick(JOBS));
    Thing::new(
        "project",
        fresh_id(dice, "prj"),
        json!({"name": name, "description": dice.pick(NOTES)}),
    )
}

fn new_member(dice: &mut Dice) -> Thing {
    const GUESTS: &[&str] =
        &["Ines", "Paul", "Okan", "Mara", "Felipe", "Greta", "Idris", "Nora", "Tove", "Luca"];
    let name = *dice.pick(GUESTS);
    let email = format!("{}{}@freelance.example", name.to_lowercase(), 10 + dice.below(90));
    let role = *dice.pick(&["member", "member", "member", "admin", "guest"]);
    Thing::new("member", fresh_id(dice, "mem"), json!({"name": name, "email": email, "role": role}))
}

fn new_key(dice: &mut Dice, pipeline: Option<i64>) -> Thing {
    let name = match pipeline {
        Some(number) => format!("Pipeline {number:02}"),
        None => format!(
            "{} {}",
            dice.pick(&["Reporting", "Time sheet", "Website", "Invoices"]),
            1 + dice.below(30)
        ),
    };
    let first = dice.below(SCOPES.len() - 1);
    let doc = json!({
        "name": name,
        "prefix": format!("cw_{:06x}", dice.roll() >> 40),
        "scopes": SCOPES[first..first + 2],
    });
    Thing::new("api_key", fresh_id(dice, "key"), doc)
}

fn new_integration(dice: &mut Dice) -> Thing {
    let (provider, account) = *dice.pick(PROVIDERS);
    let doc = json!({"name": provider, "provider": provider, "account": account});
    Thing::new("integration", fresh_id(dice, "int"), doc)
}
