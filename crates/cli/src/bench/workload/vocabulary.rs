//! The words of the workload: actions, names, titles, agents, reasons.

use crate::dice::Dice;

/// What an action does to its target's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It only happens.
    None,
    /// There is an after.
    Create,
    /// There are both.
    Update,
    /// There is a before.
    Delete,
}

/// One of the 38 actions.
#[derive(Debug)]
pub(super) struct Action {
    pub name: &'static str,
    /// How often it occurs among those that change something, or among those that do not.
    pub weight: usize,
    pub change: Change,
    /// Target type; empty where there is no target.
    pub kind: &'static str,
    /// A number for the target type.
    pub kind_index: usize,
    /// What ids of that type begin with.
    pub prefix: &'static str,
    /// The field that changes, and its values.
    pub field: &'static str,
    pub values: &'static [&'static str],
}

const fn action(
    name: &'static str,
    weight: usize,
    change: Change,
    kind: usize,
    field: &'static str,
    values: &'static [&'static str],
) -> Action {
    let (word, prefix) = KINDS[kind];
    Action { name, weight, change, kind: word, kind_index: kind, prefix, field, values }
}

const KINDS: &[(&str, &str)] = &[
    ("project", "prj_"),
    ("member", "mem_"),
    ("settings", "set_"),
    ("api_key", "key_"),
    ("integration", "int_"),
    ("workflow", "wfl_"),
    ("webhook", "whk_"),
    ("invoice", "inv_"),
    ("document", "doc_"),
    ("team", "tea_"),
    ("task", "tsk_"),
    ("", ""),
    ("report", "rep_"),
];

/// The target type whose names are people's.
const MEMBER: usize = 1;

const STATUS: &[&str] =
    &["planned", "in progress", "waiting for the customer", "in review", "done", "archived"];
const ROLE_VALUES: &[&str] = &["viewer", "editor", "billing manager", "administrator"];
const ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Sydney",
    "Africa/Nairobi",
];
const SCOPES: &[&str] =
    &["projects:read", "projects:write", "members:read", "invoices:read", "everything:read"];
const PROVIDERS: &[&str] =
    &["Slack", "Google Drive", "GitHub", "Jira", "Salesforce", "Zendesk", "Figma"];
const TRIGGERS: &[&str] = &[
    "when a task is overdue",
    "when an invoice is paid",
    "every Monday at 09:00",
    "when a member joins",
];
const URLS: &[&str] = &[
    "https://hooks.example.com/incoming/orders",
    "https://hooks.example.com/incoming/members",
    "https://sync.example.net/v2/events",
];
const AMOUNTS: &[&str] = &["49.00", "120.00", "349.00", "1,200.00", "89.50", "2,480.00", "15.00"];
const PLANS: &[&str] = &["Free", "Basic", "Pro", "Enterprise"];
const FOLDERS: &[&str] =
    &["Contracts", "Design drafts", "Meeting notes", "Invoices 2026", "Handbook", "Archive"];
const STATES: &[&str] = &["enabled", "paused"];

use Change::{Create, Delete, None as Nothing, Update};

/// All actions; those that change something come first.
pub(super) const ACTIONS: &[Action] = &[
    action("task.update", 46, Update, 10, "status", STATUS),
    action("document.update", 40, Update, 8, "folder", FOLDERS),
    action("project.update", 34, Update, 0, "status", STATUS),
    action("document.create", 24, Create, 8, "folder", FOLDERS),
    action("settings.update", 15, Update, 2, "timezone", ZONES),
    action("invoice.update", 13, Update, 7, "amount", AMOUNTS),
    action("workflow.update", 12, Update, 5, "trigger", TRIGGERS),
    action("project.create", 11, Create, 0, "status", STATUS),
    action("member.role.update", 9, Update, 1, "role", ROLE_VALUES),
    action("document.delete", 8, Delete, 8, "folder", FOLDERS),
    action("member.invite", 7, Create, 1, "role", ROLE_VALUES),
    action("team.member.add", 6, Create, 9, "role", ROLE_VALUES),
    action("webhook.update", 5, Update, 6, "url", URLS),
    action("workflow.enable", 4, Update, 5, "state", STATES),
    action("workflow.disable", 4, Update, 5, "state", STATES),
    action("api_key.create", 3, Create, 3, "scope", SCOPES),
    action("integration.connect", 3, Create, 4, "provider", PROVIDERS),
    action("workflow.create", 3, Create, 5, "trigger", TRIGGERS),
    action("member.remove", 2, Delete, 1, "role", ROLE_VALUES),
    action("api_key.revoke", 2, Delete, 3, "scope", SCOPES),
    action("integration.disconnect", 2, Delete, 4, "provider", PROVIDERS),
    action("webhook.create", 1, Create, 6, "url", URLS),
    action("webhook.delete", 1, Delete, 6, "url", URLS),
    action("plan.upgrade", 1, Update, 2, "plan", PLANS),
    action("document.view", 74, Nothing, 8, "", &[]),
    action("user.sign_in", 56, Nothing, 11, "", &[]),
    action("project.view", 40, Nothing, 0, "", &[]),
    action("user.sign_out", 24, Nothing, 11, "", &[]),
    action("document.download", 16, Nothing, 8, "", &[]),
    action("report.view", 12, Nothing, 12, "", &[]),
    action("dashboard.open", 9, Nothing, 12, "", &[]),
    action("invoice.view", 8, Nothing, 7, "", &[]),
    action("task.view", 6, Nothing, 10, "", &[]),
    action("search.run", 4, Nothing, 0, "", &[]),
    action("report.export", 3, Nothing, 12, "", &[]),
    action("user.mfa.challenge", 2, Nothing, 11, "", &[]),
    action("user.password.reset", 1, Nothing, 1, "", &[]),
    action("comment.read", 1, Nothing, 10, "", &[]),
];

/// Roles of people.
pub(super) const ROLES: [&str; 4] = ["owner", "admin", "member", "guest"];

/// What people use: browsers, phones, and programs with a short name.
pub(super) const AGENTS: [&str; 16] = [
    CHROME_MAC,
    CHROME_MAC,
    CHROME_MAC,
    CHROME_WINDOWS,
    CHROME_WINDOWS,
    FIREFOX,
    FIREFOX,
    FIREFOX,
    SAFARI,
    SAFARI,
    "proofbook-node/1.4.2 (node 24.11; linux)",
    "proofbook-node/1.4.2 (node 24.11; linux)",
    "proofbook-python/1.4.0 (3.14)",
    "okhttp/5.3.0",
    "Acme-Desktop/7.21.3 (macOS 26.1)",
    "Acme-Desktop/7.21.3 (Windows 11)",
];
const CHROME_MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36";
const CHROME_WINDOWS: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) Version/26.1 Mobile/15E148 Safari/604.1";

/// A reason is one of each.
pub(super) const REASON: [&[&str]; 3] = [
    &[
        "Agreed in the weekly meeting",
        "Asked for by the customer",
        "Cleaned up after the migration",
        "Corrected a typing error",
        "Moved to the new owner",
        "Part of the yearly review",
        "Suggested by the auditor",
        "Wrong since the last import",
    ],
    &[
        ", ticket 4",
        ", ticket 17",
        ", see the notes",
        ", as in the contract",
        ", for the new team",
        ", before the release",
        ", only for now",
        ", after the call",
    ],
    &[
        "",
        " with Nairobi",
        " of spring",
        " on Friday",
        " and checked twice",
        ", please keep",
        " by phone",
        " at short notice",
    ],
];

const FIRST: [&str; 48] = [
    "Ada", "Amara", "Anna", "Arjun", "Ben", "Bruno", "Carla", "Chen", "Clara", "Dana", "David",
    "Elena", "Emre", "Eva", "Farid", "Felix", "Grace", "Hana", "Hugo", "Ines", "Ivan", "Jana",
    "Jonas", "Julia", "Karim", "Lara", "Leo", "Lina", "Luis", "Maria", "Marta", "Max", "Mei",
    "Milan", "Nadia", "Nina", "Noah", "Olga", "Omar", "Paul", "Priya", "Rosa", "Sam", "Sofia",
    "Tariq", "Tom", "Vera", "Yuki",
];
const LAST: [&str; 48] = [
    "Adams", "Ahmed", "Andersen", "Bauer", "Becker", "Brown", "Castro", "Chen", "Clark", "Costa",
    "Diaz", "Dubois", "Evans", "Fischer", "Garcia", "Gupta", "Haddad", "Hansen", "Ito", "Jansen",
    "Johnson", "Kaya", "Keller", "Kim", "Kowalski", "Larsen", "Lee", "Lopez", "Martin", "Meyer",
    "Moreau", "Murphy", "Nguyen", "Novak", "Okafor", "Park", "Patel", "Peters", "Petrov", "Rossi",
    "Santos", "Sato", "Silva", "Singh", "Tanaka", "Weber", "Wilson", "Young",
];
const QUALITY: [&str; 32] = [
    "Annual",
    "Blue",
    "Central",
    "Client",
    "Draft",
    "Eastern",
    "Final",
    "First",
    "Global",
    "Green",
    "Harbor",
    "Internal",
    "Joint",
    "Local",
    "Main",
    "Mobile",
    "Monthly",
    "New",
    "Northern",
    "Open",
    "Partner",
    "Pilot",
    "Public",
    "Quarterly",
    "Regional",
    "Second",
    "Shared",
    "Southern",
    "Summer",
    "Support",
    "Urgent",
    "Western",
];
const NOUN: [&str; 32] = [
    "agreement",
    "archive",
    "billing",
    "board",
    "budget",
    "calendar",
    "campaign",
    "checklist",
    "contract",
    "dashboard",
    "delivery",
    "forecast",
    "handbook",
    "invoice",
    "launch",
    "migration",
    "onboarding",
    "order",
    "payroll",
    "pipeline",
    "plan",
    "portal",
    "proposal",
    "relaunch",
    "report",
    "review",
    "roadmap",
    "rollout",
    "schedule",
    "survey",
    "training",
    "website",
];
const COMPANY: [&str; 24] = [
    "aurora", "beacon", "cascade", "delta", "ember", "fjord", "granite", "harbor", "indigo",
    "juniper", "kestrel", "lantern", "meadow", "nimbus", "orchard", "pioneer", "quarry", "ridge",
    "summit", "tundra", "umbra", "vertex", "willow", "zephyr",
];

/// The name of the workspace of a rank.
pub(super) fn workspace_name(rank: usize) -> String {
    format!("{}-{rank:05}", COMPANY[rank.wrapping_mul(7) % COMPANY.len()])
}

/// Texts that are put together once.
#[derive(Clone, Debug)]
pub(super) struct Rendered {
    people: Vec<String>,
    members: Vec<String>,
    titles: Vec<String>,
    changing: Vec<u8>,
    plain: Vec<u8>,
}

impl Rendered {
    /// Puts them together.
    pub(super) fn new() -> Self {
        let people = FIRST.iter().flat_map(|first| {
            LAST.iter().map(move |last| {
                let (lower_first, lower_last) = (first.to_lowercase(), last.to_lowercase());
                format!("\",\"name\":\"{first} {last}\",\"email\":\"{lower_first}.{lower_last}@")
            })
        });
        let members =
            FIRST.iter().flat_map(|first| LAST.iter().map(move |last| format!("{first} {last}")));
        let titles = QUALITY
            .iter()
            .flat_map(|quality| NOUN.iter().map(move |noun| format!("{quality} {noun}")));
        let slots = |changes: bool| {
            let numbered = ACTIONS.iter().enumerate();
            let fitting = numbered.filter(|(_, action)| (action.change != Change::None) == changes);
            fitting.flat_map(|(index, action)| vec![index as u8; action.weight]).collect()
        };
        Self {
            people: people.collect(),
            members: members.collect(),
            titles: titles.collect(),
            changing: slots(true),
            plain: slots(false),
        }
    }

    /// Draws an action.
    #[inline]
    pub(super) fn action(&self, dice: &mut Dice, changed_percent: usize) -> &'static Action {
        let slots = if dice.percent(changed_percent) { &self.changing } else { &self.plain };
        &ACTIONS[usize::from(*dice.pick(slots))]
    }

    /// The end of a person's id, the name, and the address as far as its `@`.
    #[inline]
    pub(super) fn person(&self, bits: usize) -> &[u8] {
        self.people[bits % self.people.len()].as_bytes()
    }

    /// The title of what an action acts on: a person's name where it is a member.
    #[inline]
    pub(super) fn title(&self, action: &Action, bits: usize) -> &[u8] {
        let titles = if action.kind_index == MEMBER { &self.members } else { &self.titles };
        titles[bits % titles.len()].as_bytes()
    }
}
