//! A file that is written front to back, hashed on the way, and synced in steps.

use sha2::{Digest, Sha256};

use proofbook_ledger::Hash;

use crate::disk::{Disk, DiskFile, read_exact_at, write_all_at};

use super::error::SegmentError;
use super::{FileHash, Piece, PieceHash};

/// Bytes collected before they go to the disk.
const BUFFER_BYTES: usize = 256 * 1024;
/// Bytes after which what was written is synced, so that a background write never leaves the log's
/// fdatasync behind a long queue.
const SYNC_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes read at once when a file is read back.
pub(super) const READ_BYTES: usize = 256 * 1024;

/// Hashes one piece: SHA-256, cut to 16 bytes, enough to detect damage; the whole file's full hash
/// stands in the manifest.
pub(super) fn piece_hash(bytes: &[u8]) -> PieceHash {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let mut short = PieceHash::default();
    let count = short.len();
    short.copy_from_slice(&digest[..count]);
    short
}

/// Returns the name under which a file is written until it is whole.
pub(super) fn temporary(path: &str) -> String {
    format!("{path}.tmp")
}

/// A temporary file being written.
pub(super) struct OutFile {
    path: String,
    file: Box<dyn DiskFile>,
    buffer: Vec<u8>,
    hash: Sha256,
    /// Bytes given to the disk so far.
    written: u64,
    synced: u64,
}

impl OutFile {
    /// Creates the temporary of `path`, replacing one left by an earlier crash.
    pub(super) fn create(disk: &dyn Disk, path: &str) -> Result<Self, SegmentError> {
        let path = temporary(path);
        match disk.remove(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(SegmentError::io("remove", &path)(error));
            }
            _ => {}
        }
        let file = disk.create_new(&path).map_err(SegmentError::io("create", &path))?;
        Ok(Self {
            path,
            file,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            hash: Sha256::new(),
            written: 0,
            synced: 0,
        })
    }

    /// Returns the offset at which the next byte goes.
    pub(super) fn position(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Appends bytes.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), SegmentError> {
        self.hash.update(bytes);
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Appends a piece and returns where it stands.
    pub(super) fn put_piece(&mut self, bytes: &[u8]) -> Result<Piece, SegmentError> {
        let piece =
            Piece { offset: self.position(), len: bytes.len() as u32, hash: piece_hash(bytes) };
        self.put(bytes)?;
        Ok(piece)
    }

    fn flush(&mut self) -> Result<(), SegmentError> {
        write_all_at(self.file.as_ref(), &self.buffer, self.written)
            .map_err(SegmentError::io("write", &self.path))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        if self.written - self.synced >= SYNC_BYTES {
            self.sync()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SegmentError> {
        self.file.sync_data().map_err(SegmentError::io("sync", &self.path))?;
        self.synced = self.written;
        Ok(())
    }

    /// Writes and syncs the rest, then reads everything back past the cache and compares hashes.
    ///
    /// On return the bytes are durable under the temporary name and the device gives them back.
    pub(super) fn finish(mut self) -> Result<FileHash, SegmentError> {
        self.flush()?;
        self.sync()?;
        self.file.drop_cache().map_err(SegmentError::io("drop the cache of", &self.path))?;
        let written = FileHash { len: self.written, sha256: Hash(self.hash.finalize().into()) };
        let found = hash_file(self.file.as_ref(), &self.path)?;
        if found == written { Ok(written) } else { Err(SegmentError::ReadBack { file: self.path }) }
    }
}

/// Hashes a file from front to end.
pub(super) fn hash_file(file: &dyn DiskFile, path: &str) -> Result<FileHash, SegmentError> {
    let len = file.len().map_err(SegmentError::io("measure", path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut at = 0;
    while at < len {
        let count = usize::try_from(len - at).unwrap_or(READ_BYTES).min(READ_BYTES);
        let chunk = &mut buffer[..count];
        read_exact_at(file, chunk, at).map_err(SegmentError::io("read", path))?;
        hash.update(&*chunk);
        at += count as u64;
    }
    Ok(FileHash { len, sha256: Hash(hash.finalize().into()) })
}
