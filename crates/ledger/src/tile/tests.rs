//! Compared with the examples of C2SP tlog-tiles and with counting by hand.

use super::*;
use crate::tree::tests::{leaves, naive_root};

#[test]
fn paths_are_those_of_the_specification() {
    let rows = [
        (TileKind::Hashes(0), 0, 256, "tile/0/000"),
        (TileKind::Hashes(0), 999, 256, "tile/0/999"),
        (TileKind::Hashes(0), 1000, 256, "tile/0/x001/000"),
        (TileKind::Hashes(0), 1_234_067, 256, "tile/0/x001/x234/067"),
        (TileKind::Hashes(1), 1, 17, "tile/1/001.p/17"),
        (TileKind::Hashes(63), 5, 1, "tile/63/005.p/1"),
        (TileKind::Entries, 273, 112, "tile/entries/273.p/112"),
        (TileKind::Entries, u64::MAX, 256, "tile/entries/x018/x446/x744/x073/x709/x551/615"),
    ];
    for (kind, index, width, path) in rows {
        let tile = Tile::new(kind, index, width).unwrap();
        assert_eq!(tile.to_string(), path);
        assert_eq!(path.parse(), Ok(tile));
    }
}

#[test]
fn other_spellings_of_a_path_are_refused() {
    for path in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/00/000",
        "tile/+1/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/8/0/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/x000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/x01/000",
        "tile/0/xx01/000",
        "tile/0/+01",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1.p/1",
        "tile/data/000",
        "tile/entries",
        "tile/entries/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x001//000",
        "tile/0/000 ",
    ] {
        assert_eq!(path.parse::<Tile>(), Err(ParseTileError), "{path}");
    }
}

/// The tiles of the 70,000 leaves that tamper-evidence reference logs were checked with.
#[test]
fn size_70000_has_these_tiles() {
    let paths =
        |kind| Tile::all_at_size(kind, 70_000).map(|tile| tile.to_string()).collect::<Vec<_>>();
    let level_0 = paths(TileKind::Hashes(0));
    assert_eq!(level_0.len(), 274);
    assert_eq!(level_0[272..], ["tile/0/272", "tile/0/273.p/112"]);
    assert_eq!(paths(TileKind::Hashes(1)), ["tile/1/000", "tile/1/001.p/17"]);
    assert_eq!(paths(TileKind::Hashes(2)), ["tile/2/000.p/1"]);
    assert_eq!(paths(TileKind::Hashes(3)), [""; 0]);
    assert_eq!(paths(TileKind::Entries).len(), 274);
}

#[test]
fn an_empty_tile_does_not_exist() {
    for size in [0, 256, 512] {
        assert_eq!(Tile::at_size(TileKind::Hashes(0), size / 256, size), None);
    }
    assert_eq!(Tile::all_at_size(TileKind::Hashes(0), 0).count(), 0);
    assert_eq!(Tile::at_size(TileKind::Hashes(8), 0, u64::MAX), None);
    assert_eq!(Tile::at_size(TileKind::Hashes(0), u64::MAX, u64::MAX), None);
    assert_eq!(Tile::new(TileKind::Entries, 0, 257), None);
}

#[test]
fn a_tile_exists_at_every_size_that_reaches_its_width() {
    let tile = Tile::new(TileKind::Hashes(0), 1, 44).unwrap();
    assert!(!tile.exists_at(299));
    assert!(tile.exists_at(300));
    assert!(tile.exists_at(100_000));
}

#[test]
fn only_full_tiles_below_the_minimum_index_are_prunable() {
    let full = |level| Tile::new(TileKind::Hashes(level), 0, 256).unwrap();
    assert!(full(0).is_prunable(256));
    assert!(!full(0).is_prunable(255));
    assert!(full(1).is_prunable(65_536));
    assert!(!full(1).is_prunable(65_535));
    assert!(!Tile::new(TileKind::Entries, 0, 255).unwrap().is_prunable(1_000));
    assert!(Tile::new(TileKind::Entries, 3, 256).unwrap().is_prunable(1_024));
    for level in [7, 8, 15, 16, 40, 63] {
        assert!(!full(level).is_prunable(u64::MAX), "{level}");
    }
}

#[test]
fn a_node_is_found_in_the_tile_that_holds_it() {
    let leaves = leaves(2_000);
    let level_1: Vec<Hash> = leaves.chunks_exact(256).map(naive_root).collect();
    for height in 0..=10_u32 {
        for index in 0..(2_000 >> height) {
            let place = place_of_node(height, index);
            let entries = if place.level == 0 { &leaves } else { &level_1 };
            let tile = entries.chunks(256).nth(place.tile_index as usize).unwrap();
            let below = (index << height) as usize..((index + 1) << height) as usize;
            assert_eq!(place.node(tile), Some(naive_root(&leaves[below])), "{height} {index}");
        }
    }
    assert_eq!(place_of_node(0, 1_999).node(&leaves[..100]), None);
}
