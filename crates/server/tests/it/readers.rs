//! V3: who may read which product's audit log, through every door; and that looks, exports and refusals
//! are events.

use serde_json::{Value, json};

use crate::world::World;

/// Readers of each preset, from the products' pages; nobody else may.
const READERS: &[(&str, &[&str])] = &[
    ("clickfunnels-workspace", &["owner"]),
    ("messagehub", &["owner", "admin"]),
    ("cloudfon-cx", &["account_admin", "admin"]),
    ("freshsales", &["account_admin", "admin"]),
    ("clienwork", &["owner", "admin"]),
];
/// Roles that are tried with each.
const ROLES: &[&str] = &[
    "owner",
    "admin",
    "account_admin",
    "agent",
    "member",
    "editor",
    "viewer",
    "support",
    "sales",
    "Owner",
    "ADMIN",
    "administrator",
    "operator",
    "*",
    " owner",
];

/// The calls through which a workspace can be read.
const DOORS: &[&str] = &[
    "/events",
    "/events?q=x&limit=5",
    "/events?sort=seq&after=0",
    "/events/e-1",
    "/events/seq/0",
    "/events/e-1/context",
    "/facets?field=action",
    "/histogram",
    "/export?format=csv",
    "/export?format=ndjson",
    "/export?format=parquet",
    "/viewer",
    "/viewer?rows=true",
    "/events/seq/0/proof",
    "/events/seq/0/leaf",
    "/log/checkpoint",
];

fn event(world: &World, workspace: &str) {
    world.record(
        workspace,
        &json!({
            "id": "e-1", "action": "x.y", "actor": {"type": "user", "id": "u_1", "name": "Cleo"},
            "context": {"ip": "203.0.113.9"}, "description": "mark-of-the-log",
        }),
    );
}

#[test]
fn v3_every_role_of_every_preset_through_token_api_export_and_tail() {
    let world = World::start();
    for (preset, readers) in READERS {
        event(&world, preset);
        // Without a rule every role gets a token; then the preset comes into force.
        let tokens: Vec<(&str, String)> = ROLES
            .iter()
            .enumerate()
            .map(|(index, role)| {
                let viewer = json!({"viewer": {"id": format!("u-{index}"), "name": "Somebody"}});
                (*role, world.token(preset, role, &viewer))
            })
            .collect();
        world.settle(preset, preset, None);
        let mut refused_count = 0;
        for (role, token) in &tokens {
            let may = readers.contains(role);
            let minted = world.mint(preset, role, &json!({}));
            assert_eq!(minted.status, if may { 201 } else { 403 }, "{preset} {role}");
            for door in DOORS {
                let answer =
                    world.send("GET", &format!("/v1/workspaces/{preset}{door}"), token, "");
                if may {
                    assert_eq!(answer.status, 200, "{preset} {role} {door}: {}", answer.text());
                } else {
                    let problem = answer.problem(403, "role_refused");
                    assert_eq!(problem["refusal"]["role"], *role);
                    assert!(!answer.text().contains("mark-of-the-log"), "{preset} {role} {door}");
                }
            }
            if !may {
                refused_count += 1;
                let tail = format!("/v1/workspaces/{preset}/tail?after=0");
                world.send("GET", &tail, token, "").problem(403, "role_refused");
                let print = format!("/v1/workspaces/{preset}/print");
                world.send("POST", &print, token, "{}").problem(403, "role_refused");
                let views = format!("/v1/views?workspace={preset}");
                world.send("GET", &views, token, "").problem(403, "role_refused");
            }
        }
        // One for each reader that was refused, and one for the person of `mint`.
        let denied = world.events_of(preset, "audit_log.access_denied", refused_count + 1);
        assert_eq!(denied.len(), refused_count + 1, "{preset}");
        for event in denied {
            assert_eq!(event["outcome"]["result"], "denied");
            assert_eq!(event["severity"], "warning");
            assert!(event["metadata"]["role"].is_string(), "{event}");
        }
    }
}

#[test]
fn v3_who_is_refused_reads_a_sentence_with_their_own_role() {
    let world = World::start();
    event(&world, "acme");
    world.settle("acme", "clickfunnels-workspace", None);
    let problem = world.mint("acme", "admin", &json!({})).problem(403, "role_refused");
    assert_eq!(
        problem["detail"],
        "Only the account owner can open this audit log. You are signed in as Administrator."
    );
    assert_eq!(
        problem["refusal"],
        json!({"role": "admin", "label": "Administrator", "may": ["Owner"]})
    );
}

#[test]
fn v3_the_demo_refuses_the_same_roles_on_its_pages() {
    let world = World::with(&[("open_page", "true")]);
    for (preset, readers) in READERS {
        event(&world, preset);
        world.settle(preset, preset, None);
        let page = world.get(&format!("/demo/{preset}?at=audit-log"));
        assert_eq!(page.status, 200, "{}", page.text());
        for role in ["owner", "admin", "account_admin", "agent", "member", "sales", "editor"] {
            let address = format!("/demo/{preset}/token?role={role}");
            if !page.text().contains(&format!("<option value=\"{role}\"")) {
                world.send("POST", &address, "", "").problem(400, "invalid_parameter");
                continue;
            }
            let answer = world.send("POST", &address, "", "");
            if readers.contains(&role) {
                let token = answer.json()["token"].as_str().expect("a token").to_owned();
                let list =
                    world.send("GET", &format!("/v1/workspaces/{preset}/events"), &token, "");
                assert_eq!(list.status, 200, "{preset} {role}");
            } else {
                answer.problem(403, "role_refused");
            }
        }
    }
}

#[test]
fn v2_the_demo_is_there_when_it_was_opened_and_on_this_machine_alone() {
    let world = World::start();
    event(&world, "acme");
    world.settle("acme", "clienwork", None);
    world.send("GET", "/demo/clienwork", "", "").problem(404, "not_found");
    world.send("POST", "/demo/clienwork/token", "", "").problem(404, "not_found");
    let world = World::with(&[("open_page", "true")]);
    event(&world, "acme");
    world.settle("acme", "clienwork", None);
    let page = world.get("/demo/clienwork").text();
    for step in ["<summary>Workspace</summary>", "<summary>Settings</summary>", ">Audit</a>"] {
        assert!(page.contains(step), "{step}: {page}");
    }
    assert!(page.contains("Signed in as") && !page.contains("<audit-log"));
    let page = world.get("/demo/clienwork?role=admin&lang=de").text();
    let path = r#"?at=audit-log&amp;role=admin&amp;lang=de">Workspace › Settings › Audit</a>"#;
    assert!(page.contains(path), "the path that is told leads there: {page}");
    let origin = [("origin", "https://evil.example".to_owned())];
    let answer = world.send_with("POST", "/demo/clienwork/token", &origin, b"");
    answer.problem(403, "cross_site");
}

#[test]
fn v12_a_look_is_one_event_per_viewer_and_quarter_of_an_hour() {
    let world = World::start();
    event(&world, "acme");
    let ada = world.token("acme", "owner", &json!({}));
    let bob = world.token("acme", "owner", &json!({"viewer": {"id": "u_8", "name": "Bob"}}));
    for _ in 0..3 {
        for token in [&ada, &bob] {
            world.send("GET", "/v1/workspaces/acme/events?q=verb:read", token, "");
            world.send("GET", "/v1/workspaces/acme/facets?field=action", token, "");
        }
    }
    let looks = world.events_of("acme", "audit_log.viewed", 2);
    assert_eq!(looks.len(), 2);
    let names: Vec<&Value> = looks.iter().map(|look| &look["actor"]["name"]).collect();
    assert!(names.contains(&&json!("Ada Park")) && names.contains(&&json!("Bob")));
    assert_eq!(looks[0]["metadata"]["query"], "verb:read");
    assert_eq!(looks[0]["via"]["channel"], "ui");
    world.clock.advance(15 * 60 * 1_000_000);
    world.send("GET", "/v1/workspaces/acme/events", &ada, "");
    assert_eq!(world.events_of("acme", "audit_log.viewed", 3).len(), 3);
    // Reads with a key are no events.
    world.get("/v1/workspaces/acme/events");
    assert_eq!(world.events_of("acme", "audit_log.viewed", 3).len(), 3);
}

#[test]
fn v12_an_export_is_one_event_with_what_was_taken() {
    let world = World::start();
    event(&world, "acme");
    world.record("acme", &json!({"action": "x.z"}));
    let token = world.token("acme", "owner", &json!({}));
    for _ in 0..2 {
        let path = "/v1/workspaces/acme/export?format=ndjson&q=action:x.*&from=2026-01-01";
        assert!(world.send("GET", path, &token, "").is_whole);
    }
    let exports = world.events_of("acme", "audit_log.exported", 1);
    assert_eq!(exports.len(), 1);
    assert_eq!(
        exports[0]["metadata"],
        json!({"query": "action:x.*", "format": "ndjson", "from": "2026-01-01", "count": 2})
    );
    assert_eq!(exports[0]["description"], "Ada Park exported 2 events");
    assert!(world.get("/v1/workspaces/acme/events?q=action:audit_log.viewed").json()["total"] == 0);
}
