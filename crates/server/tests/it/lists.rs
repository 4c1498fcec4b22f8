//! Lists, cursors, pollers, facets, histograms, context, over HTTP.

use serde_json::{Value, json};

use crate::world::World;

const PATH: &str = "/v1/workspaces/acme/events";

fn world(count: usize) -> World {
    let world = World::start();
    let events: Vec<Value> = (0..count)
        .map(|n| {
            json!({
                "action": if n % 3 == 0 { "project.update" } else { "member.invite" },
                "id": format!("e{n}"),
                "occurred_at": format!("2026-11-{:02}T10:00:00Z", 1 + n % 20),
                "actor": {"type": "user", "id": format!("u{}", n % 4), "name": format!("User {}", n % 4)},
                "context": {"ip": format!("203.0.113.{}", n % 5), "country": "DE"},
            })
        })
        .collect();
    assert_eq!(world.post(PATH, &Value::from(events).to_string()).status, 201);
    world
}

fn ids(page: &Value) -> Vec<String> {
    let data = page["data"].as_array().expect("data");
    data.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn cursors_reach_every_event_once_while_new_ones_arrive() {
    let world = world(95);
    let mut seen = Vec::new();
    let mut path = format!("{PATH}?limit=20");
    let last = loop {
        let page = world.get(&path).json();
        assert_eq!(page["total"], 95, "later pages ignore newer events, also in totals");
        seen.extend(ids(&page));
        world.record("acme", &json!({"action": "x.late", "occurred_at": "2026-11-10T10:00:00Z"}));
        let Some(next) = page["next_cursor"].as_str() else { break page };
        path = format!("{PATH}?limit=20&cursor={next}");
    };
    assert_eq!(seen.len(), 95);
    let unique: std::collections::HashSet<&String> = seen.iter().collect();
    assert_eq!(unique.len(), 95);
    // And back again.
    let mut back = Vec::new();
    let mut page = last;
    while let Some(prev) = page["prev_cursor"].as_str() {
        page = world.get(&format!("{PATH}?limit=20&cursor={prev}")).json();
        back.splice(0..0, ids(&page));
    }
    assert_eq!(back, seen[..80]);
}

#[test]
fn the_link_header_leads_to_the_next_page() {
    let world = world(50);
    let answer = world.get(&format!("{PATH}?q=action:member.*&limit=10"));
    let link = answer.header("link").expect("a Link").to_owned();
    let address = link.trim_start_matches('<').split('>').next().expect("an address");
    assert!(link.contains("rel=\"next\""), "{link}");
    let next = world.get(address).json();
    let cursor = answer.json()["next_cursor"].as_str().expect("a cursor").to_owned();
    let same = world.get(&format!("{PATH}?q=action:member.*&limit=10&cursor={cursor}")).json();
    assert_eq!(next["data"], same["data"]);
    assert!(world.get(&format!("{PATH}?limit=100")).header("link").is_none());
}

#[test]
fn a_cursor_of_another_query_or_another_hand_is_refused() {
    let world = world(50);
    let cursor = world.get(&format!("{PATH}?limit=5")).json()["next_cursor"]
        .as_str()
        .expect("one")
        .to_owned();
    for query in ["q=action:x", "sort=oldest", "from=2026-11-01", "tz=Europe/Berlin"] {
        let answer = world.get(&format!("{PATH}?limit=5&{query}&cursor={cursor}"));
        answer.problem(400, "invalid_cursor");
    }
    for at in 0..cursor.len() {
        let mut forged = cursor.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).expect("ASCII");
        let answer = world.get(&format!("{PATH}?limit=5&cursor={forged}"));
        // The last character holds bits that the encoding does not use.
        assert!(answer.status == 400 || at + 1 == cursor.len(), "character {at}");
    }
}

#[test]
fn pages_times_zones_and_sorts_are_taken() {
    let world = world(60);
    let page = world.get(&format!("{PATH}?page=2&limit=25")).json();
    assert_eq!((page["page"].as_u64(), page["pages"].as_u64()), (Some(2), Some(3)));
    assert_eq!(ids(&page).len(), 25);
    let newest = ids(&world.get(&format!("{PATH}?limit=60")).json());
    let mut oldest = ids(&world.get(&format!("{PATH}?limit=60&sort=oldest")).json());
    oldest.reverse();
    assert_eq!(newest, oldest);
    let day = world.get(&format!("{PATH}?from=2026-11-03&to=2026-11-03")).json();
    assert_eq!(day["total"], 3);
    // In Auckland 10:00 UTC is the same day, 23:00.
    let there =
        world.get(&format!("{PATH}?from=2026-11-03&to=2026-11-03&tz=Pacific/Auckland")).json();
    assert_eq!(there["total"], 3);
    // In Kiritimati (UTC+14) it is the next one.
    let there =
        world.get(&format!("{PATH}?from=2026-11-04&to=2026-11-04&tz=Pacific/Kiritimati")).json();
    assert_eq!(ids(&there), ids(&day));
}

#[test]
fn a_poller_sees_every_event_once() {
    let world = world(30);
    let mut seen = Vec::new();
    let mut after = 0;
    for round in 0..20 {
        let page = world.get(&format!("{PATH}?sort=seq&after={after}&limit=7")).json();
        seen.extend(
            page["data"]
                .as_array()
                .expect("data")
                .iter()
                .map(|event| event["seq"].as_u64().expect("seq")),
        );
        after = page["after"].as_u64().expect("after");
        if round < 5 {
            world.record("acme", &json!({"action": "x.y", "occurred_at": "2026-01-01T00:00:00Z"}));
        }
    }
    assert_eq!(seen, (1..35).collect::<Vec<u64>>());
}

#[test]
fn facets_and_histogram_add_up() {
    let world = world(60);
    let facets = world.get("/v1/workspaces/acme/facets?field=action").json();
    assert_eq!(facets["values"][0], json!({"value": "member.invite", "count": 40}));
    assert_eq!(facets["values"][1], json!({"value": "project.update", "count": 20}));
    assert_eq!((facets["other"].as_u64(), facets["complete"].as_bool()), (Some(0), Some(true)));
    let few = world.get("/v1/workspaces/acme/facets?field=actor.id&limit=1&prefix=u").json();
    assert_eq!(few["values"].as_array().map(Vec::len), Some(1));
    assert_eq!(few["other"], 45);
    let histogram = world
        .get("/v1/workspaces/acme/histogram?interval=day&split=action&q=outcome:success")
        .json();
    let buckets = histogram["buckets"].as_array().expect("buckets");
    assert_eq!(buckets.len(), 20);
    assert_eq!(
        buckets.iter().map(|bucket| bucket["count"].as_u64().expect("count")).sum::<u64>(),
        60
    );
    assert_eq!(buckets[0]["start"], "2026-11-01T00:00:00.000000Z");
    let auto = world.get("/v1/workspaces/acme/histogram?from=2026-11-22T09:00:00Z").json();
    assert_eq!(auto["interval"], "minute");
}

#[test]
fn context_tells_what_the_log_knows() {
    let world = world(60);
    let context = world.get(&format!("{PATH}/e4/context")).json();
    assert_eq!(context["ip"]["value"], "203.0.113.4");
    assert_eq!(context["ip"]["events"], 12);
    assert_eq!(context["country"]["events"], 60);
    assert_eq!(context["country"]["actors"], 4);
    world.get(&format!("{PATH}/nobody/context")).problem(404, "not_found");
}

#[test]
fn lists_survive_the_pack() {
    let world = world(60);
    let before = world.get(&format!("{PATH}?limit=60")).json();
    world.store.pack_soon();
    let begun = std::time::Instant::now();
    while world.store.view().segments.is_empty() {
        assert!(begun.elapsed() < crate::world::PATIENCE, "never packed");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let after = world.get(&format!("{PATH}?limit=60")).json();
    assert_eq!(before["data"], after["data"]);
    assert_eq!(before["head"], after["head"]);
    assert_eq!(world.get(&format!("{PATH}/e7")).json()["id"], "e7");
}

#[test]
fn the_first_rows_of_the_viewer_are_those_of_the_list() {
    let world = world(45);
    let boot = |asked: &str| world.get(&format!("/v1/workspaces/acme/viewer{asked}")).json();
    for asked in [
        "limit=20",
        "limit=20&q=action:member.*&tz=Europe/Berlin",
        "sort=oldest&limit=7",
        "limit=20&from=2026-11-05&to=2026-11-07",
    ] {
        let first = &boot(&format!("?rows=true&{asked}"))["first"];
        let list = world.get(&format!("{PATH}?{asked}")).json();
        assert_eq!(*first, list, "{asked}");
        if let Some(cursor) = first["next_cursor"].as_str() {
            let next = world.get(&format!("{PATH}?{asked}&cursor={cursor}")).json();
            assert_eq!(next["total"], list["total"], "{asked}");
            assert_ne!(ids(&next), ids(&list), "{asked}");
        }
    }
    assert_eq!(boot("")["first"], Value::Null);
    let wrong = boot("?rows=true&q=actr:x");
    assert_eq!((&wrong["first"], &wrong["total"]), (&Value::Null, &json!(45)));
}

#[test]
fn the_first_rows_follow_the_preset_where_nothing_is_asked_for() {
    let world = world(45);
    let text = "name = \"own\"\ntitle = \"History\"\npath = \"Team\"\n[access]\nview = [\"owner\"]\n\
                [viewer]\npage_size = 3\norder = \"oldest\"\ndefault_query = \"action:member.*\"\n\
                default_range = \"2026-11-03\"\n";
    assert_eq!(world.send("PUT", "/v1/catalogs/own", &world.admin, text).status, 201);
    world.settle("acme", "own", None);
    let first = &world.get("/v1/workspaces/acme/viewer?rows=true").json()["first"];
    let list =
        world.get(&format!("{PATH}?limit=3&sort=oldest&from=2026-11-03&q=action:member.*")).json();
    assert_eq!(ids(first), ids(&list));
    assert_eq!(ids(first).len(), 3);
    let asked =
        &world.get("/v1/workspaces/acme/viewer?rows=true&q=action:project.*").json()["first"];
    assert_eq!(asked["total"], 15, "who asks for something gets that alone");
}
