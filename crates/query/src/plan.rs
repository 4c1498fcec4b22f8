//! The plan of a filter: its tree, with each condition decided for all rows of a block at once.
//!
//! A condition gives two sets of rows: those that surely pass and those that possibly do. The tree
//! combines them; only rows between the two are read, with no more groups than the conditions that
//! left them open need, and asked one by one.

use proofbook_filter::{Expr, Predicate};
use proofbook_store::segment::{GroupSet, SegmentError};

use crate::block::Block;
use crate::found::Stored;
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
}

/// What every condition decided in one block, by number; `None` where it was never asked.
pub(crate) type Decisions = Vec<Option<Decided>>;

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

impl<'q> Plan<'q> {
    pub(crate) fn new(expr: &'q Expr) -> Self {
        let mut leaves = Vec::new();
        let root = build(expr, &mut leaves);
        Self { root, leaves }
    }

    /// Decides the rows of a block as far as its columns and filters can.
    pub(crate) fn decide(
        &self,
        block: &Block<'_>,
        rows: &RowSet,
    ) -> Result<(Bounds, Decisions), SegmentError> {
        let mut decisions: Decisions = vec![None; self.leaves.len()];
        let bounds = self.node(&self.root, block, rows, &mut decisions)?;
        Ok((bounds, decisions))
    }

    /// Returns the groups by which undecided rows are asked.
    pub(crate) fn groups(decisions: &Decisions, undecided: &RowSet) -> GroupSet {
        let open = |decided: &&Decided| {
            let mut rows = decided.bounds.undecided();
            rows.keep(undecided);
            !rows.is_empty()
        };
        let open = decisions.iter().flatten().filter(open);
        open.fold(GroupSet::NONE, |groups, decided| groups.union(decided.groups))
    }

    /// Asks one undecided row; the event has the groups of [`Plan::groups`].
    pub(crate) fn passes(&self, decisions: &Decisions, row: usize, event: &Stored<'_>) -> bool {
        self.node_passes(&self.root, decisions, row, event)
    }

    fn node(
        &self,
        node: &Node,
        block: &Block<'_>,
        rows: &RowSet,
        decisions: &mut Decisions,
    ) -> Result<Bounds, SegmentError> {
        match node {
            Node::Everything => Ok(Bounds::exact(rows.clone())),
            Node::And(parts) => {
                let mut all = Bounds::exact(rows.clone());
                for part in parts {
                    if all.possible.is_empty() {
                        break;
                    }
                    let bounds = self.node(part, block, &all.possible, decisions)?;
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
                    let bounds = self.node(part, block, &left, decisions)?;
                    any.sure.add(&bounds.sure);
                    any.possible.add(&bounds.possible);
                    left.take(&bounds.sure);
                }
                Ok(any)
            }
            Node::Not(inner) => {
                let bounds = self.node(inner, block, rows, decisions)?;
                let (mut sure, mut possible) = (rows.clone(), rows.clone());
                sure.take(&bounds.possible);
                possible.take(&bounds.sure);
                Ok(Bounds { sure, possible })
            }
            Node::Leaf(number) => {
                let mut decided = self.leaves[*number].decide(block, rows)?;
                decided.bounds.sure.keep(rows);
                decided.bounds.possible.keep(rows);
                let bounds = decided.bounds.clone();
                decisions[*number] = Some(decided);
                Ok(bounds)
            }
        }
    }

    /// Walks the tree in the order of [`Plan::node`], so that a condition that was not asked about
    /// this row, because others decided it, is not reached here either.
    fn node_passes(
        &self,
        node: &Node,
        decisions: &Decisions,
        row: usize,
        event: &Stored<'_>,
    ) -> bool {
        match node {
            Node::Everything => true,
            Node::And(parts) => {
                parts.iter().all(|part| self.node_passes(part, decisions, row, event))
            }
            Node::Or(parts) => {
                parts.iter().any(|part| self.node_passes(part, decisions, row, event))
            }
            Node::Not(inner) => !self.node_passes(inner, decisions, row, event),
            Node::Leaf(number) => match &decisions[*number] {
                Some(decided) if decided.bounds.sure.contains(row) => true,
                Some(decided) if decided.bounds.possible.contains(row) => {
                    self.leaves[*number].passes(event, decided.groups)
                }
                _ => false,
            },
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
