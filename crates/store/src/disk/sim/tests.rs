//! A2: random lives against a model that knows only what the contract in `disk` says.
//!
//! The model keeps, for each file, every content since its last sync, and for each name every file
//! that it stood for since the last directory sync. Whatever a crash leaves must be made of these.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::random::{Random, SimRandom};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// What the contract lets one file be after a power cut.
#[derive(Clone, Default)]
struct FileModel {
    /// Contents since the last sync; the first is durable, the last visible.
    contents: Vec<Vec<u8>>,
}

impl FileModel {
    fn new() -> Self {
        Self { contents: vec![Vec::new()] }
    }

    fn visible(&self) -> &Vec<u8> {
        self.contents.last().unwrap()
    }

    /// Every byte is one that stood there since the last sync, or a zero where the file has grown;
    /// the length is one it had.
    fn allows(&self, found: &[u8]) -> bool {
        let durable_len = self.contents[0].len();
        let byte_is_known = |at: usize| {
            let grown = at >= durable_len && found[at] == 0;
            grown || self.contents.iter().any(|content| content.get(at) == Some(&found[at]))
        };
        self.contents.iter().any(|content| content.len() == found.len())
            && (0..found.len()).all(byte_is_known)
    }

    fn allows_in(&self, mode: CrashMode, found: &[u8]) -> bool {
        match mode {
            CrashMode::LoseUnsynced => found == self.contents[0],
            CrashMode::KeepAll | CrashMode::ProcessOnly => found == *self.visible(),
            _ => self.allows(found),
        }
    }
}

/// A disk and what the contract says about it. Files are numbered as they are made.
struct Life {
    disk: SimDisk,
    random: SimRandom,
    files: Vec<FileModel>,
    /// For each name what it stood for since the last directory sync, oldest first.
    names: BTreeMap<&'static str, Vec<Option<usize>>>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let names = NAMES.map(|name| (name, vec![None])).into();
        Self { disk: SimDisk::new(seed), random: SimRandom::new(seed), files: Vec::new(), names }
    }

    fn below(&self, end: usize) -> usize {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % end as u64).unwrap()
    }

    fn file_at(&self, name: &str) -> Option<usize> {
        *self.names[name].last().unwrap()
    }

    fn bind(&mut self, name: &str, file: Option<usize>) {
        self.names.get_mut(name).unwrap().push(file);
    }

    /// Does one random thing to the disk and to the model.
    fn step(&mut self) {
        let name = NAMES[self.below(NAMES.len())];
        let Some(file) = self.file_at(name) else {
            self.disk.create_new(name).unwrap();
            self.bind(name, Some(self.files.len()));
            self.files.push(FileModel::new());
            return;
        };
        match self.below(8) {
            0..=2 => self.write(name, file),
            3 => {
                let len = self.below(6000);
                self.disk.open_write(name).unwrap().allocate(len as u64).unwrap();
                let mut content = self.files[file].visible().clone();
                content.resize(len.max(content.len()), 0);
                self.files[file].contents.push(content);
            }
            4 => {
                // Any handle makes every handle's bytes durable.
                self.disk.open_read(name).unwrap().sync_data().unwrap();
                let model = &mut self.files[file];
                model.contents = vec![model.visible().clone()];
            }
            5 => {
                let to = NAMES[self.below(NAMES.len())];
                self.disk.rename(name, to).unwrap();
                if to != name {
                    self.bind(name, None);
                    self.bind(to, Some(file));
                }
            }
            6 => {
                self.disk.remove(name).unwrap();
                self.bind(name, None);
            }
            _ => {
                self.disk.sync_dir(ROOT).unwrap();
                self.names.values_mut().for_each(|stood| *stood = vec![*stood.last().unwrap()]);
            }
        }
    }

    fn write(&mut self, name: &str, file: usize) {
        let mut bytes = vec![0; 1 + self.below(3000)];
        self.random.fill(&mut bytes);
        let offset = self.below(3000);
        let handle = self.disk.open_write(name).unwrap();
        assert_eq!(handle.write_at(&bytes, offset as u64).unwrap(), bytes.len());
        let mut content = self.files[file].visible().clone();
        content.resize(content.len().max(offset + bytes.len()), 0);
        content[offset..offset + bytes.len()].copy_from_slice(&bytes);
        self.files[file].contents.push(content);
    }

    /// Checks one crash against the model and returns what it left.
    fn check(&self, mode: CrashMode, seed: u64) -> BTreeMap<String, Vec<u8>> {
        let after = self.disk.after_crash(mode, seed);
        if mode != CrashMode::ProcessOnly {
            assert_eq!(after.unsynced(), Vec::<String>::new());
        }
        let names = after.files().into_iter();
        let found: BTreeMap<String, Vec<u8>> =
            names.map(|name| (name.clone(), after.visible_bytes(&name).unwrap())).collect();
        for (name, stood) in &self.names {
            let candidates = match mode {
                CrashMode::LoseUnsynced => &stood[..1],
                CrashMode::KeepAll | CrashMode::ProcessOnly => &stood[stood.len() - 1..],
                _ => &stood[..],
            };
            let is_allowed =
                candidates.iter().any(|candidate| match (candidate, found.get(*name)) {
                    (None, None) => true,
                    (Some(file), Some(bytes)) => self.files[*file].allows_in(mode, bytes),
                    _ => false,
                });
            assert!(is_allowed, "{mode:?}, crash seed {seed}: {name:?} cannot be that");
        }
        found
    }
}

#[test]
fn no_crash_leaves_anything_that_the_contract_does_not_allow() {
    let mut images = BTreeSet::new();
    for seed in 0..25 {
        let mut life = Life::new(seed);
        for _ in 0..40 {
            life.step();
            for mode in CrashMode::POWER_CUTS.into_iter().chain([CrashMode::ProcessOnly]) {
                for crash_seed in 0..3 {
                    images.insert(life.check(mode, crash_seed));
                }
            }
        }
        assert_eq!(life.disk.faults_struck(), 0);
    }
    assert!(images.len() > 2_000, "crashes were of {} kinds", images.len());
}

#[test]
fn a_kill_before_the_power_cut_changes_nothing() {
    for seed in 0..40 {
        let mut life = Life::new(seed);
        for _ in 0..30 {
            life.step();
        }
        life.disk = life.disk.crash(CrashMode::ProcessOnly);
        for _ in 0..10 {
            life.step();
            for mode in CrashMode::POWER_CUTS {
                life.check(mode, seed);
            }
        }
    }
}

#[test]
fn one_seed_replays_a_life_and_its_crashes() {
    let images = |seed| {
        let mut life = Life::new(seed);
        let mut images = Vec::new();
        for step in 0..60 {
            life.step();
            if step % 20 == 19 {
                images.push(life.disk.after_crash(CrashMode::Torn512, step).durable_image());
            }
        }
        let crashed = life.disk.crash(CrashMode::RandomSubset);
        images.push(crashed.durable_image());
        images
    };
    for seed in 0..20 {
        assert_eq!(images(seed), images(seed), "seed {seed}");
        assert_ne!(images(seed), images(seed + 100));
    }
}
