//! The expected bytes are written out by hand, and compared with a JSON reader and RFC 8785's rules.

use super::*;
use proofbook_event::limits::ACTION_BYTES_MAX;

const LEAF: &str = concat!(
    r#"{"act":"project.update","n":"AAECAwQFBgcICQoLDA0ODw==","ot":"2026-11-22T09:30:00.123456Z","#,
    r#""out":"success","rt":"2026-11-22T09:30:00.200000Z","sealed":{"#,
    r#""/actor":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","#,
    r#""/id":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="},"#,
    r#""seq":17,"v":1,"ws":"/////////////////////w=="}"#,
);

const SEALED: [(Group, Hash); 2] = [(Group::Actor, Hash([1; 32])), (Group::Id, Hash([2; 32]))];

fn fields() -> LeafFields<'static> {
    LeafFields {
        workspace: WorkspaceUid([0xff; 16]),
        seq: 17,
        recorded_at: Timestamp::parse("2026-11-22T09:30:00.2Z").unwrap(),
        occurred_at: Timestamp::parse("2026-11-22T10:30:00.123456+01:00").unwrap(),
        action: Some("project.update"),
        outcome: Outcome::Success,
        nonce: std::array::from_fn(|i| i as u8),
        sealed: &SEALED,
    }
}

fn written(fields: &LeafFields<'_>) -> String {
    let mut out = Vec::new();
    write_leaf(fields, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn leaf_bytes_are_exactly_these() {
    assert_eq!(written(&fields()), LEAF);
}

#[test]
fn leaf_hash_is_that_of_the_bytes_and_clears_the_scratch() {
    let mut scratch = b"left over".to_vec();
    assert_eq!(leaf_hash(&fields(), &mut scratch), hash::leaf_hash(LEAF.as_bytes()));
    assert_eq!(scratch, LEAF.as_bytes());
}

#[test]
fn write_leaf_appends_behind_what_is_there() {
    let mut out = b"kept".to_vec();
    write_leaf(&fields(), &mut out);
    assert_eq!(out, [b"kept", LEAF.as_bytes()].concat());
}

#[test]
fn keys_are_sorted_and_a_json_reader_agrees() {
    let all: Vec<_> = Group::ALL.into_iter().map(|group| (group, Hash([7; 32]))).collect();
    let text = written(&LeafFields { sealed: &all, action: None, ..fields() });
    // serde_json keeps object keys sorted by byte, which for ASCII is RFC 8785's order.
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["act"], "other");
    assert_eq!(value["sealed"].as_object().unwrap().len(), 7);
    let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
    keys.sort_unstable();
    let places: Vec<_> =
        keys.iter().map(|key| text.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{keys:?} at {places:?}");
    let pointers: Vec<_> = Group::ALL.iter().map(|group| group.pointer()).collect();
    assert!(pointers.is_sorted());
}

#[test]
fn the_longest_leaf_stays_within_its_bound() {
    let all: Vec<_> = Group::ALL.into_iter().map(|group| (group, Hash([255; 32]))).collect();
    let action = "a".repeat(ACTION_BYTES_MAX);
    let longest = LeafFields {
        sealed: &all,
        action: Some(&action),
        seq: SEQ_MAX,
        recorded_at: Timestamp::MAX,
        ..fields()
    };
    let text = written(&longest);
    assert!(text.len() <= LEAF_BYTES_MAX, "{} bytes", text.len());
    assert_eq!(parse_leaf(text.as_bytes()).unwrap().fields(), longest);
}

#[test]
fn what_is_written_reads_back() {
    for seq in [0, 1, 9, 10, 99, 100, 1 << 32, SEQ_MAX] {
        for action in [None, Some("login"), Some("a.b_c.9")] {
            for outcome in Outcome::ALL {
                for count in 0..=2 {
                    let fields = LeafFields {
                        seq,
                        action,
                        outcome: *outcome,
                        sealed: &SEALED[..count],
                        ..fields()
                    };
                    let text = written(&fields);
                    assert_eq!(parse_leaf(text.as_bytes()).unwrap().fields(), fields);
                }
            }
        }
    }
}

#[test]
fn an_action_named_other_never_stands_in_clear() {
    assert_eq!(clear_action("other", true), None);
    assert_eq!(clear_action("project.update", true), Some("project.update"));
    assert_eq!(clear_action("project.update", false), None);
}

#[test]
fn fields_that_break_the_form_are_a_bug_and_stop() {
    let long = "a".repeat(129);
    let unordered = [SEALED[1], SEALED[0]];
    let twice = [SEALED[0], SEALED[0]];
    let rows = [
        LeafFields { seq: SEQ_MAX + 1, ..fields() },
        LeafFields { action: Some("other"), ..fields() },
        LeafFields { action: Some(""), ..fields() },
        LeafFields { action: Some("A"), ..fields() },
        LeafFields { action: Some("a\""), ..fields() },
        LeafFields { action: Some("a..b"), ..fields() },
        LeafFields { action: Some(".a"), ..fields() },
        LeafFields { action: Some("a."), ..fields() },
        LeafFields { action: Some(&long), ..fields() },
        LeafFields { sealed: &unordered, ..fields() },
        LeafFields { sealed: &twice, ..fields() },
    ];
    for row in rows {
        let caught = std::panic::catch_unwind(|| written(&row));
        assert!(caught.is_err(), "{row:?}");
    }
}

#[test]
fn every_other_spelling_of_a_leaf_is_refused() {
    assert!(parse_leaf(LEAF.as_bytes()).is_ok());
    let swaps = [
        ("{\"act\"", "{ \"act\""),
        ("project.update", "project..update"),
        ("project.update", "Project.update"),
        ("project.update", "project\\u002eupdate"),
        ("AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0ODx=="),
        ("AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0ODw"),
        ("09:30:00.123456Z", "09:30:00.123456+00:00"),
        ("09:30:00.123456Z", "09:30:00.1234560Z"),
        ("2026-11-22T09:30:00.200000Z", "2026-11-22T09:30:00.2Z"),
        ("2026-11-22T09:30:00.200000Z", "2026-11-31T09:30:00.200000Z"),
        ("2026-11-22T09:30:00.200000Z", "2026-11-22t09:30:00.200000z"),
        ("\"success\"", "\"ok\""),
        ("\"/id\":", "\"/name\":"),
        ("\"/id\":", "\"/actor\":"),
        ("\"/actor\":", "\"/metadata\":"),
        ("AgI=\"}", "AgI=\",}"),
        ("\"seq\":17", "\"seq\":017"),
        ("\"seq\":17", "\"seq\":-17"),
        ("\"seq\":17", "\"seq\":17.0"),
        ("\"seq\":17", "\"seq\":"),
        ("\"seq\":17", "\"seq\":9007199254740992"),
        ("\"seq\":17", "\"seq\":99999999999999999999999"),
        ("\"v\":1", "\"v\":2"),
        ("\"}", "\",\"x\":1}"),
    ];
    for (from, to) in swaps {
        let text = LEAF.replacen(from, to, 1);
        assert_ne!(text, LEAF, "{from} is in the leaf");
        assert!(parse_leaf(text.as_bytes()).is_err(), "{text}");
    }
    for length in 0..LEAF.len() {
        assert!(parse_leaf(&LEAF.as_bytes()[..length]).is_err(), "{length}");
    }
    assert!(parse_leaf(format!("{LEAF}\n").as_bytes()).is_err());
    let long = [b' '; LEAF_BYTES_MAX + 1];
    assert_eq!(parse_leaf(&long), Err(ParseLeafError::Long { found_bytes: LEAF_BYTES_MAX + 1 }));
}

#[test]
fn no_single_flipped_bit_is_read_as_the_same_leaf() {
    let original = parse_leaf(LEAF.as_bytes()).unwrap();
    for at in 0..LEAF.len() {
        for bit in 0..8 {
            let mut bytes = LEAF.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            if let Ok(leaf) = parse_leaf(&bytes) {
                assert_ne!(leaf, original);
            }
        }
    }
}

#[test]
fn commitment_finds_a_group() {
    let leaf = parse_leaf(LEAF.as_bytes()).unwrap();
    assert_eq!(leaf.commitment(Group::Id), Some(&Hash([2; 32])));
    assert_eq!(leaf.commitment(Group::Targets), None);
}

#[test]
fn a_workspace_uid_is_shown_in_hexadecimal() {
    assert_eq!(WorkspaceUid([0xab; 16]).to_string(), "ab".repeat(16));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_refused_or_written_back_the_same(bytes: Vec<u8>, at in 0..LEAF.len(), cut in 0..40_usize) {
        let mut text = LEAF.as_bytes().to_vec();
        let end = (at + cut).min(text.len());
        text.splice(at..end, bytes);
        if let Ok(leaf) = parse_leaf(&text) {
            let mut again = Vec::new();
            write_leaf(&leaf.fields(), &mut again);
            proptest::prop_assert_eq!(again, text);
        }
    }
}
