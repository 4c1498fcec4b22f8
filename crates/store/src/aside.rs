//! What recovery set aside, when an erasure ends.
//!
//! A start copies the bytes of an append that did not complete to `aside/` and never looks at them again:
//! they may hold values of any event. So an erasure takes these files as well, by three steps: it is
//! decided by a record, which keeps the name, the length and the hash of each; then they are removed; and
//! only when none is left is the erasure complete. A crash in between is gone on with.

use std::io;

use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_event::{EventDraft, Timestamp, Value};
use sha2::{Digest, Sha256};

use crate::commit::Published;
use crate::config::{AsideFile, ConfigChange, Erasure};
use crate::disk::{Disk, join, read_exact_at};
use crate::erase::name_of;
use crate::names::ASIDE_DIR;
use crate::pack::{PackError, Packer};
use crate::plant::{self, Plant};
use crate::prepare::{Prepared, Preparer, Wanted};

/// Most files that one record names; of more the rest comes with the next.
const FILES_MAX: usize = 256;
/// Bytes that are read at once for a hash.
const CHUNK_BYTES: u64 = 64 * 1024;

/// How far an erasure is with what was set aside.
pub enum Aside {
    /// These go once it is recorded: see [`removal`].
    Decide(Vec<AsideFile>),
    /// None is left.
    Clear,
}

impl Packer {
    /// Removes what was set aside as far as that is decided, and says what is to be decided.
    ///
    /// # Errors
    /// The disk refused a call; what was not removed is there at the next try.
    pub fn clear_aside(&self, erasure: &Erasure) -> Result<Aside, PackError> {
        let io_error = |source| PackError::Io { what: "removing what was set aside", source };
        let names = self.disk.list(ASIDE_DIR).map_err(io_error)?;
        if names.is_empty() || plant::is_on(Plant::AsideKept) {
            return Ok(Aside::Clear);
        }
        let is_decided = |name: &String| erasure.aside.iter().any(|file| file.name == *name);
        let new: Vec<&String> =
            names.iter().filter(|name| !is_decided(name)).take(FILES_MAX).collect();
        if !new.is_empty() {
            return Ok(Aside::Decide(
                new.into_iter().map(|name| described(&*self.disk, name)).collect(),
            ));
        }
        for name in &names {
            match self.disk.remove(&join(ASIDE_DIR, name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io_error(error));
                }
                _ => {}
            }
        }
        // What was removed must not come back with a crash.
        self.disk.sync_dir(ASIDE_DIR).map_err(io_error)?;
        Ok(Aside::Clear)
    }
}

/// Encodes the record that files which were set aside go with an erasure, with the event that tells of it.
pub fn removal(
    published: &Published,
    preparer: &Preparer,
    now: Timestamp,
    erasure: u64,
    files: Vec<AsideFile>,
) -> Prepared {
    let target = Value::Object(vec![
        ("type".into(), Value::from("erasure")),
        ("id".into(), Value::from(name_of(erasure))),
    ]);
    let told = files.iter().map(|file| {
        let hash = file.sha256.clone().map_or(Value::Null, Value::from);
        Value::Object(vec![
            ("name".into(), Value::from(file.name.clone())),
            ("bytes".into(), Value::Int(file.bytes as i64)),
            ("sha256".into(), hash),
        ])
    });
    let draft = EventDraft {
        actor: Some(Value::Object(vec![("type".into(), Value::from("system"))])),
        targets: Some(Value::Array(vec![target])),
        metadata: Some(Value::Object(vec![("files".into(), Value::Array(told.collect()))])),
        ..EventDraft::internal("audit_log.aside_removed")
    };
    let change = ConfigChange::RemoveAside { erasure, files };
    preparer.prepare_change(published, now, change, Wanted { workspace: SYSTEM_WORKSPACE, draft })
}

/// Says what a file is, so that a copy of it can be told later; one that cannot be read has no hash.
fn described(disk: &dyn Disk, name: &str) -> AsideFile {
    let (mut bytes, mut sha256) = (0, None);
    if let Ok(file) = disk.open_read(&join(ASIDE_DIR, name))
        && let Ok(length) = file.len()
    {
        bytes = length;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; CHUNK_BYTES.min(length) as usize];
        let mut at = 0;
        let is_read = loop {
            if at == length {
                break true;
            }
            let next = &mut chunk[..CHUNK_BYTES.min(length - at) as usize];
            if read_exact_at(&*file, next, at).is_err() {
                break false;
            }
            hasher.update(&*next);
            at += next.len() as u64;
        };
        sha256 = is_read.then(|| {
            let hash: [u8; 32] = hasher.finalize().into();
            hash.iter().map(|byte| format!("{byte:02x}")).collect()
        });
    }
    AsideFile { name: name.to_owned(), bytes, sha256 }
}
