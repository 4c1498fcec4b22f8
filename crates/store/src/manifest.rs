//! The snapshot of the fold: what stands in for the log up to a position (design decision 1).
//!
//! A snapshot is a small root, `snapshots/<position>.root`, and immutable runs that it names by hash,
//! `snapshots/<sha256>.run`, each holding [`RUN_WORKSPACES`] workspaces. A run that comes out as the
//! snapshot before has it is named again instead of written again. It holds no event values; it holds the runs'
//! seeds, so its runs are the small rewritable files that erasure rewrites.
//!
//! ```text
//! root: magic "PBroot01" ‖ hash of the root before ‖ generation ‖ position ‖ frame hash ‖ stamp ‖
//!       format ‖ digest ‖ packed through ‖ configuration (JSON) ‖ segments ‖ runs (sha256, bytes) ‖
//!       deliveries ‖ SHA-256 of all bytes before it
//! run:  magic "PBwsrun2" ‖ count ‖ workspaces ‖ more ‖ SHA-256 of all bytes before it
//! more: nothing when there is nothing to say; else count and for each: number of the workspace in the
//!       run, position of the newest change of its rules; then nothing, or the count of the runs of
//!       keys that events were erased of, and for each: number of the workspace, number of its run of
//!       keys, what is left of it (bytes, docs/spec/leaf.md); in its place above is a seed of zeros
//! ```
//!
//! Invariants: a root is written after its runs and is read back past the cache before anything
//! relies on it; roots form a chain by hash and generation, so that a stale one is noticed (I4, I9).

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use proofbook_ledger::prf::PuncturedRun;
use proofbook_ledger::tile::entry_count;
use proofbook_ledger::{Edge, Hash, NonceKey, RunSeed, UpperTiles, WorkspaceUid};
use sha2::{Digest, Sha256};

use crate::codec::{DecodeError, Decoder, Encode};
use crate::config::WorkspaceSettings;
use crate::delivered::Delivered;
use crate::disk::{Disk, durable_write, join, read_file};
use crate::fold::{Run, RunSecret, Signing, State, Workspace, no_tiles};
use crate::log::{FoldDigest, Position};
use crate::names;
use crate::plant::{self, Plant};
use crate::record::Format;
use crate::segment_entry::SegmentEntry;

/// Workspaces in one run file.
pub const RUN_WORKSPACES: usize = 1024;
/// Largest root or run that is read, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
const ROOT_MAGIC: [u8; 8] = *b"PBroot01";
const RUN_MAGIC: [u8; 8] = *b"PBwsrun2";
/// A run as it was before trees had tiles in it and heads were published.
const RUN_MAGIC_1: [u8; 8] = *b"PBwsrun1";

/// A run file as a root names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunRef {
    /// SHA-256 of the file, also its name.
    pub sha256: [u8; 32],
    /// Its length in bytes.
    pub bytes: u64,
}

/// A snapshot that is on disk and was verified; without the state it stands for, which is large.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The newest frame it stands for.
    pub position: Position,
    /// The newest stamp in it, microseconds UTC.
    pub stamp: i64,
    /// The segments it names.
    pub segments: Vec<SegmentEntry>,
    /// Hash of its root.
    pub root_hash: [u8; 32],
    /// 1, 2, 3 … along the chain of roots.
    pub generation: u64,
    /// Hash of the log's frame at its position.
    pub frame_hash: [u8; 32],
    /// Its runs.
    pub runs: Vec<RunRef>,
}

/// Why a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The disk refused a call.
    #[error("cannot read the snapshot file {file}")]
    Io {
        /// The file.
        file: String,
        /// The disk's answer.
        #[source]
        source: io::Error,
    },
    /// The bytes are not those that were written.
    #[error("the snapshot file {file} is damaged")]
    Damaged {
        /// The file.
        file: String,
    },
    /// The bytes are intact and of a form this binary does not know.
    #[error("the snapshot file {file} is of a form this version does not know")]
    Unknown {
        /// The file.
        file: String,
        /// What was not understood.
        #[source]
        source: DecodeError,
    },
}

/// Writes a snapshot and reads it back; `before` is the newest one until now.
///
/// On return its runs and its root are durable and verified. A crash in between leaves runs that no
/// root names, and no root.
///
/// # Errors
/// The disk refused, or what was read back is not what was written.
pub fn write(
    disk: &dyn Disk,
    state: &State,
    frame_hash: [u8; 32],
    before: Option<&Snapshot>,
) -> Result<Snapshot, SnapshotError> {
    let runs = write_runs(disk, &state.workspaces, before)?;
    write_root(disk, state, runs, frame_hash, before)
}

/// Writes the runs of a snapshot alone, and reads them back; until a root names them, nothing does.
///
/// # Errors
/// As [`write()`].
pub fn write_runs(
    disk: &dyn Disk,
    workspaces: &[Arc<Workspace>],
    before: Option<&Snapshot>,
) -> Result<Vec<RunRef>, SnapshotError> {
    let mut runs = Vec::new();
    for workspaces in workspaces.chunks(RUN_WORKSPACES) {
        let bytes = encode_run(workspaces);
        let run = RunRef { sha256: Sha256::digest(&bytes).into(), bytes: bytes.len() as u64 };
        if !before.is_some_and(|before| before.runs.contains(&run)) {
            write_verified(disk, &names::snapshot_run(&run.sha256), &bytes)?;
        }
        runs.push(run);
    }
    Ok(runs)
}

/// Writes a snapshot's root and reads it back; `runs` are those of the state's workspaces, which it does
/// not need to have any more.
///
/// # Errors
/// As [`write()`].
pub fn write_root(
    disk: &dyn Disk,
    state: &State,
    runs: Vec<RunRef>,
    frame_hash: [u8; 32],
    before: Option<&Snapshot>,
) -> Result<Snapshot, SnapshotError> {
    let generation = before.map_or(0, |before| before.generation) + 1;
    let previous = before.map_or([0; 32], |before| before.root_hash);
    let name = names::snapshot_root(state.position.0);
    let bytes = encode_root(state, frame_hash, previous, generation, &runs);
    write_verified(disk, &name, &bytes)?;
    Ok(Snapshot {
        position: state.position,
        stamp: state.stamp,
        segments: state.segments.clone(),
        root_hash: Sha256::digest(&bytes).into(),
        generation,
        frame_hash,
        runs,
    })
}

/// Reads a snapshot's root and all its runs, and returns the state that it stands for beside it.
///
/// # Errors
/// See [`SnapshotError`].
pub fn read(disk: &dyn Disk, position: u64) -> Result<(Snapshot, State), SnapshotError> {
    let file = names::snapshot_root(position);
    let bytes = read_verified(disk, &file)?;
    let unknown = |source| SnapshotError::Unknown { file: file.clone(), source };
    let (snapshot, mut state) = decode_root(&bytes).map_err(unknown)?;
    if snapshot.position.0 != position {
        // Whole and valid, but an older root under this name.
        return Err(SnapshotError::Damaged { file });
    }
    for run in &snapshot.runs {
        let file = names::snapshot_run(&run.sha256);
        let bytes = read_verified(disk, &file)?;
        let named = Sha256::digest(&bytes)[..] == run.sha256 && bytes.len() as u64 == run.bytes;
        if !named {
            return Err(SnapshotError::Damaged { file });
        }
        let unknown = |source| SnapshotError::Unknown { file: file.clone(), source };
        state.workspaces.extend(decode_run(&bytes).map_err(unknown)?);
    }
    Ok((snapshot, state))
}

/// Lists the positions of the roots that are there, newest first.
///
/// # Errors
/// The disk refused to list.
pub fn positions(disk: &dyn Disk) -> io::Result<Vec<u64>> {
    let names = disk.list(names::SNAPSHOT_DIR)?;
    let mut positions: Vec<u64> =
        names.iter().filter_map(|name| names::parse_snapshot_root(name)).collect();
    positions.sort_unstable_by(|a, b| b.cmp(a));
    Ok(positions)
}

/// Removes every root and run that neither `kept` nor a root that is yet to come (`coming`) needs, and
/// what a crash left half-written.
///
/// # Errors
/// The disk refused a call; nothing that is needed was touched.
pub fn remove_others(disk: &dyn Disk, kept: &[Snapshot], coming: &[RunRef]) -> io::Result<()> {
    let runs = kept.iter().flat_map(|snapshot| &snapshot.runs).chain(coming);
    let roots = kept.iter().map(|snapshot| names::snapshot_root(snapshot.position.0));
    let needed: HashSet<String> =
        runs.map(|run| names::snapshot_run(&run.sha256)).chain(roots).collect();
    let mut removed = false;
    for name in disk.list(names::SNAPSHOT_DIR)? {
        if !needed.contains(&name) {
            disk.remove(&join(names::SNAPSHOT_DIR, &name))?;
            removed = true;
        }
    }
    if removed { disk.sync_dir(names::SNAPSHOT_DIR) } else { Ok(()) }
}

fn write_verified(disk: &dyn Disk, name: &str, bytes: &[u8]) -> Result<(), SnapshotError> {
    let io_error = |source| SnapshotError::Io { file: name.to_owned(), source };
    durable_write(disk, names::SNAPSHOT_DIR, &format!("{name}.tmp"), name, bytes)
        .map_err(io_error)?;
    let path = join(names::SNAPSHOT_DIR, name);
    disk.open_read(&path).and_then(|file| file.drop_cache()).map_err(io_error)?;
    if read_file(disk, &path, FILE_BYTES_MAX).map_err(io_error)? == bytes {
        Ok(())
    } else {
        Err(SnapshotError::Damaged { file: name.to_owned() })
    }
}

/// Reads a file and checks the hash in its last 32 bytes.
fn read_verified(disk: &dyn Disk, name: &str) -> Result<Vec<u8>, SnapshotError> {
    // A file left by an earlier process may be in the cache only; what is relied on must be durable.
    let path = join(names::SNAPSHOT_DIR, name);
    let bytes = disk
        .open_write(&path)
        .and_then(|file| file.sync_data().and_then(|()| file.drop_cache()))
        .and_then(|()| read_file(disk, &path, FILE_BYTES_MAX))
        .map_err(|source| SnapshotError::Io { file: name.to_owned(), source })?;
    let intact = bytes
        .split_last_chunk::<32>()
        .is_some_and(|(body, hash)| Sha256::digest(body)[..] == *hash);
    if intact { Ok(bytes) } else { Err(SnapshotError::Damaged { file: name.to_owned() }) }
}

fn seal_file(mut bytes: Vec<u8>) -> Vec<u8> {
    let hash = Sha256::digest(&bytes);
    bytes.extend_from_slice(&hash);
    bytes
}

fn encode_root(
    state: &State,
    frame_hash: [u8; 32],
    previous: [u8; 32],
    generation: u64,
    runs: &[RunRef],
) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_raw(&ROOT_MAGIC);
    out.put_raw(&previous);
    out.put_varint(generation);
    out.put_varint(state.position.0);
    out.put_raw(&frame_hash);
    out.put_signed(state.stamp);
    match &state.format {
        None => out.put_u8(0),
        Some(format) => {
            out.put_u8(1);
            out.put_varint(u64::from(format.version));
            out.put_raw(&format.store_uid);
            out.put_raw(&format.id_key);
            out.put_raw(&format.mask_key);
        }
    }
    out.put_varint(state.digest.position.0);
    out.put_raw(&state.digest.hash);
    out.put_varint(state.packed_through.0);
    let mut config = state.config.clone();
    if plant::is_on(Plant::ErasureForgotten) {
        Arc::make_mut(&mut config).erasures.clear();
    }
    out.put_bytes(&serde_json::to_vec(&*config).unwrap_or_default());
    out.put_varint(state.segments.len() as u64);
    for segment in &state.segments {
        segment.encode(&mut out);
    }
    out.put_varint(runs.len() as u64);
    for run in runs {
        out.put_raw(&run.sha256);
        out.put_varint(run.bytes);
    }
    state.delivered.encode(&mut out);
    seal_file(out)
}

/// Reads a root; its state has no workspaces yet, they are in the runs.
fn decode_root(bytes: &[u8]) -> Result<(Snapshot, State), DecodeError> {
    let mut from = Decoder::new(&bytes[..bytes.len().saturating_sub(32)]);
    if from.array::<8>("a magic")? != ROOT_MAGIC {
        return Err(DecodeError::Unknown("a magic"));
    }
    let _previous: [u8; 32] = from.array("a root's hash")?;
    let generation = from.varint("a generation")?;
    let mut state = State { position: Position(from.varint("a position")?), ..State::default() };
    let frame_hash = from.array("a frame's hash")?;
    state.stamp = from.signed("a stamp")?;
    if from.u8("a format's mark")? == 1 {
        state.format = Some(Format {
            version: u16::try_from(from.varint("a format")?)
                .map_err(|_| DecodeError::Unknown("a format"))?,
            store_uid: from.array("a store's id")?,
            id_key: from.array("a key")?,
            mask_key: from.array("a key")?,
        });
    }
    state.digest = FoldDigest {
        position: Position(from.varint("a position")?),
        hash: from.array("a digest")?,
    };
    state.packed_through = Position(from.varint("a position")?);
    state.config = serde_json::from_slice(from.bytes("the configuration")?)
        .map(Arc::new)
        .map_err(|_| DecodeError::Unknown("the configuration"))?;
    for _ in 0..from.varint("the segments")? {
        state.segments.push(SegmentEntry::decode(&mut from)?);
    }
    let mut runs = Vec::new();
    for _ in 0..from.varint("the runs")? {
        runs.push(RunRef { sha256: from.array("a run")?, bytes: from.varint("a run")? });
    }
    // A root that was written before destinations were there ends here.
    if !from.is_empty() {
        state.delivered = Arc::new(Delivered::decode(&mut from)?);
    }
    from.end()?;
    let snapshot = Snapshot {
        position: state.position,
        stamp: state.stamp,
        segments: state.segments.clone(),
        root_hash: Sha256::digest(bytes).into(),
        generation,
        frame_hash,
        runs,
    };
    Ok((snapshot, state))
}

fn encode_run(workspaces: &[Arc<Workspace>]) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_raw(&RUN_MAGIC);
    out.put_varint(workspaces.len() as u64);
    let mut edge = Vec::new();
    for workspace in workspaces {
        out.put_raw(&workspace.uid.0);
        out.put_bytes(workspace.name.as_bytes());
        edge.clear();
        workspace.edge.encode(&mut edge);
        out.put_bytes(&edge);
        out.put_signed(workspace.recorded_at);
        let settings = &*workspace.settings;
        let text = match *settings == Default::default() {
            true => Vec::new(),
            false => serde_json::to_vec(settings).unwrap_or_default(),
        };
        out.put_bytes(&text);
        out.put_varint(workspace.runs.len() as u64);
        for run in workspace.runs.iter() {
            out.put_raw(match &run.secret {
                RunSecret::Whole(seed) => seed.as_bytes(),
                RunSecret::Punctured(_) => &[0; 32],
            });
            out.put_raw(run.nonce_key.as_bytes());
        }
        for entry in workspace.upper.entries() {
            out.put_raw(&entry.0);
        }
        match &workspace.signing {
            None => out.put_u8(0),
            Some(signing) => {
                out.put_u8(1);
                signing.encode(&mut out);
            }
        }
    }
    encode_more(workspaces, &mut out);
    seal_file(out)
}

/// Appends what only few workspaces have.
fn encode_more(workspaces: &[Arc<Workspace>], out: &mut Vec<u8>) {
    let ruled = || {
        let numbered = workspaces.iter().enumerate();
        numbered.filter(|(_, workspace)| workspace.rules_changed > Position::default())
    };
    let punctured = || {
        let numbered = workspaces.iter().enumerate();
        numbered.flat_map(|(number, workspace)| {
            workspace.runs.iter().enumerate().filter_map(move |(run, keys)| match &keys.secret {
                RunSecret::Punctured(left) => Some((number, run, left)),
                RunSecret::Whole(_) => None,
            })
        })
    };
    let (count, punctured_count) = (ruled().count(), punctured().count());
    if count == 0 && punctured_count == 0 {
        return;
    }
    out.put_varint(count as u64);
    for (number, workspace) in ruled() {
        out.put_varint(number as u64);
        out.put_varint(workspace.rules_changed.0);
    }
    if punctured_count == 0 {
        return;
    }
    out.put_varint(punctured_count as u64);
    for (number, run, left) in punctured() {
        out.put_varint(number as u64);
        out.put_varint(run as u64);
        let mut bytes = Vec::new();
        left.encode(&mut bytes);
        out.put_bytes(&bytes);
    }
}

fn decode_more(
    from: &mut Decoder<'_>,
    workspaces: &mut [Arc<Workspace>],
) -> Result<(), DecodeError> {
    for _ in 0..from.varint("the workspaces with rules")? {
        let number = from.varint_u32("a workspace's number")? as usize;
        let workspace =
            workspaces.get_mut(number).ok_or(DecodeError::Unknown("a workspace's number"))?;
        Arc::make_mut(workspace).rules_changed = Position(from.varint("a position")?);
    }
    if from.is_empty() {
        return Ok(());
    }
    for _ in 0..from.varint("the runs that events were erased of")? {
        let unknown = || DecodeError::Unknown("a run that events were erased of");
        let number = from.varint_u32("a workspace's number")? as usize;
        let run = from.varint_u32("a run")? as usize;
        let left = PuncturedRun::decode(from.bytes("what is left of a run")?);
        let left = left.map_err(|_| unknown())?;
        let workspace = Arc::make_mut(workspaces.get_mut(number).ok_or_else(unknown)?);
        let run = Arc::make_mut(&mut workspace.runs).get_mut(run).ok_or_else(unknown)?;
        run.secret = RunSecret::Punctured(Arc::new(left));
    }
    Ok(())
}

fn decode_run(bytes: &[u8]) -> Result<Vec<Arc<Workspace>>, DecodeError> {
    let mut from = Decoder::new(&bytes[..bytes.len().saturating_sub(32)]);
    let magic = from.array::<8>("a magic")?;
    if ![RUN_MAGIC, RUN_MAGIC_1].contains(&magic) {
        return Err(DecodeError::Unknown("a magic"));
    }
    let mut workspaces = Vec::new();
    for _ in 0..from.varint("the workspaces")? {
        let uid = WorkspaceUid(from.array("a workspace's id")?);
        let name: Arc<str> = from.text("a workspace's name")?.into();
        let edge =
            Edge::decode(from.bytes("an edge")?).map_err(|_| DecodeError::Unknown("an edge"))?;
        let recorded_at = from.signed("a time")?;
        let settings = match from.bytes("settings")? {
            [] => WorkspaceSettings::none(),
            text => serde_json::from_slice(text)
                .map(Arc::new)
                .map_err(|_| DecodeError::Unknown("settings"))?,
        };
        let mut runs = Vec::new();
        for _ in 0..from.varint("the runs")? {
            runs.push(Run {
                secret: RunSecret::Whole(RunSeed::from_bytes(from.array("a seed")?)),
                nonce_key: NonceKey::from_bytes(from.array("a nonce key")?),
            });
        }
        let runs = runs.into();
        let (mut upper, mut signing) = (no_tiles(), None);
        if magic == RUN_MAGIC {
            upper = decode_upper(&mut from, &edge)?;
            if from.u8("a signing's mark")? == 1 {
                signing = Some(Arc::new(Signing::decode(&mut from)?));
            }
        }
        workspaces.push(Arc::new(Workspace {
            uid,
            name,
            edge,
            upper,
            recorded_at,
            runs,
            settings,
            rules_changed: Position::default(),
            signing,
        }));
    }
    if !from.is_empty() {
        decode_more(&mut from, &mut workspaces)?;
    }
    from.end()?;
    Ok(workspaces)
}

/// Reads the tiles above level 0, as many as the edge's size has, and checks them against the edge.
fn decode_upper(from: &mut Decoder<'_>, edge: &Edge) -> Result<Arc<UpperTiles>, DecodeError> {
    let count = entry_count(1, edge.size());
    if count == 0 {
        return Ok(no_tiles());
    }
    let mut tiles = UpperTiles::default();
    for _ in 0..count {
        tiles.push(Hash(from.array("a tile's hash")?));
    }
    match tiles.fits(edge) {
        true => Ok(Arc::new(tiles)),
        false => Err(DecodeError::Unknown("tiles of this edge")),
    }
}

#[cfg(test)]
mod tests;
