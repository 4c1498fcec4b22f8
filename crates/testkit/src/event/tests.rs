use proofbook_event::EventDraft;

use super::*;

#[test]
fn every_named_field_is_one_of_the_contract() {
    let event = EventBuilder::new("project.update")
        .id("e-1")
        .workspace("acme")
        .occurred_at(1_795_305_600_000_001)
        .user("u_7", "Zoë \"Q\"")
        .target("project", "42", "Website")
        .target("member", "u_9", "山田")
        .outcome("denied")
        .changed(json!({"a": 1}), json!({"a": 2}))
        .ip("203.0.113.9")
        .meta("plan", "pro")
        .meta("n", 7);
    let text = event.json();
    let draft = EventDraft::parse(text.as_bytes()).expect("the contract takes it");
    assert_eq!(draft.action, "project.update");
    assert_eq!(event.value()["targets"][1]["id"], "u_9");
    assert_eq!(event.value()["metadata"], json!({"plan": "pro", "n": 7}));
    assert_eq!(event.value()["occurred_at"], "2026-11-22T00:00:00.000001Z");
}

#[test]
fn ndjson_has_a_line_for_each_event() {
    let events = [EventBuilder::new("a"), EventBuilder::new("b").id("x")];
    assert_eq!(ndjson(&events), "{\"action\":\"a\"}\n{\"action\":\"b\",\"id\":\"x\"}\n");
}
