//! The directory a benchmark works in, and what lies in a data directory by kind of file.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// A directory that is removed with everything in it when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    keep: bool,
}

impl Place {
    /// Makes a new directory below `parent`, which is not touched otherwise.
    pub(crate) fn below(parent: &Path, keep: bool) -> io::Result<Self> {
        let path = parent.join(format!("proofbook-bench-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self { path, keep })
    }

    /// Returns a path inside.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.keep {
            // What is left over is a directory with our name; nothing depends on it.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Bytes of a data directory by kind: directory and extension, or the file's name at its root.
pub(crate) fn bytes_by_kind(data: &Path) -> BTreeMap<String, u64> {
    let mut kinds = BTreeMap::new();
    add(data, "", &mut kinds);
    kinds
}

fn add(directory: &Path, prefix: &str, kinds: &mut BTreeMap<String, u64>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let name = entry.file_name().to_string_lossy().into_owned();
        if metadata.is_dir() {
            add(&entry.path(), &format!("{prefix}{name}/"), kinds);
            continue;
        }
        let kind = match name.rsplit_once('.') {
            Some((_, extension)) if !prefix.is_empty() => format!("{prefix}*.{extension}"),
            _ => format!("{prefix}{name}"),
        };
        *kinds.entry(kind).or_default() += metadata.len();
    }
}
