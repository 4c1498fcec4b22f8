//! Paths inside the data directory: which are allowed, and taking them apart.
//!
//! Names come from records and listings, so they are checked before the file system sees them.
//! Which files exist and how they are called is the business of the store's `names`.

use std::io;

/// The data directory itself, where a directory is asked for.
pub const ROOT: &str = "";

/// The longest name of one file or directory in bytes (`NAME_MAX` on Linux).
pub const NAME_BYTES_MAX: usize = 255;

/// Checks a path that names a file or directory below the root.
///
/// Errors: `InvalidInput` for an empty path or part, `.`, `..`, a leading or trailing `/`, a part over
/// [`NAME_BYTES_MAX`] or any byte outside `[A-Za-z0-9._-]`.
pub fn check_path(path: &str) -> io::Result<()> {
    if path.split('/').all(is_name) {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{path:?} is not a path inside the data directory"),
        ))
    }
}

/// Checks a path that names a directory; [`ROOT`] is one.
pub fn check_dir(dir: &str) -> io::Result<()> {
    if dir == ROOT { Ok(()) } else { check_path(dir) }
}

/// Joins a directory ([`ROOT`] included) and a name.
pub fn join(dir: &str, name: &str) -> String {
    if dir == ROOT { name.to_owned() } else { format!("{dir}/{name}") }
}

/// Returns the directory that holds `path`, [`ROOT`] for the top level.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or(ROOT, |(dir, _)| dir)
}

/// Returns the last part of `path`.
pub(super) fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Checks both ends of a rename, which must lie in one directory.
pub(super) fn check_rename(from: &str, to: &str) -> io::Result<()> {
    check_path(from)?;
    check_path(to)?;
    if parent(from) == parent(to) {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("renaming {from:?} to {to:?} would leave its directory"),
        ))
    }
}

fn is_name(part: &str) -> bool {
    !part.is_empty()
        && part.len() <= NAME_BYTES_MAX
        && part != "."
        && part != ".."
        && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}
