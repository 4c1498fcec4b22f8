//! A4: masking of whole events. Expected outputs are written by hand; `‹…›` in them stands for one
//! masked value, whose digits are checked apart.

use proofbook_event::Group;

use super::*;

const KEY: [u8; 16] = *b"masking test key";

fn mask_with(key: &[u8; 16], event: &str, secret: &[&str]) -> (String, u32) {
    let text = format!(r#"{{"action":"a.b",{event}}}"#);
    let mut draft = EventDraft::parse(text.as_bytes()).expect("the test's event is accepted");
    let paths: Vec<SecretPath> = secret
        .iter()
        .map(|pointer| SecretPath {
            steps: pointer.split('/').skip(1).map(str::to_owned).collect(),
        })
        .collect();
    let mut masker = Masker::new(key);
    masker.draft(&mut draft, &paths);
    let count = masker.count();
    let members = [
        ("actor", draft.actor),
        ("before", draft.before),
        ("after", draft.after),
        ("changes", draft.changes),
        ("context", draft.context),
        ("metadata", draft.metadata),
        ("targets", draft.targets),
        ("description", draft.description),
        ("reason", draft.reason),
    ];
    let members = members.into_iter().filter_map(|(key, value)| Some((key.into(), value?)));
    (Value::Object(members.collect()).to_string(), count)
}

/// Replaces `[masked xxxxxxxx]` by `‹›`, checking that eight hexadecimal digits stand there.
fn plain(masked: &str) -> String {
    let mut out = String::new();
    let mut rest = masked;
    while let Some((before, tail)) = rest.split_once("[masked ") {
        let (digits, tail) = tail.split_once(']').expect("a closing bracket");
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(digits.len() == 8 && digits.bytes().all(hex), "{digits:?}");
        out.push_str(before);
        out.push_str("‹›");
        rest = tail;
    }
    out + rest
}

#[track_caller]
fn check(event: &str, expected: &str, count: u32) {
    let (masked, found) = mask_with(&KEY, event, &[]);
    assert_eq!(plain(&masked), expected, "{event}");
    assert_eq!(found, count, "{event}");
}

#[test]
fn a4_short_passwords_under_their_names_are_masked() {
    check(
        r#""before":{"password":"old1","pin":1234,"cvc":"042"},"after":{"newPassword":"hunter2","secret":"x"}"#,
        r#"{"before":{"password":"‹›","pin":"‹›","cvc":"‹›"},"after":{"newPassword":"‹›","secret":"‹›"}}"#,
        5,
    );
    check(
        r#""metadata":{"password":null,"secret":true,"pin":"","deep":[{"passwd":"a"}]}"#,
        r#"{"metadata":{"password":null,"secret":true,"pin":"","deep":[{"passwd":"‹›"}]}}"#,
        1,
    );
}

#[test]
fn a4_random_values_are_masked_under_tell_tale_names_alone() {
    let random = "9f86d081884c7d659a2feaa0c55ad015";
    check(
        &format!(
            r#""after":{{"token":"{random}","digest":"{random}","token_name":"{random}","api_key":"none"}}"#
        ),
        &format!(
            r#"{{"after":{{"token":"‹›","digest":"{random}","token_name":"{random}","api_key":"none"}}}}"#
        ),
        1,
    );
    check(
        r#""after":{"Authorization":"Basic dXNlcjpwYXNz","cookie":"sid=abc123; theme=dark"}"#,
        r#"{"after":{"Authorization":"Basic ‹›","cookie":"‹›"}}"#,
        2,
    );
}

#[test]
fn a4_an_access_key_id_stays_where_its_name_says_that_it_is_one() {
    let id = format!("AKIA{}", "TFQR7NSCUXC3DDDP");
    check(
        &format!(
            r#""metadata":{{"accessKeyId":"{id}","note":"{id}","deep":{{"accessKeyId":{{"token":"{id}"}}}}}}"#
        ),
        &format!(
            r#"{{"metadata":{{"accessKeyId":"{id}","note":"‹›","deep":{{"accessKeyId":{{"token":"‹›"}}}}}}}}"#
        ),
        2,
    );
}

#[test]
fn a4_ids_of_the_context_are_never_masked_for_looking_random() {
    let context = r#"{"ip":"203.0.113.9","session_id":"9f86d081884c7d659a2feaa0c55ad015","request_id":"req_4fzXk29QmPl8vTt0aBcD","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#;
    check(&format!(r#""context":{context}"#), &format!(r#"{{"context":{context}}}"#), 0);
}

#[test]
fn a4_given_changes_are_judged_by_the_last_name_of_their_path() {
    check(
        r#""changes":[{"path":"/user/password","before":"a","after":"b"},{"path":"/secrets/0","after":"c"},
            {"path":"/api~1key","before":"kept"},{"path":"/name","before":"d","after":{"pin":1}}]"#,
        r#"{"changes":[{"path":"/user/password","before":"‹›","after":"‹›"},{"path":"/secrets/0","after":"‹›"},{"path":"/api~1key","before":"kept"},{"path":"/name","before":"d","after":{"pin":"‹›"}}]}"#,
        4,
    );
}

#[test]
fn a4_both_sides_of_a_secret_object_are_masked_and_its_other_members_judged() {
    check(
        r#""after":{"password":{"old":"a","new":"b","strength":"weak","changed_at":"2026-11-22"}}"#,
        r#"{"after":{"password":{"old":"‹›","new":"‹›","strength":"weak","changed_at":"2026-11-22"}}}"#,
        2,
    );
    check(
        r#""after":[{"name":"db_password","value":"x"},{"key":"color","value":"red"}]"#,
        r#"{"after":[{"name":"db_password","value":"‹›"},{"key":"color","value":"red"}]}"#,
        1,
    );
}

#[test]
fn a4_card_numbers_are_masked_under_their_names_and_in_their_written_form() {
    check(
        r#""after":{"card_number":4242424242424242,"order_number":"4242424242424242","card":{"number":"4242424242424242","exp_month":4},"note":"paid with 4242 4242 4242 4242."}"#,
        r#"{"after":{"card_number":"‹›","order_number":"4242424242424242","card":{"number":"‹›","exp_month":4},"note":"paid with ‹›."}}"#,
        3,
    );
}

#[test]
fn a4_keys_are_masked_wherever_they_stand() {
    let key = format!("ghp_{}", "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xYz012");
    let event = format!(
        r#""actor":{{"type":"api_key","name":"{key}"}},"targets":[{{"type":"hook","id":"1","url":"https://u:pw@x.example/"}}],
           "context":{{"user_agent":"bot {key}"}},"description":"rotated {key} now","reason":"{key}","metadata":{{"list":["{key}"]}},"after":"{key}""#
    );
    let expected = r#"{"actor":{"type":"api_key","name":"‹›"},"after":"‹›","context":{"user_agent":"bot ‹›"},"metadata":{"list":["‹›"]},"targets":[{"type":"hook","id":"1","url":"https://u:‹›@x.example/"}],"description":"rotated ‹› now","reason":"‹›"}"#;
    check(&event, expected, 7);
    let (masked, _) = mask_with(&KEY, &event, &[]);
    assert!(!masked.contains("ghp_"));
}

#[test]
fn a4_pointers_of_the_catalog_mask_values_of_every_type() {
    let (masked, count) = mask_with(
        &KEY,
        r#""before":{"methods":[{"id":"pm_1","number":"1","brand":"visa"},{"id":"pm_2","number":2}]},
           "after":{"methods":{"pm_1":{"number":[1,2]}},"token":null,"url":"x"},
           "metadata":{"methods":{"a":{"number":true}}},
           "changes":[{"path":"/methods/pm_1/number","before":"1","after":"3"},{"path":"/methods","after":[{"number":"9"}]},
                      {"path":"/methods/pm_1/number/0","after":"4"},{"path":"/other","after":{"number":"5"}}]"#,
        &["/*/methods/*/number", "/after/token"],
    );
    assert_eq!(
        plain(&masked),
        r#"{"before":{"methods":[{"id":"pm_1","number":"‹›","brand":"visa"},{"id":"pm_2","number":"‹›"}]},"after":{"methods":{"pm_1":{"number":"‹›"}},"token":null,"url":"x"},"changes":[{"path":"/methods/pm_1/number","before":"‹›","after":"‹›"},{"path":"/methods","after":[{"number":"‹›"}]},{"path":"/methods/pm_1/number/0","after":"‹›"},{"path":"/other","after":{"number":"5"}}],"metadata":{"methods":{"a":{"number":"‹›"}}}}"#
    );
    assert_eq!(count, 8);
}

#[test]
fn a4_a_pointer_for_one_side_leaves_the_other() {
    let (masked, count) = mask_with(
        &KEY,
        r#""before":{"x":"1"},"after":{"x":"2"},"changes":[{"path":"/x","before":"1","after":"2"}]"#,
        &["/after/x"],
    );
    let expected = r#"{"before":{"x":"1"},"after":{"x":"‹›"},"changes":[{"path":"/x","before":"1","after":"‹›"}]}"#;
    assert_eq!(plain(&masked), expected);
    assert_eq!(count, 2);
}

#[test]
fn a4_equal_secrets_look_equal_under_one_key_and_different_under_another() {
    let event = r#""before":{"password":"a","secret":"b"},"after":{"password":"a"},"metadata":{"h":{"token":"Bearer a"}}"#;
    let marks = |key: &[u8; 16]| -> Vec<String> {
        let (masked, _) = mask_with(key, event, &[]);
        masked.split("[masked ").skip(1).map(|part| part[..8].to_owned()).collect()
    };
    let ours = marks(&KEY);
    let [first, other, again, bearer] = &ours[..] else { panic!("{ours:?}") };
    assert_eq!(first, again);
    assert_eq!(first, bearer, "the scheme is no part of the secret");
    assert_ne!(first, other);
    assert_ne!(*first, marks(&[7; 16])[0]);
}

#[test]
fn a4_fingerprint_is_the_low_half_of_siphash_2_4() {
    // The reference implementation's first vector: key 00..0f, empty input, 0x726fdb47dd0e0e31.
    let key: [u8; 16] = std::array::from_fn(|at| at as u8);
    assert_eq!(Masker::new(&key).mark(b""), "[masked dd0e0e31]");
}

#[test]
fn a4_masking_twice_changes_nothing() {
    let (once, count) = mask_with(
        &KEY,
        r#""after":{"password":"a","token":"[masked 0a1b2c3d]","secret":"***"}"#,
        &[],
    );
    assert_eq!(count, 1);
    let inner = &once[1..once.len() - 1];
    assert_eq!(mask_with(&KEY, inner, &["/after/password"]), (once.clone(), 0));
}

/// Events as products send them, without a secret in them.
const CLEAN: &str = include_str!("clean.ndjson");

#[test]
fn a4_no_value_of_the_clean_corpus_is_masked() {
    let (mut values, mut masked) = (0, Vec::new());
    for (number, line) in CLEAN.lines().enumerate() {
        let mut draft = EventDraft::parse(line.as_bytes())
            .unwrap_or_else(|e| panic!("line {}: {e}", number + 1));
        let whole = Value::parse(line.as_bytes()).expect("parsed before");
        whole.for_each_text(&mut |_| values += 1);
        let mut masker = Masker::new(&KEY);
        masker.draft(&mut draft, &[]);
        if masker.count() > 0 {
            masked.push(number + 1);
        }
    }
    assert!(values > 500, "the corpus has {values} texts");
    assert_eq!(masked, Vec::<usize>::new(), "lines with a false alarm, of {values} texts");
}

#[test]
fn a4_nothing_secret_is_left_in_any_group() {
    let secret = "correct horse battery staple 42";
    let text = format!(
        r#"{{"action":"user.update","before":{{"password":"{secret}"}},"after":{{"password":"{secret}!"}},
            "metadata":{{"form":{{"password":"{secret}"}}}}}}"#
    );
    let draft = EventDraft::parse(text.as_bytes()).expect("accepted");
    let admitted = crate::admit::tests::admit_plain("default", draft).expect("admitted");
    for group in Group::ALL {
        let bytes = admitted.group(group).unwrap_or_default();
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains("horse"), "{group}: {text}");
    }
    assert_eq!(admitted.masked, 3);
}
