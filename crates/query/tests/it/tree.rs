//! B2: proofs and tiles of a running store, against the leaves that its receipts named.

use proofbook_ledger::proof::{nodes_of, root, verify_consistency, verify_inclusion, verify_range};
use proofbook_ledger::tile::TileKind;
use proofbook_ledger::{Hash, Tile};
use proofbook_query::Reader;
use proofbook_store::disk::SimDisk;
use proofbook_store::fold::Outcome;
use proofbook_store::seal::Sealer;
use proofbook_testkit::TestStore;

const WORKSPACE: &str = "acme";

/// Sends events in several requests, some packed, the newest recent, and returns their leaves.
fn filled(count: usize) -> (TestStore, Vec<Hash>) {
    let disk = SimDisk::new(7);
    let store = TestStore::in_memory(7, &disk);
    let mut leaves = Vec::new();
    let events: Vec<String> = (0..count)
        .map(|number| {
            // Rows of a segment are in the order of this time, which is not that of the numbers.
            let second = number * 37 % 60;
            format!(
                r#"{{"action":"note.create","occurred_at":"2026-11-01T00:00:{second:02}Z","metadata":{{"n":{number}}}}}"#
            )
        })
        .collect();
    for (number, batch) in events.chunks(300).enumerate() {
        for receipt in store.send(WORKSPACE, batch) {
            let receipt = receipt.expect("admitted");
            let Outcome::Created { leaf, .. } = receipt.outcome else { panic!("{receipt:?}") };
            leaves.push(leaf);
        }
        if number % 2 == 0 {
            store.pack();
        }
    }
    (store, leaves)
}

fn reader(store: &TestStore) -> Reader {
    Reader::open(&store.store, WORKSPACE).expect("the workspace is there")
}

#[test]
fn b2_proofs_hold_at_every_size_that_was() {
    let (store, leaves) = filled(1_300);
    let reader = reader(&store);
    let root_of = |size: u64| root(size, nodes_of(&leaves[..size as usize])).expect("a root");
    for size in [1, 2, 255, 256, 257, 300, 512, 700, 1_023, 1_299, 1_300] {
        assert_eq!(reader.root_at(size).expect("a root"), root_of(size));
        for seq in [0, size / 3, size - 1] {
            let path = reader.inclusion_proof(seq, size).expect("a path");
            let leaf = &leaves[seq as usize];
            verify_inclusion(leaf, seq, size, &path, &root_of(size)).expect("it is included");
        }
        for old in [1, size.div_ceil(2), size] {
            let proof = reader.consistency_proof(old, size).expect("a proof");
            verify_consistency(old, &root_of(old), size, &root_of(size), &proof)
                .expect("it continues");
        }
        let range = size / 4..size.div_ceil(2).max(size / 4 + 1);
        let edges = reader.range_proof(range.clone(), size).expect("edges");
        let within = &leaves[range.start as usize..range.end as usize];
        verify_range(within, range.start, size, &edges, &root_of(size))
            .expect("nothing is left out");
    }
    assert!(reader.root_at(1_301).is_err());
    assert!(reader.inclusion_proof(1_300, 1_300).is_err());
}

#[test]
fn b2_tiles_are_the_hashes_of_the_leaves() {
    let (store, leaves) = filled(700);
    let reader = reader(&store);
    let tile = |level, index, width| {
        let tile = Tile::new(TileKind::Hashes(level), index, width).expect("coordinates");
        reader.tile(tile).expect("readable")
    };
    assert_eq!(tile(0, 0, 256).as_deref(), Some(&leaves[..256]));
    assert_eq!(tile(0, 2, 188).as_deref(), Some(&leaves[512..700]));
    assert_eq!(tile(0, 2, 3).as_deref(), Some(&leaves[512..515]));
    assert_eq!(tile(0, 2, 189), None);
    let oracle = nodes_of(&leaves);
    let level_1: Vec<Hash> = (0..2).map(|index| oracle(8, index).expect("a node")).collect();
    assert_eq!(tile(1, 0, 2), Some(level_1));
    assert_eq!(tile(1, 0, 3), None);
}

#[test]
fn b2_leaves_hash_to_their_receipts_and_openings_open_them() {
    let (store, leaves) = filled(300);
    let reader = reader(&store);
    let mut sealer = Sealer::default();
    for event in reader.every(0..300).expect("readable") {
        let leaf = event.leaf_bytes(&mut sealer).expect("it has keys");
        assert_eq!(proofbook_ledger::leaf_hash(&leaf), leaves[event.seq() as usize]);
        let leaf: serde_json::Value = serde_json::from_slice(&leaf).expect("JSON");
        let openings = event.openings(&mut sealer).expect("it has keys");
        assert_eq!(leaf["sealed"].as_object().expect("commitments").len(), openings.len());
        for opening in openings {
            let sealed = &leaf["sealed"][opening.group.pointer()];
            assert_eq!(*sealed, opening.commitment().to_string());
        }
    }
}
