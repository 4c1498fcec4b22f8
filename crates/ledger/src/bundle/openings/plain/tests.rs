use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use proofbook_event::Group;
use proptest::prelude::*;

use super::*;

fn line_of(read: &EventOpenings) -> Vec<u8> {
    let mut line = Vec::new();
    read.write_line(&mut line);
    line.pop();
    line
}

fn openings() -> impl Strategy<Value = EventOpenings> {
    let text = prop_oneof![
        any::<String>(),
        proptest::collection::vec(0_u8..0x80, 0..40)
            .prop_map(|bytes| String::from_utf8(bytes).expect("ASCII")),
    ];
    let groups = proptest::collection::vec((0_u8..4, any::<[u8; 16]>(), text, any::<u64>()), 7);
    (any::<u64>(), groups, proptest::option::of(any::<String>())).prop_map(|(seq, groups, leaf)| {
        let mut read = EventOpenings { seq, leaf, ..EventOpenings::default() };
        for (group, (kind, salt, value, by)) in Group::ALL.into_iter().zip(groups) {
            match kind {
                0 => read.openings.push(Opening { group, salt, value }),
                1 => read.withheld.push(group),
                2 => read.erased.push((group, by)),
                _ => {}
            }
        }
        read
    })
}

proptest! {
    /// The reader of any JSON is the oracle: it reads, writes again and compares.
    #[test]
    fn what_is_written_is_read_in_one_pass_and_to_the_same(written in openings()) {
        let line = line_of(&written);
        prop_assert_eq!(read(&line), Some(written.clone()));
        prop_assert_eq!(EventOpenings::parse_any(&line).expect("reads"), written);
    }

    #[test]
    fn what_is_read_in_one_pass_any_json_reader_reads_the_same(
        written in openings(),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
        how in 0..3,
    ) {
        let mut line = line_of(&written);
        let at = at.index(line.len());
        match how {
            0 => line[at] = byte,
            1 => line.insert(at, byte),
            _ => drop(line.remove(at)),
        }
        if let Some(read) = read(&line) {
            prop_assert_eq!(EventOpenings::parse_any(&line).expect("the one form"), read);
        }
    }
}

proptest! {
    #[test]
    fn eight_bytes_at_once_find_what_a_loop_finds(bytes in proptest::collection::vec(
        prop_oneof![Just(b'"'), Just(b'\\'), Just(b'\n'), 0x1e_u8..0x24, any::<u8>()], 0..40)) {
        let special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
        prop_assert_eq!(special_in(&bytes), bytes.iter().position(special));
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        prop_assert_eq!(EventOpenings::lines(&bytes).collect::<Vec<_>>(), lines);
    }
}

#[test]
fn other_forms_of_the_same_text_are_left_to_the_other_reader() {
    let text = |value: &str| {
        format!(
            r#"{{"seq":7,"openings":[{{"pointer":"/id","salt":"AAAAAAAAAAAAAAAAAAAAAA==","value":"{value}"}}]}}"#
        )
    };
    for value in ["a", "\\u0000", "\\u001f", "\\t", "\\\\", "\\\"", "é/\u{7f}", ""] {
        let read = read(text(value).as_bytes()).expect("the one form");
        assert_eq!(line_of(&read), text(value).as_bytes(), "{value}");
    }
    for value in
        ["\\u0041", "\\u0009", "\\u001F", "\\/", "\\u0020", "\\ud83d\\ude00", "\n", "\\", "\\x"]
    {
        assert_eq!(read(text(value).as_bytes()), None, "{value}");
        assert!(EventOpenings::parse(text(value).as_bytes()).is_err(), "{value}");
    }
    let line = text("a");
    for (from, to) in [(":7", ":07"), (":7", ":7.0"), (":7", ":-7"), (",", ", "), ("==", "=")] {
        assert_eq!(read(line.replacen(from, to, 1).as_bytes()), None, "{from} {to}");
    }
    let empty = EventOpenings { seq: 3, ..EventOpenings::default() };
    assert_eq!(read(br#"{"seq":3,"openings":[]}"#), Some(empty));
    for wrong in [
        r#"{"seq":3,"openings":[],"withheld":[]}"#,
        r#"{"seq":3,"openings":[],"erased":{}}"#,
        r#"{"seq":3,"openings":[],"withheld":["/id","/actor"]}"#,
        r#"{"seq":3,"openings":[],"erased":{"/id":1},"withheld":["/actor"]}"#,
        r#"{"seq":3,"openings":[]} "#,
        r#"{"seq":18446744073709551616,"openings":[]}"#,
    ] {
        assert_eq!(read(wrong.as_bytes()), None, "{wrong}");
        assert!(EventOpenings::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
    let both = EventOpenings {
        seq: 3,
        withheld: vec![Group::Actor],
        erased: vec![(Group::Context, 9), (Group::Id, 11)],
        leaf: Some(String::from("{}")),
        ..EventOpenings::default()
    };
    assert_eq!(read(&line_of(&both)), Some(both));
}
