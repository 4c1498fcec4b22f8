//! Two customer databases on one catalog: Cloudfon CX and Freshsales, told with different casts.
//!
//! Presets `cloudfon-cx` and `freshsales`. Both keep 90 days, so both stories stay inside them.
//! An action's name says what it does to which thing (`workflow.condition.add`), and so does the
//! code here: one function per kind of thing, one arm per part.

use proofbook_event::Timestamp;
use serde_json::{Value, json};

use super::stage::{By, Cue, Happening, LINUX, MAC, Person, Place, Stage, WINDOWS, in_order};
use super::thing::{Sides, Thing, fresh_id, pick_or_make};
use super::{Owner, Story, Try};
use crate::dice::Dice;

mod account;
mod parts;
mod scenes;

/// One day less than the retention, so that a demo that runs for a day still shows all of it.
const OLDEST: i64 = 88;

/// What differs between the two stories.
struct Setting {
    workspace: &'static str,
    title: &'static str,
    preset: &'static str,
    company: &'static str,
    app_url: &'static str,
    /// Account admin, admin, admin, then users who are given things.
    people: &'static [Person],
    supporter: &'static Person,
    territories: &'static [(&'static str, &'static str)],
    sequences: &'static [&'static str],
    workflows: &'static [(&'static str, &'static str)],
}

const fn person(
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

static SUPPORTER: Person = person(
    "sup_33",
    "Imani Clarke",
    "imani@support.example",
    "support",
    place("192.0.2.8", MAC, "GB", "Leeds"),
);

static FRESHSALES: Setting = Setting {
    workspace: "northwind-solar",
    title: "Northwind Solar",
    preset: "freshsales",
    company: "Northwind Solar AG",
    app_url: "https://northwind.crm.example",
    people: &[
        person(
            "501",
            "Beatrix Lang",
            "beatrix@northwind.example",
            "account_admin",
            place("203.0.113.44", MAC, "CH", "Zürich"),
        ),
        person(
            "502",
            "Arjun Mehta",
            "arjun@northwind.example",
            "admin",
            place("198.51.100.66", WINDOWS, "IN", "Pune"),
        ),
        person(
            "503",
            "Carolina Reyes",
            "carolina@northwind.example",
            "admin",
            place("2001:db8:21::9", LINUX, "ES", "Sevilla"),
        ),
        person(
            "504",
            "Felix Brandt",
            "felix@northwind.example",
            "sales",
            place("203.0.113.45", MAC, "CH", "Basel"),
        ),
        person(
            "505",
            "Nadia Haddad",
            "nadia@northwind.example",
            "sales",
            place("203.0.113.46", WINDOWS, "FR", "Lyon"),
        ),
        person(
            "506",
            "Søren Kjær",
            "soren@northwind.example",
            "sales",
            place("192.0.2.118", MAC, "DK", "Aarhus"),
        ),
        person(
            "507",
            "Lucía Prieto",
            "lucia@northwind.example",
            "sales",
            place("192.0.2.119", LINUX, "ES", "Bilbao"),
        ),
    ],
    supporter: &SUPPORTER,
    territories: &[
        ("DACH", "Germany, Austria, Switzerland"),
        ("Iberia", "Spain and Portugal"),
        ("Nordics", "Denmark, Norway, Sweden, Finland"),
        ("France", "France and Monaco"),
        ("Public sector", "Schools, hospitals, town halls"),
    ],
    sequences: &[
        "Roof owners, first touch",
        "After the site visit",
        "Lost offers, spring",
        "Installer partners",
    ],
    workflows: &[
        ("Hot leads to sales", "A lead with a score over 80 gets an owner within five minutes"),
        ("Offer follow-up", "Three days without an answer make a task"),
        ("Subsidy reminder", "Before the deadline of each canton"),
        ("Duplicate check", "Marks contacts with the same address"),
    ],
};

static CLOUDFON: Setting = Setting {
    workspace: "harbor-logistics",
    title: "Harbor Logistics",
    preset: "cloudfon-cx",
    company: "Harbor Logistics Pte Ltd",
    app_url: "https://harbor.cloudfon.example",
    people: &[
        person(
            "71",
            "Siti Rahman",
            "siti@harbor.example",
            "account_admin",
            place("198.51.100.140", WINDOWS, "SG", "Singapore"),
        ),
        person(
            "72",
            "Daniel Okoye",
            "daniel@harbor.example",
            "admin",
            place("203.0.113.91", MAC, "NG", "Lagos"),
        ),
        person(
            "73",
            "Hanako Mori",
            "hanako@harbor.example",
            "admin",
            place("2001:db8:31::4", LINUX, "JP", "Kobe"),
        ),
        person(
            "74",
            "Pete Sullivan",
            "pete@harbor.example",
            "agent",
            place("192.0.2.131", WINDOWS, "IE", "Cork"),
        ),
        person(
            "75",
            "Valentina Russo",
            "valentina@harbor.example",
            "agent",
            place("192.0.2.132", MAC, "IT", "Genova"),
        ),
        person(
            "76",
            "Jean-Marc Dubois",
            "jeanmarc@harbor.example",
            "agent",
            place("192.0.2.133", LINUX, "BE", "Antwerpen"),
        ),
    ],
    supporter: &SUPPORTER,
    territories: &[
        ("EMEA", "Europe, Middle East and Africa"),
        ("Straits", "Singapore and Malaysia"),
        ("Kansai", "Kobe, Osaka, Kyoto"),
        ("Gulf of Guinea", "Lagos, Tema, Abidjan"),
    ],
    sequences: &[
        "New shippers",
        "Quiet customers",
        "Cold storage offer",
        "Customs documents missing",
    ],
    workflows: &[
        ("Late container", "Tells the customer before the customer asks"),
        ("Claims to the desk", "Every claim gets an owner and a number"),
        ("Missed call back", "A missed call becomes a task within ten minutes"),
        ("Big shipper alert", "Over 500 containers a year"),
    ],
};

const ROUTINE: &[(&str, usize)] = &[
    ("plan.trial_change", 1),
    ("phone_credits.add", 7),
    ("account.primary_contact.update", 3),
    ("account.timezone.update", 3),
    ("account.currency.update", 2),
    ("account.language.update", 3),
    ("account.date_format.update", 3),
    ("account.time_format.update", 3),
    ("lead_scoring.enable", 3),
    ("lead_scoring.disable", 3),
    ("profile_enrichment.enable", 3),
    ("profile_enrichment.disable", 2),
    ("dnd_email_block.enable", 2),
    ("dnd_email_block.disable", 2),
    ("account.settings.update", 5),
    ("territory.create", 9),
    ("territory.delete", 3),
    ("territory.name.update", 7),
    ("territory.description.update", 8),
    ("territory.update", 4),
    ("assignment_rule.create", 10),
    ("assignment_rule.delete", 3),
    ("assignment_rule.filters.update", 7),
    ("assignment_rule.condition.add", 19),
    ("assignment_rule.condition.update", 23),
    ("assignment_rule.condition.remove", 9),
    ("assignment_rule.access.grant", 14),
    ("assignment_rule.access.revoke", 8),
    ("assignment_rule.round_robin.add", 17),
    ("assignment_rule.round_robin.remove", 11),
    ("assignment_rule.position.update", 10),
    ("assignment_rule.update", 8),
    ("sales_sequence.create", 13),
    ("sales_sequence.delete", 3),
    ("sales_sequence.name.update", 8),
    ("sales_sequence.entry_condition.add", 16),
    ("sales_sequence.entry_condition.update", 18),
    ("sales_sequence.entry_condition.remove", 8),
    ("sales_sequence.entry_criteria.update", 6),
    ("sales_sequence.type.update", 5),
    ("sales_sequence.run_time.update", 9),
    ("sales_sequence.timezone.update", 7),
    ("sales_sequence.step.add", 31),
    ("sales_sequence.step.update", 44),
    ("sales_sequence.step.remove", 14),
    ("sales_sequence.exit_criteria.update", 5),
    ("sales_sequence.exit_condition.add", 13),
    ("sales_sequence.exit_condition.update", 11),
    ("sales_sequence.exit_condition.remove", 6),
    ("sales_sequence.enable", 22),
    ("sales_sequence.disable", 17),
    ("sales_sequence.update", 15),
    ("workflow.create", 15),
    ("workflow.delete", 4),
    ("workflow.name.update", 9),
    ("workflow.description.update", 8),
    ("workflow.filters.update", 9),
    ("workflow.condition.add", 24),
    ("workflow.condition.update", 29),
    ("workflow.condition.remove", 12),
    ("workflow.action.add", 26),
    ("workflow.action.update", 38),
    ("workflow.action.remove", 12),
    ("workflow.enable", 24),
    ("workflow.disable", 18),
    ("workflow.update", 16),
];

struct World {
    stage: Stage,
    setting: &'static Setting,
    subscription: Thing,
    account: Thing,
    territories: Vec<Thing>,
    rules: Vec<Thing>,
    sequences: Vec<Thing>,
    workflows: Vec<Thing>,
}

/// Tells the story of the company with the solar roofs.
pub(super) fn freshsales(now: Timestamp) -> Story {
    tell(
        &FRESHSALES,
        now,
        &[
            Try {
                question: "What did we pay for, and who decided it?",
                query: "module:\"Plans and Billing\"",
            },
            Try {
                question: "Who changed the steps of a workflow, and how?",
                query: "action:workflow.action.update",
            },
            Try {
                question: "Which territories went in one go?",
                query: "action:territory.delete \"one list\"",
            },
            Try {
                question: "What did support do on somebody's behalf?",
                query: "actor.type:support",
            },
            Try { question: "What did the product change by itself?", query: "actor.type:system" },
        ],
    )
}

/// Tells the story of the company with the containers.
pub(super) fn cloudfon(now: Timestamp) -> Story {
    tell(
        &CLOUDFON,
        now,
        &[
            Try {
                question: "Who renamed EMEA?",
                query: "action:territory.name.update before:\"EMEA\"",
            },
            Try { question: "Who asked to cancel the account?", query: "severity:critical" },
            Try { question: "What was switched off, and by whom?", query: "action:*.disable" },
            Try { question: "What did the product change by itself?", query: "actor.type:system" },
        ],
    )
}

fn tell(setting: &'static Setting, now: Timestamp, tries: &'static [Try]) -> Story {
    let mut stage = Stage::new(setting.workspace, now);
    let mut timeline = stage.spread::<World>(ROUTINE, OLDEST);
    // The trial ends with a subscription, so what belongs to the trial comes before it.
    for (at, cue) in &mut timeline {
        if matches!(cue, Cue::Routine("plan.trial_change")) {
            *at = stage.days_ago(82, 15, 21);
        }
    }
    let scene = |at, play: fn(&mut World, i64), minutes| (at, Cue::Scene(play, minutes));
    timeline.extend([
        scene(stage.days_ago(76, 10, 2), World::the_plan_is_bought, 20),
        scene(stage.days_ago(61, 9, 30), World::emea_becomes_europe, 5),
        scene(stage.days_ago(48, 13, 10), World::territories_go_in_one_list, 5),
        scene(stage.days_ago(39, 15, 45), World::the_team_grows, 5),
        scene(stage.days_ago(24, 11, 20), World::support_repairs_a_workflow, 30),
        scene(stage.days_ago(15, 3, 0), World::the_product_tidies_up, 10),
        scene(stage.days_ago(9, 16, 40), World::the_team_shrinks, 5),
        scene(stage.days_ago(6, 17, 5), World::cancelled_and_taken_back, 60),
        scene(stage.minutes_ago(52), World::this_hour, 50),
    ]);
    let mut world = World::set_up(stage, setting);
    for (at, cue) in in_order(timeline) {
        match cue {
            Cue::Routine(action) => world.everyday(action, at),
            Cue::Scene(play, _) => play(&mut world, at),
        }
    }
    let owner = &setting.people[0];
    Story {
        workspace: setting.workspace,
        title: setting.title,
        preset: setting.preset,
        plan: "standard",
        plan_while_loading: None,
        owner: Owner { name: owner.name, email: owner.email },
        app_url: setting.app_url,
        events: world.stage.finish(),
        tries,
    }
}

impl World {
    fn everyday(&mut self, action: &'static str, at: i64) {
        let (kind, part) = action.split_once('.').unwrap_or((action, ""));
        let happening = match kind {
            "territory" => self.territory(action, part, at),
            "assignment_rule" => self.rule(action, part, at),
            "sales_sequence" => self.sequence(action, part, at),
            "workflow" => self.workflow(action, part, at),
            _ => self.account(action, at),
        };
        self.stage.record(happening);
    }

    /// One of the three who may change things; the last one uses a script for some of it.
    fn admin(&mut self) -> By {
        let roll = self.stage.dice.below(20);
        match roll {
            0..=4 => By::Person(&self.setting.people[0]),
            5..=12 => By::Person(&self.setting.people[1]),
            13..=18 => By::Person(&self.setting.people[2]),
            _ => {
                By::Key { id: "key_terraform", name: "Configuration as code", ip: "198.51.100.250" }
            }
        }
    }

    fn page(&self, section: &str, id: &str) -> String {
        format!("{}/settings/{section}/{id}", self.setting.app_url)
    }
}
