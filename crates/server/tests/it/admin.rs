//! Administration: each act is one record and one event in `_system`.

use serde_json::{Value, json};

use crate::world::World;

fn acts(world: &World) -> Vec<Value> {
    let answer =
        world.get("/v1/workspaces/_system/events?q=action:audit_log.*&limit=1000&sort=seq");
    answer.json()["data"].as_array().expect("data").clone()
}

#[test]
fn a7_each_act_is_exactly_one_event_with_its_actor() {
    let world = World::start();
    let admin_id = world.admin.split('_').nth(1).expect("a public id").to_owned();
    let mut count = acts(&world).len();
    assert_eq!(count, 2, "the first admin key and the signing key");
    let made =
        world.post("/v1/keys", r#"{"name":"ci","scopes":["write"],"workspaces":["acme"]}"#).json();
    let id = made["id"].as_str().expect("an id").to_owned();
    let preset = "name = \"mine\"\ntitle = \"Mine\"\n";
    let rows = [
        (
            "PUT",
            "/v1/workspaces/acme".to_owned(),
            json!({"name": "Acme", "owner": {"email": "ada@acme.example"}}).to_string(),
            "audit_log.workspace_changed",
            "acme",
        ),
        (
            "PUT",
            "/v1/workspaces/acme".to_owned(),
            json!({"name": "Acme 2"}).to_string(),
            "audit_log.workspace_changed",
            "acme",
        ),
        (
            "PUT",
            "/v1/catalogs/mine".to_owned(),
            preset.to_owned(),
            "audit_log.catalog_changed",
            "mine",
        ),
        ("DELETE", format!("/v1/keys/{id}"), String::new(), "audit_log.key_revoked", id.as_str()),
    ];
    count += 1;
    assert_eq!(acts(&world).len(), count);
    for (method, path, body, action, target) in &rows {
        let answer = world.send(method, path, &world.admin, body);
        assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.text());
        let all = acts(&world);
        count += 1;
        assert_eq!(all.len(), count, "{method} {path}");
        let event = all.last().expect("the newest");
        assert_eq!(event["action"], *action);
        assert_eq!(event["targets"][0]["id"], *target);
        assert_eq!(event["actor"]["id"], admin_id);
        assert_eq!(event["actor"]["type"], "api_key");
    }
    // What only looks, and what is refused, is no act.
    world.send("PUT", "/v1/catalogs/mine?check=true", &world.admin, preset);
    world.send("PUT", "/v1/catalogs/mine", &world.admin, "name = ");
    world.send("PUT", "/v1/workspaces/acme", &world.admin, "{");
    world.send("DELETE", &format!("/v1/keys/{id}"), &world.admin, "");
    world.get("/v1/keys");
    assert_eq!(acts(&world).len(), count);
    let change = &acts(&world)[4]["changes"];
    assert!(change.to_string().contains("Acme 2"), "{change}");
}

#[test]
fn a_key_is_shown_once_and_works_until_it_is_revoked() {
    let world = World::start();
    world.record("acme", &json!({"action": "x.y"}));
    let made = world.key_info(&["read"], &["acme"]);
    let (id, key) = (made["id"].as_str().expect("id"), made["key"].as_str().expect("key"));
    assert!(key.starts_with(&format!("pb_{id}_")));
    let path = format!("/v1/keys/{id}");
    let shown = world.get(&path).json();
    assert!(shown.get("key").is_none() && shown["revoked_at"].is_null());
    let read = || world.send("GET", "/v1/workspaces/acme/events", key, "").status;
    assert_eq!(read(), 200);
    assert_eq!(world.send("DELETE", &path, &world.admin, "").status, 200);
    assert_eq!(read(), 401);
    assert!(world.get(&path).json()["revoked_at"].is_string());
    world.send("DELETE", "/v1/keys/nobody", &world.admin, "").problem(404, "not_found");
}

#[test]
fn a_key_expires() {
    let world = World::start();
    let body = json!({"name": "n", "scopes": ["read"], "workspaces": ["*"], "expires_at": "2026-11-22T10:00:00Z"});
    let made = world.post("/v1/keys", &body.to_string()).json();
    let key = made["key"].as_str().expect("key");
    assert_eq!(world.send("GET", "/v1/workspaces", key, "").status, 200);
    world.clock.advance(3600 * 1_000_000);
    world.send("GET", "/v1/workspaces", key, "").problem(401, "unauthenticated");
}

#[test]
fn the_last_admin_key_stays() {
    let world = World::start();
    let id = world.admin.split('_').nth(1).expect("a public id").to_owned();
    let path = format!("/v1/keys/{id}");
    // An admin of one workspace could not make a key, so it does not count.
    world.key(&["admin"], &["acme"]);
    world.send("DELETE", &path, &world.admin, "").problem(409, "last_admin_key");
    let other = world.key(&["admin"], &["*"]);
    assert_eq!(world.send("DELETE", &path, &other, "").status, 200);
    assert_eq!(world.send("GET", "/v1/keys", &world.admin, "").status, 401);
}

#[test]
fn a_workspace_is_made_changed_and_listed() {
    let world = World::start();
    let body = json!({
        "name": "Acme Inc.", "preset": "clienwork", "plan": "free",
        "owner": {"name": "Ada", "email": "ada@acme.example"},
        "app_url": "https://app.example", "viewer_url": "https://app.example/audit",
    });
    let answer = world.send("PUT", "/v1/workspaces/acme", &world.admin, &body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    let shown = answer.json();
    assert_eq!(shown["retention"], "30d");
    assert_eq!(shown["owner"]["email"], "ada@acme.example");
    assert_eq!(
        world.send("PUT", "/v1/workspaces/acme", &world.admin, &body.to_string()).status,
        200
    );
    assert_eq!(world.get("/v1/workspaces/acme").json()["name"], "Acme Inc.");
    for name in ["b", "c", "d"] {
        world.record(name, &json!({"action": "x.y"}));
    }
    let first = world.get("/v1/workspaces?limit=2").json();
    // Before letters comes the underscore.
    let names: Vec<&str> = first["data"]
        .as_array()
        .expect("data")
        .iter()
        .map(|w| w["workspace"].as_str().expect("name"))
        .collect();
    assert_eq!(names, ["_system", "acme"]);
    assert_eq!(first["next_after"], "acme");
    let rest = world.get("/v1/workspaces?limit=10&after=acme").json();
    assert_eq!(rest["data"].as_array().map(Vec::len), Some(3));
    assert!(rest["next_after"].is_null());
    world.send("PUT", "/v1/workspaces/_system", &world.admin, "{}").problem(400, "reserved");
}

#[test]
fn a_catalog_is_put_and_judges_the_next_event() {
    let world = World::start();
    let text = "name = \"mine\"\ntitle = \"Mine\"\nstrict = true\n\
                [[modules]]\nid = \"m\"\ntitle = \"Modules\"\n\
                [[actions]]\nname = \"thing.make\"\ntitle = \"Made a Thing\"\nmodule = \"m\"\nverb = \"create\"\n\
                description = \"{actor.name} made {target.name}\"\n";
    let answer = world.send("PUT", "/v1/catalogs/mine", &world.admin, text);
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.json()["version"], 1);
    world.send("PUT", "/v1/workspaces/acme", &world.admin, r#"{"preset":"mine"}"#);
    let path = "/v1/workspaces/acme/events";
    world.post(path, r#"{"action":"thing.mak"}"#).problem(422, "unknown_action");
    world.record("acme", &json!({"id": "e", "action": "thing.make", "actor": {"name": "Ada"}, "targets": [{"name": "it"}]}));
    assert_eq!(world.get(&format!("{path}/e")).json()["description"], "Ada made it");
    let shown = world.get("/v1/catalogs/mine").json();
    assert_eq!(shown["actions"][0]["name"], "thing.make");
    let list = world.get("/v1/catalogs").json();
    assert!(
        list["data"]
            .as_array()
            .expect("data")
            .iter()
            .any(|c| c["name"] == "clienwork" && c["built_in"] == true)
    );
    world.send("PUT", "/v1/catalogs/yours", &world.admin, text).problem(400, "invalid");
    world.get("/v1/catalogs/none").problem(404, "not_found");
}

#[test]
fn a_given_admin_key_is_taken_once_and_stays_revoked() {
    use proofbook_server::keys::SecretKey;
    use proofbook_server::{FirstKey, ensure_admin_key};
    use proofbook_store::random::SystemRandom;

    let world = World::start();
    let given = SecretKey::parse("a-key-that-the-operator-chose").expect("long enough");
    let ensure = |key: Option<&SecretKey>| {
        ensure_admin_key(&world.store, key, &SystemRandom).expect("recorded")
    };
    assert!(matches!(ensure(None), FirstKey::Existing));
    assert!(matches!(ensure(Some(&given)), FirstKey::Given));
    let count = acts(&world).len();
    assert!(matches!(ensure(Some(&given)), FirstKey::Given));
    assert_eq!(acts(&world).len(), count, "the second start records nothing");
    assert_eq!(world.send("GET", "/v1/keys", given.reveal(), "").status, 200);
    let path = format!("/v1/keys/{}", given.public_id());
    assert_eq!(world.send("DELETE", &path, &world.admin, "").status, 200);
    assert!(matches!(ensure(Some(&given)), FirstKey::GivenButRevoked));
    assert_eq!(world.send("GET", "/v1/keys", given.reveal(), "").status, 401);
}
