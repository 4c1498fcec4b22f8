//! Crashing a running life on the side: at a call, the disk is copied as each kind of crash would
//! leave it, the copy is recovered and judged, and the life goes on as if nothing had happened.

use std::sync::{Arc, Mutex, MutexGuard};

use proofbook_store::clock::{Clock, SimClock};
use proofbook_store::commit::Published;
use proofbook_store::disk::sim::{CrashMode, SimDisk};
use proofbook_store::open::OpenError;

use crate::check;
use crate::dice::Dice;
use crate::disk::{DiskBug, Watch, WatchedDisk};
use crate::model::{Model, SentBatch};
use crate::process::{Process, Slot};

/// What clients know at any moment: what was settled, and what is on its way.
#[derive(Default)]
pub(crate) struct Journal {
    pub(crate) model: Model,
    pub(crate) flight: Vec<(SentBatch, Slot)>,
}

impl Journal {
    /// Returns the worlds that a crash now may leave, the present one first.
    ///
    /// A group is one frame, so it is there whole or not at all (I7); a batch that was answered must
    /// be there (I1).
    pub(crate) fn worlds(&self) -> Vec<Model> {
        if self.flight.is_empty() {
            return vec![self.model.clone()];
        }
        let mut with = self.model.clone();
        let mut is_acknowledged = false;
        for (batch, slot) in &self.flight {
            let answer = slot.lock().expect("no holder panics");
            match &*answer {
                Some(Ok(outcomes)) => {
                    is_acknowledged = true;
                    // What is wrong with an answer is found when the life takes it.
                    let _ = with.acknowledge(batch, outcomes);
                }
                None => drop(with.apply(batch)),
                Some(Err(proofbook_store::commit::CommitError::Unknown)) => {
                    drop(with.apply(batch));
                }
                Some(Err(_)) => {}
            }
        }
        if is_acknowledged { vec![with] } else { vec![self.model.clone(), with] }
    }
}

/// Figures of one life or many.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) lives: u64,
    pub(crate) recoveries: u64,
    pub(crate) nested: u64,
    pub(crate) refused: u64,
    pub(crate) events: u64,
    pub(crate) groups: u64,
    pub(crate) packs: u64,
    pub(crate) compactions: u64,
    pub(crate) snapshots: u64,
    pub(crate) releases: u64,
    pub(crate) heads: u64,
    pub(crate) crashes: u64,
    pub(crate) restarts: u64,
    pub(crate) faults: u64,
    pub(crate) no_space: u64,
    pub(crate) purges: u64,
    pub(crate) purges_dropped: u64,
    pub(crate) erasures: u64,
    pub(crate) erasure_steps: u64,
    pub(crate) erasures_complete: u64,
    pub(crate) asides_removed: u64,
    pub(crate) copies_refused: u64,
    pub(crate) searches: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.lives += other.lives;
        self.recoveries += other.recoveries;
        self.nested += other.nested;
        self.refused += other.refused;
        self.events += other.events;
        self.groups += other.groups;
        self.packs += other.packs;
        self.compactions += other.compactions;
        self.snapshots += other.snapshots;
        self.releases += other.releases;
        self.heads += other.heads;
        self.crashes += other.crashes;
        self.restarts += other.restarts;
        self.faults += other.faults;
        self.no_space += other.no_space;
        self.purges += other.purges;
        self.purges_dropped += other.purges_dropped;
        self.erasures += other.erasures;
        self.erasure_steps += other.erasure_steps;
        self.erasures_complete += other.erasures_complete;
        self.asides_removed += other.asides_removed;
        self.copies_refused += other.copies_refused;
        self.searches += other.searches;
    }
}

/// What the watcher of a disk and the life it watches share.
pub(crate) struct Side {
    journal: Mutex<Journal>,
    inner: Mutex<Inner>,
}

struct Inner {
    dice: Dice,
    clock: SimClock,
    bug: Option<DiskBug>,
    /// A call is a crash point once in so many.
    once_in: u64,
    published: Option<Arc<Published>>,
    tally: Tally,
    violation: Option<String>,
}

impl Side {
    pub(crate) fn new(seed: u64, clock: SimClock, bug: Option<DiskBug>, once_in: u64) -> Arc<Self> {
        Arc::new(Self {
            journal: Mutex::default(),
            inner: Mutex::new(Inner {
                dice: Dice::new(seed ^ 0x5eed_0fa5_1de0_b4a2),
                clock,
                bug,
                once_in,
                published: None,
                tally: Tally::default(),
                violation: None,
            }),
        })
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().expect("no holder panics")
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no holder panics")
    }

    pub(crate) fn watch(self: &Arc<Self>) -> Watch {
        let side = self.clone();
        Arc::new(move |disk| side.crash_point(disk))
    }

    /// Names what readers of the running process see; nothing of it may be lost (I6).
    pub(crate) fn shows(&self, published: Option<Arc<Published>>) {
        self.inner().published = published;
    }

    pub(crate) fn tally(&self) -> Tally {
        self.inner().tally
    }

    pub(crate) fn violation(&self) -> Option<String> {
        self.inner().violation.clone()
    }

    fn crash_point(&self, disk: &SimDisk) {
        let worlds = {
            let mut inner = self.inner();
            let once_in = inner.once_in;
            if inner.violation.is_some() || !inner.dice.once_in(once_in) {
                return;
            }
            self.journal().worlds()
        };
        let inner = &mut *self.inner();
        if let Err(reason) = inner.crash_here(disk, &worlds) {
            inner.violation =
                Some(format!("side crash before call {}: {reason}", disk.calls() + 1));
        }
    }
}

impl Inner {
    fn crash_here(&mut self, disk: &SimDisk, worlds: &[Model]) -> Result<(), String> {
        let everything_durable = disk.unsynced().is_empty();
        let mut modes = vec![CrashMode::LoseUnsynced];
        if !everything_durable {
            modes.extend(&CrashMode::POWER_CUTS[1..]);
            modes.push(CrashMode::ProcessOnly);
        }
        for mode in modes {
            let seed = self.dice.any();
            self.crash_as(disk, mode, seed, worlds)
                .map_err(|reason| format!("{mode:?} with coins {seed:#x}: {reason}"))?;
        }
        if self.dice.once_in(6) {
            self.damage(disk, worlds)?;
        }
        Ok(())
    }

    fn crash_as(
        &mut self,
        disk: &SimDisk,
        mode: CrashMode,
        seed: u64,
        worlds: &[Model],
    ) -> Result<(), String> {
        let copy = disk.after_crash(mode, seed);
        let (first, world) = self.recover(&copy, worlds).map_err(in_recovery)?;
        let state = check::fingerprint(&first);
        let is_new = first.committer.fold().state.position.0 <= 1;
        let is_settled = mode != CrashMode::ProcessOnly && !is_new;
        drop(first);
        let settled = [worlds[world].clone()];

        // What was recovered is durable: however the power goes now, it is the same again (I4, I6).
        if self.dice.once_in(3) {
            let again = copy.crash(self.dice.pick(&CrashMode::POWER_CUTS));
            let (mut second, _) = self
                .recover(&again, &settled)
                .map_err(|reason| format!("recovering twice: {reason}"))?;
            if !is_new && check::fingerprint(&second) != state {
                return Err("recovering twice gives two states".to_owned());
            }
            check::probe(&mut second, &settled[0], seed)
                .map_err(|reason| format!("using it after recovering twice: {reason}"))?;
        }

        // A crash inside the recovery, and a recovery of that.
        if self.dice.once_in(3) {
            let copy = disk.after_crash(mode, seed);
            copy.crash_after(self.dice.below(60));
            let watched = WatchedDisk { disk: copy.clone(), watch: None, bug: self.bug };
            // It mostly dies on the way; when it does not, that is as good.
            let process = Process::start(watched, &self.clock, self.dice.any());
            let inner_mode = self.dice.pick(&[
                CrashMode::LoseUnsynced,
                CrashMode::KeepAll,
                CrashMode::RandomSubset,
                CrashMode::Torn512,
                CrashMode::ProcessOnly,
            ]);
            let after = copy.crash(inner_mode);
            drop(process);
            self.tally.nested += 1;
            let (mut last, world) = self
                .recover(&after, worlds)
                .map_err(|reason| format!("crash inside recovery ({inner_mode:?}): {reason}"))?;
            if is_settled && check::fingerprint(&last) != state {
                return Err("a crash inside recovery changes the state".to_owned());
            }
            check::probe(&mut last, &worlds[world], seed)
                .map_err(|reason| format!("using it after a crash inside recovery: {reason}"))?;
        }
        Ok(())
    }

    /// Opens a copy and finds the world it shows.
    fn recover(&mut self, disk: &SimDisk, worlds: &[Model]) -> Result<(Process, usize), String> {
        let process = self.open(disk).map_err(|error| refusal(&error))?;
        disk.set_capacity(None);
        let references: Vec<&Model> = worlds.iter().collect();
        let deep = self.dice.once_in(8);
        let world = check::world_of(&process.published, &references, deep)?;
        if let Some(seen) = &self.published {
            check_seen(seen, &process.published)?;
        }
        Ok((process, world))
    }

    fn open(&mut self, disk: &SimDisk) -> Result<Process, OpenError> {
        self.tally.recoveries += 1;
        let clock = SimClock::new(self.clock.wall_micros());
        if self.dice.once_in(4) {
            clock.jump_wall(-((self.dice.below(20) * 60_000_000) as i64));
        }
        let watched = WatchedDisk { disk: disk.clone(), watch: None, bug: self.bug };
        Process::start(watched, &clock, self.dice.any())
    }

    /// Flips one bit in what is durable: the store must refuse to open, or show exactly the truth.
    fn damage(&mut self, disk: &SimDisk, worlds: &[Model]) -> Result<(), String> {
        let copy = disk.after_crash(CrashMode::LoseUnsynced, self.dice.any());
        let files: Vec<String> =
            copy.files().into_iter().filter(|path| path.contains('/')).collect();
        if files.is_empty() {
            return Ok(());
        }
        let path = files[self.dice.below(files.len() as u64) as usize].clone();
        let Some(bytes) = copy.visible_bytes(&path).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        let mut end = bytes.len();
        if path.starts_with("log/") {
            // Damage in the last frame alone looks like a torn append (docs/durability.md).
            let last = files.iter().rfind(|path| path.starts_with("log/"));
            let magic = b"PBframe1";
            let place = bytes.windows(magic.len()).rposition(|window| window == magic);
            end = place.unwrap_or(if last == Some(&path) { 0 } else { 64 });
        }
        if end == 0 {
            return Ok(());
        }
        let offset = self.dice.below(end as u64);
        copy.flip_bit(&path, offset, self.dice.below(8) as u8)
            .map_err(|error| error.to_string())?;
        let what = format!("a bit flipped at {offset} of {path}");
        let process = match self.open(&copy) {
            Err(error) => {
                self.tally.refused += 1;
                // The newest root is one of two; the other one stands in for it.
                let roots: Vec<&String> =
                    files.iter().filter(|path| path.ends_with(".root")).collect();
                if roots.len() == 2 && *roots[1] == path {
                    return Err(format!("{what}: the older snapshot was not used: {error:?}"));
                }
                return Ok(());
            }
            Ok(process) => process,
        };
        let references: Vec<&Model> = worlds.iter().collect();
        match check::world_of(&process.published, &references, true) {
            Ok(_) => Ok(()),
            Err(reason) if reason.starts_with("a live segment cannot be read") => {
                self.tally.refused += 1;
                Ok(())
            }
            Err(reason) => Err(format!("{what}: {reason}")),
        }
    }
}

fn in_recovery(reason: String) -> String {
    format!("recovery: {reason}")
}

/// Writes an error with its causes.
pub(crate) fn refusal(error: &dyn std::error::Error) -> String {
    let mut text = format!("the store does not open: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// Checks that everything a reader saw before the crash is there, and heads did not regress (I3, I6).
fn check_seen(before: &Published, after: &Published) -> Result<(), String> {
    for seen in before.directory.all() {
        let size = seen.edge.size();
        if size == 0 {
            continue;
        }
        let found = after.directory.by_name(&seen.name).map_or(0, |found| found.edge.size());
        if found < size {
            return Err(format!(
                "{} events of {} were seen before the crash, {found} are there after it",
                size, seen.name
            ));
        }
    }
    Ok(())
}
