//! Tree to text: the shortest form that parses to the same tree.
//!
//! Invariant: `Filter::parse(&filter.to_string())` equals the filter, for every parsed filter.
//! Quotes stand only where a plain text would be read as something else.

use std::fmt::{self, Write as _};

use crate::ast::{FieldTerm, Filter, Glob, Match, Node, Number, Operand};
use crate::field::{Field, Kind};
use crate::token::is_special;

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.root() {
            Some(root) => print_node(root, f),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_node(self, f)
    }
}

impl fmt::Display for FieldTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Field::Meta(key) => {
                f.write_str("meta.")?;
                print_escaped(
                    key,
                    &|c| is_special(c) && !matches!(c, '.' | '-' | '<' | '>' | '*'),
                    f,
                )?;
            }
            field => f.write_str(field.fixed_name())?,
        }
        f.write_char(':')?;
        if let [value] = self.values.as_slice() {
            return print_match(value, &self.field, f);
        }
        f.write_char('(')?;
        for (index, value) in self.values.iter().enumerate() {
            if index > 0 {
                f.write_str(" OR ")?;
            }
            print_match(value, &self.field, f)?;
        }
        f.write_char(')')
    }
}

fn print_node(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match node {
        Node::And(nodes) => {
            print_joined(nodes, " ", &|node| matches!(node, Node::And(_) | Node::Or(_)), f)
        }
        Node::Or(nodes) => print_joined(nodes, " OR ", &|node| matches!(node, Node::Or(_)), f),
        Node::Not(node) => {
            f.write_char('-')?;
            let needs_parentheses = matches!(**node, Node::And(_) | Node::Or(_));
            print_part(node, needs_parentheses, f)
        }
        Node::Text(term) => print_text(&term.glob, f),
        Node::Field(term) => write!(f, "{term}"),
    }
}

fn print_joined(
    nodes: &[Node],
    between: &str,
    needs_parentheses: &dyn Fn(&Node) -> bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        print_part(node, needs_parentheses(node), f)?;
    }
    Ok(())
}

fn print_part(node: &Node, needs_parentheses: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if !needs_parentheses {
        return print_node(node, f);
    }
    f.write_char('(')?;
    print_node(node, f)?;
    f.write_char(')')
}

fn print_match(value: &Match, field: &Field, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Match::Present => f.write_char('*'),
        Match::Is(operand) => print_operand(operand, field, f),
        Match::Bound(op, operand) => {
            f.write_str(op.as_str())?;
            match operand {
                // A text that looks like a number was meant as a text: only quotes keep it one.
                Operand::Glob(glob) if field.kind() == Kind::Scalar => match glob.as_literal() {
                    Some(text) if Number::parse(text).is_some() => print_quoted(text, f),
                    _ => print_operand(operand, field, f),
                },
                _ => print_operand(operand, field, f),
            }
        }
        Match::Between(from, to) => {
            if let Some(from) = from {
                print_operand(from, field, f)?;
            }
            f.write_str("..")?;
            match to {
                Some(to) => print_operand(to, field, f),
                None => Ok(()),
            }
        }
    }
}

fn print_operand(operand: &Operand, field: &Field, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match operand {
        Operand::Time(time) => write!(f, "{time}"),
        Operand::Number(number) => f.write_str(number.as_str()),
        Operand::Net(net) => write!(f, "{net}"),
        Operand::Glob(glob) => print_value(glob, field, f),
    }
}

fn print_value(glob: &Glob, field: &Field, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(text) = glob.as_literal() else { return print_glob(glob, f) };
    let behind_minus = text.strip_prefix('-');
    let is_odd = text.is_empty()
        || text.contains(ends_plain)
        || text.starts_with(['<', '>', '='])
        || behind_minus.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
        || (field.kind() == Kind::Scalar && text.contains(".."))
        || is_keyword(text);
    if is_odd { print_quoted(text, f) } else { f.write_str(text) }
}

fn print_text(glob: &Glob, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(text) = glob.as_literal() else { return print_glob(glob, f) };
    let is_plain = !text.contains(|c| ends_plain(c) || c == ':')
        && !text.starts_with('-')
        && !is_keyword(text);
    if is_plain { f.write_str(text) } else { print_quoted(text, f) }
}

/// Tells whether a character cannot stand in a plain text without a backslash.
fn ends_plain(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '\\' | '(' | ')' | '*')
}

fn is_keyword(text: &str) -> bool {
    matches!(text, "AND" | "OR" | "NOT")
}

fn print_glob(glob: &Glob, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, part) in glob.parts().iter().enumerate() {
        if index > 0 {
            f.write_char('*')?;
        }
        let is_first = index == 0;
        for (at, character) in part.char_indices() {
            let leads = is_first && at == 0;
            let needs_escape = ends_plain(character)
                || character == ':'
                || (leads && matches!(character, '-' | '<' | '>'));
            if needs_escape {
                f.write_char('\\')?;
            }
            f.write_char(character)?;
        }
    }
    Ok(())
}

fn print_escaped(
    text: &str,
    needs_escape: &dyn Fn(char) -> bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for character in text.chars() {
        if needs_escape(character) {
            f.write_char('\\')?;
        }
        f.write_char(character)?;
    }
    Ok(())
}

fn print_quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    print_escaped(text, &|c| matches!(c, '"' | '\\'), f)?;
    f.write_char('"')
}

#[cfg(test)]
mod tests;
