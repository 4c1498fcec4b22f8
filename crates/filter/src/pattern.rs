//! Compiled text patterns: equality, prefix, substring and wildcards over one text.
//!
//! A pattern is a list of literal segments that must come in order without overlap; either end may
//! be open. The leftmost fit of each segment is taken, which is right for patterns that know only
//! "any text between", and keeps matching linear in the text: there is nothing to backtrack to.

use crate::ast::Glob;
use crate::fold::fold;

/// A text to compare with, folded or letter for letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPattern {
    segments: Vec<Segment>,
    open_start: bool,
    open_end: bool,
    is_folded: bool,
}

/// One literal part; its rarest byte is where the search looks first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    text: Box<str>,
    rare_index: usize,
}

/// Longer segments are searched by `memmem` in a lowered copy, which is linear at any length.
const INLINE_SEGMENT_BYTES_MAX: usize = 32;

impl TextPattern {
    /// Compiles a whole value: it must fit from its first to its last letter.
    pub fn whole(glob: &Glob, is_folded: bool) -> Self {
        Self::compile(glob, is_folded, false, false)
    }

    /// Compiles a word or phrase that may stand anywhere in a text, without regard to case and
    /// accents.
    pub fn part(glob: &Glob) -> Self {
        Self::compile(glob, true, true, true)
    }

    pub(crate) fn compile(glob: &Glob, is_folded: bool, open_start: bool, open_end: bool) -> Self {
        let part_text =
            |part: &String| if is_folded { fold(part).into_owned() } else { part.clone() };
        let texts: Vec<String> = glob.parts().iter().map(part_text).collect();
        let is_literal = texts.len() == 1 && !open_start && !open_end;
        let has_star = texts.len() > 1;
        // Asked of the folded parts, since a part may fold to nothing: a lone accent.
        let starts_with_star = has_star && texts[0].is_empty();
        let ends_with_star = has_star && texts[texts.len() - 1].is_empty();
        Self {
            segments: texts
                .into_iter()
                .filter(|text| is_literal || !text.is_empty())
                .map(Segment::new)
                .collect(),
            open_start: open_start || starts_with_star,
            open_end: open_end || ends_with_star,
            is_folded,
        }
    }

    /// Tells whether the text fits.
    pub fn matches(&self, text: &str) -> bool {
        if !self.is_folded {
            return self.fits(text.as_bytes(), false);
        }
        if text.is_ascii() {
            return self.fits(text.as_bytes(), true);
        }
        self.fits(fold(text).as_bytes(), false)
    }

    /// Tells whether a folded text fits; for callers that keep folded texts.
    pub fn matches_folded(&self, folded: &str) -> bool {
        self.fits(folded.as_bytes(), false)
    }

    /// Returns the text when the pattern is a plain equality; folded when the pattern is.
    pub fn literal(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [only] if !self.open_start && !self.open_end => Some(&only.text),
            _ => None,
        }
    }

    /// Returns the text with which a fitting text begins, when one is fixed.
    pub fn prefix(&self) -> Option<&str> {
        if self.open_start { None } else { self.segments.first().map(|segment| &*segment.text) }
    }

    /// Yields the parts that a fitting text holds in this order; folded when the pattern is.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(|segment| &*segment.text)
    }

    /// Tells whether texts are folded before they are compared.
    pub fn is_folded(&self) -> bool {
        self.is_folded
    }

    /// Tells whether any text may stand before the first segment.
    pub fn is_open_start(&self) -> bool {
        self.open_start
    }

    /// Tells whether any text may stand behind the last segment.
    pub fn is_open_end(&self) -> bool {
        self.open_end
    }

    /// Tells whether a JSON text might hold a fitting string; `false` is certain.
    ///
    /// Looks at canonical bytes without parsing them. Segments with characters that JSON escapes
    /// are not looked for.
    pub fn may_be_in_json(&self, json: &[u8]) -> bool {
        if !self.is_folded || json.is_ascii() {
            return self.may_be_among_ascii(json);
        }
        let mut segments = self.segments_as_in_json().peekable();
        if segments.peek().is_none() {
            return true;
        }
        let Ok(text) = std::str::from_utf8(json) else { return true };
        let folded = fold(text);
        segments.all(|segment| segment.find(folded.as_bytes(), false).is_some())
    }

    /// Like [`TextPattern::may_be_in_json`], of bytes among which JSON texts stand that are all ASCII;
    /// what stands between them may be anything.
    pub fn may_be_among_ascii(&self, bytes: &[u8]) -> bool {
        self.segments_as_in_json().all(|segment| segment.find(bytes, self.is_folded).is_some())
    }

    /// Yields the segments that JSON writes as they are.
    fn segments_as_in_json(&self) -> impl Iterator<Item = &Segment> {
        let is_escaped = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        self.segments.iter().filter(move |segment| !segment.text.bytes().any(is_escaped))
    }

    /// `ignore_case` lets upper-case ASCII in `text` stand for the lower-case of the segments.
    fn fits(&self, text: &[u8], ignore_case: bool) -> bool {
        let equal = |part: &[u8], segment: &Segment| {
            let wanted = segment.text.as_bytes();
            if ignore_case { part.eq_ignore_ascii_case(wanted) } else { part == wanted }
        };
        if self.literal().is_some() {
            return equal(text, &self.segments[0]);
        }
        let mut middle = self.segments.as_slice();
        let mut text = text;
        if !self.open_start
            && let Some((first, rest)) = middle.split_first()
        {
            match text.split_at_checked(first.text.len()) {
                Some((start, behind)) if equal(start, first) => (text, middle) = (behind, rest),
                _ => return false,
            }
        }
        if !self.open_end
            && let Some((last, rest)) = middle.split_last()
        {
            let end_at = text.len().checked_sub(last.text.len());
            match end_at.map(|at| text.split_at(at)) {
                Some((before, end)) if equal(end, last) => (text, middle) = (before, rest),
                _ => return false,
            }
        }
        for segment in middle {
            match segment.find(text, ignore_case) {
                Some(at) => text = &text[at + segment.text.len()..],
                None => return false,
            }
        }
        true
    }
}

impl Segment {
    fn new(text: String) -> Self {
        let rare_index = (0..text.len()).max_by_key(|at| rarity(text.as_bytes()[*at])).unwrap_or(0);
        Self { text: text.into(), rare_index }
    }

    /// Finds the leftmost place of the segment.
    fn find(&self, text: &[u8], ignore_case: bool) -> Option<usize> {
        let wanted = self.text.as_bytes();
        if text.len() < wanted.len() {
            return None;
        }
        if wanted.is_empty() {
            return Some(0);
        }
        if !ignore_case {
            return memchr::memmem::find(text, wanted);
        }
        if wanted.len() > INLINE_SEGMENT_BYTES_MAX {
            return memchr::memmem::find(&text.to_ascii_lowercase(), wanted);
        }
        let rare = wanted[self.rare_index];
        let starts = &text[self.rare_index..=text.len() - wanted.len() + self.rare_index];
        memchr::memchr2_iter(rare, rare.to_ascii_uppercase(), starts)
            .find(|at| text[*at..*at + wanted.len()].eq_ignore_ascii_case(wanted))
    }
}

/// Ranks a byte by how seldom it comes in English text and JSON; higher is rarer.
fn rarity(byte: u8) -> u8 {
    const COMMON_FIRST: &[u8] = b"eta\"oinsr:,._0dlchumpg-1/fybwv2kx345678q9jz";
    let rank = COMMON_FIRST.iter().position(|common| *common == byte.to_ascii_lowercase());
    rank.map_or(u8::MAX, |rank| rank as u8)
}

#[cfg(test)]
mod tests;
