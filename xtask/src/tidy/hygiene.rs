//! What must not be committed: markers of unfinished work, paths of one machine, private keys,
//! leftovers of merges and tools.
//!
//! The words are put together from halves, so that this file does not accuse itself.

use super::Problem;
use super::tree::{Tree, is_test};

/// Whole words, in capitals as written.
const MARKERS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
/// Macros of unfinished work.
const MACROS: &[&str] =
    &[concat!("db", "g!("), concat!("to", "do!("), concat!("unimple", "mented!(")];
/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/tmp/tar", "get-"),
    concat!("C:\\Us", "ers\\"),
];
/// Anywhere in a file, in any case.
const PHRASES: &[&str] = &[
    concat!("<<<<", "<<< "),
    concat!(">>>>", ">>> "),
    concat!("co-authored", "-by:"),
    concat!("generated", " with ["),
    concat!("language", " model"),
    concat!("ai ", "assistant"),
    concat!("do not", " merge"),
    concat!("arti", "factory"),
];
/// Anywhere in a file that ships; the tests of the secret detector need samples.
const KEY_HEADER: &str = concat!("private", " key-----");

/// Checks every text file.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    // The lock file is written by cargo, and a package may be called anything.
    for (path, text) in tree.texts().filter(|(path, _)| *path != "Cargo.lock") {
        for (index, line) in text.lines().enumerate() {
            if !is_test(path) && line.to_lowercase().contains(KEY_HEADER) {
                problems.push(Problem::new(format!("{path}:{}", index + 1), "holds a private key"));
            }
            problems.extend(
                faults(line).map(|message| Problem::new(format!("{path}:{}", index + 1), message)),
            );
        }
    }
    problems
}

/// What is wrong with one line.
fn faults(line: &str) -> impl Iterator<Item = String> {
    let lower = line.to_lowercase();
    let markers = MARKERS.iter().filter(|word| has_word(line, word));
    let macros = MACROS.iter().filter(|name| at_word_start(line, name));
    let paths = MACHINE_PATHS.iter().filter(|path| at_path_start(line, path));
    let phrases = PHRASES.iter().filter(|phrase| lower.contains(*phrase));
    markers
        .map(|word| format!("the marker {word}: do it, or write down in an issue what is missing"))
        .chain(macros.map(|name| format!("{name}…) is unfinished work")))
        .chain(paths.map(|path| format!("{path}… is a path of one machine")))
        .chain(phrases.map(|phrase| format!("\"{}\" does not belong in a file", phrase.trim())))
        .collect::<Vec<_>>()
        .into_iter()
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(is_word) && !line[at + word.len()..].starts_with(is_word)
    })
}

fn at_word_start(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(is_word))
}

/// A path begins a line or follows a space or a quote; `https://host/home/x` and `{root}/work/` do not.
fn at_path_start(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        at == 0 || line[..at].ends_with([' ', '\t', '"', '\'', '`', '=', '(', ':', '[', '<'])
    })
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests;
