//! V1: `docs/presets.md`, which is the list of names for everybody, against what the server answers.
//!
//! The page is read by the small table reader below, which shares nothing with the preset's reader.

use serde_json::Value;

use crate::world::World;

const PAGE: &str = include_str!("../../../../docs/presets.md");
/// Presets with the number of their actions.
const COUNTS: &[(&str, usize)] = &[
    ("clickfunnels-workspace", 18),
    ("messagehub", 21),
    ("cloudfon-cx", 71),
    ("freshsales", 71),
    ("clienwork", 9),
];

/// One row of a table of actions: name, title, module, verb, notify, description, notes.
type Row = [String; 7];

/// Reads the rows of a section; the two products of one screen share theirs.
fn rows(preset: &str) -> Vec<Row> {
    let section = PAGE
        .split("\n## ")
        .find(|section| section.lines().next().is_some_and(|heading| heading.contains(preset)))
        .expect("the page has this section");
    section
        .lines()
        .filter_map(|line| {
            let cells: Vec<String> = line
                .strip_prefix("| `")?
                .strip_suffix(" |")?
                .split(" | ")
                .map(|cell| cell.trim_matches(['*', '`']).to_owned())
                .collect();
            cells.try_into().ok()
        })
        .collect()
}

#[test]
fn v1_the_catalogs_that_are_answered_are_those_of_the_page() {
    let world = World::start();
    for (preset, count) in COUNTS {
        let catalog = world.get(&format!("/v1/catalogs/{preset}")).json();
        let actions = catalog["actions"].as_array().expect("actions").clone();
        let rows = rows(preset);
        assert_eq!((actions.len(), rows.len()), (*count, *count), "{preset}");
        for [name, title, module, verb, notify, description, notes] in rows {
            let action = actions.iter().find(|action| action["name"] == *name);
            let action = action.unwrap_or_else(|| panic!("{preset} lacks {name}"));
            let text = |key: &str| action[key].as_str().unwrap_or_default().to_owned();
            assert_eq!(text("title"), title, "{preset} {name}");
            assert_eq!(text("module"), module, "{preset} {name}");
            assert_eq!(text("verb"), verb, "{preset} {name}");
            assert_eq!(action["notify"], Value::Bool(notify.starts_with("yes")), "{preset} {name}");
            assert_eq!(text("description"), description, "{preset} {name}");
            let severity = notes.split_once("severity ").map_or("info", |(_, rest)| {
                rest.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or("info")
            });
            assert_eq!(text("severity"), severity, "{preset} {name}");
        }
    }
}

#[test]
fn v1_columns_page_sizes_and_paths_are_the_products_own() {
    let world = World::start();
    let rows: [(&str, &str, u64, &[&str]); 5] = [
        (
            "clickfunnels-workspace",
            "Workspace Settings › Audit Logs",
            20,
            &[
                "Description",
                "Status",
                "Actor",
                "Target",
                "Previous Value",
                "Completed Value",
                "Occurred At",
            ],
        ),
        (
            "messagehub",
            "MessageHub › Chat Settings ⚙ › Audit Logs",
            100,
            &["Activity", "Time", "IP Address"],
        ),
        (
            "cloudfon-cx",
            "Logs › Audit Log",
            20,
            &["Performed By", "Type of Change", "What Changed", "Details"],
        ),
        (
            "freshsales",
            "Admin Settings › Account Settings › Audit Log",
            20,
            &["Performed By", "Type of Change", "What Changed", "Details"],
        ),
        (
            "clienwork",
            "Workspace › Settings › Audit",
            20,
            &["Time", "User", "Action", "Target Type", "Target ID", "IP Address"],
        ),
    ];
    for (preset, path, page_size, columns) in rows {
        let catalog = world.get(&format!("/v1/catalogs/{preset}")).json();
        assert!(catalog["path"].as_str().is_some_and(|own| own.ends_with(path)), "{preset}");
        assert_eq!(catalog["viewer"]["page_size"], page_size, "{preset}");
        let labels: Vec<&str> = catalog["viewer"]["columns"]
            .as_array()
            .expect("columns")
            .iter()
            .filter_map(|column| column["label"].as_str())
            .collect();
        assert_eq!(labels, columns, "{preset}");
        assert_eq!(catalog["viewer"]["order"], "newest");
        assert_eq!(catalog["viewer"]["default_range"], "all");
    }
}

#[test]
fn v1_a_sixth_product_is_one_file() {
    let world = World::start();
    let text = "name = \"sixth\"\ntitle = \"History\"\n[access]\nview = [\"boss\"]\nrefused = \"Only the boss.\"\n\
                [retention]\ndefault = \"free\"\nplans = { free = \"7d\" }\n\
                [viewer]\npage_size = 10\ncolumns = [{ field = \"description\", label = \"What\" }]\n\
                [[modules]]\nid = \"m\"\ntitle = \"Things\"\n\
                [[views]]\nname = \"Mine\"\nquery = \"module:m\"\n\
                [[actions]]\nname = \"thing.do\"\ntitle = \"Done\"\nmodule = \"m\"\nverb = \"other\"\n\
                description = \"{actor.name} did {target.name}\"\n";
    let put = world.send("PUT", "/v1/catalogs/sixth", &world.admin, text);
    assert_eq!(put.status, 201, "{}", put.text());
    world.settle("acme", "sixth", None);
    let refused = world.mint("acme", "clerk", &serde_json::json!({})).problem(403, "role_refused");
    assert_eq!(refused["detail"], "Only the boss. You are signed in as Clerk.");
    let token = world.token("acme", "boss", &serde_json::json!({}));
    let boot = world.send("GET", "/v1/workspaces/acme/viewer", &token, "").json();
    assert_eq!(boot["product"]["title"], "History");
    assert_eq!(boot["viewer_section"]["page_size"], 10);
    assert_eq!(boot["retention"]["keep"], "7d");
    assert_eq!(boot["views"][0]["name"], "Mine");
    assert_eq!(boot["total"], 0);
    // A view that cannot be read is a mistake with its line.
    let wrong = text.replace("module:m\"", "modul:m\"");
    let answer = world.send("PUT", "/v1/catalogs/sixth?check=true", &world.admin, &wrong);
    let problem = answer.problem(400, "invalid");
    let detail = problem["errors"][0]["detail"].as_str().expect("a detail");
    assert!(detail.starts_with("line 17:") && detail.contains("module"), "{detail}");
}
