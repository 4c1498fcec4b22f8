//! Tile coordinates of C2SP tlog-tiles: which hashes stand together, and under which path.
//!
//! `tile/<L>/<N>[.p/<W>]` for hashes and `tile/entries/<N>[.p/<W>]` for entry bundles. L is the
//! level, decimal. N is the index in groups of three digits, all but the last with an `x` before
//! them (1234067 is `x001/x234/067`). W is the width, 1..=255, of a partial tile. A full tile has
//! 256 hashes; an entry of level l is the root of a full tile of level l − 1.
//!
//! What stays out: reading and storing tiles.

use alloc::string::ToString;
use core::fmt;
use core::str::FromStr;

use crate::hash::{Hash, node_hash};

/// Levels of the tree that one tile spans.
pub const TILE_HEIGHT: u32 = 8;
/// Entries of a full tile.
pub const TILE_WIDTH: u16 = 1 << TILE_HEIGHT;
/// The greatest level that has a path.
pub const LEVEL_MAX: u8 = 63;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of this level, 0..=63; level 0 holds leaf hashes.
    Hashes(u8),
    /// The leaves themselves, as an entry bundle.
    Entries,
}

/// The coordinates of one tile.
///
/// Invariant: the level is at most [`LEVEL_MAX`] and the width is 1..=256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    kind: TileKind,
    index: u64,
    width: u16,
}

/// A path that names no tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile")]
pub struct ParseTileError;

/// Where a node of the tree is found in the tiles: the root of a run of one tile's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodePlace {
    /// The tile level.
    pub level: u8,
    /// The tile's index in its level.
    pub tile_index: u64,
    /// The first of the entries below the node.
    pub first: u16,
    /// How many entries are below it, a power of two up to 128.
    pub count: u16,
}

impl Tile {
    /// Names a tile; `None` when the level is above 63 or the width is not 1..=256.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Option<Self> {
        let level_fits = kind.level() <= LEVEL_MAX;
        (level_fits && (1..=TILE_WIDTH).contains(&width)).then_some(Self { kind, index, width })
    }

    /// Names the tile as it is in a tree of `size` leaves; `None` when it is empty there.
    pub fn at_size(kind: TileKind, index: u64, size: u64) -> Option<Self> {
        let entries = entry_count(kind.level(), size);
        let width = entries.saturating_sub(index.checked_mul(u64::from(TILE_WIDTH))?);
        Self::new(kind, index, width.min(u64::from(TILE_WIDTH)) as u16)
    }

    /// Returns what the tile holds.
    pub fn kind(&self) -> TileKind {
        self.kind
    }

    /// Returns the tile's index in its level.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Returns how many entries the tile has, 1..=256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Says whether the tile has all its 256 entries.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// Says whether this tile, at this width, is part of a tree of `size` leaves.
    pub fn exists_at(&self, size: u64) -> bool {
        Self::at_size(self.kind, self.index, size).is_some_and(|there| self.width <= there.width)
    }

    /// Says whether a log with minimum index `first_kept` may do without this tile: it is full, and
    /// ends at or before that index (tlog-tiles, "Pruning").
    pub fn is_prunable(&self, first_kept: u64) -> bool {
        let shift = TILE_HEIGHT * (u32::from(self.kind.level()) + 1);
        let end = (u128::from(self.index) + 1).checked_shl(shift);
        // Above 2^64 no index reaches the tile's end; a shift past 128 bits says so too.
        self.is_full() && shift < 64 && end.is_some_and(|end| end <= u128::from(first_kept))
    }

    /// Names every tile of one kind in a tree of `size` leaves, the partial one last.
    pub fn all_at_size(kind: TileKind, size: u64) -> impl Iterator<Item = Self> {
        let count = entry_count(kind.level(), size).div_ceil(u64::from(TILE_WIDTH));
        (0..count).filter_map(move |index| Self::at_size(kind, index, size))
    }
}

impl TileKind {
    /// Returns the level, 0 for entry bundles, which run beside the tiles of level 0.
    fn level(self) -> u8 {
        match self {
            Self::Hashes(level) => level,
            Self::Entries => 0,
        }
    }
}

impl fmt::Display for Tile {
    /// Writes the path, without a slash in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        // The greatest group that is not zero comes first; 20 digits make at most 7 groups.
        let groups = self.index.checked_ilog10().map_or(1, |log| log / 3 + 1);
        for group in (1..groups).rev() {
            write!(f, "x{:03}/", self.index / 1000_u64.pow(group) % 1000)?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if !self.is_full() {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for Tile {
    type Err = ParseTileError;

    /// Reads a path, taking only the one form that [`Tile`] is displayed in.
    fn from_str(path: &str) -> Result<Self, ParseTileError> {
        let tile = parse(path).ok_or(ParseTileError)?;
        // Leading zeros, empty groups and a width of 256 all fall out here.
        if tile.to_string() == path { Ok(tile) } else { Err(ParseTileError) }
    }
}

fn parse(path: &str) -> Option<Tile> {
    let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let kind = match level {
        "entries" => TileKind::Entries,
        _ => TileKind::Hashes(level.parse().ok()?),
    };
    let (groups, width) = match rest.split_once(".p/") {
        Some((groups, width)) => (groups, width.parse().ok()?),
        None => (rest, TILE_WIDTH),
    };
    let index = groups.split('/').try_fold(0_u64, |index, group| {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let group = digits.parse::<u64>().ok().filter(|group| *group < 1000)?;
        index.checked_mul(1000)?.checked_add(group)
    })?;
    Tile::new(kind, index, width)
}

/// Returns how many entries a level has in a tree of `size` leaves: floor(size / 256^level).
pub fn entry_count(level: u8, size: u64) -> u64 {
    size.checked_shr(TILE_HEIGHT * u32::from(level)).unwrap_or(0)
}

/// Finds a node of the tree, the root of leaves index·2^height ..< (index + 1)·2^height, in the tiles.
pub fn place_of_node(height: u32, index: u64) -> NodePlace {
    let level = height / TILE_HEIGHT;
    let count = 1_u16 << (height % TILE_HEIGHT);
    let first_entry = index << (height % TILE_HEIGHT);
    NodePlace {
        level: level as u8,
        tile_index: first_entry / u64::from(TILE_WIDTH),
        first: (first_entry % u64::from(TILE_WIDTH)) as u16,
        count,
    }
}

impl NodePlace {
    /// Computes the node from its tile's entries; `None` when the tile is too narrow.
    pub fn node(&self, entries: &[Hash]) -> Option<Hash> {
        let first = usize::from(self.first);
        entries.get(first..first + usize::from(self.count)).map(full_subtree)
    }
}

/// Returns the root over a power of two of hashes.
pub(crate) fn full_subtree(hashes: &[Hash]) -> Hash {
    match hashes {
        [only] => *only,
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            node_hash(&full_subtree(left), &full_subtree(right))
        }
    }
}

#[cfg(test)]
mod tests;
