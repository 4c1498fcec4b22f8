//! Inside `store` the modules, too, use each other in one direction only.
//!
//! The scan reads paths that start with `crate::`, `super::` or a foreign crate's name, outside of
//! comments and tests. It knows text, not types: a re-export could deceive it, so `store` has none
//! that cross these lines.

use super::Problem;
use super::tree::{Tree, is_test};

/// What one module may not name, and why.
struct Rule {
    module: &'static str,
    /// Modules of `store`, or foreign crates as they are written in code.
    forbidden: Forbidden,
    reason: &'static str,
}

enum Forbidden {
    /// Exactly these.
    These(&'static [&'static str]),
    /// Every module of `store` but these.
    AllModulesBut(&'static [&'static str]),
}

const GROUND: &[&str] = &["disk", "clock", "random", "codec", "names", "limits"];
const GROUND_REASON: &str = "it is the ground that everything else stands on";

const RULES: &[Rule] = &[
    ground("disk"),
    ground("clock"),
    ground("random"),
    ground("codec"),
    ground("names"),
    ground("limits"),
    Rule {
        module: "log",
        forbidden: Forbidden::These(&["fold", "record", "recent", "segment", "view", "commit"]),
        reason: "the log orders bytes and knows nothing of what they mean",
    },
    Rule {
        module: "fold",
        forbidden: Forbidden::These(&[
            "disk",
            "clock",
            "random",
            "commit",
            "view",
            "manifest",
            "proofbook_catalog",
            "proofbook_filter",
        ]),
        reason: "the fold is a pure function of the log: no disk, no clock, no randomness, no judgement",
    },
    Rule {
        module: "segment",
        forbidden: Forbidden::These(&[
            "fold", "log", "record", "recent", "commit", "view", "clock",
        ]),
        reason: "a segment stores rows; which rows and when is decided above it",
    },
    Rule {
        module: "record",
        forbidden: Forbidden::These(&["fold", "disk", "clock", "random", "commit", "view"]),
        reason: "a record is bytes with a meaning; what follows from it is the fold's business",
    },
];

const fn ground(module: &'static str) -> Rule {
    Rule { module, forbidden: Forbidden::AllModulesBut(GROUND), reason: GROUND_REASON }
}

const FOLDER: &str = "crates/store/src/";

/// Checks every file of `store` against [`RULES`].
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let files = || tree.rust().filter_map(|(path, text)| Some((path.strip_prefix(FOLDER)?, text)));
    let modules: Vec<&str> = files().map(|(path, _)| top_module(path)).collect();
    let mut problems = Vec::new();
    for (path, text) in files().filter(|(path, _)| !is_test(&format!("{FOLDER}{path}"))) {
        for rule in RULES.iter().filter(|rule| rule.module == top_module(path)) {
            for (line, used) in used_roots(path, text) {
                let bad = match rule.forbidden {
                    Forbidden::These(these) => these.contains(&used.as_str()),
                    Forbidden::AllModulesBut(but) => {
                        modules.contains(&used.as_str()) && !but.contains(&used.as_str())
                    }
                };
                if bad && used != rule.module {
                    let message =
                        format!("`{}` must not use `{used}`: {}", rule.module, rule.reason);
                    problems.push(Problem::new(format!("{FOLDER}{path}:{line}"), message));
                }
            }
        }
    }
    problems
}

/// The module right below the crate that the file at `path` (below `src/`) belongs to.
fn top_module(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// The nesting of the file's own module: `log.rs` is 1, `log/frame.rs` 2, `disk/mod.rs` 1.
fn depth(path: &str) -> usize {
    let parts = path.split('/').count();
    if path.ends_with("/mod.rs") { parts - 1 } else { parts }
}

/// (line number, name) of each module of the crate, and each foreign crate, that the text names.
fn used_roots(path: &str, text: &str) -> Vec<(usize, String)> {
    let code = without_comments(text);
    let mut used = Vec::new();
    for (start, word) in words(&code) {
        let line = code[..start].matches('\n').count() + 1;
        let behind = &code[start + word.len()..];
        // The second `super` of a chain, and a name inside a path, were counted with its start.
        let inside_path = code[..start].ends_with("::");
        let rest = match word {
            _ if inside_path => continue,
            "crate" => behind,
            "super" => match above(path, behind) {
                Some(rest) => rest,
                None => continue,
            },
            _ if word.starts_with("proofbook_") => {
                used.push((line, word.to_owned()));
                continue;
            }
            _ => continue,
        };
        used.extend(first_names(rest).into_iter().map(|name| (line, name)));
    }
    used
}

/// What follows a chain of `super` that climbs to the crate itself; `None` when it ends below.
fn above<'a>(path: &str, mut behind: &'a str) -> Option<&'a str> {
    let mut climbed = 1;
    while let Some(rest) = behind.strip_prefix("::super") {
        climbed += 1;
        behind = rest;
    }
    (climbed >= depth(path)).then_some(behind)
}

/// The first names behind `crate`: one for `::a::b`, each for `::{a, b::c}`.
fn first_names(rest: &str) -> Vec<String> {
    let Some(rest) = rest.strip_prefix("::") else { return Vec::new() };
    let Some(group) = rest.strip_prefix('{') else {
        return words(rest).first().map(|(_, word)| (*word).to_owned()).into_iter().collect();
    };
    let mut names = Vec::new();
    let mut depth = 0;
    let mut at_start = true;
    for (index, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            letter if at_start && is_word(letter) => {
                let word = group[index..].split(|letter| !is_word(letter)).next();
                names.extend(word.map(str::to_owned));
                at_start = false;
            }
            _ => {}
        }
    }
    names
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Every identifier with its place.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut start = None;
    for (index, letter) in text.char_indices().chain([(text.len(), ' ')]) {
        match (is_word(letter), start) {
            (true, None) => start = Some(index),
            (false, Some(from)) => {
                words.push((from, &text[from..index]));
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// The text with `//` comments blanked, lines kept.
fn without_comments(text: &str) -> String {
    let lines = text.lines().map(|line| line.find("//").map_or(line, |at| &line[..at]));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
