//! The memory of what was erased: a copy of the data that is put back from before an erasure would bring
//! it back, and this says what has to go again.
//!
//! `<id>.erased`, the id as 16 hex digits, is one line: JSON, a space, the CRC-32C of it in 8 hex digits.
//! It names events by number, never whom the erasure was about, and of each run of events the leaves of
//! the first and the last, so that no other event that came to have the number is taken for it.

use proofbook_ledger::{Hash, WorkspaceUid};
use serde::{Deserialize, Serialize};

use super::{Signer, SigningError, checked, io_error, with_check};
use crate::config::{Erasure, ErasureTarget};
use crate::disk::{ROOT, durable_write, read_file};

/// Longest line that is read, in bytes: 10,000 events, each a run of its own.
const ERASED_BYTES_MAX: u64 = 16 << 20;
/// What the files are called in errors.
const ERASED_FILE: &str = "<id>.erased";

/// An erasure as it is remembered outside of the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The workspace.
    pub workspace: WorkspaceUid,
    /// The erasure as it began.
    pub erasure: Erasure,
    /// Of each target the leaves of its first and its last event.
    pub leaves: Vec<(Hash, Hash)>,
}

/// [`Remembered`] as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    workspace: String,
    erasure: Erasure,
    leaves: Vec<(String, String)>,
}

impl Remembered {
    /// Yields the targets with the leaves of their ends.
    pub fn targets(&self) -> impl Iterator<Item = (&ErasureTarget, &(Hash, Hash))> {
        self.erasure.targets.iter().zip(&self.leaves)
    }

    fn to_line(&self) -> Option<String> {
        let leaves = self.leaves.iter().map(|(a, b)| (a.to_string(), b.to_string()));
        let line = Line {
            workspace: self.workspace.to_string(),
            erasure: self.erasure.clone(),
            leaves: leaves.collect(),
        };
        serde_json::to_string(&line).ok().map(|json| with_check(&json))
    }

    fn from_line(text: &str) -> Option<Self> {
        let line: Line = serde_json::from_str(checked(text.strip_suffix('\n')?)?).ok()?;
        let uid = u128::from_str_radix(&line.workspace, 16).ok()?;
        let leaves = line.leaves.iter().map(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        let leaves: Option<Vec<(Hash, Hash)>> = leaves.collect();
        let leaves = leaves.filter(|leaves| leaves.len() == line.erasure.targets.len())?;
        let workspace = WorkspaceUid(uid.to_be_bytes());
        Some(Self { workspace, erasure: line.erasure, leaves })
    }
}

fn file_of(erasure: u64) -> String {
    format!("{erasure:016x}.erased")
}

impl Signer {
    /// Remembers an erasure beside the heads that were signed; durable on return.
    ///
    /// # Errors
    /// The disk refused a call.
    pub fn remember_erasure(&self, remembered: &Remembered) -> Result<(), SigningError> {
        let name = file_of(remembered.erasure.id);
        let line = remembered.to_line().unwrap_or_default();
        durable_write(&*self.disk, ROOT, &format!("{name}.tmp"), &name, line.as_bytes())
            .map_err(|source| io_error("write", ERASED_FILE, source))
    }

    /// Returns the erasures that are remembered, by id.
    ///
    /// # Errors
    /// The disk refused a call, or a file is damaged.
    pub fn erasures(&self) -> Result<Vec<Remembered>, SigningError> {
        let read_error = |source| io_error("read", ERASED_FILE, source);
        let mut names = self.disk.list(ROOT).map_err(read_error)?;
        names.retain(|name| name.ends_with(".erased"));
        names.sort_unstable();
        let read = |name: String| {
            let bytes = read_file(&*self.disk, &name, ERASED_BYTES_MAX).map_err(read_error)?;
            let text = std::str::from_utf8(&bytes).ok();
            let damaged = SigningError::Damaged { file: ERASED_FILE, line: 1 };
            text.and_then(Remembered::from_line).ok_or(damaged)
        };
        names.into_iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b6_a_line_reads_back_and_a_damaged_one_does_not() {
        let erasure = Erasure {
            id: 77,
            workspace: "acme".to_owned(),
            ground: "Art. 17".to_owned(),
            requested_by: "k1".to_owned(),
            requested_at: 3,
            needs_second: false,
            approved_by: None,
            begun_at: Some(3),
            within_micros: 9,
            targets: vec![ErasureTarget { seq: 4, count: 2, groups: 5 }],
            event_count: 2,
            value_count: 4,
            leaves: Vec::new(),
            completed_at: None,
            aside: Vec::new(),
        };
        let leaves = vec![(Hash([7; 32]), Hash([8; 32]))];
        let remembered = Remembered { workspace: WorkspaceUid([1; 16]), erasure, leaves };
        let line = remembered.to_line().expect("writes");
        assert_eq!(Remembered::from_line(&line), Some(remembered));
        for at in 0..line.len() {
            let mut damaged = line.clone().into_bytes();
            damaged[at] ^= 1;
            let damaged = String::from_utf8(damaged).expect("ASCII stays ASCII");
            assert_eq!(Remembered::from_line(&damaged), None, "byte {at}");
        }
    }
}
