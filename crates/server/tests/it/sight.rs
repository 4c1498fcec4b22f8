//! V12: what a viewer token lets be seen, and that nothing gets past it.

use serde_json::{Value, json};

use crate::world::World;

/// Ten events of two modules; those of `secret.*` are kept from the viewer.
fn world() -> World {
    let world = World::start();
    for n in 0..10 {
        let action = if n % 2 == 0 { "open.do" } else { "secret.do" };
        world.record("acme", &json!({
            "id": format!("e-{n}"), "action": action,
            "occurred_at": format!("2026-11-2{}T09:00:00Z", n / 5),
            "actor": {"type": "user", "id": format!("u_{n}"), "name": format!("{action} by {n}")},
            "targets": [{"type": "thing", "id": format!("t-{n}")}],
            "before": {"plan": "free"}, "after": {"plan": format!("pro-{n}")},
            "context": {"ip": format!("203.0.113.{n}"), "country": "DE"},
            "metadata": {"note": format!("note {n}")},
            "description": format!("{action} number {n}"),
        }));
    }
    world
}

const HERE: &str = "/v1/workspaces/acme";

#[test]
fn v12_a_filter_in_the_token_narrows_every_answer() {
    let world = world();
    let token = world.token("acme", "owner", &json!({"filter": "-action:secret.*"}));
    let get = |path: &str| world.send("GET", &format!("{HERE}{path}"), &token, "");
    let list = get("/events").json();
    assert_eq!(list["total"], 5);
    assert_eq!(list["data"].as_array().map(Vec::len), Some(5));
    assert_eq!(list["head"], Value::Null, "the size would tell how much is hidden");
    for question in [
        "/events?q=action:secret.*",
        "/events?q=secret",
        "/events?q=action:secret.do%20OR%20action:x.y",
        "/events?q=actor:u_1",
        "/events?q=seq:1",
        "/events?q=NOT%20action:open.do",
    ] {
        let answer = get(question);
        assert_eq!(answer.json()["total"], 0, "{question}: {}", answer.text());
    }
    assert_eq!(
        get("/facets?field=action").json()["values"],
        json!([{"value": "open.do", "count": 5}])
    );
    let actors = get("/facets?field=actor&prefix=secret").json();
    assert_eq!(actors["values"], json!([]), "a suggestion is an answer, too");
    let buckets = get("/histogram?interval=year").json();
    assert_eq!(buckets["buckets"][0]["count"], 5);
    let viewer = get("/viewer").json();
    assert_eq!((&viewer["total"], &viewer["restricted"]), (&json!(5), &json!(true)));
    for format in ["csv", "ndjson"] {
        let text = get(&format!("/export?format={format}")).text();
        assert!(text.contains("open.do") && !text.contains("secret"), "{text}");
    }
    let polled = get("/events?sort=seq&after=0").json();
    assert!(polled["data"].as_array().expect("data").iter().all(|e| e["action"] == "open.do"));
    assert_eq!(get("/events/e-0").status, 200);
    get("/events/e-1").problem(404, "not_found");
    get("/events/seq/1").problem(404, "not_found");
    get("/events/e-1/context").problem(404, "not_found");
    let facts = get("/events/e-0/context").json();
    assert_eq!(facts["country"]["events"], 5, "{facts}");
    assert_eq!(facts["country"]["actors"], 5);
    let printed = world.send("POST", &format!("{HERE}/print"), &token, "{}").json();
    let page = world.send("GET", printed["url"].as_str().expect("a link"), "", "").text();
    assert!(page.contains("open.do") && !page.contains("secret"), "{page}");
}

#[test]
fn v12_a_cursor_of_one_sight_does_not_work_for_another() {
    let world = world();
    let narrow = world.token("acme", "owner", &json!({"filter": "-action:secret.*"}));
    let list = world.get(&format!("{HERE}/events?limit=2")).json();
    let cursor = list["next_cursor"].as_str().expect("a cursor");
    let path = format!("{HERE}/events?limit=2&cursor={cursor}");
    world.send("GET", &path, &narrow, "").problem(400, "invalid_cursor");
    let own = world.send("GET", &format!("{HERE}/events?limit=2"), &narrow, "").json();
    let path =
        format!("{HERE}/events?limit=2&cursor={}", own["next_cursor"].as_str().expect("one"));
    assert_eq!(world.send("GET", &path, &narrow, "").json()["total"], 5);
}

#[test]
fn v12_hidden_columns_are_neither_shown_nor_asked_for() {
    let world = world();
    let columns = json!({"columns": ["occurred_at", "description", "context.ip"]});
    let token = world.token("acme", "owner", &columns);
    let get = |path: &str| world.send("GET", &format!("{HERE}{path}"), &token, "");
    let hidden = ["u_3", "t-3", "pro-3", "note 3", "\"country\"", "free"];
    for path in [
        "/events",
        "/events/e-3",
        "/events/seq/3",
        "/export?format=ndjson",
        "/export?format=csv",
        "/events?sort=seq&after=1",
    ] {
        let text = get(path).text();
        assert!(text.contains("203.0.113.3") && text.contains("number 3"), "{path}: {text}");
        for word in hidden {
            assert!(!text.contains(word), "{word} in {path}: {text}");
        }
    }
    let parquet = get("/export?format=parquet").body;
    for word in hidden {
        assert!(!parquet.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
    }
    for question in [
        "/events?q=actor:u_3",
        "/events?q=-after:pro-3",
        "/events?q=meta.note:x",
        "/events?q=country:DE",
        "/events?q=pro-3",
        "/facets?field=actor",
        "/facets?field=target.id",
        "/histogram?split=actor",
        "/export?q=before:free",
        "/tail?q=target:t-3",
    ] {
        get(question).problem(403, "hidden_field");
    }
    get("/export?columns=seq,actor_id").problem(400, "invalid_parameter");
    assert_eq!(get("/events?q=ip:203.0.113.3").json()["total"], 1);
    assert_eq!(get("/events/e-3/context").json(), json!({"ip": null, "country": null}));
    // What the page begins with names no column that is hidden, and its rows hide the same.
    world.settle("acme", "clienwork", Some("enterprise"));
    let boot = get("/viewer?rows=true").json();
    let names: Vec<&str> = boot["viewer_section"]["columns"]
        .as_array()
        .expect("columns")
        .iter()
        .filter_map(|column| column["field"].as_str())
        .collect();
    assert_eq!(names, ["occurred_at", "title", "context.ip"]);
    assert_eq!(boot["viewer_section"]["filters"].as_array().map(Vec::len), Some(1));
    let rows = boot["first"].to_string();
    assert!(rows.contains("203.0.113.3") && rows.contains("number 3"), "{rows}");
    for word in hidden {
        assert!(!rows.contains(word), "{word} in the first rows: {rows}");
    }
    let printed = world.send("POST", &format!("{HERE}/print"), &token, "{}").json();
    let page = world.send("GET", printed["url"].as_str().expect("a link"), "", "").text();
    assert!(page.contains("number 3") && page.contains("203.0.113.3"));
    for word in hidden {
        assert!(!page.contains(word), "{word} on the page");
    }
}

#[test]
fn v12_a_list_does_not_open_with_a_filter_over_what_is_hidden() {
    let world = World::start();
    let preset = "name = \"own\"\ntitle = \"Own\"\n[access]\nview = [\"owner\"]\n\
                  [viewer]\ndefault_query = \"ip:203.0.113.9\"\n";
    let put = world.send("PUT", "/v1/catalogs/own", &world.admin, preset);
    assert!(put.status < 300, "{}", put.text());
    let put = world.send("PUT", "/v1/workspaces/own", &world.admin, r#"{"preset": "own"}"#);
    assert!(put.status < 300, "{}", put.text());
    world.record("own", &json!({"action": "note.create"}));
    for (columns, query, rows) in [
        (json!({}), "ip:203.0.113.9", 0),
        (json!({"columns": ["occurred_at", "description"]}), "", 1),
    ] {
        let token = world.token("own", "owner", &columns);
        let boot = world.send("GET", "/v1/workspaces/own/viewer?rows=true", &token, "").json();
        assert_eq!(boot["viewer_section"]["default_query"], query);
        assert_eq!(boot["first"]["data"].as_array().map(Vec::len), Some(rows), "{boot}");
    }
}

#[test]
fn v12_a_token_reads_its_workspace_and_nothing_else() {
    let world = world();
    world.record("other", &json!({"action": "x.y", "description": "mark-of-other"}));
    let token = world.token("acme", "owner", &json!({}));
    for (method, path) in [
        ("GET", "/v1/workspaces/other/events"),
        ("GET", "/v1/workspaces/_system/events"),
        ("GET", "/v1/workspaces"),
        ("GET", "/v1/workspaces/acme"),
        ("GET", "/v1/catalogs"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/events"),
        ("POST", "/v1/workspaces/acme/events"),
        ("PUT", "/v1/workspaces/acme"),
        ("POST", "/v1/viewer-tokens"),
        ("GET", "/v1/views?workspace=other"),
    ] {
        let answer = world.send(method, path, &token, "{}");
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text());
        assert!(!answer.text().contains("mark-of-other"));
    }
}

#[test]
fn v12_a_token_ends_after_its_time_and_with_its_key() {
    let world = world();
    let path = format!("{HERE}/events");
    let short = world.token("acme", "owner", &json!({"ttl": 60}));
    let long = world.token("acme", "owner", &json!({}));
    world.clock.advance(59 * 1_000_000);
    assert_eq!(world.send("GET", &path, &short, "").status, 200);
    world.clock.advance(1_000_000);
    world.send("GET", &path, &short, "").problem(401, "token_expired");
    assert_eq!(world.send("GET", &path, &long, "").status, 200);
    world.clock.advance(3540 * 1_000_000);
    world.send("GET", &path, &long, "").problem(401, "token_expired");

    let key = world.key_info(&["read"], &["acme"]);
    let body = json!({"workspace": "acme", "viewer": {"id": "u", "name": "U"}, "role": "owner"});
    let minted = world.send(
        "POST",
        "/v1/viewer-tokens",
        key["key"].as_str().expect("key"),
        &body.to_string(),
    );
    let token = minted.json()["token"].as_str().expect("a token").to_owned();
    assert_eq!(world.send("GET", &path, &token, "").status, 200);
    let id = key["id"].as_str().expect("id");
    world.send("DELETE", &format!("/v1/keys/{id}"), &world.admin, "");
    world.send("GET", &path, &token, "").problem(401, "token_expired");
    for changed in [&token[..token.len() - 1], "pbv_", "pbv_AAAA", &format!("{token}A")] {
        world.send("GET", &path, changed, "").problem(401, "unauthenticated");
    }
}

#[test]
fn v12_a_request_for_a_token_is_checked_field_by_field() {
    let world = world();
    for (more, pointer) in [
        (json!({"ttl": 3601}), "/ttl"),
        (json!({"ttl": 0}), "/ttl"),
        (json!({"filter": "(actor:"}), "/filter"),
        (json!({"columns": ["password"]}), "/columns/0"),
        (json!({"origins": ["https://app.example/"]}), "/origins/0"),
        (json!({"origins": ["*"]}), "/origins/0"),
        (json!({"origins": ["https://a.example; script-src *"]}), "/origins/0"),
        (json!({"viewer": {"id": "u"}}), "/viewer/name"),
        (json!({"role": ""}), "/role"),
        (json!({"rolle": "owner"}), "/rolle"),
    ] {
        let answer = world.mint("acme", "owner", &more);
        assert_eq!(answer.status, 400, "{more}: {}", answer.text());
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{more}");
    }
    world.mint("nowhere", "owner", &json!({})).problem(404, "not_found");
    let reader = world.key(&["read"], &["acme"]);
    let body = json!({"workspace": "acme", "viewer": {"id": "u", "name": "U"}, "role": "owner", "manage": true});
    world.send("POST", "/v1/viewer-tokens", &reader, &body.to_string()).problem(403, "forbidden");
}

#[test]
fn v12_pages_of_other_sites_use_a_token_that_names_them() {
    let world = world();
    let ours = "https://app.acme.example";
    let token = world.token("acme", "owner", &json!({"origins": [ours]}));
    let ask = |token: &str, origin: &str| {
        let headers = [("authorization", format!("Bearer {token}")), ("origin", origin.to_owned())];
        world.send_with("GET", &format!("{HERE}/events"), &headers, b"")
    };
    let allowed = ask(&token, ours);
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some(ours));
    assert_eq!(allowed.header("access-control-allow-credentials"), None);
    let refused = ask(&token, "https://evil.example");
    assert_eq!(refused.header("access-control-allow-origin"), None);
    refused.problem(403, "origin_refused");
    ask(&world.token("acme", "owner", &json!({})), ours).problem(403, "origin_refused");
    assert_eq!(ask(&token, "http://127.0.0.1").status, 200, "our own pages always may");
    // A page can read why it is refused, so that it can ask for a new token.
    world.clock.advance(3600 * 1_000_000);
    let ended = ask(&token, ours);
    assert_eq!(ended.header("access-control-allow-origin"), Some(ours));
    ended.problem(401, "token_expired");
    // Keys are not for browsers.
    assert_eq!(ask(&world.admin, ours).header("access-control-allow-origin"), None);
}

#[test]
fn v12_a_preflight_is_answered_for_calls_of_viewers_alone() {
    let world = world();
    let ask = |path: &str, method: &str| {
        let headers = [
            ("origin", "https://app.acme.example".to_owned()),
            ("access-control-request-method", method.to_owned()),
            ("access-control-request-headers", "authorization".to_owned()),
        ];
        world.send_with("OPTIONS", path, &headers, b"")
    };
    for (path, method) in [
        ("/v1/workspaces/acme/events", "GET"),
        ("/v1/workspaces/acme/print", "POST"),
        ("/v1/views", "PUT"),
    ] {
        let answer = ask(path, method);
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), Some(method));
        assert!(
            answer
                .header("access-control-allow-headers")
                .is_some_and(|list| list.contains("authorization"))
        );
    }
    for (path, method) in [
        ("/v1/workspaces/acme/events", "POST"),
        ("/v1/keys", "GET"),
        ("/v1/viewer-tokens", "POST"),
        ("/console/session", "DELETE"),
        ("/nowhere", "GET"),
    ] {
        let answer = ask(path, method);
        assert!(answer.status >= 400, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
}

#[test]
fn v10_a_csv_file_has_the_columns_words_and_zone_that_were_asked_for() {
    let world = world();
    world.settle("acme", "clienwork", Some("enterprise"));
    let path = format!(
        "{HERE}/export?columns=occurred_at,actor_name,target_id,ip,before,after,leaf&headings=product&tz=Europe/Berlin&sort=seq&q=seq:3"
    );
    let german = world.get(&format!("{path}&lang=de-CH")).text();
    assert!(german.starts_with("\"Time\",\"User\",") && german.contains("\"Blatt-Hash\""));
    let text = world.get(&path).text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "\"Time\",\"User\",\"Target ID\",\"IP Address\",\"Old Value\",\"New Value\",\"Leaf hash\""
    );
    assert!(
        lines[1].starts_with("\"2026-11-20T10:00:00.000000+01:00\",\"secret.do by 3\",\"t-3\",\"203.0.113.3\",\"{\"\"plan\"\":\"\"free\"\"}\""),
        "{}",
        lines[1]
    );
    world.get(&format!("{HERE}/export?columns=seq,seq")).problem(400, "invalid_parameter");
    world.get(&format!("{HERE}/export?columns=nothing")).problem(400, "invalid_parameter");
    world
        .get(&format!("{HERE}/export?format=ndjson&columns=seq"))
        .problem(400, "invalid_parameter");
}

#[test]
fn v6_events_carry_labels_and_the_address_of_their_thing() {
    let world = World::start();
    world.settle("acme", "clienwork", None);
    let event = |id: &str, url: Value| {
        json!({
            "id": id, "action": "project.update", "actor": {"type": "user", "id": "u"},
            "targets": [{"type": "project", "id": "p 1/x", "name": "Website", "url": url}],
            "before": {"billing_cycle": "monthly"}, "after": {"billing_cycle": "annually"},
        })
    };
    world.record("acme", &event("own", json!("https://app.example/direct")));
    let mut without = event("module", Value::Null);
    without["targets"][0].as_object_mut().expect("a target").remove("url");
    world.record("acme", &without);
    let own = world.get(&format!("{HERE}/events/own")).json();
    assert_eq!(own["link"], json!({"url": "https://app.example/direct", "of": "target"}));
    assert_eq!(own["changes"][0]["label"], "Billing cycle");
    let list = world.get(&format!("{HERE}/events?q=id:module")).json();
    let link = json!({"url": "https://app.example/projects/p%201%2Fx", "of": "module"});
    assert_eq!(list["data"][0]["link"], link);
    // A file holds what the contract takes back.
    let file = world.get(&format!("{HERE}/export?format=ndjson")).text();
    assert!(!file.contains("\"link\"") && !file.contains("\"label\""));
}
