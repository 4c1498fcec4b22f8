use super::*;
use serde_json::json;

#[test]
fn nothing_in_a_value_changes_the_address() {
    let found = address("http://h", "/v1", &[("q", "a&b=c d+é/?#%"), ("limit", "2")]);
    assert_eq!(found, "http://h/v1?q=a%26b%3Dc%20d%2B%C3%A9%2F%3F%23%25&limit=2");
}

#[test]
fn a_problem_document_becomes_a_kind_a_message_and_a_hint() {
    let document = json!({
        "title": "The filter cannot be read", "detail": "no field `acton`",
        "errors": [{"offset": 3, "detail": "no field `acton`", "suggestion": "action"}],
    });
    let failure = problem(StatusCode::BAD_REQUEST, &document);
    assert_eq!(failure.kind, ExitKind::Usage);
    assert_eq!(failure.message, "The filter cannot be read: no field `acton` (byte 3)");
    assert_eq!(failure.hint.as_deref(), Some("did you mean `action`?"));
    let rows = [
        (401, ExitKind::Forbidden),
        (403, ExitKind::Forbidden),
        (404, ExitKind::NotFound),
        (429, ExitKind::Failed),
        (503, ExitKind::Failed),
    ];
    for (status, kind) in rows {
        let status = StatusCode::from_u16(status).expect("a status");
        assert_eq!(problem(status, &Value::Null).kind, kind);
    }
}
