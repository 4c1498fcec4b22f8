use std::sync::mpsc;

use proofbook_event::EventDraft;

use super::*;
use crate::clock::SimClock;
use crate::disk::SimDisk;
use crate::disk::sim::{CallKind, Calls, CrashMode, Fault};

use crate::open::{Machine, Opened, Options, open};
use crate::prepare::{Preparer, Wanted};
use crate::random::SimRandom;

fn opened(disk: &SimDisk) -> Opened {
    let machine = Machine {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(SimClock::new(1_800_000_000_000_000)),
        random: Arc::new(SimRandom::new(3)),
    };
    open(&machine, Options { reserve_bytes: 0, ..Options::default() }).expect("opens")
}

type Answer = mpsc::Receiver<Result<Vec<Outcome>, CommitError>>;

/// Prepares one event; its answer comes through the channel.
fn batch(preparer: &Preparer, published: &Published, id: &str) -> (Batch, Answer) {
    let text = format!(r#"{{"id":"{id}","action":"x.create"}}"#);
    let draft = EventDraft::parse(text.as_bytes()).expect("valid");
    let now = proofbook_event::Timestamp::from_micros(1_800_000_000_000_000);
    let wanted = vec![Ok(Wanted { workspace: "acme", draft })];
    let prepared = preparer.prepare(published, now, false, wanted);
    let (sender, receiver) = mpsc::channel();
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
    (batch, receiver)
}

fn visible_events(published: &Published) -> usize {
    published.view().generations.iter().map(|generation| generation.event_count()).sum()
}

/// At the moment of each acknowledgement the disk is asked what a power cut would leave: the event
/// must be there, and nothing may be visible that would not be.
#[test]
fn nothing_is_seen_before_it_is_durable() {
    let disk = SimDisk::new(1);
    let Opened { mut committer, preparer, published, .. } = opened(&disk);
    for n in 0..20 {
        let (batch, answer) = batch(&preparer, &published, &format!("e{n}"));
        committer.commit(vec![batch]).expect("commits");
        answer.recv().expect("answered").expect("recorded");
        let after_cut = disk.after_crash(CrashMode::LoseUnsynced, n);
        let recovered = opened(&after_cut);
        assert_eq!(visible_events(&recovered.published), visible_events(&published));
        assert_eq!(visible_events(&published), n as usize + 1);
    }
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_or_shown_again() {
    let disk = SimDisk::new(2);
    let Opened { mut committer, preparer, published, .. } = opened(&disk);
    let (first, answer) = batch(&preparer, &published, "before");
    committer.commit(vec![first]).expect("commits");
    answer.recv().expect("answered").expect("recorded");
    disk.inject(Fault::SyncLosesPages, Calls::of(CallKind::SyncData).nth(1));
    let (failing, answer) = batch(&preparer, &published, "failing");
    assert!(matches!(committer.commit(vec![failing]), Err(Fatal::Log(AppendError::Failed(_)))));
    assert_eq!(answer.recv().expect("answered"), Err(CommitError::Unknown));
    // The next sync would succeed; it must not be tried.
    let (later, answer) = batch(&preparer, &published, "later");
    assert!(matches!(committer.commit(vec![later]), Err(Fatal::Log(AppendError::Poisoned))));
    assert_eq!(answer.recv().expect("answered"), Err(CommitError::Unknown));
    assert_eq!(visible_events(&published), 1);
}

#[test]
fn a_full_disk_refuses_the_batch_and_the_next_one_is_taken_when_space_returns() {
    let disk = SimDisk::new(3);
    let Opened { mut committer, preparer, published, .. } = opened(&disk);
    disk.set_capacity(Some(0));
    let (refused, answer) = batch(&preparer, &published, "a");
    // The file that is open has its space reserved, so it takes frames until it is full.
    committer.commit(vec![refused]).expect("no error of the store's own");
    let first = answer.recv().expect("answered");
    disk.set_capacity(None);
    let (taken, answer) = batch(&preparer, &published, "b");
    committer.commit(vec![taken]).expect("commits");
    answer.recv().expect("answered").expect("recorded");
    let expected = 1 + usize::from(first.is_ok());
    assert_eq!(visible_events(&published), expected);
}

/// A batch was prepared, two generations became segments, and then a segment could not be read while
/// the batch's ids were looked up again. The failed look-up counted as "not known": the event was
/// recorded a second time, and the replay, whose look-up succeeded, came to another result.
#[test]
fn a_batch_whose_ids_cannot_be_looked_up_again_is_refused() {
    let disk = SimDisk::new(4);
    let mut opened = opened(&disk);
    let (first, answer) = batch(&opened.preparer, &opened.published, "e0");
    opened.committer.commit(vec![first]).expect("commits");
    answer.recv().expect("answered").expect("recorded");
    let (again, answer) = batch(&opened.preparer, &opened.published, "e0");
    for n in 1..4 {
        pack(&mut opened);
        let (next, answer) = batch(&opened.preparer, &opened.published, &format!("e{n}"));
        opened.committer.commit(vec![next]).expect("commits");
        answer.recv().expect("answered").expect("recorded");
    }
    disk.inject(Fault::Eio, Calls::of(CallKind::ReadAt).on("segments/"));
    opened.committer.commit(vec![again]).expect("no error of the store's own");
    assert_eq!(answer.recv().expect("answered"), Err(CommitError::Busy));
    assert_eq!(opened.published.directory.by_name("acme").expect("known").edge.size(), 4);
}

/// A pack that was asked for while another was under way was forgotten: what came meanwhile stayed
/// in recent until the next one asked.
#[test]
fn a_pack_asked_for_during_a_pack_follows_it() {
    let disk = SimDisk::new(5);
    let mut opened = opened(&disk);
    let take = |opened: &mut Opened, id| {
        let (event, answer) = batch(&opened.preparer, &opened.published, id);
        opened.committer.commit(vec![event]).expect("commits");
        answer.recv().expect("answered").expect("recorded");
    };
    take(&mut opened, "e0");
    opened.committer.freeze_now();
    take(&mut opened, "e1");
    opened.committer.freeze_now();
    take(&mut opened, "e2");
    assert_eq!(visible_events(&opened.published), 3);
    finish_pack(&mut opened);
    finish_pack(&mut opened);
    let view = opened.published.view();
    assert_eq!(view.segments.iter().map(|segment| segment.rows()).collect::<Vec<_>>(), [1, 2]);
    assert!(opened.committer.take_pack_job().is_none(), "nothing is left to pack");
}

/// Packs what is recent, as the background thread does.
fn pack(opened: &mut Opened) {
    opened.committer.freeze_now();
    finish_pack(opened);
}

fn finish_pack(opened: &mut Opened) {
    let job = opened.committer.take_pack_job().expect("something to pack");
    let proposal = opened.packer.pack(&job).expect("packs");
    let decision = Batch {
        records: proposal.record,
        events: Vec::new(),
        record_count: 1,
        wanted: Vec::new(),
        hits: Vec::new(),
        sealed: Vec::new(),
        heads: Vec::new(),
        pack_epoch: u64::MAX - 1,
        outcome_lists: 0,
        reply: Box::new(|answer| drop(answer.expect("recorded"))),
    };
    opened.committer.commit(vec![decision]).expect("commits");
}
