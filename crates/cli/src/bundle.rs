//! Bundles as a person has them: a directory, or a `.tar` that may be compressed.
//!
//! A directory is listed first, and only what was listed is read: a path that a bundle names leads
//! nowhere else. An archive is held in memory, bounded; a larger one is unpacked by its owner.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use proofbook_ledger::bundle::BundleFiles;
use proofbook_ledger::tar::{self, TarError};

use crate::failure::Failure;
use crate::files;

/// Most bytes of an archive that are held, after decompression.
const ARCHIVE_BYTES_MAX: u64 = 2 << 30;
/// Most files of a bundle in a directory.
const FILES_MAX: usize = 4_000_000;
/// How deep a bundle's folders are at most; tiles of 2^53 leaves need nine.
const DEPTH_MAX: usize = 16;

/// A bundle that was opened.
pub(crate) enum Bundle {
    /// The files below a directory, by their path in the bundle.
    Directory(BTreeMap<String, PathBuf>),
    /// An archive's bytes, and where its files are in them.
    Archive(Vec<u8>, BTreeMap<String, Range<usize>>),
}

/// Why a bundle's file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
    /// The file system's answer.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A file that is longer than any of its kind.
    #[error("{path} has more than {bytes_max} bytes")]
    Long {
        /// Its path in the bundle.
        path: String,
        /// The greatest length.
        bytes_max: usize,
    },
}

/// Opens a bundle.
pub(crate) fn open(path: &Path) -> Result<Bundle, Failure> {
    if path.is_dir() {
        let mut found = BTreeMap::new();
        list(path, "", 0, &mut found).map_err(|error| {
            Failure::usage(format!("cannot read {}", path.display())).because(error)
        })?;
        return Ok(Bundle::Directory(found));
    }
    let input = files::open_input(&path.to_string_lossy())?;
    let mut bytes = Vec::new();
    let cannot = |error| Failure::usage(format!("cannot read {}", path.display())).because(error);
    input.bytes.take(ARCHIVE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > ARCHIVE_BYTES_MAX {
        return Err(Failure::usage(format!("{} holds more than 2 GiB", path.display()))
            .hint("unpack it with tar, and verify the directory"));
    }
    let mut found = BTreeMap::new();
    let begin = bytes.as_ptr() as usize;
    for file in tar::files(&bytes) {
        let (name, content) = file.map_err(|error: TarError| {
            Failure::failed(format!("{} is no whole archive of a bundle", path.display()))
                .because(error)
        })?;
        let at = content.as_ptr() as usize - begin;
        if found.insert(name, at..at + content.len()).is_some() {
            let message = format!("{} has a file twice", path.display());
            return Err(Failure::failed(message));
        }
    }
    Ok(Bundle::Archive(bytes, found))
}

/// Collects the plain files below a directory; links are not followed.
fn list(
    folder: &Path,
    prefix: &str,
    depth: usize,
    found: &mut BTreeMap<String, PathBuf>,
) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if kind.is_dir() && depth < DEPTH_MAX {
            list(&entry.path(), &format!("{name}/"), depth + 1, found)?;
        } else if kind.is_file() && found.len() < FILES_MAX {
            found.insert(name, entry.path());
        } else {
            let message = format!("{name} is no plain file of a bundle");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
    }
    Ok(())
}

impl BundleFiles for Bundle {
    type Error = BundleError;

    fn read(&mut self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, BundleError> {
        let long = || BundleError::Long { path: path.to_owned(), bytes_max };
        match self {
            Self::Directory(found) => {
                let Some(place) = found.get(path) else { return Ok(None) };
                let fail = |source| BundleError::Io { path: place.clone(), source };
                let file = files::open(place).map_err(fail)?;
                // Room for the whole file at once; what the length says is bounded like what is read.
                let length = file.metadata().map_or(0, |meta| meta.len()).min(bytes_max as u64);
                let mut bytes = Vec::with_capacity(length as usize + 1);
                file.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(fail)?;
                if bytes.len() > bytes_max { Err(long()) } else { Ok(Some(bytes)) }
            }
            Self::Archive(archive, found) => match found.get(path) {
                None => Ok(None),
                Some(range) if range.len() > bytes_max => Err(long()),
                Some(range) => Ok(archive.get(range.clone()).map(<[u8]>::to_vec)),
            },
        }
    }

    fn list(&mut self) -> Result<Vec<String>, BundleError> {
        Ok(match self {
            Self::Directory(found) => found.keys().cloned().collect(),
            Self::Archive(_, found) => found.keys().cloned().collect(),
        })
    }
}
