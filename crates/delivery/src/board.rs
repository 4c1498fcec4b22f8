//! Where every destination stands, in memory: cursors ahead of what the log knows, and how it goes.
//!
//! What was told is marked here at once and goes into the log in batches (`Board::take_news`). A
//! crash in between forgets the marks, and the messages are sent again under the same ids.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use proofbook_ledger::WorkspaceUid;
use proofbook_store::delivered::{Cursor, DeadLetter, Progress, REASON_BYTES_MAX};
use tokio::time::Instant;

use crate::limits;

/// The board.
#[derive(Debug, Default)]
pub struct Board(Mutex<BTreeMap<String, Entry>>);

/// One destination.
#[derive(Debug, Default)]
struct Entry {
    places: HashMap<WorkspaceUid, Place>,
    dead: Vec<DeadLetter>,
    settled: Vec<(WorkspaceUid, u64)>,
    health: Health,
}

/// Where a destination stands in one workspace.
#[derive(Clone, Debug)]
struct Place {
    cursor: Cursor,
    news: News,
    refused: Option<Refused>,
    /// Nothing is tried before.
    wait_until: Option<Instant>,
    /// Why nothing is tried at all, such as an owner without an address.
    held: Option<String>,
}

/// What the log does not know yet of a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum News {
    #[default]
    None,
    /// Events were passed over that the filter does not take.
    Passed,
    /// A message was taken.
    Told,
}

/// A message that the receiver refused.
#[derive(Clone, Debug)]
struct Refused {
    seq: u64,
    attempts: u32,
}

/// How it goes with a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Messages taken since the start of the process.
    pub sent: u64,
    /// Failures since the start of the process.
    pub failed: u64,
    /// Failures in a row, up to now.
    pub failures: u32,
    /// When it began to fail, microseconds UTC.
    pub failing_since: Option<i64>,
    /// When a message was taken last, microseconds UTC.
    pub sent_at: Option<i64>,
    /// What went wrong last and when, microseconds UTC; kept after it works again.
    pub last_error: Option<(i64, String)>,
    /// When it is tried again, microseconds UTC.
    pub retry_at: Option<i64>,
    /// Why it does not run, as far as that lies in its settings.
    pub unusable: Option<String>,
    /// Workspaces of which nothing can be told for now, with the reason; at most 100.
    pub held: Vec<(WorkspaceUid, String)>,
}

/// What follows from a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterRefusal {
    /// It is tried again, for the n-th time.
    Again(u32),
    /// It is a dead letter, and the next event is due.
    GivenUp,
}

/// Workspaces named as held.
const HELD_SHOWN_MAX: usize = 100;

impl Board {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where a destination stands in a workspace, if anything is known here.
    pub(crate) fn cursor(&self, destination: &str, workspace: WorkspaceUid) -> Option<Cursor> {
        Some(self.entries().get(destination)?.places.get(&workspace)?.cursor)
    }

    /// Runs `look` over what is known of a destination's places: the cursor, and until when to wait.
    pub(crate) fn with_places<T>(
        &self,
        destination: &str,
        look: impl FnOnce(&dyn Fn(WorkspaceUid) -> Option<(Cursor, Option<Instant>)>) -> T,
    ) -> T {
        let entries = self.entries();
        let places = entries.get(destination).map(|entry| &entry.places);
        look(&|workspace| {
            let place = places?.get(&workspace)?;
            Some((place.cursor, place.wait_until))
        })
    }

    /// Moves a cursor; `told` when a message was taken, not only passed over.
    pub(crate) fn moved(
        &self,
        destination: &str,
        workspace: WorkspaceUid,
        cursor: Cursor,
        told: bool,
    ) {
        let mut entries = self.entries();
        let entry = entries.entry(destination.to_owned()).or_default();
        let place = entry.place(workspace, cursor);
        let known = (place.cursor.generation, place.cursor.next);
        if (cursor.generation, cursor.next) < known {
            // A replay began meanwhile.
            return;
        }
        place.cursor = cursor;
        place.refused = None;
        place.wait_until = None;
        place.held = None;
        place.news = place.news.max(if told { News::Told } else { News::Passed });
    }

    /// Lets a place wait, and says why when it is held.
    pub(crate) fn wait(
        &self,
        destination: &str,
        workspace: WorkspaceUid,
        cursor: Cursor,
        until: Instant,
        held: Option<String>,
    ) {
        let mut entries = self.entries();
        let place = entries.entry(destination.to_owned()).or_default().place(workspace, cursor);
        place.wait_until = Some(until);
        place.held = held;
    }

    /// Counts a refusal of one message.
    pub(crate) fn refused(
        &self,
        destination: &str,
        workspace: WorkspaceUid,
        cursor: Cursor,
        now: i64,
        why: &str,
    ) -> AfterRefusal {
        let mut entries = self.entries();
        let entry = entries.entry(destination.to_owned()).or_default();
        entry.health.failed += 1;
        entry.health.last_error = Some((now, short(why)));
        let place = entry.place(workspace, cursor);
        let attempts = match &place.refused {
            Some(refused) if refused.seq == cursor.next => refused.attempts + 1,
            _ => 1,
        };
        if attempts < limits::REFUSALS_MAX {
            place.refused = Some(Refused { seq: cursor.next, attempts });
            return AfterRefusal::Again(attempts);
        }
        place.refused = None;
        place.cursor = Cursor { next: cursor.next + 1, ..cursor };
        place.news = News::Told;
        let seq = cursor.next;
        let mut reason = short(why);
        reason.truncate(REASON_BYTES_MAX);
        entry.dead.push(DeadLetter { workspace, seq, at: now, attempts, reason });
        AfterRefusal::GivenUp
    }

    /// Notes that a dead letter was taken after all.
    pub(crate) fn settled(&self, destination: &str, workspace: WorkspaceUid, seq: u64) {
        let mut entries = self.entries();
        let entry = entries.entry(destination.to_owned()).or_default();
        entry.dead.retain(|dead| (dead.workspace, dead.seq) != (workspace, seq));
        entry.settled.push((workspace, seq));
        entry.health.sent += 1;
    }

    /// Changes the health of a destination.
    pub(crate) fn health(&self, destination: &str, change: impl FnOnce(&mut Health)) {
        change(&mut self.entries().entry(destination.to_owned()).or_default().health);
    }

    /// Returns the health of a destination.
    pub fn health_of(&self, destination: &str) -> Health {
        let entries = self.entries();
        let Some(entry) = entries.get(destination) else { return Health::default() };
        let held = entry.places.iter().filter_map(|(uid, place)| Some((*uid, place.held.clone()?)));
        Health { held: held.take(HELD_SHOWN_MAX).collect(), ..entry.health.clone() }
    }

    /// Returns the health of a destination without the workspaces that are held.
    pub(crate) fn brief(&self, destination: &str) -> Health {
        let entries = self.entries();
        entries.get(destination).map(|entry| entry.health.clone()).unwrap_or_default()
    }

    /// Takes what the log does not know yet: what was told, and with `all` also what was passed over.
    pub(crate) fn take_news(&self, all: bool) -> Vec<Progress> {
        let mut entries = self.entries();
        let mut news = Vec::new();
        for (destination, entry) in entries.iter_mut() {
            let mut progress = Progress { destination: destination.clone(), ..Progress::default() };
            let least = if all { News::Passed } else { News::Told };
            for (workspace, place) in &mut entry.places {
                if place.news >= least {
                    progress.cursors.push((*workspace, place.cursor));
                    place.news = News::None;
                }
            }
            progress.dead = std::mem::take(&mut entry.dead);
            progress.settled = std::mem::take(&mut entry.settled);
            if !progress.is_empty() {
                progress.cursors.sort_unstable_by_key(|(workspace, _)| *workspace);
                news.push(progress);
            }
        }
        news
    }

    /// Puts back what could not be recorded.
    pub(crate) fn give_back(&self, news: Vec<Progress>) {
        let mut entries = self.entries();
        for progress in news {
            let Some(entry) = entries.get_mut(&progress.destination) else { continue };
            for (workspace, _) in progress.cursors {
                if let Some(place) = entry.places.get_mut(&workspace) {
                    place.news = News::Told;
                }
            }
            entry.dead.splice(0..0, progress.dead);
            entry.settled.splice(0..0, progress.settled);
        }
    }

    /// Forgets a destination that is no more.
    pub(crate) fn forget(&self, destination: &str) {
        self.entries().remove(destination);
    }

    /// Tells whether some place of a destination waits for its time.
    pub(crate) fn is_waiting(&self, destination: &str) -> bool {
        let entries = self.entries();
        let places = entries.get(destination).map(|entry| entry.places.values());
        places.is_some_and(|mut places| places.any(|place| place.wait_until.is_some()))
    }

    /// Lets everything of a destination be tried at once.
    pub(crate) fn hurry(&self, destination: &str) {
        if let Some(entry) = self.entries().get_mut(destination) {
            for place in entry.places.values_mut() {
                place.wait_until = None;
            }
        }
    }
}

impl Entry {
    fn place(&mut self, workspace: WorkspaceUid, cursor: Cursor) -> &mut Place {
        self.places.entry(workspace).or_insert(Place {
            cursor,
            news: News::None,
            refused: None,
            wait_until: None,
            held: None,
        })
    }
}

/// Cuts a text at a character so that it fits into an error.
pub(crate) fn short(text: &str) -> String {
    let mut end = text.len().min(limits::ERROR_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests;
