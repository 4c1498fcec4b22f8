//! The disk of the machine: thin calls on one data directory.
//!
//! Every path is resolved from the directory's own descriptor, so that the data directory may be
//! moved while it is in use, and a symbolic link in the last place is refused. Files are made for the
//! owner only (0600, directories 0700). Retrying and buffering stay out.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::path::check_rename;
use super::{Disk, DiskFile, Lock, ROOT, check_dir, check_path};

/// The files below one directory of the machine.
#[derive(Debug)]
pub struct RealDisk {
    root: OwnedFd,
}

impl RealDisk {
    /// Opens an existing data directory.
    pub fn open(root: &Path) -> io::Result<Self> {
        Ok(Self { root: rustix::fs::openat(CWD, root, dir_flags(), Mode::empty())? })
    }

    /// Opens a data directory and makes it first when it is missing, durably, for the owner only.
    ///
    /// Its parent must exist.
    pub fn create(root: &Path) -> io::Result<Self> {
        let existed = match rustix::fs::mkdirat(CWD, root, Mode::RWXU) {
            Ok(()) => false,
            Err(Errno::EXIST) => true,
            Err(error) => return Err(error.into()),
        };
        let disk = Self::open(root)?;
        // A data directory that a power cut takes back would take every acknowledged event with it;
        // one that exists may have been made a moment ago by a process that was killed.
        match rustix::fs::openat(&disk.root, "..", dir_flags(), Mode::empty()) {
            Ok(parent) => rustix::fs::fsync(&parent)?,
            Err(Errno::ACCESS) if existed => {}
            Err(error) => return Err(error.into()),
        }
        Ok(disk)
    }

    fn open_file(&self, path: &str, flags: OFlags) -> io::Result<File> {
        check_path(path)?;
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file =
            File::from(rustix::fs::openat(&self.root, path, flags, Mode::RUSR | Mode::WUSR)?);
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(file)
    }

    fn open_dir(&self, dir: &str) -> io::Result<OwnedFd> {
        check_dir(dir)?;
        let path = if dir == ROOT { "." } else { dir };
        Ok(rustix::fs::openat(&self.root, path, dir_flags() | OFlags::NOFOLLOW, Mode::empty())?)
    }

    fn is_dir(&self, path: &str) -> io::Result<bool> {
        let stat = rustix::fs::statat(&self.root, path, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
    }
}

impl Disk for RealDisk {
    fn create_new(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        Ok(Box::new(RealFile(self.open_file(path, flags)?)))
    }

    fn open_read(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(self.open_file(path, OFlags::RDONLY)?)))
    }

    fn open_write(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(self.open_file(path, OFlags::RDWR)?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_rename(from, to)?;
        if self.is_dir(from)? {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "directories keep their name"));
        }
        Ok(rustix::fs::renameat(&self.root, from, &self.root, to)?)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        check_path(path)?;
        Ok(rustix::fs::unlinkat(&self.root, path, AtFlags::empty())?)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(self.open_dir(dir)?)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy();
            if name != "." && name != ".." {
                names.push(name.into_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        check_path(dir)?;
        match rustix::fs::mkdirat(&self.root, dir, Mode::RWXU) {
            Err(Errno::EXIST) if self.is_dir(dir)? => Ok(()),
            made => Ok(made?),
        }
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        Ok(rustix::fs::fsync(self.open_dir(dir)?)?)
    }

    fn lock(&self, path: &str) -> io::Result<Lock> {
        let file = self.open_file(path, OFlags::RDWR | OFlags::CREATE)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Lock::holding(file))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::fstatvfs(&self.root)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// Closing one does not sync: `File` only closes.
struct RealFile(File);

impl DiskFile for RealFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn allocate(&self, len_bytes: u64) -> io::Result<()> {
        let len = self.len()?;
        if len_bytes <= len {
            return Ok(());
        }
        #[cfg(target_os = "linux")]
        match rustix::fs::fallocate(&self.0, rustix::fs::FallocateFlags::empty(), 0, len_bytes) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            done => return Ok(done?),
        }
        self.fill_with_zeros(len, len_bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn drop_cache(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        rustix::fs::fadvise(&self.0, 0, None, rustix::fs::Advice::DontNeed)?;
        Ok(())
    }
}

impl RealFile {
    /// Reserves space by writing it, on file systems that cannot reserve otherwise.
    fn fill_with_zeros(&self, from: u64, to: u64) -> io::Result<()> {
        const CHUNK: [u8; 16 * 1024] = [0; 16 * 1024];
        let mut offset = from;
        while offset < to {
            let count = (to - offset).min(CHUNK.len() as u64);
            let chunk = &CHUNK[..usize::try_from(count).unwrap_or(CHUNK.len())];
            super::write_all_at(self, chunk, offset)?;
            offset += count;
        }
        Ok(())
    }
}

fn dir_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}
