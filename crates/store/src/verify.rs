//! Verifying a data directory that no process has open: every byte re-hashed, every tree rebuilt.
//!
//! It trusts nothing but the chain of hashes: log frames by their chain, snapshots by theirs, segments
//! by the hashes that records name; and above them the meaning: each event's leaf is derived again
//! from its stored values and each workspace's tree rebuilt from the leaves, and size and root are
//! compared with what the log folds to. It changes nothing on disk.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use proofbook_ledger::{Edge, Hash, WorkspaceUid};

use crate::disk::{Disk, join, read_exact_at, read_file};
use crate::fold::{Fold, State, Workspace};
use crate::log::{Frame, LocalLog};
use crate::manifest;
use crate::names;
use crate::open::{OpenError, Replay, store_id_of};
use crate::pack::{OpenSegments, segments_json};
use crate::recent::Arrival;
use crate::seal::Sealer;
use crate::segment::{BlockCache, GroupSet, Segment, SegmentError, damaged_files};
use crate::store_key::StoreKey;

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Events whose leaf was derived again.
    pub event_count: u64,
    /// Purged events whose leaf hash stands in for them.
    pub purged_count: u64,
    /// Workspaces whose tree was rebuilt.
    pub workspace_count: u64,
    /// Files that were read whole.
    pub file_count: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// What is damaged or does not fit, each line naming its file.
    pub damage: Vec<String>,
    /// What is worth knowing and no damage, such as the torn end of a log after a crash.
    pub notices: Vec<String>,
}

/// Verifies a data directory with `threads` threads.
///
/// # Errors
/// The directory cannot be read at all; damage is no error but in the report.
pub fn verify(disk: &Arc<dyn Disk>, threads: usize) -> Result<VerifyReport, OpenError> {
    let mut report = VerifyReport::default();
    let Some((fold, segments, recent)) = fold_log(disk, &mut report)? else { return Ok(report) };
    check_other_files(&**disk, &fold.state, &segments, &mut report);
    check_segment_files(&segments, &mut report);
    rebuild_trees(&fold.state, &segments, &recent, threads.max(1), &mut report);
    Ok(report)
}

/// What the log folds to.
type Folded = (Fold, Vec<Arc<Segment>>, Vec<Arrival>);

/// Reads all snapshots and the whole log; `None` when they are too damaged to fold.
fn fold_log(disk: &Arc<dyn Disk>, report: &mut VerifyReport) -> Result<Option<Folded>, OpenError> {
    let io_error = |source| OpenError::Io { what: "list snapshots", source };
    let store_uid = store_id_of(&**disk)?.ok_or(OpenError::StoreId)?;
    let (mut newest, mut state) = (None, State::default());
    for position in manifest::positions(&**disk).map_err(io_error)? {
        match manifest::read(&**disk, position) {
            Ok(read) if newest.is_none() => {
                newest = Some(read.0);
                state = read.1;
            }
            Ok(_) => {}
            Err(error) => report.damage.push(format!("{}/{error}", names::SNAPSHOT_DIR)),
        }
    }
    let cache = Arc::new(BlockCache::default());
    let mut replay = match Replay::begin(disk.clone(), cache, OpenSegments::default(), state) {
        Ok(replay) => replay,
        Err(OpenError::Segment(error)) => {
            // One file stops the fold; the others may be damaged too.
            report.damage.push(chain(&error));
            let entries = newest.iter().flat_map(|snapshot| &snapshot.segments);
            let damaged = entries.flat_map(|entry| damaged_files(&**disk, entry.files));
            report.damage.extend(damaged.map(|damaged| damaged.to_string()));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let floor = newest.as_ref().map_or(0, |snapshot| snapshot.position.0);
    let frame_hash = newest.as_ref().map(|snapshot| snapshot.frame_hash);
    let mut fold_frame = |frame: Frame| {
        if frame.position.0 > floor {
            return replay.fold_frame(&frame);
        }
        match frame_hash {
            Some(hash) if frame.position.0 == floor && frame.hash.0 != hash => {
                Err("it is not the frame that the snapshot continues".to_owned())
            }
            _ => Ok(()),
        }
    };
    match LocalLog::check(&**disk, store_uid, &mut fold_frame) {
        Ok(log) => {
            report.notices.extend(log.torn.iter().map(|torn| {
                format!(
                    "log/{}: {} bytes from {} on are no frame (an append that did not complete)",
                    torn.file, torn.byte_count, torn.offset
                )
            }));
            report.file_count += log.file_count;
        }
        Err(error) => {
            report.damage.push(chain(&error));
            return Ok(None);
        }
    }
    let (fold, segments, recent, _) = replay.end();
    Ok(Some((fold, segments, recent)))
}

/// Checks what neither the log nor a segment holds: derived and reserved files.
fn check_other_files(
    disk: &dyn Disk,
    state: &State,
    segments: &[Arc<Segment>],
    report: &mut VerifyReport,
) {
    const DERIVED_BYTES_MAX: u64 = 64 * 1024 * 1024;
    if let Err(error) = StoreKey::check(disk) {
        report.damage.push(format!(
            "{}: {error}; sealed secrets cannot be opened without it",
            names::STORE_KEY
        ));
    }
    match read_file(disk, names::SEGMENTS_JSON, DERIVED_BYTES_MAX) {
        Ok(text) if text == segments_json(segments).as_bytes() => {}
        Ok(_) => report.damage.push(format!(
            "{} does not list the live segments; it is written anew at the next pack",
            names::SEGMENTS_JSON
        )),
        Err(_) if segments.is_empty() => {}
        Err(error) => report.damage.push(format!("{}: {error}", names::SEGMENTS_JSON)),
    }
    if let Ok(file) = disk.open_read(names::RESERVE) {
        let mut chunk = vec![0_u8; 1024 * 1024];
        let length = file.len().unwrap_or(0);
        let mut at = 0;
        while at < length {
            let count = chunk.len().min((length - at) as usize);
            if read_exact_at(&*file, &mut chunk[..count], at).is_err()
                || chunk[..count].iter().any(|byte| *byte != 0)
            {
                report.damage.push(format!("{}: not all zeros at {at}", names::RESERVE));
                break;
            }
            at += count as u64;
        }
    }
    let named = |name: &str| {
        names::parse_segment(name)
            .is_some_and(|id| state.segments.iter().any(|segment| segment.id() == id))
    };
    for name in disk.list(names::SEGMENT_DIR).unwrap_or_default() {
        if !named(&name) {
            let path = join(names::SEGMENT_DIR, &name);
            report.notices.push(format!("{path} belongs to no live segment"));
        }
    }
}

/// Re-hashes every byte of every live segment.
fn check_segment_files(segments: &[Arc<Segment>], report: &mut VerifyReport) {
    for segment in segments {
        match segment.verify() {
            Ok(damaged) => report.damage.extend(damaged.iter().map(ToString::to_string)),
            Err(error) => report.damage.push(chain(&error)),
        }
        let files = segment.files();
        report.file_count += 2;
        report.bytes += files.parquet.len + files.idx.len;
    }
}

/// The leaves of one workspace's range in one segment, by seq.
struct Leaves {
    workspace: WorkspaceUid,
    first_seq: u64,
    /// Each either derived from a row or kept of a purged event.
    hashes: Vec<Option<Hash>>,
    /// How many were derived.
    derived: u64,
}

/// Derives every leaf and rebuilds every tree, in the order of the segments.
fn rebuild_trees(
    state: &State,
    segments: &[Arc<Segment>],
    recent: &[Arrival],
    threads: usize,
    report: &mut VerifyReport,
) {
    let workspaces: HashMap<WorkspaceUid, &Arc<Workspace>> =
        state.workspaces.iter().map(|workspace| (workspace.uid, workspace)).collect();
    let next = AtomicUsize::new(0);
    let derived: Mutex<HashMap<usize, Result<Vec<Leaves>, String>>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads.min(segments.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(segment) = segments.get(index) else { return };
                    let leaves = derive_leaves(segment, &workspaces);
                    let mut derived = derived.lock().unwrap_or_else(PoisonError::into_inner);
                    derived.insert(index, leaves);
                }
            });
        }
    });
    let mut derived = derived.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut edges: HashMap<WorkspaceUid, Edge> = HashMap::new();
    for index in 0..segments.len() {
        match derived.remove(&index) {
            Some(Ok(ranges)) => {
                for leaves in ranges {
                    report.event_count += leaves.derived;
                    report.purged_count += leaves.hashes.len() as u64 - leaves.derived;
                    let edge = edges.entry(leaves.workspace).or_default();
                    if edge.size() != leaves.first_seq {
                        let name = name_of(&workspaces, leaves.workspace);
                        report.damage.push(format!(
                            "workspace {name}: event {} is missing or twice in the segments",
                            edge.size()
                        ));
                    }
                    for (place, leaf) in leaves.hashes.iter().enumerate() {
                        if leaf.is_none() {
                            let name = name_of(&workspaces, leaves.workspace);
                            let seq = leaves.first_seq + place as u64;
                            report.damage.push(format!(
                                "workspace {name}: event {seq} is neither there nor purged"
                            ));
                        }
                        edge.append(leaf.unwrap_or_default());
                    }
                }
            }
            Some(Err(damage)) => report.damage.push(damage),
            None => {}
        }
    }
    let mut sealer = Sealer::default();
    for event in recent.iter().map(Arrival::event) {
        report.event_count += 1;
        let rebuilt = workspaces.get(&event.workspace).and_then(|workspace| {
            let parts = event.parts();
            let sealed = sealer.seal(workspace, &parts, &[])?;
            let mut scratch = Vec::new();
            let (seq, at) = (event.seq, event.recorded_at);
            Some(crate::seal::leaf_of(workspace.uid, seq, at, &parts, &sealed, &mut scratch))
        });
        if rebuilt != Some(event.leaf) {
            let name = name_of(&workspaces, event.workspace);
            report.damage.push(format!("workspace {name}: event {} has another leaf", event.seq));
        }
        edges.entry(event.workspace).or_default().append(event.leaf);
    }
    for workspace in &state.workspaces {
        report.workspace_count += 1;
        let rebuilt = edges.remove(&workspace.uid).unwrap_or_default();
        if rebuilt.size() != workspace.edge.size() || rebuilt.root() != workspace.edge.root() {
            report.damage.push(format!(
                "workspace {}: its events give a tree of size {} and root {}, the log says {} and {}",
                workspace.name,
                rebuilt.size(),
                rebuilt.root(),
                workspace.edge.size(),
                workspace.edge.root()
            ));
        }
    }
}

fn derive_leaves(
    segment: &Arc<Segment>,
    workspaces: &HashMap<WorkspaceUid, &Arc<Workspace>>,
) -> Result<Vec<Leaves>, String> {
    let mut ranges: Vec<Leaves> = segment
        .covers()
        .into_iter()
        .map(|(workspace, seqs)| Leaves {
            workspace,
            first_seq: seqs.start,
            hashes: vec![None; (seqs.end - seqs.start) as usize],
            derived: 0,
        })
        .collect();
    for range in &mut ranges {
        let Leaves { workspace, first_seq, hashes, .. } = range;
        let seqs = *first_seq..*first_seq + hashes.len() as u64;
        let put = |seq: u64, leaf| hashes[(seq - *first_seq) as usize] = Some(leaf);
        segment.for_each_purged(*workspace, seqs, put).map_err(|error| chain(&error))?;
    }
    let mut derived = vec![0_u64; ranges.len()];
    let mut sealer = Sealer::default();
    let mut at = 0;
    segment
        .for_each_row(GroupSet::ALL, |row| {
            while ranges.get(at).is_some_and(|range| range.workspace != row.workspace) {
                at += 1;
            }
            let leaf = workspaces
                .get(&row.workspace)
                .and_then(|workspace| sealer.leaf_of_row(workspace, row));
            let slot = ranges.get_mut(at).and_then(|range| {
                let place = row.seq.checked_sub(range.first_seq)?;
                range.hashes.get_mut(place as usize)
            });
            match (leaf, slot) {
                (Some(leaf), Some(slot)) if slot.is_none() => {
                    *slot = Some(leaf);
                    derived[at] += 1;
                    Ok(())
                }
                _ => Err(SegmentError::Refused {
                    reason: format!("event {} of workspace {} has no keys", row.seq, row.workspace),
                }),
            }
        })
        .map_err(|error| chain(&error))?;
    for (range, derived) in ranges.iter_mut().zip(derived) {
        range.derived = derived;
    }
    Ok(ranges)
}

fn name_of(workspaces: &HashMap<WorkspaceUid, &Arc<Workspace>>, uid: WorkspaceUid) -> String {
    workspaces.get(&uid).map_or_else(|| uid.to_string(), |workspace| workspace.name.to_string())
}

/// Writes an error with its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests;
