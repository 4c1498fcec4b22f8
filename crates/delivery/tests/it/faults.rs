//! Receivers that fail, and processes that end, at every step: nothing is lost, the order is kept, and
//! what comes twice comes under the same id.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use proofbook_store::config::{ConfigChange, Destination, Start, StartAt, WorkspaceSettings};
use proofbook_store::disk::SimDisk;
use proofbook_store::priority::ProcessorTime;
use proofbook_testkit::TestStore;
use tokio::time::Instant;

use crate::receiver::{Receiver, Reply, Working, configure, destination, put, send, until};

fn one(receiver: &Receiver) -> BTreeMap<String, Receiver> {
    BTreeMap::from([("dst_a".to_owned(), receiver.clone())])
}

fn up_to(count: u64) -> Vec<u64> {
    (0..count).collect()
}

#[tokio::test(start_paused = true)]
async fn p3_every_event_comes_once_and_in_order_also_after_a_restart() {
    let disk = SimDisk::new(1);
    let world = TestStore::in_memory(1, &disk);
    let receiver = Receiver::default();
    put(&world, destination("dst_a"));
    send(&world, "acme", 300);
    send(&world, "other", 20);
    let working = Working::start(&world, &one(&receiver));
    until("all came", 1, || receiver.taken().len() == 320).await;
    send(&world, "acme", 5);
    until("the new ones, too", 1, || receiver.taken().len() == 325).await;
    working.stop().await;
    let world = world.restart();
    let working = Working::start(&world, &one(&receiver));
    send(&world, "acme", 1);
    until("what came meanwhile", 1, || receiver.seqs("acme").len() == 306).await;
    working.stop().await;
    assert_eq!(receiver.seqs("acme"), up_to(306));
    assert_eq!(receiver.seqs("other"), up_to(20));
    assert!(receiver.seqs("_system").is_empty(), "Proofbook's own workspace must be named");
}

#[tokio::test(start_paused = true)]
async fn p3_on_a_machine_that_others_need_everything_arrives_more_slowly() {
    /// A thread that gets a processor for one part in ten.
    fn crowded() -> Option<ProcessorTime> {
        static LOOKS: AtomicU32 = AtomicU32::new(0);
        let looks = LOOKS.fetch_add(1, Ordering::Relaxed);
        let (ran, waited) = (Duration::from_millis(1), Duration::from_millis(9));
        Some(ProcessorTime { ran: ran * looks, waited: waited * looks })
    }
    let disk = SimDisk::new(11);
    let world = TestStore::in_memory(11, &disk);
    let slow = || Receiver::moody(|_, _| Reply::TakeAfter(Duration::from_millis(1)));
    let (alone, beside) = (slow(), slow());
    put(&world, destination("dst_a"));
    send(&world, "acme", 3_000);
    let begin = Instant::now();
    let working = Working::start(&world, &one(&alone));
    until("all came", 1, || alone.taken().len() == 3_000).await;
    let took_alone = begin.elapsed();
    working.stop().await;
    put(&world, destination("dst_b"));
    let receivers = BTreeMap::from([
        ("dst_a".to_owned(), Receiver::default()),
        ("dst_b".to_owned(), beside.clone()),
    ]);
    let begin = Instant::now();
    let working = Working::start_among_others(&world, &receivers, crowded);
    until("all came", 1, || beside.taken().len() == 3_000).await;
    let took_beside = begin.elapsed();
    working.stop().await;
    assert_eq!(beside.seqs("acme"), up_to(3_000));
    assert!(took_beside > 2 * took_alone, "{took_beside:?} beside others, {took_alone:?} alone");
    assert!(took_beside < 20 * took_alone, "{took_beside:?} beside others, {took_alone:?} alone");
}

#[tokio::test(start_paused = true)]
async fn p3_three_days_without_a_receiver_lose_nothing_and_delay_nobody_else() {
    let disk = SimDisk::new(2);
    let world = TestStore::in_memory(2, &disk);
    let is_up = Arc::new(AtomicBool::new(false));
    let flag = is_up.clone();
    let broken = Receiver::moody(move |_, _| match flag.load(Ordering::Relaxed) {
        true => Reply::Take,
        false => Reply::Hang,
    });
    let healthy = Receiver::default();
    put(&world, destination("dst_a"));
    put(&world, destination("dst_b"));
    let receivers = BTreeMap::from([
        ("dst_a".to_owned(), broken.clone()),
        ("dst_b".to_owned(), healthy.clone()),
    ]);
    let working = Working::start(&world, &receivers);
    let start = Instant::now();
    for hour in 0..72 {
        send(&world, "acme", 2);
        let expected = 2 * (hour + 1);
        let sent = Instant::now();
        until("the other destination", 1, || healthy.taken().len() == expected).await;
        assert!(sent.elapsed() <= Duration::from_secs(2), "the other one is on time");
        tokio::time::sleep_until(start + Duration::from_secs(3600 * (hour as u64 + 1))).await;
    }
    let health = working.engine.board().health_of("dst_a");
    assert!(health.failures > 72, "{health:?}");
    let calls = broken.calls();
    assert!((280..=900).contains(&calls), "{calls} calls in 72 hours, a quarter of an hour apart");
    assert!(broken.taken().is_empty());
    is_up.store(true, Ordering::Relaxed);
    until("everything, once it is back", 1, || broken.taken().len() == 144).await;
    working.stop().await;
    assert_eq!(broken.seqs("acme"), up_to(144));
}

#[tokio::test(start_paused = true)]
async fn p3_a_crash_at_any_step_repeats_under_the_same_id_and_loses_nothing() {
    // The process ends around the n-th message, in each of three ways.
    for (seed, at) in (0..24_u64).map(|n| (n, n / 3)) {
        let disk = SimDisk::new(seed);
        let mut world = TestStore::in_memory(seed, &disk);
        put(&world, destination("dst_a"));
        send(&world, "acme", 6);
        send(&world, "other", 3);
        let crash = Arc::new(AtomicBool::new(false));
        let flag = crash.clone();
        let receiver = Receiver::moody(move |call, _| {
            if call == at {
                flag.store(true, Ordering::Relaxed);
                return match seed % 3 {
                    0 => Reply::Hang,
                    1 => Reply::TakeAndFail,
                    _ => Reply::Take,
                };
            }
            Reply::Take
        });
        let working = Working::start(&world, &one(&receiver));
        until("the crash", 1, || crash.load(Ordering::Relaxed)).await;
        working.crash(&world).await;
        world = world.restart();
        let working = Working::start(&world, &one(&receiver));
        let all = |receiver: &Receiver| {
            let mut seqs = [receiver.seqs("acme"), receiver.seqs("other")];
            seqs.iter_mut().for_each(|seqs| seqs.dedup());
            seqs[0].ends_with(&[5]) && seqs[1].ends_with(&[2])
        };
        until("the rest", 1, || all(&receiver)).await;
        working.stop().await;
        for (workspace, count) in [("acme", 6), ("other", 3)] {
            let mut first = receiver.seqs(workspace);
            let mut seen = Vec::new();
            first.retain(|seq| {
                let is_new = !seen.contains(seq);
                seen.push(*seq);
                is_new
            });
            assert_eq!(first, up_to(count), "seed {seed}: first arrivals in order");
        }
        let mut bodies = BTreeMap::new();
        for (id, body) in receiver.taken() {
            let same = bodies.entry(id.clone()).or_insert_with(|| body.clone());
            assert_eq!(*same, body, "seed {seed}: {id} is the same message each time");
        }
        assert_eq!(bodies.len(), 9, "seed {seed}: one id an event");
    }
}

#[tokio::test(start_paused = true)]
async fn p3_a_lost_answer_makes_a_duplicate_and_no_gap() {
    let disk = SimDisk::new(3);
    let world = TestStore::in_memory(3, &disk);
    put(&world, destination("dst_a"));
    send(&world, "acme", 10);
    let receiver = Receiver::moody(|call, _| match call % 3 {
        0 => Reply::TakeAndFail,
        1 => Reply::Fail,
        _ => Reply::Take,
    });
    let working = Working::start(&world, &one(&receiver));
    until("all", 24, || receiver.seqs("acme").last() == Some(&9) && receiver.calls() >= 30).await;
    working.stop().await;
    let mut seqs = receiver.seqs("acme");
    let twice = seqs.len();
    seqs.dedup();
    assert_eq!(seqs, up_to(10));
    assert!(twice > 10, "some came twice");
}

#[tokio::test(start_paused = true)]
async fn p3_a_refused_message_is_a_dead_letter_and_the_log_goes_on() {
    let disk = SimDisk::new(4);
    let world = TestStore::in_memory(4, &disk);
    put(&world, destination("dst_a"));
    send(&world, "acme", 5);
    send(&world, "other", 5);
    let receiver = Receiver::moody(|_, message| match message.id.ends_with("_2") {
        true => Reply::Refuse,
        false => Reply::Take,
    });
    let working = Working::start(&world, &one(&receiver));
    until("all but two", 24, || receiver.taken().len() == 8).await;
    working.stop().await;
    assert_eq!(receiver.seqs("acme"), [0, 1, 3, 4]);
    let world = world.restart();
    let view = world.store.view();
    let standing = view.delivered.of("dst_a").expect("known").clone();
    let dead: Vec<u64> = standing.dead.iter().map(|dead| dead.seq).collect();
    assert_eq!(dead, [2, 2], "one in each workspace, also after a restart");
    assert_eq!(standing.dead[0].attempts, 8);
    assert_eq!(standing.dead[0].reason, "answered 400");
}

#[tokio::test(start_paused = true)]
async fn p3_pause_resume_and_replay_from_a_number_and_from_a_time() {
    let disk = SimDisk::new(5);
    let world = TestStore::in_memory(5, &disk);
    let receiver = Receiver::default();
    put(&world, destination("dst_a"));
    send(&world, "acme", 4);
    world.clock.advance(3_600_000_000);
    let later = world.store.now().micros();
    send(&world, "acme", 4);
    send(&world, "other", 2);
    let working = Working::start(&world, &one(&receiver));
    until("all", 1, || receiver.taken().len() == 10).await;

    put(&world, Destination { paused_at: Some(later), ..destination("dst_a") });
    tokio::time::sleep(Duration::from_secs(5)).await;
    send(&world, "acme", 1);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(receiver.taken().len(), 10, "paused");
    put(&world, destination("dst_a"));
    until("resumed", 1, || receiver.taken().len() == 11).await;

    let start = |generation, from| Start { generation, from };
    let mut replayed = destination("dst_a");
    replayed.starts.insert("acme".to_owned(), start(1, StartAt::Seq(7)));
    put(&world, replayed.clone());
    until("from number 7", 1, || receiver.taken().len() == 13).await;
    assert_eq!(receiver.seqs("acme")[9..], [7, 8]);

    replayed.starts.insert("*".to_owned(), start(2, StartAt::RecordedAt(later)));
    put(&world, replayed);
    until("from an hour on", 1, || receiver.taken().len() == 20).await;
    working.stop().await;
    assert_eq!(receiver.seqs("acme")[11..], [4, 5, 6, 7, 8]);
    let ids: Vec<String> = receiver.taken().into_iter().map(|(id, _)| id).collect();
    assert!(ids.iter().filter(|id| **id == ids[8]).count() >= 2, "replays keep the ids");

    configure(&world, ConfigChange::RemoveDestination { id: "dst_a".to_owned() });
    assert!(world.store.view().delivered.of("dst_a").is_none());
}

#[tokio::test(start_paused = true)]
async fn p3_what_expired_before_it_was_told_is_told_as_a_gap() {
    const DAY: u64 = 24 * 3_600_000_000;
    let disk = SimDisk::new(7);
    let world = TestStore::in_memory(7, &disk);
    let settings = WorkspaceSettings {
        preset: Some("clienwork".to_owned()),
        plan: Some("free".to_owned()),
        ..WorkspaceSettings::default()
    };
    configure(&world, ConfigChange::PutWorkspace { name: "acme".to_owned(), settings });
    put(&world, destination("dst_a"));
    let receiver = Receiver::default();
    let working = Working::start(&world, &one(&receiver));
    let occurring = |count: usize| {
        let at = world.store.now().to_string();
        let event = format!("{{\"action\":\"thing.update\",\"occurred_at\":\"{at}\"}}");
        for receipt in world.send("acme", &vec![event; count]) {
            receipt.expect("taken");
        }
    };
    occurring(2);
    until("the first two", 1, || receiver.taken().len() == 2).await;
    working.stop().await;
    occurring(3);
    world.clock.advance(31 * DAY);
    occurring(2);
    let working = Working::start(&world, &one(&receiver));
    until("the gap and the rest", 1, || receiver.taken().len() == 5).await;
    working.stop().await;
    let (id, gap) = receiver.taken().swap_remove(2);
    assert!(id.starts_with("gap_"), "{id}");
    assert_eq!(gap["type"], "audit_log.gap");
    assert_eq!((&gap["data"]["from_seq"], &gap["data"]["through_seq"]), (&2.into(), &4.into()));
    assert_eq!(receiver.seqs("acme"), [0, 1, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn p3_what_expired_between_events_that_are_kept_is_told_where_it_was() {
    const DAY: i64 = 24 * 3_600_000_000;
    let disk = SimDisk::new(8);
    let world = TestStore::in_memory(8, &disk);
    put(&world, destination("dst_a"));
    let now = world.store.now().micros();
    // Single actions are kept for a shorter time; what is kept lies before and behind.
    let event = |action: &str, age: i64| {
        let at = proofbook_event::Timestamp::from_micros(now - age).to_string();
        format!("{{\"action\":\"{action}\",\"occurred_at\":\"{at}\"}}")
    };
    let short = |number| event("thing.read", number * DAY);
    let long = |number| event("thing.update", number * DAY);
    let all = [long(9), short(8), short(7), long(6), long(5), short(4), long(3), short(0)];
    for receipt in world.send("acme", &all) {
        receipt.expect("taken");
    }
    let settings = |days: &str| WorkspaceSettings {
        retention_actions: BTreeMap::from([("thing.read".to_owned(), days.to_owned())]),
        ..WorkspaceSettings::default()
    };
    configure(
        &world,
        ConfigChange::PutWorkspace { name: "acme".to_owned(), settings: settings("1d") },
    );
    let receiver = Receiver::default();
    let working = Working::start(&world, &one(&receiver));
    // It begins with the first event, so what is gone before is told, too.
    until("all of it", 1, || receiver.taken().len() >= 5).await;
    working.stop().await;
    configure(
        &world,
        ConfigChange::PutDestination {
            destination: Box::new(Destination {
                starts: BTreeMap::from([(
                    "*".to_owned(),
                    Start { generation: 1, from: StartAt::Seq(0) },
                )]),
                ..destination("dst_a")
            }),
        },
    );
    let receiver = Receiver::default();
    let working = Working::start(&world, &one(&receiver));
    until("all of it again", 1, || receiver.taken().len() >= 7).await;
    working.stop().await;
    let told: Vec<String> = receiver
        .taken()
        .iter()
        .map(|(_, body)| match body["type"].as_str() {
            Some("audit_log.gap") => {
                format!("{}-{}", body["data"]["from_seq"], body["data"]["through_seq"])
            }
            _ => body["data"]["seq"].to_string(),
        })
        .collect();
    assert_eq!(told, ["0", "1-2", "3", "4", "5-5", "6", "7"]);
}

#[tokio::test(start_paused = true)]
async fn p3_a_dead_letter_is_sent_once_more_and_is_none_when_it_is_taken() {
    let disk = SimDisk::new(9);
    let world = TestStore::in_memory(9, &disk);
    put(&world, destination("dst_a"));
    send(&world, "acme", 3);
    let refuses = Arc::new(AtomicBool::new(true));
    let flag = refuses.clone();
    let receiver = Receiver::moody(move |_, message| {
        match message.id.ends_with("_1") && flag.load(Ordering::Relaxed) {
            true => Reply::Refuse,
            false => Reply::Take,
        }
    });
    let working = Working::start(&world, &one(&receiver));
    let dead = |world: &TestStore| {
        let view = world.store.view();
        view.delivered.of("dst_a").map_or(0, |standing| standing.dead.len())
    };
    until("it is given up", 24, || dead(&world) == 1).await;
    let known = world.store.view().config.destinations["dst_a"].clone();
    let again = working.engine.resend(&known, "acme", 1).await.expect("sent");
    assert!(matches!(again, proofbook_delivery::transport::Answer::Refused { .. }));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(dead(&world), 1, "it is still refused");
    refuses.store(false, Ordering::Relaxed);
    let again = working.engine.resend(&known, "acme", 1).await.expect("sent");
    assert_eq!(again, proofbook_delivery::transport::Answer::Taken);
    until("it is in the log", 1, || dead(&world) == 0).await;
    assert!(working.engine.resend(&known, "acme", 99).await.is_err(), "there is no such event");
    working.stop().await;
    assert_eq!(receiver.seqs("acme"), [0, 2, 1]);
    let world = world.restart();
    assert_eq!(dead(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn p3_a_destination_begins_with_its_making_and_takes_what_its_filter_takes() {
    let disk = SimDisk::new(6);
    let world = TestStore::in_memory(6, &disk);
    send(&world, "acme", 3);
    world.clock.advance(1_000_000);
    let filter = "meta.number:1".to_owned();
    let created_at = world.store.now().micros();
    put(&world, destination_from(created_at, &filter));
    send(&world, "acme", 3);
    let receiver = Receiver::default();
    let working = Working::start(&world, &one(&receiver));
    until("one", 1, || receiver.taken().len() == 1).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    working.stop().await;
    assert_eq!(receiver.seqs("acme"), [4]);
}

fn destination_from(created_at: i64, filter: &str) -> Destination {
    Destination { created_at, filter: filter.to_owned(), ..destination("dst_a") }
}
