use super::*;
use serde_json::json;

fn event() -> Value {
    json!({
        "id": "e1", "seq": 4, "occurred_at": "2026-11-22T09:30:00.123456Z",
        "recorded_at": "2026-11-22T09:30:01.000000Z", "action": "project.update",
        "title": "Project Update", "outcome": {"result": "denied", "code": "not_allowed"},
        "description": "Ada\u{1b}[2J updated Website",
        "actor": {"type": "user", "id": "u_7", "name": "Ada"},
        "targets": [{"type": "project", "id": "42", "name": "Website"}],
        "changes": [{"path": "/plan", "before": "free", "after": "pro", "kind": "update"}],
        "context": {"ip": "203.0.113.9"},
    })
}

#[test]
fn a_line_of_a_list_says_who_did_what_to_what() {
    let cells = columns(&event());
    assert_eq!(
        cells[..4],
        ["2026-11-22 09:30:00Z", "Ada", "project.update (denied)", "project Website"]
    );
}

#[test]
fn all_of_an_event_is_shown_and_steers_no_terminal() {
    let lines = lines(&event());
    let text = lines.join("\n");
    assert!(text.contains("changed      /plan: free → pro"), "{text}");
    assert!(text.contains("what         Ada\\u{1b}[2J updated Website"), "{text}");
    assert!(text.contains("context      ip = 203.0.113.9"), "{text}");
    assert!(text.contains("outcome      denied, not_allowed"), "{text}");
}
