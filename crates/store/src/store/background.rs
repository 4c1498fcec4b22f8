//! The background thread: packs, snapshots, compacts, purges, erases, and removes what nobody needs.
//!
//! It proposes and the fold decides (`pack.rs`, `purge.rs`, `erase.rs`); this file only says in which order, and
//! what is tried again. What recent waits for comes first: a pack is never behind a purge or a merge,
//! which are written beside this thread (`beside.rs`), nor behind more than one step of an erasure,
//! which is done here. No two threads write the same segments again: an erasure waits for what is
//! written beside, and nothing begins there during its step. Merges and purges take turns where both are
//! due, and what failed lets the other go first; only while packs follow fast on each other, merges wait
//! for a pause, until too many segments wait for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use proofbook_event::Timestamp;

use super::beside::{Beside, Ended};
use super::{Counters, Message, Work, decision_batch, into_batch};
use crate::aside::{self, Aside};
use crate::clock::GuardedClock;
use crate::commit::{Batch, CommitError, PackJob, Published, Reply};
use crate::erase::{self, Due, EraseProposal, Eraser};
use crate::fold::Outcome;
use crate::log::Position;
use crate::pack::{PackError, Packer, Proposal, Written};
use crate::prepare::Preparer;
use crate::purge::{PurgeProposal, Purged, Purger, Settling};
use crate::segment::SegmentError;

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
    /// The merge or the purge that is under way.
    pub(super) beside: Beside,
    /// Whether what ended beside last did not become live, and nothing else was looked at since.
    pub(super) has_failed: bool,
}

/// What took its turn beside this thread.
#[derive(Clone, Copy)]
enum Turn {
    Merge,
    Purge,
}

impl BackgroundThread {
    pub(super) fn run(mut self) {
        let mut has_more = false;
        loop {
            let mut ended = None;
            match self.work.recv_timeout(self.pause(has_more)) {
                Ok(Work::Pack(job)) => {
                    self.has_asked = false;
                    self.pack(*job);
                    self.note_rush();
                    self.compact();
                }
                Ok(Work::Ended) => ended = self.take_ended(),
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
            has_more = !self.beside.is_busy() && self.erase();
            if !has_more {
                self.begin_beside(ended);
            }
            self.settle(has_more || self.beside.is_purging());
            self.attempt(|packer| packer.sweep());
            self.complete();
            self.count();
        }
        self.stopping.store(true, Ordering::Relaxed);
        // What was not proposed is made again after the next start.
        drop(self.beside.take());
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
        let unsettled = self.settling.is_wanted() || self.beside.is_purging();
        self.counters.unsettled.store(unsettled.into(), Ordering::Relaxed);
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
            self.compact();
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

    /// Lets what is due begin where there is room for it. After a merge a purge goes first, and the other
    /// way round, so that neither waits for all of the other.
    fn begin_beside(&mut self, ended: Option<(Turn, bool)>) {
        if self.beside.is_busy() {
            return;
        }
        let Some((turn, is_live)) = ended else {
            self.has_failed = false;
            return self.purge();
        };
        // Where the other fails too, on a full disk, both wait for the next look.
        let failed_before = std::mem::replace(&mut self.has_failed, !is_live);
        match turn {
            _ if !is_live && failed_before => {}
            Turn::Merge => {
                self.purge();
                if is_live {
                    self.compact();
                }
            }
            Turn::Purge => {
                self.compact();
                if is_live {
                    self.purge();
                }
            }
        }
    }

    /// Begins to merge what is due, if there is room.
    fn compact(&mut self) {
        let may_wait = self.is_rushed && !self.packer.compaction_presses();
        if self.beside.is_busy() || may_wait {
            return;
        }
        if let Some(inputs) = self.packer.compaction_due() {
            self.beside.merge(self.packer.compaction(inputs));
        }
    }

    /// Begins to purge one segment if one is due and there is room.
    fn purge(&mut self) {
        let is_allowed =
            self.clock.purge_allowed() && !self.counters.failed.load(Ordering::Relaxed);
        if self.beside.is_busy() || !is_allowed {
            return;
        }
        let now = self.clock.now_micros();
        let due = self.purger.due(&self.published, &self.preparer, now).map_err(PackError::from);
        if let Some(plan) = self.attempt(|_| due).flatten() {
            // From here on until its old bytes are gone, nobody may see the store as settled.
            self.counters.unsettled.store(1, Ordering::Relaxed);
            self.beside.purge(self.packer.begin_purge(plan));
        }
    }

    /// Decides on what was made beside; tells what it was, and whether it is live.
    fn take_ended(&mut self) -> Option<(Turn, bool)> {
        Some(match self.beside.take()? {
            Ended::Merge(merged) => {
                let merged = merged.and_then(|merged| {
                    self.packer.count_merged(&merged);
                    self.attempt(|_| merged)
                });
                (Turn::Merge, merged.is_some_and(|proposal| self.decide_merged(&proposal)))
            }
            Ended::Purge(purged) => {
                let purged = purged.and_then(|purged| self.attempt(|_| purged));
                (Turn::Purge, purged.is_some_and(|purged| self.decide_purged(purged)))
            }
        })
    }

    /// Tells whether a merged segment is live now; one that is not goes again.
    fn decide_merged(&mut self, proposal: &Proposal) -> bool {
        let decided = self.decide(proposal);
        self.drop_refused(decided, proposal);
        decided == Decided::Taken
    }

    /// Tells whether a purged segment is live now.
    fn decide_purged(&mut self, purged: Purged) -> bool {
        let PurgeProposal { prepared, proposal, .. } =
            self.packer.propose_purge(purged, &self.preparer);
        let (batch, _) = into_batch(prepared);
        self.decide_rewritten(batch, &proposal) == Decided::Taken
    }

    /// Lets the files of a segment go that the log did not get. Where the store stops, the log may have
    /// its record all the same, and the next start knows.
    fn drop_refused(&mut self, decided: Decided, proposal: &Proposal) {
        if decided == Decided::NoSpace {
            self.packer.retire(&[proposal.entry.id()]);
        }
    }

    /// Packs until it succeeds: the events stay in the log and in recent meanwhile, and ingest is
    /// refused when recent is full. On a full disk the reserve is what it succeeds with, once nobody
    /// else writes.
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
                    // What is written beside would take the space, and keep it until it is decided on.
                    if !self.beside.is_writing() {
                        self.packer.give_up_reserve();
                    }
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
