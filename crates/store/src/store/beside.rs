//! What is written beside the background thread: one merge or one purge, on a thread of its own.
//!
//! There is room for one, since no two threads write the same segments again. The thread ends with its
//! work and says so, however it ended. A merge has the priority of everything else, for it makes queries
//! faster. Nobody waits for a purge but the clock, and it has days, so it gives way: to queries, to ingest
//! and to packs.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::thread::{Builder, JoinHandle};

use super::Work;
use crate::pack::{Compaction, PackError, Proposal};
use crate::priority;
use crate::purge::{Purge, Purged};

/// How much a purge gives way, from 0 to 19. Linux gives a thread of this niceness a quarter of a core
/// that one other thread keeps busy, so a purge goes on also on a machine that never rests.
const PURGE_NICENESS: i32 = 5;

/// The room for what is written beside the background thread.
pub(super) struct Beside {
    running: Option<Running>,
    back: mpsc::Sender<Work>,
    stopping: Arc<AtomicBool>,
}

enum Running {
    Merge(JoinHandle<Result<Proposal, PackError>>),
    Purge(JoinHandle<Result<Purged, PackError>>),
}

/// What ended, and what became of it: nothing when its thread panicked, which was reported there.
pub(super) enum Ended {
    Merge(Option<Result<Proposal, PackError>>),
    Purge(Option<Result<Purged, PackError>>),
}

/// Tells the background thread that the thread beside it ended.
struct TellsEnd(mpsc::Sender<Work>);

impl Drop for TellsEnd {
    fn drop(&mut self) {
        // Nobody waits for it once the store stops.
        let _ = self.0.send(Work::Ended);
    }
}

impl Beside {
    /// Makes the room; whoever ends in it sends [`Work::Ended`] back.
    pub(super) fn new(back: mpsc::Sender<Work>, stopping: Arc<AtomicBool>) -> Self {
        Self { running: None, back, stopping }
    }

    /// Tells whether something is under way, or ended and was not taken yet.
    pub(super) fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// Tells whether something may still be written.
    pub(super) fn is_writing(&self) -> bool {
        match &self.running {
            Some(Running::Merge(merge)) => !merge.is_finished(),
            Some(Running::Purge(purge)) => !purge.is_finished(),
            None => false,
        }
    }

    /// Tells whether a purge is under way, or ended and was not taken yet.
    pub(super) fn is_purging(&self) -> bool {
        matches!(self.running, Some(Running::Purge(_)))
    }

    /// Begins a merge; the room must be free. Without a thread nothing begins.
    pub(super) fn merge(&mut self, compaction: Compaction) {
        let merge = self.spawn("merge", move |stopping| compaction.run(stopping));
        self.running = merge.map(Running::Merge);
    }

    /// Begins a purge, as [`Beside::merge`].
    pub(super) fn purge(&mut self, purge: Purge) {
        let purge = self.spawn("purge", move |stopping| {
            priority::give_way(PURGE_NICENESS);
            purge.run(stopping)
        });
        self.running = purge.map(Running::Purge);
    }

    fn spawn<T: Send + 'static>(
        &self,
        name: &str,
        run: impl FnOnce(&AtomicBool) -> T + Send + 'static,
    ) -> Option<JoinHandle<T>> {
        debug_assert!(!self.is_busy());
        let (back, stopping) = (self.back.clone(), self.stopping.clone());
        let run = move || {
            let _tells = TellsEnd(back);
            run(&stopping)
        };
        Builder::new().name(name.to_owned()).spawn(run).ok()
    }

    /// Takes what ended, and makes room; waits for its end.
    pub(super) fn take(&mut self) -> Option<Ended> {
        Some(match self.running.take()? {
            Running::Merge(merge) => Ended::Merge(merge.join().ok()),
            Running::Purge(purge) => Ended::Purge(purge.join().ok()),
        })
    }
}
