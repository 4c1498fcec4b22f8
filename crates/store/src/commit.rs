//! The commit path: one straight function from batches to receipts.
//!
//! [`Committer`] is driven by one thread, or step by step by a simulation. It owns the log and the
//! fold; nothing else writes either. A batch is prepared elsewhere and in parallel; what is left here
//! is order: one frame, one sync, one fold, one publish, then the replies.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use bytes::Bytes;
use proofbook_ledger::WorkspaceUid;

use crate::clock::GuardedClock;
use crate::fold::{Decision, Fold, FoldError, Folded, IdHit, Outcome, Sealed, State};
use crate::fresh_ids::FreshIds;
use crate::limits;
use crate::log::{AppendError, FrameDraft, LocalLog, Log, Position};
use crate::lookup::{self, WantedId};
use crate::manifest::RunRef;
use crate::plant::{self, Plant};
use crate::recent::Generation;
use crate::record::Record;
use crate::segment::{Segment, SegmentError};
use crate::segment_entry::SegmentEntry;
use crate::view::{Directory, View};

/// Called once with what became of a batch's events, in the batch's order.
pub type Reply = Box<dyn FnOnce(Result<Vec<Outcome>, CommitError>) + Send>;

/// Why a batch has no receipts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The disk has no space. Nothing was recorded; trying again later is right.
    #[error("the disk has no space; nothing was recorded")]
    NoSpace,
    /// Too much is waiting. Nothing was recorded.
    #[error("too much is waiting to be recorded; nothing of this was")]
    Busy,
    /// Whether it was recorded is not known. Retrying with the same ids is safe.
    #[error("it may have been recorded; retry with the same id")]
    Unknown,
    /// The records could not be encoded, which is our fault. Nothing was recorded.
    #[error("the events could not be encoded; nothing was recorded")]
    Encode,
    /// The store has stopped.
    #[error("the store has stopped")]
    Stopped,
}

/// Records on their way into one frame, with what was prepared for them.
pub struct Batch {
    /// Encoded records, but for the events that end the last one.
    pub records: Vec<u8>,
    /// Those events, encoded; none where the records are whole.
    pub events: Vec<u8>,
    /// How many there are.
    pub record_count: u32,
    /// What to look for of each event, for looking ids up again.
    pub wanted: Vec<WantedId>,
    /// What segments know of each event's id.
    pub hits: Vec<Option<IdHit>>,
    /// Commitments and nonce of each event.
    pub sealed: Vec<Sealed>,
    /// Workspaces whose heads are to be published, as they are when the frame is made.
    pub heads: Vec<WorkspaceUid>,
    /// The View's pack count when the ids were looked up.
    pub pack_epoch: u64,
    /// How many lists of outcomes the records yield: 1 with events or configuration, else 0.
    pub outcome_lists: usize,
    /// Gets the outcomes.
    pub reply: Reply,
}

impl Batch {
    /// Returns how many bytes its records have.
    pub fn bytes(&self) -> usize {
        self.records.len() + self.events.len()
    }

    /// Appends its records to a frame's body.
    fn write(&self, body: &mut Vec<u8>) {
        body.extend_from_slice(&self.records);
        body.extend_from_slice(&self.events);
    }
}

/// Why the store must stop. Nothing is acknowledged after it.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The log could not be written.
    #[error("the log could not be written")]
    Log(#[source] AppendError),
    /// A frame could not be folded.
    #[error("a frame could not be folded")]
    Fold(#[source] FoldError),
    /// A segment that was just packed could not be opened.
    #[error("a new segment could not be opened: {0}")]
    Segment(String),
}

/// What is published: the View and the directory.
pub struct Published {
    view: ArcSwap<View>,
    /// The workspaces as of the newest published frame.
    pub directory: Directory,
    /// Bytes of recent events, over all generations.
    pub recent_bytes: AtomicU64,
    /// What tells of many small segments at once that they do not know an id.
    pub(crate) fresh_ids: ArcSwap<FreshIds>,
    /// Counts changes of what is kept: plans, retention, holds, catalogs.
    pub rules_epoch: AtomicU64,
}

impl Published {
    /// Begins with a first View.
    pub fn new(view: View) -> Self {
        let recent_bytes = view.generations.iter().map(|g| g.memory_bytes() as u64).sum();
        Self {
            view: ArcSwap::from_pointee(view),
            directory: Directory::default(),
            recent_bytes: AtomicU64::new(recent_bytes),
            fresh_ids: ArcSwap::default(),
            rules_epoch: AtomicU64::new(0),
        }
    }

    /// Returns the newest View.
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }
}

/// A generation that is full, and the state at its last frame.
pub struct PackJob {
    /// The frozen generation.
    pub generation: Arc<Generation>,
    /// Its last frame.
    pub through: Position,
    /// The state as of that frame; with the pack applied it becomes a snapshot.
    pub state: State,
    /// What its workspaces were written to, once they were and are no longer in the state.
    pub runs: Vec<RunRef>,
    /// Hash of that frame, where the snapshot meets the log.
    pub frame_hash: [u8; 32],
}

/// The state at a frame up to which nothing is recent: a snapshot without a pack.
pub struct SnapshotJob {
    /// The state as of that frame.
    pub state: State,
    /// Hash of that frame.
    pub frame_hash: [u8; 32],
}

/// The segments that a decision needs opened before its View is published.
pub type OpenSegment = Box<dyn Fn(&SegmentEntry) -> Result<Arc<Segment>, String> + Send>;

/// The one writer of log and fold.
pub struct Committer {
    log: LocalLog,
    fold: Fold,
    clock: Arc<GuardedClock>,
    published: Arc<Published>,
    open_segment: OpenSegment,
    recent_pack_bytes: usize,
    unmarked: bool,
    pack_job: Option<PackJob>,
    snapshot_job: Option<SnapshotJob>,
    /// Whether a pack was asked for while another was under way; it is made due when that one ends.
    pack_wanted: bool,
    no_space: bool,
}

impl Committer {
    /// Takes over a recovered log and the fold of it.
    pub fn new(
        log: LocalLog,
        fold: Fold,
        clock: Arc<GuardedClock>,
        published: Arc<Published>,
        open_segment: OpenSegment,
        recent_pack_bytes: usize,
    ) -> Self {
        let all = fold.state.workspaces.iter().cloned().enumerate();
        published.directory.update(all.map(|(index, workspace)| (index as u32, workspace)));
        Self {
            log,
            fold,
            clock,
            published,
            open_segment,
            recent_pack_bytes,
            unmarked: false,
            pack_job: None,
            snapshot_job: None,
            pack_wanted: false,
            no_space: false,
        }
    }

    /// Returns the fold, for checks.
    pub fn fold(&self) -> &Fold {
        &self.fold
    }

    /// Tells whether the last append of events or decisions found no space.
    pub fn found_no_space(&self) -> bool {
        self.no_space
    }

    /// Takes the pack job that the last frame made due.
    pub fn take_pack_job(&mut self) -> Option<PackJob> {
        self.pack_job.take()
    }

    /// Takes the snapshot job that [`Committer::settle`] made due.
    pub fn take_snapshot_job(&mut self) -> Option<SnapshotJob> {
        self.snapshot_job.take()
    }

    /// Commits a group of batches as one frame and answers each.
    ///
    /// # Errors
    /// The store must stop; every batch of the group was answered with an unknown outcome.
    pub fn commit(&mut self, mut group: Vec<Batch>) -> Result<(), Fatal> {
        #[cfg(feature = "plant")]
        if plant::is_on(Plant::AckBeforeSync) || plant::is_on(Plant::PublishBeforeSync) {
            return self.commit_in_wrong_order(group);
        }
        self.refresh_look_ups(&mut group);
        if group.is_empty() {
            return Ok(());
        }
        let mut body = Vec::with_capacity(group.iter().map(Batch::bytes).sum());
        let mut hits = Vec::new();
        let mut sealed = Vec::new();
        // Heads come first: they are of the trees before this frame's events.
        let mut record_count = self.encode_heads(&group, &mut body);
        for batch in &mut group {
            batch.write(&mut body);
            record_count += batch.record_count;
            hits.append(&mut batch.hits);
            sealed.append(&mut batch.sealed);
        }
        let body = Bytes::from(body);
        let stamp = self.clock.now_micros();
        let draft = FrameDraft { stamp, body: &body, record_count, digest: self.fold.state.digest };

        // Before this call returns, a crash may keep the frame or lose it: its clients were told
        // nothing, so both are right. An error after which the log takes nothing more ends the
        // process; a full disk ends only these batches.
        let position = match self.log.append(&draft) {
            Ok(position) => position,
            Err(AppendError::NoSpace(_)) => {
                self.no_space = true;
                answer_all(group, &CommitError::NoSpace);
                return Ok(());
            }
            Err(AppendError::Encode(_)) => {
                answer_all(group, &CommitError::Encode);
                return Ok(());
            }
            Err(error) => {
                answer_all(group, &CommitError::Unknown);
                return Err(Fatal::Log(error));
            }
        };
        self.unmarked = true;
        self.no_space = false;

        // From here the frame is durable. A crash now loses no event: recovery folds the same frame
        // to the same result, and a client that retries meets its own event by its id.
        let folded = match self.fold.apply(position, stamp, &body, &hits, &sealed) {
            Ok(folded) => folded,
            Err(error) => {
                answer_all(group, &CommitError::Unknown);
                return Err(Fatal::Fold(error));
            }
        };

        // Durable and folded: now it may be seen, and only after it can be seen is it acknowledged.
        // An acknowledged event is a searchable event.
        let outcomes = match self.publish(position, folded) {
            Ok(outcomes) => outcomes,
            Err(fatal) => {
                answer_all(group, &CommitError::Unknown);
                return Err(fatal);
            }
        };
        answer_each(group, outcomes);
        Ok(())
    }

    /// Writes the records of the heads that are wanted, each once; they say what the fold has now.
    fn encode_heads(&self, group: &[Batch], body: &mut Vec<u8>) -> u32 {
        let mut wanted: Vec<WorkspaceUid> =
            group.iter().flat_map(|batch| batch.heads.iter().copied()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut count = 0;
        for uid in wanted {
            let Some(index) = self.fold.workspace_by_uid(uid) else { continue };
            let edge = &self.fold.state.workspaces[index as usize].edge;
            Record::Head { workspace: uid, size: edge.size(), root: edge.root() }.encode(body);
            count += 1;
        }
        count
    }

    /// Writes a durable mark behind the last frame, once.
    ///
    /// # Errors
    /// The store must stop.
    pub fn mark(&mut self) -> Result<(), Fatal> {
        if !self.unmarked {
            return Ok(());
        }
        self.write_mark()
    }

    /// Makes what is due so that the log and the snapshots may forget what is behind them: a pack if
    /// anything is recent, else a snapshot alone. With `rotate` the log goes on in a new file, so that
    /// the one until now can be released.
    ///
    /// Nothing is due while a pack is under way; asking again after it is right.
    ///
    /// Returns the position that was reached: with a new file, the first in it.
    ///
    /// # Errors
    /// The store must stop.
    pub fn settle(&mut self, rotate: bool) -> Result<Position, Fatal> {
        if rotate {
            self.log.rotate();
        }
        self.write_mark()?;
        let view = self.published.view();
        let position = view.position;
        let [growing] = view.generations.as_slice() else { return Ok(position) };
        if growing.event_count() > 0 {
            drop(view);
            self.freeze_now();
        } else if view.position == self.fold.state.position {
            let state = self.fold.state.clone();
            let frame_hash = self.log.last_hash().0;
            // Recovery takes a snapshot without a frame behind it for a log that lost its end.
            self.write_mark()?;
            if self.fold.state.position > state.position {
                self.snapshot_job = Some(SnapshotJob { state, frame_hash });
            }
        }
        Ok(position)
    }

    fn write_mark(&mut self) -> Result<(), Fatal> {
        let draft = FrameDraft {
            stamp: self.clock.now_micros(),
            body: &[],
            record_count: 0,
            digest: self.fold.state.digest,
        };
        match self.log.append(&draft) {
            Ok(position) => {
                self.unmarked = false;
                let folded = self
                    .fold
                    .apply(position, draft.stamp, &Bytes::new(), &[], &[])
                    .map_err(Fatal::Fold)?;
                self.publish(position, folded).map(drop)
            }
            // The mark only narrows what a bad last frame may mean; without space it is left out.
            Err(AppendError::NoSpace(_)) => Ok(()),
            Err(error) => Err(Fatal::Log(error)),
        }
    }

    /// Frees log files before a position.
    ///
    /// # Errors
    /// A file could not be removed.
    pub fn release(&mut self, before: Position) -> std::io::Result<usize> {
        self.log.release(before)
    }

    /// Looks the ids of batches up again when a generation went into a segment and out of the fold's
    /// own table since, when ids went with purged events, or values with an erasure. A batch whose ids
    /// cannot be looked up is refused and leaves the group: without the answer the fold would take a
    /// duplicate for a new event, and a replay would not.
    fn refresh_look_ups(&self, group: &mut Vec<Batch>) {
        let view = self.published.view();
        let fresh = self.published.fresh_ids.load();
        let is_old = |batch: &Batch| batch.pack_epoch + 1 < view.pack_epoch;
        if !group.iter().any(is_old) || plant::is_on(Plant::LookUpsNotRefreshed) {
            return;
        }
        for mut batch in std::mem::take(group) {
            match if is_old(&batch) { refresh(&view, &fresh, &mut batch) } else { Ok(true) } {
                Ok(true) => group.push(batch),
                Ok(false) => (batch.reply)(Err(CommitError::Busy)),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "ids cannot be looked up; a batch was refused");
                    (batch.reply)(Err(CommitError::Busy));
                }
            }
        }
    }

    fn publish(&mut self, position: Position, folded: Folded) -> Result<Vec<Vec<Outcome>>, Fatal> {
        let mut view = View::clone(&self.published.view.load());
        view.position = position;
        if let Some(growing) = view.generations.last() {
            growing.extend(folded.recent.into_iter().map(|(_, event)| event));
        }
        for decision in &folded.decisions {
            self.apply_decision(&mut view, decision)?;
        }
        if folded.look_ups_old && !plant::is_on(Plant::PurgedIdBelieved) {
            // Whoever looked ids up before this looks again: see `refresh_look_ups`.
            view.pack_epoch += 2;
        }
        if folded.config_changed {
            view.config = self.fold.state.config.clone();
        }
        if folded.delivered_changed {
            view.delivered = self.fold.state.delivered.clone();
        }
        self.freeze_full_generation(&mut view, position);
        let bytes = view.generations.iter().map(|g| g.memory_bytes() as u64).sum();
        self.published.recent_bytes.store(bytes, Ordering::Relaxed);
        self.published.view.store(Arc::new(view));
        let workspaces = &self.fold.state.workspaces;
        self.published.directory.update(
            folded.touched.iter().map(|index| (*index, workspaces[*index as usize].clone())),
        );
        if folded.rules_changed {
            self.published.rules_epoch.fetch_add(1, Ordering::SeqCst);
        }
        Ok(folded.outcomes)
    }

    /// Hands events from recent to their segment, or from segments to the one that replaces them, in
    /// one View: never seen twice, never not at all.
    fn apply_decision(&mut self, view: &mut View, decision: &Decision) -> Result<(), Fatal> {
        match decision {
            Decision::Packed { through, segment } => {
                let opened = (self.open_segment)(segment).map_err(Fatal::Segment)?;
                if !plant::is_on(Plant::PackHidesEvents) {
                    Arc::make_mut(&mut view.segments).push(opened);
                }
                if plant::is_on(Plant::ReleaseBeforeSnapshot) {
                    let _ = self.log.release(through.next());
                }
                view.generations.retain(|generation| generation.after >= *through);
                view.pack_epoch += 1;
            }
            Decision::Compacted { inputs, segment } => {
                let opened = (self.open_segment)(segment).map_err(Fatal::Segment)?;
                let segments = Arc::make_mut(&mut view.segments);
                let is_input = |live: &Arc<Segment>| inputs.contains(&live.files().name);
                if let Some(place) = segments.iter().position(is_input) {
                    segments.retain(|live| !is_input(live));
                    segments.insert(place, opened);
                }
            }
            Decision::Dropped { .. } => {}
        }
        Ok(())
    }

    fn freeze_full_generation(&mut self, view: &mut View, position: Position) {
        let [growing] = view.generations.as_slice() else { return };
        let is_due = std::mem::take(&mut self.pack_wanted)
            || growing.memory_bytes() >= self.recent_pack_bytes
            || self.log.file_count() > limits::LOG_FILES_MAX;
        if !is_due || growing.event_count() == 0 {
            return;
        }
        self.freeze(view, position);
    }

    fn freeze(&mut self, view: &mut View, position: Position) {
        let Some(generation) = view.generations.last().cloned() else { return };
        self.fold.ids.freeze(position);
        view.generations.push(Arc::new(Generation::new(position)));
        self.pack_job = Some(PackJob {
            generation,
            through: position,
            state: self.fold.state.clone(),
            runs: Vec::new(),
            frame_hash: self.log.last_hash().0,
        });
    }

    /// Makes a pack due now, however little is recent; nothing when there is nothing. While another
    /// pack is under way, the one asked for becomes due when that one ends.
    pub fn freeze_now(&mut self) {
        let mut view = View::clone(&self.published.view.load());
        let [growing] = view.generations.as_slice() else {
            self.pack_wanted = true;
            return;
        };
        if growing.event_count() == 0 {
            return;
        }
        let position = view.position;
        self.freeze(&mut view, position);
        self.published.view.store(Arc::new(view));
    }
}

/// Looks the ids of a batch up again; tells whether the batch may be written.
///
/// It may not when it has a copy of an event of which something was erased since it was prepared: the
/// values would be in the log again. Prepared once more, it is answered without them.
fn refresh(view: &View, fresh: &FreshIds, batch: &mut Batch) -> Result<bool, SegmentError> {
    // What was found is looked for again too: it may have been purged since, and a replay of the log
    // would not find it.
    let found = lookup::find_all(view, fresh, &batch.wanted);
    for ((wanted, hit), found) in batch.wanted.iter().zip(&mut batch.hits).zip(found) {
        *hit = found?;
        if let Some(hit) = hit
            && lookup::is_erased(view, wanted.workspace, hit.seq)?
            && !plant::is_on(Plant::ErasedCopyKept)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn answer_all(group: Vec<Batch>, error: &CommitError) {
    for batch in group {
        (batch.reply)(Err(error.clone()));
    }
}

fn answer_each(group: Vec<Batch>, outcomes: Vec<Vec<Outcome>>) {
    let mut outcomes = outcomes.into_iter();
    for batch in group {
        let list = match batch.outcome_lists {
            0 => Some(Vec::new()),
            _ => outcomes.next(),
        };
        (batch.reply)(list.ok_or(CommitError::Unknown));
    }
}

const _: () = assert!(limits::RECENT_PACK_BYTES * 2 <= limits::RECENT_BYTES);

#[cfg(feature = "plant")]
mod planted;
#[cfg(test)]
mod tests;
