use super::*;

fn entries(text: &str, rules: &Rules) -> Vec<Entry> {
    let mut entries = Vec::new();
    read(text.as_bytes(), rules, &mut |entry| {
        entries.push(entry);
        true
    })
    .expect("in memory");
    entries
}

fn own() -> Rules {
    Rules { mapping: None, workspace: Some("acme".to_owned()), workspace_from_record: false }
}

/// (line, whether it is an event) of each entry.
fn lines(entries: &[Entry]) -> Vec<(u64, bool)> {
    entries
        .iter()
        .map(|entry| match entry {
            Ok(item) => (item.line, true),
            Err(error) => (error.line, false),
        })
        .collect()
}

#[test]
fn each_entry_has_the_line_it_begins_at() {
    let event = r#"{"id":"a","action":"x.create"}"#;
    let rows: &[(String, &[(u64, bool)])] = &[
        (format!("{event}\n{event}"), &[(1, true), (2, true)]),
        (format!("\n\n{event}\n\n{event}\n"), &[(3, true), (5, true)]),
        (format!("{event}\n{{\"id\":\n{event}\n"), &[(1, true), (2, false), (3, true)]),
        (format!("{{\"id\":\n{event}\n"), &[(1, false), (2, true)]),
        (format!("[\n{event},\n\n{event}]"), &[(2, true), (4, true)]),
        (format!("[{event},{event}]\n{event}"), &[(1, true), (1, true), (2, true)]),
        ("{\n\"id\": \"a\",\n\"action\": \"x.create\"}\n".to_owned(), &[(1, true)]),
        (String::new(), &[]),
        ("\n \n".to_owned(), &[]),
    ];
    for (text, expected) in rows {
        assert_eq!(lines(&entries(text, &own())), *expected, "{text}");
    }
}

#[test]
fn an_event_without_an_id_gets_the_same_one_each_time() {
    let text = r#"{"action":"x.create","actor":{"id":"u"}}"#;
    let spaced = r#"{ "actor": {"id": "u"}, "action": "x.create" }"#;
    let id = |text: &str| {
        let item = entries(text, &own()).remove(0).expect("an event");
        let value: serde_json::Value = serde_json::from_slice(&item.event).expect("JSON");
        value["id"].as_str().expect("an id").to_owned()
    };
    assert_eq!(id(text), id(text));
    assert_eq!(id(text), id(spaced));
    assert_ne!(id(text), id(r#"{"action":"x.delete","actor":{"id":"u"}}"#));
}

#[test]
fn an_event_that_nobody_gives_a_workspace_is_an_error() {
    let rules = Rules { workspace: None, ..own() };
    let found = entries("{\"action\":\"a.b\",\"workspace\":\"own\"}\n{\"action\":\"a.b\"}", &rules);
    assert_eq!(found[0].as_ref().expect("an event").workspace, "own");
    assert_eq!(found[1].as_ref().expect_err("none").pointer, "/workspace");
}

#[test]
fn a_foreign_record_that_is_damaged_costs_only_itself() {
    let mapping = Mapping::shipped("github");
    let rules = Rules { mapping, ..own() };
    let good =
        r#"{"@timestamp":1668636000000,"action":"repo.create","actor":"ada","_document_id":"x"}"#;
    let text = format!("{good}\n{{broken\n{good}\n{{\"action\":\"repo.create\"}}\n");
    assert_eq!(lines(&entries(&text, &rules)), [(1, true), (2, false), (3, true), (4, false)]);
}
