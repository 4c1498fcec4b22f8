//! Examples in the README and in `docs/` have a form that a test can run: a block marked `console`
//! starts with a command, `$ command`, and what it prints follows.

use super::Problem;
use super::tree::Tree;

/// Checks the form of every `console` block in Markdown.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let pages = tree.texts().filter(|(path, _)| path.ends_with(".md"));
    pages.flat_map(|(path, text)| check_page(path, text)).collect()
}

fn check_page(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else { continue };
        let first = lines.next();
        if language.trim() == "console" && !first.is_some_and(|(_, line)| line.starts_with("$ ")) {
            let message = "a console block starts with `$ ` and a command";
            problems.push(Problem::new(format!("{path}:{}", index + 1), message));
        }
        // An empty block ends at once.
        let ended = first.is_none_or(|(_, line)| line.trim_start().starts_with("```"));
        if !ended && !lines.any(|(_, line)| line.trim_start().starts_with("```")) {
            problems.push(Problem::new(format!("{path}:{}", index + 1), "this block has no end"));
        }
    }
    problems
}

#[cfg(test)]
mod tests;
