//! The fold: the deterministic function from log to state (design decisions 1 and 2).
//!
//! [`Fold::apply`] takes one frame and nothing else: no disk, no clock, no randomness, no catalog.
//! Whatever needed judgement was judged before and travels in the record; whatever needs the disk
//! (is this id known in a segment?) is looked up before and handed in as data. Live path and replay
//! run the same code on the same bytes.
//!
//! Invariants: seq per workspace has no gap and recorded_at never decreases (I2); the same frames
//! give the same state, witnessed by a digest per frame (I4); while an event is retained its id is
//! that event (I5).

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use proofbook_ledger::prf::{Nonce, PuncturedRun};
use proofbook_ledger::{
    Commitments, Edge, Hash, NonceKey, RunSeed, Slot, UpperTiles, WorkspaceUid,
};
use sha2::{Digest, Sha256};

use crate::codec::{DecodeError, Decoder};
use crate::config::{Config, ConfigChange, OWNER, WorkspaceSettings};
use crate::delivered::Delivered;
use crate::log::{FoldDigest, Position};
use crate::plant::{self, Plant};
use crate::recent::{Arrival, FrameBody};
use crate::record::{self, EventParts, EventsRecord, Format, Record};
use crate::seal::{Sealer, leaf_of};
use crate::segment_entry::SegmentEntry;
use crate::workspace_index::WorkspaceIndex;

mod heads;
mod ids;
mod rewrite;

pub use heads::{Era, HEADS_MAX, PublishedHead, SeedId, Signing};
pub use ids::{IdHit, KnownIds, id_crc};

/// One run of leaf keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What its event keys come from.
    pub secret: RunSecret,
    /// Key of the run's nonces; erasure never destroys it.
    pub nonce_key: NonceKey,
}

/// What the event keys of a run come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunSecret {
    /// The root of its key tree.
    Whole(RunSeed),
    /// What is left of the tree since events were erased.
    Punctured(Arc<PuncturedRun>),
}

impl RunSecret {
    /// Destroys the keys of some events.
    fn puncture(&mut self, slots: &[Slot]) {
        let mut left = match self {
            Self::Whole(seed) => PuncturedRun::whole(seed),
            Self::Punctured(run) => PuncturedRun::clone(run),
        };
        for slot in slots {
            left.puncture(*slot);
        }
        *self = Self::Punctured(Arc::new(left));
    }
}

/// What the fold knows of one workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct Workspace {
    /// Its opaque id, the `ws` of its leaves.
    pub uid: WorkspaceUid,
    /// Its name.
    pub name: Arc<str>,
    /// The right edge of its tree; the edge's size is the next seq.
    pub edge: Edge,
    /// The tree's tiles above level 0, for proofs; shared until the next 256 leaves are whole.
    pub upper: Arc<UpperTiles>,
    /// The newest `recorded_at`, microseconds UTC.
    pub recorded_at: i64,
    /// Its runs by number; shared, since the published copy seldom differs.
    pub runs: Arc<[Run]>,
    /// Its settings.
    pub settings: Arc<WorkspaceSettings>,
    /// The newest frame that changed what is kept of its events: plan, retention, holds.
    pub rules_changed: Position,
    /// What was published of its tree; `None` before the first head.
    pub signing: Option<Arc<Signing>>,
}

/// A store may have a hundred thousand of them, with the counts of their `Arc` 128 bytes each.
const _: () = assert!(size_of::<Workspace>() <= 112);

/// The state that a prefix of the log stands for.
///
/// Cloning it is cheap enough to do at every pack: workspaces are shared until they change.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The fold's version and the store's keys; `None` before the first record.
    pub format: Option<Format>,
    /// The newest folded frame.
    pub position: Position,
    /// The newest stamp, microseconds UTC.
    pub stamp: i64,
    /// Workspaces by index, in the order of their making.
    pub workspaces: Vec<Arc<Workspace>>,
    /// Keys and catalogs.
    pub config: Arc<Config>,
    /// How far destinations were told.
    pub delivered: Arc<Delivered>,
    /// Live segments, oldest first.
    pub segments: Vec<SegmentEntry>,
    /// Every event up to here is in a live segment.
    pub packed_through: Position,
    /// Digest of the newest folded frame.
    pub digest: FoldDigest,
}

/// The state with the tables that make applying fast; they follow from it.
#[derive(Default)]
pub struct Fold {
    /// The state.
    pub state: State,
    /// Ids of events that are not in a segment yet, or were packed last.
    pub ids: KnownIds,
    index: WorkspaceIndex,
    sealer: Sealer,
}

/// What sealing computed of an event before its place in the tree was known.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The leaf's nonce.
    pub nonce: Nonce,
    /// Commitments of the present groups.
    pub commitments: Commitments,
}

/// What became of one event of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is recorded.
    Created {
        /// Its number in its workspace.
        seq: u64,
        /// Its leaf's hash.
        leaf: Hash,
        /// When it was recorded, microseconds UTC.
        recorded_at: i64,
    },
    /// The same event was recorded before.
    Duplicate {
        /// The number it has.
        seq: u64,
    },
    /// Another event has its id.
    Conflict {
        /// That event's number.
        seq: u64,
    },
    /// Its workspace or its run lost a race between nodes; sending it again succeeds.
    Lost,
}

/// What applying a frame did, for publishing.
#[derive(Debug, Default)]
pub struct Folded {
    /// Per batch in the frame's order, per event in the batch's order.
    pub outcomes: Vec<Vec<Outcome>>,
    /// The new events with their workspaces' indexes.
    pub recent: Vec<(u32, Arrival)>,
    /// Workspaces whose state changed.
    pub touched: Vec<u32>,
    /// Whether the live segments changed, and by which decision.
    pub decisions: Vec<Decision>,
    /// Whether keys, catalogs or settings changed.
    pub config_changed: bool,
    /// Whether destinations moved.
    pub delivered_changed: bool,
    /// Whether what is kept changed: plans, retention, holds.
    pub rules_changed: bool,
    /// Whether ids went with the events they named, or values that must not come again went of them, so
    /// that earlier look-ups are wrong.
    pub look_ups_old: bool,
}

/// What became of a decision record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A pack holds: the segment is live.
    Packed {
        /// Its last position.
        through: Position,
        /// The segment.
        segment: SegmentEntry,
    },
    /// A compaction holds: the inputs are no longer live.
    Compacted {
        /// Ids of the inputs.
        inputs: Vec<u64>,
        /// The segment that replaces them.
        segment: SegmentEntry,
    },
    /// An input had changed; the segment's files are garbage.
    Dropped {
        /// The segment that was proposed.
        segment: u64,
    },
}

/// Why a frame cannot be folded. The log is intact; this binary must not go on.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// The records are of a form this binary does not know.
    #[error("the records cannot be read: {0}; a newer version wrote them")]
    Decode(#[from] DecodeError),
    /// A format that this binary does not keep.
    #[error("format {found} is newer than this binary, which knows up to {known}")]
    Format {
        /// The format of the record.
        found: u16,
        /// The newest one known here.
        known: u16,
    },
    /// The log does not begin with a format record.
    #[error("the log does not begin with a format record")]
    NoFormat,
    /// A later frame says that this one was folded to another result.
    #[error("frame {position} folds to another result here than when it was written")]
    Digest {
        /// The position that was folded differently.
        position: Position,
    },
}

impl Fold {
    /// Takes up a state, for instance from a snapshot.
    pub fn new(state: State) -> Self {
        let mut index = WorkspaceIndex::default();
        for count in 1..=state.workspaces.len() {
            index.add_last(&state.workspaces[..count]);
        }
        Self { state, index, ..Self::default() }
    }

    /// Returns the index of the workspace with this name.
    pub fn workspace_by_name(&self, name: &str) -> Option<u32> {
        self.index.by_name(&self.state.workspaces, name)
    }

    /// Returns the index of the workspace with this id.
    pub fn workspace_by_uid(&self, uid: WorkspaceUid) -> Option<u32> {
        self.index.by_uid(&self.state.workspaces, uid)
    }

    /// Checks what a frame says of an earlier fold, before it is applied.
    ///
    /// # Errors
    /// It names the newest frame folded here, with another digest.
    pub fn check_digest(&self, said: FoldDigest) -> Result<(), FoldError> {
        if said.position == self.state.digest.position && said != self.state.digest {
            return Err(FoldError::Digest { position: said.position });
        }
        Ok(())
    }

    /// Applies one frame.
    ///
    /// `hits` has one entry per event of the frame: what a segment knows of its id. `sealed` likewise,
    /// or is empty, and then the leaves are sealed here from the run keys.
    ///
    /// # Errors
    /// See [`FoldError`]; the state is then unusable.
    pub fn apply(
        &mut self,
        position: Position,
        stamp: i64,
        body: &Bytes,
        hits: &[Option<IdHit>],
        sealed: &[Sealed],
    ) -> Result<Folded, FoldError> {
        let mut folded = Folded::default();
        let mut cursor = EventCursor { hits, sealed, next: 0 };
        let mut records = Decoder::new(body);
        let frame = Arc::new(FrameBody { position, bytes: body.clone() });
        self.state.stamp = match plant::is_on(Plant::RecordedAtGoesBack) {
            true => stamp,
            false => self.state.stamp.max(stamp),
        };
        while !records.is_empty() {
            let record = Record::decode(&mut records)?;
            if self.state.format.is_none() && !matches!(record, Record::Format(_)) {
                return Err(FoldError::NoFormat);
            }
            match record {
                Record::Format(format) if format.version > record::FORMAT => {
                    return Err(FoldError::Format { found: format.version, known: record::FORMAT });
                }
                Record::Format(format) => self.state.format = Some(format),
                Record::Workspace { uid, name } => self.add_workspace(uid, name, &mut folded),
                Record::Run { workspace, run, seed, nonce_key } => {
                    self.add_run(workspace, run, seed, nonce_key);
                }
                Record::Events(events) => {
                    let outcomes = self.add_events(&frame, &events, &mut cursor, &mut folded)?;
                    folded.outcomes.push(outcomes);
                }
                Record::Config { change, event } => {
                    self.change_config(&change, position, &mut folded);
                    let outcomes = match &event {
                        Some(event) => self.add_events(&frame, event, &mut cursor, &mut folded)?,
                        None => Vec::new(),
                    };
                    folded.outcomes.push(outcomes);
                }
                Record::Head { workspace, size, root } => {
                    self.publish_head(workspace, size, root, &mut folded);
                }
                Record::Packed { after, through, segment } => {
                    let decision = self.pack(after, through, segment, position);
                    folded.decisions.push(decision);
                }
                Record::Compacted { inputs, segment } => {
                    let decision = self.compact(&inputs, segment);
                    folded.decisions.push(decision);
                }
                // Of a destination that is no more nothing is kept.
                Record::Delivered(progress) => {
                    let is_known = progress.destination == OWNER
                        || self.state.config.destinations.contains_key(&progress.destination);
                    if is_known {
                        Arc::make_mut(&mut self.state.delivered).apply(&progress);
                        folded.delivered_changed = true;
                    }
                }
                Record::Rewritten(rewritten) => {
                    let outcomes = self.rewrite(&frame, &rewritten, &mut cursor, &mut folded)?;
                    folded.outcomes.push(outcomes);
                }
            }
        }
        self.state.position = position;
        folded.touched.sort_unstable();
        folded.touched.dedup();
        self.state.digest = FoldDigest { position, hash: self.digest_of(&folded.touched) };
        Ok(folded)
    }

    fn add_workspace(&mut self, uid: WorkspaceUid, name: &str, folded: &mut Folded) {
        // The first record of a name wins; a repeated one changes nothing.
        if self.workspace_by_name(name).is_some() || self.workspace_by_uid(uid).is_some() {
            return;
        }
        let index = self.state.workspaces.len() as u32;
        self.state.workspaces.push(Arc::new(Workspace {
            uid,
            name: name.into(),
            edge: Edge::default(),
            upper: no_tiles(),
            recorded_at: 0,
            runs: Arc::new([]),
            settings: WorkspaceSettings::none(),
            rules_changed: Position::default(),
            signing: None,
        }));
        self.index.add_last(&self.state.workspaces);
        folded.touched.push(index);
    }

    fn add_run(&mut self, uid: WorkspaceUid, run: u32, seed: [u8; 32], nonce_key: [u8; 32]) {
        let Some(index) = self.workspace_by_uid(uid) else { return };
        let workspace = &mut self.state.workspaces[index as usize];
        // A repeated run changes nothing; one that skips a number belongs to a node that lost a race.
        if workspace.runs.len() == run as usize {
            let new = Run {
                secret: RunSecret::Whole(RunSeed::from_bytes(seed)),
                nonce_key: NonceKey::from_bytes(nonce_key),
            };
            let runs = workspace.runs.iter().cloned().chain([new]).collect();
            Arc::make_mut(workspace).runs = runs;
        }
    }

    fn add_events(
        &mut self,
        frame: &Arc<FrameBody>,
        events: &EventsRecord<'_>,
        cursor: &mut EventCursor<'_>,
        folded: &mut Folded,
    ) -> Result<Vec<Outcome>, FoldError> {
        let indexes: Vec<Option<u32>> =
            events.workspaces.iter().map(|uid| self.workspace_by_uid(*uid)).collect();
        let mut outcomes = Vec::with_capacity(events.event_count as usize);
        let mut leaf_bytes = Vec::with_capacity(1024);
        for bytes in events.iter() {
            let bytes = bytes?;
            let parts = EventParts::decode(bytes)?;
            let (hit, sealed) = cursor.advance();
            let index = indexes.get(parts.workspace_index as usize).copied().flatten();
            let Some(index) = index else {
                outcomes.push(Outcome::Lost);
                continue;
            };
            let known =
                self.ids.find(index, &parts).filter(|_| !plant::is_on(Plant::DuplicateTaken));
            if let Some(known) = known.or(hit) {
                match known.judge(&parts) {
                    ids::Judgement::Same => {
                        outcomes.push(Outcome::Duplicate { seq: known.seq });
                        continue;
                    }
                    ids::Judgement::Conflict => {
                        if plant::is_on(Plant::SeqSkipped) {
                            let workspace = &mut self.state.workspaces[index as usize];
                            Arc::make_mut(workspace).edge.append(Hash([0; 32]));
                        }
                        outcomes.push(Outcome::Conflict { seq: known.seq });
                        continue;
                    }
                    // Two ids with one hash: both are kept.
                    ids::Judgement::Collision => {}
                }
            }
            let workspace = &mut self.state.workspaces[index as usize];
            if workspace.runs.len() <= parts.run as usize {
                // A replay could not seal it, so the live path does not take it either.
                outcomes.push(Outcome::Lost);
                continue;
            }
            let sealed_here;
            let sealed = match sealed {
                Some(sealed) => sealed,
                None => match self.sealer.seal(workspace, &parts, &[]) {
                    Some(sealed) => {
                        sealed_here = sealed;
                        &sealed_here
                    }
                    None => {
                        outcomes.push(Outcome::Lost);
                        continue;
                    }
                },
            };
            let workspace = Arc::make_mut(workspace);
            let seq = workspace.edge.size();
            let recorded_at = match plant::is_on(Plant::RecordedAtGoesBack) {
                true => self.state.stamp,
                false => self.state.stamp.max(workspace.recorded_at),
            };
            let leaf = leaf_of(workspace.uid, seq, recorded_at, &parts, sealed, &mut leaf_bytes);
            let Workspace { edge, upper, .. } = &mut *workspace;
            edge.append_reporting(leaf, |level, _, hash| {
                if level == 1 {
                    Arc::make_mut(upper).push(hash);
                }
            });
            workspace.recorded_at = recorded_at;
            self.ids.insert(index, &parts, seq);
            folded.touched.push(index);
            folded.recent.push((
                index,
                Arrival::new(
                    frame,
                    workspace.uid,
                    seq,
                    recorded_at,
                    leaf,
                    parts.occurred_at,
                    bytes,
                ),
            ));
            outcomes.push(Outcome::Created { seq, leaf, recorded_at });
        }
        Ok(outcomes)
    }

    /// Publishes a head, if it is the tree as it is now: anything else was proposed by a node that
    /// was behind, and is nothing that may be signed.
    fn publish_head(&mut self, uid: WorkspaceUid, size: u64, root: Hash, folded: &mut Folded) {
        let Some(index) = self.workspace_by_uid(uid) else { return };
        let Some(seed) = self.state.config.signing_seed else { return };
        let stamp = self.state.stamp;
        let workspace = &mut self.state.workspaces[index as usize];
        if workspace.edge.size() != size || workspace.edge.root() != root {
            return;
        }
        let signing = &mut Arc::make_mut(workspace).signing;
        let signing = signing.get_or_insert_with(|| Arc::new(Signing::begin(seed)));
        Arc::make_mut(signing).publish(PublishedHead { size, root, at: stamp });
        folded.touched.push(index);
    }

    fn change_config(&mut self, change: &ConfigChange, position: Position, folded: &mut Folded) {
        self.note_rules(change, position, folded);
        self.state.config.apply(change);
        folded.config_changed = true;
        if let ConfigChange::NewEra { workspace, new_origin, seed, overlap_until } = change
            && let Some(index) = self.workspace_by_name(workspace)
        {
            let workspace = Arc::make_mut(&mut self.state.workspaces[index as usize]);
            let size = workspace.edge.size();
            let signing = workspace.signing.get_or_insert_with(|| Arc::new(Signing::begin(*seed)));
            Arc::make_mut(signing).begin_era(*new_origin, *seed, size, *overlap_until);
            folded.touched.push(index);
        }
        if let ConfigChange::RemoveDestination { id } = change {
            Arc::make_mut(&mut self.state.delivered).forget(id);
            folded.delivered_changed = true;
        }
        if let ConfigChange::PutWorkspace { name, settings } = change
            && let Some(index) = self.workspace_by_name(name)
        {
            let workspace = Arc::make_mut(&mut self.state.workspaces[index as usize]);
            workspace.settings = Arc::new(settings.clone());
            folded.touched.push(index);
        }
    }

    fn pack(
        &mut self,
        after: Position,
        through: Position,
        segment: SegmentEntry,
        now: Position,
    ) -> Decision {
        if after != self.state.packed_through || through <= after || through >= now {
            return Decision::Dropped { segment: segment.id() };
        }
        self.state.packed_through = through;
        self.state.segments.push(segment);
        self.ids.packed(through);
        Decision::Packed { through, segment }
    }

    fn compact(&mut self, inputs: &[(u64, [u8; 32])], segment: SegmentEntry) -> Decision {
        let is_input = |live: &SegmentEntry| {
            inputs.iter().any(|(id, hash)| live.id() == *id && live.files.parquet.sha256.0 == *hash)
        };
        let places: Vec<usize> = (0..self.state.segments.len())
            .filter(|place| is_input(&self.state.segments[*place]))
            .collect();
        let neighbours = places.windows(2).all(|pair| pair[1] == pair[0] + 1);
        if inputs.is_empty() || places.len() != inputs.len() || !neighbours {
            return Decision::Dropped { segment: segment.id() };
        }
        let (first, last) = (places[0], places[places.len() - 1]);
        self.state.segments.splice(first..=last, [segment]);
        Decision::Compacted { inputs: inputs.iter().map(|(id, _)| *id).collect(), segment }
    }

    fn digest_of(&self, touched: &[u32]) -> [u8; 32] {
        let mut digest = Sha256::new();
        for index in touched {
            let workspace = &self.state.workspaces[*index as usize];
            digest.update(workspace.uid.0);
            digest.update(workspace.edge.size().to_be_bytes());
            digest.update(workspace.edge.root().0);
        }
        digest.finalize().into()
    }
}

/// Returns the tiles of a small tree, one object for all of them.
pub(crate) fn no_tiles() -> Arc<UpperTiles> {
    static NONE: LazyLock<Arc<UpperTiles>> = LazyLock::new(Arc::default);
    NONE.clone()
}

/// Walks the prepared data of a frame's events in their order.
struct EventCursor<'a> {
    hits: &'a [Option<IdHit>],
    sealed: &'a [Sealed],
    next: usize,
}

impl<'a> EventCursor<'a> {
    fn advance(&mut self) -> (Option<IdHit>, Option<&'a Sealed>) {
        let index = self.next;
        self.next += 1;
        (self.hits.get(index).copied().flatten(), self.sealed.get(index))
    }
}

#[cfg(test)]
mod tests;
