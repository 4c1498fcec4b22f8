//! Text to tree: a recursive descent over the grammar, with the place of every fault.
//!
//! ```text
//! filter  = [ any ]
//! any     = all { "OR" all }
//! all     = item { [ "AND" ] item }
//! item    = ( "NOT" | "-" ) item | "(" any ")" | field ":" values | text
//! values  = value | "(" value { [ "OR" ] value } ")"
//! value   = "*" | [ ">" | ">=" | "<" | "<=" ] text | [ text ] ".." [ text ] | text
//! text    = '"' { character | '\"' | '\\' } '"' | { character | '\' special | "*" }
//! ```
//!
//! In quotes `*` is a star; without quotes it is a wildcard. A backslash before anything that is
//! not special stands for itself, so that `CORP\ada` is what it looks like. `AND` between two
//! values of one field asks for both, where a space would ask for either.

use std::ops::Range;

use crate::ast::{FieldTerm, Filter, Match, Node, TextTerm};
use crate::error::{FilterError, FilterErrorKind as Kind};
use crate::field::{Field, meta_key};
use crate::limits;
use crate::token::is_special;
use crate::value;

impl Filter {
    /// Parses a filter; the empty text takes every event.
    ///
    /// Never panics and takes time linear in the text.
    ///
    /// # Errors
    /// The text breaks the grammar, names no known field, gives a field a value it cannot have, or
    /// exceeds a bound of [`limits`]. The error carries the place and what was perhaps meant.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > limits::TEXT_BYTES_MAX {
            let reason = format!(
                "a filter of {} bytes; at most {} are read",
                text.len(),
                limits::TEXT_BYTES_MAX
            );
            return Err(FilterError::new(Kind::Limit, limits::TEXT_BYTES_MAX..text.len(), reason));
        }
        let mut parser = Parser { text, at: 0, nodes_count: 0, wildcards_count: 0 };
        parser.skip_space();
        if parser.rest().is_empty() {
            return Ok(Self::default());
        }
        let root = parser.any(0)?;
        if parser.rest().is_empty() {
            return Ok(Self::from_node(Some(root)));
        }
        // Only a closing parenthesis ends `any` before the end of the text.
        let at = parser.at;
        Err(FilterError::new(
            Kind::Syntax,
            at..at + 1,
            "a closing parenthesis without an opening one",
        ))
    }
}

/// A word operator, written in capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keyword {
    And,
    Or,
    Not,
}

/// An item and whether parentheses surround it.
struct Item {
    node: Node,
    is_grouped: bool,
}

/// The text and how far it is read; reading single texts is in [`crate::token`].
pub(crate) struct Parser<'t> {
    pub(crate) text: &'t str,
    /// Byte offset of what comes next.
    pub(crate) at: usize,
    nodes_count: usize,
    pub(crate) wildcards_count: usize,
}

impl<'t> Parser<'t> {
    pub(crate) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    pub(crate) fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    fn keyword(&self) -> Option<Keyword> {
        let words = [("AND", Keyword::And), ("OR", Keyword::Or), ("NOT", Keyword::Not)];
        let (word, keyword) = words.into_iter().find(|(word, _)| self.rest().starts_with(word))?;
        let next = self.rest()[word.len()..].chars().next();
        next.is_none_or(|next| next.is_whitespace() || matches!(next, '(' | ')')).then_some(keyword)
    }

    /// Steps over a keyword that [`Parser::keyword`] found and returns its place.
    fn take_keyword(&mut self, keyword: Keyword) -> Range<usize> {
        let start = self.at;
        self.at += if keyword == Keyword::Or { 2 } else { 3 };
        let at = start..self.at;
        self.skip_space();
        at
    }

    fn at_item(&self) -> bool {
        !matches!(self.peek(), None | Some(')'))
            && !matches!(self.keyword(), Some(Keyword::And | Keyword::Or))
    }

    fn count_node(&mut self, at: usize) -> Result<(), FilterError> {
        self.nodes_count += 1;
        if self.nodes_count > limits::NODES_MAX {
            let reason = format!("more than {} terms and values in one filter", limits::NODES_MAX);
            return Err(FilterError::new(Kind::Limit, at..self.text.len(), reason));
        }
        Ok(())
    }

    fn any(&mut self, depth: usize) -> Result<Node, FilterError> {
        let start = self.at;
        self.count_node(start)?;
        let mut nodes = Vec::new();
        loop {
            if !self.at_item() {
                return Err(self.missing_item());
            }
            nodes.push(self.all(depth)?);
            match self.keyword() {
                Some(Keyword::Or) => {
                    let at = self.take_keyword(Keyword::Or);
                    if !self.at_item() {
                        return Err(FilterError::new(
                            Kind::Syntax,
                            at,
                            "`OR` needs a term on both sides",
                        ));
                    }
                }
                _ => break,
            }
        }
        if nodes.len() == 1 {
            // Kept as it is: double parentheses set an alternative apart.
            return Ok(nodes.swap_remove(0));
        }
        Node::or(nodes).ok_or_else(|| self.missing_item())
    }

    fn missing_item(&self) -> FilterError {
        let at = self.at;
        match self.keyword() {
            Some(Keyword::Or) => {
                FilterError::new(Kind::Syntax, at..at + 2, "`OR` needs a term on both sides")
            }
            Some(_) => {
                FilterError::new(Kind::Syntax, at..at + 3, "`AND` needs a term on both sides")
            }
            None if self.peek() == Some(')') => FilterError::new(
                Kind::Syntax,
                at..at + 1,
                "a closing parenthesis where a term should be",
            ),
            None => FilterError::new(Kind::Syntax, at..at, "a term is missing"),
        }
    }

    fn all(&mut self, depth: usize) -> Result<Node, FilterError> {
        let mut items: Vec<Item> = Vec::new();
        let mut after_and: Option<Range<usize>> = None;
        loop {
            self.skip_space();
            if !self.at_item() {
                if let Some(Keyword::And) = self.keyword()
                    && after_and.is_none()
                    && !items.is_empty()
                {
                    after_and = Some(self.take_keyword(Keyword::And));
                    continue;
                }
                break;
            }
            let mut item = self.item(depth)?;
            if after_and.take().is_some() && repeats_field(&items, &item.node) {
                item.is_grouped = true;
            }
            items.push(item);
        }
        if let Some(at) = after_and {
            return Err(FilterError::new(Kind::Syntax, at, "`AND` needs a term on both sides"));
        }
        let is_alone = items.len() == 1;
        let nodes: Vec<Node> = items
            .into_iter()
            .map(|item| match (&item.node, item.is_grouped) {
                (Node::Field(_), true) if !is_alone => item.node.grouped(),
                (Node::Or(_), true) if is_alone => item.node.grouped(),
                _ => item.node,
            })
            .collect();
        if is_alone {
            return nodes.into_iter().next().ok_or_else(|| self.missing_item());
        }
        Node::and(nodes).ok_or_else(|| self.missing_item())
    }

    fn item(&mut self, depth: usize) -> Result<Item, FilterError> {
        let start = self.at;
        if depth >= limits::DEPTH_MAX {
            let reason = format!("nested more than {} levels deep", limits::DEPTH_MAX);
            return Err(FilterError::new(Kind::Limit, start..start + 1, reason));
        }
        self.count_node(start)?;
        let ungrouped = |node| Item { node, is_grouped: false };
        if self.keyword() == Some(Keyword::Not) {
            let at = self.take_keyword(Keyword::Not);
            if !self.at_item() {
                return Err(FilterError::new(Kind::Syntax, at, "`NOT` needs a term behind it"));
            }
            return Ok(ungrouped(Node::not(self.item(depth + 1)?.node)));
        }
        if self.eat('-') {
            if !self.at_item() || self.peek().is_some_and(char::is_whitespace) {
                return Err(FilterError::new(
                    Kind::Syntax,
                    start..self.at,
                    "a minus needs a term right behind it; put it in quotes to search for it",
                ));
            }
            return Ok(ungrouped(Node::not(self.item(depth + 1)?.node)));
        }
        if self.eat('(') {
            self.skip_space();
            if self.peek() == Some(')') {
                return Err(FilterError::new(
                    Kind::Syntax,
                    start..self.at + 1,
                    "empty parentheses",
                ));
            }
            let node = self.any(depth + 1)?;
            if !self.eat(')') {
                return Err(FilterError::new(
                    Kind::Syntax,
                    start..start + 1,
                    "an opening parenthesis that is never closed",
                ));
            }
            return Ok(Item { node, is_grouped: true });
        }
        if let Some(field) = self.field_head()? {
            let values = self.values(&field)?;
            return Ok(ungrouped(Node::Field(FieldTerm { field, values, at: start..self.at })));
        }
        let token = self.token()?;
        if token.glob.as_literal() == Some("") {
            return Err(FilterError::new(
                Kind::Syntax,
                token.at,
                "empty quotes; leave them out to find everything",
            ));
        }
        Ok(ungrouped(Node::Text(TextTerm { glob: token.glob, at: token.at })))
    }

    /// Reads `name:` where one begins; a word with a colon that looks like no name is a text.
    fn field_head(&mut self) -> Result<Option<Field>, FilterError> {
        let start = self.at;
        let rest = self.rest();
        let mut name = String::new();
        let mut characters = rest.char_indices();
        let colon = loop {
            match characters.next() {
                Some((at, ':')) => break at,
                Some((_, '\\')) => match characters.clone().next() {
                    Some((_, next)) if is_special(next) => {
                        characters.next();
                        name.push(next);
                    }
                    _ => name.push('\\'),
                },
                Some((_, c)) if !c.is_whitespace() && !matches!(c, '"' | '(' | ')') => name.push(c),
                _ => return Ok(None),
            }
        };
        let is_meta = meta_key(&name).is_some();
        let looks_like_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
        if !is_meta && !looks_like_name {
            return Ok(None);
        }
        let at = start..start + colon;
        match Field::parse(&name) {
            Some(field) => {
                self.at = at.end + 1;
                Ok(Some(field))
            }
            None if is_meta || name.eq_ignore_ascii_case("meta") => Err(FilterError::new(
                Kind::UnknownField,
                at,
                "`meta` needs the name of a key, such as `meta.plan:pro`",
            )),
            None => {
                let near = Field::nearest(&name);
                let hint =
                    if near.is_none() { "; put the text in quotes to search for it" } else { "" };
                let reason = format!("unknown field `{name}`{hint}");
                Err(FilterError::new(Kind::UnknownField, at, reason).suggest(near))
            }
        }
    }

    fn values(&mut self, field: &Field) -> Result<Vec<Match>, FilterError> {
        let start = self.at;
        if !self.eat('(') {
            return Ok(vec![self.value(field)?]);
        }
        let mut values = Vec::new();
        let mut after_or: Option<Range<usize>> = None;
        loop {
            self.skip_space();
            match self.peek() {
                None => {
                    return Err(FilterError::new(
                        Kind::Syntax,
                        start..start + 1,
                        "an opening parenthesis that is never closed",
                    ));
                }
                Some(')') if after_or.is_none() && !values.is_empty() => break,
                Some(')') => {
                    let at = after_or.unwrap_or(start..self.at + 1);
                    return Err(FilterError::new(
                        Kind::Syntax,
                        at,
                        "a value is missing in the parentheses",
                    ));
                }
                Some('(') => {
                    return Err(FilterError::new(
                        Kind::Syntax,
                        self.at..self.at + 1,
                        format!("the parentheses of `{field}:` hold values only"),
                    ));
                }
                Some(_) => {}
            }
            match self.keyword() {
                Some(Keyword::Or) if after_or.is_none() && !values.is_empty() => {
                    after_or = Some(self.take_keyword(Keyword::Or));
                }
                Some(keyword) => {
                    let at = self.take_keyword(keyword);
                    let reason = match keyword {
                        Keyword::Or => "`OR` needs a value on both sides".to_owned(),
                        Keyword::And => format!(
                            "the values of `{field}:` are alternatives; write `{field}:a AND {field}:b` for both"
                        ),
                        Keyword::Not => format!("put the minus before the field: `-{field}:…`"),
                    };
                    return Err(FilterError::new(Kind::Syntax, at, reason));
                }
                None => {
                    after_or = None;
                    let behind_minus = self.rest().strip_prefix('-');
                    if behind_minus
                        .is_some_and(|text| !text.starts_with(|c: char| c.is_ascii_digit()))
                    {
                        return Err(FilterError::new(
                            Kind::Syntax,
                            self.at..self.at + 1,
                            format!("put the minus before the field: `-{field}:…`"),
                        ));
                    }
                    values.push(self.value(field)?);
                }
            }
        }
        self.at += 1;
        Ok(values)
    }

    fn value(&mut self, field: &Field) -> Result<Match, FilterError> {
        let start = self.at;
        self.count_node(start)?;
        let op = value::take_op(self.rest());
        self.at += op.map_or(0, |op| op.as_str().len());
        if self.peek().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')')) {
            return Err(FilterError::new(
                Kind::Syntax,
                start..self.at,
                format!(
                    "`{field}:` needs a value right behind it; `{field}:\"\"` is the empty one"
                ),
            ));
        }
        let token = self.token()?;
        value::read(field, op, &token, start)
    }
}

fn repeats_field(items: &[Item], node: &Node) -> bool {
    let Node::Field(term) = node else { return false };
    items.iter().any(|item| matches!(&item.node, Node::Field(before) if before.field == term.field))
}

#[cfg(test)]
mod tests;
