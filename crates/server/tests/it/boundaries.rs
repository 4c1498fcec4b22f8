//! P1 to the second, over every answer of the API: an event is there up to the moment at which its
//! retention ends, and in nothing any more after it; and so from the moment that a plan changes.
//!
//! The moments are written down by hand, leap days included.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};

use serde_json::{Value, json};

use crate::world::World;

const SECOND: i64 = 1_000_000;
const WORKSPACE: &str = "/v1/workspaces/acme";

fn time(text: &str) -> i64 {
    proofbook_event::Timestamp::parse(text).expect("a time").micros()
}

/// Moves the clock on to a moment.
fn until(world: &World, micros: i64) {
    let ahead = micros - world.store.now().micros();
    world.clock.advance(u64::try_from(ahead).expect("time goes on"));
}

fn put(world: &World, settings: &Value) {
    let answer = world.send("PUT", WORKSPACE, &world.admin, &settings.to_string());
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
}

fn record(world: &World, id: &str, occurred_at: i64) {
    let occurred_at = proofbook_event::Timestamp::from_micros(occurred_at).to_string();
    let event = json!({
        "id": id, "action": "note.create", "occurred_at": occurred_at,
        "actor": {"type": "user", "id": "u_7", "name": "Ada Park"},
        "context": {"ip": "203.0.113.9", "country": "DE"},
    });
    world.record("acme", &event);
}

/// Returns the ids in a list of events.
fn ids<'v>(events: impl IntoIterator<Item = &'v Value>) -> BTreeSet<String> {
    events.into_iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect()
}

/// Asks in every way there is and checks that each answer holds exactly these events. `old` has seq 1;
/// `new` is always there and `begin` never.
fn check(world: &World, has_old: bool) {
    let now = world.store.now();
    let due: BTreeSet<String> = ["old", "new"]
        .into_iter()
        .filter(|id| has_old || *id == "new")
        .map(str::to_owned)
        .collect();
    let get = |rest: &str| {
        let answer = world.get(&format!("{WORKSPACE}/{rest}"));
        assert_eq!(answer.status, 200, "{rest} at {now}: {}", answer.text());
        answer
    };
    let sum = |values: &Value| -> u64 {
        let values = values.as_array().expect("an array").iter();
        values.map(|value| value["count"].as_u64().expect("a count")).sum()
    };
    for sort in ["newest", "oldest", "seq"] {
        let list = get(&format!("events?sort={sort}")).json();
        assert_eq!(ids(list["data"].as_array().expect("data")), due, "list, {sort}, at {now}");
        assert_eq!(list["total"], due.len(), "total at {now}");
    }
    let poll = get("events?sort=seq&after=0").json();
    assert_eq!(ids(poll["data"].as_array().expect("data")), due, "poll at {now}");
    let facets = get("facets?field=action").json();
    assert_eq!(sum(&facets["values"]), due.len() as u64, "facet at {now}: {facets}");
    let histogram = get("histogram?interval=month").json();
    assert_eq!(sum(&histogram["buckets"]), due.len() as u64, "histogram at {now}: {histogram}");
    let status = if has_old { 200 } else { 404 };
    for rest in ["events/old", "events/seq/1", "events/old/context"] {
        assert_eq!(world.get(&format!("{WORKSPACE}/{rest}")).status, status, "{rest} at {now}");
    }
    let context = get("events/new/context").json();
    assert_eq!(context["ip"]["events"], due.len(), "context at {now}: {context}");
    for format in ["csv", "ndjson", "parquet"] {
        assert_eq!(exported(&get(&format!("export?format={format}")).body, format), due, "{now}");
    }
    assert_eq!(tailed(world, due.len()), due, "tail at {now}");
}

/// Reads the ids out of an export.
fn exported(bytes: &[u8], format: &str) -> BTreeSet<String> {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};

    match format {
        "csv" => {
            let mut reader = csv::Reader::from_reader(bytes);
            let header = reader.headers().expect("a header").clone();
            let at = header.iter().position(|name| name == "id").expect("a column of ids");
            reader.records().map(|row| row.expect("a row")[at].to_owned()).collect()
        }
        "ndjson" => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let events: Vec<Value> =
                text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            ids(&events)
        }
        _ => {
            let bytes = bytes::Bytes::copy_from_slice(bytes);
            let reader = SerializedFileReader::new(bytes).expect("a Parquet file");
            let rows = reader.get_row_iter(None).expect("rows").map(|row| row.expect("a row"));
            let id = |row: parquet::record::Row| {
                let column = row.get_column_iter().find(|(name, _)| *name == "id");
                let (_, id) = column.expect("a column of ids");
                id.to_string().trim_matches('"').to_owned()
            };
            rows.map(id).collect()
        }
    }
}

/// Reads as many events as are due from a tail that begins behind the first; what comes too much would
/// come first, since a tail goes by seq.
fn tailed(world: &World, count: usize) -> BTreeSet<String> {
    let headers =
        [("authorization", format!("Bearer {}", world.admin)), ("last-event-id", "0".to_owned())];
    let stream = world.open("GET", &format!("{WORKSPACE}/tail"), &headers, b"");
    let mut lines = BufReader::new(stream).lines();
    let mut events: Vec<Value> = Vec::new();
    while events.len() < count {
        let line = lines.next().expect("the tail goes on").expect("a line");
        if let Some(data) = line.strip_prefix("data: ") {
            events.push(serde_json::from_str(data).expect("JSON"));
        }
    }
    ids(&events)
}

#[test]
fn p1_every_answer_ends_to_the_second_leap_days_included() {
    let plan = |plan: &str| json!({"preset": "clienwork", "plan": plan});
    let of_action = json!({
        "preset": "clienwork", "plan": "enterprise", "retention_actions": {"note.create": "90d"},
    });
    let own = json!({"preset": "clienwork", "plan": "enterprise", "retention": "7200s"});
    for (settings, happened, ends) in [
        (plan("free"), "2026-12-01T00:00:00Z", "2026-12-31T00:00:00Z"),
        (plan("basic"), "2026-12-01T12:00:00.000001Z", "2027-03-01T12:00:00.000001Z"),
        (of_action, "2027-12-01T12:00:00Z", "2028-02-29T12:00:00Z"),
        (own, "2028-02-28T23:00:00Z", "2028-02-29T01:00:00Z"),
        (plan("pro"), "2026-12-31T23:59:59.5Z", "2027-12-31T23:59:59.5Z"),
        // A year without a leap day, over one.
        (plan("pro"), "2027-02-28T12:00:00Z", "2028-02-28T12:00:00Z"),
        (plan("pro"), "2027-03-01T12:00:00Z", "2028-03-01T12:00:00Z"),
        // What happened on a leap day is kept through the 28th of the year after it, and no longer.
        (plan("pro"), "2028-02-29T12:00:00Z", "2029-02-28T23:59:59.999999Z"),
    ] {
        let world = World::start();
        put(&world, &settings);
        let (happened, ends) = (time(happened), time(ends));
        until(&world, happened);
        let earlier = if settings["retention"] == "7200s" { 4_000 } else { 13 * 3_600 };
        record(&world, "begin", happened - earlier * SECOND);
        record(&world, "old", happened);
        until(&world, ends - 3_000 * SECOND);
        record(&world, "new", ends - 3_000 * SECOND);
        // The first one ended before; packed and recent ones are judged alike.
        for is_packed in [false, true] {
            if is_packed {
                world.store.pack_soon();
            }
            until(&world, ends - SECOND + i64::from(is_packed) * SECOND / 2);
            check(&world, true);
        }
        until(&world, ends);
        check(&world, true);
        until(&world, ends + 1);
        check(&world, false);
        until(&world, ends + SECOND);
        check(&world, false);
        // Nothing of it is back a day later, at whatever hour.
        until(&world, ends + 3_000 * SECOND);
        let list = world.get(&format!("{WORKSPACE}/events/old"));
        assert_eq!(list.status, 404);
    }
}

#[test]
fn p1_an_event_that_a_year_ended_does_not_come_back_on_a_leap_day() {
    let world = World::start();
    put(&world, &json!({"preset": "clienwork", "plan": "pro"}));
    let happened = time("2027-02-28T12:00:00Z");
    until(&world, happened);
    record(&world, "old", happened);
    for hours in 0..36 {
        until(&world, time("2028-02-28T13:00:00Z") + hours * 3_600 * SECOND);
        assert_eq!(world.get(&format!("{WORKSPACE}/events/old")).status, 404);
    }
}

#[test]
fn p1_a_changed_plan_is_in_every_answer_at_once() {
    let world = World::start();
    let plan = |plan: &str| put(&world, &json!({"preset": "clienwork", "plan": plan}));
    plan("basic");
    let happened = time("2026-12-01T00:00:00Z");
    until(&world, happened);
    record(&world, "begin", happened - 80 * 86_400 * SECOND);
    record(&world, "old", happened);
    until(&world, happened + 29 * 86_400 * SECOND);
    record(&world, "new", happened + 29 * 86_400 * SECOND);
    until(&world, happened + 31 * 86_400 * SECOND);
    check(&world, true);
    plan("free");
    check(&world, false);
    plan("basic");
    check(&world, true);
    let own = json!({"preset": "clienwork", "plan": "basic", "retention_actions": {"note.create": "30d"}});
    put(&world, &own);
    check(&world, false);
    // A hold shows again what is still there.
    let hold = json!({"workspace": "acme", "filter": "id:old", "reason": "case", "owner": "Legal"});
    let placed = world.post("/v1/holds", &hold.to_string());
    assert_eq!(placed.status, 201, "{}", placed.text());
    check(&world, true);
    let id = placed.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(world.send("DELETE", &format!("/v1/holds/{id}"), &world.admin, "").status, 200);
    check(&world, false);
}
