//! Seats: which place of a workspace's leaf keys is given out next, in this process.
//!
//! A run of leaf keys has a fixed number of places. A run, and a workspace itself, that nothing durable
//! has yet is recorded again by every batch that uses it, so batches may reach the log in any order.
//! Until then a seat is *open* and holds what is to be recorded. After it the seat is *settled*: twelve
//! bytes say where it stands, and the run's keys are taken from the directory, which has them anyway.
//!
//! Invariant: no (run, k) is ever given twice, also not after a crash, since every process begins new
//! runs. The directory is read under the seats' lock: whoever settled a seat saw the workspace in it, so
//! whoever comes later sees it, too, and never begins another workspace of the same name.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proofbook_ledger::prf::RUN_SLOTS;
use proofbook_ledger::{KeyRange, NonceKey, RunSeed, Slot, WorkspaceUid};

use crate::fold::{RunSecret, Workspace};
use crate::plant::{self, Plant};
use crate::random::Random;
use crate::view::Directory;

/// Most workspaces whose next keys are kept, mostly 1.6 KiB each.
const READY_KEYS_MAX: usize = 1024;

/// One run of leaf keys.
#[derive(Clone)]
pub(crate) struct SeatRun {
    pub(crate) number: u32,
    pub(crate) seed: RunSeed,
    pub(crate) nonce_key: NonceKey,
}

/// Consecutive places of one run.
pub(crate) struct Places {
    pub(crate) run: SeatRun,
    pub(crate) first: Slot,
    pub(crate) count: u16,
}

/// What a batch gets of one workspace.
pub(crate) struct Taken {
    pub(crate) uid: WorkspaceUid,
    /// What the directory knows of it, and its index there; `None` before its first frame.
    pub(crate) durable: Option<(u32, Arc<Workspace>)>,
    pub(crate) places: Vec<Places>,
    /// Runs that it must record, because nothing durable has them yet.
    pub(crate) begun: Vec<SeatRun>,
    /// Keys of the first of `places` and its neighbours, if they are at hand.
    pub(crate) ready: Option<Arc<KeyRange>>,
}

/// Keys that a batch derived: of its last place and the neighbours of that.
pub(crate) struct LeftKeys {
    /// The workspace's name.
    pub(crate) name: Arc<str>,
    /// Its index in the directory when the places were taken.
    pub(crate) index: Option<u32>,
    pub(crate) uid: WorkspaceUid,
    /// The run that they are of.
    pub(crate) run: u32,
    pub(crate) keys: Arc<KeyRange>,
}

/// The seats of all workspaces that were written to in this process.
pub(crate) struct Seats {
    random: Arc<dyn Random>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// By the workspace's index in the directory.
    settled: Vec<Option<Settled>>,
    open: HashMap<Arc<str>, Seat>,
    /// The open seats' names, those opened first in front; some may be settled already.
    waiting: VecDeque<Arc<str>>,
    /// What batches left of a seat's run. Keys are derived many at once, which is cheaper for each: most
    /// batches have few events of a workspace, and find the keys of theirs here.
    ready: HashMap<WorkspaceUid, ReadyKeys>,
}

/// The furthest keys that some batch derived of a run.
struct ReadyKeys {
    run: u32,
    keys: Arc<KeyRange>,
}

/// Where a seat stands whose run is durable.
#[derive(Clone, Copy)]
struct Settled {
    run: u32,
    /// The next free place.
    next_k: u16,
}

const _: () = assert!(size_of::<Option<Settled>>() <= 12);

/// A seat with all that is needed to give places out.
struct Seat {
    uid: WorkspaceUid,
    /// Runs begun here and not known durable yet, by ascending number, and last the one in use.
    ///
    /// A batch records all of them: the one that first used a run may reach the log later, or never.
    runs: Vec<SeatRun>,
    /// The next free place of the run in use.
    next_k: u16,
}

impl Seats {
    /// Begins without runs: places of earlier processes are never used again.
    pub(crate) fn new(random: Arc<dyn Random>) -> Self {
        Self { random, table: Mutex::default() }
    }

    /// Takes places for `count` of a workspace's events; without events nothing is begun.
    pub(crate) fn take(&self, directory: &Directory, name: &str, count: usize) -> Taken {
        let mut guard = self.lock();
        let table = &mut *guard;
        table.settle_some(directory);
        let durable = directory.find(name);
        let known = durable.as_ref().map(|(index, workspace)| (*index, &**workspace));
        let durable_runs = known.map_or(0, |(_, workspace)| run_count(workspace));
        let mut seated = None;
        let seat = match table.open.get_mut(name) {
            Some(seat) => seat,
            None => seated.insert(self.sit(&table.settled, known)),
        };
        let places = self.places(seat, count);
        let ready = places.first().and_then(|first| {
            let ready = table.ready.get(&seat.uid)?;
            if ready.run != first.run.number {
                // Of a run that is over, or that events were erased of, no key is needed again.
                table.ready.remove(&seat.uid);
                return None;
            }
            ready.keys.has(first.first).then(|| ready.keys.clone())
        });
        let in_use = seat.in_use();
        seat.runs.retain(|run| run.number >= durable_runs || run.number == in_use);
        let is_new = |run: &&SeatRun| count > 0 && run.number >= durable_runs;
        let begun = seat.runs.iter().filter(is_new).cloned().collect();
        let uid = seat.uid;
        let settled = known.map(|(_, workspace)| seat.settled_in(workspace));
        match known.zip(settled) {
            Some(((index, _), settled)) if in_use < durable_runs => {
                table.settle(index, settled);
                table.open.remove(name);
            }
            _ => {
                if let Some(seat) = seated {
                    // Where it stood says nothing any more.
                    known.into_iter().for_each(|(index, _)| table.settle(index, None));
                    table.leave_open(name, seat);
                }
            }
        }
        drop(guard);
        Taken { uid, durable, places, begun, ready }
    }

    /// Takes further places for a batch that has some of a workspace's run already; returns the first of
    /// them. `None` unless the run is durable, in use and has as many left: then [`Seats::take`] is asked.
    ///
    /// Should events of the run be erased meanwhile, these places are like those that the batch has from
    /// before: what is left of a run still seals all of its other places.
    pub(crate) fn go_on(&self, index: u32, run: u32, count: usize) -> Option<Slot> {
        let mut table = self.lock();
        let seat =
            table.settled.get_mut(index as usize)?.as_mut().filter(|seat| seat.run == run)?;
        let first = Slot::new(seat.next_k)?;
        let next_k = usize::from(seat.next_k) + count;
        if next_k > usize::from(RUN_SLOTS) {
            return None;
        }
        seat.next_k = next_k as u16;
        Some(first)
    }

    /// Keeps keys that a batch derived, for those that go on in the same run.
    pub(crate) fn keep(&self, left: impl Iterator<Item = LeftKeys>) {
        let mut table = self.lock();
        for LeftKeys { name, index, uid, run, keys } in left {
            let goes_on = table.stands_at(&name, index).is_some_and(|at| at.run == run);
            let known = table.ready.get(&uid).filter(|ready| ready.run == run);
            if !goes_on || known.is_some_and(|ready| !ready.keys.ends_before(&keys)) {
                continue;
            }
            if table.ready.len() >= READY_KEYS_MAX {
                // Those that are written to come back.
                table.ready.clear();
            }
            table.ready.insert(uid, ReadyKeys { run, keys });
        }
    }

    /// Makes the seat of a workspace that has no open one.
    fn sit(&self, settled: &[Option<Settled>], known: Option<(u32, &Workspace)>) -> Seat {
        let Some((index, workspace)) = known else {
            let uid = WorkspaceUid(self.random_bytes());
            return Seat { uid, runs: vec![self.new_run(0)], next_k: 0 };
        };
        let uid = workspace.uid;
        let settled = settled.get(index as usize).copied().flatten();
        let goes_on = settled.and_then(|Settled { run: number, next_k }| {
            let durable = workspace.runs.get(number as usize)?;
            // Of a run that events were erased of, the root that gives places out is gone.
            let RunSecret::Whole(seed) = &durable.secret else { return None };
            let (seed, nonce_key) = (seed.clone(), durable.nonce_key.clone());
            Some(Seat { uid, runs: vec![SeatRun { number, seed, nonce_key }], next_k })
        });
        goes_on.unwrap_or_else(|| {
            let used_again = u32::from(plant::is_on(Plant::RunUsedAgain));
            let number = run_count(workspace).saturating_sub(used_again);
            Seat { uid, runs: vec![self.new_run(number)], next_k: 0 }
        })
    }

    fn places(&self, seat: &mut Seat, count: usize) -> Vec<Places> {
        let mut places = Vec::new();
        let mut left = count;
        while left > 0 {
            let run = seat.runs.last().expect("the run in use is never taken out");
            let free = usize::from(RUN_SLOTS - seat.next_k);
            let Some(first) = Slot::new(seat.next_k).filter(|_| free > 0) else {
                let next = self.new_run(run.number + 1);
                seat.runs.push(next);
                seat.next_k = 0;
                continue;
            };
            let taken = left.min(free) as u16;
            places.push(Places { run: run.clone(), first, count: taken });
            seat.next_k += taken;
            left -= usize::from(taken);
        }
        places
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Every change leaves the seats consistent before anything can panic.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_run(&self, number: u32) -> SeatRun {
        SeatRun {
            number,
            seed: RunSeed::from_bytes(self.random_bytes()),
            nonce_key: NonceKey::from_bytes(self.random_bytes()),
        }
    }

    fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }
}

/// Returns how many runs of a workspace are durable.
fn run_count(workspace: &Workspace) -> u32 {
    workspace.runs.len() as u32
}

impl Seat {
    /// Returns the number of the run that places are given of.
    fn in_use(&self) -> u32 {
        self.runs.last().map_or(0, |run| run.number)
    }

    /// Returns where it stands, if the durable run in use is the one that was begun here.
    fn settled_in(&self, workspace: &Workspace) -> Option<Settled> {
        let run = self.runs.last()?;
        let durable = &workspace.runs.get(run.number as usize)?.secret;
        let is_ours = matches!(durable, RunSecret::Whole(seed) if *seed == run.seed);
        is_ours.then_some(Settled { run: run.number, next_k: self.next_k })
    }
}

impl Table {
    fn settle(&mut self, index: u32, seat: Option<Settled>) {
        let place = index as usize;
        if place >= self.settled.len() {
            self.settled.resize(place + 1, None);
        }
        self.settled[place] = seat;
    }

    fn leave_open(&mut self, name: &str, seat: Seat) {
        let name: Arc<str> = name.into();
        self.waiting.push_back(name.clone());
        self.open.insert(name, seat);
    }

    /// Settles what has become durable of the seats that were opened first. Two for each one that is
    /// taken, so that a hundred thousand workspaces with one batch each do not stay open.
    fn settle_some(&mut self, directory: &Directory) {
        for _ in 0..2 {
            let Some(name) = self.waiting.pop_front() else { return };
            let Some(seat) = self.open.get(&name) else { continue };
            match directory.find(&name) {
                Some((index, workspace)) if seat.in_use() < run_count(&workspace) => {
                    let settled = seat.settled_in(&workspace);
                    self.settle(index, settled);
                    self.open.remove(&name);
                }
                _ => return self.waiting.push_back(name),
            }
        }
    }

    /// Returns where a workspace's seat stands.
    fn stands_at(&self, name: &str, index: Option<u32>) -> Option<Settled> {
        if let Some(seat) = self.open.get(name) {
            let run = seat.runs.last()?.number;
            return Some(Settled { run, next_k: seat.next_k });
        }
        self.settled.get(index? as usize).copied().flatten()
    }
}

#[cfg(test)]
mod tests;
