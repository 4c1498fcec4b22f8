//! A10: the embedded presets against the tables of docs/presets.md, letter by letter.
//!
//! The oracle is the page, read by the small table reader below, which shares nothing with the
//! preset's reader.

use proofbook_event::Severity;

use super::*;
use crate::catalog::Catalog;
use crate::retention::Keep;

const PAGE: &str = include_str!("../../../../docs/presets.md");
/// The page of what Proofbook records of itself in `_system`.
const SYSTEM_PAGE: &str = include_str!("../../../../docs/guide/system.md");

/// One row of a table of actions, as the page has it.
struct Row {
    name: String,
    title: String,
    module: String,
    verb: String,
    notify: bool,
    description: String,
    explanation: Option<String>,
    severity: String,
}

/// Reads the rows of a page's section that begins with `heading`.
fn rows(page: &str, heading: &str) -> Vec<Row> {
    let begin = page.find(&format!("\n## {heading}")).expect("the page has this section") + 4;
    let section = &page[begin..];
    let section = &section[..section.find("\n## ").unwrap_or(section.len())];
    section.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let cells: Vec<&str> = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ").collect();
    let [name, title, module, verb, notify, description, notes] = cells[..] else { return None };
    let quoted = notes.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    let severity = notes.split_once("severity ").map_or("info", |(_, rest)| rest);
    let severity: String = severity.chars().take_while(|char| char.is_alphabetic()).collect();
    Some(Row {
        name: name.trim_end_matches('`').to_owned(),
        title: title.trim_matches('*').to_owned(),
        module: module.to_owned(),
        verb: verb.to_owned(),
        notify: notify.contains("yes"),
        description: description.to_owned(),
        explanation: quoted.map(|(text, _)| text.to_owned()),
        severity,
    })
}

/// Compares a preset with its section, in order.
fn check(preset: &Preset, heading: &str, count: usize) {
    check_rows(preset, &rows(PAGE, heading), heading, count);
}

fn check_rows(preset: &Preset, rows: &[Row], heading: &str, count: usize) {
    assert_eq!(rows.len(), count, "rows under {heading}");
    let names: Vec<&str> = preset.actions.iter().map(|action| action.name.as_str()).collect();
    let expected: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, expected, "actions of {}", preset.name);
    for (action, row) in preset.actions.iter().zip(rows) {
        let name = &row.name;
        assert_eq!(action.title, row.title, "title of {name}");
        assert_eq!(action.module, row.module, "module of {name}");
        assert_eq!(action.verb.as_str(), row.verb, "verb of {name}");
        assert_eq!(action.notify, row.notify, "notify of {name}");
        assert_eq!(action.description, row.description, "description of {name}");
        assert_eq!(action.explanation, row.explanation, "explanation of {name}");
        assert_eq!(action.severity.as_str(), row.severity, "severity of {name}");
        assert!(action.template.is_some(), "template of {name}");
    }
}

fn titles_of_modules(preset: &Preset) -> Vec<&str> {
    preset.modules.iter().map(|module| module.title.as_str()).collect()
}

fn named(name: &str) -> Preset {
    preset(name).expect("the preset is embedded")
}

#[test]
fn a10_every_embedded_preset_reads_and_bears_its_name() {
    for (name, _) in PRESETS {
        assert_eq!(named(name).name, name);
    }
    assert!(preset("nothing-of-the-kind").is_none());
}

#[test]
fn a10_clickfunnels_workspace_is_its_page() {
    let preset = named("clickfunnels-workspace");
    check(&preset, "clickfunnels-workspace", 18);
    assert_eq!(
        titles_of_modules(&preset),
        ["Affiliates", "Products", "Payments", "Security", "Collaborators"]
    );
    let mailed: Vec<&str> =
        preset.actions.iter().filter(|a| a.notify).map(|a| a.title.as_str()).collect();
    assert_eq!(
        mailed,
        [
            "Payments AI Accessed",
            "Payment Method Updated",
            "MFA Enabled",
            "MFA Disabled",
            "Stripe Installation Created",
            "Stripe Installation Updated",
            "Stripe Installation Destroyed",
        ]
    );
    assert!(preset.access.may_view("owner"));
    assert!(!preset.access.may_view("admin"));
    assert_eq!(preset.retention.keep(None), Keep::Unlimited);
}

#[test]
fn a10_messagehub_is_its_page() {
    let preset = named("messagehub");
    check(&preset, "messagehub", 21);
    assert_eq!(
        titles_of_modules(&preset),
        [
            "User Activity Logs",
            "Account Activity Logs",
            "Automation Rule Logs",
            "Inbox Logs",
            "Webhook Logs",
            "Team Logs",
        ]
    );
    assert!(preset.access.may_view("owner") && preset.access.may_view("admin"));
    assert!(!preset.access.may_view("agent"));
    assert_eq!(preset.viewer.page_size, 100);
}

#[test]
fn a10_freshsales_is_its_page_and_cloudfon_differs_in_name_and_path_alone() {
    let freshsales = named("freshsales");
    check(&freshsales, "cloudfon-cx and freshsales", 71);
    assert_eq!(
        titles_of_modules(&freshsales),
        [
            "Plans and Billing",
            "Account & CRM settings",
            "Territories",
            "Auto-assignment",
            "Sales Sequence",
            "Workflows",
        ]
    );
    assert_eq!(freshsales.retention.keep(None), Keep::Days(90));
    assert_eq!(freshsales.retention.keep(Some("a plan nobody knows")), Keep::Days(90));
    for role in ["account_admin", "admin"] {
        assert!(freshsales.access.may_view(role));
    }
    assert!(!freshsales.access.may_view("owner"));

    let cloudfon = named("cloudfon-cx");
    assert_eq!(cloudfon.path, "Cloudfon CX Control Panel › Logs › Audit Log");
    let renamed =
        Preset { name: freshsales.name.clone(), path: freshsales.path.clone(), ..cloudfon };
    assert_eq!(renamed, freshsales);
}

#[test]
fn a10_clienwork_is_its_page() {
    let preset = named("clienwork");
    check(&preset, "clienwork", 9);
    assert_eq!(
        titles_of_modules(&preset),
        ["Settings", "Members", "Projects", "API Keys", "Integrations"]
    );
    let keep = |plan| preset.retention.keep(plan);
    assert_eq!(keep(None), Keep::Days(30));
    assert_eq!(keep(Some("free")), Keep::Days(30));
    assert_eq!(keep(Some("basic")), Keep::Days(90));
    assert_eq!(keep(Some("pro")), Keep::Years(1));
    assert_eq!(keep(Some("enterprise")), Keep::Unlimited);
    let types: Vec<(&str, &str)> = preset
        .target_types
        .iter()
        .map(|kind| (kind.title.as_str(), kind.explanation.as_deref().unwrap_or_default()))
        .collect();
    for (title, explanation) in &types {
        assert!(PAGE.contains(&format!("| {title} | {explanation} |")), "{title}: {explanation}");
    }
    assert_eq!(types.len(), 6);
}

#[test]
fn a10_columns_have_the_headings_of_the_pages() {
    let headings = |name: &str| -> Vec<String> {
        named(name).viewer.columns.into_iter().map(|column| column.label).collect()
    };
    assert_eq!(
        headings("clickfunnels-workspace"),
        [
            "Description",
            "Status",
            "Actor",
            "Target",
            "Previous Value",
            "Completed Value",
            "Occurred At"
        ]
    );
    assert_eq!(headings("messagehub"), ["Activity", "Time", "IP Address"]);
    assert_eq!(
        headings("freshsales"),
        ["Performed By", "Type of Change", "What Changed", "Details"]
    );
    assert_eq!(
        headings("clienwork"),
        ["Time", "User", "Action", "Target Type", "Target ID", "IP Address"]
    );
    assert!(headings(DEFAULT).is_empty());
}

#[test]
fn a10_built_in_actions_are_their_table_and_belong_to_every_catalog() {
    let heading = "Built in, in every workspace";
    let mut rows = rows(PAGE, heading);
    rows.extend(self::rows(SYSTEM_PAGE, "Acts on the installation"));
    check_rows(built_in(), &rows, heading, 22);
    for (name, _) in PRESETS {
        let catalog = Catalog::embedded(name).expect("embedded");
        let viewed = catalog.resolve("audit_log.viewed");
        assert_eq!((viewed.module_title, &*viewed.title), ("Audit log", "Audit Log Viewed"));
        assert_eq!(catalog.action("audit_log.access_denied").unwrap().severity, Severity::Warning);
        assert!(catalog.preset().action("audit_log.viewed").is_none(), "not counted in {name}");
    }
}

#[test]
fn a10_counts_are_those_of_the_first_table() {
    for (name, listed, modules, mailed) in [
        ("clickfunnels-workspace", 18, 5, 7),
        ("messagehub", 21, 6, 0),
        ("cloudfon-cx", 71, 6, 0),
        ("freshsales", 71, 6, 0),
        ("clienwork", 9, 5, 0),
        (DEFAULT, 0, 0, 0),
    ] {
        let preset = named(name);
        let notify = preset.actions.iter().filter(|action| action.notify).count();
        assert_eq!((preset.actions.len(), preset.modules.len(), notify), (listed, modules, mailed));
    }
}
