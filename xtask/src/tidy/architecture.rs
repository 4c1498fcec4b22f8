//! ARCHITECTURE.md is the map: every room has its heading, every invariant its row, and what a row
//! names exists.
//!
//! A row is a table line `| I1 | … | enforced by | test |` that names, in backticks, at least one
//! file that enforces the invariant and at least one test as `path/of/tests.rs::name_of_the_test`.
//! A row may be pending instead, when `exceptions.rs` says why.

use super::Problem;
use super::exceptions::PENDING_INVARIANTS;
use super::tree::Tree;

const PAGE: &str = "ARCHITECTURE.md";
const INVARIANT_COUNT: usize = 10;

/// Checks the map against the files.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    check_with(tree, PENDING_INVARIANTS)
}

fn check_with(tree: &Tree, pending: &[(&str, &str)]) -> Vec<Problem> {
    let Some(page) = tree.text(PAGE) else {
        return vec![Problem::new(PAGE, "is missing; it is the map of the project")];
    };
    let mut problems = Vec::new();
    for room in tree.rooms() {
        if !has_paragraph(page, room) {
            let wanted =
                format!("the room `{room}` has no heading with a paragraph (### `{room}`)");
            problems.push(Problem::new(PAGE, wanted));
        }
    }
    for number in 1..=INVARIANT_COUNT {
        let name = format!("I{number}");
        let pending = pending.iter().any(|(invariant, _)| *invariant == name);
        let missing = missing_in_row(tree, page, &name);
        match (missing, pending) {
            (Some(missing), false) => problems.push(Problem::new(PAGE, missing)),
            (None, true) => problems.push(Problem::new(
                "xtask/src/tidy/exceptions.rs",
                format!("{name} is complete: take it out of PENDING_INVARIANTS"),
            )),
            (Some(_), true) | (None, false) => {}
        }
    }
    problems
}

/// True when a heading names `room` in backticks and text follows it.
fn has_paragraph(page: &str, room: &str) -> bool {
    let name = format!("`{room}`");
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("##") && line.contains(&name) {
            let text = lines.clone().find(|line| !line.trim().is_empty());
            return text.is_some_and(|line| !line.starts_with('#'));
        }
    }
    false
}

/// What the row of `invariant` lacks; `None` when it is complete.
fn missing_in_row(tree: &Tree, page: &str, invariant: &str) -> Option<String> {
    let start = format!("| {invariant} |");
    let Some(row) = page.lines().find(|line| line.starts_with(&start)) else {
        return Some(format!("{invariant} has no row `{start} … |`"));
    };
    let mut files = 0;
    let mut tests = 0;
    for name in row.split('`').skip(1).step_by(2) {
        if let Some((path, test)) = name.split_once("::").filter(|(path, _)| path.ends_with(".rs"))
        {
            let Some(text) = tree.text(path) else {
                return Some(format!("{invariant}: the test file {path} does not exist"));
            };
            if !text.contains(&format!("fn {test}(")) {
                return Some(format!("{invariant}: {path} has no test `{test}`"));
            }
            tests += 1;
        } else if name.contains('/') {
            if tree.text(name).is_none() {
                return Some(format!("{invariant}: the file {name} does not exist"));
            }
            files += 1;
        }
    }
    match (files, tests) {
        (0, _) => Some(format!("{invariant} names no file that enforces it")),
        (_, 0) => Some(format!("{invariant} names no test (`path/tests.rs::name`)")),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
