use proofbook_ledger::prf::RUN_SLOTS;

use super::*;
use crate::clock::SimClock;
use crate::commit::Batch;
use crate::disk::SimDisk;
use crate::fold::Outcome;
use crate::open::{Machine, Opened, Options, open};
use crate::random::SimRandom;

fn opened(disk: &SimDisk) -> Opened {
    let machine = Machine {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(SimClock::new(1_800_000_000_000_000)),
        random: Arc::new(SimRandom::new(disk.calls())),
    };
    open(&machine, Options { reserve_bytes: 0, ..Options::default() }).expect("opens")
}

fn prepare(opened: &Opened, text: &str) -> Prepared {
    let draft = EventDraft::parse(text.as_bytes()).expect("valid");
    let now = Timestamp::from_micros(1_800_000_000_000_000);
    let wanted = vec![Ok(Wanted { workspace: "acme", draft })];
    opened.preparer.prepare(&opened.published, now, false, wanted)
}

fn commit(opened: &mut Opened, prepared: Prepared) -> Vec<Outcome> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let batch = Batch {
        records: prepared.records,
        events: prepared.events,
        record_count: prepared.record_count,
        wanted: prepared.wanted,
        hits: prepared.hits,
        sealed: prepared.sealed,
        heads: Vec::new(),
        pack_epoch: prepared.pack_epoch,
        outcome_lists: 1,
        reply: Box::new(move |answer| sender.send(answer).expect("the test listens")),
    };
    opened.committer.commit(vec![batch]).expect("commits");
    receiver.recv().expect("answered").expect("recorded")
}

/// Every place of a run was given to batches that never reached the log (the disk was full, or they
/// only came later). The next batch used the following run and recorded that one alone; the fold does
/// not take a run that skips a number, so a restart could not seal the events it had acknowledged.
#[test]
fn a_run_whose_first_batches_never_came_is_recorded_by_the_next() {
    let disk = SimDisk::new(1);
    let mut opened = opened(&disk);
    let directory = &opened.published.directory;
    let lost = opened.preparer.seats.take(directory, "acme", usize::from(RUN_SLOTS));
    assert_eq!(lost.places.len(), 1);
    let second = prepare(&opened, r#"{"id":"a","action":"x.create"}"#);
    let third = prepare(&opened, r#"{"id":"b","action":"x.create"}"#);
    // They may reach the log in either order.
    assert!(matches!(commit(&mut opened, third)[0], Outcome::Created { seq: 0, .. }));
    assert!(matches!(commit(&mut opened, second)[0], Outcome::Created { seq: 1, .. }));
    drop(opened);
    let again = self::opened(&disk);
    let workspace = again.published.directory.by_name("acme").expect("known");
    assert_eq!((workspace.edge.size(), workspace.runs.len()), (2, 2));
}

/// What no replay can seal is not taken on the live path either: sending it again succeeds.
#[test]
fn an_event_of_an_unknown_run_is_lost_and_not_half_taken() {
    let disk = SimDisk::new(2);
    let mut opened = opened(&disk);
    let mut prepared = prepare(&opened, r#"{"id":"a","action":"x.create"}"#);
    // The records of workspace and events without the run's own.
    let mut records = Vec::new();
    let whole = prepared.whole_records();
    prepared.events.clear();
    let mut body = crate::codec::Decoder::new(&whole);
    while !body.is_empty() {
        match Record::decode(&mut body).expect("just encoded") {
            Record::Run { .. } => prepared.record_count -= 1,
            record => record.encode(&mut records),
        }
    }
    prepared.records = records;
    assert_eq!(commit(&mut opened, prepared), vec![Outcome::Lost]);
    drop(opened);
    let again = self::opened(&disk);
    assert_eq!(again.published.directory.by_name("acme").expect("known").edge.size(), 0);
}

/// What a batch records must not depend on how its events were handed in.
#[test]
fn a_batch_in_parts_is_the_batch_as_a_whole() {
    let texts: Vec<String> = (0..9_000)
        .map(|number| format!(r#"{{"id":"e{number}","action":"x.create","reason":"{number}"}}"#))
        .collect();
    let workspaces = ["acme", "beta", "acme", "acme", "gamma"];
    let wanted = |number: usize| {
        let draft = EventDraft::parse(texts[number].as_bytes()).expect("valid");
        Ok(Wanted { workspace: workspaces[number % workspaces.len()], draft })
    };
    let now = Timestamp::from_micros(1_800_000_000_000_000);
    for is_durable in [false, true] {
        let of_parts = |parts: &[usize]| {
            let mut opened = opened(&SimDisk::new(1));
            if is_durable {
                let first = prepare(&opened, r#"{"id":"first","action":"x.create"}"#);
                commit(&mut opened, first);
            }
            let mut judging = opened.preparer.begin(&opened.published, now, false);
            let mut numbers = 0..texts.len();
            let mut sizes = parts.iter().cycle();
            while !numbers.is_empty() {
                let part = sizes.next().copied().unwrap_or(1);
                judging.judge(numbers.by_ref().take(part).map(wanted).collect());
            }
            let prepared = judging.finish();
            let (records, count) = (prepared.whole_records(), prepared.record_count);
            assert!(
                commit(&mut opened, prepared)
                    .iter()
                    .all(|outcome| { matches!(outcome, Outcome::Created { .. }) })
            );
            (records.len(), count, opened.committer.fold().state.clone())
        };
        let (len, count, whole) = of_parts(&[9_000]);
        // Three workspaces, one of which has more events than a run has places, and the events.
        assert_eq!(count, if is_durable { 2 + 2 + 1 } else { 3 + 3 + 1 } + 1);
        let (len_of_parts, count_of_parts, parts) = of_parts(&[1, 25, 3, 400]);
        assert_eq!((len_of_parts, count_of_parts), (len, count));
        for (whole, part) in whole.workspaces.iter().zip(&parts.workspaces) {
            assert_eq!((&whole.name, whole.edge.size()), (&part.name, part.edge.size()));
            assert_eq!(whole.runs.len(), part.runs.len());
        }
    }
}
