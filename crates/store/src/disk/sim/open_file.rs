//! Handles on the simulated disk: open files and held locks.

use std::io;

use rustix::io::Errno;

use super::fault::{Fault, eio};
use super::file_image::FileId;
use super::trace::{CallKind, Span};
use super::{DiskFile, SimDisk, State};

/// One open file; the path is the one it was opened under, for faults and the trace.
pub(super) struct SimFile {
    disk: SimDisk,
    id: FileId,
    path: String,
    writable: bool,
}

impl SimFile {
    pub(super) fn new(disk: SimDisk, id: FileId, path: &str, writable: bool) -> Self {
        Self { disk, id, path: path.to_owned(), writable }
    }

    fn check_writable(&self) -> io::Result<()> {
        if self.writable { Ok(()) } else { Err(Errno::BADF.into()) }
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let span = Span::new(offset, buf.len() as u64);
        self.disk.call(CallKind::ReadAt, &self.path, span, |state, fault| {
            let count = count_of(buf.len(), fault);
            Ok(state.file_mut(self.id)?.read_at(&mut buf[..count], offset))
        })
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let span = Span::new(offset, buf.len() as u64);
        self.disk.call(CallKind::WriteAt, &self.path, span, |state, fault| {
            self.check_writable()?;
            let free_bytes = state.free_bytes();
            let file = state.file_mut(self.id)?;
            // Bytes up to the present end have their space; behind it each one takes some.
            let end_max = file.len().saturating_add(free_bytes);
            let room = usize::try_from(end_max.saturating_sub(offset)).unwrap_or(usize::MAX);
            let count = count_of(buf.len(), fault).min(room);
            if count == 0 && !buf.is_empty() {
                return Err(Errno::NOSPC.into());
            }
            file.write_at(&buf[..count], offset)?;
            Ok(count)
        })
    }

    fn len(&self) -> io::Result<u64> {
        self.disk.call(CallKind::Len, &self.path, Span::NONE, |state, _| {
            Ok(state.file_mut(self.id)?.len())
        })
    }

    fn allocate(&self, len_bytes: u64) -> io::Result<()> {
        let span = Span::new(0, len_bytes);
        self.disk.call(CallKind::Allocate, &self.path, span, |state, _| {
            self.check_writable()?;
            let free_bytes = state.free_bytes();
            let file = state.file_mut(self.id)?;
            if len_bytes.saturating_sub(file.len()) > free_bytes {
                return Err(Errno::NOSPC.into());
            }
            file.allocate(len_bytes)
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.call(CallKind::SyncData, &self.path, Span::NONE, |state, fault| {
            let State { files, coins, .. } = state;
            let file = files.get_mut(&self.id).ok_or(io::ErrorKind::NotFound)?;
            match fault {
                Some(Fault::SyncLosesPages) => {
                    file.lose_pending();
                    return Err(eio());
                }
                Some(Fault::SyncRevertsPages) => {
                    file.revert_pending();
                    return Err(eio());
                }
                Some(Fault::IgnoreSync) => {}
                Some(Fault::FlipBitOnSync) => file.sync_flipping_a_bit(coins),
                Some(Fault::LoseWriteOnSync) => file.sync_losing_one_write(coins),
                _ => file.sync(),
            }
            Ok(())
        })
    }

    fn drop_cache(&self) -> io::Result<()> {
        self.disk.call(CallKind::DropCache, &self.path, Span::NONE, |state, _| {
            state.file_mut(self.id)?.drop_cache();
            Ok(())
        })
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if let Ok(file) = state.file_mut(self.id) {
            file.closed();
        }
    }
}

/// A held lock.
pub(super) struct SimLock {
    disk: SimDisk,
    id: FileId,
}

impl SimLock {
    pub(super) fn new(disk: SimDisk, id: FileId) -> Self {
        Self { disk, id }
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.id);
    }
}

/// How many of `asked` bytes a call moves.
fn count_of(asked: usize, fault: Option<Fault>) -> usize {
    match fault {
        Some(Fault::Short) => asked.div_ceil(2),
        _ => asked,
    }
}
