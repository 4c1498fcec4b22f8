//! One text of a filter: quoted, or plain with wildcards and escapes.

use std::ops::Range;

use crate::ast::Glob;
use crate::error::{FilterError, FilterErrorKind};
use crate::limits;
use crate::parse::Parser;

/// A text as it stands: its place, its meaning, and whether quotes surround it.
pub(crate) struct Token<'t> {
    pub(crate) raw: &'t str,
    pub(crate) at: Range<usize>,
    pub(crate) glob: Glob,
    pub(crate) is_quoted: bool,
}

impl<'t> Parser<'t> {
    /// Reads a quoted or plain text; the caller has seen that one begins here.
    pub(crate) fn token(&mut self) -> Result<Token<'t>, FilterError> {
        let start = self.at;
        if self.eat('"') {
            return self.quoted(start);
        }
        let mut parts = Vec::new();
        let mut part = String::new();
        let mut characters = self.rest().char_indices();
        let mut length = self.rest().len();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => match characters.clone().next() {
                    Some((_, next)) if is_special(next) => {
                        characters.next();
                        part.push(next);
                    }
                    _ => part.push('\\'),
                },
                '*' => {
                    self.wildcards_count += 1;
                    parts.push(std::mem::take(&mut part));
                }
                c if c.is_whitespace() || matches!(c, '"' | '(' | ')') => {
                    length = at;
                    break;
                }
                c => part.push(c),
            }
        }
        parts.push(part);
        self.at += length;
        let at = start..self.at;
        if self.wildcards_count > limits::WILDCARDS_MAX {
            let reason = format!("more than {} wildcards in one filter", limits::WILDCARDS_MAX);
            return Err(FilterError::new(FilterErrorKind::Limit, at, reason));
        }
        let raw = &self.text[at.clone()];
        Ok(Token { raw, at, glob: Glob::from_parts(parts), is_quoted: false })
    }

    fn quoted(&mut self, start: usize) -> Result<Token<'t>, FilterError> {
        let mut text = String::new();
        let mut characters = self.rest().char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.at += at + 1;
                    if self.peek().is_some_and(|c| !c.is_whitespace() && !matches!(c, '(' | ')')) {
                        return Err(FilterError::new(
                            FilterErrorKind::Syntax,
                            self.at..self.at,
                            "a space is missing behind the closing quote",
                        ));
                    }
                    let at = start..self.at;
                    let raw = &self.text[at.clone()];
                    return Ok(Token { raw, at, glob: Glob::literal(text), is_quoted: true });
                }
                '\\' => match characters.clone().next() {
                    Some((_, next @ ('"' | '\\'))) => {
                        characters.next();
                        text.push(next);
                    }
                    _ => text.push('\\'),
                },
                other => text.push(other),
            }
        }
        Err(FilterError::new(
            FilterErrorKind::Syntax,
            start..start + 1,
            "a quote that is never closed",
        ))
    }
}

/// Tells whether a backslash takes the character's special meaning away.
pub(crate) fn is_special(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '"' | '\\' | '(' | ')' | '*' | ':' | '-' | '<' | '>' | '.')
}
