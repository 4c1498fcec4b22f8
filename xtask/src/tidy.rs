//! `cargo xtask tidy`: the rules of the house that a compiler does not check, as a test.
//!
//! Each check is a pure function from the files of a [`Tree`] to [`Problem`]s and has a file of its
//! own; [`CHECKS`] lists them. The tests beside each check plant a violation and look for it.
//! Exceptions stand in `exceptions.rs`, each with its reason; one that is no longer needed is a
//! problem too, so the lists only shrink.

mod architecture;
mod console;
mod directions;
mod exceptions;
mod files;
mod generated;
mod hygiene;
mod manifests;
mod modules;
mod tree;

use std::fmt;
use std::path::Path;

use tree::Tree;

/// The line in `cargo xtask help`.
pub(crate) const ABOUT: &str = "checks the rules of the house: map, directions, headings, hygiene";

/// One broken rule: where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    /// The file, from the repository's root; with `:line` where one line is to blame.
    place: String,
    /// What is wrong, in words that say how to mend it.
    message: String,
}

impl Problem {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.message)
    }
}

/// One rule: everything in the tree that breaks it.
type Check = fn(&Tree) -> Vec<Problem>;

/// Every check with its name.
const CHECKS: &[(&str, Check)] = &[
    ("architecture", architecture::check),
    ("crate directions", directions::check),
    ("module directions", modules::check),
    ("manifests", manifests::check),
    ("files", files::check),
    ("hygiene", hygiene::check),
    ("console blocks", console::check),
    ("generated pages", generated::check),
];

/// Runs every check on the checkout that this binary was built from.
///
/// # Errors
/// The text lists every problem found, or says why the checkout cannot be read.
pub(crate) fn run(_arguments: &[String]) -> Result<(), String> {
    for (invariant, reason) in exceptions::PENDING_INVARIANTS {
        println!("PENDING {invariant}: {reason}");
    }
    let tree = Tree::read(root())?;
    let problems = problems(&tree);
    if problems.is_empty() {
        println!("tidy: {} files, {} checks, no problem", tree.files.len(), CHECKS.len());
        return Ok(());
    }
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    Err(format!("{}\ntidy: {} problems", lines.join("\n"), problems.len()))
}

fn problems(tree: &Tree) -> Vec<Problem> {
    let mut problems: Vec<Problem> = CHECKS.iter().flat_map(|(_, check)| check(tree)).collect();
    problems.sort();
    problems.dedup();
    problems
}

/// The repository's root, one above this package.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository")
}

#[cfg(test)]
mod tests;
