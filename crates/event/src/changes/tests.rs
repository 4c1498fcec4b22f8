use super::*;
use crate::canonical;

/// Lists the changes between two JSON texts, one `kind path before → after` a line.
fn check(before: &str, after: &str, expected: &[&str]) {
    let parse = |text: &'static str| Value::parse(text.as_bytes()).expect("valid JSON");
    let before = (!before.is_empty()).then(|| parse(before.to_owned().leak()));
    let after = (!after.is_empty()).then(|| parse(after.to_owned().leak()));
    let side = |side: &Option<Cow<'_, Value<'_>>>| {
        side.as_ref().map_or("-".to_owned(), |value| value.to_string())
    };
    let lines: Vec<String> = derive(before.as_ref(), after.as_ref())
        .iter()
        .map(|c| format!("{} {} {} → {}", c.kind.as_str(), c.path, side(&c.before), side(&c.after)))
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn only_what_differs_is_listed() {
    check(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, &[]);
    check(r#"{"name":"Old","x":1}"#, r#"{"name":"New","x":1}"#, &[r#"update /name "Old" → "New""#]);
    check(r#"{"a":{"b/c":1}}"#, r#"{"a":{"b/c":null}}"#, &["update /a/b~1c 1 → null"]);
    check(r#"{"a":1}"#, r#"{"a":null}"#, &["update /a 1 → null"]);
    check(r#"{"a":1}"#, "{}", &["remove /a 1 → -"]);
    check("1", "2", &["update  1 → 2"]);
}

#[test]
fn creation_and_deletion_list_each_field() {
    check("", r#"{"name":"A","n":1}"#, &[r#"add /name - → "A""#, "add /n - → 1"]);
    check(r#"{"name":"A"}"#, "null", &[r#"remove /name "A" → -"#]);
    check("", "", &[]);
}

#[test]
fn items_with_ids_are_added_removed_changed_and_moved() {
    check(
        r#"{"steps":[{"id":"a","d":1},{"id":"b","d":2},{"id":"c","d":3}]}"#,
        r#"{"steps":[{"id":"c","d":3},{"id":"a","d":9},{"id":"n","d":0}]}"#,
        &[
            r#"remove /steps/b {"id":"b","d":2} → -"#,
            "update /steps/a/d 1 → 9",
            r#"add /steps/n - → {"id":"n","d":0}"#,
            "move /steps/c 2 → 0",
        ],
    );
    check(r#"[{"id":1}]"#, "[]", &[r#"remove /1 {"id":1} → -"#]);
}

#[test]
fn a_list_without_ids_is_one_value() {
    check(r#"{"r":["a"]}"#, r#"{"r":["a","b"]}"#, &[r#"update /r ["a"] → ["a","b"]"#]);
    check(
        r#"[{"id":1},{"id":1}]"#,
        r#"[{"id":1}]"#,
        &[r#"update  [{"id":1},{"id":1}] → [{"id":1}]"#],
    );
}

#[test]
fn a_long_side_is_cut_marked_and_hashed() {
    let long = Value::Object(vec![("a".into(), "x".repeat(5_000).into())]);
    let changes = derive(None, Some(&long));
    let written = written(&changes);
    let value = Value::parse(&written).expect("it is JSON");
    assert_eq!(canonical::to_bytes(&value), written);
    let item = &value.as_array().expect("a list")[0];
    assert_eq!(item.pointer("/cut/after/bytes").and_then(Value::as_int), Some(5_002));
    // printf '"%s"' "$(printf 'x%.0s' $(seq 5000))" | sha256sum
    let digest = item.pointer("/cut/after/sha256").and_then(Value::as_str).expect("hashed");
    assert_eq!(digest.len(), 64);
    assert!(item.get("after").and_then(Value::as_str).expect("text").chars().count() == 257);
}

#[test]
fn too_many_changes_end_in_a_count() {
    let members: Object<'_> = (0..1_500).map(|n| (format!("k{n}").into(), Value::Int(n))).collect();
    let after = Value::Object(members);
    let written = written(&derive(None, Some(&after)));
    let value = Value::parse(&written).expect("it is JSON");
    assert_eq!(canonical::to_bytes(&value), written);
    let items = value.as_array().expect("a list");
    let last = items.last().expect("not empty");
    assert_eq!(last.get("kind").and_then(Value::as_str), Some("cut"));
    let counted = last.get("count").and_then(Value::as_int).expect("a count");
    assert_eq!(items.len() as i64 - 1 + counted, 1_500);
}

fn written(changes: &[Change<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    write(changes, &mut out);
    out
}

#[test]
fn changes_are_written_in_canonical_form() {
    let before = Value::parse(br#"{"name":"Old","gone":[1],"kept":true}"#).expect("valid");
    let after =
        Value::parse(br#"{"name":"New","kept":true,"new":{"b":1,"a":null}}"#).expect("valid");
    let expected = concat!(
        r#"[{"after":"New","before":"Old","kind":"update","path":"/name"},"#,
        r#"{"before":[1],"kind":"remove","path":"/gone"},"#,
        r#"{"after":{"a":null,"b":1},"kind":"add","path":"/new"}]"#
    );
    let found = written(&derive(Some(&before), Some(&after)));
    assert_eq!(String::from_utf8_lossy(&found), expected);
    assert_eq!(written(&[]), b"[]");
}
