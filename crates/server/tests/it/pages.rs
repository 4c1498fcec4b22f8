//! The page at `/`, the description at `/openapi.json`, health and metrics.

use std::collections::BTreeSet;

use proofbook_server::access::Needs;
use proofbook_server::routes::ROUTES;
use serde_json::{Value, json};

use crate::world::World;

#[test]
fn a7_openapi_describes_every_route_and_no_other() {
    let world = World::start();
    let document = world.get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            if method == "parameters" {
                continue;
            }
            described.insert((method.to_uppercase(), path.clone()));
            let id = operation["operationId"].as_str().expect("an operation id").to_owned();
            assert!(operations.insert(id.clone()), "{id} twice");
            assert!(operation["summary"].is_string(), "{id}");
            // A parameter that takes the rest of an address has a star in the router only.
            let route = path.replace("{tile}", "{*tile}");
            let needs = proofbook_server::routes::find(&method.to_uppercase(), &route)
                .map(|route| route.needs);
            let open = matches!(needs, Some(Needs::Nothing | Needs::OpenPage));
            assert_eq!(operation["security"] == json!([]), open, "{id}");
            let responses = operation["responses"].as_object().expect("responses");
            assert!(open || responses.contains_key("default"), "{id} tells of no problem");
            for name in path.split('{').skip(1).filter_map(|part| part.split('}').next()) {
                assert!(has_parameter(item, operation, &document, name), "{id} lacks {name}");
            }
        }
    }
    let routes: BTreeSet<(String, String)> = ROUTES
        .iter()
        .map(|route| (route.method.to_owned(), route.path.replace("{*", "{")))
        .collect();
    assert_eq!(described, routes);
    check_references(&document, &document);
}

fn has_parameter(item: &Value, operation: &Value, document: &Value, name: &str) -> bool {
    [&item["parameters"], &operation["parameters"]].into_iter().any(|list| {
        list.as_array().is_some_and(|list| {
            list.iter().any(|parameter| {
                let target = parameter["$ref"].as_str().and_then(|at| document.pointer(&at[1..]));
                target.unwrap_or(parameter)["name"] == name
            })
        })
    })
}

/// Checks that every `$ref` leads somewhere.
fn check_references(value: &Value, document: &Value) {
    match value {
        Value::Object(members) => {
            if let Some(at) = members.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(&at[1..]).is_some(), "{at} leads nowhere");
            }
            members.values().for_each(|value| check_references(value, document));
        }
        Value::Array(items) => items.iter().for_each(|value| check_references(value, document)),
        _ => {}
    }
}

#[test]
fn a7_openapi_names_every_code_of_a_problem() {
    let world = World::start();
    let document = world.get("/openapi.json").json();
    let named = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].clone();
    let codes: Vec<&str> =
        proofbook_server::problem::Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(named, json!(codes));
}

#[test]
fn the_page_shows_nothing_unless_it_was_opened() {
    let world = World::start();
    world.record("acme", &json!({"action": "x.y", "description": "a secret"}));
    let text = world.send("GET", "/?workspace=acme", "", "").text();
    assert!(text.contains("curl") && !text.contains("secret") && !text.contains("acme</a>"));
}

#[test]
fn the_open_page_shows_workspaces_and_events_to_this_machine() {
    let world = World::with(&[("open_page", "true")]);
    world.record("acme", &json!({"action": "x.y", "description": "Ada renamed Website"}));
    world.record("other", &json!({"action": "x.y", "description": "Bob left"}));
    let page = |path: &str, host: &str| {
        let mut stream = world.connect();
        use std::io::{Read as _, Write as _};
        let head = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("an answer");
        crate::world::Answer::parse(&bytes).text()
    };
    let here = page("/", "127.0.0.1:7676");
    assert!(here.contains("Ada renamed Website") && here.contains("other</a>"), "{here}");
    assert!(!here.contains("_system"));
    let other = page("/?workspace=other&q=left", "localhost");
    assert!(other.contains("Bob left") && !other.contains("Website"));
    assert!(page("/?workspace=other&q=actr:x", "[::1]:1").contains("class=\"problem\""));
    assert!(!page("/?workspace=_system", "localhost").contains("audit_log"));
    // A name that somebody pointed at this machine is not this machine's.
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""] {
        assert!(!page("/", host).contains("Ada renamed"), "{host}");
    }
}

#[test]
fn what_events_hold_never_becomes_markup() {
    let world = World::with(&[("open_page", "true")]);
    let payloads = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onfocus='alert(1)' autofocus='",
        "</td></tr></table><svg onload=alert(1)>",
    ];
    for payload in payloads {
        world.record("acme", &json!({
            "action": "x.y", "description": payload, "actor": {"name": payload}, "context": {"ip": payload},
        }));
        let encoded: String = payload.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let text = world.get(&format!("/?workspace=acme&q={encoded}")).text();
        let text = format!("{text}{}", world.get(&format!("/?workspace={encoded}")).text());
        for tag in ["<script", "<img", "<svg", "onerror=alert(1)>", "' onfocus"] {
            assert!(!text.contains(tag), "{payload}: {text}");
        }
    }
}

#[test]
fn health_and_metrics_name_no_workspace_and_no_key() {
    let world = World::start();
    world.record("a-customer-name", &json!({"action": "x.y"}));
    assert_eq!(world.send("GET", "/healthz", "", "").status, 200);
    assert_eq!(world.send("GET", "/readyz", "", "").json()["status"], "ready");
    let metrics = world.send("GET", "/metrics", "", "").text();
    assert!(metrics.contains("proofbook_ingested_events_total{result=\"created\"} 1"), "{metrics}");
    assert!(!metrics.contains("a-customer-name") && !metrics.contains("pb_"));
    // Each family is described once, and every line is `name{labels} number`.
    let mut families = BTreeSet::new();
    for line in metrics.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert!(families.insert(rest.split(' ').next().map(str::to_owned)), "{line}");
        } else if !line.starts_with('#') {
            let (_, number) = line.rsplit_once(' ').expect("a value");
            assert!(number.parse::<f64>().is_ok(), "{line}");
        }
    }
}

#[test]
fn v12_the_readmes_snippet_is_the_guides_which_a_browser_test_runs() {
    let block = |text: &str| {
        let from = text.find("```html").expect("a block of HTML");
        let end = text[from + 3..].find("```").expect("its end");
        text[from..from + 3 + end].to_owned()
    };
    let readme = block(include_str!("../../../../README.md"));
    assert_eq!(readme, block(include_str!("../../../../docs/guide/embed.md")));
    assert!(readme.contains("<audit-log workspace="));
}
