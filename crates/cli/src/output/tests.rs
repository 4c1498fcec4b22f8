use super::*;

#[test]
fn nothing_stored_steers_a_terminal() {
    let rows = [
        ("plain é 漢", "plain é 漢"),
        ("a\u{1b}[31mred", "a\\u{1b}[31mred"),
        ("a\u{9b}31m", "a\\u{9b}31m"),
        ("del\u{7f}", "del\\u{7f}"),
        ("two\nlines\tand\r", "two\\nlines\\tand\\r"),
        ("user\u{202e}gpj.exe", "user\\u{202e}gpj.exe"),
        ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
    ];
    for (stored, shown) in rows {
        assert_eq!(visible(stored), shown);
    }
}

#[test]
fn columns_of_a_table_are_aligned() {
    let rows =
        vec![vec!["a".to_owned(), "1".to_owned()], vec!["long é".to_owned(), "22".to_owned()]];
    assert_eq!(table(&["name", "n"], &rows), ["name    n", "a       1", "long é  22"]);
}
