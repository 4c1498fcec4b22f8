//! Files have a heading, a readable length, and are not blobs.

use super::Problem;
use super::exceptions::{BLOBS, LONG_FILES};
use super::tree::{Tree, is_test};

/// A Rust file longer than this holds a second noun that wants a file of its own.
const LINES_MAX: usize = 700;
/// A file larger than this is data that belongs elsewhere; the history would carry it for ever.
const BLOB_BYTES_MAX: usize = 512 << 10;

const EXCEPTIONS: &str = "xtask/src/tidy/exceptions.rs";

/// Checks headings, lengths and sizes.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = check_headings(tree);
    problems.extend(check_lengths(tree, LONG_FILES));
    problems.extend(check_sizes(tree, BLOBS));
    problems
}

/// Every Rust file opens with `//!`: its job and what it leaves to others. A `tests.rs` and its parts
/// need none, the module beside it says what is tested.
fn check_headings(tree: &Tree) -> Vec<Problem> {
    tree.rust()
        .filter(|(path, text)| !is_unit_test(path) && !text.starts_with("//!"))
        .map(|(path, _)| Problem::new(path, "does not open with `//!`: say what its job is"))
        .collect()
}

/// True for `src/…/tests.rs` and for the files that it is split into, `src/…/tests/….rs`.
fn is_unit_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || (path.contains("/src/") && path.contains("/tests/"))
}

fn check_lengths(tree: &Tree, allowed: &[(&str, &str)]) -> Vec<Problem> {
    let long: Vec<&str> = tree
        .rust()
        .filter(|(path, text)| !is_test(path) && text.lines().count() > LINES_MAX)
        .map(|(path, _)| path)
        .collect();
    against(
        allowed,
        "LONG_FILES",
        &long,
        &format!("has more than {LINES_MAX} lines: split it by noun"),
    )
}

fn check_sizes(tree: &Tree, allowed: &[(&str, &str)]) -> Vec<Problem> {
    let large: Vec<&str> = tree
        .files
        .iter()
        .filter(|file| file.len_bytes > BLOB_BYTES_MAX)
        .map(|file| file.path.as_str())
        .collect();
    against(allowed, "BLOBS", &large, &format!("is larger than {BLOB_BYTES_MAX} bytes"))
}

/// A problem for each path that is not allowed and for each allowance that excuses nothing.
fn against(allowed: &[(&str, &str)], list: &str, paths: &[&str], message: &str) -> Vec<Problem> {
    let is_allowed = |path: &&&str| allowed.iter().any(|(allowed, _)| allowed == *path);
    let unexcused = paths.iter().filter(|path| !is_allowed(path));
    let stale = allowed.iter().filter(|(allowed, _)| !paths.contains(allowed));
    unexcused
        .map(|path| Problem::new(*path, message))
        .chain(stale.map(|(path, _)| {
            Problem::new(EXCEPTIONS, format!("{path} needs no exception: take it out of {list}"))
        }))
        .collect()
}

#[cfg(test)]
mod tests;
