use super::*;

/// The example of the contract, with every field.
const FULL: &str = r#"{
  "id": "0193", "workspace": "acme", "action": "project.update",
  "occurred_at": "2026-11-22T09:30:00.123456Z",
  "actor": {"type": "user", "id": "u_7", "name": "Ada Park", "email": "ada@acme.example", "roles": ["admin"], "url": "https://a.example"},
  "on_behalf_of": {"type": "user", "id": "u_9", "name": "Bo"},
  "approval": {"id": "ap1", "by": {"type": "user", "id": "u_1", "name": "Cy"}, "at": "2026-11-22T09:00:00Z"},
  "via": {"channel": "ui", "client": "web"},
  "targets": [{"type": "project", "id": "42", "name": "Website", "url": "https://app/p", "role": "subject"}],
  "outcome": {"result": "denied", "code": "E1", "reason": "no"},
  "before": {"name": "Old"}, "after": {"name": "New"},
  "changes": [{"path": "/name", "before": "Old", "after": "New", "kind": "update"}],
  "context": {"ip": "203.0.113.9", "user_agent": "x", "session_id": "s", "request_id": "r", "trace_id": "t", "country": "DE", "city": "Bonn"},
  "description": "d", "reason": "r", "severity": "warning",
  "metadata": {"plan": "pro"}, "source": {"name": "billing", "version": "1.4", "instance": "a", "seq": 881}
}"#;

#[test]
fn every_field_of_the_contract_is_read() {
    let draft = EventDraft::parse(FULL.as_bytes()).expect("the contract's example");
    assert_eq!(draft.id.as_deref(), Some("0193"));
    assert_eq!(draft.workspace.as_deref(), Some("acme"));
    assert_eq!(draft.outcome, Outcome::Denied);
    assert_eq!(draft.outcome_detail.len(), 2);
    assert_eq!(draft.severity, Some(Severity::Warning));
    assert_eq!(draft.source.and_then(|s| s.get("seq").and_then(Value::as_int)), Some(881));
}

fn check(event: &str, code: &str, pointer: &str, offset: usize, limit: Option<u64>) {
    let fault = EventDraft::parse(event.as_bytes()).expect_err(event);
    assert_eq!(
        (fault.code, fault.pointer.as_str(), fault.offset, fault.limit),
        (code, pointer, offset, limit),
        "{fault}"
    );
}

#[test]
fn each_refusal_names_field_offset_and_limit() {
    check("{}", "missing", "", 0, None);
    check("[]", "invalid", "", 0, None);
    check(r#"{"action":"a.b","acton":1}"#, "unknown_field", "/acton", 24, None);
    check(r#"{"action":"A.b"}"#, "invalid", "/action", 10, None);
    check(r#"{"action":"audit_log.viewed"}"#, "reserved", "/action", 10, None);
    check(r#"{"action":"a.b","actor":{"type":"robot"}}"#, "invalid", "/actor/type", 32, None);
    check(r#"{"action":"a.b","actor":{"mail":"x"}}"#, "unknown_field", "/actor/mail", 32, None);
    check(r#"{"action":"a.b","actor":"ada"}"#, "invalid", "/actor", 24, None);
    check(r#"{"action":"a.b","occurred_at":"yesterday"}"#, "invalid", "/occurred_at", 30, None);
    check(r#"{"action":"a.b","outcome":"ok"}"#, "invalid", "/outcome", 26, None);
    check(r#"{"action":"a.b","source":{"seq":-1}}"#, "invalid", "/source/seq", 32, None);
    check(r#"{"action":"a.b","changes":[{"kind":"add"}]}"#, "missing", "/changes/0", 27, None);
    check(r#"{"action":"a.b","id":""}"#, "invalid", "/id", 21, None);
    check(r#"{"action":"a.b","workspace":"_x"}"#, "invalid", "/workspace", 28, None);
    let long_id = format!(r#"{{"action":"a.b","id":"{}"}}"#, "x".repeat(129));
    check(&long_id, "too_large", "/id", 21, Some(128));
    let long_name = format!(r#"{{"action":"a.b","actor":{{"name":"{}"}}}}"#, "x".repeat(4_097));
    check(&long_name, "too_large", "/actor/name", 32, Some(4_096));
    let targets = format!(r#"{{"action":"a.b","targets":[{}]}}"#, vec!["{}"; 33].join(","));
    check(&targets, "too_large", "/targets", 26, Some(32));
    let deep =
        format!(r#"{{"action":"a.b","metadata":{{"k":{}{}}}}}"#, "[".repeat(8), "]".repeat(8));
    check(&deep, "too_large", "/metadata", 27, Some(8));
    let keys: Vec<String> = (0..65).map(|n| format!("\"k{n}\":1")).collect();
    let wide = format!(r#"{{"action":"a.b","metadata":{{{}}}}}"#, keys.join(","));
    check(&wide, "too_large", "/metadata", 27, Some(64));
    let huge = format!(r#"{{"action":"a.b","after":"{}"}}"#, "x".repeat(limits::EVENT_BYTES_MAX));
    check(&huge, "too_large", "", limits::EVENT_BYTES_MAX, Some(262_144));
}

#[test]
fn an_event_of_exactly_the_limit_is_taken() {
    let frame = r#"{"action":"a.b","after":""}"#.len();
    let event =
        format!(r#"{{"action":"a.b","after":"{}"}}"#, "x".repeat(limits::EVENT_BYTES_MAX - frame));
    assert_eq!(event.len(), limits::EVENT_BYTES_MAX);
    assert!(EventDraft::parse(event.as_bytes()).is_ok());
}

#[test]
fn what_was_sent_is_fingerprinted_without_regard_to_key_order() {
    let a = EventDraft::parse(br#"{"action":"a.b","id":"1"}"#).expect("valid");
    let b = EventDraft::parse(br#" { "id" : "1", "action" : "a.b" } "#).expect("valid");
    assert_eq!(a.sent, b.sent);
}
