//! The disk that the store under test is given: a simulated one that is watched, and that can have a
//! bug planted between the store and it.

use std::io;
use std::sync::Arc;

use proofbook_store::disk::sim::{CallKind, SimDisk};
use proofbook_store::disk::{Disk, DiskFile, Lock, ROOT};
use proofbook_store::names::{LOG_DIR, SEGMENT_DIR, SNAPSHOT_DIR};

/// Called before each call that can change what a crash leaves.
pub(crate) type Watch = Arc<dyn Fn(&SimDisk) + Send + Sync>;

/// A bug that lies in how the disk is used, so that it can be planted around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiskBug {
    /// No `sync_data` on files of a directory.
    NoDataSync(&'static str),
    /// No `sync_dir` on a directory.
    NoDirSync(&'static str),
    /// A failed `sync_data` is tried again, and the second answer believed.
    SyncRetried,
    /// Recovery reads what an earlier process left in the cache as if it were durable.
    NoSyncBeforeRecovery,
    /// What was written is read back out of the cache.
    CacheKept,
}

impl DiskBug {
    /// Every such bug with its name on the command line.
    pub(crate) const ALL: &[(&str, Self)] = &[
        ("log-sync-dropped", Self::NoDataSync(LOG_DIR)),
        ("segment-sync-dropped", Self::NoDataSync(SEGMENT_DIR)),
        ("snapshot-sync-dropped", Self::NoDataSync(SNAPSHOT_DIR)),
        ("log-dir-sync-skipped", Self::NoDirSync(LOG_DIR)),
        ("segment-dir-sync-skipped", Self::NoDirSync(SEGMENT_DIR)),
        ("snapshot-dir-sync-skipped", Self::NoDirSync(SNAPSHOT_DIR)),
        ("root-dir-sync-skipped", Self::NoDirSync(ROOT)),
        ("failed-sync-retried", Self::SyncRetried),
        ("recovery-without-sync", Self::NoSyncBeforeRecovery),
        ("read-back-from-cache", Self::CacheKept),
    ];
}

/// A simulated disk that is watched and may have a planted bug.
#[derive(Clone)]
pub(crate) struct WatchedDisk {
    pub(crate) disk: SimDisk,
    pub(crate) watch: Option<Watch>,
    pub(crate) bug: Option<DiskBug>,
}

impl WatchedDisk {
    fn before(&self, kind: CallKind) {
        if let Some(watch) = self.watch.as_ref().filter(|_| kind.is_mutating()) {
            watch(&self.disk);
        }
    }

    fn file(
        &self,
        path: &str,
        found: bool,
        file: io::Result<Box<dyn DiskFile>>,
    ) -> io::Result<Box<dyn DiskFile>> {
        let (path, disk) = (path.to_owned(), self.clone());
        Ok(Box::new(WatchedFile { file: file?, path, found, disk }))
    }
}

impl Disk for WatchedDisk {
    fn create_new(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        self.before(CallKind::CreateNew);
        self.file(path, false, self.disk.create_new(path))
    }

    fn open_read(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        self.file(path, true, self.disk.open_read(path))
    }

    fn open_write(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        self.file(path, true, self.disk.open_write(path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.before(CallKind::Rename);
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.before(CallKind::Remove);
        self.disk.remove(path)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.before(CallKind::CreateDir);
        self.disk.create_dir(dir)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.before(CallKind::SyncDir);
        match self.bug {
            Some(DiskBug::NoDirSync(skipped)) if skipped == dir => Ok(()),
            _ => self.disk.sync_dir(dir),
        }
    }

    fn lock(&self, path: &str) -> io::Result<Lock> {
        self.before(CallKind::Lock);
        self.disk.lock(path)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }
}

struct WatchedFile {
    file: Box<dyn DiskFile>,
    path: String,
    /// Whether it was there before it was opened.
    found: bool,
    disk: WatchedDisk,
}

impl DiskFile for WatchedFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.disk.before(CallKind::WriteAt);
        self.file.write_at(buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn allocate(&self, len_bytes: u64) -> io::Result<()> {
        self.disk.before(CallKind::Allocate);
        self.file.allocate(len_bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.before(CallKind::SyncData);
        match self.disk.bug {
            Some(DiskBug::NoDataSync(dir)) if self.path.starts_with(dir) => Ok(()),
            Some(DiskBug::NoSyncBeforeRecovery) if self.found => Ok(()),
            Some(DiskBug::SyncRetried) => self.file.sync_data().or_else(|_| self.file.sync_data()),
            _ => self.file.sync_data(),
        }
    }

    fn drop_cache(&self) -> io::Result<()> {
        match self.disk.bug {
            Some(DiskBug::CacheKept) => Ok(()),
            _ => self.file.drop_cache(),
        }
    }
}
