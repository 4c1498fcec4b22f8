//! I7, I9: a damaged piece is named, never answered from, and never hides what is beside it.

use proofbook_query::{Budget, ListRequest, QueryError, Reader, Sort};

use crate::checks::resolve;
use crate::world::{WORKSPACE, World};

#[test]
fn a_list_over_a_damaged_segment_says_what_it_did_not_read() {
    let mut world = World::new(21);
    world.send(200, false);
    world.pack();
    let packed = world.known.len();
    world.send(50, false);
    let file = world.disk.files().into_iter().find(|path| path.ends_with(".parquet")).expect("one");
    let len = world.disk.visible_bytes(&file).expect("there").len() as u64;
    for offset in (4..len - 64).step_by(16) {
        world.disk.flip_bit(&file, offset, 3).expect("flips");
    }
    let reader = Reader::open(&world.store, WORKSPACE).expect("there");
    let budget = Budget::unlimited();
    let request = ListRequest {
        filter: resolve(&world, "action:* \"e\""),
        filter_hash: 1,
        sort: Sort::Seq,
        limit: 500,
        cursor: None,
        page: None,
    };
    let page = reader.list(&request, &budget).expect("lists what is left");
    assert!(!page.complete);
    assert_eq!(page.total, None);
    assert!(page.unread.iter().any(|name| name.contains(&file)), "{:?}", page.unread);
    assert!(page.events.iter().all(|found| found.seq() >= packed as u64));
    assert!(!page.events.is_empty(), "recent events are still listed");
    assert!(matches!(reader.by_seq(3), Err(QueryError::Damaged { .. })));
    let counted = reader.count(&request.filter, &budget).expect("answers");
    assert_eq!((counted.total, counted.complete), (None, false));
    let followed = reader.after_seq(&request.filter, Some(2), 10, &budget);
    assert!(matches!(followed, Err(QueryError::Damaged { .. })), "a follower must not skip");
}
