use super::*;

/// Counts of a world against the store's own directory, before and after packing and a restart.
#[test]
fn a_world_is_in_the_store_as_stated() {
    let sizes = [("acme", 300), ("b.co", 7)];
    let world = World::new(1, &sizes);
    let disk = SimDisk::new(1);
    let store = TestStore::in_memory(1, &disk);
    store.send_world(&world);
    let check = |store: &TestStore| {
        for (name, count) in sizes {
            let known = store.store.directory().by_name(name).expect("it was sent");
            assert_eq!(known.edge.size(), count as u64);
        }
    };
    check(&store);
    store.pack();
    let rows = store.store.view().segments.iter().map(|segment| segment.rows()).sum::<u32>();
    assert_eq!(rows, 307);
    let store = store.restart();
    check(&store);
    let again = store.send("acme", &[world.of("acme")[5].event().json()]);
    assert_eq!(again[0].as_ref().expect("known").outcome, Outcome::Duplicate { seq: 5 });
}

#[test]
fn what_is_not_admitted_is_in_the_answer() {
    let store = TestStore::in_memory(2, &SimDisk::new(2));
    let answers = store.send("acme", &[r#"{"action":"a"}"#, r#"{"action":"NO"}"#, r#"{"#]);
    assert!(answers[0].is_ok());
    assert!(answers[1].is_err() && answers[2].is_err());
}
