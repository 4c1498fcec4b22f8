//! Folding: the form in which texts are compared, so that case and accents do not matter.
//!
//! A text is decomposed (NFKD), its marks are removed, and its letters are case folded. The filter
//! and the store's search index use this one function; a segment records [`FOLD_VERSION`], and an
//! index folded under other tables is read by scanning instead.
//!
//! Invariant: folding works character by character (`fold(a + b) == fold(a) + fold(b)`) and is
//! idempotent, so a part of a text is found in the folded whole wherever it stood in the original.

use std::borrow::Cow;
use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Unicode version of the decomposition tables.
pub const UNICODE_VERSION: (u8, u8, u8) = unicode_normalization::UNICODE_VERSION;

/// The Unicode tables that a folded text depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldVersion {
    /// Version of the decomposition and mark tables.
    pub decomposition: (u8, u8, u8),
    /// Version of the case tables, which come with the compiler.
    pub case: (u8, u8, u8),
}

/// The tables of this build.
pub const FOLD_VERSION: FoldVersion =
    FoldVersion { decomposition: UNICODE_VERSION, case: char::UNICODE_VERSION };

impl fmt::Display for FoldVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((a, b, c), (x, y, z)) = (self.decomposition, self.case);
        write!(f, "nfkd-{a}.{b}.{c}+case-{x}.{y}.{z}")
    }
}

/// Folds a text; borrows when the text is already folded ASCII.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    Cow::Owned(out)
}

/// Appends the folded form of a text to a buffer, so that a scan can reuse one.
pub fn fold_into(text: &str, out: &mut String) {
    if text.is_ascii() {
        let from = out.len();
        out.push_str(text);
        out[from..].make_ascii_lowercase();
        return;
    }
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character.to_ascii_lowercase());
        } else {
            fold_char(character, out);
        }
    }
}

/// Lower, upper, lower: one way alone leaves pairs apart (`ẞ` has no other upper case, `ς` and `σ`
/// share one, `ß` becomes `ss` only through `SS`).
fn fold_char(character: char, out: &mut String) {
    std::iter::once(character)
        .nfkd()
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .filter(|folded| !is_combining_mark(*folded))
        .for_each(|folded| out.push(folded));
}

#[cfg(test)]
mod tests;
