//! Crates use each other in one direction: `cli → server → delivery → query → store → catalog →
//! ledger, filter → event`. Left may use right, never back, and neighbours of one rank not at all.

use super::Problem;
use super::tree::Tree;

/// From the ground up; crates in one row do not know each other.
const RANKS: &[&[&str]] = &[
    &["event"],
    &["ledger", "filter"],
    &["catalog"],
    &["store"],
    &["query"],
    &["delivery"],
    &["server"],
    &["cli"],
];
/// May use every other crate, and may be used only by tests.
const TESTS_ONLY: &str = "testkit";
const PREFIX: &str = "proofbook-";

/// Checks the manifests of `crates/*`.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for room in tree.rooms() {
        let path = format!("crates/{room}/Cargo.toml");
        let Some(manifest) = tree.text(&path) else { continue };
        match manifest.parse::<toml::Table>() {
            Ok(manifest) => {
                problems.extend(
                    check_room(room, &manifest).into_iter().map(|m| Problem::new(&path, m)),
                );
            }
            Err(error) => problems.push(Problem::new(&path, format!("is not TOML: {error}"))),
        }
    }
    problems
}

fn check_room(room: &str, manifest: &toml::Table) -> Vec<String> {
    let mut messages = Vec::new();
    let named = manifest.get("package").and_then(|package| package.get("name"));
    if named.and_then(toml::Value::as_str) != Some(&format!("{PREFIX}{room}")) {
        messages.push(format!("the crate in crates/{room} is named {PREFIX}{room}"));
    }
    if room != TESTS_ONLY && rank(room).is_none() {
        messages.push(format!("the room `{room}` has no rank in xtask/src/tidy/directions.rs"));
    }
    for dependency in dependencies(manifest, "dependencies") {
        let Some(used) = dependency.strip_prefix(PREFIX) else { continue };
        if used == TESTS_ONLY {
            messages
                .push(format!("{PREFIX}{TESTS_ONLY} is for tests: move it to [dev-dependencies]"));
        } else if room != TESTS_ONLY && rank(used) >= rank(room) {
            messages.push(format!("`{room}` must not use `{used}`: it is not below it"));
        }
    }
    for dependency in dependencies(manifest, "dev-dependencies") {
        let Some(used) = dependency.strip_prefix(PREFIX) else { continue };
        if used != TESTS_ONLY && rank(used) >= rank(room) {
            messages
                .push(format!("the tests of `{room}` must not use `{used}`: it is not below it"));
        }
    }
    messages
}

fn rank(room: &str) -> Option<usize> {
    RANKS.iter().position(|row| row.contains(&room))
}

/// Names in `[table]`, `[build-…]` and `[target.….table]`.
fn dependencies(manifest: &toml::Table, table: &str) -> Vec<String> {
    let mut tables = vec![manifest.get(table)];
    if table == "dependencies" {
        tables.push(manifest.get("build-dependencies"));
    }
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        tables.extend(targets.values().map(|target| target.get(table)));
    }
    let tables = tables.into_iter().flatten().filter_map(toml::Value::as_table);
    tables.flat_map(|table| table.keys().cloned()).collect()
}

#[cfg(test)]
mod tests;
