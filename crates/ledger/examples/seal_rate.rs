//! Measures what sealing costs an event, and prints it: `cargo run --release -p proofbook-ledger --example seal_rate`.
//!
//! One event here has six groups of 80 bytes, as the median event of workload W.
#![expect(clippy::print_stdout, reason = "the numbers are the purpose")]

use std::hint::black_box;
use std::time::Instant;

use proofbook_event::words::Outcome;
use proofbook_event::{Group, Timestamp};
use proofbook_ledger::{
    Edge, Hash, KeyRange, LeafFields, NonceKey, RunSeed, Slot, WorkspaceUid, commitment, hash,
    leaf, prf,
};

const EVENTS: u32 = 4096;
const ROUNDS: u32 = 60;
const GROUPS: [Group; 6] =
    [Group::Actor, Group::Changes, Group::Context, Group::Description, Group::Id, Group::Targets];

/// Runs a piece of work over a run's events several times and prints its best time an event.
fn measure(name: &str, mut work: impl FnMut()) {
    let best = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    println!("{name:<44} {:>7.0} ns/event", best.as_nanos() as f64 / f64::from(EVENTS));
}

fn main() {
    let seed = RunSeed::from_bytes([7; 32]);
    let nonce_key = NonceKey::from_bytes([8; 32]);
    let value = [b'x'; 80];
    let mut scratch = Vec::with_capacity(2048);
    let mut sealed = [(Group::Id, Hash::default()); GROUPS.len()];

    measure("event key and nonce, of a whole run", || {
        black_box(KeyRange::new(&seed, &nonce_key, Slot::FIRST, Slot::LAST));
    });
    measure("event key (alone)", || {
        for _ in 0..EVENTS {
            black_box(prf::event_key(black_box(&seed), Slot::LAST));
        }
    });
    let key = prf::event_key(&seed, Slot::FIRST);
    measure("six salts", || {
        for _ in 0..EVENTS {
            let salts = black_box(&key).salts();
            for group in GROUPS {
                black_box(salts.salt(group.pointer()));
            }
        }
    });
    measure("six commitments of 80 bytes", || {
        for _ in 0..EVENTS {
            for group in GROUPS {
                black_box(commitment(&[1; 16], group.pointer(), black_box(&value)));
            }
        }
    });
    for (slot, group) in sealed.iter_mut().zip(GROUPS) {
        *slot = (group, Hash([5; 32]));
    }
    measure("leaf bytes", || {
        for seq in 0..EVENTS {
            scratch.clear();
            leaf::write_leaf(&fields(u64::from(seq), &sealed), &mut scratch);
            black_box(&scratch);
        }
    });
    println!("{:<44} {:>7} bytes", "leaf length", scratch.len());
    measure("leaf hash", || {
        for _ in 0..EVENTS {
            black_box(hash::leaf_hash(black_box(&scratch)));
        }
    });
    measure("edge append", || {
        let mut edge = Edge::default();
        for _ in 0..EVENTS {
            edge.append(black_box(Hash([5; 32])));
        }
        black_box(edge.root());
    });

    let mut edge = Edge::default();
    measure("whole: key, nonce, 6 salts and commitments, leaf", || {
        let keys = KeyRange::new(&seed, &nonce_key, Slot::FIRST, Slot::LAST);
        for (key, nonce) in slots().filter_map(|slot| keys.get(slot)) {
            let salts = key.salts();
            for (place, group) in sealed.iter_mut().zip(GROUPS) {
                let salt = salts.salt(group.pointer());
                *place = (group, commitment(&salt, group.pointer(), black_box(&value)));
            }
            let fields = LeafFields { nonce, ..fields(edge.size(), &sealed) };
            edge.append(leaf::leaf_hash(&fields, &mut scratch));
        }
    });
    black_box(edge.root());
}

/// All slots of a run.
fn slots() -> impl Iterator<Item = Slot> {
    std::iter::successors(Some(Slot::FIRST), |slot| slot.next())
}

/// A leaf's fields as they usually are.
fn fields(seq: u64, sealed: &[(Group, Hash)]) -> LeafFields<'_> {
    LeafFields {
        workspace: WorkspaceUid([9; 16]),
        seq,
        recorded_at: Timestamp::from_micros(1_795_339_800_000_000 + seq as i64),
        occurred_at: Timestamp::from_micros(1_795_339_799_123_456),
        action: Some("project.update"),
        outcome: Outcome::Success,
        nonce: [3; 16],
        sealed,
    }
}
