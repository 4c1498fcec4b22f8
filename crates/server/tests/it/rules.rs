//! `/v1/rules` and a workspace's notifications: what is taken, what is refused, who may.

use serde_json::{Value, json};

use crate::world::World;

fn is_on(shown: &Value, action: &str) -> Option<bool> {
    let actions = shown["actions"].as_array().expect("actions");
    actions.iter().find(|known| known["action"] == action)?["on"].as_bool()
}

fn workspace(world: &World) {
    let body = json!({"preset": "clickfunnels-workspace", "owner": {"email": "olga@acme.example"}});
    let answer = world.send("PUT", "/v1/workspaces/acme", &world.admin, &body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[test]
fn p8_the_owner_has_a_switch_for_each_action_and_needs_manage() {
    let world = World::start();
    workspace(&world);
    let path = "/v1/workspaces/acme/notifications";
    let shown = world.get(path).json();
    let on: Vec<&str> = shown["actions"]
        .as_array()
        .expect("actions")
        .iter()
        .filter(|action| action["on"] == true && action["module"] != "Audit log")
        .map(|action| action["action"].as_str().expect("a name"))
        .collect();
    let of_preset: Vec<&&str> = on.iter().filter(|name| !name.starts_with("audit_log.")).collect();
    assert_eq!(of_preset.len(), 7, "{on:?}");
    assert_eq!(shown["warnings"], json!(["e-mail is not set up on this server"]));

    let plain = world.token("acme", "owner", &json!({}));
    assert_eq!(world.send("GET", path, &plain, "").status, 403);
    assert_eq!(world.send("PUT", path, &plain, "{}").status, 403);
    let manager = world.token("acme", "owner", &json!({"manage": true}));
    let change = json!({
        "on": ["affiliate.ban"], "off": ["mfa.enable"], "mode": "daily", "zone": "Europe/Berlin",
    });
    let changed = world.send("PUT", path, &manager, &change.to_string());
    assert_eq!(changed.status, 200, "{}", changed.text());
    let changed = changed.json();
    assert_eq!(is_on(&changed, "affiliate.ban"), Some(true));
    assert_eq!(is_on(&changed, "mfa.enable"), Some(false));
    assert_eq!(is_on(&changed, "mfa.disable"), Some(true), "what is not named stays");
    assert_eq!((&changed["mode"], &changed["zone"]), (&json!("daily"), &json!("Europe/Berlin")));
    // The same again changes nothing and is no event.
    assert_eq!(world.send("PUT", path, &manager, &change.to_string()).status, 200);
    let events = world
        .get("/v1/workspaces/_system/events?q=action:audit_log.notification_changed&limit=10")
        .json();
    assert_eq!(events["total"], 1);
    assert_eq!(events["data"][0]["actor"]["type"], "user");
    for (body, pointer) in [
        (json!({"on": ["no.such"]}), "/on/0"),
        (json!({"mode": "often"}), "/mode"),
        (json!({"zone": "Mars/Olympus"}), "/zone"),
        (json!({"language": "fr"}), "/language"),
    ] {
        let answer = world.send("PUT", path, &manager, &body.to_string());
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
}

#[test]
fn p8_a_rule_is_made_changed_and_removed_and_each_is_an_event() {
    let world = World::start();
    let draft = json!({
        "name": "security", "filter": "severity:>=warning", "recipients": ["sec@acme.example"],
        "mode": "hourly", "language": "de", "per_hour": 5,
    });
    let made = world.post("/v1/rules", &draft.to_string());
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    for (key, value) in draft.as_object().expect("an object") {
        assert_eq!(&made[key], value, "{key}");
    }
    let path = format!("/v1/rules/{}", made["id"].as_str().expect("an id"));
    let tested = world.post(&format!("{path}/test"), "").json();
    assert_eq!(tested["result"], "unusable");
    assert!(tested["detail"].as_str().expect("why").contains("PROOFBOOK_SMTP_URL"));
    let put =
        world.send("PUT", &path, &world.admin, &json!({"name": "sec", "paused": true}).to_string());
    assert_eq!(put.status, 200, "{}", put.text());
    let shown = world.get(&path).json();
    assert_eq!((&shown["mode"], &shown["paused"]), (&json!("instant"), &json!(true)));
    assert_eq!(shown["status"]["state"], "paused");
    assert_eq!(world.get("/v1/rules").json()["data"].as_array().expect("data").len(), 1);
    assert_eq!(world.get("/v1/destinations").json()["data"], json!([]), "a rule is no webhook");
    assert_eq!(world.send("DELETE", &path, &world.admin, "").status, 204);
    assert_eq!(world.get(&path).status, 404);
    let events = world
        .get("/v1/workspaces/_system/events?q=action:audit_log.notification_changed&limit=10")
        .json();
    assert_eq!(events["total"], 3);
    for (body, pointer) in [
        (json!({"recipients": ["a@b.example"]}), "/name"),
        (json!({"name": "x", "recipients": ["nobody"]}), "/recipients/0"),
        (json!({"name": "x", "filter": "a:("}), "/filter"),
        (json!({"name": "x", "per_hour": 0}), "/per_hour"),
        (json!({"name": "x", "mode": "never"}), "/mode"),
    ] {
        let answer = world.post("/v1/rules", &body.to_string());
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
}
