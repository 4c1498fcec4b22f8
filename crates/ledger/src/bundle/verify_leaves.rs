//! The one pass over a bundle's leaves and openings, and what it found. It judges nothing: the checks
//! of `verify` are made from this.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use proofbook_event::{Group, Timestamp};

use super::openings::{EventOpenings, OpeningsError};
use super::range_root::RangeRoot;
use super::verify::{Purge, Roots, root_of, tile_hashes};
use super::verify_files::{Listed, Tally};
use super::{BLOCK, BundleFiles, Kind, Manifest, leaves_of, openings_path, proof_path};
use crate::checkpoint::{Checkpoint, parse_decimal};
use crate::entries::split_entries;
use crate::hash::{Hash, leaf_hash};
use crate::leaf::{ParsedLeaf, WorkspaceUid, parse_leaf};
use crate::proof::verify_inclusion;
use crate::tile::{Tile, TileKind};
use crate::tlog_proof::TlogProof;

/// Erased groups that are named one by one.
const ERASED_NAMED_MAX: usize = 1000;
/// The action of a leaf that records an erasure, and a purge.
const ERASED_ACTION: &str = "audit_log.erased";
const PURGED_ACTION: &str = "audit_log.purged";

/// What a pass found.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) range: RangeRoot,
    /// The roots at the sizes that were asked for, where the leaves from 0 on are there.
    pub(crate) roots: Roots,
    pub(crate) leaf_count: u64,
    pub(crate) tile_count: u64,
    pub(crate) event_count: u64,
    pub(crate) opening_count: u64,
    pub(crate) withheld_count: u64,
    pub(crate) erased_count: u64,
    pub(crate) erased: Vec<(u64, &'static str, u64)>,
    /// By the leaf that is said to record it: the greatest seq it is said to have erased values of.
    pub(crate) erasures_named: BTreeMap<u64, u64>,
    /// Leaves that record an erasure.
    pub(crate) erasures: BTreeSet<u64>,
    pub(crate) purges: Vec<Purge>,
    /// Leaves that are here alone, with a proof.
    pub(crate) alone: BTreeSet<u64>,
    /// The leaf just before and just behind the claimed range.
    pub(crate) time_before: Option<Timestamp>,
    pub(crate) time_after: Option<Timestamp>,
    /// When the last leaf of the tree was recorded, if it is here.
    pub(crate) last_time: Option<Timestamp>,
    pub(crate) malformed: Tally,
    pub(crate) missing: Tally,
    pub(crate) misnumbered: Tally,
    pub(crate) backwards: Tally,
    pub(crate) astray: Tally,
    pub(crate) false_tiles: Tally,
    pub(crate) missing_tiles: Tally,
    pub(crate) outside_window: Tally,
    pub(crate) wrong_openings: Tally,
    pub(crate) silent: Tally,
    pub(crate) undeclared: Tally,
    /// Blocks of which the leaves could not be read.
    unread: Vec<core::ops::Range<u64>>,
    /// The leaves in the tiles.
    begin: u64,
    end: u64,
    /// Of the first leaf, and whether the head's origin names it.
    workspace: Option<(WorkspaceUid, bool)>,
    newest: Option<Timestamp>,
}

impl Seen {
    fn new(begin: u64) -> Self {
        Self {
            range: RangeRoot::new(begin),
            roots: Roots::new(),
            leaf_count: 0,
            tile_count: 0,
            event_count: 0,
            opening_count: 0,
            withheld_count: 0,
            erased_count: 0,
            erased: Vec::new(),
            erasures_named: BTreeMap::new(),
            erasures: BTreeSet::new(),
            purges: Vec::new(),
            alone: BTreeSet::new(),
            time_before: None,
            time_after: None,
            last_time: None,
            malformed: Tally::default(),
            missing: Tally::default(),
            misnumbered: Tally::default(),
            backwards: Tally::default(),
            astray: Tally::default(),
            false_tiles: Tally::default(),
            missing_tiles: Tally::default(),
            outside_window: Tally::default(),
            wrong_openings: Tally::default(),
            silent: Tally::default(),
            undeclared: Tally::default(),
            unread: Vec::new(),
            begin,
            end: begin,
            workspace: None,
            newest: None,
        }
    }

    /// Joins what single proofs showed.
    pub(crate) fn with(mut self, more: Self) -> Self {
        self.erasures.extend(more.erasures);
        self.alone.extend(more.alone);
        self.last_time = self.last_time.or(more.last_time);
        for (mine, theirs) in [
            (&mut self.malformed, more.malformed),
            (&mut self.misnumbered, more.misnumbered),
            (&mut self.astray, more.astray),
        ] {
            mine.count += theirs.count;
            mine.first = mine.first.take().or(theirs.first);
        }
        self
    }

    /// Says whether the bundle has this leaf itself.
    pub(crate) fn has_leaf(&self, seq: u64) -> bool {
        let is_unread = self.unread.iter().any(|range| range.contains(&seq));
        ((self.begin..self.end).contains(&seq) && !is_unread) || self.alone.contains(&seq)
    }

    /// Looks at one leaf where it stands. `None` when its bytes are no leaf.
    fn leaf<'l>(&mut self, seq: u64, bytes: &'l [u8], head: &Checkpoint) -> Option<ParsedLeaf<'l>> {
        self.leaf_count += 1;
        let leaf = match parse_leaf(bytes) {
            Ok(leaf) => leaf,
            Err(error) => {
                self.malformed.add(|| format!("leaf {seq}: {error}"));
                return None;
            }
        };
        if leaf.seq != seq {
            self.misnumbered.add(|| format!("leaf {seq} says that it is number {}", leaf.seq));
        }
        let (workspace, is_of_log) = *self.workspace.get_or_insert_with(|| {
            let name = leaf.workspace.to_string();
            (leaf.workspace, head.origin.split('/').any(|part| part == name))
        });
        if workspace != leaf.workspace || !is_of_log {
            self.malformed.add(|| format!("leaf {seq} is of another workspace than the log"));
        }
        if self.newest.is_some_and(|newest| newest > leaf.recorded_at) {
            self.backwards.add(|| format!("leaf {seq} was recorded before the one in front of it"));
        }
        self.newest = Some(leaf.recorded_at);
        if seq + 1 == head.size {
            self.last_time = Some(leaf.recorded_at);
        }
        if leaf.action == Some(ERASED_ACTION) {
            self.erasures.insert(seq);
        }
        Some(leaf)
    }

    /// Looks at an event's openings beside its leaf.
    fn event(&mut self, leaf: &ParsedLeaf<'_>, line: &EventOpenings, manifest: &Manifest) {
        let seq = line.seq;
        self.event_count += 1;
        match line.check(leaf) {
            Ok(()) => {}
            Err(error @ OpeningsError::Silent { .. }) => {
                self.silent.add(|| format!("event {seq}: {error}"));
            }
            Err(error) => self.wrong_openings.add(|| format!("event {seq}: {error}")),
        }
        self.opening_count += line.openings.len() as u64;
        self.withheld_count += line.withheld.len() as u64;
        if let Some(group) = line.withheld.iter().find(|group| !manifest.withheld.contains(group)) {
            self.undeclared
                .add(|| format!("event {seq} keeps back {group}, which bundle.json does not say"));
        }
        for (group, by) in &line.erased {
            self.erased_count += 1;
            if self.erased.len() < ERASED_NAMED_MAX {
                self.erased.push((seq, group.pointer(), *by));
            }
            let greatest = self.erasures_named.entry(*by).or_default();
            *greatest = (*greatest).max(seq);
        }
        if leaf.action == Some(PURGED_ACTION) {
            self.purges.extend(purge_of(line));
        }
    }

    fn window(&mut self, seq: u64, recorded_at: Timestamp, manifest: &Manifest) {
        if seq + 1 == manifest.from {
            self.time_before = Some(recorded_at);
        }
        if seq == manifest.to {
            self.time_after = Some(recorded_at);
        }
        if let Some((from, to)) = manifest.window
            && (manifest.from..manifest.to).contains(&seq)
            && !(from..to).contains(&recorded_at)
        {
            self.outside_window.add(|| format!("event {seq} was recorded outside the window"));
        }
    }
}

/// Reads what a purge says of itself.
fn purge_of(line: &EventOpenings) -> Option<Purge> {
    let value: serde_json::Value = serde_json::from_str(line.value(Group::Metadata)?).ok()?;
    let number = |key: &str| value.get("metadata")?.get(key)?.as_u64();
    let (first, last, count) = (number("first_seq")?, number("last_seq")?, number("count")?);
    // A purge can only tell of what was there before it.
    let fits = first <= last && last < line.seq && count <= last - first + 1;
    fits.then_some(Purge { first, last, count, by: line.seq })
}

/// Passes over the leaves of a full or range bundle.
pub(crate) fn read_leaves<F: BundleFiles>(
    files: &mut Listed<'_, F>,
    manifest: &Manifest,
    head: &Checkpoint,
    wanted: &BTreeSet<u64>,
) -> Result<Seen, F::Error> {
    let leaves = leaves_of(manifest.from, manifest.to, manifest.size);
    let mut seen = Seen::new(leaves.start);
    let mut first = leaves.start;
    while first < leaves.end {
        let number = first / BLOCK;
        let end = (first + BLOCK).min(leaves.end);
        let lines = read_lines(files, &mut seen, number)?;
        let hashes = read_block(files, &mut seen, manifest, head, first..end, &lines)?;
        match hashes {
            Some(hashes) if seen.missing.count == 0 => {
                if leaves.start == 0 {
                    for size in wanted.range(first + 1..=end) {
                        let part = root_of(&hashes[..(size - first) as usize]);
                        if let Ok(root) = seen.range.root_with(part, *size) {
                            seen.roots.insert(*size, root);
                        }
                    }
                }
                seen.range.block(&hashes);
            }
            Some(_) => {}
            None => seen.unread.push(first..end),
        }
        first = end;
        seen.end = end;
    }
    if leaves.start == 0 && wanted.contains(&0) {
        seen.roots.insert(0, crate::hash::EMPTY_ROOT);
    }
    Ok(seen)
}

/// Reads one block's leaves, from the entry bundle, or where events were purged from the lines; returns
/// their hashes.
fn read_block<F: BundleFiles>(
    files: &mut Listed<'_, F>,
    seen: &mut Seen,
    manifest: &Manifest,
    head: &Checkpoint,
    range: core::ops::Range<u64>,
    lines: &BTreeMap<u64, EventOpenings>,
) -> Result<Option<Vec<Hash>>, F::Error> {
    let number = range.start / BLOCK;
    let width = (range.end - range.start) as u16;
    let path = |kind| Tile::new(kind, number, width).map(|tile| tile.to_string());
    let (Some(entries_path), Some(hashes_path)) =
        (path(TileKind::Entries), path(TileKind::Hashes(0)))
    else {
        return Ok(None);
    };
    let tile = files.take(&hashes_path)?;
    let tile = match tile.as_deref().map(|bytes| tile_hashes(bytes, width)) {
        None => {
            seen.missing_tiles.add(|| format!("{hashes_path} is missing"));
            None
        }
        Some(None) => {
            seen.false_tiles.add(|| format!("{hashes_path} has another length"));
            None
        }
        Some(Some(hashes)) => {
            seen.tile_count += 1;
            Some(hashes)
        }
    };
    let has_holes = range.clone().any(|seq| manifest.is_purged(seq));
    let entries = if has_holes { None } else { files.take(&entries_path)? };
    let split = match (&entries, has_holes) {
        (None, false) => {
            seen.missing.add(|| format!("{entries_path} is missing"));
            return Ok(None);
        }
        (None, true) => None,
        (Some(bytes), _) => match split_entries(bytes, width) {
            Ok(split) => Some(split),
            Err(error) => {
                seen.malformed.add(|| format!("{entries_path}: {error}"));
                return Ok(None);
            }
        },
    };
    let mut hashes = Vec::with_capacity(usize::from(width));
    for (place, seq) in range.enumerate() {
        let line = lines.get(&seq);
        let is_purged = manifest.is_purged(seq);
        let bytes = match &split {
            Some(split) => split.get(place).copied(),
            None => line.and_then(|line| line.leaf.as_deref()).map(str::as_bytes),
        };
        let tile_hash = tile.as_ref().map(|tile| tile[place]);
        let Some(bytes) = bytes else {
            // A purged event has nothing but its hash.
            let hash = tile_hash.filter(|_| is_purged || !in_claim(manifest, seq));
            let Some(hash) = hash else {
                seen.missing.add(|| format!("leaf {seq} is missing"));
                return Ok(None);
            };
            hashes.push(hash);
            continue;
        };
        let hash = leaf_hash(bytes);
        if is_purged {
            seen.malformed.add(|| format!("event {seq} is called purged, and is here"));
        }
        if tile_hash.is_some_and(|in_tile| in_tile != hash) {
            seen.false_tiles.add(|| format!("{hashes_path} has another hash for leaf {seq}"));
        }
        hashes.push(hash);
        let Some(leaf) = seen.leaf(seq, bytes, head) else { continue };
        seen.window(seq, leaf.recorded_at, manifest);
        match line {
            Some(line) if in_claim(manifest, seq) => {
                if line.leaf.is_some() != has_holes {
                    seen.wrong_openings.add(|| format!("event {seq}: its leaf belongs elsewhere"));
                }
                seen.event(&leaf, line, manifest);
            }
            Some(line) => {
                let is_bare = line.openings.is_empty()
                    && line.withheld.is_empty()
                    && line.erased.is_empty()
                    && has_holes;
                if !is_bare {
                    seen.wrong_openings.add(|| format!("event {seq} is outside the range"));
                }
            }
            None if in_claim(manifest, seq) => {
                seen.silent.add(|| format!("event {seq} has no line of openings"));
            }
            None => {}
        }
    }
    Ok(Some(hashes))
}

fn in_claim(manifest: &Manifest, seq: u64) -> bool {
    (manifest.from..manifest.to).contains(&seq)
}

/// Reads one block's lines of openings, by seq.
fn read_lines<F: BundleFiles>(
    files: &mut Listed<'_, F>,
    seen: &mut Seen,
    number: u64,
) -> Result<BTreeMap<u64, EventOpenings>, F::Error> {
    let path = openings_path(number);
    let mut lines = BTreeMap::new();
    let Some(text) = files.take(&path)? else { return Ok(lines) };
    let mut last = None;
    for line in EventOpenings::lines(&text) {
        match EventOpenings::parse(line) {
            Ok(line) if line.seq / BLOCK == number && Some(line.seq) > last => {
                last = Some(line.seq);
                lines.insert(line.seq, line);
            }
            Ok(line) => {
                seen.wrong_openings
                    .add(|| format!("{path}: event {} is out of its place", line.seq));
            }
            Err(error) => seen.wrong_openings.add(|| format!("{path}: {error}")),
        }
    }
    Ok(lines)
}

/// Reads the single proofs; in a filtered bundle they are the events, elsewhere they only add leaves.
pub(crate) fn read_proofs<F: BundleFiles>(
    files: &mut Listed<'_, F>,
    manifest: &Manifest,
    head: &Checkpoint,
    note: &[u8],
    is_filtered: bool,
) -> Result<Seen, F::Error> {
    let mut seen = Seen::new(0);
    let mut seqs: Vec<u64> = files
        .below("proofs/")
        .iter()
        .filter_map(|path| {
            parse_decimal(path.strip_prefix("proofs/")?.strip_suffix(".tlog-proof")?)
        })
        .collect();
    seqs.sort_unstable();
    let mut block = None;
    let mut lines = BTreeMap::new();
    for seq in seqs {
        let path = proof_path(seq);
        let Some(bytes) = files.take(&path)? else { continue };
        let proof = match TlogProof::parse(&bytes) {
            Ok(proof) => proof,
            Err(error) => {
                seen.astray.add(|| format!("{path}: {error}"));
                continue;
            }
        };
        let Some(leaf_bytes) = proof.extra.as_deref() else {
            seen.astray.add(|| format!("{path} has no leaf"));
            continue;
        };
        if proof.index != seq || proof.checkpoint.as_bytes() != note {
            seen.astray.add(|| format!("{path} is of another event or head"));
        }
        let hash = leaf_hash(leaf_bytes);
        if let Err(error) = verify_inclusion(&hash, seq, head.size, &proof.path, &head.root) {
            seen.astray.add(|| format!("{path}: {error}"));
        }
        seen.alone.insert(seq);
        let Some(leaf) = seen.leaf(seq, leaf_bytes, head) else { continue };
        if !is_filtered {
            continue;
        }
        if block != Some(seq / BLOCK) {
            leftovers(&mut seen, &lines);
            lines = read_lines(files, &mut seen, seq / BLOCK)?;
            block = Some(seq / BLOCK);
        }
        match lines.remove(&seq) {
            Some(line) if in_claim(manifest, seq) && line.leaf.is_none() => {
                seen.event(&leaf, &line, manifest);
            }
            Some(_) => seen.wrong_openings.add(|| format!("event {seq} is outside the claim")),
            // It is here for what it says of others.
            None if leaf.action == Some(ERASED_ACTION) => {}
            None => seen.silent.add(|| format!("event {seq} has no line of openings")),
        }
    }
    leftovers(&mut seen, &lines);
    debug_assert!(is_filtered == (manifest.kind == Kind::Filtered));
    Ok(seen)
}

/// Notes lines of which no leaf is there.
fn leftovers(seen: &mut Seen, lines: &BTreeMap<u64, EventOpenings>) {
    if let Some(seq) = lines.keys().next() {
        seen.missing.add(|| format!("event {seq} has openings and no proof"));
    }
}
