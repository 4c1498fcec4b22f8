//! Writing a bundle from leaves that come in their order.
//!
//! The caller streams: [`BundleWriter::leaf`] (or [`BundleWriter::purged`]) for each seq of
//! [`BundleWriter::leaves`], then older heads, then [`BundleWriter::finish`] with a source of the
//! tree's nodes. Files go to a sink as soon as they are whole, in an order that an archive can take;
//! one block of 256 events and a hash for each block are held.
//!
//! Nothing false leaves: the leaves must lead to the checkpoint's root, or the bundle is not finished.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use super::openings::EventOpenings;
use super::range_root::RangeRoot;
use super::{
    BLOCK, CHECKPOINT, KEY_HISTORY, Kind, MANIFEST, Manifest, ManifestError, RANGE_EDGES, SUMS,
    VERIFY_TEXT, consistency_path, head_path, leaves_of, openings_path, proof_path, sums,
};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::entries::append_entry;
use crate::hash::{Hash, leaf_hash};
use crate::note::Note;
use crate::proof::{ProofError, ProveError, range_proof};
use crate::tile::{TILE_HEIGHT, Tile, TileKind, entry_count};
use crate::tlog_proof::{TlogProof, write_hashes};

/// Writes one bundle.
#[derive(Debug)]
pub struct BundleWriter<S> {
    sink: S,
    sums: String,
    manifest: Manifest,
    checkpoint: Checkpoint,
    note: String,
    leaves: Range<u64>,
    range_root: RangeRoot,
    block: Vec<Slot>,
    /// Lines of a filtered bundle's current block.
    lines: Vec<u8>,
    lines_block: u64,
    last_proof: Option<u64>,
}

/// One leaf of the current block.
#[derive(Debug)]
enum Slot {
    Kept { leaf: Vec<u8>, openings: Option<EventOpenings> },
    Purged(Hash),
}

/// Why a bundle cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The claims contradict each other.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The checkpoint is none.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint is of another size or origin than the claims.
    #[error("the checkpoint is not the one that the bundle claims")]
    Head,
    /// A leaf or proof came out of its order, or is missing.
    #[error("expected the leaf {expected:?} next")]
    Order {
        /// The seq that comes next; none behind the last.
        expected: Option<u64>,
    },
    /// The leaves do not lead to the checkpoint's root.
    #[error("the leaves do not lead to the root that was signed")]
    Root(#[source] ProofError),
    /// A node of the tree cannot be read.
    #[error("cannot read the tree")]
    Tree(#[source] ProveError<E>),
    /// The sink does not take a file.
    #[error("cannot write {path}")]
    Sink {
        /// The file.
        path: String,
        /// The sink's answer.
        #[source]
        source: E,
    },
}

impl<S, E> BundleWriter<S>
where
    S: FnMut(&str, &[u8]) -> Result<(), E>,
{
    /// Begins a bundle of what the manifest claims, under this signed head.
    ///
    /// `event_count` and `purged` of the manifest are filled in here and need not be right; `withheld` is
    /// completed by what the lines keep back.
    ///
    /// # Errors
    /// Claims that contradict each other or the head, or a sink that fails.
    pub fn begin(mut manifest: Manifest, note: &str, sink: S) -> Result<Self, WriteError<E>> {
        manifest.event_count = 0;
        manifest.purged.clear();
        manifest.check()?;
        let parsed = Note::parse(note.as_bytes()).map_err(CheckpointError::from)?;
        let checkpoint = Checkpoint::parse(parsed.text())?;
        if checkpoint.origin != manifest.origin || checkpoint.size != manifest.size {
            return Err(WriteError::Head);
        }
        let leaves = match manifest.kind {
            Kind::Filtered => 0..0,
            _ => leaves_of(manifest.from, manifest.to, manifest.size),
        };
        let mut writer = Self {
            sink,
            sums: String::new(),
            range_root: RangeRoot::new(leaves.start),
            leaves,
            manifest,
            checkpoint,
            note: note.to_string(),
            block: Vec::new(),
            lines: Vec::new(),
            lines_block: 0,
            last_proof: None,
        };
        writer.emit(CHECKPOINT, note.as_bytes())?;
        Ok(writer)
    }

    /// Returns the seqs of the leaves that the bundle needs, in this order; those outside the claimed
    /// range come without openings. Empty for a filtered bundle.
    pub fn leaves(&self) -> Range<u64> {
        self.leaves.clone()
    }

    /// Takes the next leaf, with its openings when it is inside the claimed range.
    ///
    /// # Errors
    /// It is not the next one, openings are missing or too many, or the sink fails.
    pub fn leaf(
        &mut self,
        leaf: &[u8],
        openings: Option<EventOpenings>,
    ) -> Result<(), WriteError<E>> {
        let seq = self.next().ok_or(WriteError::Order { expected: None })?;
        let is_claimed = (self.manifest.from..self.manifest.to).contains(&seq);
        let fits = openings.as_ref().map(|openings| openings.seq) == is_claimed.then_some(seq);
        if !fits {
            return Err(WriteError::Order { expected: Some(seq) });
        }
        self.manifest.event_count += u64::from(is_claimed);
        self.declare(openings.as_ref());
        self.push(Slot::Kept { leaf: leaf.to_vec(), openings })
    }

    /// Takes the hash of the next leaf, whose event retention has purged.
    ///
    /// # Errors
    /// There is no next one, or the sink fails.
    pub fn purged(&mut self, hash: Hash) -> Result<(), WriteError<E>> {
        let seq = self.next().ok_or(WriteError::Order { expected: None })?;
        match self.manifest.purged.last_mut() {
            Some((_, to)) if *to == seq => *to += 1,
            _ => self.manifest.purged.push((seq, seq + 1)),
        }
        self.push(Slot::Purged(hash))
    }

    /// Adds one event with its path to the root, seqs ascending. A filtered bundle consists of these.
    /// Without openings it adds a leaf that is no event of the claim, such as the one that records an
    /// erasure; in a bundle that is not filtered, from outside its range.
    ///
    /// # Errors
    /// The seqs do not ascend, openings are missing or too many, or the sink fails.
    pub fn proof(
        &mut self,
        seq: u64,
        leaf: &[u8],
        path: Vec<Hash>,
        openings: Option<EventOpenings>,
    ) -> Result<(), WriteError<E>> {
        let is_filtered = self.manifest.kind == Kind::Filtered;
        let fits = openings.as_ref().is_none_or(|openings| is_filtered && openings.seq == seq);
        if !fits || self.last_proof.is_some_and(|last| last >= seq) {
            return Err(WriteError::Order { expected: None });
        }
        self.last_proof = Some(seq);
        let checkpoint = self.note.clone();
        let proof = TlogProof { extra: Some(leaf.to_vec()), index: seq, path, checkpoint };
        self.emit(&proof_path(seq), proof.to_text().as_bytes())?;
        if let Some(openings) = openings {
            if seq / BLOCK != self.lines_block {
                self.flush_lines()?;
                self.lines_block = seq / BLOCK;
            }
            openings.write_line(&mut self.lines);
            self.declare(Some(&openings));
            self.manifest.event_count += 1;
        }
        Ok(())
    }

    /// Adds an older published head.
    ///
    /// # Errors
    /// The sink fails.
    pub fn head(&mut self, size: u64, note: &str) -> Result<(), WriteError<E>> {
        self.emit(&head_path(size), note.as_bytes())
    }

    /// Adds the consistency lines from an older size to this head.
    ///
    /// # Errors
    /// The sink fails.
    pub fn consistency(&mut self, size: u64, lines: &str) -> Result<(), WriteError<E>> {
        self.emit(&consistency_path(size), lines.as_bytes())
    }

    /// Adds the server's history of keys, a JSON text.
    ///
    /// # Errors
    /// The sink fails.
    pub fn key_history(&mut self, json: &str) -> Result<(), WriteError<E>> {
        self.emit(KEY_HISTORY, json.as_bytes())
    }

    /// Ends the bundle. `node` answers (height, index) with a full node of the tree; it is asked for
    /// heights of 8 and more, and below only outside the leaves that were given.
    ///
    /// # Errors
    /// Leaves are missing or lead to another root, `node` or the sink fails.
    pub fn finish(
        mut self,
        mut node: impl FnMut(u32, u64) -> Result<Hash, E>,
    ) -> Result<S, WriteError<E>> {
        self.flush_lines()?;
        if self.manifest.kind != Kind::Filtered {
            if let Some(expected) = self.next() {
                return Err(WriteError::Order { expected: Some(expected) });
            }
            self.tree(&mut node)?;
        }
        let text = verify_text(&self.manifest);
        self.emit(VERIFY_TEXT, text.as_bytes())?;
        let claims = self.manifest.to_json();
        self.emit(MANIFEST, claims.as_bytes())?;
        let sums = core::mem::take(&mut self.sums);
        (self.sink)(SUMS, sums.as_bytes())
            .map_err(|source| WriteError::Sink { path: SUMS.to_string(), source })?;
        Ok(self.sink)
    }

    /// Says in the manifest that values of these groups are kept back.
    fn declare(&mut self, openings: Option<&EventOpenings>) {
        for group in openings.iter().flat_map(|openings| &openings.withheld) {
            if let Err(place) = self.manifest.withheld.binary_search(group) {
                self.manifest.withheld.insert(place, *group);
            }
        }
    }

    fn next(&self) -> Option<u64> {
        let is_filtered = self.manifest.kind == Kind::Filtered;
        (!is_filtered && !self.leaves.is_empty()).then_some(self.leaves.start)
    }

    fn push(&mut self, slot: Slot) -> Result<(), WriteError<E>> {
        self.block.push(slot);
        self.leaves.start += 1;
        if self.leaves.start.is_multiple_of(BLOCK) || self.leaves.is_empty() {
            self.flush_block()?;
        }
        Ok(())
    }

    /// Writes one block: its leaves, their hashes, its openings.
    fn flush_block(&mut self) -> Result<(), WriteError<E>> {
        let slots = core::mem::take(&mut self.block);
        let number = (self.leaves.start - 1) / BLOCK;
        let first = number * BLOCK;
        let has_holes = slots.iter().any(|slot| matches!(slot, Slot::Purged(_)));
        let (mut entries, mut hashes, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        for (seq, slot) in (first..).zip(slots) {
            match slot {
                Slot::Purged(hash) => hashes.push(hash),
                Slot::Kept { leaf, openings } => {
                    hashes.push(leaf_hash(&leaf));
                    append_entry(&leaf, &mut entries);
                    let leaf = has_holes.then(|| String::from_utf8_lossy(&leaf).into_owned());
                    match openings {
                        Some(openings) => {
                            EventOpenings { leaf, ..openings }.write_line(&mut lines);
                        }
                        None if has_holes => {
                            EventOpenings { seq, leaf, ..Default::default() }
                                .write_line(&mut lines);
                        }
                        None => {}
                    }
                }
            }
        }
        self.range_root.block(&hashes);
        let width = hashes.len() as u16;
        let path = |kind| Tile::new(kind, number, width).map(|tile| tile.to_string());
        if let Some(path) = path(TileKind::Entries).filter(|_| !has_holes) {
            self.emit(&path, &entries)?;
        }
        if let Some(path) = path(TileKind::Hashes(0)) {
            self.emit(&path, &tile_bytes(&hashes))?;
        }
        if !lines.is_empty() {
            self.emit(&openings_path(number), &lines)?;
        }
        Ok(())
    }

    fn flush_lines(&mut self) -> Result<(), WriteError<E>> {
        let lines = core::mem::take(&mut self.lines);
        if lines.is_empty() { Ok(()) } else { self.emit(&openings_path(self.lines_block), &lines) }
    }

    /// Writes the edges of a range and the tiles above the leaves.
    fn tree(
        &mut self,
        node: &mut impl FnMut(u32, u64) -> Result<Hash, E>,
    ) -> Result<(), WriteError<E>> {
        let size = self.manifest.size;
        let range = leaves_of(self.manifest.from, self.manifest.to, size);
        let mut edges = Vec::new();
        if self.manifest.kind == Kind::Range {
            edges =
                range_proof(range.start, range.end, size, &mut *node).map_err(WriteError::Tree)?;
            let mut text = String::new();
            write_hashes(&edges, &mut text);
            self.emit(RANGE_EDGES, text.as_bytes())?;
        }
        let root = self.range_root.root(size, &edges).map_err(WriteError::Root)?;
        if root != self.checkpoint.root {
            return Err(WriteError::Root(ProofError::Root));
        }
        // The last leaves belong to the root, so foreign readers of tiles want them.
        let last = size / BLOCK;
        let outside = (!range.contains(&(last * BLOCK))).then_some(last);
        let last = outside.and_then(|last| Tile::at_size(TileKind::Hashes(0), last, size));
        let mut level = 1;
        let above = core::iter::from_fn(|| {
            let tiles = (entry_count(level, size) > 0)
                .then(|| Tile::all_at_size(TileKind::Hashes(level), size));
            level += 1;
            tiles
        });
        let above: Vec<_> = above.collect();
        for tile in last.into_iter().chain(above.into_iter().flatten()) {
            let TileKind::Hashes(level) = tile.kind() else { continue };
            let height = TILE_HEIGHT * u32::from(level);
            let first = tile.index() * BLOCK;
            let mut hashes = Vec::with_capacity(usize::from(tile.width()));
            for index in first..first + u64::from(tile.width()) {
                let hash = node(height, index).map_err(|source| {
                    WriteError::Tree(ProveError::Node { height, index, source })
                })?;
                hashes.push(hash);
            }
            self.emit(&tile.to_string(), &tile_bytes(&hashes))?;
        }
        Ok(())
    }

    fn emit(&mut self, path: &str, bytes: &[u8]) -> Result<(), WriteError<E>> {
        sums::write_line(path, bytes, &mut self.sums);
        (self.sink)(path, bytes)
            .map_err(|source| WriteError::Sink { path: path.to_string(), source })
    }
}

/// Returns hashes as the bytes of a tile.
fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Returns the text of `VERIFY.md`.
fn verify_text(manifest: &Manifest) -> String {
    let Manifest { origin, size, from, to, .. } = manifest;
    let claim = match manifest.kind {
        Kind::Full => format!("every event of the log `{origin}` up to size {size}"),
        Kind::Range => format!(
            "every event from {from} to before {to} of the log `{origin}`, under its head of size {size}"
        ),
        Kind::Filtered => format!(
            "some events of the log `{origin}`, under its head of size {size}. It proves that each of them \
             is in the log. **It does not prove that there are no others**: what a filter left out, nobody can see here"
        ),
    };
    include_str!("VERIFY.md.in").replace("@CLAIM@", &claim).replace("@ORIGIN@", origin)
}
