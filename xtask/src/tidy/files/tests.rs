use super::super::tree::File;
use super::*;

fn places(problems: Vec<Problem>) -> Vec<String> {
    problems.into_iter().map(|problem| problem.place).collect()
}

#[test]
fn a_rust_file_opens_with_its_job() {
    let tree = Tree::of(&[
        ("a.rs", "//! Has a job.\n"),
        ("b.rs", "use std::fmt;\n//! too late\n"),
        ("c/tests.rs", "use super::*;\n"),
        ("c/src/d/tests/damage.rs", "use super::*;\n"),
        ("c/tests/it/main.rs", "mod d;\n"),
        ("d.md", "prose\n"),
    ]);
    assert_eq!(places(check_headings(&tree)), ["b.rs", "c/tests/it/main.rs"]);
}

#[test]
fn a_long_file_needs_an_exception_that_is_still_needed() {
    let long = "// line\n".repeat(LINES_MAX + 1);
    let tree = Tree::of(&[
        ("long.rs", &long),
        ("long/tests.rs", &long),
        ("full.rs", &long[..8 * LINES_MAX]),
        ("long.md", &long),
    ]);
    assert_eq!(places(check_lengths(&tree, &[])), ["long.rs"]);
    assert_eq!(places(check_lengths(&tree, &[("long.rs", "a table")])), [""; 0]);
    let stale = [("long.rs", "a table"), ("full.rs", "once longer")];
    assert_eq!(places(check_lengths(&tree, &stale)), [EXCEPTIONS]);
}

#[test]
fn a_blob_is_told_whatever_is_in_it() {
    let file = |path: &str, len_bytes| File { path: path.to_owned(), len_bytes, text: None };
    let files = vec![file("fits.bin", BLOB_BYTES_MAX), file("blob.bin", BLOB_BYTES_MAX + 1)];
    assert_eq!(places(check_sizes(&Tree { files }, &[])), ["blob.bin"]);
}
