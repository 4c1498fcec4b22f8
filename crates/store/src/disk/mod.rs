//! The disk: the only door between the store and the file system.
//!
//! Everything the store keeps goes through [`Disk`] and [`DiskFile`], so that the same code runs on
//! [`RealDisk`] and on [`SimDisk`], which can lose, tear, reorder and corrupt whatever was not synced.
//! Calls are synchronous and thin: one call is one system call, and nothing is retried or buffered.
//! What a file means, which names exist and what happens after an error stay out.
//!
//! # What holds after a power cut
//!
//! | call that returned `Ok` | what a reboot finds |
//! |---|---|
//! | `write_at`, `allocate` | anything: each sector old or new, the length old or new, until `sync_data` of this file |
//! | `sync_data` | every byte and the length written to this file before the call; says nothing about its *name* |
//! | `create_new`, `rename`, `remove`, `create_dir` | the entry as before or as after (a rename is never half), until `sync_dir` of the directory that holds it |
//! | `sync_dir` | every entry changed in this directory before the call; says nothing about the *contents* |
//! | closing a file | nothing: close does not sync |
//!
//! After the process alone is killed, all of the above is still visible, but **not durable**: the page
//! cache outlives the process. Code that recovers must sync what it read before it relies on it.
//!
//! # After an error
//!
//! A call that failed may have happened. A failed `sync_data` or `sync_dir` is final: the kernel may
//! mark the lost pages clean, so that reads show them and the next sync succeeds without writing them
//! (PostgreSQL's "fsyncgate"; Rebello et al., ATC'20). Never retry it and never decide by reading
//! back without [`DiskFile::drop_cache`]: stop writing, start anew, recover.

use std::any::Any;
use std::fmt;
use std::io;

mod durable_file;
mod path;
mod real;
pub mod sim;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod tests;

pub use durable_file::{durable_write, read_exact_at, read_file, read_to_vec, write_all_at};
pub use path::{NAME_BYTES_MAX, ROOT, check_dir, check_path, join, parent};
pub use real::RealDisk;
pub use sim::SimDisk;

/// Holds the files of one data directory; the only user of the file system in the project.
///
/// Paths are relative to the data directory, parts joined by `/`, each part of `[A-Za-z0-9._-]`, at
/// most [`NAME_BYTES_MAX`] bytes and neither `.` nor `..`; [`ROOT`] names the data directory itself
/// where a directory is asked for. Any other path is [`io::ErrorKind::InvalidInput`] before the
/// file system is touched, so that a name read from a damaged file cannot lead outside.
pub trait Disk: Send + Sync {
    /// Creates an empty file and opens it for reading and writing.
    ///
    /// Errors: `AlreadyExists` when the name is taken, `NotFound` when the directory is missing.
    /// The name is durable only after [`sync_dir`](Self::sync_dir).
    fn create_new(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens an existing file for reading. A directory is refused with `IsADirectory`.
    fn open_read(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens an existing file for reading and writing. It is neither created nor cut.
    fn open_write(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name in the same directory and replaces what had that name, as one step.
    ///
    /// Directories and renames across directories are refused with `InvalidInput`: the latter would
    /// need two directory syncs, about whose order nothing is promised. Files open under either name
    /// stay readable.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Handles that are open stay readable; space returns with the last of them.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Lists the names in a directory, files and directories alike, sorted by bytes.
    ///
    /// Names of foreign making are listed too (unreadable bytes as U+FFFD), though no call opens them.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// Creates a directory, one level; succeeds when it is there already.
    ///
    /// "There already" may still be only in memory (created by a process that was then killed), so a
    /// caller syncs the parent in either case.
    fn create_dir(&self, dir: &str) -> io::Result<()>;

    /// Makes every entry changed in this directory so far durable.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;

    /// Takes the exclusive lock on a file, which is created when missing.
    ///
    /// Errors: `WouldBlock` when anybody holds it, in this process or another. Advisory, gone with
    /// the process; local file systems only (flock over NFS is not relied on).
    fn lock(&self, path: &str) -> io::Result<Lock>;

    /// Reports the bytes that this process may still write.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// An open file. Dropping it closes it and syncs nothing.
pub trait DiskFile: Send + Sync {
    /// Reads at `offset`; may return fewer bytes than asked for, and 0 only at the end (or for an
    /// empty `buf`). See [`read_exact_at`].
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes at `offset` and returns how many bytes were taken, which may be fewer than given. A gap
    /// between the old end and `offset` reads as zeros. See [`write_all_at`].
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize>;

    /// Returns the length in bytes as readers see it now.
    fn len(&self) -> io::Result<u64>;

    /// Reports whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Grows the file to `len_bytes` of zeros with the space reserved, so that writing there cannot
    /// run out of space. Never cuts; a length already reached is left alone.
    fn allocate(&self, len_bytes: u64) -> io::Result<()>;

    /// Makes every byte and the length of this file durable, whichever handle wrote them
    /// (`fdatasync`). After an error see the module's "After an error".
    fn sync_data(&self) -> io::Result<()>;

    /// Asks that clean pages of this file leave the cache, so that the next read comes from the
    /// device (`posix_fadvise(DONTNEED)`). Unsynced bytes are kept, so sync first.
    fn drop_cache(&self) -> io::Result<()>;
}

impl fmt::Debug for dyn DiskFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiskFile")
    }
}

/// An exclusive lock; dropping it, or the end of the process, gives it back.
#[must_use = "the lock is given back when this is dropped"]
pub struct Lock {
    _held: Box<dyn Any + Send + Sync>,
}

impl Lock {
    /// Wraps whatever gives the lock back when it is dropped.
    pub(in crate::disk) fn holding(held: impl Any + Send + Sync) -> Self {
        Self { _held: Box::new(held) }
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}
