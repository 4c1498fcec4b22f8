//! The user's own files: what `import` reads, and small files beside it.
//!
//! The store's files go through its disk; these belong to whoever calls the program, and a simulated
//! disk has no use for them. Plain, gzip (several members too) and zstd are told apart by their first
//! bytes, not by the name.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use crate::failure::Failure;

/// An opened input: its decompressed bytes, and how far the file itself was read.
pub(crate) struct Input {
    /// Decompressed bytes.
    pub(crate) bytes: Box<dyn Read + Send>,
    /// Bytes taken from the file.
    pub(crate) taken: Arc<AtomicU64>,
    /// The file's length; unknown for standard input.
    pub(crate) length: Option<u64>,
}

/// Opens a file, or standard input for `-`.
pub(crate) fn open_input(path: &str) -> Result<Input, Failure> {
    let taken = Arc::new(AtomicU64::new(0));
    let (raw, length): (Box<dyn Read + Send>, Option<u64>) = if path == "-" {
        (Box::new(io::stdin()), None)
    } else {
        let file = open(Path::new(path))
            .map_err(|error| Failure::usage(format!("cannot open {path}")).because(error))?;
        let length = file.metadata().map(|metadata| metadata.len()).ok();
        (Box::new(file), length)
    };
    let counted = Counted { inner: raw, taken: taken.clone() };
    let bytes = decompressed(counted)
        .map_err(|error| Failure::usage(format!("cannot read {path}")).because(error))?;
    Ok(Input { bytes, taken, length })
}

/// Opens a file of the user's for reading.
#[expect(clippy::disallowed_methods, reason = "a file of the user's, not of the store")]
pub(crate) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Reads a small text file of the user's.
#[expect(clippy::disallowed_methods, reason = "a file of the user's, not of the store")]
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}

/// Replaces a small file of the user's in one step, so that it is never half written.
#[expect(clippy::disallowed_methods, reason = "a file of the user's, not of the store")]
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let next = path.with_extension("next");
    std::fs::write(&next, text)?;
    std::fs::rename(&next, path)
}

/// Replaces a small file of the user's as [`replace`] does; when it returns, the file outlives a crash.
pub(crate) fn replace_durably(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    make_folder(folder)?;
    let next = path.with_extension("next");
    let mut file = create(&next)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    rename(&next, path)?;
    open(folder)?.sync_all()
}

#[expect(clippy::disallowed_methods, reason = "a folder of the user's, not of the store")]
fn make_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

#[expect(clippy::disallowed_methods, reason = "a file of the user's, not of the store")]
fn create(path: &Path) -> io::Result<File> {
    File::create(path)
}

#[expect(clippy::disallowed_methods, reason = "a file of the user's, not of the store")]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Removes a small file of the user's; it may be gone already.
#[expect(clippy::disallowed_methods, reason = "a file of the user's, not of the store")]
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Tells whether something is at a path.
pub(crate) fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// Unpacks a `.tar.zst` into a directory that takes its name only when it is whole. Entries are plain
/// files with plain names below it; anything else is refused.
#[expect(clippy::disallowed_methods, reason = "files of the user's, not of the store")]
pub(crate) fn unpack(archive: impl Read, dir: &Path) -> Result<(), Failure> {
    let mut partial = dir.as_os_str().to_owned();
    partial.push(".part");
    let partial = PathBuf::from(partial);
    let broke = |error| Failure::failed("the archive cannot be read").because(error);
    let plain = zstd::stream::read::Decoder::new(archive).map_err(broke)?;
    let mut tar = tar::Archive::new(plain);
    for entry in tar.entries().map_err(broke)? {
        let mut entry = entry.map_err(broke)?;
        let name = entry.path().map_err(broke)?.into_owned();
        let is_plain = name.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_plain || !entry.header().entry_type().is_file() {
            let message = format!("the archive has a strange entry, {}", name.display());
            return Err(Failure::failed(message));
        }
        let path = partial.join(&name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| cannot_write(parent, error))?;
        }
        let mut file = File::create(&path).map_err(|error| cannot_write(&path, error))?;
        io::copy(&mut entry, &mut file).map_err(|error| cannot_write(&path, error))?;
    }
    // An archive that broke off has no end, and that is an error; so what is behind is read too.
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(broke)?;
    std::fs::rename(&partial, dir).map_err(|error| cannot_write(dir, error))
}

/// A file of the user's that takes its name only when it is whole.
pub(crate) struct NewFile {
    path: PathBuf,
    partial: PathBuf,
    file: File,
}

impl NewFile {
    /// Begins a file that will replace what is at `path`.
    #[expect(clippy::disallowed_methods, reason = "a file of the user's, not of the store")]
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".part");
        let partial = PathBuf::from(partial);
        let file = File::create(&partial).map_err(|error| cannot_write(&partial, error))?;
        Ok(Self { path: path.to_owned(), partial, file })
    }

    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| cannot_write(&self.partial, error))
    }

    /// Gives the file its name and returns it.
    #[expect(clippy::disallowed_methods, reason = "a file of the user's, not of the store")]
    pub(crate) fn finish(self) -> Result<PathBuf, Failure> {
        self.file.sync_all().map_err(|error| cannot_write(&self.partial, error))?;
        std::fs::rename(&self.partial, &self.path)
            .map_err(|error| cannot_write(&self.path, error))?;
        Ok(self.path)
    }
}

fn cannot_write(path: &Path, error: io::Error) -> Failure {
    Failure::failed(format!("cannot write {}", path.display())).because(error)
}

/// Counts what is read.
struct Counted {
    inner: Box<dyn Read + Send>,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const BUFFER_BYTES: usize = 256 * 1024;

fn decompressed(raw: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut raw = BufReader::with_capacity(BUFFER_BYTES, raw);
    let start = raw.fill_buf()?;
    Ok(if start.starts_with(&GZIP) {
        Box::new(MultiGzDecoder::new(raw))
    } else if start.starts_with(&ZSTD) {
        Box::new(zstd::stream::read::Decoder::with_buffer(raw)?)
    } else {
        Box::new(raw)
    })
}

#[cfg(test)]
mod tests;
