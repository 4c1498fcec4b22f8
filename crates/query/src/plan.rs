//! The plan of a filter: its tree, with each condition decided for all rows of a block at once.
//!
//! A condition gives two sets of rows: those that surely pass and those that possibly do. The tree
//! combines them. Only for rows between the two are values read, and only of the groups that the
//! conditions which left them open need, one condition after the other, the cheapest first.

use proofbook_filter::{Expr, Predicate};
use proofbook_store::segment::{GroupSet, SegmentError};

use crate::block::Block;
use crate::budget::Meter;
use crate::leaf::Leaf;
use crate::rowset::RowSet;

/// Rows that surely pass and rows that possibly pass; the first are among the second.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) sure: RowSet,
    pub(crate) possible: RowSet,
}

impl Bounds {
    /// Bounds of what is decided: exactly these rows pass.
    pub(crate) fn exact(rows: RowSet) -> Self {
        Self { sure: rows.clone(), possible: rows }
    }

    /// Bounds of what is open: any of these rows may pass.
    pub(crate) fn open(rows: &RowSet) -> Self {
        Self { sure: rows.emptied(), possible: rows.clone() }
    }

    /// No row passes.
    pub(crate) fn none(like: &RowSet) -> Self {
        Self::exact(like.emptied())
    }

    /// Returns the rows that are not decided.
    pub(crate) fn undecided(&self) -> RowSet {
        let mut rows = self.possible.clone();
        rows.take(&self.sure);
        rows
    }
}

/// What a condition decided in one block.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    pub(crate) bounds: Bounds,
    /// Groups that an undecided row is asked by.
    pub(crate) groups: GroupSet,
    /// Groups in which a part of a text that is looked for may stand.
    pub(crate) parts: GroupSet,
}

/// A filter ready to be asked of blocks.
pub(crate) struct Plan<'q> {
    root: Node,
    leaves: Vec<Leaf<'q>>,
}

enum Node {
    Everything,
    /// Cheapest first; so for `Or`.
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// Number of a condition.
    Leaf(usize),
}

/// Tells what a condition decides about rows; called in the order of the tree.
type Decide<'d> = dyn FnMut(usize, &RowSet) -> Result<Bounds, SegmentError> + 'd;

impl<'q> Plan<'q> {
    pub(crate) fn new(expr: &'q Expr) -> Self {
        let mut leaves = Vec::new();
        let root = build(expr, &mut leaves);
        Self { root, leaves }
    }

    /// Tells whether values of a block may be read, and not only what it keeps for searching.
    pub(crate) fn may_read_values(&self) -> bool {
        self.leaves.iter().any(Leaf::may_read_values)
    }

    /// Returns the rows of a block that pass.
    pub(crate) fn passing(
        &self,
        block: &Block<'_>,
        rows: &RowSet,
        meter: &Meter<'_>,
    ) -> Result<RowSet, SegmentError> {
        let mut decisions: Vec<Option<Decided>> = vec![None; self.leaves.len()];
        let mut bounds = combine(&self.root, rows, &mut |number, rows| {
            let decided = self.leaves[number].decide(block, rows)?;
            let bounds = decided.bounds.clone();
            decisions[number] = Some(decided);
            Ok(bounds)
        })?;
        for number in 0..self.leaves.len() {
            let mut open = bounds.undecided();
            if open.is_empty() {
                break;
            }
            let Some(decided) = &mut decisions[number] else { continue };
            open.keep(&decided.bounds.undecided());
            if open.is_empty() {
                continue;
            }
            let passing = self.leaves[number].read(block, &open, decided, meter)?;
            decided.bounds.possible.take(&open);
            decided.bounds.possible.add(&passing);
            decided.bounds.sure.add(&passing);
            bounds = combine(&self.root, rows, &mut |number, rows| {
                let decided = decisions[number].as_ref().map(|decided| decided.bounds.clone());
                // What was not asked before cannot matter now: the others know more than then.
                Ok(decided.unwrap_or_else(|| Bounds::open(rows)))
            })?;
        }
        Ok(bounds.sure)
    }
}

/// Combines what the conditions decide about rows.
fn combine(node: &Node, rows: &RowSet, decide: &mut Decide<'_>) -> Result<Bounds, SegmentError> {
    match node {
        Node::Everything => Ok(Bounds::exact(rows.clone())),
        Node::And(parts) => {
            let mut all = Bounds::exact(rows.clone());
            for part in parts {
                if all.possible.is_empty() {
                    break;
                }
                let bounds = combine(part, &all.possible, decide)?;
                all.sure.keep(&bounds.sure);
                all.possible.keep(&bounds.possible);
            }
            Ok(all)
        }
        Node::Or(parts) => {
            let mut any = Bounds::none(rows);
            let mut left = rows.clone();
            for part in parts {
                if left.is_empty() {
                    break;
                }
                let bounds = combine(part, &left, decide)?;
                any.sure.add(&bounds.sure);
                any.possible.add(&bounds.possible);
                left.take(&bounds.sure);
            }
            Ok(any)
        }
        Node::Not(inner) => {
            let bounds = combine(inner, rows, decide)?;
            let (mut sure, mut possible) = (rows.clone(), rows.clone());
            sure.take(&bounds.possible);
            possible.take(&bounds.sure);
            Ok(Bounds { sure, possible })
        }
        Node::Leaf(number) => {
            let mut bounds = decide(*number, rows)?;
            bounds.sure.keep(rows);
            bounds.possible.keep(rows);
            Ok(bounds)
        }
    }
}

fn build<'q>(expr: &'q Expr, leaves: &mut Vec<Leaf<'q>>) -> Node {
    let mut children = |parts: &'q [Expr]| {
        let mut sorted: Vec<&Expr> = parts.iter().collect();
        sorted.sort_by_key(|part| cost(part));
        sorted.into_iter().map(|part| build(part, leaves)).collect()
    };
    match expr {
        Expr::True => Node::Everything,
        Expr::And(parts) => Node::And(children(parts)),
        Expr::Or(parts) => Node::Or(children(parts)),
        Expr::Not(inner) => Node::Not(Box::new(build(inner, leaves))),
        Expr::Term(predicate) => {
            leaves.push(Leaf::new(predicate));
            Node::Leaf(leaves.len() - 1)
        }
    }
}

/// Ranks by what deciding costs a block.
fn cost(expr: &Expr) -> u32 {
    match expr {
        Expr::True => 0,
        Expr::And(parts) | Expr::Or(parts) => parts.iter().map(cost).max().unwrap_or(0) + 1,
        Expr::Not(inner) => cost(inner),
        Expr::Term(Predicate::Field { field, .. }) => match field.group() {
            None => 0,
            Some(_) if *field == proofbook_filter::Field::Action => 0,
            Some(_) if *field == proofbook_filter::Field::Id => 1,
            Some(_) => 2,
        },
        Expr::Term(Predicate::Target(_)) => 4,
        Expr::Term(Predicate::Text(_)) => 6,
        Expr::Term(Predicate::Change(_)) => 8,
    }
}
