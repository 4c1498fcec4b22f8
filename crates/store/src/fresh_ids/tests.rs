use proofbook_ledger::WorkspaceUid;

use super::*;

const ACME: WorkspaceUid = WorkspaceUid([7; 16]);

/// Ids that no two calls with different numbers share: the upper half of an id's hash is what counts.
fn ids(first: u64, count: u64) -> Vec<IdKey> {
    (first..first + count).map(|n| IdKey::new(ACME, n << 32)).collect()
}

fn may_contain(fresh: &FreshIds, segment: u64, id: IdKey) -> bool {
    let filter = fresh.covering(segment).expect("it is covered");
    fresh.filters().nth(filter).expect("it is there").may_contain(id)
}

#[test]
fn an_id_of_a_covered_segment_is_never_ruled_out_and_few_others_are_not() {
    let mut fresh = FreshIds::default();
    let packs: Vec<Vec<IdKey>> = (0..16).map(|pack| ids(pack * 40_000, 40_000)).collect();
    for (name, ids) in (100..).zip(&packs) {
        fresh = fresh.with(name, ids, |_| true);
    }
    for (name, ids) in (100..).zip(&packs) {
        assert!(ids.iter().all(|id| may_contain(&fresh, name, *id)), "{name}");
    }
    let strangers = ids(1 << 31, 100_000);
    let wrong = strangers.iter().filter(|id| may_contain(&fresh, 100, **id)).count();
    assert!(wrong < 2_000, "{wrong} of 100,000 are not ruled out by a full filter");
}

#[test]
fn a_full_filter_is_left_and_another_begun() {
    let first = FreshIds::default().with(1, &ids(0, 600_000), |_| true);
    let both = first.with(2, &ids(600_000, 100_000), |_| true);
    assert_eq!((both.covering(1), both.covering(2)), (Some(0), Some(1)));
    assert!(ids(0, 600_000).iter().all(|id| may_contain(&both, 1, *id)));
    assert!(ids(600_000, 100_000).iter().all(|id| may_contain(&both, 2, *id)));
}

#[test]
fn a_filter_goes_when_none_of_its_segments_is_live() {
    let first = FreshIds::default().with(1, &ids(0, 600_000), |_| true);
    let both = first.with(2, &ids(600_000, 100_000), |_| true);
    let later = both.with(3, &ids(700_000, 10), |name| name == 2);
    assert_eq!((later.covering(1), later.covering(2), later.covering(3)), (None, Some(0), Some(0)));
}

#[test]
fn a_segment_that_was_there_before_is_not_covered() {
    let fresh = FreshIds::default().with(1, &ids(0, 10), |_| true);
    assert_eq!(fresh.covering(9), None);
}
