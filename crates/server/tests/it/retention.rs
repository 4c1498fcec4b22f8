//! Retention and legal holds over HTTP (P1, P2).

use serde_json::json;

use crate::world::World;

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
    let acts = world.get("/v1/workspaces/_system/events?q=action:audit_log.hold_*&sort=seq").json();
    let acts: Vec<&str> = acts["data"]
        .as_array()
        .expect("data")
        .iter()
        .filter_map(|event| event["action"].as_str())
        .collect();
    assert_eq!(acts, ["audit_log.hold_placed", "audit_log.hold_lifted"]);
}
