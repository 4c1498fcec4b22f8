//! The background worker: recent → segment (pack), segments → segment (compact), and what follows
//! from both: snapshots, released log files, removed inputs.
//!
//! It proposes, the fold decides (design decision 3): a segment's files are made and verified first,
//! then a record names them, and only a record that the fold took makes them live. Nothing here
//! destroys a file that a View, a kept snapshot or the state still names.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use proofbook_ledger::{Slot, WorkspaceUid};

use crate::commit::{PackJob, Published, SnapshotJob};
use crate::disk::{Disk, ROOT, durable_write, join};
use crate::fold::{self, State};
use crate::log::Position;
use crate::manifest::{self, RunRef, Snapshot, SnapshotError};
use crate::names;
use crate::open;
use crate::plant::{self, Plant};
use crate::random::Random;
use crate::recent::{RecentEvent, RecentEvents};
use crate::record::{EventParts, Record};
use crate::seal::Sealer;
use crate::segment::{
    self, BlockCache, GroupSet, HashId, IdEntry, IdKey, Row, SEGMENT_ROWS_MAX, Segment,
    SegmentError, SegmentFiles, SegmentWriter,
};
use crate::segment_entry::SegmentEntry;
use crate::view::Directory;

pub(crate) use new_segment::{NewSegment, WrittenSegment, check_digest};

mod new_segment;

/// How many neighbouring segments of one size are merged at once; fewer rewrites an event over its
/// life for more segments a query looks at, and more bytes: with 32, a million events took 85 bytes
/// each instead of 78.
pub const COMPACT_FAN_IN: usize = 16;
/// How many times the fan-in may wait to be merged while packs follow fast on each other.
const COMPACT_LAG_MAX: usize = 2;
/// How many events are asked for at once: enough that the processor waits for all as long as for one,
/// and not more than stay in its cache.
const ASKED_TOGETHER: usize = 16;
/// How many snapshots are kept; log files before the older one go.
const SNAPSHOTS_KEPT: usize = 2;

/// Why background work did not complete. Nothing acknowledged is touched by it.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A segment could not be written or read.
    #[error("a segment could not be made")]
    Segment(#[from] SegmentError),
    /// An event reads back from its segment with another leaf.
    #[error("event {seq} of workspace {workspace} reads back from a new segment with another leaf")]
    Leaf {
        /// The workspace.
        workspace: WorkspaceUid,
        /// The event.
        seq: u64,
    },
    /// A merged segment holds other rows than its inputs.
    #[error("a merged segment holds other rows than its inputs")]
    Merge,
    /// A snapshot could not be written or read back.
    #[error("a snapshot could not be made")]
    Snapshot(#[from] SnapshotError),
    /// The disk refused a call.
    #[error("the disk refused {what}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The disk's answer.
        #[source]
        source: io::Error,
    },
}

/// Segments that are open, by id; shared with whoever publishes them.
#[derive(Clone, Default)]
pub struct OpenSegments {
    segments: Arc<Mutex<HashMap<u64, Weak<Segment>>>>,
}

impl OpenSegments {
    /// Returns the segment, opening it when nobody holds it.
    ///
    /// # Errors
    /// A file is missing or damaged.
    pub fn open(
        &self,
        disk: &dyn Disk,
        files: SegmentFiles,
        cache: &Arc<BlockCache>,
    ) -> Result<Arc<Segment>, SegmentError> {
        let mut segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        let known = segments.get(&files.name).and_then(Weak::upgrade);
        if let Some(segment) = known.filter(|segment| segment.files() == files) {
            return Ok(segment);
        }
        let segment = Arc::new(Segment::open(disk, files, cache.clone())?);
        segments.insert(files.name, Arc::downgrade(&segment));
        Ok(segment)
    }

    /// As [`OpenSegments::open`], but a segment whose index is damaged is opened without it.
    ///
    /// # Errors
    /// The Parquet file is missing or damaged.
    pub(crate) fn open_or_salvage(
        &self,
        disk: &dyn Disk,
        files: SegmentFiles,
        cache: &Arc<BlockCache>,
        hash_id: HashId<'_>,
    ) -> Result<Arc<Segment>, SegmentError> {
        match self.open(disk, files, cache) {
            Ok(segment) => return Ok(segment),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a segment cannot be opened; trying without its index");
            }
        }
        let segment = Segment::open_or_salvage(disk, files, cache.clone(), hash_id)?;
        let segment = Arc::new(segment);
        let mut segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        segments.insert(files.name, Arc::downgrade(&segment));
        Ok(segment)
    }

    fn is_held(&self, id: u64) -> bool {
        let mut segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        segments.retain(|_, segment| segment.strong_count() > 0);
        segments.contains_key(&id)
    }
}

/// Makes segments and snapshots.
pub struct Packer {
    pub(crate) disk: Arc<dyn Disk>,
    random: Arc<dyn Random>,
    pub(crate) published: Arc<Published>,
    pub(crate) open: OpenSegments,
    pub(crate) cache: Arc<BlockCache>,
    /// Verified snapshots, oldest first, at most [`SNAPSHOTS_KEPT`].
    snapshots: Vec<Snapshot>,
    /// Runs that a snapshot which is yet to be written will name.
    pub(crate) coming_runs: Vec<RunRef>,
    /// How many neighbours are merged at once.
    compact_fan_in: usize,
    /// Segments that are no longer live and whose files are still there, each with a position at or
    /// behind the record that retired it.
    retired: Vec<(u64, Position)>,
    /// How many rows were packed and how many were written again since the start.
    pub written: Written,
}

/// Rows written, for the write amplification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows packed from recent.
    pub packed_rows: u64,
    /// Rows written again by compaction.
    pub compacted_rows: u64,
    /// Rows purged.
    pub purged_rows: u64,
    /// Rows written again because others beside them were purged or erased.
    pub rewritten_rows: u64,
}

/// A segment whose files are durable and verified, and the record that makes it live.
pub struct Proposal {
    /// The encoded record.
    pub record: Vec<u8>,
    /// The segment; holding it keeps its files open.
    pub segment: Arc<Segment>,
    /// Its entry.
    pub entry: SegmentEntry,
    /// Ids of the segments it replaces.
    pub inputs: Vec<u64>,
}

impl Packer {
    /// Takes over the snapshots that recovery verified, oldest first.
    pub fn new(
        disk: Arc<dyn Disk>,
        random: Arc<dyn Random>,
        published: Arc<Published>,
        open: OpenSegments,
        cache: Arc<BlockCache>,
        snapshots: Vec<Snapshot>,
        compact_fan_in: usize,
    ) -> Self {
        Self {
            disk,
            random,
            published,
            open,
            cache,
            snapshots,
            coming_runs: Vec::new(),
            compact_fan_in: compact_fan_in.max(2),
            retired: Vec::new(),
            written: Written::default(),
        }
    }

    /// Writes a frozen generation as a segment and checks every leaf in it.
    ///
    /// # Errors
    /// Nothing is live of it; calling again with the same job is right.
    pub fn pack(&mut self, job: &PackJob) -> Result<Proposal, PackError> {
        let new = self.new_segment();
        let check =
            |segment: &Arc<Segment>, _: &_| check_leaves(segment, job, &self.published.directory);
        let WrittenSegment { segment, entry, made: ids } =
            new.write(|writer| write_recent(writer, job), check)?;
        self.written.packed_rows += u64::from(entry.rows);
        self.add_fresh_ids(entry.id(), &ids);
        let mut record = Vec::new();
        let after = job.generation.after;
        Record::Packed { after, through: job.through, segment: entry }.encode(&mut record);
        Ok(Proposal { record, segment, entry, inputs: Vec::new() })
    }

    /// Lets look-ups know which ids a new segment has, before it is live.
    fn add_fresh_ids(&self, segment: u64, ids: &[IdKey]) {
        let live = self.published.view().segments.clone();
        let is_live = |name| live.iter().any(|segment| segment.files().name == name);
        let fresh = self.published.fresh_ids.load().with(segment, ids, is_live);
        self.published.fresh_ids.store(Arc::new(fresh));
    }

    /// Writes the snapshot that a pack made possible; returns before which position the log may go.
    ///
    /// Call it only after the pack's record is durable and folded: until then the log is the only
    /// place where the events are.
    ///
    /// # Errors
    /// The older snapshots stay in force and nothing is released.
    pub fn snapshot(
        &mut self,
        job: PackJob,
        packed: SegmentEntry,
    ) -> Result<Option<Position>, PackError> {
        let PackJob { generation, through, mut state, runs, frame_hash } = job;
        // The segment has its events. A snapshot of many workspaces takes a while, in which two more
        // generations may come to stand beside this one.
        drop(generation);
        state.segments.push(packed);
        state.packed_through = through;
        let released = self.write_snapshot(&state, &runs, frame_hash);
        // Also without a root: they hold keys, and what is erased must not stay in one of them.
        self.coming_runs.retain(|run| !runs.contains(run));
        released
    }

    /// Writes the workspaces of the snapshot that a pack will make possible, and lets go of them.
    ///
    /// A workspace that changes is copied as long as a state shares it; with a hundred thousand of them
    /// a pack takes long enough for most to change.
    ///
    /// # Errors
    /// The job keeps them, and [`Packer::snapshot`] writes them.
    pub fn write_workspaces(&mut self, job: &mut PackJob) -> Result<(), PackError> {
        if job.state.workspaces.is_empty() {
            return Ok(());
        }
        let before = self.snapshots.last();
        job.runs = manifest::write_runs(&*self.disk, &job.state.workspaces, before)?;
        job.state.workspaces = Vec::new();
        self.coming_runs.extend_from_slice(&job.runs);
        Ok(())
    }

    /// Writes a snapshot of a state up to which nothing is recent, as [`Packer::snapshot`] does.
    ///
    /// # Errors
    /// The older snapshots stay in force and nothing is released.
    pub fn snapshot_alone(&mut self, job: SnapshotJob) -> Result<Option<Position>, PackError> {
        self.write_snapshot(&job.state, &[], job.frame_hash)
    }

    /// Writes a snapshot of a state, whose workspaces may be in runs already.
    fn write_snapshot(
        &mut self,
        state: &State,
        written: &[RunRef],
        frame_hash: [u8; 32],
    ) -> Result<Option<Position>, PackError> {
        let before = self.snapshots.last();
        // One that was asked for and came late, after that of a pack: it must not become the newest.
        if before.is_some_and(|newest| newest.position > state.position) {
            return Ok(self.releasable());
        }
        let disk = &*self.disk;
        let mut runs = manifest::write_runs(disk, &state.workspaces, before)?;
        runs.extend_from_slice(written);
        let snapshot = manifest::write_root(disk, state, runs, frame_hash, before)?;
        self.snapshots.push(snapshot);
        if self.snapshots.len() > SNAPSHOTS_KEPT {
            self.snapshots.remove(0);
        }
        let io_error = |source| PackError::Io { what: "removing old snapshots", source };
        manifest::remove_others(&*self.disk, &self.snapshots, &self.coming_runs)
            .map_err(io_error)?;
        self.write_segments_json()?;
        Ok(self.releasable())
    }

    /// Returns before which position the log may go: both kept snapshots stand for everything up to the
    /// older one.
    pub fn releasable(&self) -> Option<Position> {
        let older = match plant::is_on(Plant::ReleaseAfterOneSnapshot) {
            true => Some(self.snapshots.last()),
            false => (self.snapshots.len() == SNAPSHOTS_KEPT).then(|| self.snapshots.first()),
        };
        older.flatten().map(|snapshot| snapshot.position.next())
    }

    /// Picks neighbouring segments that should become one; `None` when nothing is due.
    pub fn compaction_due(&self) -> Option<Vec<Arc<Segment>>> {
        let view = self.published.view();
        let run = due(&view.segments, self.compact_fan_in)?;
        Some(run.iter().take(self.compact_fan_in).cloned().collect())
    }

    /// Tells whether merging lags so far behind that packs must make room for it.
    pub fn compaction_presses(&self) -> bool {
        let view = self.published.view();
        let waiting = due(&view.segments, self.compact_fan_in).map_or(0, <[_]>::len);
        waiting >= self.compact_fan_in * COMPACT_LAG_MAX
    }

    /// Begins to merge neighbouring live segments into one, which may happen on another thread.
    pub fn compaction(&self, inputs: Vec<Arc<Segment>>) -> Compaction {
        Compaction { inputs, new: self.new_segment() }
    }

    /// Merges neighbouring live segments into one.
    ///
    /// # Errors
    /// Nothing is live of it; the inputs stay.
    pub fn compact(&mut self, inputs: &[Arc<Segment>]) -> Result<Proposal, PackError> {
        let merged = self.compaction(inputs.to_vec()).run(&AtomicBool::new(false));
        self.count_merged(&merged);
        merged
    }

    /// Counts what a [`Compaction`] wrote.
    pub(crate) fn count_merged(&mut self, merged: &Result<Proposal, PackError>) {
        if let Ok(proposal) = merged {
            self.written.compacted_rows += u64::from(proposal.entry.rows);
        }
    }

    /// Notes that a proposal became live, so that what it replaced may go in time.
    ///
    /// # Errors
    /// `segments.json` could not be written.
    pub fn accepted(&mut self, proposal: &Proposal) -> Result<(), PackError> {
        self.retire(&proposal.inputs);
        self.write_segments_json()
    }

    /// Takes over segments that are not live any more, or never were, to be removed in time.
    pub fn retire(&mut self, segments: &[u64]) {
        let now = self.published.view().position;
        self.retired.extend(segments.iter().map(|id| (*id, now)));
    }

    /// Tells whether files of segments that are not live wait to be removed.
    pub fn has_retired(&self) -> bool {
        !self.retired.is_empty()
    }

    /// Tells whether such files wait for snapshots behind what retired them.
    pub(crate) fn waits_for_snapshots(&self) -> bool {
        let older = match self.snapshots.as_slice() {
            [older, _] => older.position,
            _ => Position::default(),
        };
        self.retired.iter().any(|(_, retired_at)| older < *retired_at)
    }

    /// Removes the files of segments that no View, no kept snapshot and no state names any more, and
    /// that no recovery replays.
    ///
    /// The log behind the older kept snapshot still holds the records that made such a segment live
    /// and retired it again, and a replay opens what a record makes live. So its files stay until both
    /// kept snapshots are behind the record that retired it.
    ///
    /// # Errors
    /// A file could not be removed; it is tried again the next time.
    pub fn sweep(&mut self) -> Result<usize, PackError> {
        let [older, _] = self.snapshots.as_slice() else { return Ok(0) };
        let view = self.published.view();
        let is_needed = |id: u64, retired_at: Position| {
            (older.position < retired_at && !plant::is_on(Plant::SweepTooSoon))
                || view.segments.iter().any(|segment| segment.files().name == id)
                || self
                    .snapshots
                    .iter()
                    .any(|snapshot| snapshot.segments.iter().any(|segment| segment.id() == id))
                || self.open.is_held(id)
        };
        let mut removed = 0;
        let mut kept = Vec::new();
        for (id, retired_at) in &self.retired {
            if is_needed(*id, *retired_at) {
                kept.push((*id, *retired_at));
                continue;
            }
            for name in [names::segment_parquet(*id), names::segment_idx(*id)] {
                match self.disk.remove(&join(names::SEGMENT_DIR, &name)) {
                    Ok(()) => removed += 1,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(source) => {
                        return Err(PackError::Io { what: "removing a segment", source });
                    }
                }
            }
        }
        self.retired = kept;
        Ok(removed)
    }

    /// Tells whether files of segments that were retired at or before a frame are still there.
    pub(crate) fn keeps_retired(&self, position: Position) -> bool {
        self.retired.iter().any(|(_, at)| *at <= position)
    }

    /// Gives the reserve's space to clean-up on a full disk.
    pub fn give_up_reserve(&self) {
        // Without a reserve there is nothing to give.
        let _ = self.disk.remove(names::RESERVE);
    }

    /// Takes the reserve's space again once there is some; tried after every pack.
    pub fn keep_reserve(&self, bytes: u64) {
        open::keep_reserve(&*self.disk, bytes);
    }

    /// Returns the kept snapshots, oldest first.
    pub fn snapshots(&self) -> &[Snapshot] {
        &self.snapshots
    }

    /// Chooses the id of a segment that is to be written.
    pub(crate) fn new_segment(&self) -> NewSegment {
        let mut id = [0; 8];
        self.random.fill(&mut id);
        NewSegment {
            id: u64::from_le_bytes(id),
            disk: self.disk.clone(),
            published: self.published.clone(),
            open: self.open.clone(),
            cache: self.cache.clone(),
        }
    }

    /// Writes the list of live segments for foreign readers.
    fn write_segments_json(&self) -> Result<(), PackError> {
        let text = segments_json(&self.published.view().segments);
        let temporary = format!("{}.tmp", names::SEGMENTS_JSON);
        durable_write(&*self.disk, ROOT, &temporary, names::SEGMENTS_JSON, text.as_bytes())
            .map_err(|source| PackError::Io { what: "writing segments.json", source })
    }
}

/// A merge of neighbouring live segments into one, which packs need not wait for.
pub struct Compaction {
    inputs: Vec<Arc<Segment>>,
    new: NewSegment,
}

impl Compaction {
    /// Merges, unless it is told to stop meanwhile.
    ///
    /// # Errors
    /// Nothing is live of it, nothing is left of it, and the inputs stay.
    pub fn run(self, stopping: &AtomicBool) -> Result<Proposal, PackError> {
        let merge = |writer: &mut SegmentWriter<'_>| {
            segment::merge(&self.inputs, writer, stopping).map_err(PackError::from)
        };
        let WrittenSegment { segment, entry, .. } = self.new.write(merge, check_digest)?;
        let files = self.inputs.iter().map(|input| input.files());
        let named = files.clone().map(|files| (files.name, files.parquet.sha256.0));
        let mut record = Vec::new();
        Record::Compacted { inputs: named.collect(), segment: entry }.encode(&mut record);
        Ok(Proposal { record, segment, entry, inputs: files.map(|files| files.name).collect() })
    }
}

/// Returns the text of `segments.json`.
pub(crate) fn segments_json(segments: &[Arc<Segment>]) -> String {
    let mut text = String::from("{\n  \"version\": 1,\n  \"segments\": [");
    for (index, segment) in segments.iter().enumerate() {
        let files = segment.files();
        let comma = if index == 0 { "" } else { "," };
        let hash: String =
            files.parquet.sha256.0.iter().map(|byte| format!("{byte:02x}")).collect();
        text.push_str(&format!(
            "{comma}\n    {{\"file\": \"{}/{}\", \"rows\": {}, \"bytes\": {}, \"sha256\": \"{hash}\"}}",
            names::SEGMENT_DIR,
            names::segment_parquet(files.name),
            segment.rows(),
            files.parquet.len,
        ));
    }
    text.push_str("\n  ]\n}\n");
    text
}

/// Writes a frozen generation's events in a segment's order; returns their ids.
fn write_recent(writer: &mut SegmentWriter<'_>, job: &PackJob) -> Result<Vec<IdKey>, PackError> {
    let mut ids = Vec::with_capacity(job.generation.event_count());
    for uid in job.generation.workspaces() {
        let events = job.generation.workspace(uid, job.through);
        let mut order: Vec<(i64, u64)> =
            events.iter().map(|event| (event.occurred_at, event.seq)).collect();
        order.sort_unstable();
        for together in order.chunks(ASKED_TOGETHER) {
            let events: Vec<RecentEvent<'_>> =
                together.iter().filter_map(|(_, seq)| events.get(*seq)).collect();
            // Events stand where their batch put them, and their memory comes for all of them at once.
            events.iter().for_each(RecentEvent::ask_for);
            for event in &events {
                let parts = event.parts();
                ids.push(IdKey::new(uid, parts.id_hash));
                let id = IdEntry { hash: parts.id_hash, fingerprint: parts.fingerprint };
                writer.push(&row_of(event, &parts), id)?;
            }
        }
    }
    Ok(ids)
}

/// Returns a recent event as a segment's row.
fn row_of<'a>(event: &RecentEvent<'_>, parts: &EventParts<'a>) -> Row<'a> {
    Row {
        workspace: event.workspace,
        occurred_at: parts.occurred_at,
        seq: event.seq,
        recorded_at: event.recorded_at,
        run: parts.run,
        k: parts.k,
        flags: parts.flags,
        outcome: parts.outcome,
        action: parts.action,
        groups: parts.groups,
        withheld: &[],
    }
}

/// Derives every leaf again from what the segment's files hold and compares it with the leaf that the
/// tree holds; only after this may the log forget the events.
fn check_leaves(
    segment: &Arc<Segment>,
    job: &PackJob,
    directory: &Directory,
) -> Result<(), PackError> {
    let mut sealer = Sealer::default();
    let mut current: Option<(Arc<fold::Workspace>, RecentEvents)> = None;
    let mut rows_seen = 0_usize;
    segment.for_each_row(GroupSet::ALL, |row| {
        let differs = || PackError::Leaf { workspace: row.workspace, seq: row.seq };
        let (workspace, events) = match &current {
            Some(known) if known.0.uid == row.workspace => known,
            _ => {
                // No key of these events can be gone: only what is packed is erased.
                let workspace = directory.by_uid(row.workspace).ok_or_else(differs)?;
                let found = job.generation.workspace(row.workspace, job.through);
                expect_keys(&mut sealer, &workspace, &found);
                current.insert((workspace, found))
            }
        };
        rows_seen += 1;
        let event = events.get(row.seq).ok_or_else(differs)?;
        match sealer.leaf_of_row(workspace, row) {
            Some(leaf) if leaf == event.leaf => Ok(()),
            _ => Err(differs()),
        }
    })?;
    if rows_seen == job.generation.event_count() { Ok(()) } else { Err(PackError::Merge) }
}

/// Tells which keys a workspace's events need, where they are of one run: mostly those from the first
/// event's to the last one's, since places are given out as events come.
fn expect_keys(sealer: &mut Sealer, workspace: &fold::Workspace, events: &RecentEvents) {
    let ([first, .., last] | [first @ last]) = events.blocks() else { return };
    let (first, last) = (first.event(0).parts(), last.event(last.len() - 1).parts());
    let (Some(from), Some(to)) = (Slot::new(first.k), Slot::new(last.k)) else { return };
    if first.run == last.run && from <= to {
        sealer.expect(workspace, first.run, from, to);
    }
}

/// Returns what a segment counts when segments are merged: its rows and what is left of purged ones.
fn weight(segment: &Segment) -> u64 {
    u64::from(segment.rows()) + segment.purged_count()
}

/// Finds a due run of neighbours, small ones first; its first `fan_in` are to become one.
///
/// Segments fall into tiers by their rows, a factor of `fan_in` apart; a run is due when
/// `fan_in` neighbours are of one tier or below. Small stragglers between larger neighbours are taken
/// along, so that they never block a run. One without its index cannot be merged and ends a run.
fn due(segments: &[Arc<Segment>], fan_in: usize) -> Option<&[Arc<Segment>]> {
    let tier = |segment: &Arc<Segment>| match segment.damage() {
        Some(_) => u32::MAX,
        None => weight(segment).max(1).ilog(fan_in as u64),
    };
    for limit in 0..=SEGMENT_ROWS_MAX.ilog(fan_in as u32) {
        let mut begin = 0;
        while begin < segments.len() {
            let run = segments[begin..].iter().take_while(|s| tier(s) <= limit).count();
            if run >= fan_in {
                let run = &segments[begin..begin + run];
                let rows: u64 = run.iter().take(fan_in).map(|segment| weight(segment)).sum();
                if rows <= u64::from(SEGMENT_ROWS_MAX) {
                    return Some(run);
                }
            }
            begin += run.max(1);
        }
    }
    None
}
