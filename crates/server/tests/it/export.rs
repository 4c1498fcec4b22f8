//! Exports: whole, in order, safe to open.

use serde_json::{Value, json};

use crate::world::World;

fn world(count: usize) -> World {
    let world = World::start();
    let events: Vec<String> = (0..count)
        .map(|n| {
            json!({
                "action": "x.y",
                "id": format!("e{n}"),
                "actor": {"type": "user", "id": format!("u{}", n % 7), "name": "Ada, \"the\" Park"},
                "metadata": {"n": n},
            })
            .to_string()
        })
        .collect();
    for part in events.chunks(1000) {
        let answer = world.post("/v1/workspaces/acme/events", &format!("[{}]", part.join(",")));
        assert_eq!(answer.status, 201);
    }
    world
}

const PATH: &str = "/v1/workspaces/acme/export";

/// Reads CSV with the `csv` crate: the header and the rows.
fn read_csv(bytes: &[u8]) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let rows = reader
        .records()
        .map(|row| row.expect("a row").iter().map(str::to_owned).collect())
        .collect();
    (header, rows)
}

#[test]
fn csv_and_ndjson_hold_every_event_in_order() {
    let world = world(3000);
    let answer = world.get(&format!("{PATH}?format=csv&sort=seq"));
    assert!(answer.is_whole);
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"acme-audit-log.csv\"")
    );
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/csv")));
    let (header, rows) = read_csv(&answer.body);
    let column = |name: &str| header.iter().position(|known| known == name).expect("a column");
    let ids: Vec<&str> = rows.iter().map(|row| row[column("id")].as_str()).collect();
    let expected: Vec<String> = (0..3000).map(|n| format!("e{n}")).collect();
    assert_eq!(ids, expected);
    assert_eq!(rows[5][column("actor_name")], "Ada, \"the\" Park");
    assert_eq!(rows[5][column("metadata")], "{\"n\":5}");

    let answer = world.get(&format!("{PATH}?format=ndjson&sort=seq&q=actor:u3"));
    assert!(answer.is_whole);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let events: Vec<Value> =
        answer.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(events.len(), (0..3000).filter(|n| n % 7 == 3).count());
    assert_eq!(events[0], world.get("/v1/workspaces/acme/events/e3").json());
}

#[test]
fn parquet_holds_every_event_with_its_times() {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::RowAccessor as _;

    let world = world(2500);
    let answer = world.get(&format!("{PATH}?format=parquet&sort=seq"));
    assert!(answer.is_whole);
    assert_eq!(answer.header("content-type"), Some("application/vnd.apache.parquet"));
    let bytes = bytes::Bytes::from(answer.body);
    let reader = SerializedFileReader::new(bytes).expect("a Parquet file");
    let columns: Vec<String> = reader
        .metadata()
        .file_metadata()
        .schema_descr()
        .columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    let header = read_csv(&world.get(PATH).body).0;
    assert_eq!(columns, header, "the same columns as CSV");
    let at = |name: &str| columns.iter().position(|known| known == name).expect("a column");
    let mut count = 0;
    for (n, row) in reader.get_row_iter(None).expect("rows").enumerate() {
        let row = row.expect("a row");
        assert_eq!(row.get_long(at("seq")).expect("seq"), n as i64);
        assert_eq!(row.get_string(at("id")).expect("id"), &format!("e{n}"));
        let micros = row.get_timestamp_micros(at("recorded_at")).expect("a time");
        assert_eq!(micros, crate::world::NOW);
        assert!(row.get_string(at("reason")).is_err(), "what is absent is null");
        count += 1;
    }
    assert_eq!(count, 2500);
}

#[test]
fn cells_that_a_spreadsheet_would_run_are_defused_unless_raw_is_asked_for() {
    let world = World::start();
    let formula = "=cmd|' /C calc'!A0";
    for (n, text) in [formula, "\t=1", "  +1", "＠SUM(1)", "-1"].iter().enumerate() {
        let event = json!({
            "action": "x.y",
            "id": format!("e{n}"),
            "description": text,
            "reason": text,
            "actor": {"name": text, "id": text},
            "targets": [{"name": text}],
            "context": {"user_agent": text},
            "outcome": {"result": "failure", "code": text, "reason": text},
        });
        world.record("acme", &event);
    }
    let (_, rows) = read_csv(&world.get(PATH).body);
    for cell in rows.iter().flatten() {
        let first = cell.trim_start().chars().next();
        assert!(
            !matches!(first, Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')),
            "{cell:?}"
        );
    }
    let (header, rows) = read_csv(&world.get(&format!("{PATH}?raw=true&sort=seq")).body);
    let at = header.iter().position(|name| name == "description").expect("a column");
    assert_eq!(rows[0][at], formula);
}

#[test]
fn an_export_is_an_event_once_in_a_quarter_of_an_hour() {
    let world = world(3);
    let count = || {
        let path = "/v1/workspaces/acme/events?q=action:audit_log.exported";
        world.get(path).json()["total"].as_u64().expect("exact")
    };
    for _ in 0..3 {
        assert_eq!(world.get(PATH).status, 200);
    }
    wait_for(|| count() == 1);
    world.clock.advance(15 * 60 * 1_000_000);
    assert_eq!(world.get(&format!("{PATH}?format=ndjson&q=action:x.y")).status, 200);
    wait_for(|| count() == 2);
    let path = "/v1/workspaces/acme/events?q=action:audit_log.exported";
    let newest = &world.get(path).json()["data"][0];
    assert_eq!(newest["metadata"], json!({"format": "ndjson", "query": "action:x.y", "count": 3}));
    assert_eq!(newest["actor"]["type"], "api_key");
    // Proofbook's own events are left out of what does not name them, and counted.
    let list = world.get("/v1/workspaces/acme/events").json();
    assert_eq!((list["total"].as_u64(), list["left_out"].as_u64()), (Some(3), Some(2)));
}

fn wait_for(mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < crate::world::PATIENCE, "it never came to hold");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
