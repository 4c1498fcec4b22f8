//! One simulated directory: its visible and durable entries, and the changes in between.

use std::collections::BTreeMap;

use super::coins::Coins;
use super::crash::CrashMode;
use super::file_image::FileId;

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    File(FileId),
    Dir,
}

/// The entries of one directory. Changes carry the file they meant, so that any subset of them can
/// be applied to the durable entries.
#[derive(Clone, Default)]
pub(super) struct Directory {
    visible: BTreeMap<String, Entry>,
    durable: BTreeMap<String, Entry>,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Create { name: String, entry: Entry },
    Rename { to: String, id: FileId },
    Remove { name: String, id: FileId },
}

impl Directory {
    pub(super) fn get(&self, name: &str) -> Option<Entry> {
        self.visible.get(name).copied()
    }

    pub(super) fn durable(&self) -> &BTreeMap<String, Entry> {
        &self.durable
    }

    pub(super) fn visible(&self) -> &BTreeMap<String, Entry> {
        &self.visible
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.visible.keys().cloned().collect()
    }

    pub(super) fn is_synced(&self) -> bool {
        self.pending.is_empty()
    }

    pub(super) fn create(&mut self, name: &str, entry: Entry) {
        self.change(Change::Create { name: name.to_owned(), entry });
    }

    pub(super) fn rename(&mut self, to: &str, id: FileId) {
        self.change(Change::Rename { to: to.to_owned(), id });
    }

    pub(super) fn remove(&mut self, name: &str, id: FileId) {
        self.change(Change::Remove { name: name.to_owned(), id });
    }

    /// Makes an entry durable at once, as test damage does.
    pub(super) fn plant(&mut self, name: &str, entry: Entry) {
        self.visible.insert(name.to_owned(), entry);
        self.durable.insert(name.to_owned(), entry);
    }

    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// A sync that failed: what was pending stays visible and never becomes durable.
    pub(super) fn lose_pending(&mut self) {
        self.pending.clear();
    }

    /// Every file that a visible, durable or undecided entry names.
    pub(super) fn files(&self) -> impl Iterator<Item = FileId> {
        let settled =
            self.visible.values().chain(self.durable.values()).filter_map(|entry| match entry {
                Entry::File(id) => Some(*id),
                Entry::Dir => None,
            });
        let undecided = self.pending.iter().filter_map(|change| match change {
            Change::Create { entry: Entry::File(id), .. } => Some(*id),
            Change::Create { entry: Entry::Dir, .. } => None,
            Change::Rename { id, .. } | Change::Remove { id, .. } => Some(*id),
        });
        settled.chain(undecided)
    }

    /// Returns the directory as a reboot finds it.
    pub(super) fn after_crash(&self, mode: CrashMode, coins: &mut Coins) -> Self {
        if mode == CrashMode::ProcessOnly {
            return self.clone();
        }
        let bias = coins.bias();
        let mut durable = self.durable.clone();
        for change in &self.pending {
            let survives = match mode {
                CrashMode::LoseUnsynced => false,
                CrashMode::KeepAll => true,
                _ => coins.survives(bias),
            };
            if survives {
                change.apply(&mut durable);
            }
        }
        Self { visible: durable.clone(), durable, pending: Vec::new() }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.visible);
        self.pending.push(change);
    }
}

impl Change {
    /// Applies a change to entries that may lack the changes before it.
    fn apply(&self, entries: &mut BTreeMap<String, Entry>) {
        match self {
            Self::Create { name, entry } => {
                entries.insert(name.clone(), *entry);
            }
            Self::Rename { to, id } => {
                // A file has one name; where an earlier rename was lost, not the one renamed from.
                entries.retain(|_, entry| *entry != Entry::File(*id));
                entries.insert(to.clone(), Entry::File(*id));
            }
            Self::Remove { name, id } => {
                if entries.get(name) == Some(&Entry::File(*id)) {
                    entries.remove(name);
                }
            }
        }
    }
}
