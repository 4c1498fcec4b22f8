//! A first look at a whole page of values: may any of them pass?

use memchr::memmem::Finder;
use proofbook_filter::{Predicate, Test, TextPattern};

/// Texts of which a page must have some for any of its values to pass.
pub(crate) struct PageFilter {
    /// Any of these, of which each must have all its parts; none when nothing can be said.
    any: Option<Vec<Vec<Finder<'static>>>>,
    /// Whether the page is compared in lower case.
    folded: bool,
}

impl PageFilter {
    pub(crate) fn new(predicate: &Predicate) -> Self {
        let patterns: Vec<&TextPattern> = match predicate {
            Predicate::Text(pattern) => vec![pattern],
            // A field of a party may read "System" where nothing is stored; see `leaf`.
            Predicate::Field { any, .. } => any
                .iter()
                .filter_map(|test| match test {
                    Test::Text(pattern) if !pattern.matches("System") => Some(pattern),
                    _ => None,
                })
                .collect(),
            Predicate::Target(_) | Predicate::Change(_) => Vec::new(),
        };
        let tests = match predicate {
            Predicate::Field { any, .. } => any.len(),
            _ => 1,
        };
        let folded = patterns.iter().all(|pattern| pattern.is_folded());
        let alike = folded || patterns.iter().all(|pattern| !pattern.is_folded());
        // JSON writes some characters otherwise.
        let is_verbatim =
            |part: &&str| !part.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\');
        let finders = |pattern: &&TextPattern| {
            pattern
                .segments()
                .filter(is_verbatim)
                .map(|part| Finder::new(part).into_owned())
                .collect()
        };
        let usable = alike && !patterns.is_empty() && patterns.len() == tests;
        Self { any: usable.then(|| patterns.iter().map(finders).collect()), folded }
    }

    /// Tells whether a value in a page of ASCII values may pass; `false` is certain.
    pub(crate) fn may_be_in(&self, page: &[u8], lower: &mut Vec<u8>) -> bool {
        let Some(any) = &self.any else { return true };
        let page = if self.folded {
            lower.clear();
            lower.extend_from_slice(page);
            lower.make_ascii_lowercase();
            lower.as_slice()
        } else {
            page
        };
        any.iter().any(|parts| parts.iter().all(|part| part.find(page).is_some()))
    }

    /// Tells whether a part of a value that passes may lie across a border between two ASCII texts, of which
    /// the first ends with `before` and the second begins with `behind`, or with anything where that is
    /// empty; `false` is certain. What JSON would escape is not looked for: it stands in no sentence that was
    /// taken out of its JSON.
    pub(crate) fn may_cross(&self, before: &[u8], behind: &[u8]) -> bool {
        let Some(any) = &self.any else { return true };
        let alike = |(one, other): (&u8, &u8)| match self.folded {
            true => one.eq_ignore_ascii_case(other),
            false => one == other,
        };
        any.iter().flatten().any(|part| {
            (1..part.needle().len()).any(|at| {
                let (left, right) = part.needle().split_at(at);
                before.iter().rev().zip(left.iter().rev()).all(alike)
                    && behind.iter().zip(right).all(alike)
            })
        })
    }
}

#[cfg(test)]
mod tests;
