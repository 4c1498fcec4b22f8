//! The filter as it was typed: terms, operators, values.
//!
//! The tree keeps relative times and the order of terms, so that a printed filter is what the
//! reader wrote. Where terms belong together (same change, same target, repeated fields) is
//! decided in [`crate::resolve`].
//!
//! Invariants, kept by the constructors of [`Node`]: an `Or` has at least two children, none an
//! `Or`; an `And` has at least two children, or is an `And` of one field term or `Or` inside another
//! `And`, which is how `(target:a) (target:b)` says that both are wanted.

use std::ops::Range;

use crate::field::Field;
use crate::moment::TimeExpr;
use crate::net::IpNet;

/// A parsed filter; the empty text is the filter that takes every event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    root: Option<Node>,
}

/// One node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// All must hold; values of one repeated field are alternatives.
    And(Vec<Node>),
    /// At least one must hold.
    Or(Vec<Node>),
    /// Must not hold.
    Not(Box<Node>),
    /// A word or phrase anywhere in the event.
    Text(TextTerm),
    /// A condition on one field.
    Field(FieldTerm),
}

/// A word or phrase, found as a part of any text of the event.
#[derive(Clone, Debug)]
pub struct TextTerm {
    /// What is looked for.
    pub glob: Glob,
    /// Bytes of the term in the text it was parsed from; not compared.
    pub at: Range<usize>,
}

/// A field and the values of which one is wanted.
#[derive(Clone, Debug)]
pub struct FieldTerm {
    /// The field.
    pub field: Field,
    /// At least one; more stand in parentheses.
    pub values: Vec<Match>,
    /// Bytes of the term in the text it was parsed from; not compared.
    pub at: Range<usize>,
}

impl PartialEq for TextTerm {
    fn eq(&self, other: &Self) -> bool {
        self.glob == other.glob
    }
}

impl PartialEq for FieldTerm {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field && self.values == other.values
    }
}

/// One condition on a field's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// `field:*`: there is a value.
    Present,
    /// `field:value`.
    Is(Operand),
    /// `field:>=value` and its like.
    Bound(Op, Operand),
    /// `field:from..to`, both ends included; at least one is given.
    Between(Option<Operand>, Option<Operand>),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl Op {
    /// Returns the operator as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }
}

/// A value, of the type its field takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// Text, perhaps with wildcards.
    Glob(Glob),
    /// A moment of `occurred` or `recorded`.
    Time(TimeExpr),
    /// A number in a comparison, or of `seq`.
    Number(Number),
    /// An address or block of `ip`.
    Net(IpNet),
}

/// A finite number that is printed as it was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    text: Box<str>,
    value: f64,
}

impl Number {
    /// Reads a JSON number; a leading zero is let through.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let shaped = digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.ends_with(|c: char| c.is_ascii_digit())
            && digits
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
        let value = text.parse::<f64>().ok().filter(|value| shaped && value.is_finite())?;
        Some(Self { text: text.into(), value })
    }

    /// Returns the number.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Returns the number as it was typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A text with wildcards: its literal parts, with any text between two of them.
///
/// `a*b` is `["a", "b"]`, `*` is `["", ""]`, a text without wildcards is one part. Invariant: at
/// least one part, and no inner part is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    parts: Vec<String>,
}

impl Glob {
    /// Takes a text letter for letter.
    pub fn literal(text: impl Into<String>) -> Self {
        Self { parts: vec![text.into()] }
    }

    /// Takes the parts between wildcards; wildcards side by side are one.
    pub fn from_parts(parts: Vec<String>) -> Self {
        let last = parts.len().saturating_sub(1);
        let parts: Vec<String> = parts
            .into_iter()
            .enumerate()
            .filter(|(index, part)| *index == 0 || *index == last || !part.is_empty())
            .map(|(_, part)| part)
            .collect();
        if parts.is_empty() { Self::literal("") } else { Self { parts } }
    }

    /// Returns the literal parts in their order.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Returns the text when it has no wildcard.
    pub fn as_literal(&self) -> Option<&str> {
        if let [text] = self.parts.as_slice() { Some(text) } else { None }
    }

    /// Tells whether any text at all fits.
    pub fn is_any(&self) -> bool {
        self.parts.len() == 2 && self.parts.iter().all(String::is_empty)
    }

    /// Splits at the first `/`, wildcards kept on both sides.
    pub(crate) fn split_slash(&self) -> Option<(Self, Self)> {
        let at = self.parts.iter().position(|part| part.contains('/'))?;
        let (left, right) = self.parts[at].split_once('/')?;
        let mut before = self.parts[..at].to_vec();
        before.push(left.to_owned());
        let mut after = vec![right.to_owned()];
        after.extend_from_slice(&self.parts[at + 1..]);
        Some((Self::from_parts(before), Self::from_parts(after)))
    }
}

impl Node {
    /// Joins nodes that must all hold, as terms side by side.
    ///
    /// Returns the node itself when it is the only one, `None` for no node.
    pub fn and(mut nodes: Vec<Node>) -> Option<Node> {
        match nodes.len() {
            0 | 1 => nodes.pop().map(Node::ungrouped),
            _ => Some(Node::And(nodes)),
        }
    }

    /// Joins alternatives; `None` for no node.
    pub fn or(nodes: Vec<Node>) -> Option<Node> {
        let mut flat: Vec<Node> = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node.ungrouped() {
                Node::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() > 1 { Some(Node::Or(flat)) } else { flat.pop() }
    }

    /// Negates a node.
    #[expect(clippy::should_implement_trait, reason = "a constructor beside `and` and `or`")]
    pub fn not(node: Node) -> Node {
        Node::Not(Box::new(node.ungrouped()))
    }

    /// Sets a node apart, as parentheses do: its terms do not join those around it.
    pub fn grouped(self) -> Node {
        match self {
            Node::Field(_) | Node::Or(_) => Node::And(vec![self]),
            other => other,
        }
    }

    fn ungrouped(self) -> Node {
        match self {
            Node::And(mut nodes) if nodes.len() == 1 => match nodes.pop() {
                Some(node) => node.ungrouped(),
                None => Node::And(nodes),
            },
            other => other,
        }
    }
}

impl Filter {
    /// Wraps a tree; `None` takes every event.
    pub fn from_node(root: Option<Node>) -> Self {
        Self { root: root.map(Node::ungrouped) }
    }

    /// Returns the tree, `None` when every event is taken.
    pub fn root(&self) -> Option<&Node> {
        self.root.as_ref()
    }

    /// Joins two filters so that both must hold and no term of one merges with a term of the other.
    ///
    /// This is how an access rule narrows a reader's filter: it can never widen it.
    pub fn and(self, other: Filter) -> Filter {
        let nodes = [self.root, other.root].into_iter().flatten().map(Node::grouped).collect();
        Self { root: Node::and(nodes) }
    }

    /// Visits every field term with whether it is positive: under an even number of negations.
    pub fn for_each_field<'f>(&'f self, visit: &mut dyn FnMut(&'f FieldTerm, bool)) {
        fn walk<'f>(node: &'f Node, positive: bool, visit: &mut dyn FnMut(&'f FieldTerm, bool)) {
            match node {
                Node::And(nodes) | Node::Or(nodes) => {
                    nodes.iter().for_each(|node| walk(node, positive, visit));
                }
                Node::Not(node) => walk(node, !positive, visit),
                Node::Field(term) => visit(term, positive),
                Node::Text(_) => {}
            }
        }
        if let Some(root) = &self.root {
            walk(root, true, visit);
        }
    }

    /// Tells whether the filter names `audit_log.*` actions or that module in a positive term, so
    /// that Proofbook's own events belong in the answer (design section 7).
    pub fn names_audit_log(&self) -> bool {
        let mut named = false;
        self.for_each_field(&mut |term, positive| {
            let wanted = |glob: &Glob| {
                let first = glob.parts()[0].to_lowercase();
                match term.field {
                    Field::Action => first == "audit_log" || first.starts_with("audit_log."),
                    Field::Module => glob.as_literal().is_some() && first == "audit_log",
                    _ => false,
                }
            };
            named |= positive
                && term
                    .values
                    .iter()
                    .any(|value| matches!(value, Match::Is(Operand::Glob(glob)) if wanted(glob)));
        });
        named
    }
}

#[cfg(test)]
mod tests;
