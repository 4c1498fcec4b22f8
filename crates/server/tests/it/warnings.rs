//! Warnings over HTTP (P6): what was exported counts, producers' numbers are heard, and who may ask is
//! answered. When each kind is raised and ended, `delivery`'s own tests show.

use serde_json::{Value, json};

use crate::mailbox::Mailbox;
use crate::world::{PATIENCE, World};

/// Every workspace is looked at within this time, microseconds.
const ROUND: u64 = 61_000_000;

/// Waits until the warnings of a workspace are of these kinds.
fn until(world: &World, workspace: &str, kinds: &[&str]) -> Vec<Value> {
    let path = format!("/v1/workspaces/{workspace}/warnings");
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let data = world.get(&path).json()["data"].as_array().cloned().expect("data");
        let found: Vec<&str> = data.iter().filter_map(|one| one["kind"].as_str()).collect();
        if found == kinds {
            return data;
        }
        assert!(std::time::Instant::now() < until, "{found:?}, expected {kinds:?}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn actions(world: &World, action: &str) -> usize {
    let path = format!("/v1/workspaces/acme/events?q=action:{action}");
    world.get(&path).json()["total"].as_u64().expect("a total") as usize
}

#[test]
fn p6_a_complete_unfiltered_export_ends_the_warning_and_no_other_does() {
    let world = World::with(&[("public_url", "https://log.example")]);
    world.settle("acme", "clienwork", Some("free"));
    let old = json!({"action": "project.read", "occurred_at": "2026-10-27T09:30:00Z"});
    world.record("acme", &old);
    world.clock.advance(ROUND);
    let told = until(&world, "acme", &["expiring_7d"]);
    assert_eq!(told[0]["facts"]["count"], 1);
    assert_eq!(told[0]["facts"]["ends_at"], "2026-11-26T09:30:00.000001Z");
    assert_eq!(told[0]["export_link"], "https://log.example/w/acme?export=1");
    let german = world.get("/v1/workspaces/acme/warnings?lang=de").json();
    assert!(german["data"][0]["text"].as_str().is_some_and(|text| text.starts_with("Binnen")));
    let all = world.get("/v1/warnings").json();
    assert_eq!((&all["count"], &all["data"][0]["workspace"]), (&json!(1), &json!("acme")));
    assert!(world.get("/metrics").text().contains("proofbook_warnings{kind=\"expiring_7d\"} 1\n"));
    for part in ["q=action:project.read", "from=2026-01-01", "to=2026-12-01", "columns=id"] {
        assert_eq!(world.get(&format!("/v1/workspaces/acme/export?{part}")).status, 200);
    }
    let narrowed = world.token("acme", "owner", &json!({"filter": "outcome:success"}));
    let export = |key: &str| world.send("GET", "/v1/workspaces/acme/export", key, "");
    assert_eq!(export(&narrowed).status, 200);
    world.events_of("acme", "audit_log.exported", 2);
    let shown = world.get("/v1/workspaces/acme/warnings").json();
    assert_eq!(shown["exported_below"], 0, "none of them holds everything");
    let whole = world.token("acme", "owner", &json!({}));
    assert_eq!(export(&whole).status, 200);
    until(&world, "acme", &[]);
    assert_eq!(world.get("/v1/warnings").json()["count"], 0);
    world.events_of("acme", "audit_log.warning_over", 1);
    assert_eq!(actions(&world, "audit_log.warning_raised"), 1);
    // Recorded although this reader exported a moment ago, since it ends a warning.
    world.record("acme", &old);
    world.clock.advance(ROUND);
    until(&world, "acme", &["expiring_7d"]);
    assert_eq!(export(&whole).status, 200);
    until(&world, "acme", &[]);
    let exports = world.events_of("acme", "audit_log.exported", 4);
    assert!(exports[0]["metadata"]["below_seq"].as_u64().is_some_and(|below| below > 1));
}

#[test]
fn p6_the_viewer_is_told_what_an_export_helps_against_and_who_manages_everything() {
    let world = World::start();
    world.settle("acme", "clienwork", Some("free"));
    let event = |seq: u64| {
        json!({
            "action": "project.read", "occurred_at": "2026-10-27T09:30:00Z",
            "source": {"name": "billing", "seq": seq},
        })
    };
    world.record("acme", &event(1));
    world.record("acme", &event(4));
    world.clock.advance(ROUND);
    until(&world, "acme", &["expiring_7d"]);
    world.clock.advance(6 * ROUND);
    let told = until(&world, "acme", &["expiring_7d", "source_gap"]);
    assert_eq!(told[1]["facts"]["missing"], json!([[2, 3]]));
    let shown = |more: &Value| {
        let token = world.token("acme", "owner", more);
        let boot = world.send("GET", "/v1/workspaces/acme/viewer", &token, "").json();
        let kinds = boot["warnings"].as_array().cloned().expect("warnings");
        kinds.iter().filter_map(|one| one["kind"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(shown(&json!({})), ["expiring_7d"]);
    assert_eq!(shown(&json!({"manage": true})), ["expiring_7d", "source_gap"]);
    assert_eq!(shown(&json!({"filter": "outcome:success"})), [""; 0]);
    let narrowed = world.token("acme", "owner", &json!({"filter": "outcome:success"}));
    let path = "/v1/workspaces/acme/warnings";
    world.send("GET", path, &narrowed, "").problem(403, "forbidden");
    world.record("acme", &event(2));
    world.record("acme", &event(3));
    until(&world, "acme", &["expiring_7d"]);
}

#[test]
fn p6_the_owner_gets_one_letter_when_a_warning_is_raised_and_one_when_it_is_over() {
    let (mailbox, smtp_url) = Mailbox::open();
    let world = World::with(&[
        ("public_url", "https://log.example"),
        ("smtp_url", &smtp_url),
        ("mail_from", "Acme <audit@acme.example>"),
    ]);
    let body = json!({
        "preset": "clienwork", "plan": "free", "owner": {"email": "olga@acme.example"},
    });
    world.send("PUT", "/v1/workspaces/acme", &world.admin, &body.to_string());
    world.record("acme", &json!({"action": "x.y", "occurred_at": "2026-10-27T09:30:00Z"}));
    world.clock.advance(ROUND);
    let raised = mailbox.letters("[acme] Events end in a week", 1);
    assert!(raised[0].contains("To: olga@acme.example"), "{}", raised[0]);
    assert!(raised[0].contains("https://log.example/w/acme?export=1"), "{}", raised[0]);
    assert_eq!(world.get("/v1/workspaces/acme/export").status, 200);
    mailbox.letters("[acme] No event ends within a week", 1);
    // Had it been told again, it would have come before what was told after it.
    assert_eq!(mailbox.letters("[acme] Events end", 1).len(), 1);
}
