//! The planted bugs by name: those around the disk, and with the feature `plant` those in the store.

use crate::disk::DiskBug;

/// A bug to live with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plant {
    Disk(&'static str, DiskBug),
    #[cfg(feature = "plant")]
    Store(proofbook_store::plant::Plant),
}

impl Plant {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Disk(name, _) => name,
            #[cfg(feature = "plant")]
            Self::Store(plant) => plant.name(),
        }
    }

    /// Tells whether the bug shows in a life itself, so that crashes on the side only take time: those of
    /// purges and erasures.
    pub(crate) fn shows_without_crashes(self) -> bool {
        let of_rewrites = [
            "hold-ignored",
            "held-purged",
            "purged-early",
            "purge-not-settled",
            "purged-id-believed",
            "erased-too-soon",
            "erasure-forgotten",
            "erased-under-hold",
            "erased-keys-kept",
            "aside-kept",
            "erased-copy-kept",
        ];
        of_rewrites.contains(&self.name())
    }

    /// Returns a life that shows the bug, for those that few lives show: lives before it would only take
    /// time. When lives change it may show it no more; then the search goes on behind it.
    pub(crate) fn first_seed(self) -> u64 {
        match self.name() {
            "sweep-too-soon" => 24,
            "read-back-from-cache" => 11,
            "failed-sync-retried" | "failed-log-goes-on" => 5,
            "ids-forgotten-with-pack" => 4,
            "look-ups-not-refreshed" => 8,
            _ => 0,
        }
    }

    /// Plants the bug in this thread; returns the part that lies around the disk.
    pub(crate) fn plant(plant: Option<Self>) -> Option<DiskBug> {
        #[cfg(feature = "plant")]
        proofbook_store::plant::set(match plant {
            Some(Self::Store(plant)) => Some(plant),
            _ => None,
        });
        match plant {
            Some(Self::Disk(_, bug)) => Some(bug),
            _ => None,
        }
    }
}

fn all() -> Vec<Plant> {
    let disk = DiskBug::ALL.iter().map(|(name, bug)| Plant::Disk(name, *bug));
    #[cfg(feature = "plant")]
    let disk = disk.chain(proofbook_store::plant::Plant::ALL.iter().map(|p| Plant::Store(*p)));
    disk.collect()
}

pub(crate) fn names() -> Vec<&'static str> {
    all().into_iter().map(Plant::name).collect()
}

pub(crate) fn find(name: &str) -> Option<Plant> {
    all().into_iter().find(|plant| plant.name() == name)
}
