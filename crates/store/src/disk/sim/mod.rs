//! The simulated disk: keeps apart what is visible and what would survive a power cut.
//!
//! For each file it holds the durable image, the image that readers see and the changes since the last
//! `sync_data`; for each directory the same for its entries and `sync_dir`. [`SimDisk::crash`] then
//! decides, from a seed, which unsynced changes survive. Faults are planned with
//! [`SimDisk::inject`], damage is done with the calls in `inspect`, and every call is counted
//! and traced. Nothing is synced on close, since that would hide a forgotten sync.
//!
//! One seed and one order of calls replay one run exactly; with several threads the order of calls is
//! the caller's to fix. Nothing here reads a clock, the machine's randomness or its file system.
//!
//! Modelled: lost, kept, reordered and torn writes (512 B or 4 KiB); lengths that survive without
//! their data and the reverse; lost and reordered directory entries, renames atomic; failed syncs that
//! lose pages, while reads go on showing them or not; lying syncs; full disks; single failing calls;
//! bits flipped on the way to the platter or later; old versions of files.
//! Not modelled: sectors torn inside 512 bytes, foreign bytes in lost sectors, misdirected writes,
//! slowness, metadata of a file other than its length.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::path::{check_rename, name};
use super::{Disk, DiskFile, Lock, ROOT, check_dir, check_path, parent};

mod coins;
mod crash;
mod directory;
mod fault;
mod file_image;
mod inspect;
mod open_file;
mod trace;

#[cfg(test)]
mod tests;

pub use crash::{CrashMode, PowerOff, is_power_off};
pub use fault::{Calls, Fault};
pub use trace::{CALLS_MAX, Call, CallKind};

use coins::Coins;
use directory::{Directory, Entry};
use fault::Rules;
use file_image::{FileId, FileImage};
use open_file::{SimFile, SimLock};
use trace::{Span, Trace};

/// A disk in memory that can crash, fail and rot on purpose. Clones are handles to one disk.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

struct State {
    coins: Coins,
    dirs: BTreeMap<String, Directory>,
    files: BTreeMap<FileId, FileImage>,
    next_file: u64,
    locks: BTreeSet<FileId>,
    capacity_bytes: Option<u64>,
    power: Power,
    calls: u64,
    rules: Rules,
    trace: Trace,
}

/// Whether calls are still answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Power {
    On,
    /// This many calls are answered, the later ones find the power off.
    OffAfter(u64),
    /// The disk has crashed; a reboot took its contents over.
    Gone,
}

impl SimDisk {
    /// Makes an empty disk without a size limit, whose coins all come from `seed`.
    pub fn new(seed: u64) -> Self {
        Self::with_state(State {
            coins: Coins::new(seed),
            dirs: BTreeMap::from([(ROOT.to_owned(), Directory::default())]),
            files: BTreeMap::new(),
            next_file: 0,
            locks: BTreeSet::new(),
            capacity_bytes: None,
            power: Power::On,
            calls: 0,
            rules: Rules::default(),
            trace: Trace::default(),
        })
    }

    /// Returns how many calls were made on this disk and its files since it was made or rebooted,
    /// failed ones included.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Returns the newest calls, oldest first; at most [`CALLS_MAX`].
    pub fn trace(&self) -> Vec<Call> {
        self.state().trace.calls()
    }

    /// Turns the power off after `calls` calls, counted as in [`calls`](Self::calls): that many are
    /// answered, every later one fails with [`PowerOff`] and does nothing.
    pub fn crash_after(&self, calls: u64) {
        self.state().power = Power::OffAfter(calls);
    }

    /// Plans a fault for the calls that `calls` describes, counted from now.
    ///
    /// Of several plans that want the same call, the oldest wins.
    pub fn inject(&self, fault: Fault, calls: Calls) {
        self.state().rules.add(fault, calls);
    }

    /// Makes `sync_data` report success and do nothing: a forgotten data sync, planted.
    pub fn ignore_sync_data(&self, calls: Calls) {
        self.inject(Fault::IgnoreSync, calls.only(CallKind::SyncData));
    }

    /// Makes `sync_dir` report success and do nothing: a forgotten directory sync, planted.
    pub fn ignore_sync_dir(&self, calls: Calls) {
        self.inject(Fault::IgnoreSync, calls.only(CallKind::SyncDir));
    }

    /// Forgets all planned faults and turns the power back on (not after a crash).
    pub fn clear_faults(&self) {
        let mut state = self.state();
        state.rules = Rules::default();
        if state.power != Power::Gone {
            state.power = Power::On;
        }
    }

    /// Returns how many planned faults have struck; a sweep over the nth call is past the end when
    /// this stays 0.
    pub fn faults_struck(&self) -> u64 {
        self.state().rules.struck()
    }

    /// Sets or lifts the size of the disk in bytes. Files count with their visible length, also
    /// removed ones that are still open; names cost nothing.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity_bytes = bytes;
    }

    fn with_state(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panicking test thread leaves the state as consistent as a failed call would.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts and traces one call, lets planned faults strike, and runs it unless one did.
    fn call<T>(
        &self,
        kind: CallKind,
        path: &str,
        span: Span,
        run: impl FnOnce(&mut State, Option<Fault>) -> io::Result<T>,
    ) -> io::Result<T> {
        let state = &mut *self.state();
        let result = state.admit(kind, path).and_then(|fault| match fault {
            None => run(state, None),
            Some(fault) => match (fault.error(), fault.takes_effect()) {
                (Some(error), false) => Err(error),
                (Some(error), true) => run(state, Some(fault)).and(Err(error)),
                (None, _) => run(state, Some(fault)),
            },
        });
        state.trace.push(Call::new(state.calls, kind, path, span, result.as_ref().err()));
        result
    }

    fn open(&self, kind: CallKind, path: &str, writable: bool) -> io::Result<Box<dyn DiskFile>> {
        let id = self.call(kind, path, Span::NONE, |state, fault| {
            check_path(path)?;
            let id = match kind {
                CallKind::CreateNew => state.create_file(path)?,
                _ => state.file_id(path)?,
            };
            if fault.is_none() {
                state.file_mut(id)?.opened();
            }
            Ok(id)
        })?;
        Ok(Box::new(SimFile::new(self.clone(), id, path, writable)))
    }
}

impl State {
    /// Counts a call and says whether a fault strikes it, or the power is off.
    fn admit(&mut self, kind: CallKind, path: &str) -> io::Result<Option<Fault>> {
        self.calls += 1;
        match self.power {
            Power::Gone => Err(fault::eio()),
            Power::OffAfter(answered) if self.calls > answered => Err(io::Error::other(PowerOff)),
            Power::On | Power::OffAfter(_) => Ok(self.rules.strike(kind, path)),
        }
    }

    fn dir(&self, dir: &str) -> io::Result<&Directory> {
        self.dirs.get(dir).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn dir_mut(&mut self, dir: &str) -> io::Result<&mut Directory> {
        self.dirs.get_mut(dir).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn file_mut(&mut self, id: FileId) -> io::Result<&mut FileImage> {
        self.files.get_mut(&id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn file_id(&self, path: &str) -> io::Result<FileId> {
        match self.dir(parent(path))?.get(name(path)) {
            Some(Entry::File(id)) => Ok(id),
            Some(Entry::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn create_file(&mut self, path: &str) -> io::Result<FileId> {
        let id = FileId(self.next_file);
        let dir = self.dir_mut(parent(path))?;
        if dir.get(name(path)).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        dir.create(name(path), Entry::File(id));
        self.next_file += 1;
        self.files.insert(id, FileImage::default());
        Ok(id)
    }

    /// Bytes that visible or open files take.
    fn used_bytes(&self) -> u64 {
        self.files.values().filter(|file| file.takes_space()).map(FileImage::len).sum()
    }

    fn free_bytes(&self) -> u64 {
        match self.capacity_bytes {
            None => u64::MAX,
            Some(capacity) => capacity.saturating_sub(self.used_bytes()),
        }
    }

    /// Forgets files that no name, visible, durable or undecided, and no handle leads to.
    fn collect_files(&mut self) {
        let named: BTreeSet<FileId> = self.dirs.values().flat_map(Directory::files).collect();
        self.files.retain(|id, file| named.contains(id) || file.takes_space());
    }
}

impl Disk for SimDisk {
    fn create_new(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        self.open(CallKind::CreateNew, path, true)
    }

    fn open_read(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        self.open(CallKind::OpenRead, path, false)
    }

    fn open_write(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        self.open(CallKind::OpenWrite, path, true)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.call(CallKind::Rename, from, Span::NONE, |state, _| {
            check_rename(from, to)?;
            let id = match state.file_id(from) {
                Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                    return Err(io::ErrorKind::InvalidInput.into());
                }
                found => found?,
            };
            if from == to {
                return Ok(());
            }
            let dir = state.dir_mut(parent(to))?;
            let replaced = match dir.get(name(to)) {
                Some(Entry::Dir) => return Err(io::ErrorKind::IsADirectory.into()),
                Some(Entry::File(replaced)) => Some(replaced),
                None => None,
            };
            dir.rename(name(to), id);
            if let Some(replaced) = replaced {
                state.file_mut(replaced)?.unlinked();
            }
            Ok(())
        })
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.call(CallKind::Remove, path, Span::NONE, |state, _| {
            check_path(path)?;
            let id = state.file_id(path)?;
            state.dir_mut(parent(path))?.remove(name(path), id);
            state.file_mut(id)?.unlinked();
            Ok(())
        })
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.call(CallKind::List, dir, Span::NONE, |state, _| {
            check_dir(dir)?;
            Ok(state.dir(dir)?.names())
        })
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.call(CallKind::CreateDir, dir, Span::NONE, |state, _| {
            check_path(dir)?;
            let holder = state.dir_mut(parent(dir))?;
            match holder.get(name(dir)) {
                Some(Entry::Dir) => return Ok(()),
                Some(Entry::File(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
                None => holder.create(name(dir), Entry::Dir),
            }
            state.dirs.insert(dir.to_owned(), Directory::default());
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.call(CallKind::SyncDir, dir, Span::NONE, |state, fault| {
            check_dir(dir)?;
            let entries = state.dir_mut(dir)?;
            match fault {
                Some(Fault::IgnoreSync) => return Ok(()),
                Some(Fault::SyncLosesPages | Fault::SyncRevertsPages) => {
                    entries.lose_pending();
                    return Err(fault::eio());
                }
                _ => entries.sync(),
            }
            state.collect_files();
            Ok(())
        })
    }

    fn lock(&self, path: &str) -> io::Result<Lock> {
        let id = self.call(CallKind::Lock, path, Span::NONE, |state, fault| {
            check_path(path)?;
            let id = match state.file_id(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => state.create_file(path)?,
                found => found?,
            };
            if state.locks.contains(&id) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            if fault.is_none() {
                state.locks.insert(id);
            }
            Ok(id)
        })?;
        Ok(Lock::holding(SimLock::new(self.clone(), id)))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.call(CallKind::FreeBytes, ROOT, Span::NONE, |state, _| Ok(state.free_bytes()))
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("SimDisk")
            .field("calls", &state.calls)
            .field("files", &state.files.len())
            .finish_non_exhaustive()
    }
}
