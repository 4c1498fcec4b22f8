//! Every route × every kind of credential × own and foreign workspace (I8). The rows stand here by
//! hand; a route without a row, or a row without a route, fails.

use std::io::Read as _;

use proofbook_server::routes::ROUTES;
use serde_json::json;

use crate::world::{Answer, World};

/// Who may call a route in its own workspace, and who in a foreign one. Letters are credentials, see
/// [`CREDENTIALS`]; small letters are bound to the workspace `own`, great ones to all.
struct Row(&'static str, &'static str, &'static str, &'static str);

const ANYBODY: &str = "-?xrwiaRWIAv";
const MATRIX: &[Row] = &[
    Row("POST", "/v1/events", "wiaWIA", "WIA"),
    Row("POST", "/v1/workspaces/{ws}/events", "wiaWIA", "WIA"),
    Row("GET", "/v1/workspaces/{ws}/events", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/events/{id}", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/events/{id}/context", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/events/seq/{seq}", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/events/seq/{seq}/proof", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/events/seq/{seq}/leaf", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/log/checkpoint", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/log/tile/{*tile}", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/log/consistency", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/log/openings", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/log/bundle", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/log/heads", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/log/keys", "raRAv", "RA"),
    Row("POST", "/v1/workspaces/{ws}/log/keys", "aA", "A"),
    Row("POST", "/v1/signing-seed", "A", "A"),
    Row("GET", "/v1/workspaces/{ws}/facets", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/histogram", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/tail", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/export", "raRAv", "RA"),
    Row("GET", "/v1/workspaces/{ws}/viewer", "raRAv", "RA"),
    Row("POST", "/v1/workspaces/{ws}/print", "raRAv", "RA"),
    Row("POST", "/v1/viewer-tokens", "raRA", "RA"),
    Row("GET", "/v1/views", "raRAv", "RA"),
    Row("PUT", "/v1/views", "aAv", "A"),
    Row("DELETE", "/v1/views", "aAv", "A"),
    Row("GET", "/v1/workspaces", "raRA", "raRA"),
    Row("GET", "/v1/workspaces/{ws}", "raRA", "RA"),
    Row("PUT", "/v1/workspaces/{ws}", "aA", "A"),
    Row("GET", "/v1/workspaces/{ws}/retention", "aA", "A"),
    Row("GET", "/v1/workspaces/{ws}/warnings", "raRAv", "RA"),
    Row("GET", "/v1/warnings", "A", "A"),
    Row("GET", "/v1/holds", "A", "A"),
    Row("POST", "/v1/holds", "A", "A"),
    Row("DELETE", "/v1/holds/{id}", "A", "A"),
    Row("GET", "/v1/erasures", "A", "A"),
    Row("POST", "/v1/erasures", "A", "A"),
    Row("GET", "/v1/erasures/{id}", "A", "A"),
    Row("DELETE", "/v1/erasures/{id}", "A", "A"),
    Row("POST", "/v1/erasures/{id}/approve", "A", "A"),
    Row("GET", "/v1/keys", "A", "A"),
    Row("POST", "/v1/keys", "A", "A"),
    Row("GET", "/v1/keys/{id}", "A", "A"),
    Row("DELETE", "/v1/keys/{id}", "A", "A"),
    Row("GET", "/v1/catalogs", "raRA", "raRA"),
    Row("GET", "/v1/catalogs/{name}", "raRA", "raRA"),
    Row("PUT", "/v1/catalogs/{name}", "A", "A"),
    Row("GET", "/v1/destinations", "A", "A"),
    Row("POST", "/v1/destinations", "A", "A"),
    Row("GET", "/v1/destinations/{id}", "A", "A"),
    Row("PUT", "/v1/destinations/{id}", "A", "A"),
    Row("DELETE", "/v1/destinations/{id}", "A", "A"),
    Row("POST", "/v1/destinations/{id}/pause", "A", "A"),
    Row("POST", "/v1/destinations/{id}/resume", "A", "A"),
    Row("POST", "/v1/destinations/{id}/replay", "A", "A"),
    Row("POST", "/v1/destinations/{id}/rotate", "A", "A"),
    Row("POST", "/v1/destinations/{id}/test", "A", "A"),
    Row("GET", "/v1/destinations/{id}/dead-letters", "A", "A"),
    Row("POST", "/v1/destinations/{id}/dead-letters/resend", "A", "A"),
    Row("GET", "/v1/rules", "A", "A"),
    Row("POST", "/v1/rules", "A", "A"),
    Row("GET", "/v1/rules/{id}", "A", "A"),
    Row("PUT", "/v1/rules/{id}", "A", "A"),
    Row("DELETE", "/v1/rules/{id}", "A", "A"),
    Row("POST", "/v1/rules/{id}/test", "A", "A"),
    Row("GET", "/v1/workspaces/{ws}/notifications", "aA", "A"),
    Row("PUT", "/v1/workspaces/{ws}/notifications", "aA", "A"),
    Row("GET", "/errors/{code}", ANYBODY, ANYBODY),
    Row("GET", "/healthz", ANYBODY, ANYBODY),
    Row("GET", "/readyz", ANYBODY, ANYBODY),
    Row("GET", "/metrics", ANYBODY, ANYBODY),
    Row("GET", "/openapi.json", ANYBODY, ANYBODY),
    Row("GET", "/", ANYBODY, ANYBODY),
    Row("GET", "/page.css", ANYBODY, ANYBODY),
    Row("GET", "/viewer.js", ANYBODY, ANYBODY),
    Row("GET", "/viewer/{file}", ANYBODY, ANYBODY),
    Row("GET", "/viewer/{folder}/{file}", ANYBODY, ANYBODY),
    Row("GET", "/page/{file}", ANYBODY, ANYBODY),
    Row("GET", "/favicon.ico", ANYBODY, ANYBODY),
    Row("GET", "/w/{ws}", ANYBODY, ANYBODY),
    Row("GET", "/w/{ws}/e/{id}", ANYBODY, ANYBODY),
    Row("POST", "/w/{ws}/e/{id}", ANYBODY, ANYBODY),
    Row("GET", "/embed/{ws}", ANYBODY, ANYBODY),
    Row("GET", "/portal/{secret}", ANYBODY, ANYBODY),
    Row("GET", "/print/{ws}", ANYBODY, ANYBODY),
    Row("GET", "/console", ANYBODY, ANYBODY),
    Row("GET", "/console/setup", ANYBODY, ANYBODY),
    Row("POST", "/console/setup", ANYBODY, ANYBODY),
    Row("GET", "/console/state", ANYBODY, ANYBODY),
    Row("POST", "/console/session", ANYBODY, ANYBODY),
    Row("GET", "/console/session", "", ""),
    Row("DELETE", "/console/session", "", ""),
    Row("POST", "/console/operators", "", ""),
    Row("POST", "/console/token", "", ""),
    Row("GET", "/demo/{preset}", ANYBODY, ANYBODY),
    Row("GET", "/demo/{preset}/token", ANYBODY, ANYBODY),
    Row("POST", "/demo/{preset}/token", ANYBODY, ANYBODY),
];

/// Letter, scopes, workspaces. `v` is a viewer token, made with a key of all workspaces. `-` sends no key, `?` one that nobody made, `x` a revoked one.
const CREDENTIALS: &[(char, &[&str], &[&str])] = &[
    ('-', &[], &[]),
    ('?', &[], &[]),
    ('x', &["admin"], &["*"]),
    ('r', &["read"], &["own"]),
    ('w', &["write"], &["own"]),
    ('i', &["import"], &["own"]),
    ('a', &["admin"], &["own"]),
    ('R', &["read"], &["*"]),
    ('W', &["write"], &["*"]),
    ('I', &["import"], &["*"]),
    ('A', &["admin"], &["*"]),
    ('v', &[], &["own"]),
];

const OWN_MARK: &str = "mark-of-own";
const FOREIGN_MARK: &str = "mark-of-foreign";

fn world() -> World {
    let world = World::start();
    for (workspace, mark) in [("own", OWN_MARK), ("foreign", FOREIGN_MARK)] {
        world.record(workspace, &json!({"id": "e-1", "action": "x.y", "description": mark}));
    }
    world
}

fn credentials(world: &World) -> Vec<(char, String)> {
    CREDENTIALS
        .iter()
        .map(|(letter, scopes, workspaces)| {
            let key = match letter {
                '-' => String::new(),
                '?' => "pb_aaaaaaaaaaaa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
                'v' => world.token("own", "owner", &json!({})),
                'x' => {
                    let key = world.key_info(scopes, workspaces);
                    let path = format!("/v1/keys/{}", key["id"].as_str().expect("id"));
                    assert_eq!(world.send("DELETE", &path, &world.admin, "").status, 200);
                    key["key"].as_str().expect("key").to_owned()
                }
                _ => world.key(scopes, workspaces),
            };
            (*letter, key)
        })
        .collect()
}

/// Calls a route in a workspace. Answers to a tail do not end, so a piece of the body is read.
fn call(world: &World, method: &str, path: &str, key: &str, workspace: &str) -> Answer {
    let address = path
        .replace("{ws}", workspace)
        .replace("{seq}", "0")
        .replace("{*tile}", "entries/000.p/1")
        .replace("{name}", "default")
        .replace("{code}", "conflict")
        .replace("{preset}", "clienwork");
    let address = match (path, method) {
        ("/v1/keys/{id}", _) => "/v1/keys/nobody".to_owned(),
        (p, _) if p.ends_with("/facets") => format!("{address}?field=action"),
        (p, _) if p.ends_with("/consistency") => format!("{address}?from=0"),
        (p, _) if p.ends_with("/tail") => format!("{address}?after=0"),
        ("/v1/views", "GET") => format!("{address}?workspace={workspace}"),
        ("/v1/views", "DELETE") => format!("{address}?workspace={workspace}&name=none"),
        ("/v1/catalogs/{name}", "PUT") => format!("{address}?check=true"),
        _ => address.replace("{id}", "e-1"),
    };
    let body = match (method, path) {
        ("POST", "/v1/events") => json!({"action": "x.y", "workspace": workspace}),
        ("POST", "/v1/workspaces/{ws}/events") => json!({"action": "x.y"}),
        ("POST", "/v1/keys") => json!({"name": "n", "scopes": ["read"], "workspaces": ["own"]}),
        ("PUT", "/v1/workspaces/{ws}") => json!({"name": "N"}),
        ("POST", "/v1/workspaces/{ws}/print") => json!({}),
        ("PUT", "/v1/views") => json!({"workspace": workspace, "name": "mine", "query": "x"}),
        ("POST", "/v1/viewer-tokens") => {
            json!({"workspace": workspace, "viewer": {"id": "u", "name": "U"}, "role": "owner"})
        }
        _ => json!(null),
    };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut headers = Vec::new();
    if !key.is_empty() {
        headers.push(("authorization", format!("Bearer {key}")));
    }
    if (method, path) == ("POST", "/w/{ws}/e/{id}") {
        // It is taken from its own page alone.
        headers.push(("sec-fetch-site", "same-origin".to_owned()));
    }
    let mut stream = world.open(method, &address, &headers, body.as_bytes());
    let mut bytes = Vec::new();
    let mut piece = [0; 64 * 1024];
    loop {
        let count = stream.read(&mut piece).expect("an answer");
        bytes.extend_from_slice(&piece[..count]);
        let has_head = bytes.windows(4).any(|window| window == b"\r\n\r\n");
        if count == 0 || has_head && path.ends_with("/tail") {
            return Answer::parse(&bytes);
        }
    }
}

#[test]
fn a7_every_route_has_a_row_and_every_row_a_route() {
    let mut rows: Vec<(&str, &str)> = MATRIX.iter().map(|row| (row.0, row.1)).collect();
    let mut routes: Vec<(&str, &str)> =
        ROUTES.iter().map(|route| (route.method, route.path)).collect();
    rows.sort_unstable();
    routes.sort_unstable();
    assert_eq!(rows, routes);
}

#[test]
fn a7_every_cell_of_the_matrix_answers_as_its_row_says() {
    let world = world();
    let credentials = credentials(&world);
    let mut cells = 0;
    for Row(method, path, own, foreign) in MATRIX {
        for (letter, key) in &credentials {
            for (workspace, allowed, other_mark) in
                [("own", own, FOREIGN_MARK), ("foreign", foreign, OWN_MARK)]
            {
                let answer = call(&world, method, path, key, workspace);
                let cell = format!("{method} {path} as {letter} in {workspace}: {}", answer.text());
                cells += 1;
                if allowed.contains(*letter) {
                    assert!(
                        !matches!(answer.status, 401 | 403 | 500..),
                        "{}: {cell}",
                        answer.status
                    );
                    assert!(!answer.text().contains(other_mark), "{cell}");
                } else {
                    let expected = if "-?x".contains(*letter) { 401 } else { 403 };
                    assert_eq!(answer.status, expected, "{cell}");
                    assert!(!answer.text().contains("mark-of"), "{cell}");
                }
            }
        }
    }
    assert_eq!(cells, MATRIX.len() * CREDENTIALS.len() * 2);
}

#[test]
fn a_foreign_workspace_answers_the_same_whether_it_exists_or_not() {
    let world = world();
    let key = world.key(&["read"], &["own"]);
    let strip = |workspace: &str| {
        let answer = world.send("GET", &format!("/v1/workspaces/{workspace}/events"), &key, "");
        let mut document = answer.problem(403, "foreign_workspace");
        document["request_id"] = json!("");
        document["detail"] =
            document["detail"].as_str().map(|text| text.replace(workspace, "…")).into();
        document
    };
    assert_eq!(strip("foreign"), strip("nowhere"));
    assert_eq!(strip("foreign"), strip("_system"));
}

#[test]
fn the_system_workspace_is_for_admins_of_everything_and_for_who_is_named() {
    let world = world();
    let read = |key: &str| world.send("GET", "/v1/workspaces/_system/events", key, "").status;
    assert_eq!(read(&world.key(&["read"], &["*"])), 403);
    assert_eq!(read(&world.key(&["admin"], &["own"])), 403);
    assert_eq!(read(&world.key(&["read"], &["_system"])), 200);
    assert_eq!(read(&world.admin), 200);
    let list = world.send("GET", "/v1/workspaces", &world.key(&["read"], &["*"]), "").text();
    assert!(!list.contains("_system"), "{list}");
}

#[test]
fn no_other_spelling_of_an_address_gets_past_the_key() {
    let world = world();
    let key = world.key(&["read"], &["own"]);
    let spellings = [
        "//v1/workspaces/foreign/events",
        "/v1//workspaces/foreign/events",
        "/v1/workspaces//foreign/events",
        "/v1/workspaces/foreign/events/",
        "/v1/workspaces/own/../foreign/events",
        "/v1/workspaces/own%2f..%2fforeign/events",
        "/v1/workspaces/%66oreign/events",
        "/v1/workspaces/%2566oreign/events",
        "/v1/workspaces/own%00/events",
        "/v1/workspaces/FOREIGN/events",
        "/v1/workspaces/own;foreign/events",
        "/v1/workspaces/*/events",
        "/v1/workspaces/own/events?workspace=foreign",
        "/V1/workspaces/foreign/events",
        "/./v1/workspaces/foreign/events",
    ];
    for path in spellings {
        for method in ["GET", "HEAD", "OPTIONS", "POST", "TRACE", "PATCH"] {
            for (header, value) in [
                ("x-nothing", "1"),
                ("x-http-method-override", "GET"),
                ("x-original-url", "/v1/workspaces/foreign/events"),
                ("x-workspace", "foreign"),
            ] {
                let headers =
                    [("authorization", format!("Bearer {key}")), (header, value.to_owned())];
                let answer = world.send_with(method, path, &headers, b"");
                assert!(answer.status >= 400, "{method} {path}: {}", answer.status);
                assert!(!answer.text().contains(FOREIGN_MARK), "{method} {path}");
            }
        }
    }
}

#[test]
fn random_requests_of_one_tenant_never_show_the_other() {
    let world = world();
    let key = world.key(&["read", "write"], &["own"]);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut pick = |list: &[&'static str]| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        list[(state % list.len() as u64) as usize]
    };
    for _ in 0..1500 {
        let workspace = pick(&["own", "foreign", "_system", "*", "", "own%2fforeign", "nobody"]);
        let tail = pick(&[
            "/events",
            "/events/e-1",
            "/events/seq/0",
            "/facets",
            "/histogram",
            "/export",
            "",
        ]);
        let query = pick(&[
            "",
            "?q=mark",
            "?field=action",
            "?q=workspace:foreign",
            "?cursor=AAAA",
            "?q=seq:0",
            "?format=ndjson",
        ]);
        let answer =
            world.send("GET", &format!("/v1/workspaces/{workspace}{tail}{query}"), &key, "");
        assert!(!answer.text().contains(FOREIGN_MARK), "{workspace}{tail}{query}");
        assert!(answer.status < 500, "{}", answer.text());
    }
}
