//! Pages that a program writes are as it would write them today.

use super::Problem;
use super::tree::Tree;

/// Writes a page from the checkout, or says why it cannot.
type Generator = fn(&Tree) -> Result<String, String>;

/// (file, generator) of every generated page.
const GENERATED: &[(&str, Generator)] = &[];

/// When this variable names a file, `docs/presets.md` must equal it: the page is a copy of the list
/// of actions that the five presets are built from.
const PRESETS_PAGE_VARIABLE: &str = "PROOFBOOK_PRESETS_PAGE";
const PRESETS_PAGE: &str = "docs/presets.md";

/// Checks every generated page, and the copy of the presets' page where its original is at hand.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = check_pages(tree, GENERATED);
    if let Some(original) = std::env::var_os(PRESETS_PAGE_VARIABLE)
        && let Ok(original) = std::fs::read_to_string(original)
    {
        problems.extend(check_copy(tree, &original));
    }
    problems
}

fn check_pages(tree: &Tree, pages: &[(&str, Generator)]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, generator) in pages {
        match generator(tree) {
            Ok(page) if tree.text(path) == Some(&page) => {}
            Ok(_) => problems.push(Problem::new(*path, "is not what its generator writes today")),
            Err(error) => {
                problems.push(Problem::new(*path, format!("cannot be generated: {error}")))
            }
        }
    }
    problems
}

fn check_copy(tree: &Tree, original: &str) -> Option<Problem> {
    (tree.text(PRESETS_PAGE) != Some(original))
        .then(|| Problem::new(PRESETS_PAGE, "differs from the page it is a copy of"))
}

#[cfg(test)]
mod tests;
