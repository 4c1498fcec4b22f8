//! I7, I9: a damaged piece is named, never answered from, and never hides what is beside it.

use std::sync::Arc;

use proofbook_event::Group;
use proofbook_query::{Budget, ListRequest, QueryError, Reader, Sort};
use proofbook_store::disk::sim::CrashMode;
use proofbook_store::disk::{Disk, SimDisk};
use proofbook_store::log::LogOptions;
use proofbook_store::open::{OpenError, Options};
use proofbook_store::store::Store;
use proofbook_store::verify::verify;
use serde_json::Value;

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

/// What a start over a changed disk shows of the workspace, or the refusal.
enum Shown {
    Refused(String),
    /// By seq: action, times and groups, or why it cannot be read.
    Events {
        events: Vec<Result<Option<String>, String>>,
        listed: Vec<u64>,
        total: Option<u64>,
        complete: bool,
        unread: Vec<String>,
    },
}

fn show(world: &World, disk: &SimDisk, options: Options) -> Shown {
    let machine = world.machine_on(disk);
    let store = match Store::start(&machine, options, Box::new(|_| {})) {
        Ok(store) => store,
        Err(error) => return Shown::Refused(chain(&error)),
    };
    let Some(reader) = Reader::open(&store, WORKSPACE) else {
        return Shown::Refused("the workspace is not there".to_owned());
    };
    let events = (0..world.known.len() as u64)
        .map(|seq| match reader.by_seq(seq) {
            Ok(found) => Ok(found.map(|found| {
                let text = |group| {
                    found.groups().get(group).map(|b| String::from_utf8_lossy(b).into_owned())
                };
                let groups: Vec<Option<String>> = Group::ALL.into_iter().map(text).collect();
                format!("{} {} {groups:?}", found.action(), found.occurred_at())
            })),
            Err(QueryError::Damaged { what }) => Err(what),
            Err(error) => panic!("event {seq}: {error}"),
        })
        .collect();
    let filter = resolve(world, "action:*");
    let request = ListRequest {
        filter,
        filter_hash: 1,
        sort: Sort::Seq,
        limit: 500,
        cursor: None,
        page: None,
    };
    let page = reader.list(&request, &Budget::unlimited()).expect("lists what is left");
    let listed = page.events.iter().map(|found| found.seq()).collect();
    let (total, complete, unread) = (page.total, page.complete, page.unread);
    Shown::Events { events, listed, total, complete, unread }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// A7, I9: flips bits in every file of a small store. Each is named by `verify`; the store then either
/// refuses to start and says why, or shows every event as it was sent, or says which file keeps it from
/// showing one. The oracle is the same store before the flip.
#[test]
fn a_flipped_bit_in_any_file_is_named_and_never_answered_from() {
    let options = Options {
        log: LogOptions { file_bytes: 64 * 1024 },
        reserve_bytes: 4096,
        ..Options::default()
    };
    let mut world = World::with_options(22, options);
    for _ in 0..3 {
        world.send(25, true);
        world.pack();
    }
    world.send(10, true);
    world.store.stop();
    let intact = world.disk.after_crash(CrashMode::KeepAll, 0);
    let Shown::Events { events: expected, listed: all, total, complete: true, .. } =
        show(&world, &intact.after_crash(CrashMode::KeepAll, 0), options)
    else {
        panic!("the store is intact");
    };
    assert!(total == Some(all.len() as u64) && all.len() > 50 && all.len() <= 500);
    let mut kinds = std::collections::BTreeSet::new();
    let (mut refused, mut unread_events, mut whole) = (0, 0, 0);
    for file in intact.files() {
        let len = intact.visible_bytes(&file).expect("there").len() as u64;
        if len == 0 {
            assert_eq!(file, "LOCK", "every other file holds something");
            continue;
        }
        kinds.insert(file.rsplit(['.', '/']).next().unwrap_or_default().to_owned());
        // Ends and beginnings hold headers and footers; the rest is met at regular places.
        let middle = (1..16).map(|part| len * part / 16);
        for at in [0, 9, len / 2, len.saturating_sub(60), len - 1].into_iter().chain(middle) {
            let at = at.min(len - 1);
            let place = format!("byte {at} of {len} of {file}");
            let disk = intact.after_crash(CrashMode::KeepAll, at);
            disk.flip_bit(&file, at, (at % 8) as u8).expect("flips");
            let name = file.rsplit('/').next().expect("a name");
            let as_disk: Arc<dyn Disk> = Arc::new(disk.clone());
            match verify(&as_disk, 1) {
                Ok(report) => {
                    let mut lines = report.damage.iter().chain(&report.notices);
                    assert!(lines.any(|line| line.contains(name)), "{place}: {report:?}");
                }
                Err(OpenError::StoreId) => assert_eq!(name, "store.id", "{place}"),
                Err(error) => panic!("{place}: {error:?}"),
            }
            match show(&world, &disk, options) {
                Shown::Refused(why) => {
                    refused += 1;
                    assert!(why.contains(name), "{place} is not named: {why}");
                }
                Shown::Events { events, listed, total, complete, unread } => {
                    let mut missing = 0;
                    for (seq, (found, expected)) in events.iter().zip(&expected).enumerate() {
                        match found {
                            Ok(_) => assert_eq!(found, expected, "{place}: event {seq}"),
                            Err(what) => {
                                missing += 1;
                                assert!(what.contains(name), "{place}: {what}");
                            }
                        }
                    }
                    if complete {
                        assert_eq!(listed, all, "{place}");
                        assert_eq!(total, Some(all.len() as u64), "{place}");
                    } else {
                        assert!(unread.iter().all(|what| what.contains(name)), "{unread:?}");
                        assert!(listed.iter().all(|seq| all.contains(seq)), "{place}");
                        assert_eq!(total, None, "{place}");
                    }
                    unread_events += missing;
                    whole += usize::from(complete && missing == 0);
                }
            }
        }
    }
    assert!(refused > 0 && unread_events > 0 && whole > 0, "every way out was taken");
    for kind in ["log", "parquet", "idx", "root", "run", "json", "id", "reserve"] {
        assert!(kinds.contains(kind), "no {kind} among {kinds:?}");
    }
}

/// I7: a damaged index hides its own events and none beside it, and they are not taken for absent.
#[test]
fn a_damaged_index_is_named_by_answers_and_hides_nothing_else() {
    let mut world = World::new(23);
    world.send(120, true);
    world.pack();
    let packed = world.known.len();
    world.send(40, true);
    world.store.stop();
    let file = world.disk.files().into_iter().find(|path| path.ends_with(".idx")).expect("one");
    let len = world.disk.visible_bytes(&file).expect("there").len() as u64;
    world.disk.flip_bit(&file, len - 20, 2).expect("flips");
    world.restart();
    let damaged = &world.store.report().damaged_segments;
    assert_eq!(damaged.iter().map(|damage| &damage.file).collect::<Vec<_>>(), [&file]);
    let reader = Reader::open(&world.store, WORKSPACE).expect("there");
    let budget = Budget::unlimited();
    let filter = resolve(&world, "action:*");
    let request = ListRequest {
        filter,
        filter_hash: 1,
        sort: Sort::NewestFirst,
        limit: 500,
        cursor: None,
        page: None,
    };
    let page = reader.list(&request, &budget).expect("lists what is left");
    assert_eq!((page.complete, page.total), (false, None));
    assert!(page.unread.iter().all(|what| what.contains(&file)), "{:?}", page.unread);
    assert!(!page.events.is_empty() && page.events.iter().all(|f| f.seq() >= packed as u64));
    assert!(matches!(reader.by_seq(0), Err(QueryError::Damaged { .. })));
    let id = |known: &crate::world::Known| -> String {
        let Value::String(id) = &known.groups["id"] else { panic!("every event has an id") };
        id.clone()
    };
    let hidden = reader.by_id(&id(&world.known[0]));
    assert!(matches!(hidden, Err(QueryError::Damaged { what }) if what.contains(&file)));
    assert!(reader.by_id("no-event-has-this-id").expect("is known to be absent").is_none());
}
