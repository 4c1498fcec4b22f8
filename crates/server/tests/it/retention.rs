//! Retention and legal holds over HTTP (P1, P2).

use serde_json::json;

use crate::world::{PATIENCE, World};

#[test]
fn p1_a_workspace_and_single_actions_have_retention_of_their_own() {
    let world = World::start();
    let path = "/v1/workspaces/acme";
    let put = |body: serde_json::Value| world.send("PUT", path, &world.admin, &body.to_string());
    let plan = json!({"preset": "clienwork", "plan": "basic"});
    assert_eq!(put(plan).status, 201);
    assert_eq!(world.get(&format!("{path}/retention")).json()["keep"], "90d");
    let own = json!({
        "preset": "clienwork", "plan": "basic",
        "retention": "180d", "retention_actions": {"project.read": "30d"},
    });
    assert_eq!(put(own).json()["retention"], "180d");
    let shown = world.get(&format!("{path}/retention")).json();
    assert_eq!(shown["keep"], "180d");
    assert_eq!(shown["actions"], json!({"project.read": "30d"}));
    assert_eq!(shown["would_purge"]["events"], 0);
    for wrong in [
        json!({"retention": "a while"}),
        json!({"retention_actions": {"project.read": "0d"}}),
        json!({"retention_actions": {"Project Read": "30d"}}),
        json!({"retention_actions": ["30d"]}),
    ] {
        put(wrong).problem(400, "invalid");
    }
}

#[test]
fn p2_placing_and_lifting_a_hold_are_events() {
    let world = World::start();
    world.record("acme", &json!({"id": "e-1", "action": "x.y"}));
    let hold = |filter: &str| {
        json!({"workspace": "acme", "filter": filter, "reason": "case 7", "owner": "Legal"})
            .to_string()
    };
    world.post("/v1/holds", &hold("a word")).problem(400, "invalid");
    world.post("/v1/holds", &hold("actor.id:(")).problem(400, "invalid");
    let placed = world.post("/v1/holds", &hold("actor.id:u_7"));
    assert_eq!(placed.status, 201, "{}", placed.text());
    let id = placed.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(world.get("/v1/holds").json()["data"][0]["reason"], "case 7");
    let shown = world.get("/v1/workspaces/acme/retention").json();
    assert_eq!(shown["holds"], json!([id]));
    let path = format!("/v1/holds/{id}");
    assert_eq!(world.send("DELETE", &path, &world.admin, "").status, 200);
    world.send("DELETE", &path, &world.admin, "").problem(404, "not_found");
    let acts = world.get("/v1/workspaces/acme/events?q=action:audit_log.hold_*&sort=seq").json();
    let acts: Vec<&str> = acts["data"]
        .as_array()
        .expect("data")
        .iter()
        .filter_map(|event| event["action"].as_str())
        .collect();
    assert_eq!(acts, ["audit_log.hold_placed", "audit_log.hold_lifted"]);
}

#[test]
fn p1_the_last_purge_and_a_change_of_retention_are_told() {
    let world = World::with_options(
        &[],
        proofbook_store::open::Options { purge_within_micros: 0, ..Default::default() },
    );
    let path = "/v1/workspaces/acme";
    let put = |plan: &str| {
        let body = json!({"preset": "clienwork", "plan": plan}).to_string();
        assert!(world.send("PUT", path, &world.admin, &body).status < 300);
    };
    put("basic");
    for day in [23, 24] {
        let at = format!("2026-10-{day}T09:30:00Z");
        world.record("acme", &json!({"action": "x.y", "occurred_at": at}));
    }
    let shown = world.get(&format!("{path}/retention")).json();
    assert_eq!(shown["last_purge"], json!(null));
    put("free");
    let told = &world.events_of("acme", "audit_log.retention_changed", 1)[0];
    assert_eq!(told["before"], json!({"keep": "90d", "plan": "basic"}));
    assert_eq!(told["after"], json!({"keep": "30d", "plan": "free"}));
    assert_eq!(told["description"], "first admin key changed the retention from 90d to 30d");
    put("free");
    world.clock.advance(2 * 24 * 3_600_000_000);
    world.store.pack_soon();
    let until = std::time::Instant::now() + PATIENCE;
    let last = loop {
        world.store.tend_soon();
        let shown = world.get(&format!("{path}/retention")).json();
        if shown["last_purge"].is_object() {
            break shown["last_purge"].clone();
        }
        assert!(std::time::Instant::now() < until, "{shown}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!((&last["events"], &last["policy"]), (&json!(2), &json!("30d")));
    assert_eq!((&last["first_seq"], &last["last_seq"]), (&json!(0), &json!(1)));
    assert_eq!(last["at"], "2026-11-24T09:30:00.000000Z");
    let purged = &world.events_of("acme", "audit_log.purged", 1)[0];
    assert_eq!(
        purged["description"],
        "2 events older than 2026-10-25T09:30:00.000000Z were purged"
    );
    assert_eq!(world.events_of("acme", "audit_log.retention_changed", 1).len(), 1);
}
