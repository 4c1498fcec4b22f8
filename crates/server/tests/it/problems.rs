//! Problem documents as clients see them.

use serde_json::json;

use crate::world::World;

/// Sends with a fixed request id, so that the document is the same every time.
fn document(world: &World, method: &str, path: &str, key: &str, body: &str) -> String {
    let mut headers = vec![("x-request-id", "test-1".to_owned())];
    if !key.is_empty() {
        headers.push(("authorization", format!("Bearer {key}")));
    }
    let answer = world.send_with(method, path, &headers, body.as_bytes());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("x-request-id"), Some("test-1"));
    let body = serde_json::to_string_pretty(&answer.json()).expect("JSON");
    format!("{method} {path}\n{body}\n")
}

#[test]
fn a7_problem_documents_read_as_kept() {
    let world = World::start();
    world.record("acme", &json!({"action": "x.y", "id": "taken"}));
    let reader = world.key(&["read"], &["acme"]);
    let admin = world.admin.clone();
    let mut all = String::new();
    for (method, path, key, body) in [
        ("GET", "/v1/workspaces/acme/events", "", ""),
        ("GET", "/v1/workspaces/other/events", &reader, ""),
        ("POST", "/v1/workspaces/acme/events", &reader, "{}"),
        ("GET", "/v1/workspaces/none/events", &admin, ""),
        ("GET", "/v1/workspaces/acme/events/none", &admin, ""),
        ("GET", "/nowhere", "", ""),
        ("DELETE", "/v1/workspaces/acme/events", &admin, ""),
        ("GET", "/v1/workspaces/acme/events?limt=3", &admin, ""),
        ("GET", "/v1/workspaces/acme/events?q=actr:ada", &admin, ""),
        ("POST", "/v1/workspaces/acme/events", &admin, r#"{"action":"x.z","id":"taken"}"#),
        ("POST", "/v1/workspaces/acme/events", &admin, r#"{"action":"x.z","contxt":{}}"#),
        ("POST", "/v1/workspaces/acme/events", &admin, "{\"action\":"),
        ("POST", "/v1/workspaces/acme/events", &admin, "[{\"action\":\"x.y\"}"),
    ] {
        all.push_str(&document(&world, method, path, key, body));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn every_type_is_an_address_that_answers() {
    let world = World::start();
    for code in proofbook_server::problem::Code::ALL {
        let answer = world.send("GET", &format!("/errors/{code}"), "", "");
        assert_eq!(answer.status, 200, "{code}");
        assert_eq!(answer.json()["status"], code.status());
    }
    world.send("GET", "/errors/none", "", "").problem(404, "not_found");
}

#[test]
fn a_method_that_is_not_taken_names_those_that_are() {
    let world = World::start();
    let answer = world.send("PATCH", "/v1/workspaces/acme/events", &world.admin, "");
    answer.problem(405, "method_not_allowed");
    let allow = answer.header("allow").expect("an Allow header");
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

#[test]
fn a_request_id_is_kept_when_it_is_a_plain_word_and_made_otherwise() {
    let world = World::start();
    let id = |given: &str| {
        let headers = [("x-request-id", given.to_owned())];
        let answer = world.send_with("GET", "/healthz", &headers, b"");
        answer.header("x-request-id").expect("an id").to_owned()
    };
    assert_eq!(id("abc-1.2_3"), "abc-1.2_3");
    assert_ne!(id("two words"), "two words");
    assert_ne!(id("<script>"), "<script>");
    assert_eq!(id(&"a".repeat(65)).len(), 16);
    assert_ne!(id(""), id(""));
}

#[test]
fn every_answer_has_the_headers_that_protect_it() {
    let world = World::start();
    world.record("acme", &json!({"action": "x.y"}));
    for path in [
        "/healthz",
        "/",
        "/v1/workspaces/acme/events",
        "/nowhere",
        "/v1/workspaces/acme/export",
        "/page.css",
    ] {
        let answer = world.get(path);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert!(answer.header("cache-control").is_some(), "{path}");
        let policy = answer.header("content-security-policy").expect(path);
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
    }
    assert_eq!(world.get("/v1/workspaces/acme/events").header("cache-control"), Some("no-store"));
}

#[test]
fn head_answers_like_get_without_a_body() {
    let world = World::start();
    world.record("acme", &json!({"action": "x.y"}));
    let path = "/v1/workspaces/acme/events";
    let answer = world.send("HEAD", path, &world.admin, "");
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let answer = world.send("HEAD", path, "", "");
    assert_eq!((answer.status, answer.body.len()), (401, 0));
    assert!(answer.header("www-authenticate").is_some());
}

#[test]
fn a_key_is_never_in_an_answer_or_in_what_is_shown_of_keys() {
    let world = World::start();
    let key = world.key(&["read"], &["acme"]);
    // The secret itself may have underscores.
    let secret = key.splitn(3, '_').nth(2).expect("a secret");
    for path in [
        "/v1/keys",
        "/metrics",
        "/v1/workspaces/_system/events?q=action:audit_log.*",
        "/openapi.json",
    ] {
        let text = world.get(path).text();
        assert!(!text.contains(secret), "{path}");
        assert!(!text.contains("secret_sha256"), "{path}");
    }
    let text = world.send("GET", &format!("/{key}?k={key}"), &key, "").text();
    assert!(!text.contains(secret));
}
