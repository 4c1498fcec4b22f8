//! The background thread: packs, snapshots, compacts, purges, erases, and removes what nobody needs.
//!
//! It proposes and the fold decides (`pack.rs`, `purge.rs`, `erase.rs`); this file only says in which order, and
//! what is tried again. What recent waits for comes first: a pack is never behind more than one segment
//! that is purged or erased, and never behind a merge, which has a thread of its own. No two threads
//! write the same segments again: purges and erasures wait for a merge, and where there are more of
//! them to do, merging happens in line. While packs follow fast on each other, merges wait for a pause,
//! until too many segments wait for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use proofbook_event::Timestamp;

use super::{Counters, Message, Work, decision_batch, into_batch};
use crate::aside::{self, Aside};
use crate::clock::GuardedClock;
use crate::commit::{Batch, CommitError, PackJob, Published, Reply};
use crate::erase::{self, Due, EraseProposal, Eraser};
use crate::fold::Outcome;
use crate::log::Position;
use crate::pack::{PackError, Packer, Proposal, Written};
use crate::prepare::Preparer;
use crate::purge::{PurgeProposal, Purger, Settling};
use crate::segment::{Segment, SegmentError};

/// How long background work waits after it failed, for instance for lack of space.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Longest and shortest time between two looks at what is to be purged.
const TEND_EVERY_MAX: Duration = Duration::from_secs(60);
const TEND_EVERY_MIN: Duration = Duration::from_millis(50);
/// How long an answer to a request to settle may take before it is asked again.
const SETTLE_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// Packs that follow on each other within this time leave the processor no room for merging.
const RUSH: Duration = Duration::from_secs(5);

/// Segments that may be written again before what they replaced is left behind: each stays on disk,
/// whole, until then.
const REWRITES_SETTLED_TOGETHER: u32 = 4;

/// What became of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decided {
    /// Its record is durable and folded.
    Taken,
    /// Its record is durable and the fold did not take it.
    Fell,
    /// The log had no space; it may be proposed again.
    NoSpace,
    /// The store stops.
    Stopped,
}

pub(super) struct BackgroundThread {
    pub(super) packer: Packer,
    pub(super) work: Receiver<Work>,
    pub(super) commit: SyncSender<Message>,
    pub(super) counters: Arc<Counters>,
    pub(super) reserve_bytes: u64,
    /// Whether what does not succeed now is left to the next process.
    pub(super) stopping: Arc<AtomicBool>,
    pub(super) purger: Purger,
    pub(super) settling: Settling,
    pub(super) eraser: Eraser,
    /// The erasure that waits until no file is older than a frame.
    pub(super) leaving_behind: Option<(u64, Position)>,
    pub(super) preparer: Arc<Preparer>,
    pub(super) published: Arc<Published>,
    pub(super) clock: Arc<GuardedClock>,
    /// Whether a request to settle is not answered yet.
    pub(super) has_asked: bool,
    /// Whether an erasure is running.
    pub(super) is_erasing: bool,
    /// Segments that were written again since it was asked for to settle.
    pub(super) unsettled_rewrites: u32,
    /// The newest frame when last nothing came for a while.
    pub(super) seen_at: Position,
    /// When recent was packed last, by the guarded clock, and whether that was soon after the time before.
    pub(super) packed_at: i64,
    pub(super) is_rushed: bool,
    /// How the merging thread says that it ended.
    pub(super) back: mpsc::Sender<Work>,
    pub(super) merging: Option<JoinHandle<Result<Proposal, PackError>>>,
}

/// Tells the background thread that the merging thread ended, however it did.
struct Ended(mpsc::Sender<Work>);

impl Drop for Ended {
    fn drop(&mut self) {
        // Nobody waits for it once the store stops.
        let _ = self.0.send(Work::Merged);
    }
}

impl BackgroundThread {
    pub(super) fn run(mut self) {
        let mut has_more = false;
        loop {
            let mut has_merged = false;
            match self.work.recv_timeout(self.pause(has_more)) {
                Ok(Work::Pack(job)) => {
                    self.has_asked = false;
                    self.pack(*job);
                    self.note_rush();
                    self.compact(has_more || self.is_erasing);
                }
                Ok(Work::Merged) => has_merged = self.take_merged(),
                Ok(Work::Snapshot(job)) => {
                    self.has_asked = false;
                    if let Some(Some(before)) = self.attempt(|packer| packer.snapshot_alone(*job)) {
                        let _ = self.commit.send(Message::Release(before));
                    }
                }
                Ok(Work::Rotated(position)) => {
                    self.settling.rotated_at(position);
                    continue;
                }
                Ok(Work::Tend) => {}
                Ok(Work::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.has_asked = false;
                    self.look_idle();
                }
            }
            if self.stopping.load(Ordering::Relaxed) {
                continue;
            }
            has_more = self.merging.is_none() && (self.erase() || self.purge());
            // One merge after the other, but not before what waited for the first.
            if has_merged && !has_more {
                self.compact(self.is_erasing);
            }
            self.settle(has_more);
            self.attempt(|packer| packer.sweep());
            self.complete();
            self.count();
        }
        self.stopping.store(true, Ordering::Relaxed);
        if let Some(merging) = self.merging.take() {
            // A panic was reported where it happened.
            let _ = merging.join();
        }
    }

    /// Returns how long nothing may come before the thread looks what is to be done.
    fn pause(&self, has_more: bool) -> Duration {
        if has_more {
            return Duration::ZERO;
        }
        let waits = self.is_rushed || self.packer.waits_for_snapshots();
        if waits || self.settling.is_wanted() || self.is_erasing {
            return SETTLE_AGAIN_AFTER;
        }
        let every = self.purger.settle_after_micros() / 10;
        Duration::from_micros(every.unsigned_abs()).clamp(TEND_EVERY_MIN, TEND_EVERY_MAX)
    }

    fn count(&self) {
        let Written { packed_rows, compacted_rows, purged_rows, rewritten_rows } =
            self.packer.written;
        self.counters.packed_rows.store(packed_rows, Ordering::Relaxed);
        self.counters.compacted_rows.store(compacted_rows, Ordering::Relaxed);
        self.counters.purged_rows.store(purged_rows, Ordering::Relaxed);
        self.counters.rewritten_rows.store(rewritten_rows, Ordering::Relaxed);
        self.counters.unsettled.store(self.settling.is_wanted().into(), Ordering::Relaxed);
    }

    /// While events come, packs bring the snapshots that let merged segments go. When none come, they
    /// are asked for, so that a store at rest does not keep its events twice; and what waited for a
    /// pause is merged.
    fn look_idle(&mut self) {
        let here = self.published.view().position;
        if std::mem::replace(&mut self.seen_at, here) != here {
            return;
        }
        if std::mem::take(&mut self.is_rushed) {
            self.compact(self.is_erasing);
        }
        if self.packer.waits_for_snapshots() && !self.settling.is_wanted() {
            self.settling.want(here);
        }
    }

    fn note_rush(&mut self) {
        let now = self.clock.now_micros();
        let before = std::mem::replace(&mut self.packed_at, now);
        self.is_rushed = u128::from(now.abs_diff(before)) < RUSH.as_micros();
    }

    /// Merges what is due: on a thread of its own, or in line, one merge after the other.
    fn compact(&mut self, in_line: bool) {
        let may_wait = self.is_rushed && !in_line && !self.packer.compaction_presses();
        if self.merging.is_some() || may_wait {
            return;
        }
        while let Some(inputs) = self.packer.compaction_due() {
            if !in_line {
                return self.merge_beside(inputs);
            }
            let Some(proposal) = self.attempt(|packer| packer.compact(&inputs)) else { break };
            drop(inputs);
            if !self.decide_merged(&proposal) {
                break;
            }
            drop(proposal);
            self.attempt(|packer| packer.sweep());
        }
    }

    fn merge_beside(&mut self, inputs: Vec<Arc<Segment>>) {
        let compaction = self.packer.compaction(inputs);
        let (ended, stopping) = (Ended(self.back.clone()), self.stopping.clone());
        let merge = move || {
            let _ended = ended;
            compaction.run(&stopping)
        };
        // Without a thread it is tried again after the next pack.
        self.merging = std::thread::Builder::new().name("merge".to_owned()).spawn(merge).ok();
    }

    /// Decides on what the merging thread made; tells whether it is live.
    fn take_merged(&mut self) -> bool {
        // A panic was reported where it happened.
        let Some(Ok(merged)) = self.merging.take().map(JoinHandle::join) else { return false };
        self.packer.count_merged(&merged);
        self.attempt(|_| merged).is_some_and(|proposal| self.decide_merged(&proposal))
    }

    /// Tells whether a merged segment is live now; one that is not goes again.
    fn decide_merged(&mut self, proposal: &Proposal) -> bool {
        let decided = self.decide(proposal);
        self.drop_refused(decided, proposal);
        decided == Decided::Taken
    }

    /// Lets the files of a segment go that the log did not get. Where the store stops, the log may have
    /// its record all the same, and the next start knows.
    fn drop_refused(&mut self, decided: Decided, proposal: &Proposal) {
        if decided == Decided::NoSpace {
            self.packer.retire(&[proposal.entry.id()]);
        }
    }

    /// Packs until it succeeds: the events stay in the log and in recent meanwhile, and ingest is
    /// refused when recent is full. On a full disk the reserve is what it succeeds with.
    fn pack(&mut self, mut job: PackJob) {
        self.attempt(|packer| packer.write_workspaces(&mut job));
        let mut proposal = None;
        let entry = loop {
            if self.counters.failed.load(Ordering::Relaxed) {
                return;
            }
            if proposal.is_none() {
                proposal = self.attempt(|packer| packer.pack(&job));
            }
            match proposal.as_ref().map(|proposal| (proposal.entry, self.decide(proposal))) {
                Some((entry, Decided::Taken)) => break entry,
                Some((_, Decided::Stopped)) => return,
                _ if self.stopping.load(Ordering::Relaxed) => return,
                _ => {
                    self.packer.give_up_reserve();
                    std::thread::sleep(RETRY_AFTER);
                }
            }
        };
        if let Some(Some(before)) = self.attempt(|packer| packer.snapshot(job, entry)) {
            let _ = self.commit.send(Message::Release(before));
        }
        self.packer.keep_reserve(self.reserve_bytes);
    }

    /// Takes the next step of an erasure; tells whether there may be more at once.
    fn erase(&mut self) -> bool {
        if self.counters.failed.load(Ordering::Relaxed) {
            return false;
        }
        let now = self.clock.now_micros();
        let (published, preparer) = (self.published.clone(), self.preparer.clone());
        let due = self.eraser.due(&published, &preparer, now).map_err(PackError::from);
        let due = self.attempt(|_| due).flatten();
        self.is_erasing = due.is_some();
        match due {
            None | Some(Due::Wait) => false,
            Some(Due::Pack) => {
                let _ = self.commit.send(Message::Freeze);
                false
            }
            Some(Due::Settle(id)) => {
                let here = published.view().position;
                let same = self.leaving_behind.filter(|(leaving, _)| *leaving == id);
                let (_, target) = *self.leaving_behind.insert(same.unwrap_or((id, here)));
                if !self.settling.is_wanted() && !self.is_left_behind(target) {
                    self.settling.want_file_gone(target);
                }
                false
            }
            Some(Due::Step(plan)) => {
                self.leaving_behind = None;
                let now = Timestamp::from_micros(now);
                let proposed = self.attempt(|packer| packer.erase(&plan, &preparer, now));
                let Some(EraseProposal { prepared, proposal }) = proposed else { return false };
                drop(plan);
                let (batch, _) = into_batch(prepared);
                self.decide_rewritten(batch, &proposal) == Decided::Taken
            }
        }
    }

    /// Ends an erasure when nothing older than its last step is left.
    fn complete(&mut self) {
        let Some((id, target)) = self.leaving_behind else { return };
        if self.settling.is_wanted() || !self.is_left_behind(target) {
            return;
        }
        let view = self.published.view();
        let Some(erasure) = view.config.erasures.get(&id) else { return };
        let now = Timestamp::from_micros(self.clock.now_micros());
        match self.attempt(|packer| packer.clear_aside(erasure)) {
            Some(Aside::Clear) => {}
            Some(Aside::Decide(files)) => {
                let prepared = aside::removal(&self.published, &self.preparer, now, id, files);
                let (batch, _) = into_batch(prepared);
                // The next look removes them, whatever became of this.
                let _ = self.commit_and_wait(|reply| Batch { reply, ..batch });
                return;
            }
            None => return,
        }
        let prepared = erase::completed(&self.published, &self.preparer, now, id);
        let (batch, _) = into_batch(prepared);
        if self.commit_and_wait(|reply| Batch { reply, ..batch }).is_ok() {
            self.leaving_behind = None;
        }
    }

    fn is_left_behind(&mut self, position: Position) -> bool {
        self.attempt(|packer| packer.is_left_behind(position)).unwrap_or(false)
    }

    /// Purges one segment if one is due; tells whether there may be more.
    fn purge(&mut self) -> bool {
        if !self.clock.purge_allowed() || self.counters.failed.load(Ordering::Relaxed) {
            return false;
        }
        let now = self.clock.now_micros();
        let (published, preparer) = (self.published.clone(), self.preparer.clone());
        let due = self.purger.due(&published, &preparer, now).map_err(PackError::from);
        let Some(Some(plan)) = self.attempt(|_| due) else { return false };
        let proposed = self.attempt(|packer| packer.purge(plan, &preparer));
        let Some(PurgeProposal { prepared, proposal, .. }) = proposed else { return false };
        let (batch, _) = into_batch(prepared);
        self.decide_rewritten(batch, &proposal) == Decided::Taken
    }

    /// Asks for what lets old bytes go: after a purge, and when the log or a snapshot grew old.
    fn settle(&mut self, has_more: bool) {
        let (now, after) = (self.clock.now_micros(), self.purger.settle_after_micros());
        self.settling.look(&self.published, &self.packer, now, after);
        // Several purges in a row are settled together, but not so many that what they replaced fills
        // the disk.
        if self.has_asked || has_more && self.unsettled_rewrites < REWRITES_SETTLED_TOGETHER {
            return;
        }
        self.unsettled_rewrites = 0;
        if let Some(rotate) = self.settling.next(&self.packer) {
            self.has_asked = self.commit.send(Message::Settle(rotate)).is_ok();
        }
    }

    /// Puts a proposal into the log and waits until it is durable and folded.
    fn decide(&mut self, proposal: &Proposal) -> Decided {
        match self.commit_and_wait(|reply| decision_batch(proposal.record.clone(), reply)) {
            Ok(_) => {
                self.attempt(|packer| packer.accepted(proposal));
                Decided::Taken
            }
            Err(decided) => decided,
        }
    }

    /// Like [`BackgroundThread::decide`], for a record that the fold may not take: then no View names
    /// the segment.
    fn decide_rewritten(&mut self, batch: Batch, proposal: &Proposal) -> Decided {
        // Between the decision and what it asks for, nobody may see the store as settled.
        self.counters.unsettled.store(1, Ordering::Relaxed);
        let decided = self.commit_and_wait(|reply| Batch { reply, ..batch });
        match decided {
            Ok(_) if !self.is_live(proposal.entry.id()) => {
                self.packer.retire(&[proposal.entry.id()]);
                Decided::Fell
            }
            Ok(_) => {
                self.unsettled_rewrites += 1;
                self.attempt(|packer| packer.accepted(proposal));
                self.settling.want(self.published.view().position);
                Decided::Taken
            }
            Err(decided) => {
                self.drop_refused(decided, proposal);
                decided
            }
        }
    }

    fn is_live(&self, segment: u64) -> bool {
        let view = self.published.view();
        view.segments.iter().any(|live| live.files().name == segment)
    }

    fn commit_and_wait(
        &mut self,
        batch: impl FnOnce(Reply) -> Batch,
    ) -> Result<Vec<Outcome>, Decided> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let reply: Reply = Box::new(move |outcome| {
            let _ = sender.send(outcome);
        });
        if self.commit.send(Message::Batch(batch(reply))).is_err() {
            return Err(Decided::Stopped);
        }
        match receiver.recv() {
            Ok(Ok(outcomes)) => Ok(outcomes),
            Ok(Err(CommitError::NoSpace | CommitError::Busy)) => Err(Decided::NoSpace),
            Ok(Err(_)) | Err(_) => Err(Decided::Stopped),
        }
    }

    fn attempt<T>(&mut self, step: impl FnOnce(&mut Packer) -> Result<T, PackError>) -> Option<T> {
        match step(&mut self.packer) {
            Ok(done) => Some(done),
            Err(PackError::Segment(SegmentError::Stopped)) => None,
            Err(error) => {
                self.counters.background_failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(error = &error as &dyn std::error::Error, "background work failed");
                None
            }
        }
    }
}
