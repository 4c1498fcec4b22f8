//! Looking at the simulated disk from outside, and damaging it. None of this counts as a call.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::super::join;
use super::directory::{Directory, Entry};
use super::file_image::{FileId, FileImage};
use super::{ROOT, SimDisk, State, check_path, name, parent};

impl SimDisk {
    /// Returns the paths of all visible files, sorted.
    pub fn files(&self) -> Vec<String> {
        self.state().walk(Directory::visible).into_keys().collect()
    }

    /// Returns the bytes of a file as readers see them.
    pub fn visible_bytes(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let id = state.file_id(path).ok()?;
        Some(Vec::clone(state.files.get(&id)?.visible()))
    }

    /// Returns the bytes that a power cut leaves under this name if everything unsynced is lost;
    /// `None` when the name itself would be lost.
    pub fn durable_bytes(&self, path: &str) -> Option<Vec<u8>> {
        self.durable_image().remove(path)
    }

    /// Returns what a power cut leaves if everything unsynced is lost, by path.
    pub fn durable_image(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        let durable = state.walk(Directory::durable).into_iter();
        durable
            .filter_map(|(path, id)| Some((path, Vec::clone(state.files.get(&id)?.durable()))))
            .collect()
    }

    /// Returns the files and directories (with a trailing `/`) that hold unsynced changes, sorted.
    pub fn unsynced(&self) -> Vec<String> {
        let state = self.state();
        let is_unsynced = |id: &FileId| state.files.get(id).is_some_and(|file| !file.is_synced());
        let files = state.walk(Directory::visible).into_iter();
        let mut paths: Vec<String> =
            files.filter(|(_, id)| is_unsynced(id)).map(|(path, _)| path).collect();
        let dirs = state.dirs.iter().filter(|(_, dir)| !dir.is_synced());
        paths.extend(dirs.map(|(path, _)| format!("{path}/")));
        paths.sort_unstable();
        paths
    }

    /// Puts `bytes` into a file, durable at once, and makes the file when it is missing; its
    /// directory must be there.
    pub fn overwrite(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        check_path(path)?;
        let state = &mut *self.state();
        let id = match state.file_id(path) {
            Ok(id) => id,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let id = FileId(state.next_file);
                state.dir_mut(parent(path))?.plant(name(path), Entry::File(id));
                state.next_file += 1;
                state.files.insert(id, FileImage::settled(Arc::default()));
                id
            }
            Err(error) => return Err(error),
        };
        state.file_mut(id)?.replace(bytes.to_vec());
        Ok(())
    }

    /// Puts the durable bytes that a file had on an `earlier` copy of this disk (see
    /// [`after_crash`](Self::after_crash)) back under its name: valid, but stale.
    pub fn roll_back(&self, path: &str, earlier: &Self) -> io::Result<()> {
        let bytes = earlier.durable_bytes(path).ok_or(io::ErrorKind::NotFound)?;
        self.overwrite(path, &bytes)
    }

    /// Flips bit `bit` (0..8) of a durable byte, at once visible to readers.
    pub fn flip_bit(&self, path: &str, offset: u64, bit: u8) -> io::Result<()> {
        self.damage(path, offset, bit, true)
    }

    /// Flips a bit on the platter behind the cache: readers see it after `drop_cache` or a crash.
    pub fn flip_bit_behind_cache(&self, path: &str, offset: u64, bit: u8) -> io::Result<()> {
        self.damage(path, offset, bit, false)
    }

    fn damage(&self, path: &str, offset: u64, bit: u8, seen: bool) -> io::Result<()> {
        let state = &mut *self.state();
        let id = state.file_id(path)?;
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        state.file_mut(id)?.flip_bit(offset, bit, seen)
    }
}

impl State {
    /// Returns every file that is reached from the root through the chosen entries, by path.
    fn walk(
        &self,
        entries: impl Fn(&Directory) -> &BTreeMap<String, Entry>,
    ) -> BTreeMap<String, FileId> {
        let mut files = BTreeMap::new();
        let mut dirs = vec![ROOT.to_owned()];
        while let Some(path) = dirs.pop() {
            let Some(dir) = self.dirs.get(&path) else { continue };
            for (name, entry) in entries(dir) {
                match entry {
                    Entry::File(id) => {
                        files.insert(join(&path, name), *id);
                    }
                    Entry::Dir => dirs.push(join(&path, name)),
                }
            }
        }
        files
    }
}
