//! Tree to expression: the normal form that evaluation and planning read.
//!
//! Resolving fixes times by a [`ResolveContext`], folds and compiles texts, and settles what belongs
//! together inside one conjunction:
//! - values of one repeated positive field are alternatives; comparisons and `field:*` are
//!   conditions of their own and all hold;
//! - `changed`, `before` and `after` speak of one change, `target` and `target.*` of one target; an
//!   `OR` of nothing but such terms joins in;
//! - a negation is the exact opposite of what it negates, and parentheses set their terms apart.

use proofbook_event::Severity;

use crate::ast::{FieldTerm, Filter, Glob, Match, Node, Op, Operand};
use crate::field::{Field, Kind};
use crate::moment::{ResolveContext, Window};
use crate::net::IpNet;
use crate::pattern::TextPattern;
use crate::range::{IntRange, NumberRange, TextRange, ends};

/// A boolean tree over predicates. Invariants: `And` and `Or` have at least two children, none of
/// their own kind; `Not` holds no `Not`; `True` stands only alone.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// Takes every event.
    True,
    /// All must hold.
    And(Vec<Expr>),
    /// At least one must hold.
    Or(Vec<Expr>),
    /// Must not hold.
    Not(Box<Expr>),
    /// One condition.
    Term(Predicate),
}

/// One condition on an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// Some text of the event fits (substring, folded).
    Text(TextPattern),
    /// A value of the field passes one of the tests. Never a change or target field.
    Field {
        /// The field.
        field: Field,
        /// Alternatives; none when nothing can pass, as in `severity:<info`.
        any: Vec<Test>,
    },
    /// One change of the event passes every clause.
    Change(Vec<Clause>),
    /// One target of the event passes every clause.
    Target(Vec<Clause>),
}

/// Alternatives of which one change, or one target, must pass one; at least one.
pub type Clause = Vec<Condition>;

/// A test on one part of a change or target.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// `changed`, `before` or `after`; or `target`, `target.type`, `target.id` or `target.name`.
    pub field: Field,
    /// What the part must pass.
    pub test: Test,
}

/// A test on one value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// There is a value; of a metadata key or a change's side, null is one.
    Present,
    /// A text fits.
    Text(TextPattern),
    /// A target's type and id fit, from `target:type/id`.
    TypeAndId(TextPattern, TextPattern),
    /// A change's path fits, or lies below a path that fits.
    Path {
        /// The path itself.
        at: TextPattern,
        /// Everything below it.
        below: TextPattern,
    },
    /// A JSON scalar's text form fits, or it is a number equal to this one.
    Scalar {
        /// The text form.
        text: TextPattern,
        /// The same as a number.
        number: Option<f64>,
    },
    /// A JSON number lies in the range.
    Numbers(NumberRange),
    /// A JSON string lies in the range, folded.
    Texts(TextRange),
    /// A moment lies in the range.
    Times(IntRange),
    /// A sequence number lies in the range.
    Seqs(IntRange),
    /// An address lies in the block.
    Net(IpNet),
}

/// A filter in the form that is evaluated and planned.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedFilter {
    expr: Expr,
    names_audit_log: bool,
}

impl Filter {
    /// Fixes times and compiles texts.
    pub fn resolve(&self, context: &ResolveContext) -> ResolvedFilter {
        let resolver = Resolver { context };
        let expr = self.root().map_or(Expr::True, |root| resolver.node(root));
        ResolvedFilter { expr, names_audit_log: self.names_audit_log() }
    }
}

impl ResolvedFilter {
    /// Returns the filter that takes every event.
    pub fn everything() -> Self {
        Self { expr: Expr::True, names_audit_log: false }
    }

    /// Returns the expression.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Tells whether the filter names Proofbook's own events; see [`Filter::names_audit_log`].
    pub fn names_audit_log(&self) -> bool {
        self.names_audit_log
    }

    /// Joins two filters: both must hold. Only narrows.
    pub fn and(self, other: Self) -> Self {
        Self {
            expr: conjunction(vec![self.expr, other.expr]),
            names_audit_log: self.names_audit_log || other.names_audit_log,
        }
    }

    /// Returns a range outside of which no event of the filter has its `occurred_at`.
    pub fn occurred_range(&self) -> IntRange {
        range_of(&self.expr, &Field::Occurred)
    }

    /// Returns a range outside of which no event of the filter has its `recorded_at`.
    pub fn recorded_range(&self) -> IntRange {
        range_of(&self.expr, &Field::Recorded)
    }

    /// Returns a range outside of which no event of the filter has its `seq`.
    pub fn seq_range(&self) -> IntRange {
        range_of(&self.expr, &Field::Seq)
    }
}

fn range_of(expr: &Expr, wanted: &Field) -> IntRange {
    let nothing = IntRange { min: i64::MAX, max: i64::MIN };
    match expr {
        Expr::And(parts) => {
            parts.iter().fold(IntRange::ALL, |range, part| range.intersect(range_of(part, wanted)))
        }
        Expr::Or(parts) => {
            parts.iter().fold(nothing, |range, part| range.hull(range_of(part, wanted)))
        }
        Expr::Term(Predicate::Field { field, any }) if field == wanted => {
            any.iter().fold(nothing, |range, test| match test {
                Test::Times(times) => range.hull(*times),
                Test::Seqs(seqs) => range.hull(*seqs),
                _ => IntRange::ALL,
            })
        }
        Expr::True | Expr::Not(_) | Expr::Term(_) => IntRange::ALL,
    }
}

/// Joins expressions, flattened.
fn conjunction(parts: Vec<Expr>) -> Expr {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Expr::True => {}
            Expr::And(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    match flat.len() {
        0 => Expr::True,
        1 => flat.swap_remove(0),
        _ => Expr::And(flat),
    }
}

/// What a field's values belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entity {
    Event,
    Change,
    Target,
}

fn entity(field: &Field) -> Entity {
    match field {
        Field::Changed | Field::Before | Field::After => Entity::Change,
        Field::Target | Field::TargetType | Field::TargetId | Field::TargetName => Entity::Target,
        _ => Entity::Event,
    }
}

struct Resolver<'c> {
    context: &'c ResolveContext,
}

impl Resolver<'_> {
    fn node(&self, node: &Node) -> Expr {
        match node {
            Node::And(nodes) => self.all(nodes),
            Node::Or(nodes) => {
                let mut flat = Vec::with_capacity(nodes.len());
                for node in nodes {
                    match self.node(node) {
                        Expr::Or(inner) => flat.extend(inner),
                        other => flat.push(other),
                    }
                }
                Expr::Or(flat)
            }
            Node::Not(node) => match self.node(node) {
                Expr::Not(inner) => *inner,
                inner => Expr::Not(Box::new(inner)),
            },
            Node::Text(term) => Expr::Term(Predicate::Text(TextPattern::part(&term.glob))),
            Node::Field(_) => self.all(std::slice::from_ref(node)),
        }
    }

    /// Resolves the terms of one conjunction.
    fn all(&self, nodes: &[Node]) -> Expr {
        let mut parts: Vec<Expr> = Vec::new();
        let mut merged: Vec<(&Field, Vec<Test>)> = Vec::new();
        let (mut changes, mut targets) = (Vec::new(), Vec::new());
        for node in nodes {
            match node {
                Node::Field(term) => {
                    let tests = self.tests(term);
                    let is_condition =
                        matches!(term.values.as_slice(), [Match::Present | Match::Bound(..)]);
                    let same = merged.iter_mut().find(|(field, _)| **field == term.field);
                    match (is_condition, same) {
                        (false, Some((_, alternatives))) => alternatives.extend(tests),
                        (false, None) => merged.push((&term.field, tests)),
                        (true, _) => {
                            place(&term.field, tests, &mut parts, &mut changes, &mut targets)
                        }
                    }
                }
                Node::Or(alternatives) => match self.shared_clause(alternatives) {
                    Some((Entity::Change, clause)) => changes.push(clause),
                    Some((_, clause)) => targets.push(clause),
                    None => parts.push(self.node(node)),
                },
                other => parts.push(self.node(other)),
            }
        }
        for (field, tests) in merged {
            place(field, tests, &mut parts, &mut changes, &mut targets);
        }
        if !changes.is_empty() {
            parts.push(Expr::Term(Predicate::Change(changes)));
        }
        if !targets.is_empty() {
            parts.push(Expr::Term(Predicate::Target(targets)));
        }
        conjunction(parts)
    }

    /// Returns the clause that alternatives make when all speak of a change, or all of a target.
    fn shared_clause(&self, alternatives: &[Node]) -> Option<(Entity, Clause)> {
        let mut shared = None;
        let mut clause = Clause::new();
        for node in alternatives {
            let Node::Field(term) = node else { return None };
            let this = entity(&term.field);
            if this == Entity::Event || shared.is_some_and(|shared| shared != this) {
                return None;
            }
            shared = Some(this);
            clause.extend(conditions(&term.field, self.tests(term)));
        }
        shared.map(|entity| (entity, clause))
    }

    fn tests(&self, term: &FieldTerm) -> Vec<Test> {
        let mut tests = Vec::with_capacity(term.values.len());
        for value in &term.values {
            self.push_tests(&term.field, value, &mut tests);
        }
        tests
    }

    fn push_tests(&self, field: &Field, value: &Match, tests: &mut Vec<Test>) {
        match value {
            Match::Present => tests.push(Test::Present),
            Match::Is(Operand::Glob(glob)) => push_glob(field, glob, tests),
            Match::Is(Operand::Net(net)) => tests.push(Test::Net(*net)),
            Match::Is(Operand::Number(number)) => {
                let seq = number.value() as i64;
                tests.push(Test::Seqs(IntRange { min: seq, max: seq }));
            }
            Match::Is(Operand::Time(time)) => {
                let Window { first, last, .. } = time.resolve(self.context);
                tests.push(Test::Times(IntRange { min: first, max: last }));
            }
            Match::Bound(op, Operand::Time(time)) => {
                let Window { first, last_as_end, .. } = time.resolve(self.context);
                tests.push(Test::Times(IntRange::of_bound(*op, first, last_as_end)));
            }
            Match::Bound(op, Operand::Number(number)) if *field == Field::Seq => {
                let seq = number.value() as i64;
                tests.push(Test::Seqs(IntRange::of_bound(*op, seq, seq)));
            }
            Match::Bound(op, Operand::Number(number)) => {
                let (min, max) = ends(*op, number.value());
                tests.push(Test::Numbers(NumberRange { min, max }));
            }
            Match::Bound(op, Operand::Glob(glob)) => push_bound(field, *op, glob, tests),
            Match::Bound(_, Operand::Net(_)) => {}
            Match::Between(from, to) => self.push_range(field, from.as_ref(), to.as_ref(), tests),
        }
    }

    fn push_range(
        &self,
        field: &Field,
        from: Option<&Operand>,
        to: Option<&Operand>,
        tests: &mut Vec<Test>,
    ) {
        let number = |side: Option<&Operand>| match side {
            Some(Operand::Number(number)) => Some(number.value()),
            _ => None,
        };
        let text = |side: Option<&Operand>| match side {
            Some(Operand::Glob(glob)) => Some((folded(glob), true)),
            _ => None,
        };
        let window = |side: Option<&Operand>| match side {
            Some(Operand::Time(time)) => Some(time.resolve(self.context)),
            _ => None,
        };
        tests.push(match field.kind() {
            Kind::Time => Test::Times(IntRange {
                min: window(from).map_or(i64::MIN, |window| window.first),
                max: window(to).map_or(i64::MAX, |window| window.last_as_end),
            }),
            Kind::Whole => Test::Seqs(IntRange {
                min: number(from).map_or(i64::MIN, |number| number as i64),
                max: number(to).map_or(i64::MAX, |number| number as i64),
            }),
            _ if number(from).or(number(to)).is_some() => Test::Numbers(NumberRange {
                min: number(from).map(|number| (number, true)),
                max: number(to).map(|number| (number, true)),
            }),
            _ => Test::Texts(TextRange { min: text(from), max: text(to) }),
        });
    }
}

fn place(
    field: &Field,
    tests: Vec<Test>,
    parts: &mut Vec<Expr>,
    changes: &mut Vec<Clause>,
    targets: &mut Vec<Clause>,
) {
    match entity(field) {
        Entity::Change => changes.push(conditions(field, tests)),
        Entity::Target => targets.push(conditions(field, tests)),
        Entity::Event => {
            parts.push(Expr::Term(Predicate::Field { field: field.clone(), any: tests }));
        }
    }
}

fn conditions(field: &Field, tests: Vec<Test>) -> Clause {
    tests.into_iter().map(|test| Condition { field: field.clone(), test }).collect()
}

fn push_glob(field: &Field, glob: &Glob, tests: &mut Vec<Test>) {
    let is_folded = field.kind() != Kind::Exact;
    match field.kind() {
        Kind::Path => tests.push(path_test(glob)),
        Kind::Scalar => {
            let number = glob.as_literal().and_then(crate::ast::Number::parse);
            tests.push(Test::Scalar {
                text: TextPattern::whole(glob, true),
                number: number.map(|number| number.value()),
            });
        }
        _ => tests.push(Test::Text(TextPattern::whole(glob, is_folded))),
    }
    if *field == Field::Target
        && let Some((kind, id)) = glob.split_slash()
    {
        tests.push(Test::TypeAndId(TextPattern::whole(&kind, true), TextPattern::whole(&id, true)));
    }
}

/// `/a/b` is a pointer from the root; `b` is any key on the path, from the key's first letter.
fn path_test(glob: &Glob) -> Test {
    let mut at = glob.parts().to_vec();
    let is_rooted = at[0].is_empty() && at.len() == 1 || at[0].starts_with('/');
    if !is_rooted {
        at[0].insert(0, '/');
    }
    let mut below = at.clone();
    if let Some(last) = below.last_mut() {
        last.push('/');
    }
    let compile = |parts, open_end| {
        TextPattern::compile(&Glob::from_parts(parts), true, !is_rooted, open_end)
    };
    Test::Path { at: compile(at, false), below: compile(below, true) }
}

fn push_bound(field: &Field, op: Op, glob: &Glob, tests: &mut Vec<Test>) {
    if *field == Field::Severity {
        let limit = glob.as_literal().and_then(Severity::parse);
        let within = |severity: &Severity| match op {
            Op::Greater => Some(*severity) > limit,
            Op::GreaterOrEqual => Some(*severity) >= limit,
            Op::Less => Some(*severity) < limit,
            Op::LessOrEqual => Some(*severity) <= limit,
        };
        tests.extend(Severity::ALL.iter().copied().filter(within).map(|severity| {
            Test::Text(TextPattern::whole(&Glob::literal(severity.as_str()), true))
        }));
        return;
    }
    let (min, max) = ends(op, folded(glob));
    tests.push(Test::Texts(TextRange { min, max }));
}

fn folded(glob: &Glob) -> Box<str> {
    crate::fold::fold(glob.as_literal().unwrap_or_default()).into()
}

#[cfg(test)]
mod tests;
