//! Every limit, met exactly and passed by one: a problem document names place, offset and limit, and
//! nothing else of the request is lost.

use serde_json::{Value, json};

use crate::world::World;

const PATH: &str = "/v1/workspaces/acme/events";

/// An event around a field.
fn with(field: &str, value: Value) -> String {
    let mut event = json!({"action": "x.y"});
    event[field] = value;
    event.to_string()
}

/// Nests arrays to a depth.
fn nested(depth: usize) -> Value {
    (1..depth).fold(json!([]), |inner, _| json!([inner]))
}

fn keys(count: usize) -> Value {
    Value::Object((0..count).map(|n| (format!("k{n}"), json!(1))).collect())
}

/// Limit, an event that keeps it, one that passes it, code, pointer, the limit's number.
type LimitRow = (&'static str, String, String, &'static str, &'static str, Option<u64>);

fn event_limits() -> Vec<LimitRow> {
    let name = |length: usize| "a".repeat(length);
    let targets = |count: usize| json!(vec![json!({"type": "t", "id": "1"}); count]);
    let sized = |bytes: usize| {
        let empty = with("before", json!(""));
        with("before", json!("x".repeat(bytes - empty.len())))
    };
    vec![
        (
            "event bytes",
            sized(256 * 1024),
            sized(256 * 1024 + 1),
            "too_large",
            "",
            Some(256 * 1024),
        ),
        (
            "id",
            with("id", json!(name(128))),
            with("id", json!(name(129))),
            "too_large",
            "/id",
            Some(128),
        ),
        (
            "action",
            with("action", json!(name(128))),
            with("action", json!(name(129))),
            "too_large",
            "/action",
            Some(128),
        ),
        (
            "targets",
            with("targets", targets(32)),
            with("targets", targets(33)),
            "too_large",
            "/targets",
            Some(32),
        ),
        (
            "metadata keys",
            with("metadata", keys(64)),
            with("metadata", keys(65)),
            "too_large",
            "/metadata",
            Some(64),
        ),
        (
            "metadata depth",
            with("metadata", json!({"a": nested(7)})),
            with("metadata", json!({"a": nested(8)})),
            "too_large",
            "/metadata",
            Some(8),
        ),
        (
            "depth",
            with("before", nested(31)),
            with("before", nested(32)),
            "malformed",
            "*",
            Some(32),
        ),
        (
            "roles",
            with("actor", json!({"roles": vec!["r"; 64]})),
            with("actor", json!({"roles": vec!["r"; 65]})),
            "too_large",
            "/actor/roles",
            Some(64),
        ),
        (
            "text",
            with("reason", json!(name(4096))),
            with("reason", json!(name(4097))),
            "too_large",
            "/reason",
            Some(4096),
        ),
        (
            "integer",
            with("before", json!(9_007_199_254_740_991_u64)),
            with("before", json!(9_007_199_254_740_992_u64)),
            "malformed",
            "/before",
            None,
        ),
        (
            "far ahead",
            with("occurred_at", json!("2026-11-23T09:30:00Z")),
            with("occurred_at", json!("2026-11-23T09:30:00.000001Z")),
            "too_far_ahead",
            "/occurred_at",
            Some(86_400),
        ),
    ]
}

#[test]
fn a7_every_limit_of_an_event_names_pointer_offset_and_limit() {
    let world = World::start();
    for (name, keeps, passes, code, pointer, limit) in event_limits() {
        let answer = world.post(PATH, &keeps);
        assert_eq!(answer.status, 201, "{name}: {}", answer.text());
        let answer = world.post(PATH, &passes);
        let document = answer.problem(answer.status, code);
        let fault = &document["errors"][0];
        if pointer != "*" {
            assert_eq!(fault["pointer"], pointer, "{name}: {document}");
        }
        assert_eq!(fault["limit"].as_u64(), limit, "{name}: {document}");
        if code != "too_far_ahead" {
            assert!(fault["offset"].is_u64(), "{name}: {document}");
        }
    }
}

#[test]
fn a7_an_event_over_a_limit_costs_the_batch_nothing_else() {
    let world = World::start();
    let rows = event_limits();
    let mut events = Vec::new();
    for (n, (_, _, passes, ..)) in rows.iter().enumerate() {
        events.push(json!({"action": "good.one", "id": format!("good-{n}")}).to_string());
        events.push(passes.clone());
    }
    let answer = world.post(PATH, &format!("[{}]", events.join(",")));
    assert_eq!(answer.status, 207, "{}", answer.text());
    let answer = answer.json();
    for (n, (name, _, _, code, ..)) in rows.iter().enumerate() {
        let (good, bad) = (&answer["results"][2 * n], &answer["results"][2 * n + 1]);
        assert_eq!(good["status"], "created", "{name}");
        assert_eq!(good["seq"].as_u64(), Some(n as u64), "{name}: seqs have no gap");
        assert_eq!(bad["error"]["code"], *code, "{name}: {bad}");
    }
    assert_eq!(world.get(PATH).json()["total"], rows.len());
}

#[test]
fn a7_the_batch_is_bounded_in_events_and_bytes() {
    let world = World::start();
    let batch = |count: usize| format!("[{}]", vec![r#"{"action":"x.y"}"#; count].join(","));
    let answer = world.post(PATH, &batch(10_000));
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["created"], 10_000);
    let document = world.post(PATH, &batch(10_001)).problem(413, "too_large");
    assert_eq!(document["errors"][0]["limit"], 10_000);
    assert_eq!(document["errors"][0]["offset"], 1 + 10_000 * 17);

    let max = 16 * 1024 * 1024;
    let event = format!(r#"{{"action":"x.y","before":"{}"}}"#, "x".repeat(200_000));
    let mut lines = format!("{event}\n").repeat(max / (event.len() + 1));
    lines.push_str(&" ".repeat(max - lines.len()));
    assert_eq!(lines.len(), max);
    let answer = world.post(PATH, &lines);
    assert_eq!(answer.status, 201, "{}", answer.text().chars().take(300).collect::<String>());
    lines.push(' ');
    let document = world.post(PATH, &lines).problem(413, "too_large");
    assert_eq!(document["errors"][0]["limit"], max);
    assert_eq!(world.get(PATH).json()["total"], 10_000 + max / (event.len() + 1));
}

#[test]
fn a7_every_limit_of_a_query_names_its_parameter() {
    let world = World::start();
    world.record("acme", &json!({"action": "x.y"}));
    let long = "a".repeat(8 * 1024);
    let rows: Vec<(String, &str, u16, &str, Option<u64>)> = vec![
        (format!("{PATH}?limit=1001"), "invalid_parameter", 400, "limit", Some(1000)),
        (format!("{PATH}?limit=0"), "invalid_parameter", 400, "limit", Some(1000)),
        (format!("{PATH}?page=0"), "invalid_parameter", 400, "page", None),
        (format!("{PATH}?page=501"), "page_too_far", 400, "page", Some(10_000)),
        (format!("{PATH}?q={long}a"), "invalid_filter", 400, "q", Some(8 * 1024)),
        (format!("{PATH}?cursor=x"), "invalid_cursor", 400, "cursor", None),
        (format!("{PATH}?sort=up"), "invalid_parameter", 400, "sort", None),
        (format!("{PATH}?after=1"), "invalid_parameter", 400, "after", None),
        (format!("{PATH}?tz=Mars"), "invalid_parameter", 400, "tz", None),
        (format!("{PATH}?from=someday"), "invalid_parameter", 400, "from", None),
        (format!("{PATH}?to=1%20OR%20x"), "invalid_parameter", 400, "to", None),
        ("/v1/workspaces/acme/facets".into(), "invalid_parameter", 400, "field", None),
        ("/v1/workspaces/acme/facets?field=actoin".into(), "invalid_parameter", 400, "field", None),
        (
            "/v1/workspaces/acme/facets?field=action&limit=1001".into(),
            "invalid_parameter",
            400,
            "limit",
            Some(1000),
        ),
        (
            "/v1/workspaces/acme/histogram?interval=eon".into(),
            "invalid_parameter",
            400,
            "interval",
            None,
        ),
        ("/v1/workspaces/acme/export?format=xls".into(), "invalid_parameter", 400, "format", None),
        (
            "/v1/workspaces/acme/export?format=ndjson&raw=true".into(),
            "invalid_parameter",
            400,
            "raw",
            None,
        ),
        ("/v1/workspaces?limit=1001".into(), "invalid_parameter", 400, "limit", Some(1000)),
    ];
    for (path, code, status, parameter, limit) in rows {
        let document = world.get(&path).problem(status, code);
        let fault = &document["errors"][0];
        assert_eq!(fault["parameter"], parameter, "{document}");
        if limit.is_some() {
            assert_eq!(fault["limit"].as_u64(), limit, "{document}");
        }
    }
    // The longest filter itself is taken.
    assert_eq!(world.get(&format!("{PATH}?q={long}")).status, 200);
}

#[test]
fn a7_a_filter_that_does_not_parse_says_where_and_what_was_meant() {
    let world = World::start();
    world.record("acme", &json!({"action": "x.y"}));
    let document =
        world.get(&format!("{PATH}?q=outcome:success%20acton:x")).problem(400, "invalid_filter");
    let fault = &document["errors"][0];
    assert_eq!(
        (fault["offset"].as_u64(), fault["suggestion"].as_str()),
        (Some(16), Some("action"))
    );
}

#[test]
fn a7_head_and_address_are_bounded() {
    let world = World::start();
    let document =
        world.get(&format!("{PATH}?q={}", "a".repeat(28 * 1024))).problem(414, "uri_too_long");
    assert_eq!(document["errors"][0]["limit"], 28 * 1024);
    let headers = [("x-filler", "a".repeat(16 * 1024))];
    let document =
        world.send_with("GET", "/healthz", &headers, b"").problem(431, "headers_too_large");
    assert_eq!(document["errors"][0]["limit"], 16 * 1024);
    // Beyond what is read of a head at all the answer is bare.
    let headers = [("x-filler", "a".repeat(70 * 1024))];
    assert_eq!(world.send_with("GET", "/healthz", &headers, b"").status, 431);
    let many: Vec<(&str, String)> = (0..65).map(|_| ("x-many", "1".to_owned())).collect();
    assert_eq!(world.send_with("GET", "/healthz", &many, b"").status, 431);
}

#[test]
fn a7_administration_is_bounded() {
    let world = World::start();
    let long = "n".repeat(201);
    let many = vec!["w"; 101];
    let rows = [
        (
            "POST",
            "/v1/keys",
            json!({"name": long, "scopes": ["read"], "workspaces": ["a"]}),
            "too_large",
            "/name",
            Some(200),
        ),
        (
            "POST",
            "/v1/keys",
            json!({"name": "n", "scopes": ["read"], "workspaces": many}),
            "too_large",
            "/workspaces",
            Some(100),
        ),
        (
            "POST",
            "/v1/keys",
            json!({"name": "n", "scopes": ["root"], "workspaces": ["a"]}),
            "invalid",
            "/scopes/0",
            None,
        ),
        (
            "POST",
            "/v1/keys",
            json!({"name": "n", "scopes": [], "workspaces": ["a"]}),
            "invalid",
            "/scopes",
            None,
        ),
        (
            "POST",
            "/v1/keys",
            json!({"name": "n", "scopes": ["read"], "workspaces": ["_x"]}),
            "invalid",
            "/workspaces/0",
            None,
        ),
        (
            "POST",
            "/v1/keys",
            json!({"name": "n", "scopes": ["read"]}),
            "missing",
            "/workspaces",
            None,
        ),
        (
            "POST",
            "/v1/keys",
            json!({"name": "n", "scopes": ["read"], "workspaces": ["a"], "expires_at": "2020-01-01T00:00:00Z"}),
            "invalid",
            "/expires_at",
            None,
        ),
        ("POST", "/v1/keys", json!({"nam": "n"}), "unknown_field", "/nam", None),
        (
            "PUT",
            "/v1/workspaces/acme",
            json!({"app_url": "javascript:alert(1)"}),
            "invalid",
            "/app_url",
            None,
        ),
        ("PUT", "/v1/workspaces/acme", json!({"preset": "nope"}), "invalid", "/preset", None),
        (
            "PUT",
            "/v1/workspaces/acme",
            json!({"preset": "clienwork", "plan": "gold"}),
            "invalid",
            "/plan",
            None,
        ),
        (
            "PUT",
            "/v1/workspaces/acme",
            json!({"owner": {"email": "a@b\nBcc: c@d.example"}}),
            "invalid",
            "/owner/email",
            None,
        ),
        (
            "PUT",
            "/v1/workspaces/acme",
            json!({"owner": {"mail": "x"}}),
            "unknown_field",
            "/owner/mail",
            None,
        ),
    ];
    for (method, path, body, code, pointer, limit) in rows {
        let answer = world.send(method, path, &world.admin, &body.to_string());
        let document = answer.problem(answer.status, code);
        assert_eq!(document["errors"][0]["pointer"], pointer, "{document}");
        assert!(document["errors"][0]["offset"].is_u64(), "{document}");
        assert_eq!(document["errors"][0]["limit"].as_u64(), limit, "{document}");
    }
    let over = " ".repeat(64 * 1024 + 1);
    world.post("/v1/keys", &over).problem(413, "too_large");
    let over = "#".repeat(1024 * 1024 + 1);
    world.send("PUT", "/v1/catalogs/mine", &world.admin, &over).problem(413, "too_large");
    let wrong = "name = 1\n[[actions]]\nname = \"UPPER\"\n";
    let document =
        world.send("PUT", "/v1/catalogs/mine", &world.admin, wrong).problem(400, "invalid");
    assert!(document["errors"][0]["offset"].is_u64(), "{document}");
    assert!(world.store.directory().by_name("acme").is_none(), "nothing of it came into being");
}

#[test]
fn a_batch_of_many_small_values_is_taken_in_steps_and_in_order() {
    let world = World::start();
    let dense = format!("[{}1]", "1,".repeat(60_000));
    let events: Vec<String> =
        (0..100).map(|n| format!(r#"{{"action":"x.y","id":"e{n}","before":{dense}}}"#)).collect();
    let answer = world.post(PATH, &format!("[{}]", events.join(",")));
    assert_eq!(answer.status, 201, "{}", answer.text().chars().take(300).collect::<String>());
    let answer = answer.json();
    for n in 0..100 {
        let item = &answer["results"][n];
        assert_eq!(item["id"], format!("e{n}"));
        assert_eq!(item["seq"].as_u64(), Some(n as u64));
    }
}
