use serde_json::json;

use super::*;

fn warning(workspace: &str, kind: &str, subject: &str, raised_at: i64) -> Warning {
    let facts = json!({"count": 3});
    Warning {
        workspace: workspace.to_owned(),
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        raised_at,
        facts,
    }
}

#[test]
fn p6_a_warning_stands_once_until_it_is_over() {
    let mut warned = Warned::default();
    warned.raise(warning("acme", "gap", "billing", 1));
    warned.raise(warning("acme", "gap", "crm", 2));
    warned.raise(warning("acme", "gap", "billing", 3));
    warned.raise(warning("other", "gap", "billing", 4));
    let raised: Vec<i64> = warned.of("acme").iter().map(|warning| warning.raised_at).collect();
    assert_eq!(raised, [2, 3], "raised again it is the newer one");
    warned.end("acme", "gap", "crm");
    warned.end("acme", "gap", "nothing");
    assert!(warned.find("acme", "gap", "crm").is_none());
    assert!(warned.find("acme", "gap", "billing").is_some());
    warned.end("acme", "gap", "billing");
    assert_eq!(warned.all().count(), 1);
}

#[test]
fn p6_what_was_warned_of_survives_as_json() {
    let mut warned = Warned::default();
    assert!(warned.is_empty());
    warned.raise(warning("acme", "silence", "", 1));
    warned.exported("acme", 41);
    let text = serde_json::to_string(&warned).expect("JSON");
    let read: Warned = serde_json::from_str(&text).expect("what was written");
    assert_eq!(read, warned);
    assert_eq!(read.exported_below("acme"), 41);
}

#[test]
fn p6_one_more_warning_copies_a_small_part_of_many() {
    let mut warned = Warned::default();
    for number in 0..10_000 {
        warned.raise(warning(&format!("ws-{number}"), "silence", "", number));
    }
    let before = warned.clone();
    warned.raise(warning("ws-1", "gap", "", 1));
    let copied = before.0.iter().zip(warned.0.iter()).filter(|(one, two)| !Arc::ptr_eq(one, two));
    assert_eq!(copied.count(), 1, "every other shelf is shared with who still reads");
    let largest = warned.0.iter().map(|shelf| shelf.warnings.len()).max();
    assert!(largest < Some(200), "{largest:?} of 10,000 on one shelf");
    assert_eq!((before.all().count(), warned.all().count()), (10_000, 10_001));
    let text = serde_json::to_string(&warned).expect("JSON");
    assert_eq!(serde_json::from_str::<Warned>(&text).expect("what was written"), warned);
    let mut ended = Warned::default();
    ended.raise(warning("acme", "gap", "", 1));
    ended.end("acme", "gap", "");
    assert!(ended.is_empty());
    assert_eq!(ended, Warned::default(), "what was is no part of what is");
}
