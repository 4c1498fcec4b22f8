use super::*;
use proofbook_event::{Value, canonical};
use proptest::prelude::*;

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        (-5000_i64..5000).prop_map(|n| n.to_string()),
        ".{0,12}".prop_map(|text| {
            let mut out = Vec::new();
            canonical::write_string(&text, &mut out);
            String::from_utf8(out).unwrap()
        }),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|v| format!("[{}]", v.join(","))),
            prop::collection::btree_map("[a-z\"\\\\{},:]{0,4}", inner, 0..5).prop_map(|map| {
                let members: Vec<String> = map
                    .into_iter()
                    .map(|(key, value)| {
                        let mut out = Vec::new();
                        canonical::write_string(&key, &mut out);
                        format!("{}:{value}", String::from_utf8(out).unwrap())
                    })
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn slices_are_what_a_parser_finds(text in json()) {
        let Ok(value) = Value::parse(text.as_bytes()) else { return Ok(()) };
        let mut texts = Vec::new();
        value.for_each_text(&mut |text| texts.push(text.to_owned()));
        let mut found = Vec::new();
        for_each_text(text.as_bytes(), &mut String::new(), &mut |text| found.push(text.to_owned()));
        prop_assert_eq!(found, texts);
        if let Some(object) = value.as_object() {
            let parts: Vec<_> = members(text.as_bytes()).collect();
            prop_assert_eq!(parts.len(), object.len());
            for ((key, part), (name, value)) in parts.iter().zip(object) {
                let mut quoted = vec![b'"'];
                quoted.extend_from_slice(key);
                quoted.push(b'"');
                let parsed = Value::parse(&quoted).unwrap().into_owned();
                prop_assert_eq!(parsed.as_str(), Some(&**name));
                let parsed = Value::parse(part).unwrap().into_owned();
                prop_assert_eq!(&parsed, value);
            }
            prop_assert_eq!(items(text.as_bytes()).count(), 0);
        }
        if let Some(array) = value.as_array() {
            let parts: Vec<_> = items(text.as_bytes()).map(|(_, part)| part).collect();
            prop_assert_eq!(parts.len(), array.len());
            for (part, value) in parts.iter().zip(array) {
                let parsed = Value::parse(part).unwrap().into_owned();
                prop_assert_eq!(&parsed, value);
            }
        }
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(prop::sample::select(&b"{}[]\",:\\ua1 "[..]), 0..60)) {
        for_each_text(&bytes, &mut String::new(), &mut |_| {});
        members(&bytes).for_each(drop);
        items(&bytes).for_each(drop);
    }
}
