use std::collections::BTreeSet;

use super::*;

const SIZES: [(&str, usize); 3] = [("acme", 120), ("b", 1), ("none", 0)];

#[test]
fn a_seed_fixes_the_world() {
    assert_eq!(World::new(3, &SIZES).facts, World::new(3, &SIZES).facts);
    assert_ne!(World::new(3, &SIZES).facts, World::new(4, &SIZES).facts);
}

#[test]
fn each_workspace_has_its_events_under_dense_seqs_and_own_ids() {
    let world = World::new(9, &SIZES);
    for (name, count) in SIZES {
        let seqs: Vec<u64> = world.of(name).iter().map(|fact| fact.seq).collect();
        assert_eq!(seqs, (0..count as u64).collect::<Vec<_>>());
    }
    let ids: BTreeSet<&str> = world.facts.iter().map(|fact| fact.id.as_str()).collect();
    assert_eq!(ids.len(), world.facts.len());
}

#[test]
fn newest_is_by_time_and_then_by_seq() {
    let world = World::new(9, &SIZES);
    let denied = world.newest("acme", |fact| fact.outcome == "denied");
    assert!(denied.len() > 1, "this seed has some");
    let ordered =
        denied.windows(2).all(|p| (p[0].occurred_at, p[0].seq) > (p[1].occurred_at, p[1].seq));
    assert!(ordered && denied.iter().all(|fact| fact.outcome == "denied"));
}
