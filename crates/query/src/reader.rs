//! One workspace at one moment: what every query begins with, and finding single events.

use std::ops::Range;
use std::sync::Arc;

use proofbook_event::{Group, Value};
use proofbook_filter::{IntRange, ResolvedFilter};
use proofbook_ledger::Hash;
use proofbook_store::fold::Workspace;
use proofbook_store::hidden::hidden;
use proofbook_store::prepare::IdHasher;
use proofbook_store::rules::Rules;
use proofbook_store::segment::GroupSet;
use proofbook_store::store::Store;
use proofbook_store::view::View;

use crate::budget::{Budget, Meter};
use crate::error::QueryError;
use crate::found::Found;
use crate::merge::Merge;
use crate::order::{Order, Sort};
use crate::question::Question;
use crate::selection::Selection;
use crate::source::Source;

/// Size and root of a workspace's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many events the tree holds; every event of an answer has a smaller seq.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
}

/// A reader of one workspace at one moment: events that arrive later are not seen by it.
pub struct Reader {
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) view: Arc<View>,
    pub(crate) rules: Rules,
    id_hasher: IdHasher,
}

impl Reader {
    /// Takes the workspace's head and then the View; `None` when there is no such workspace.
    pub fn open(store: &Store, workspace: &str) -> Option<Self> {
        let workspace = store.directory().by_name(workspace)?;
        let view = store.view();
        let rules = store.rules_of(&view, &workspace);
        Some(Self::at(workspace, view, rules, store.id_hasher()))
    }

    /// Reads a workspace at a moment that the caller took: the workspace out of the directory first,
    /// then the View, then the rules of that View.
    pub fn at(
        workspace: Arc<Workspace>,
        view: Arc<View>,
        rules: Rules,
        id_hasher: IdHasher,
    ) -> Self {
        Self { workspace, view, rules, id_hasher }
    }

    /// Returns the head that bounds every answer of this reader.
    pub fn head(&self) -> Head {
        Head { size: self.workspace.edge.size(), root: self.workspace.edge.root() }
    }

    /// Returns the View.
    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Returns the workspace as of the head.
    pub fn workspace(&self) -> &Arc<Workspace> {
        &self.workspace
    }

    /// Returns the moment before which events are outside of retention, microseconds UTC. Single
    /// actions may have other moments, and holds keep what is older.
    pub fn kept_since(&self) -> Option<i64> {
        self.rules.cutoffs.default()
    }

    /// Returns the groups of an event that were erased, each with the seq of the event that says so.
    pub fn erased_of(&self, found: &Found) -> Vec<(Group, u64)> {
        let steps = found.erased().into_iter();
        steps.filter_map(|(group, by)| Some((group, self.view.config.leaf_of(by)?))).collect()
    }

    /// Tells whether retention still shows an event.
    pub fn keeps(&self, found: &Found) -> bool {
        let everything = ResolvedFilter::everything();
        self.question(&everything, u64::MAX).is_visible(&found.stored())
    }

    /// Returns the numbers among some whose events nobody is shown any more, as ranges.
    ///
    /// # Errors
    /// [`QueryError::Damaged`] when that cannot be told.
    pub fn hidden(&self, seqs: Range<u64>) -> Result<Vec<Range<u64>>, QueryError> {
        let seqs = seqs.start..seqs.end.min(self.workspace.edge.size());
        let found = hidden(&self.view, self.workspace.uid, &self.rules, seqs);
        found.map_err(|error| QueryError::unread(&error))
    }

    /// Returns what is kept of the workspace's events at the reader's moment.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn question<'q>(
        &'q self,
        filter: &'q ResolvedFilter,
        seq_below: u64,
    ) -> Question<'q> {
        let seq_below = seq_below.min(self.workspace.edge.size());
        Question { filter, seq_below, rules: &self.rules }
    }

    /// Collects what can hold an answer.
    pub(crate) fn select<'q>(
        &self,
        question: Question<'q>,
        seq_from: u64,
        budget: &Budget<'q>,
    ) -> Selection<'q> {
        let meter = Meter::start(budget);
        let times = question.filter.occurred_range();
        let seqs = question.filter.seq_range();
        let low = seq_from.max(u64::try_from(seqs.min).unwrap_or(0));
        let high = u64::try_from(seqs.max).map_or(0, |max| max.saturating_add(1));
        let wanted = low..high.min(question.seq_below);
        let sources = self.sources(times, &wanted);
        Selection::new(self.workspace.clone(), sources, question, meter, self.id_hasher)
    }

    fn sources(&self, times: IntRange, seqs: &Range<u64>) -> Vec<Source> {
        let (from, to) = (seqs.start, seqs.end);
        let uid = self.workspace.uid;
        let segments = self.view.segments.iter().filter_map(|segment| {
            let range = segment.range(uid)?;
            (range.seqs.start < to && range.seqs.end > from)
                .then(|| Source::of_segment(segment, uid, times))?
        });
        let generations = self.view.generations.iter().filter_map(|generation| {
            let events = generation.workspace(uid, self.view.position);
            Source::of_recent(events, times, seqs)
        });
        segments.chain(generations).collect()
    }

    /// Finds an event by its number.
    ///
    /// # Errors
    /// [`QueryError::Damaged`] when it stands in a piece that cannot be read.
    pub fn by_seq(&self, seq: u64) -> Result<Option<Found>, QueryError> {
        let found = self.find_seq(seq)?;
        let everything = ResolvedFilter::everything();
        let question = self.question(&everything, u64::MAX);
        Ok(found.filter(|found| question.is_visible(&found.stored())))
    }

    fn find_seq(&self, seq: u64) -> Result<Option<Found>, QueryError> {
        if seq >= self.workspace.edge.size() {
            return Ok(None);
        }
        let uid = self.workspace.uid;
        for generation in &self.view.generations {
            let events = generation.workspace(uid, self.view.position);
            if let Some((block, place)) = events.find(seq) {
                let found = Found::recent(self.workspace.clone(), block.clone(), place);
                return Ok(Some(found));
            }
        }
        for segment in self.view.segments.iter() {
            let row = segment.row_of_seq(uid, seq).map_err(|error| QueryError::unread(&error))?;
            if let Some(row) = row {
                let read = segment
                    .read_rows(&[row], GroupSet::ALL)
                    .map_err(|error| QueryError::unread(&error))?;
                return Ok(Some(Found::packed(self.workspace.clone(), read.get(0))));
            }
        }
        Ok(None)
    }

    /// Finds an event by its id.
    ///
    /// # Errors
    /// [`QueryError::Damaged`] when it may stand in a piece that cannot be read.
    pub fn by_id(&self, id: &str) -> Result<Option<Found>, QueryError> {
        let everything = ResolvedFilter::everything();
        let question = self.question(&everything, u64::MAX);
        let found = match self.recent_by_id(id) {
            Some(found) => Some(found),
            None => self.packed_by_id(id)?,
        };
        Ok(found.filter(|found| question.is_visible(&found.stored())))
    }

    fn recent_by_id(&self, id: &str) -> Option<Found> {
        let hash = self.id_hasher.hash(id);
        self.view.generations.iter().rev().find_map(|generation| {
            let events = generation.workspace(self.workspace.uid, self.view.position);
            events.into_blocks().into_iter().find_map(|block| {
                let has_id = |place: &usize| {
                    let parts = block.event(*place).parts();
                    parts.id_hash == hash && is_id(parts.groups.get(Group::Id), id)
                };
                let place = block.columns().with_id(hash).find(has_id)?;
                Some(Found::recent(self.workspace.clone(), block, place))
            })
        })
    }

    fn packed_by_id(&self, id: &str) -> Result<Option<Found>, QueryError> {
        let uid = self.workspace.uid;
        let hash = self.id_hasher.hash(id);
        let unread = |error| QueryError::unread(&error);
        for segment in self.view.segments.iter().rev() {
            for (seq, _) in segment.lookup_id(uid, hash).map_err(unread)? {
                let Some(row) = segment.row_of_seq(uid, seq).map_err(unread)? else { continue };
                let read = segment.read_rows(&[row], GroupSet::ALL).map_err(unread)?;
                // The index keeps a part of the hash, so the id itself has the last word.
                if is_id(read.get(0).groups.get(Group::Id), id) {
                    return Ok(Some(Found::packed(self.workspace.clone(), read.get(0))));
                }
            }
        }
        Ok(None)
    }

    /// Returns the first events behind a seq that pass the filter, by ascending seq; what a tail and
    /// pollers read. Who has read up to a seq never later finds an event at or below it.
    ///
    /// # Errors
    /// [`QueryError::Damaged`] when an event may be missing: a follower must not skip one unseen.
    pub fn after_seq(
        &self,
        filter: &ResolvedFilter,
        after: Option<u64>,
        limit: usize,
        budget: &Budget<'_>,
    ) -> Result<Vec<Found>, QueryError> {
        let from = after.map_or(0, |after| after.saturating_add(1));
        let question = self.question(filter, u64::MAX);
        let selection = self.select(question, from, budget);
        let order = Order::new(Sort::Seq, false);
        let mut merge = Merge::new(&selection, order, after.map(|after| order.key(0, after)));
        let mut places = Vec::new();
        while places.len() < limit
            && let Some(place) = merge.next()?
        {
            places.push(place);
        }
        let found = selection.fetch(&places);
        match selection.unread_names().into_iter().next() {
            Some(what) => Err(QueryError::Damaged { what }),
            None => Ok(found.into_iter().flatten().collect()),
        }
    }
}

fn is_id(bytes: Option<&[u8]>, id: &str) -> bool {
    bytes.and_then(|bytes| Value::parse(bytes).ok()).is_some_and(|value| value.as_str() == Some(id))
}
