//! V10: pages to print.

use serde_json::json;

use crate::world::World;

const ORDER: &str = "/v1/workspaces/acme/print";

fn world() -> World {
    let world = World::start();
    world.settle("acme", "clickfunnels-workspace", None);
    for n in 0..3 {
        world.record("acme", &json!({
            "id": format!("e-{n}"), "action": "product.update", "outcome": "denied",
            "occurred_at": "2026-11-22T09:00:00Z",
            "actor": {"type": "user", "id": "u", "name": "Ada Park", "email": "ada@acme.example"},
            "targets": [{"type": "product", "id": format!("p{n}"), "name": "Course"}],
            "before": {"unit_price": "49.00"}, "after": {"unit_price": "59.00"},
            "context": {"ip": "203.0.113.9"},
        }));
    }
    world
}

#[test]
fn v10_a_page_holds_what_was_asked_for_with_its_filter_and_the_logs_state() {
    let world = world();
    let token = world.token("acme", "owner", &json!({}));
    let body = json!({"q": "target:p1", "tz": "Europe/Berlin", "lang": "en", "sort": "oldest"});
    let ordered = world.send("POST", ORDER, &token, &body.to_string()).json();
    let page = world.send("GET", ordered["url"].as_str().expect("a link"), "", "");
    assert_eq!(page.status, 200);
    let text = page.text();
    for part in [
        "target:p1",
        "2026-11-22 10:00:00 CET",
        "Europe/Berlin",
        "Ada Park",
        "ada@acme.example",
        "Unit price",
        "49.00",
        "59.00",
        "Denied",
        "203.0.113.9",
        "1 event.",
        "<tfoot>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("p2"));
    let head =
        world.get("/v1/workspaces/acme/events").json()["head"]["root"].as_str().map(str::to_owned);
    // The root has moved on since by the event of the look itself, at most.
    assert!(head.is_some());
    let german = world.send("POST", ORDER, &token, &json!({"lang": "de"}).to_string()).json();
    let german = world.send("GET", german["url"].as_str().expect("a link"), "", "").text();
    assert!(german.contains("lang=\"de\"") && german.contains("Verweigert"));
}

#[test]
fn v10_a_ticket_is_for_one_question_two_minutes_and_a_reader_who_still_may() {
    let world = world();
    let token = world.token("acme", "owner", &json!({}));
    let order = || {
        world.send("POST", ORDER, &token, "{}").json()["url"].as_str().expect("a link").to_owned()
    };
    let url = order();
    assert_eq!(world.send("GET", &url.replace("/print/acme", "/print/other"), "", "").status, 410);
    assert_eq!(world.send("GET", &format!("{url}&q=x"), "", "").status, 400);
    world.clock.advance(120 * 1_000_000);
    assert_eq!(world.send("GET", &url, "", "").status, 410);
    let url = order();
    world.settle("acme", "freshsales", None);
    world.send("GET", &url, "", "").problem(403, "role_refused");
    world.send("POST", ORDER, &world.admin, "{\"q\":\"(\"}").problem(400, "invalid_filter");
}
