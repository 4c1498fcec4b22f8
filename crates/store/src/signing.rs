//! What signing needs and the log may not hold: the master seed, and the memory of what was signed.
//!
//! Both live in a directory of their own, which belongs on another disk or in another backup than the
//! data: an old copy of the data beside a newer memory is how a store notices that it would fork.
//!
//! | file | content |
//! |---|---|
//! | `master.seed` | 64 hex digits, a space, the CRC-32C of them in 8 hex digits, a line feed. Written once |
//! | `published` | one line a head that left the house: opaque id, number of the origin, size, root, CRC-32C |
//! | `<id>.erased` | an erasure, so that data that is put back from before it loses the same again |
//!
//! Invariants (I3): a line is durable and was read back before its head is signed; sizes of one
//! origin only grow, and a size has one root.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proofbook_ledger::checkpoint::{Checkpoint, CheckpointError};
use proofbook_ledger::note::key::workspace_seed;
use proofbook_ledger::note::{KeyError, Note, SigningKey, write_note};
use proofbook_ledger::{Hash, WorkspaceUid};
use sha2::{Digest, Sha256};

use crate::disk::{Disk, DiskFile, ROOT, durable_write, read_exact_at, read_to_vec, write_all_at};
use crate::fold::{Era, PublishedHead, SeedId, Signing};
use crate::random::Random;

mod erased;

pub use erased::Remembered;

const SEED_FILE: &str = "master.seed";
const PUBLISHED_FILE: &str = "published";
/// Longest memory that is read, in bytes; about 2 million heads.
const PUBLISHED_BYTES_MAX: u64 = 256 << 20;
/// The memory is written anew at a start when it has so many more lines than heads.
const STALE_LINES_MAX: usize = 10_000;

/// Signs heads that the log says are published, and nothing else.
pub struct Signer {
    disk: Arc<dyn Disk>,
    store_uid: [u8; 16],
    state: Mutex<State>,
}

struct State {
    seed: Option<MasterSeed>,
    /// The greatest head that left the house, by workspace and number of the origin.
    published: HashMap<(WorkspaceUid, u32), Outside>,
    memory: Box<dyn DiskFile>,
    memory_bytes: u64,
    /// Whether a write failed: what is durable is then not known before the next start.
    failed: bool,
}

/// The secret that signing keys are derived from. Its `Debug` prints its id.
struct MasterSeed {
    bytes: [u8; 32],
    id: SeedId,
}

/// A head of which somebody outside may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outside {
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Why the signing directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The disk refused a call.
    #[error("cannot {what} the signing file {file}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        file: &'static str,
        /// The disk's answer.
        #[source]
        source: io::Error,
    },
    /// A file is not what was written.
    #[error("the signing file {file} is damaged at line {line}; restore it from its own backup")]
    Damaged {
        /// The file.
        file: &'static str,
        /// Counted from 1.
        line: usize,
    },
}

/// Why a head is not signed.
#[derive(Debug, thiserror::Error)]
pub enum RefusedToSign {
    /// The master seed that the log names is not here.
    #[error("the master seed {wanted} is missing from the signing directory")]
    SeedMissing {
        /// Its id.
        wanted: SeedId,
    },
    /// A greater head left the house before: this store is older than what was published.
    #[error("a head of size {published} was published, and this store has {size} leaves")]
    Behind {
        /// The size that left the house.
        published: u64,
        /// The size here.
        size: u64,
    },
    /// A head of this size with another root left the house before.
    #[error("another tree was published under this origin, up to size {published}")]
    Forked {
        /// The size that left the house.
        published: u64,
    },
    /// The head is in no era, or its origin makes no key.
    #[error("the head cannot be signed under its origin")]
    Origin(#[source] Option<KeyError>),
    /// The memory could not be written; the head did not leave the house.
    #[error(transparent)]
    Memory(#[from] SigningError),
}

/// Why a checkpoint cannot be taken up.
#[derive(Debug, thiserror::Error)]
pub enum KnownHeadError {
    /// It is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// It is of another log.
    #[error("{origin} is no workspace of this store")]
    Foreign {
        /// Its origin.
        origin: String,
    },
    /// The memory could not be written.
    #[error(transparent)]
    Memory(#[from] SigningError),
}

impl Signer {
    /// Opens a signing directory. `seed_in_use` is the seed that the log names: without one, a seed is
    /// made when there is none.
    ///
    /// # Errors
    /// See [`SigningError`].
    pub fn open(
        disk: Arc<dyn Disk>,
        random: &dyn Random,
        store_uid: [u8; 16],
        seed_in_use: Option<SeedId>,
    ) -> Result<Self, SigningError> {
        let mut seed = read_seed(&*disk)?;
        if seed.is_none() && seed_in_use.is_none() {
            seed = Some(make_seed(&*disk, random)?);
        }
        let (memory, memory_bytes, published) = open_memory(&*disk)?;
        let state = State { seed, published, memory, memory_bytes, failed: false };
        Ok(Self { disk, store_uid, state: Mutex::new(state) })
    }

    /// Returns the id of the seed that is here.
    pub fn seed(&self) -> Option<SeedId> {
        self.state().seed.as_ref().map(|seed| seed.id)
    }

    /// Makes a new seed in the place of one that is lost. The caller records it in the log, and begins
    /// a new origin for every workspace whose heads were published.
    ///
    /// # Errors
    /// There is a seed already (`AlreadyExists`), or the disk refused a call.
    pub fn replace_lost_seed(&self, random: &dyn Random) -> Result<SeedId, SigningError> {
        let mut state = self.state();
        if state.seed.is_some() {
            let source = io::ErrorKind::AlreadyExists.into();
            return Err(SigningError::Io { what: "replace", file: SEED_FILE, source });
        }
        let seed = make_seed(&*self.disk, random)?;
        let id = seed.id;
        state.seed = Some(seed);
        Ok(id)
    }

    /// Returns the origin of a workspace's tree: the store's own id and the workspace's opaque one.
    /// It never changes and holds no customer's name.
    pub fn origin(&self, workspace: WorkspaceUid, number: u32) -> String {
        let store = u128::from_be_bytes(self.store_uid);
        let base = format!("{store:032x}.proofbook/ws/{workspace}");
        if number == 0 { base } else { format!("{base}/e{}", u64::from(number) + 1) }
    }

    /// Returns the key that verifies what an era signs, as a `vkey`; `None` when its seed is not here.
    pub fn verifier(&self, workspace: WorkspaceUid, era: &Era) -> Option<String> {
        let key = self.key(&self.state(), workspace, era).ok()?;
        Some(key.verifier().to_string())
    }

    /// Returns the greatest head that left the house under an origin.
    pub fn outside(&self, workspace: WorkspaceUid, origin: u32) -> Option<Outside> {
        self.state().published.get(&(workspace, origin)).copied()
    }

    /// Takes up a head that is known from outside, such as one that an auditor holds.
    ///
    /// # Errors
    /// The memory could not be written.
    pub fn remember(
        &self,
        workspace: WorkspaceUid,
        origin: u32,
        head: Outside,
    ) -> Result<(), SigningError> {
        let mut state = self.state();
        match state.published.get(&(workspace, origin)) {
            Some(known) if known.size >= head.size => Ok(()),
            _ => state.write_line(workspace, origin, head),
        }
    }

    /// Takes up a checkpoint that somebody holds: a store that is older signs nothing under its origin.
    /// Its signature is not looked at, since all that it can do is to forbid.
    ///
    /// # Errors
    /// It is no checkpoint of this store, or the memory could not be written.
    pub fn take_known_head(&self, note: &[u8]) -> Result<(), KnownHeadError> {
        let note = Note::parse(note).map_err(CheckpointError::from)?;
        let head = Checkpoint::parse(note.text())?;
        let foreign = || KnownHeadError::Foreign { origin: head.origin.clone() };
        let prefix = format!("{:032x}.proofbook/ws/", u128::from_be_bytes(self.store_uid));
        let rest = head.origin.strip_prefix(&prefix).ok_or_else(foreign)?;
        let (uid, number) = rest.split_once("/e").unwrap_or((rest, "1"));
        let uid = u128::from_str_radix(uid, 16).map_err(|_| foreign())?;
        let uid = WorkspaceUid(uid.to_be_bytes());
        let number: u32 = number.parse().ok().filter(|number| *number > 0).ok_or_else(foreign)?;
        if self.origin(uid, number - 1) != head.origin {
            return Err(foreign());
        }
        self.remember(uid, number - 1, Outside { size: head.size, root: head.root })?;
        Ok(())
    }

    /// Signs a published head, and returns the note.
    ///
    /// The caller has found that the greatest head outside ([`Signer::outside`]) is of this tree; here
    /// it is checked that the head is not smaller, and remembered before it is signed.
    ///
    /// # Errors
    /// See [`RefusedToSign`]; nothing was signed.
    pub fn sign(
        &self,
        workspace: WorkspaceUid,
        signing: &Signing,
        head: &PublishedHead,
    ) -> Result<String, RefusedToSign> {
        let eras = signing.signers(head);
        let own = eras.first().ok_or(RefusedToSign::Origin(None))?;
        let mut state = self.state();
        let keys: Vec<SigningKey> = eras
            .iter()
            .map(|era| self.key(&state, workspace, era))
            .collect::<Result<_, RefusedToSign>>()?;
        match state.published.get(&(workspace, own.origin)) {
            Some(known) if known.size > head.size => {
                return Err(RefusedToSign::Behind { published: known.size, size: head.size });
            }
            Some(known) if known.size == head.size && known.root != head.root => {
                return Err(RefusedToSign::Forked { published: known.size });
            }
            Some(known) if known.size == head.size => {}
            _ => {
                let outside = Outside { size: head.size, root: head.root };
                state.write_line(workspace, own.origin, outside)?;
            }
        }
        drop(state);
        Ok(self.note_of(workspace, own, head, &keys))
    }

    /// Signs a head again that was signed before, for who asks for older ones: the same bytes, unless a
    /// key was rotated in between.
    ///
    /// # Errors
    /// See [`RefusedToSign`]; it is none of the published heads, or of an origin that was left.
    pub fn sign_again(
        &self,
        workspace: WorkspaceUid,
        signing: &Signing,
        head: &PublishedHead,
    ) -> Result<String, RefusedToSign> {
        let newest = signing.eras.last().ok_or(RefusedToSign::Origin(None))?;
        let eras = signing.signers(head);
        let own = eras.first().filter(|era| era.origin == newest.origin);
        let own =
            own.filter(|_| signing.heads.contains(head)).ok_or(RefusedToSign::Origin(None))?;
        let state = self.state();
        let behind = RefusedToSign::Behind { published: head.size, size: 0 };
        let known = state.published.get(&(workspace, own.origin)).ok_or(behind)?;
        if known.size < head.size {
            return Err(RefusedToSign::Forked { published: known.size });
        }
        let keys: Vec<SigningKey> = eras
            .iter()
            .map(|era| self.key(&state, workspace, era))
            .collect::<Result<_, RefusedToSign>>()?;
        drop(state);
        Ok(self.note_of(workspace, own, head, &keys))
    }

    fn note_of(
        &self,
        workspace: WorkspaceUid,
        era: &Era,
        head: &PublishedHead,
        keys: &[SigningKey],
    ) -> String {
        let origin = self.origin(workspace, era.origin);
        let text = Checkpoint { origin, size: head.size, root: head.root }.text();
        let lines: Vec<String> = keys.iter().map(|key| key.sign(&text)).collect();
        write_note(&text, lines.iter().map(String::as_str))
    }

    fn key(
        &self,
        state: &State,
        workspace: WorkspaceUid,
        era: &Era,
    ) -> Result<SigningKey, RefusedToSign> {
        let missing = RefusedToSign::SeedMissing { wanted: era.seed };
        let master = state.seed.as_ref().filter(|seed| seed.id == era.seed).ok_or(missing)?;
        let origin = self.origin(workspace, era.origin);
        let seed = workspace_seed(&master.bytes, &origin, era.key);
        SigningKey::from_seed(&origin, &seed).map_err(|error| RefusedToSign::Origin(Some(error)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic leaves the map behind the file at worst, which a start puts right.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Appends a line, syncs it, reads it back past the cache, and only then knows it.
    fn write_line(
        &mut self,
        workspace: WorkspaceUid,
        origin: u32,
        head: Outside,
    ) -> Result<(), SigningError> {
        if self.failed {
            let source =
                io::Error::other("an earlier write failed; a restart finds out what is there");
            return Err(io_error("write", PUBLISHED_FILE, source));
        }
        self.failed = true;
        let line = line_of(workspace, origin, head);
        let mut back = vec![0; line.len()];
        let written = write_all_at(&*self.memory, line.as_bytes(), self.memory_bytes)
            .and_then(|()| self.memory.sync_data())
            .and_then(|()| self.memory.drop_cache())
            .and_then(|()| read_exact_at(&*self.memory, &mut back, self.memory_bytes));
        written.map_err(|source| io_error("write", PUBLISHED_FILE, source))?;
        if back != line.as_bytes() {
            let source = io::Error::other("what was read back is not what was written");
            return Err(io_error("write", PUBLISHED_FILE, source));
        }
        self.failed = false;
        self.memory_bytes += line.len() as u64;
        self.published.insert((workspace, origin), head);
        Ok(())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("seed", &self.seed()).finish_non_exhaustive()
    }
}

fn io_error(what: &'static str, file: &'static str, source: io::Error) -> SigningError {
    SigningError::Io { what, file, source }
}

fn seed_id(seed: &[u8; 32]) -> SeedId {
    let hash = Sha256::new().chain_update(b"proofbook/v1/seed-id\0").chain_update(seed).finalize();
    let mut id = [0; 8];
    id.copy_from_slice(&hash[..8]);
    SeedId(id)
}

fn read_seed(disk: &dyn Disk) -> Result<Option<MasterSeed>, SigningError> {
    let settled = disk.open_write(SEED_FILE).and_then(|file| {
        file.sync_data()?;
        file.drop_cache()?;
        disk.sync_dir(ROOT)?;
        read_to_vec(&*file, 128)
    });
    let text = match settled {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io_error("read", SEED_FILE, source)),
    };
    let damaged = SigningError::Damaged { file: SEED_FILE, line: 1 };
    let text = std::str::from_utf8(&text).ok().and_then(|text| text.strip_suffix('\n'));
    let Some(hex) = text.and_then(checked) else { return Err(damaged) };
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        let digits = hex.get(2 * index..2 * index + 2);
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(value) = value.filter(|_| hex.len() == 64) else { return Err(damaged) };
        *byte = value;
    }
    Ok(Some(MasterSeed { id: seed_id(&bytes), bytes }))
}

fn make_seed(disk: &dyn Disk, random: &dyn Random) -> Result<MasterSeed, SigningError> {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = with_check(&hex);
    durable_write(disk, ROOT, "master.seed.tmp", SEED_FILE, text.as_bytes())
        .map_err(|source| io_error("write", SEED_FILE, source))?;
    Ok(MasterSeed { id: seed_id(&bytes), bytes })
}

/// The memory's file, its length in bytes, and what it says.
type Memory = (Box<dyn DiskFile>, u64, HashMap<(WorkspaceUid, u32), Outside>);

/// Reads the memory; a last line without its end is one that was being written, and its head did not
/// leave the house.
fn open_memory(disk: &dyn Disk) -> Result<Memory, SigningError> {
    // What a process before this one wrote may be in the cache only, and after a sync that failed it
    // never becomes durable: what counts is what the device has.
    let settled = disk.open_write(PUBLISHED_FILE).and_then(|file| {
        file.sync_data()?;
        file.drop_cache()?;
        read_to_vec(&*file, PUBLISHED_BYTES_MAX)
    });
    let bytes = match settled {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(io_error("read", PUBLISHED_FILE, source)),
    };
    let mut published: HashMap<(WorkspaceUid, u32), Outside> = HashMap::new();
    let (mut whole_bytes, mut lines) = (0, 0);
    let mut rest = bytes.as_slice();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        lines += 1;
        let line = std::str::from_utf8(&rest[..end]).ok().and_then(parse_line);
        rest = &rest[end + 1..];
        let Some((workspace, origin, head)) = line else {
            if rest.contains(&b'\n') {
                return Err(SigningError::Damaged { file: PUBLISHED_FILE, line: lines });
            }
            rest = &bytes[whole_bytes..];
            break;
        };
        whole_bytes = bytes.len() - rest.len();
        let known = published.entry((workspace, origin)).or_insert(head);
        if head.size >= known.size {
            *known = head;
        }
    }
    // Written anew where there is none, where it ends in half a line, and where it grew too long.
    if bytes.is_empty() || !rest.is_empty() || lines > published.len() + STALE_LINES_MAX {
        let mut entries: Vec<_> = published.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| **key);
        let text: String =
            entries.into_iter().map(|((uid, n), head)| line_of(*uid, *n, *head)).collect();
        durable_write(disk, ROOT, "published.tmp", PUBLISHED_FILE, text.as_bytes())
            .map_err(|source| io_error("write", PUBLISHED_FILE, source))?;
        whole_bytes = text.len();
    }
    let file = disk
        .open_write(PUBLISHED_FILE)
        .map_err(|source| io_error("open", PUBLISHED_FILE, source))?;
    Ok((file, whole_bytes as u64, published))
}

fn line_of(workspace: WorkspaceUid, origin: u32, head: Outside) -> String {
    with_check(&format!("{workspace} {origin} {} {}", head.size, head.root))
}

fn parse_line(line: &str) -> Option<(WorkspaceUid, u32, Outside)> {
    let mut fields = checked(line)?.split(' ');
    let uid = u128::from_str_radix(fields.next()?, 16).ok()?;
    let origin = fields.next()?.parse().ok()?;
    let size = fields.next()?.parse().ok()?;
    let root = fields.next()?.parse().ok()?;
    fields.next().is_none().then_some((
        WorkspaceUid(uid.to_be_bytes()),
        origin,
        Outside { size, root },
    ))
}

/// Appends the CRC-32C of a text, and ends the line.
fn with_check(text: &str) -> String {
    format!("{text} {:08x}\n", crc32c::crc32c(text.as_bytes()))
}

/// Takes the CRC-32C off a line; `None` when it is not the line's.
fn checked(line: &str) -> Option<&str> {
    let (text, check) = line.rsplit_once(' ')?;
    let check = u32::from_str_radix(check, 16).ok()?;
    (check == crc32c::crc32c(text.as_bytes())).then_some(text)
}

#[cfg(test)]
mod tests;
