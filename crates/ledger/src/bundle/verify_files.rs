//! The files of a bundle while it is verified: each is hashed when it is read, and in the end none is
//! left that was not read.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::report::{Check, Status};
use super::{BundleFiles, FILE_BYTES_MAX, OPENINGS_BYTES_MAX, SUMS, SUMS_BYTES_MAX, sums};

/// A bundle's files with what `SHA256SUMS` says of them.
pub(crate) struct Listed<'f, F> {
    files: &'f mut F,
    /// By path: the hash, and whether it was read.
    sums: BTreeMap<String, ([u8; 32], bool)>,
    has_sums: bool,
    present: Vec<String>,
    wrong: Tally,
    missing: Tally,
}

/// How often something was found, and where first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) first: Option<String>,
}

impl Tally {
    /// Notes one more.
    pub(crate) fn add(&mut self, what: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(what);
    }

    /// Returns the first, and how many more there are.
    pub(crate) fn text(&self) -> String {
        let first = self.first.as_deref().unwrap_or_default();
        match self.count {
            0 | 1 => first.to_string(),
            count => format!("{first}, and {} more", count - 1),
        }
    }
}

impl<'f, F: BundleFiles> Listed<'f, F> {
    /// Reads the list.
    pub(crate) fn open(files: &'f mut F) -> Result<Self, F::Error> {
        let mut present = files.list()?;
        present.sort_unstable();
        let text = files.read(SUMS, SUMS_BYTES_MAX)?;
        let parsed = text.as_deref().map(sums::parse);
        let (mut wrong, mut missing) = (Tally::default(), Tally::default());
        let has_sums = matches!(parsed, Some(Some(_)));
        match &parsed {
            None => missing.add(|| format!("{SUMS} is missing")),
            Some(None) => wrong.add(|| format!("{SUMS} is no list of hashes")),
            Some(Some(_)) => {}
        }
        let sums = parsed.flatten().unwrap_or_default();
        let sums = sums.into_iter().map(|(path, hash)| (path, (hash, false))).collect();
        Ok(Self { files, sums, has_sums, present, wrong, missing })
    }

    /// Returns the sorted paths that are there and begin with this.
    pub(crate) fn below(&self, prefix: &str) -> Vec<String> {
        let begin = self.present.partition_point(|path| path.as_str() < prefix);
        let below = self.present[begin..].iter().take_while(|path| path.starts_with(prefix));
        below.cloned().collect()
    }

    /// Reads a file. What differs from the list is noted, and still returned.
    pub(crate) fn take(&mut self, path: &str) -> Result<Option<Vec<u8>>, F::Error> {
        let bytes_max =
            if path.starts_with("openings/") { OPENINGS_BYTES_MAX } else { FILE_BYTES_MAX };
        let bytes = self.files.read(path, bytes_max)?;
        match (&bytes, self.sums.get_mut(path)) {
            (Some(bytes), Some((hash, is_read))) => {
                *is_read = true;
                if sums::hash(bytes) != *hash {
                    self.wrong.add(|| format!("{path} is not as {SUMS} lists it"));
                }
            }
            (Some(_), None) if self.has_sums => {
                self.wrong.add(|| format!("{path} is not in {SUMS}"));
            }
            // That it is missing is told by whoever wanted it, and in the end here.
            (Some(_), None) | (None, _) => {}
        }
        Ok(bytes)
    }

    /// Reads what is left, and says how all files are.
    pub(crate) fn finish(mut self) -> Result<Check, F::Error> {
        let unread: Vec<String> = self
            .sums
            .iter()
            .filter(|(_, (_, is_read))| !is_read)
            .map(|(path, _)| path.clone())
            .collect();
        let mut unknown = Tally::default();
        for path in unread {
            if self.take(&path)?.is_none() {
                self.missing.add(|| format!("{path} is listed and not there"));
            } else if path != super::VERIFY_TEXT {
                unknown.add(|| format!("{path} was not needed"));
            }
        }
        let stray = self.present.iter().filter(|path| {
            self.has_sums && path.as_str() != SUMS && !self.sums.contains_key(path.as_str())
        });
        for path in stray {
            self.wrong.add(|| format!("{path} is not in {SUMS}"));
        }
        let (status, detail) = if self.wrong.count > 0 {
            (Status::Fail, self.wrong.text())
        } else if self.missing.count > 0 {
            (Status::Incomplete, self.missing.text())
        } else if unknown.count > 0 {
            (Status::Notice, unknown.text())
        } else {
            (Status::Pass, format!("{} files, each as {SUMS} lists it", self.sums.len()))
        };
        Ok(Check { name: "files", status, detail })
    }
}
