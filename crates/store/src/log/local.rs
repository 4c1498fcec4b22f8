//! The log in files of the data directory: appending and releasing.
//!
//! A file begins with 64 bytes: magic "PBlogfl1", the store's id (16), the first position (8), the
//! hash of the frame before it (32 bytes, zeros before the first). Frames follow without gap. Space
//! is reserved when the file is made, so that appending cannot run out of it; what lies behind the
//! last frame is zeros. A file is never reused, and a new one is begun at every start.

use std::io;
use std::sync::Arc;

use proofbook_ledger::Hash;

use super::frame::{self, FrameDraft};
use super::{Log, Position};
use crate::disk::{Disk, DiskFile, join, write_all_at};
use crate::plant::{self, Plant};
use crate::{limits, names};

/// First bytes of every log file.
pub(super) const FILE_MAGIC: [u8; 8] = *b"PBlogfl1";
/// Bytes before the first frame.
pub(super) const FILE_HEADER_BYTES: u64 = 64;

/// Settings that tests make small.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// Space reserved for each file, in bytes.
    pub file_bytes: u64,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { file_bytes: limits::LOG_FILE_BYTES }
    }
}

/// Why a frame was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// There is no space for a new file; nothing was written and nothing is lost.
    #[error("the disk has no space for the log")]
    NoSpace(#[source] io::Error),
    /// Writing or syncing failed. Whether the frame is durable is known only after a restart.
    #[error("the log could not be written; this process must stop")]
    Failed(#[source] io::Error),
    /// An earlier append failed; this writer takes nothing more.
    #[error("the log failed earlier; this process must stop")]
    Poisoned,
    /// The frame could not be encoded; nothing was written.
    #[error("the frame could not be encoded")]
    Encode(#[source] io::Error),
}

/// The file that frames are appended to.
struct OpenFile {
    file: Box<dyn DiskFile>,
    offset: u64,
    reserved: u64,
}

/// One file of the log.
#[derive(Clone, Debug)]
pub(super) struct LogFile {
    pub(super) name: String,
    pub(super) first: Position,
}

/// The log in a data directory.
pub struct LocalLog {
    disk: Arc<dyn Disk>,
    options: LogOptions,
    store_uid: [u8; 16],
    /// Every file, oldest first; the last one is open when `open` is set.
    files: Vec<LogFile>,
    open: Option<OpenFile>,
    durable: Position,
    last_hash: Hash,
    poisoned: bool,
}

impl LocalLog {
    /// Takes over after recovery: `durable` is the last frame, `files` everything that is there.
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        options: LogOptions,
        store_uid: [u8; 16],
        files: Vec<LogFile>,
        durable: Position,
        last_hash: Hash,
    ) -> Self {
        Self { disk, options, store_uid, files, open: None, durable, last_hash, poisoned: false }
    }

    /// Returns the hash of the newest durable frame.
    pub fn last_hash(&self) -> Hash {
        self.last_hash
    }

    /// Returns how many files there are.
    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// Ends the file that is open: the next frame begins a new one.
    pub fn rotate(&mut self) {
        self.open = None;
    }

    /// Makes a new file with room for a frame of `frame_bytes`, ready for its first frame.
    ///
    /// Until the directory is synced the file may vanish in a crash, so no frame goes in before.
    fn begin_file(&mut self, frame_bytes: u64) -> io::Result<OpenFile> {
        let first = self.durable.next();
        let reserved = self.options.file_bytes.max(FILE_HEADER_BYTES + frame_bytes);
        let mut attempt = 0;
        let (name, file) = loop {
            let name = names::log_file(first.0, attempt);
            match self.disk.create_new(&join(names::LOG_DIR, &name)) {
                Ok(file) => break (name, file),
                // Left by an attempt that died before its first frame was durable.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
                Err(error) => return Err(error),
            }
        };
        let prepared = (|| {
            file.allocate(reserved)?;
            let mut header = Vec::with_capacity(FILE_HEADER_BYTES as usize);
            header.extend_from_slice(&FILE_MAGIC);
            header.extend_from_slice(&self.store_uid);
            header.extend_from_slice(&first.0.to_le_bytes());
            header.extend_from_slice(&self.last_hash.0);
            write_all_at(&*file, &header, 0)?;
            file.sync_data()?;
            self.disk.sync_dir(names::LOG_DIR)
        })();
        if let Err(error) = prepared {
            // No frame was in it: removing it loses nothing, and keeping it costs its space.
            drop(file);
            let _ = self.disk.remove(&join(names::LOG_DIR, &name));
            return Err(error);
        }
        self.files.push(LogFile { name, first });
        Ok(OpenFile { file, offset: FILE_HEADER_BYTES, reserved })
    }
}

impl Log for LocalLog {
    fn append(&mut self, draft: &FrameDraft<'_>) -> Result<Position, AppendError> {
        if self.poisoned {
            return Err(AppendError::Poisoned);
        }
        let position = self.durable.next();
        let (bytes, hash) = frame::encode(draft, position, self.durable, self.last_hash)
            .map_err(AppendError::Encode)?;
        let fits = |open: &OpenFile| open.offset + bytes.len() as u64 <= open.reserved;
        if !self.open.as_ref().is_some_and(fits) {
            self.open = None;
            match self.begin_file(bytes.len() as u64) {
                Ok(open) => self.open = Some(open),
                Err(error) if is_no_space(&error) => return Err(AppendError::NoSpace(error)),
                Err(error) => {
                    self.poisoned = true;
                    return Err(AppendError::Failed(error));
                }
            }
        }
        let Some(open) = self.open.as_mut() else { return Err(AppendError::Poisoned) };
        // Until both calls have returned Ok the frame may or may not survive. Nobody is told either
        // way, and nothing is written behind it: the only truth is what a restart reads (I1, I6).
        let written =
            write_all_at(&*open.file, &bytes, open.offset).and_then(|()| open.file.sync_data());
        if let Err(error) = written {
            self.poisoned = !plant::is_on(Plant::FailedLogGoesOn);
            return Err(AppendError::Failed(error));
        }
        open.offset += bytes.len() as u64;
        self.durable = position;
        self.last_hash = hash;
        Ok(position)
    }

    fn release(&mut self, before: Position) -> io::Result<usize> {
        let mut released = 0;
        // A file may go when the next one begins at or before `before`: all its frames are older.
        while self.files.len() >= 2 && self.files[1].first <= before {
            self.disk.remove(&join(names::LOG_DIR, &self.files[0].name))?;
            self.files.remove(0);
            released += 1;
        }
        if released > 0 {
            self.disk.sync_dir(names::LOG_DIR)?;
        }
        Ok(released)
    }

    fn durable(&self) -> Position {
        self.durable
    }
}

/// Tells whether an error means that the disk, or this process's share of it, is full.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
