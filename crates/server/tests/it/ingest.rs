//! Sending events: receipts, duplicates, conflicts, refusals one by one.

use serde_json::{Value, json};

use crate::world::World;

#[test]
fn an_acknowledged_event_is_found_at_once() {
    let world = World::start();
    let event = json!({"id": "e-1", "action": "project.update", "actor": {"type": "user", "id": "u_7", "name": "Ada Park"}});
    let answer = world.post("/v1/workspaces/acme/events", &event.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    let receipt = answer.json();
    assert_eq!(receipt["created"], 1);
    let item = &receipt["results"][0];
    assert_eq!((item["status"].as_str(), item["seq"].as_u64()), (Some("created"), Some(0)));
    let found = world.get("/v1/workspaces/acme/events/e-1").json();
    assert_eq!(found["actor"]["name"], "Ada Park");
    assert_eq!(found["leaf"], item["leaf"]);
    assert_eq!(world.get("/v1/workspaces/acme/events/seq/0").json(), found);
    let list = world.get("/v1/workspaces/acme/events").json();
    assert_eq!(list["data"][0], found);
    assert_eq!((list["total"].as_u64(), list["complete"].as_bool()), (Some(1), Some(true)));
    assert_eq!(list["head"]["size"], 1);
}

#[test]
fn one_bad_event_costs_itself_and_no_other() {
    let world = World::start();
    let batch = r#"[{"id":"a","action":"x.create"},
        {"action":"Not An Action"},
        {"id":"b","action":"x.create","actr":{}},
        {"id":"a","action":"x.create"},
        {"id":"a","action":"x.delete"},
        {"broken":},
        {"id":"c","action":"x.create","workspace":"other"},
        {"id":"d","action":"x.create"}]"#;
    let answer = world.post("/v1/workspaces/acme/events", batch);
    assert_eq!(answer.status, 207, "{}", answer.text());
    let answer = answer.json();
    let status = |n: usize| answer["results"][n]["status"].as_str().expect("a status").to_owned();
    let code = |n: usize| answer["results"][n]["error"]["code"].clone();
    assert_eq!(status(0), "created");
    assert_eq!((status(1), code(1)), ("rejected".into(), json!("invalid")));
    assert_eq!((status(2), code(2)), ("rejected".into(), json!("unknown_field")));
    assert_eq!(answer["results"][2]["error"]["pointer"], "/actr");
    assert_eq!((status(3), answer["results"][3]["seq"].as_u64()), ("duplicate".into(), Some(0)));
    assert_eq!((status(4), code(4)), ("rejected".into(), json!("conflict")));
    assert_eq!((status(5), code(5)), ("rejected".into(), json!("malformed")));
    assert_eq!((status(6), code(6)), ("rejected".into(), json!("workspace_mismatch")));
    assert_eq!((status(7), answer["results"][7]["seq"].as_u64()), ("created".into(), Some(1)));
    assert_eq!((answer["created"].as_u64(), answer["duplicates"].as_u64()), (Some(2), Some(1)));
    assert_eq!(answer["rejected"], 5);
    assert_eq!(world.get("/v1/workspaces/acme/events").json()["total"], 2);
}

#[test]
fn ndjson_and_an_array_give_the_same_results() {
    let world = World::start();
    let events = [json!({"action": "a.b", "id": "1"}), json!({"action": "a.b", "id": "2"})];
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    let array = Value::from(events.to_vec()).to_string();
    let shape = |answer: Value| -> Vec<(Value, Value)> {
        let results = answer["results"].as_array().expect("results").clone();
        results.into_iter().map(|item| (item["id"].clone(), item["seq"].clone())).collect()
    };
    let first = world.post("/v1/workspaces/one/events", &lines);
    let auth = ("authorization", format!("Bearer {}", world.admin));
    let typed = ("content-type", "application/x-ndjson".to_owned());
    let second =
        world.send_with("POST", "/v1/workspaces/two/events", &[auth, typed], lines.as_bytes());
    let third = world.post("/v1/workspaces/three/events", &array);
    assert_eq!((first.status, second.status, third.status), (201, 201, 201));
    let first = shape(first.json());
    assert_eq!(first, shape(second.json()));
    assert_eq!(first, shape(third.json()));
}

#[test]
fn a_single_event_that_is_refused_is_a_problem() {
    let world = World::start();
    let path = "/v1/workspaces/acme/events";
    world.post(path, r#"{"id":"a","action":"x.create"}"#);
    let problem = world.post(path, r#"{"id":"a","action":"x.delete"}"#).problem(409, "conflict");
    assert_eq!(problem["seq"], 0);
    let problem = world.post(path, r#"{"action":"x.create","id":"b c"}"#).problem(400, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/id");
    assert_eq!(problem["errors"][0]["offset"], 26);
    world.post(path, "{\"action\":\"x\",\"action\":\"y\"}").problem(400, "malformed");
    world.post(path, "").problem(400, "malformed");
    world.post(path, "[{\"action\":\"x\"}").problem(400, "malformed");
    world.post("/v1/events", r#"{"action":"x.y"}"#).problem(400, "missing");
    world.post("/v1/events", r#"{"action":"x.y","workspace":"_system"}"#).problem(400, "reserved");
    world.post("/v1/workspaces/_system/events", r#"{"action":"x.y"}"#).problem(400, "reserved");
    world.post(path, r#"{"action":"audit_log.purged"}"#).problem(400, "reserved");
    let ahead = r#"{"action":"x.y","occurred_at":"2026-11-24T09:30:00Z"}"#;
    world.post(path, ahead).problem(422, "too_far_ahead");
}

#[test]
fn events_of_several_workspaces_go_in_one_request() {
    let world = World::start();
    let batch = r#"[{"workspace":"a","action":"x.y"},{"workspace":"b","action":"x.y"},{"workspace":"a","action":"x.y"}]"#;
    let answer = world.post("/v1/events", batch).json();
    let places: Vec<(&str, u64)> = answer["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|item| (item["workspace"].as_str().expect("ws"), item["seq"].as_u64().expect("seq")))
        .collect();
    assert_eq!(places, [("a", 0), ("b", 0), ("a", 1)]);
}

#[test]
fn a_key_brings_a_bounded_number_of_workspaces_into_being() {
    let world = World::with(&[("new_workspaces", "2")]);
    let key = world.key(&["write"], &["*"]);
    let batch = r#"[{"workspace":"a","action":"x.y"},{"workspace":"b","action":"x.y"},{"workspace":"c","action":"x.y"},{"workspace":"a","action":"x.y"}]"#;
    let answer = world.send("POST", "/v1/events", &key, batch);
    assert_eq!(answer.status, 207);
    let answer = answer.json();
    assert_eq!(answer["results"][2]["error"]["code"], "workspace_limit");
    assert_eq!(answer["results"][2]["error"]["limit"], 2);
    assert_eq!(answer["created"], 3);
    // The admin key is not bound by it.
    assert_eq!(world.post("/v1/events", batch).status, 201);
}

#[test]
fn keys_without_import_cannot_move_events_into_the_past_unnoticed() {
    let world = World::start();
    world.send(
        "PUT",
        "/v1/workspaces/acme",
        &world.admin,
        r#"{"preset":"clienwork","plan":"free"}"#,
    );
    let old = r#"{"action":"project.update","occurred_at":"2026-01-01T00:00:00Z"}"#;
    let import = world.key(&["import"], &["acme"]);
    let write = world.key(&["write"], &["acme"]);
    let path = "/v1/workspaces/acme/events";
    world.send("POST", path, &import, old).problem(422, "outside_retention");
    assert_eq!(world.send("POST", path, &write, old).status, 201);
}
