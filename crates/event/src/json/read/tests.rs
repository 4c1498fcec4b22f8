//! The oracle is the strict reader, which is serde_json's.

use super::*;

/// Texts of every form that this reader takes.
const TAKEN: [&str; 9] = [
    r#"{"id":"e1","action":"project.update","actor":{"type":"user","roles":["admin","owner"]},"n":-12}"#,
    " { \"a\" : [ 1 , 2.5 , { } , [ ] ] ,\r\n\t\"b\" : null } ",
    r#"{"esc\u0061ped":"quote \" and \\ and \n","é":"naïve 漢字 😀","":"\ud83d\ude00"}"#,
    "[true,false,null,0,-0,7,42,123456789012345,9007199254740991,-1,1e3,0.1,-2.50E-3]",
    r#"{"before":{"a":{"b":[{"c":[]}]}},"after":{}}"#,
    r#""a long string of more than sixteen bytes""#,
    r#""\\""#,
    "12",
    "null",
];

#[test]
fn common_forms_are_taken_and_read_as_the_strict_reader_reads_them() {
    for text in TAKEN {
        assert_eq!(read(text), strict(text.as_bytes()).ok(), "{text}");
        assert!(read(text).is_some(), "{text}");
    }
}

/// One byte of each text becomes another, is doubled, or ends it: most of what comes out is no JSON.
#[test]
fn what_is_taken_is_what_the_strict_reader_takes() {
    let (mut taken, mut refused) = (0, 0);
    let mut check = |text: &[u8]| {
        let Ok(text) = std::str::from_utf8(text) else { return };
        match read(text) {
            Some(value) => {
                assert_eq!(strict(text.as_bytes()), Ok(value), "{text}");
                taken += 1;
            }
            None => {
                assert!(strict(text.as_bytes()).is_err(), "{text} is common, but not taken");
                refused += 1;
            }
        }
    };
    for text in TAKEN.map(str::as_bytes) {
        for at in 0..text.len() {
            check(&text[..at]);
            check(&[&text[..at], &text[at + 1..]].concat());
            check(&[&text[..=at], &text[at..]].concat());
            for byte in 0..=0x7f {
                check(&[&text[..at], &[byte], &text[at + 1..]].concat());
            }
        }
    }
    assert!(taken > 1_000 && refused > 1_000, "{taken} taken, {refused} refused");
}

#[test]
fn faults_and_great_width_or_depth_are_left_to_the_strict_reader() {
    let wide: Vec<String> = (0..=WIDE_OBJECT).map(|n| format!("\"k{n}\":{n}")).collect();
    let texts = [
        format!("{{{}}}", wide.join(",")),
        format!("{}{}", "[".repeat(33), "]".repeat(33)),
        r#"{"a":1,"a":2}"#.to_owned(),
        r#"{"a":1,"\u0061":2}"#.to_owned(),
        r#"{"a":"\u0000"}"#.to_owned(),
        r#"{"\u0000":1}"#.to_owned(),
        r#"["\ud800"]"#.to_owned(),
        "[\"line\nfeed\"]".to_owned(),
        "[01]".to_owned(),
        "[1.]".to_owned(),
        "[9007199254740992]".to_owned(),
        "[1e999]".to_owned(),
        "[1,]".to_owned(),
        "{\"a\":1,}".to_owned(),
        "[1] 2".to_owned(),
        "nul".to_owned(),
        String::new(),
    ];
    for text in texts {
        assert_eq!(read(&text), None, "{text}");
    }
    let deep = format!("{}{}", "[".repeat(32), "]".repeat(32));
    assert_eq!(read(&deep), strict(deep.as_bytes()).ok());
}
