//! Opening a data directory: from files to a store that can commit, or a reason why not.
//!
//! The newest snapshot that verifies, then the log behind it, folded frame by frame. What was recent
//! before is recent again. Then by arithmetic: the ranges of live segments and recent tile every
//! workspace's seqs from 0 to its size, without gap or overlap.
//!
//! Invariant: opening twice, or dying in between, gives the same state (I4). Opening removes nothing
//! but temporaries: a segment that nothing names any more may still be named by a record that a later
//! recovery replays, so it is left to the packer, which knows when none can.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_ledger::WorkspaceUid;

use crate::clock::{Clock, ClockMemory, GuardedClock};
use crate::codec::Decoder;
use crate::commit::{Committer, Fatal, Published};
use crate::disk::{Disk, Lock, ROOT, durable_write, join, read_file};
use crate::fold::{self, Decision, Fold, IdHit, State};
use crate::limits;
use crate::log::{
    Floor, FoldDigest, Frame, FrameDraft, LocalLog, Log, LogOptions, Position, RecoverError,
    RecoveryReport,
};
use crate::lookup::{self, WantedId};
use crate::manifest::{self, Snapshot};
use crate::names;
use crate::pack::{OpenSegments, Packer};
use crate::plant::{self, Plant};
use crate::prepare::{IdHasher, Preparer};
use crate::random::Random;
use crate::recent::{Arrival, Generation};
use crate::record::{self, EventParts, Format, Record};
use crate::segment::{BlockCache, Damaged, SalvagedIds, Segment, SegmentError};
use crate::segment_entry::SegmentEntry;
use crate::store_key::StoreKey;
use crate::view::View;

/// Settings that tests make small.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The log's files.
    pub log: LogOptions,
    /// Bytes of a generation at which it is packed.
    pub recent_pack_bytes: usize,
    /// Bytes of the reserve file.
    pub reserve_bytes: u64,
    /// Bytes of the cache of decoded segment pieces.
    pub cache_bytes: usize,
    /// How many neighbouring segments are merged at once.
    pub compact_fan_in: usize,
    /// The key that seals secrets; `None` for the one in the data directory.
    pub store_key: Option<StoreKey>,
    /// How long after the end of an event's retention its values are in no file any more, in
    /// microseconds. Until about five sevenths of it nothing is purged.
    pub purge_within_micros: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            log: LogOptions::default(),
            recent_pack_bytes: limits::RECENT_PACK_BYTES,
            reserve_bytes: limits::RESERVE_BYTES,
            cache_bytes: crate::segment::CACHE_BYTES,
            compact_fan_in: crate::pack::COMPACT_FAN_IN,
            store_key: None,
            purge_within_micros: limits::PURGE_WITHIN_MICROS,
        }
    }
}

/// The doors to the machine.
#[derive(Clone)]
pub struct Machine {
    /// The data directory.
    pub disk: Arc<dyn Disk>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// Why a data directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the data directory is in use by another process")]
    InUse,
    /// The disk refused a call.
    #[error("cannot {what}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The disk's answer.
        #[source]
        source: io::Error,
    },
    /// The log cannot be recovered.
    #[error(transparent)]
    Log(#[from] RecoverError),
    /// A live segment is missing or damaged.
    #[error("a live segment cannot be opened")]
    Segment(#[from] SegmentError),
    /// The store's id is missing or unreadable while there is data.
    #[error("store.id is missing or unreadable; restore it from a backup of this directory")]
    StoreId,
    /// Events are missing from, or are twice in, segments and recent.
    #[error("workspace {workspace}: events {expected} and on should follow, but {found} is next")]
    Tiling {
        /// The workspace's name.
        workspace: String,
        /// The seq that should come next.
        expected: u64,
        /// The seq that comes next.
        found: u64,
    },
    /// A new store could not write its first frame.
    #[error("the first record cannot be written")]
    Genesis(#[source] Fatal),
    /// The first frame could not be appended.
    #[error("the first record cannot be appended")]
    GenesisLog(#[source] crate::log::AppendError),
}

/// A store that was opened: its parts, not yet running.
pub struct Opened {
    /// The writer of log and fold.
    pub committer: Committer,
    /// The background worker.
    pub packer: Packer,
    /// What request tasks prepare batches with.
    pub preparer: Preparer,
    /// View and directory.
    pub published: Arc<Published>,
    /// The guarded clock.
    pub clock: Arc<GuardedClock>,
    /// What recovery found.
    pub report: OpenReport,
    /// The key that seals secrets.
    pub key: StoreKey,
    /// Keeps other processes out.
    pub lock: Lock,
}

/// What opening found.
#[derive(Clone, Debug, Default)]
pub struct OpenReport {
    /// Whether the store was made just now.
    pub is_new: bool,
    /// The position of the snapshot it began from; 0 without one.
    pub snapshot: u64,
    /// Snapshots that could not be used, and why.
    pub snapshots_refused: Vec<String>,
    /// What the log held behind it.
    pub log: RecoveryReport,
    /// Segments that neither the state nor a kept snapshot names; they go when no replay needs them.
    pub unnamed_segments: Vec<u64>,
    /// Live segments whose index is damaged: their events are kept and cannot be answered.
    pub damaged_segments: Vec<Damaged>,
}

/// Opens a data directory, making it when it is empty.
///
/// # Errors
/// See [`OpenError`]. Nothing acknowledged was changed.
pub fn open(machine: &Machine, options: Options) -> Result<Opened, OpenError> {
    let disk = machine.disk.clone();
    let lock = disk.lock(names::LOCK).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => OpenError::InUse,
        _ => OpenError::Io { what: "lock the data directory", source },
    })?;
    make_directories(&*disk)
        .map_err(|source| OpenError::Io { what: "make directories", source })?;
    let (store_uid, is_new) = store_id(machine)?;
    let mut report = OpenReport { is_new, ..OpenReport::default() };
    let (snapshots, state) = read_snapshots(&*disk, &mut report)?;

    let cache = Arc::new(BlockCache::new(options.cache_bytes));
    let open_segments = OpenSegments::default();
    let mut replay = Replay::begin(disk.clone(), cache.clone(), open_segments.clone(), state)?;
    let floor = snapshots.last().map_or_else(Floor::default, |snapshot| Floor {
        position: snapshot.position,
        hash: snapshot.frame_hash,
    });
    report.snapshot = floor.position.0;
    let (log, log_report) =
        LocalLog::recover(disk.clone(), options.log, store_uid, floor, &mut |frame| {
            replay.fold_frame(&frame)
        })?;
    report.log = log_report;
    let (mut fold, segments, recent, position) = replay.end();
    let mut log = log;
    if fold.state.format.is_none() {
        begin_store(machine, store_uid, &mut log, &mut fold)?;
    }
    check_tiling(&fold, &segments, &recent)?;
    report.damaged_segments.extend(segments.iter().filter_map(|segment| segment.damage().cloned()));
    report.unnamed_segments = unnamed_segments(&*disk, &fold, &snapshots)
        .map_err(|source| OpenError::Io { what: "list segments", source })?;
    keep_reserve(&*disk, options.reserve_bytes);

    let clock = GuardedClock::start(
        machine.clock.clone(),
        ClockMemory {
            last_stamp: (fold.state.stamp > 0 && !plant::is_on(Plant::RecordedAtGoesBack))
                .then_some(fold.state.stamp),
            purge_from: fold.state.config.purge_from,
        },
    );
    let clock = Arc::new(clock);
    let generation = Generation::new(fold.state.packed_through);
    generation.extend(recent);
    let published = Arc::new(Published::new(View {
        position: position.max(fold.state.position),
        segments: Arc::new(segments),
        generations: vec![Arc::new(generation)],
        config: fold.state.config.clone(),
        delivered: fold.state.delivered.clone(),
        pack_epoch: 0,
    }));
    let format = fold.state.format.ok_or(OpenError::StoreId)?;
    let retired = retired_segments(&fold, &snapshots);
    let mut packer = Packer::new(
        disk.clone(),
        machine.random.clone(),
        published.clone(),
        open_segments.clone(),
        cache.clone(),
        snapshots,
        options.compact_fan_in,
    );
    packer.retire(&report.unnamed_segments);
    packer.retire(&retired);
    let opener = Box::new(move |entry: &SegmentEntry| {
        open_segments.open(&*disk, entry.files, &cache).map_err(|error| error.to_string())
    });
    let committer = Committer::new(
        log,
        fold,
        clock.clone(),
        published.clone(),
        opener,
        options.recent_pack_bytes,
    );
    let preparer = Preparer::new(format, machine.random.clone());
    let key = match options.store_key {
        Some(key) => key,
        None => StoreKey::load_or_make(&*machine.disk, &*machine.random)
            .map_err(|source| OpenError::Io { what: "read or write store.key", source })?,
    };
    Ok(Opened { committer, packer, preparer, published, clock, report, key, lock })
}

fn make_directories(disk: &dyn Disk) -> io::Result<()> {
    for dir in [names::LOG_DIR, names::SNAPSHOT_DIR, names::SEGMENT_DIR, names::ASIDE_DIR] {
        disk.create_dir(dir)?;
    }
    disk.sync_dir(ROOT)?;
    // What an earlier process renamed may be visible and not durable yet.
    disk.sync_dir(names::SNAPSHOT_DIR)?;
    disk.sync_dir(names::SEGMENT_DIR)
}

/// Reads the store's id: its hex digits, a space, and the hex of their CRC-32C.
pub(crate) fn store_id_of(disk: &dyn Disk) -> Result<Option<[u8; 16]>, OpenError> {
    let text = match read_file(disk, names::STORE_ID, 64) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OpenError::Io { what: "read store.id", source }),
    };
    let text = String::from_utf8(text).map_err(|_| OpenError::StoreId)?;
    let number = text.get(..32).and_then(|hex| u128::from_str_radix(hex, 16).ok());
    let uid = number.ok_or(OpenError::StoreId)?.to_be_bytes();
    if text == store_id_text(uid) { Ok(Some(uid)) } else { Err(OpenError::StoreId) }
}

fn store_id_text(uid: [u8; 16]) -> String {
    let hex = format!("{:032x}", u128::from_be_bytes(uid));
    format!("{hex} {:08x}\n", crc32c::crc32c(hex.as_bytes()))
}

/// Reads the store's id, or makes one for an empty directory.
fn store_id(machine: &Machine) -> Result<([u8; 16], bool), OpenError> {
    let disk = &*machine.disk;
    let io_error = |source| OpenError::Io { what: "write store.id", source };
    match store_id_of(disk)? {
        Some(uid) => Ok((uid, false)),
        None => {
            let has_data = [names::LOG_DIR, names::SNAPSHOT_DIR, names::SEGMENT_DIR]
                .iter()
                .any(|dir| disk.list(dir).is_ok_and(|names| !names.is_empty()));
            if has_data {
                return Err(OpenError::StoreId);
            }
            let mut uid = [0; 16];
            machine.random.fill(&mut uid);
            let text = store_id_text(uid);
            let temporary = format!("{}.tmp", names::STORE_ID);
            durable_write(disk, ROOT, &temporary, names::STORE_ID, text.as_bytes())
                .map_err(io_error)?;
            Ok((uid, true))
        }
    }
}

/// Reads the two newest snapshots that verify, oldest first, and returns the newer one's state.
fn read_snapshots(
    disk: &dyn Disk,
    report: &mut OpenReport,
) -> Result<(Vec<Snapshot>, State), OpenError> {
    let positions = manifest::positions(disk)
        .map_err(|source| OpenError::Io { what: "list snapshots", source })?;
    let mut snapshots = Vec::new();
    let mut adopted = None;
    for position in positions {
        match manifest::read(disk, position) {
            Ok((snapshot, state)) => {
                snapshots.push(snapshot);
                if adopted.is_none() || plant::is_on(Plant::StaleSnapshot) {
                    adopted = Some(state);
                }
            }
            Err(error) => report.snapshots_refused.push(error.to_string()),
        }
        if snapshots.len() == 2 {
            break;
        }
    }
    snapshots.reverse();
    Ok((snapshots, adopted.unwrap_or_default()))
}

/// The fold of the log behind a snapshot, with what a View will need.
pub(crate) struct Replay {
    disk: Arc<dyn Disk>,
    cache: Arc<BlockCache>,
    open_segments: OpenSegments,
    fold: Fold,
    /// Live segments; used for looking ids up as the live path did.
    view: View,
    recent: Vec<Arrival>,
    /// Ids of segments in whose index they can no longer be looked up.
    salvaged_ids: HashMap<u64, SalvagedIds>,
}

impl Replay {
    pub(crate) fn begin(
        disk: Arc<dyn Disk>,
        cache: Arc<BlockCache>,
        open_segments: OpenSegments,
        state: State,
    ) -> Result<Self, OpenError> {
        let mut segments = Vec::with_capacity(state.segments.len());
        for entry in &state.segments {
            segments.push(open_live(&open_segments, &*disk, entry, &cache, state.format.as_ref())?);
        }
        let view = View {
            position: state.position,
            segments: Arc::new(segments),
            generations: Vec::new(),
            config: state.config.clone(),
            delivered: state.delivered.clone(),
            pack_epoch: 0,
        };
        let fold = Fold::new(state);
        let (recent, salvaged_ids) = (Vec::new(), HashMap::new());
        Ok(Self { disk, cache, open_segments, fold, view, recent, salvaged_ids })
    }

    pub(crate) fn fold_frame(&mut self, frame: &Frame) -> Result<(), String> {
        self.fold.check_digest(frame.digest).map_err(|error| error.to_string())?;
        let body = Bytes::copy_from_slice(&frame.body);
        let hits = self.look_up(&body)?;
        let folded = self
            .fold
            .apply(frame.position, frame.stamp, &body, &hits, &[])
            .map_err(|error| error.to_string())?;
        self.recent.extend(folded.recent.into_iter().map(|(_, event)| event));
        for decision in &folded.decisions {
            self.apply_decision(decision)?;
        }
        Ok(())
    }

    fn look_up(&mut self, body: &Bytes) -> Result<Vec<Option<IdHit>>, String> {
        let mut hits = Vec::new();
        let mut records = Decoder::new(body);
        while !records.is_empty() {
            let record = Record::decode(&mut records).map_err(|error| error.to_string())?;
            let Some(events) = record.events() else { continue };
            for bytes in events.iter() {
                let parts =
                    bytes.and_then(EventParts::decode).map_err(|error| error.to_string())?;
                let workspace = events.workspaces.get(parts.workspace_index as usize);
                let wanted = WantedId {
                    workspace: workspace.copied().unwrap_or(WorkspaceUid([0; 16])),
                    id_hash: parts.id_hash,
                    fingerprint: parts.fingerprint,
                    id_crc: fold::id_crc(&parts),
                    generated: parts.flags & record::flag::ID_GENERATED != 0,
                };
                hits.push(self.find(&wanted).map_err(|error| error.to_string())?);
            }
        }
        Ok(hits)
    }

    /// Finds an id as the live path did. Where the index of ids is damaged since, the stored ids say
    /// whether the event was known; which of duplicate and conflict its sender was told changes nothing
    /// in the state.
    fn find(&mut self, wanted: &WantedId) -> Result<Option<IdHit>, SegmentError> {
        if wanted.generated {
            return Ok(None);
        }
        for segment in self.view.segments.iter().rev() {
            let hit = match lookup::find_in_segment(segment, wanted) {
                Ok(hit) => hit,
                Err(error) => {
                    let ids = match self.salvaged_ids.entry(segment.files().name) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(new) => {
                            let format = self.fold.state.format.as_ref();
                            let Some(hasher) = format.map(IdHasher::new) else { return Err(error) };
                            let hash_id = |id: &str| hasher.hash(id);
                            let ids = SalvagedIds::read(&*self.disk, segment.files(), &hash_id);
                            let Ok(ids) = ids else { return Err(error) };
                            new.insert(ids)
                        }
                    };
                    ids.seq_of(wanted.workspace, wanted.id_hash).map(|seq| IdHit {
                        seq,
                        fingerprint: wanted.fingerprint,
                        id_crc: wanted.id_crc,
                    })
                }
            };
            if hit.is_some() {
                return Ok(hit);
            }
        }
        Ok(None)
    }

    fn apply_decision(&mut self, decision: &Decision) -> Result<(), String> {
        let format = self.fold.state.format.as_ref();
        let open = |entry: &SegmentEntry| {
            open_live(&self.open_segments, &*self.disk, entry, &self.cache, format)
                .map_err(|error| error.to_string())
        };
        match decision {
            Decision::Packed { through, segment } => {
                let opened = open(segment)?;
                Arc::make_mut(&mut self.view.segments).push(opened);
                self.recent.retain(|arrival| arrival.event().position > *through);
            }
            Decision::Compacted { inputs, segment } => {
                let opened = open(segment)?;
                let segments = Arc::make_mut(&mut self.view.segments);
                let place = segments.iter().position(|live| inputs.contains(&live.files().name));
                segments.retain(|live| !inputs.contains(&live.files().name));
                segments.insert(place.unwrap_or(segments.len()), opened);
            }
            Decision::Dropped { .. } => {}
        }
        Ok(())
    }

    pub(crate) fn end(self) -> (Fold, Vec<Arc<Segment>>, Vec<Arrival>, Position) {
        let segments = self.view.segments.as_ref().clone();
        (self.fold, segments, self.recent, self.view.position)
    }
}

/// Opens a segment that is live already, without its index when that is damaged.
fn open_live(
    open_segments: &OpenSegments,
    disk: &dyn Disk,
    entry: &SegmentEntry,
    cache: &Arc<BlockCache>,
    format: Option<&Format>,
) -> Result<Arc<Segment>, SegmentError> {
    // Every state with segments has a format: it is the first record of the log.
    let Some(hasher) = format.map(IdHasher::new) else {
        return open_segments.open(disk, entry.files, cache);
    };
    open_segments.open_or_salvage(disk, entry.files, cache, &|id| hasher.hash(id))
}

/// Writes the first frame of a new store: its format and the workspace of its own events.
fn begin_store(
    machine: &Machine,
    store_uid: [u8; 16],
    log: &mut LocalLog,
    fold: &mut Fold,
) -> Result<(), OpenError> {
    let random = |bytes: &mut [u8]| machine.random.fill(bytes);
    let (mut id_key, mut mask_key, mut uid) = ([0; 16], [0; 16], [0; 16]);
    random(&mut id_key);
    random(&mut mask_key);
    random(&mut uid);
    let mut body = Vec::new();
    let format = Format { version: record::FORMAT, store_uid, id_key, mask_key };
    Record::Format(format).encode(&mut body);
    Record::Workspace { uid: WorkspaceUid(uid), name: SYSTEM_WORKSPACE }.encode(&mut body);
    let stamp = machine.clock.wall_micros();
    let draft = FrameDraft { stamp, body: &body, record_count: 2, digest: FoldDigest::default() };
    let position = log.append(&draft).map_err(OpenError::GenesisLog)?;
    fold.apply(position, stamp, &Bytes::from(body), &[], &[])
        .map_err(|error| OpenError::Genesis(Fatal::Fold(error)))?;
    Ok(())
}

/// Checks that segments and recent hold every seq of every workspace exactly once.
fn check_tiling(
    fold: &Fold,
    segments: &[Arc<Segment>],
    recent: &[Arrival],
) -> Result<(), OpenError> {
    let mut next: BTreeMap<WorkspaceUid, u64> = BTreeMap::new();
    let mut ranges: Vec<(WorkspaceUid, u64, u64)> = Vec::new();
    for segment in segments {
        ranges.extend(segment.covers().into_iter().map(|(uid, seqs)| (uid, seqs.start, seqs.end)));
    }
    ranges.extend(recent.iter().map(|event| (event.workspace, event.seq, event.seq + 1)));
    let is_damaged = segments.iter().any(|segment| segment.damage().is_some());
    let name_of = |uid: WorkspaceUid| {
        fold.workspace_by_uid(uid).map_or_else(
            || uid.to_string(),
            |index| fold.state.workspaces[index as usize].name.to_string(),
        )
    };
    for (uid, start, end) in ranges {
        let expected = next.entry(uid).or_insert(0);
        if start > *expected && is_damaged {
            // With a damaged index went the leaf hashes of its purged events, so which seqs it answers
            // for is not known. The damage is reported; `verify` says what is missing.
            *expected = start;
        }
        if start != *expected {
            return Err(OpenError::Tiling {
                workspace: name_of(uid),
                expected: *expected,
                found: start,
            });
        }
        *expected = end;
    }
    for workspace in &fold.state.workspaces {
        let found = next.get(&workspace.uid).copied().unwrap_or(0);
        if found != workspace.edge.size() && !(is_damaged && found < workspace.edge.size()) {
            return Err(OpenError::Tiling {
                workspace: workspace.name.to_string(),
                expected: workspace.edge.size(),
                found,
            });
        }
    }
    Ok(())
}

/// Lists the segments that neither the state nor a kept snapshot names, and removes temporaries of
/// segments and snapshots, which no record and no root ever named.
fn unnamed_segments(disk: &dyn Disk, fold: &Fold, snapshots: &[Snapshot]) -> io::Result<Vec<u64>> {
    let named = |id: u64| {
        let kept = snapshots.iter().map(|snapshot| &snapshot.segments);
        kept.chain([&fold.state.segments]).any(|segments| segments.iter().any(|s| s.id() == id))
    };
    for name in disk.list(names::SNAPSHOT_DIR)? {
        if name.ends_with(".tmp") {
            // What cannot be removed now goes with the next snapshot.
            let _ = disk.remove(&join(names::SNAPSHOT_DIR, &name));
        }
    }
    let mut unnamed = Vec::new();
    for name in disk.list(names::SEGMENT_DIR)? {
        match names::parse_segment(&name) {
            Some(id) if !named(id) => unnamed.push(id),
            None if name.ends_with(".tmp") => {
                // What cannot be removed now is tried again at the next start.
                let _ = disk.remove(&join(names::SEGMENT_DIR, &name));
            }
            _ => {}
        }
    }
    unnamed.dedup();
    Ok(unnamed)
}

/// Lists the segments that a kept snapshot names and the state does not: they were retired by a record
/// behind it, and go when no kept snapshot names them any more.
fn retired_segments(fold: &Fold, snapshots: &[Snapshot]) -> Vec<u64> {
    let is_live = |id: u64| fold.state.segments.iter().any(|live| live.id() == id);
    let named = snapshots.iter().flat_map(|snapshot| &snapshot.segments);
    let mut retired: Vec<u64> = named.map(SegmentEntry::id).filter(|id| !is_live(*id)).collect();
    retired.sort_unstable();
    retired.dedup();
    retired
}

/// Keeps space for clean-up on a full disk; without space now it is tried again later.
pub(crate) fn keep_reserve(disk: &dyn Disk, bytes: u64) {
    let file = match disk.open_write(names::RESERVE) {
        Ok(file) => Ok(file),
        Err(_) => disk.create_new(names::RESERVE),
    };
    if bytes > 0
        && let Ok(file) = file
        && file.allocate(bytes).is_err()
    {
        let _ = disk.remove(names::RESERVE);
    }
}

#[cfg(test)]
mod tests;
