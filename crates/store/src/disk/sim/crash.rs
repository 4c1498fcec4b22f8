//! What a power cut leaves of the simulated disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::coins::Coins;
use super::directory::{Directory, Entry};
use super::fault::Rules;
use super::trace::Trace;
use super::{Power, ROOT, SimDisk, State, name, parent};

#[cfg(test)]
mod tests;

/// Which unsynced changes a crash leaves.
///
/// Directory entries follow the mode: all lost, all kept, or each on its own (a rename as one).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CrashMode {
    /// Power cut: everything unsynced is lost.
    LoseUnsynced,
    /// Power cut: everything unsynced had been written back.
    KeepAll,
    /// Power cut: each unsynced write is kept whole or lost on its own, so that a later one can
    /// survive an earlier one. Lengths survive apart from the data.
    RandomSubset,
    /// Power cut: each 512-byte sector holds what it held at some moment since the last sync.
    Torn512,
    /// The same with pages of 4096 bytes.
    Torn4096,
    /// The process alone is killed: everything stays visible, and unsynced as it was.
    ProcessOnly,
}

impl CrashMode {
    /// Every way in which the power can go.
    pub const POWER_CUTS: [Self; 5] =
        [Self::LoseUnsynced, Self::KeepAll, Self::RandomSubset, Self::Torn512, Self::Torn4096];
}

/// The error of every call after [`SimDisk::crash_after`] has cut the power.
#[derive(Debug, thiserror::Error)]
#[error("the power is off")]
pub struct PowerOff;

/// Reports whether an error means that the simulated power is off.
pub fn is_power_off(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<PowerOff>())
}

impl SimDisk {
    /// Crashes the disk and returns it as the next start finds it: locks, handles and planned faults
    /// are gone, counting begins anew, the capacity stays.
    ///
    /// Every later call on this disk and on files opened from it fails with EIO.
    pub fn crash(&self, mode: CrashMode) -> Self {
        let mut state = self.state();
        let coins = state.coins.split();
        let survivor = state.after_crash(mode, coins);
        state.power = Power::Gone;
        Self::with_state(survivor)
    }

    /// Returns the disk as the next start would find it if it crashed now, with coins of its own from
    /// `seed`, and leaves this one running. One run can so be crashed in every mode and many times.
    pub fn after_crash(&self, mode: CrashMode, seed: u64) -> Self {
        Self::with_state(self.state().after_crash(mode, Coins::new(seed)))
    }
}

impl State {
    fn after_crash(&self, mode: CrashMode, mut coins: Coins) -> Self {
        let mut dirs: BTreeMap<String, Directory> = BTreeMap::new();
        // In the order of paths a directory comes before what it holds.
        for (path, dir) in &self.dirs {
            let is_entered = |holder: &Directory| holder.get(name(path)) == Some(Entry::Dir);
            if path == ROOT || dirs.get(parent(path)).is_some_and(is_entered) {
                dirs.insert(path.clone(), dir.after_crash(mode, &mut coins));
            }
        }
        let named: BTreeSet<_> = dirs.values().flat_map(Directory::files).collect();
        let files = self.files.iter().filter(|(id, _)| named.contains(id));
        let files = files.map(|(id, file)| (*id, file.after_crash(mode, &mut coins))).collect();
        Self {
            dirs,
            files,
            next_file: self.next_file,
            locks: BTreeSet::new(),
            capacity_bytes: self.capacity_bytes,
            power: Power::On,
            calls: 0,
            rules: Rules::default(),
            trace: Trace::default(),
            coins,
        }
    }
}
