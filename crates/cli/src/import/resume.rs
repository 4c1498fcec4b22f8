//! How far an interrupted import came, so that it goes on there.
//!
//! One small JSON file an import under `$XDG_STATE_HOME/proofbook/import` (else
//! `~/.local/state/…`), named by a hash of input, length, mapping and destination; removed when the
//! import is done. It only saves time: without it, or with a stale one's entries sent again, ids keep
//! anything from being recorded twice.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::files;

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// Entries of the input, good or bad, whose fate is known.
    pub(crate) entries: u64,
    /// Of these, how many were recorded.
    pub(crate) created: u64,
    /// How many had been there before.
    pub(crate) duplicates: u64,
    /// How many were refused.
    pub(crate) refused: u64,
}

impl Progress {
    /// Returns the counts in one line.
    pub(crate) fn summary(&self) -> String {
        let Self { created, duplicates, refused, .. } = self;
        format!("{created} imported, {duplicates} already there, {refused} refused")
    }
}

/// The place where one import's progress is kept.
#[derive(Clone, Debug)]
pub(crate) struct Place(PathBuf);

impl Place {
    /// Returns the place for an import that is known by these texts; `None` where there is no home.
    pub(crate) fn of(parts: &[&str]) -> Option<Self> {
        let state = std::env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty());
        let home = || Some(Path::new(&std::env::var_os("HOME")?).join(".local/state"));
        let root = state.map(PathBuf::from).or_else(home)?;
        Some(Self::below(&root, parts))
    }

    fn below(root: &Path, parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let name: String = hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Self(root.join("proofbook/import").join(name + ".json"))
    }

    /// Reads what is remembered; nothing when there is none or it is unreadable.
    pub(crate) fn read(&self) -> Progress {
        let text = files::read_text(&self.0).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Remembers. A failure costs only time at the next start.
    pub(crate) fn write(&self, progress: &Progress) {
        let text = serde_json::to_string(progress).unwrap_or_default();
        if let Err(error) = files::replace(&self.0, &text) {
            tracing::debug!(%error, "progress of the import was not kept");
        }
    }

    /// Forgets.
    pub(crate) fn remove(&self) {
        if let Err(error) = files::remove(&self.0) {
            tracing::debug!(%error, "progress of the import was not removed");
        }
    }
}

#[cfg(test)]
mod tests;
