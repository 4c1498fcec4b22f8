use super::*;

fn parts(text: &str, form: Form) -> Vec<&str> {
    match split(text.as_bytes(), form).expect("splits") {
        Split::One(range) => vec![&text[range]],
        Split::Many(ranges) => ranges.into_iter().map(|range| &text[range]).collect(),
    }
}

fn is_one(text: &str) -> bool {
    matches!(split(text.as_bytes(), Form::Any), Ok(Split::One(_)))
}

#[test]
fn one_object_an_array_and_lines_are_told_apart() {
    assert_eq!(parts(r#" {"a":1} "#, Form::Any), [r#"{"a":1}"#]);
    assert!(is_one(r#"{"a":"[,]"}"#) && is_one("{\n\"a\": 1\n}\n"));
    assert_eq!(parts(r#"[{"a":1}, {"b":[2,3]} ]"#, Form::Any), [r#"{"a":1}"#, r#"{"b":[2,3]}"#]);
    assert_eq!(parts("{\"a\":1}\n\r\n {\"b\":2}\r\n", Form::Any), [r#"{"a":1}"#, r#"{"b":2}"#]);
    assert_eq!(parts("{\"a\":1}", Form::Lines), [r#"{"a":1}"#]);
    assert_eq!(parts("[]", Form::Any), Vec::<&str>::new());
}

#[test]
fn a_bad_event_is_cut_out_and_the_others_stay() {
    let array = r#"[{"a":1},{"b":},nonsense,"text",{"c":"}]\""},7]"#;
    let expected = [r#"{"a":1}"#, r#"{"b":}"#, "nonsense", "\"text\"", r#"{"c":"}]\""}"#, "7"];
    assert_eq!(parts(array, Form::Any), expected);
    assert_eq!(
        parts("{\"a\":1}\n{\"b\n{\"c\":3}", Form::Any),
        [r#"{"a":1}"#, "{\"b", r#"{"c":3}"#]
    );
}

#[test]
fn a_broken_frame_is_refused_at_its_place() {
    let rows = [
        ("", 0),
        ("  ", 2),
        ("[", 1),
        (r#"[{"a":1}"#, 8),
        (r#"[{"a":1} {"b":2}]"#, 9),
        (r#"[{"a":1},]"#, 9),
        (r#"[{"a":1}] x"#, 10),
        (r#"[{"a":1}]]"#, 9),
        (r#"[{"a"#, 1),
    ];
    for (text, offset) in rows {
        let problem = split(text.as_bytes(), Form::Any).expect_err(text);
        assert_eq!(problem.code, Code::Malformed, "{text}");
        assert_eq!(problem.faults[0].offset, Some(offset), "{text}");
    }
}

#[test]
fn one_event_too_many_is_refused_with_limit_and_offset() {
    let fits = format!("[{}1]", "1,".repeat(BATCH_EVENTS_MAX - 1));
    assert_eq!(parts(&fits, Form::Any).len(), BATCH_EVENTS_MAX);
    let over = format!("[{}1]", "1,".repeat(BATCH_EVENTS_MAX));
    let problem = split(over.as_bytes(), Form::Any).expect_err("one too many");
    assert_eq!(problem.code, Code::TooLarge);
    assert_eq!(problem.faults[0].limit, Some(BATCH_EVENTS_MAX as u64));
    assert_eq!(problem.faults[0].offset, Some(1 + 2 * BATCH_EVENTS_MAX as u64));
}

proptest::proptest! {
    // The oracle is serde_json: what it reads as an array is cut into what it reads as elements.
    #[test]
    fn an_array_is_cut_as_a_json_parser_would(values in proptest::collection::vec(json(), 0..20)) {
        let text = serde_json::to_string(&values).expect("JSON");
        let found: Vec<serde_json::Value> = parts(&text, Form::Any)
            .into_iter()
            .map(|part| serde_json::from_str(part).expect("an element"))
            .collect();
        proptest::prop_assert_eq!(found, values);
    }

    #[test]
    fn no_bytes_make_it_panic_or_overlap(bytes in proptest::collection::vec(proptest::sample::select(&b"[]{},\"\\ \n1a"[..]), 0..60)) {
        if let Ok(Split::Many(ranges)) = split(&bytes, Form::Any) {
            let mut end = 0;
            for range in ranges {
                proptest::prop_assert!(range.start >= end && range.end <= bytes.len());
                proptest::prop_assert!(!range.is_empty());
                end = range.end;
            }
        }
    }
}

fn json() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        "[\\PC\"\\\\\\]\\}]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::vec(("[a-z\"]{0,3}", inner), 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}
