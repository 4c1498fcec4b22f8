//! The files a check looks at: all that git tracks, or, without git, all that is not built.
//!
//! Tests make one from strings with `Tree::of`.

use std::path::Path;
use std::process::Command;

/// The files of a checkout.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// In the order of their paths.
    pub(crate) files: Vec<File>,
}

/// One file.
#[derive(Debug)]
pub(crate) struct File {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    /// Its size on disk.
    pub(crate) len_bytes: usize,
    /// Its text; `None` when it is not UTF-8.
    pub(crate) text: Option<String>,
}

impl Tree {
    /// Reads the checkout at `root`.
    ///
    /// # Errors
    /// When a folder or a file cannot be read.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let mut paths = match tracked(root) {
            Some(paths) => paths,
            None => walk(root, "")?,
        };
        paths.sort();
        paths.dedup();
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let full = root.join(&path);
            // A tracked file may be deleted and not yet committed.
            if !full.is_file() {
                continue;
            }
            let bytes =
                std::fs::read(&full).map_err(|error| format!("cannot read {path}: {error}"))?;
            let len_bytes = bytes.len();
            files.push(File { path, len_bytes, text: String::from_utf8(bytes).ok() });
        }
        Ok(Self { files })
    }

    /// A tree of the given (path, text) pairs.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| File {
                path: (*path).to_owned(),
                len_bytes: text.len(),
                text: Some((*text).to_owned()),
            })
            .collect();
        Self { files }
    }

    /// The text of the file at `path`, when it is there.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path)?.text.as_deref()
    }

    /// (path, text) of every text file.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
    }

    /// (path, text) of every Rust file.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// The names of the folders in `crates/` that hold a manifest.
    pub(crate) fn rooms(&self) -> Vec<&str> {
        self.files
            .iter()
            .filter_map(|file| file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"))
            .filter(|room| !room.contains('/'))
            .collect()
    }
}

/// True for a file that only tests use: `tests.rs`, anything in a `tests` folder, benches, examples.
pub(crate) fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs")
        || path.split('/').any(|part| matches!(part, "tests" | "benches" | "examples"))
}

fn tracked(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let names = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<String> =
        names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    (!paths.is_empty()).then_some(paths)
}

fn walk(root: &Path, folder: &str) -> Result<Vec<String>, String> {
    let cannot = |error| format!("cannot list `{folder}`: {error}");
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(root.join(folder)).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if !entry.path().is_dir() {
            paths.push(path);
        } else if !matches!(name.as_str(), ".git" | "target") && !name.starts_with("proofbook-data")
        {
            paths.extend(walk(root, &path)?);
        }
    }
    Ok(paths)
}
