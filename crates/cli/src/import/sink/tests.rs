use super::*;
use serde_json::json;

#[test]
fn a_server_result_becomes_a_verdict() {
    let refused = |pointer: &str, reason: &str| Verdict::Refused {
        pointer: pointer.to_owned(),
        reason: reason.to_owned(),
    };
    let rows = [
        (json!({"status": "created", "seq": 1}), Verdict::Created),
        (json!({"status": "duplicate", "seq": 1}), Verdict::Duplicate),
        (
            json!({"status": "rejected", "error": {"code": "invalid", "pointer": "/id", "detail": "no id"}}),
            refused("/id", "no id"),
        ),
        (json!({"status": "rejected", "error": {"code": "conflict"}}), refused("", "conflict")),
        (json!({}), refused("", "the server gave no reason")),
    ];
    for (result, verdict) in rows {
        assert_eq!(remote_verdict(&result), verdict);
    }
}
