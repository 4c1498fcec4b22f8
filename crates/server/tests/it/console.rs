//! V13: the operator's console: setting up, signing in, and what a session may do.

use std::time::Duration;

use serde_json::json;

use crate::world::{Answer, World};

const PASSWORD: &str = "a sentence is easy to keep";

/// Sends as our own page does; `session` is the cookie.
fn send(world: &World, method: &str, path: &str, session: &str, body: &str) -> Answer {
    let mut headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    if !session.is_empty() {
        headers.push(("cookie", format!("other=1; __Host-proofbook={session}")));
    }
    world.send_with(method, path, &headers, body.as_bytes())
}

fn session_of(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    for part in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict", "; Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let value = cookie.strip_prefix("__Host-proofbook=").expect("its name");
    value.split(';').next().expect("a value").to_owned()
}

/// Makes the first operator and returns their session.
fn set_up(world: &World) -> String {
    let link = world.setup_link().expect("there is no operator yet");
    let secret = link.strip_prefix("/console/setup#").expect("the secret stands in the fragment");
    let body = json!({"secret": secret, "name": "ada", "password": PASSWORD}).to_string();
    let answer = send(world, "POST", "/console/setup", "", &body);
    assert_eq!(answer.status, 201, "{}", answer.text());
    // Once.
    send(world, "POST", "/console/setup", "", &body).problem(410, "gone");
    session_of(&answer)
}

fn sign_in(world: &World, password: &str) -> Answer {
    let body = json!({"name": "ada", "password": password}).to_string();
    send(world, "POST", "/console/session", "", &body)
}

#[test]
fn v13_the_setup_link_makes_the_first_operator_once() {
    let world = World::start();
    assert_eq!(world.get("/console/state").json(), json!({"awaits_setup": true}));
    let wrong = json!({"secret": "AAAA", "name": "ada", "password": PASSWORD}).to_string();
    send(&world, "POST", "/console/setup", "", &wrong).problem(410, "gone");
    let session = set_up(&world);
    assert_eq!(world.setup_link(), None);
    assert_eq!(world.get("/console/state").json(), json!({"awaits_setup": false}));
    assert_eq!(send(&world, "GET", "/console/session", &session, "").json()["name"], "ada");
    let events = world.events_of("_system", "audit_log.key_created", 2);
    let text = serde_json::to_string(&events).expect("JSON");
    assert!(text.contains("operator-ada") && !text.contains("argon2") && !text.contains(PASSWORD));
    let listed = world.get("/v1/keys").text();
    assert!(listed.contains("operator-ada") && !listed.contains("argon2"), "{listed}");
}

#[test]
fn v13_an_operator_signs_in_works_and_signs_out() {
    let world = World::start();
    world.record("acme", &json!({"action": "x.y"}));
    set_up(&world);
    let session = session_of(&sign_in(&world, PASSWORD));
    assert_eq!(send(&world, "GET", "/v1/workspaces", &session, "").status, 200);
    let body = json!({"preset": "clienwork", "plan": "pro"}).to_string();
    assert_eq!(send(&world, "PUT", "/v1/workspaces/acme", &session, &body).status, 200);
    let act = &world.events_of("_system", "audit_log.workspace_changed", 1)[0];
    assert_eq!(act["actor"], json!({"type": "user", "id": "operator-ada", "name": "ada"}));
    let key = json!({"name": "ci", "scopes": ["read"], "workspaces": ["acme"]}).to_string();
    assert_eq!(send(&world, "POST", "/v1/keys", &session, &key).status, 201);
    assert_eq!(send(&world, "DELETE", "/console/session", &session, "").status, 204);
    send(&world, "GET", "/v1/workspaces", &session, "").problem(401, "unauthenticated");
}

#[test]
fn v13_an_operator_reads_as_themselves_and_it_shows() {
    let world = World::start();
    world.record("acme", &json!({"action": "x.y"}));
    world.settle("acme", "clickfunnels-workspace", None);
    let session = set_up(&world);
    send(&world, "GET", "/v1/workspaces/acme/events", &session, "").problem(403, "forbidden");
    let answer = send(&world, "POST", "/console/token", &session, "{\"workspace\":\"acme\"}");
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    assert_eq!(world.send("GET", "/v1/workspaces/acme/events", &token, "").json()["total"], 1);
    let look = &world.events_of("acme", "audit_log.viewed", 1)[0];
    assert_eq!(look["actor"]["type"], "support");
    assert_eq!(look["actor"]["id"], "operator-ada");
    // Revoking the operator ends session and token.
    assert_eq!(world.send("DELETE", "/v1/keys/operator-ada", &world.admin, "").status, 200);
    send(&world, "GET", "/console/session", &session, "").problem(401, "unauthenticated");
    world.send("GET", "/v1/workspaces/acme/events", &token, "").problem(401, "token_expired");
    sign_in(&world, PASSWORD).problem(401, "wrong_password");
}

#[test]
fn v13_the_eleventh_wrong_password_in_a_minute_gets_429() {
    let world = World::start();
    set_up(&world);
    for _ in 0..10 {
        sign_in(&world, "a wrong sentence of words").problem(401, "wrong_password");
    }
    let eleventh = sign_in(&world, "a wrong sentence of words");
    assert!(eleventh.header("retry-after").is_some());
    eleventh.problem(429, "too_many_attempts");
    // The right one waits, too: else a guesser would know it when it comes.
    sign_in(&world, PASSWORD).problem(429, "too_many_attempts");
    world.clock.advance(Duration::from_secs(60).as_micros() as u64);
    assert_eq!(sign_in(&world, PASSWORD).status, 200);
}

#[test]
fn v13_a_session_is_of_use_to_our_own_pages_alone() {
    let world = World::start();
    world.record("acme", &json!({"action": "x.y"}));
    let session = set_up(&world);
    let cookie = ("cookie", format!("__Host-proofbook={session}"));
    let key = json!({"name": "n", "scopes": ["admin"], "workspaces": ["*"]}).to_string();
    let foreign: [&[(&str, &str)]; 5] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[],
    ];
    for more in foreign {
        let mut headers = vec![cookie.clone()];
        headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let answer = world.send_with("POST", "/v1/keys", &headers, key.as_bytes());
        answer.problem(403, "cross_site");
        let answer = world.send_with("DELETE", "/console/session", &headers, b"");
        answer.problem(403, "cross_site");
    }
    let headers = [cookie.clone(), ("origin", "http://127.0.0.1".to_owned())];
    assert_eq!(world.send_with("POST", "/v1/keys", &headers, key.as_bytes()).status, 201);
    let headers = [("sec-fetch-site", "cross-site".to_owned())];
    let body = json!({"name": "ada", "password": PASSWORD}).to_string();
    let answer = world.send_with("POST", "/console/session", &headers, body.as_bytes());
    answer.problem(403, "cross_site");
}

#[test]
fn v13_weak_passwords_and_odd_names_are_refused() {
    let world = World::start();
    let session = set_up(&world);
    for (name, password, pointer) in
        [("bob", "too short", "/password"), ("Bob", PASSWORD, "/name"), ("../x", PASSWORD, "/name")]
    {
        let body = json!({"name": name, "password": password}).to_string();
        let answer = send(&world, "POST", "/console/operators", &session, &body);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{}", answer.text());
    }
    let body = json!({"name": "bob", "password": PASSWORD}).to_string();
    assert_eq!(send(&world, "POST", "/console/operators", &session, &body).status, 201);
}
