//! Purging: what retention ended goes from every file, and its leaf hashes stay.
//!
//! It is a protocol like pack and compact (design decision 3): a worker chooses a segment and the rows
//! whose retention ended ([`Purger::due`]), writes the segment again without them ([`Purge::run`], on a
//! thread of its own while the store runs), and proposes it with one record
//! ([`Packer::propose_purge`](crate::pack::Packer)); the fold takes it unless a hold, a plan or a rule
//! changed since it was planned, however long ago that is. Whole segments come first, since they leave
//! nothing to be written but hashes. What is left of old bytes in retired segments and log files goes
//! when the store was settled ([`Settling`]): the log in a new file, two snapshots behind the decision.
//!
//! Invariants: nothing goes whose retention did not end at the decision, or that a hold keeps; nothing
//! is purged while the clock is not trusted (design decision 11); of what goes, number, leaf and
//! place in the tree stay, and the workspace's log says how much went, and by which policy.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proofbook_catalog::retention::{Policy, outlives_retention};
use proofbook_event::event::Clear;
use proofbook_event::{EventDraft, Timestamp, Value};
use proofbook_ledger::WorkspaceUid;

use crate::commit::Published;
use crate::fold::Workspace;
use crate::limits;
use crate::log::Position;
use crate::pack::{NewSegment, PackError, Packer, Proposal, WrittenSegment, check_digest};
use crate::plant::{self, Plant};
use crate::prepare::{Prepared, Preparer, Wanted};
use crate::recent::RecentEvent;
use crate::record::{EventParts, Gone, Pair, RewriteKind, Rewritten};
use crate::rules::{Rules, counts_from, policy_of};
use crate::seal::Sealer;
use crate::segment::{
    self, GroupSet, Rewrite, Rewrote, Row, Segment, SegmentError, SegmentWriter, WorkspaceRange,
};

/// Rows that are read at once to ask whether a hold keeps them.
const HELD_CHUNK_ROWS: usize = 256;
/// Shortest time after which the store is settled although nothing was purged, in microseconds.
const SETTLE_AFTER_MICROS_MIN: i64 = 1_000_000;

/// A set of rows of a segment, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
    count: usize,
}

impl RowSet {
    fn new(rows: u32) -> Self {
        Self { words: vec![0; (rows as usize).div_ceil(64)], count: 0 }
    }

    fn insert(&mut self, row: u32) {
        let (word, bit) = (row as usize / 64, 1 << (row % 64));
        self.count += usize::from(self.words[word] & bit == 0);
        self.words[word] |= bit;
    }

    /// Tells whether a row is in the set.
    pub fn contains(&self, row: u32) -> bool {
        self.words.get(row as usize / 64).is_some_and(|word| word & 1 << (row % 64) != 0)
    }

    /// Returns the number of rows.
    pub fn count(&self) -> usize {
        self.count
    }
}

/// A purge that is due: one segment and the rows of it that go.
pub struct PurgePlan {
    /// The segment.
    pub segment: Arc<Segment>,
    /// The rows.
    pub rows: RowSet,
    /// The newest frame whose rules it was decided by.
    pub decided_at: Position,
    /// The moment by which retention of the rows had ended.
    pub planned_at: Timestamp,
    /// The workspaces with rows that go, and the policy by which.
    pub workspaces: Vec<(Arc<Workspace>, Policy)>,
}

/// A segment written again, and the batch that makes it live.
pub struct PurgeProposal {
    /// The batch of the record; it has one list of outcomes, which is empty when the decision fell.
    pub prepared: Prepared,
    /// What [`Packer::accepted`] needs when it was taken.
    pub proposal: Proposal,
    /// How many rows go.
    pub purged_rows: u64,
}

/// How a segment was found when it was looked at last.
#[derive(Clone, Copy)]
struct Looked {
    rules_epoch: u64,
    /// Not to be looked at before this stamp, microseconds UTC.
    again_at: i64,
}

/// Finds what is to be purged.
pub struct Purger {
    within_micros: i64,
    looked: HashMap<u64, Looked>,
}

/// What retention took from one workspace, or would take: counts of a dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Events whose retention ended and which are still in a file.
    pub expired: u64,
    /// Of them, those that a hold keeps.
    pub held: u64,
    /// Numbers of the first of those that would go.
    pub sample: Vec<u64>,
    /// The first and the last moment at which one that would go happened, microseconds UTC.
    pub occurred: Option<(i64, i64)>,
}

/// Numbers in a sample.
const SAMPLE_MAX: usize = 20;

impl Purger {
    /// Purges so that values are in no file this long after their retention ended, in microseconds.
    pub fn new(within_micros: i64) -> Self {
        Self { within_micros, looked: HashMap::new() }
    }

    /// Returns how long a file or a recent event may wait until it is settled, in microseconds: enough
    /// is left for what a purge itself waits.
    pub fn settle_after_micros(&self) -> i64 {
        self.within_micros / 7
    }

    /// Returns how long an expired row may wait for others of its segment, in microseconds.
    fn patience_micros(&self) -> i64 {
        self.within_micros / 7 * 5
    }

    /// Chooses the next segment with rows to purge; whole segments first, then the oldest.
    ///
    /// # Errors
    /// A segment is damaged; it is not looked at again before a day or a change of rules.
    pub fn due(
        &mut self,
        published: &Published,
        preparer: &Preparer,
        now: i64,
    ) -> Result<Option<PurgePlan>, SegmentError> {
        let planned_at = Timestamp::from_micros(now);
        let now = if plant::is_on(Plant::PurgedEarly) { now + 1_000_000 } else { now };
        let rules_epoch = published.rules_epoch.load(Ordering::SeqCst);
        let view = published.view();
        let mut books = Books::new(published, preparer, now);
        let is_fresh = |looked: &Looked| looked.rules_epoch == rules_epoch && now < looked.again_at;
        self.looked.retain(|id, _| view.segments.iter().any(|s| s.files().name == *id));
        let mut candidates: Vec<(bool, &Arc<Segment>)> = Vec::new();
        for segment in view.segments.iter() {
            let looked = self.looked.get(&segment.files().name);
            if segment.rows() > 0 && segment.damage().is_none() && !looked.is_some_and(is_fresh) {
                candidates.push((books.looks_whole(segment), segment));
            }
        }
        candidates.sort_by_key(|(whole, _)| !whole);
        for (_, segment) in candidates {
            let again_at = now.saturating_add((self.within_micros / 7).max(1));
            self.looked.insert(segment.files().name, Looked { rules_epoch, again_at });
            let chosen = books.choose(segment)?;
            let is_whole = chosen.rows.count() as u64 == u64::from(segment.rows());
            let waited = chosen.expired_for >= self.patience_micros();
            if chosen.rows.count() > 0 && (is_whole || waited) {
                self.looked.remove(&segment.files().name);
                return Ok(Some(PurgePlan {
                    segment: segment.clone(),
                    rows: chosen.rows,
                    decided_at: view.position,
                    planned_at,
                    workspaces: chosen.workspaces,
                }));
            }
        }
        Ok(None)
    }

    /// Counts what retention ended of one workspace and is still there: a purge that changes nothing.
    ///
    /// # Errors
    /// A segment is damaged.
    pub fn dry_run(
        published: &Published,
        preparer: &Preparer,
        now: i64,
        workspace: WorkspaceUid,
    ) -> Result<Expired, SegmentError> {
        let view = published.view();
        let mut books = Books::new(published, preparer, now);
        let mut found = Expired::default();
        for segment in view.segments.iter().filter(|segment| segment.damage().is_none()) {
            let Some(range) = segment.range(workspace) else { continue };
            let mut rows = RowSet::new(segment.rows());
            let ended = books.choose_of(segment, workspace, &range, usize::MAX, &mut rows)?;
            found.expired += ended.expired;
            found.held += ended.expired - rows.count() as u64;
            let numbers: Vec<u32> = range.rows.filter(|row| rows.contains(*row)).collect();
            for chunk in numbers.chunks(HELD_CHUNK_ROWS) {
                for row in segment.read_rows(chunk, GroupSet::NONE)?.iter() {
                    found.add(row.seq, row.occurred_at);
                }
            }
        }
        let Some(book) = books.of(workspace) else { return Ok(found) };
        for generation in &view.generations {
            for event in generation.workspace(workspace, view.position).iter() {
                let parts = event.parts();
                let from = counts_from(parts.flags, event.occurred_at, event.recorded_at);
                if !book.rules.is_expired(parts.action, from) {
                    continue;
                }
                found.expired += 1;
                match book.rules.is_held(&clear_of_recent(&event, &parts), &parts.groups) {
                    true => found.held += 1,
                    false => found.add(event.seq, event.occurred_at),
                }
            }
        }
        Ok(found)
    }
}

impl Expired {
    fn add(&mut self, seq: u64, occurred_at: i64) {
        if self.sample.len() < SAMPLE_MAX {
            self.sample.push(seq);
        }
        let (first, last) = self.occurred.unwrap_or((occurred_at, occurred_at));
        self.occurred = Some((first.min(occurred_at), last.max(occurred_at)));
    }
}

/// What one workspace's rules are in this pass.
struct Book {
    workspace: Arc<Workspace>,
    policy: Policy,
    rules: Rules,
}

/// The rules of all workspaces that a pass came by.
struct Books<'p> {
    published: &'p Published,
    preparer: &'p Preparer,
    now: i64,
    books: HashMap<WorkspaceUid, Option<Arc<Book>>>,
}

/// The rows of a segment that go.
struct Chosen {
    rows: RowSet,
    workspaces: Vec<(Arc<Workspace>, Policy)>,
    /// For how long retention of the oldest of them has ended, microseconds.
    expired_for: i64,
}

/// What was found of one workspace in one segment.
struct Ended {
    /// Rows whose retention ended, held ones included.
    expired: u64,
    /// For how long that of the oldest that goes has ended, microseconds.
    expired_for: i64,
}

impl<'p> Books<'p> {
    fn new(published: &'p Published, preparer: &'p Preparer, now: i64) -> Self {
        Self { published, preparer, now, books: HashMap::new() }
    }

    fn of(&mut self, uid: WorkspaceUid) -> Option<Arc<Book>> {
        let Self { published, preparer, now, books } = self;
        let make = || {
            // The View first: what the directory says is then as new or newer, and a rule that is newer
            // than the View makes the decision fall.
            let view = published.view();
            let workspace = published.directory.by_uid(uid)?;
            let settings = &workspace.settings;
            let catalog = preparer.catalog_of(&view, settings);
            let now = Timestamp::from_micros(*now);
            let preset = catalog.preset();
            let rules = Rules::of(&view.config, &workspace.name, preset, settings, now);
            let policy = policy_of(preset, settings);
            Some(Arc::new(Book { workspace, policy, rules }))
        };
        books.entry(uid).or_insert_with(make).clone()
    }

    /// Tells whether all rows of a segment may be expired, by the times of its workspaces alone.
    fn looks_whole(&mut self, segment: &Segment) -> bool {
        segment.workspaces().all(|(uid, range)| {
            let book = self.of(uid);
            let cutoff = book.and_then(|book| book.rules.cutoffs.default());
            cutoff.is_some_and(|cutoff| range.t_max < cutoff)
        })
    }

    fn choose(&mut self, segment: &Arc<Segment>) -> Result<Chosen, SegmentError> {
        let mut chosen =
            Chosen { rows: RowSet::new(segment.rows()), workspaces: Vec::new(), expired_for: 0 };
        for (uid, range) in segment.workspaces() {
            let before = chosen.rows.count();
            let room = limits::PURGE_ROWS_MAX - before;
            if room == 0 || chosen.workspaces.len() == limits::PURGE_WORKSPACES_MAX {
                break;
            }
            let ended = self.choose_of(segment, uid, &range, room, &mut chosen.rows)?;
            if chosen.rows.count() > before
                && let Some(book) = self.of(uid)
            {
                chosen.workspaces.push((book.workspace.clone(), book.policy.clone()));
                chosen.expired_for = chosen.expired_for.max(ended.expired_for);
            }
        }
        Ok(chosen)
    }

    /// Adds the rows of one workspace that go, at most `room` of them.
    fn choose_of(
        &mut self,
        segment: &Arc<Segment>,
        uid: WorkspaceUid,
        range: &WorkspaceRange,
        room: usize,
        rows: &mut RowSet,
    ) -> Result<Ended, SegmentError> {
        let mut ended = Ended { expired: 0, expired_for: 0 };
        let Some(book) = self.of(uid) else { return Ok(ended) };
        let cutoffs = &book.rules.cutoffs;
        // Rows ascend by when they happened, and none counts from an earlier moment than that.
        let Some(latest) = cutoffs.latest().filter(|latest| range.t_min < *latest) else {
            return Ok(ended);
        };
        let mut row = range.rows.start;
        let mut is_over = false;
        let mut left = room;
        while row < range.rows.end && left > 0 && !is_over {
            let block = segment.block_of_row(row);
            let here = segment.rows_of_block(block);
            let (times, recorded) = (segment.occurred_at(block)?, segment.recorded_at(block)?);
            let (flags, actions) = (segment.flags(block)?, segment.actions(block)?);
            let mut found: Vec<(u32, i64)> = Vec::new();
            for number in row..here.end.min(range.rows.end) {
                let at = (number - here.start) as usize;
                let occurred_at = times.get(at);
                if occurred_at >= latest {
                    is_over = true;
                    break;
                }
                let action = actions.get(at).unwrap_or_default();
                let from = counts_from(flags.get(at) as u8, occurred_at, recorded.get(at));
                match cutoffs.since(action) {
                    Some(since) if from < since => found.push((number, since - from)),
                    _ => debug_assert!(
                        !outlives_retention(action) || cutoffs.since(action).is_none()
                    ),
                }
            }
            row = here.end;
            ended.expired += found.len() as u64;
            // Block by block, so that many held rows never take the room of those behind them.
            if !book.rules.holds.is_empty() && !plant::is_on(Plant::HoldIgnored) {
                let held = held(segment, &book.rules, &found)?;
                found.retain(|(row, _)| held.binary_search(row).is_err());
            }
            found.truncate(left);
            left -= found.len();
            for (row, expired_for) in found {
                rows.insert(row);
                ended.expired_for = ended.expired_for.max(expired_for);
            }
        }
        Ok(ended)
    }
}

/// Returns the rows that a hold keeps, ascending.
pub(crate) fn held(
    segment: &Segment,
    rules: &Rules,
    rows: &[(u32, i64)],
) -> Result<Vec<u32>, SegmentError> {
    let mut held = Vec::new();
    for chunk in rows.chunks(HELD_CHUNK_ROWS) {
        let numbers: Vec<u32> = chunk.iter().map(|(row, _)| *row).collect();
        let read = segment.read_rows(&numbers, GroupSet::ALL)?;
        for (number, row) in numbers.iter().zip(read.iter()) {
            if rules.is_held(&clear_of(&row), &row.groups) {
                held.push(*number);
            }
        }
    }
    Ok(held)
}

/// Returns a recent event's clear fields with its action's name.
pub(crate) fn clear_of_recent<'a>(event: &RecentEvent<'_>, parts: &EventParts<'a>) -> Clear<'a> {
    Clear {
        workspace: "".into(),
        seq: event.seq,
        recorded_at: Timestamp::from_micros(event.recorded_at),
        occurred_at: Timestamp::from_micros(event.occurred_at),
        action: Some(parts.action.into()),
        outcome: parts.outcome,
    }
}

/// Returns a row's clear fields with its action's name.
pub(crate) fn clear_of<'a>(row: &Row<'a>) -> Clear<'a> {
    Clear {
        workspace: "".into(),
        seq: row.seq,
        recorded_at: Timestamp::from_micros(row.recorded_at),
        occurred_at: Timestamp::from_micros(row.occurred_at),
        action: Some(row.action.into()),
        outcome: row.outcome,
    }
}

/// A purge of one segment, which packs need not wait for.
pub struct Purge {
    plan: PurgePlan,
    new: NewSegment,
}

/// A segment that was written again without the rows that go; nothing is proposed yet.
pub struct Purged {
    plan: PurgePlan,
    written: WrittenSegment<Rewrote>,
}

impl Purge {
    /// Writes the segment again without the rows that go and checks it, unless it is told to stop
    /// meanwhile.
    ///
    /// # Errors
    /// Nothing is live of it, nothing is left of it, and the segment stays.
    pub fn run(self, stopping: &AtomicBool) -> Result<Purged, PackError> {
        let Self { plan, new } = self;
        let workspaces: HashMap<WorkspaceUid, &Arc<Workspace>> =
            plan.workspaces.iter().map(|(workspace, _)| (workspace.uid, workspace)).collect();
        let mut sealer = Sealer::default();
        let fate = |number: u32, row: &Row<'_>| -> Result<Rewrite, PackError> {
            if stopping.load(Ordering::Relaxed) {
                return Err(SegmentError::Stopped.into());
            }
            if !plan.rows.contains(number) {
                return Ok(Rewrite::Keep);
            }
            let workspace = workspaces.get(&row.workspace);
            let leaf = workspace.and_then(|workspace| sealer.leaf_of_row(workspace, row));
            let unknown = PackError::Leaf { workspace: row.workspace, seq: row.seq };
            leaf.map(Rewrite::Purge).ok_or(unknown)
        };
        let written = new.write_again(&plan.segment, &|row| plan.rows.contains(row), fate)?;
        Ok(Purged { plan, written })
    }
}

impl NewSegment {
    /// Writes a segment again as `fate` says of each row and checks what was written; `purged` says by
    /// number which rows go.
    ///
    /// # Errors
    /// Nothing is left of it.
    pub(crate) fn write_again(
        &self,
        segment: &Arc<Segment>,
        purged: &dyn Fn(u32) -> bool,
        fate: impl FnMut(u32, &Row<'_>) -> Result<Rewrite, PackError>,
    ) -> Result<WrittenSegment<Rewrote>, PackError> {
        let rewrite =
            |writer: &mut SegmentWriter<'_>| segment::rewrite(segment, purged, fate, writer);
        self.write(rewrite, |written, rewrote| check_digest(written, &rewrote.digest))
    }
}

impl Packer {
    /// Begins a purge, which may happen on another thread.
    pub fn begin_purge(&self, plan: PurgePlan) -> Purge {
        Purge { plan, new: self.new_segment() }
    }

    /// Encodes the record that makes a purged segment live, with one event for each workspace.
    pub fn propose_purge(&mut self, purged: Purged, preparer: &Preparer) -> PurgeProposal {
        let Purged { plan, written } = purged;
        let gone = &written.made.gone;
        let drafts = plan.workspaces.iter().filter_map(|(workspace, policy)| {
            let (_, seqs, leaves) = gone.iter().find(|(uid, ..)| *uid == workspace.uid)?;
            let draft = purged_event(workspace, policy, plan.planned_at, seqs, &leaves.to_string());
            Some(Wanted { workspace: &workspace.name, draft })
        });
        let rewritten = Rewritten {
            kind: RewriteKind::Purged,
            decided_at: plan.decided_at,
            gone: gone.iter().map(|(uid, seqs, _)| Gone::of(*uid, seqs.iter().copied())).collect(),
            segments: vec![pair_of(&plan.segment, &written)],
            events: None,
        };
        let (planned_at, events) = (plan.planned_at, drafts.collect());
        let prepared = preparer.prepare_rewritten(&self.published, planned_at, rewritten, events);
        let purged_rows = plan.rows.count() as u64;
        self.written.purged_rows += purged_rows;
        let proposal = self.propose_rewritten(&plan.segment, written);
        PurgeProposal { prepared, proposal, purged_rows }
    }

    /// Purges one segment and proposes what was made of it.
    ///
    /// # Errors
    /// Nothing is live of it; the segment stays.
    pub fn purge(
        &mut self,
        plan: PurgePlan,
        preparer: &Preparer,
    ) -> Result<PurgeProposal, PackError> {
        let purged = self.begin_purge(plan).run(&AtomicBool::new(false))?;
        Ok(self.propose_purge(purged, preparer))
    }

    /// Counts a segment that was written again. Its record is in the batch that was prepared with it.
    pub(crate) fn propose_rewritten(
        &mut self,
        input: &Segment,
        written: WrittenSegment<Rewrote>,
    ) -> Proposal {
        let WrittenSegment { segment, entry, .. } = written;
        self.written.rewritten_rows += u64::from(entry.rows);
        Proposal { record: Vec::new(), segment, entry, inputs: vec![input.files().name] }
    }
}

/// Names a segment and what it was written again as.
pub(crate) fn pair_of<T>(input: &Segment, written: &WrittenSegment<T>) -> Pair {
    let files = input.files();
    Pair { input: (files.name, files.parquet.sha256.0), segment: written.entry }
}

/// The event by which a workspace's log says what went, and by which policy.
fn purged_event(
    workspace: &Workspace,
    policy: &Policy,
    now: Timestamp,
    seqs: &[u64],
    leaves: &str,
) -> EventDraft<'static> {
    let number = |number: u64| Value::Int(number as i64);
    let text = |text: String| Value::from(text);
    // What single actions end later or earlier is in the policy.
    let before = policy.cutoffs(now).latest().map(|at| Timestamp::from_micros(at).to_string());
    let metadata = vec![
        ("before".into(), text(before.unwrap_or_default())),
        ("first_seq".into(), number(seqs.first().copied().unwrap_or(0))),
        ("last_seq".into(), number(seqs.last().copied().unwrap_or(0))),
        ("count".into(), number(seqs.len() as u64)),
        ("policy".into(), text(policy.to_string())),
        // Who has the purged leaves can check that they are the ones that went.
        ("leaves_sha256".into(), text(leaves.to_owned())),
        ("tree_size".into(), number(workspace.edge.size())),
        ("tree_root".into(), text(workspace.edge.root().to_string())),
    ];
    EventDraft {
        actor: Some(Value::Object(vec![("type".into(), Value::from("system"))])),
        metadata: Some(Value::Object(metadata)),
        ..EventDraft::internal("audit_log.purged")
    }
}

/// How far the store is with leaving behind what a purge or an erasure took.
///
/// Old bytes are in retired segments, in log files and in snapshots' runs. They are gone when the log
/// goes on in another file and both kept snapshots are behind the decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settling {
    target: Option<Position>,
    rotated: bool,
    /// Whether snapshots alone do not do: the log file that holds the target has to go too.
    must_rotate: bool,
}

impl Settling {
    /// Begins with a store that was just opened. Segments that are there and not live may be what the
    /// process before this one purged and did not come to leave behind.
    pub fn after_open(published: &Published, packer: &Packer) -> Self {
        let mut settling = Self::default();
        if packer.has_retired() {
            settling.want(published.view().position);
        }
        settling
    }

    /// Wants everything up to a position left behind.
    pub fn want(&mut self, target: Position) {
        if plant::is_on(Plant::PurgeNotSettled) {
            return;
        }
        *self = Self { target: Some(target), rotated: false, must_rotate: false };
    }

    /// Wants everything up to a position left behind, and the log file that holds the position gone, also
    /// when both kept snapshots are behind it already: nothing else may come that ends that file.
    pub fn want_file_gone(&mut self, target: Position) {
        self.want(target);
        self.must_rotate = true;
    }

    /// Wants everything left behind when a kept snapshot, or what is recent without one, is older than
    /// `after_micros`: values in the log behind it may be of events whose retention ends.
    pub fn look(&mut self, published: &Published, packer: &Packer, now: i64, after_micros: i64) {
        if self.is_wanted() {
            return;
        }
        let view = published.view();
        let snapshots = packer.snapshots();
        // A store that never had enough to pack has no snapshot; what is recent grows old all the same.
        let first_recent = || view.generations.iter().filter_map(|g| g.first_recorded_at()).min();
        let since = snapshots.first().map(|older| older.stamp).or_else(first_recent);
        let age = since.map_or(0, |since| now.saturating_sub(since));
        let newest = snapshots.last().map_or(Position::default(), |newest| newest.position);
        if age > after_micros.max(SETTLE_AFTER_MICROS_MIN) && newest < view.position {
            self.want(view.position);
        }
    }

    /// Notes that the log goes on in a new file from a position on: only snapshots behind it let the
    /// file before it go.
    pub fn rotated_at(&mut self, position: Position) {
        if let Some(target) = &mut self.target {
            *target = position.max(*target);
        }
    }

    /// Returns whether to ask the committer to settle, and if so whether with a new log file.
    pub fn next(&mut self, packer: &Packer) -> Option<bool> {
        let target = self.target?;
        let snapshots = packer.snapshots();
        let behind = snapshots.len() >= 2 && snapshots.iter().all(|s| s.position >= target);
        if behind && (self.rotated || !self.must_rotate) {
            self.target = None;
            return None;
        }
        Some(!std::mem::replace(&mut self.rotated, true))
    }

    /// Tells whether something is still to be left behind.
    pub fn is_wanted(&self) -> bool {
        self.target.is_some()
    }
}

#[cfg(test)]
mod tests;
