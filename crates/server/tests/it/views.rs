//! V9: saved views, one's own and everybody's, and those of the preset.

use serde_json::{Value, json};

use crate::world::World;

fn world() -> World {
    let world = World::start();
    world.record("acme", &json!({"action": "x.y"}));
    world.settle("acme", "clienwork", None);
    world
}

fn names(world: &World, key: &str) -> Vec<(String, bool)> {
    let answer = world.send("GET", "/v1/views?workspace=acme", key, "");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let views = answer.json()["data"].as_array().expect("data").clone();
    let own = views.into_iter().filter(|view| view["ready"] == false);
    own.map(|view| (view["name"].as_str().expect("a name").to_owned(), view["mine"] == true))
        .collect()
}

fn save(world: &World, key: &str, name: &str, shared: bool) -> u16 {
    let body = json!({"workspace": "acme", "name": name, "query": "verb:delete", "shared": shared});
    world.send("PUT", "/v1/views", key, &body.to_string()).status
}

#[test]
fn v9_views_are_ones_own_or_everybodys() {
    let world = world();
    let ada = world.token("acme", "owner", &json!({"manage": true}));
    let bob = world.token("acme", "admin", &json!({"viewer": {"id": "u_8", "name": "Bob"}}));
    assert_eq!(save(&world, &ada, "Deletions", false), 201);
    assert_eq!(save(&world, &ada, "For all", true), 201);
    assert_eq!(save(&world, &bob, "Deletions", false), 201);
    assert_eq!(save(&world, &bob, "For all too", true), 403);
    assert_eq!(save(&world, &world.admin, "By a key", false), 201);
    assert_eq!(save(&world, &world.key(&["read"], &["acme"]), "No", true), 403);
    assert_eq!(save(&world, &ada, "Deletions", false), 200, "the same again is no event");
    let (own, all) = (|name: &str| (name.to_owned(), true), |name: &str| (name.to_owned(), false));
    assert_eq!(names(&world, &ada), [all("By a key"), all("For all"), own("Deletions")]);
    assert_eq!(names(&world, &bob), [all("By a key"), all("For all"), own("Deletions")]);
    assert_eq!(names(&world, &world.admin), [all("By a key"), all("For all")]);
    assert_eq!(world.events_of("_system", "audit_log.view_saved", 4).len(), 4);

    let remove = |key: &str, query: &str| {
        world.send("DELETE", &format!("/v1/views?workspace=acme&{query}"), key, "").status
    };
    assert_eq!(remove(&bob, "name=Deletions"), 204);
    assert_eq!(remove(&bob, "name=Deletions"), 404);
    assert_eq!(remove(&bob, "name=For%20all&shared=true"), 403);
    assert_eq!(remove(&ada, "name=For%20all&shared=true"), 204);
    assert_eq!(names(&world, &ada), [all("By a key"), own("Deletions")]);
    assert_eq!(names(&world, &bob), [all("By a key")]);
}

#[test]
fn v9_ready_views_come_from_the_preset_and_parse() {
    let world = world();
    let rows: [(&str, &[&str]); 2] = [
        ("clienwork", &["Access changes", "API keys", "Sensitive settings"]),
        ("clickfunnels-workspace", &["Payments", "Sign-in security"]),
    ];
    for (preset, expected) in rows {
        world.settle("acme", preset, None);
        let boot = world.get("/v1/workspaces/acme/viewer").json();
        let views = boot["views"].as_array().expect("views").clone();
        for name in expected {
            let view = views.iter().find(|view| view["name"] == *name).expect(name);
            assert_eq!(view["ready"], true);
            let query: String = view["query"]
                .as_str()
                .expect("a query")
                .bytes()
                .map(|byte| format!("%{byte:02x}"))
                .collect();
            assert_eq!(world.get(&format!("/v1/workspaces/acme/events?q={query}")).status, 200);
        }
    }
}

#[test]
fn v9_a_view_is_checked_and_changes_are_bounded() {
    let world = world();
    let ada = world.token("acme", "owner", &json!({}));
    let put = |body: Value| world.send("PUT", "/v1/views", &ada, &body.to_string());
    put(json!({"workspace": "acme", "name": "x", "query": "("})).problem(400, "invalid");
    put(json!({"workspace": "acme", "name": " "})).problem(400, "missing");
    put(json!({"workspace": "other", "name": "x"})).problem(403, "foreign_workspace");
    let mut refused = 0;
    for n in 0..125 {
        let status =
            put(json!({"workspace": "acme", "name": "x", "query": format!("seq:{n}")})).status;
        refused += usize::from(status == 429);
    }
    assert_eq!(refused, 5);
}
