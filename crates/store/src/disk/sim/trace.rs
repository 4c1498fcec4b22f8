//! The record of calls made on a simulated disk, for the reader of a failed run.

use std::collections::VecDeque;
use std::fmt;
use std::io;

/// How many calls a disk remembers.
pub const CALLS_MAX: usize = 1024;

/// The kinds of calls on [`Disk`](crate::disk::Disk) and [`DiskFile`](crate::disk::DiskFile).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "each is the call of that name")]
pub enum CallKind {
    CreateNew,
    OpenRead,
    OpenWrite,
    Rename,
    Remove,
    List,
    CreateDir,
    SyncDir,
    Lock,
    FreeBytes,
    ReadAt,
    WriteAt,
    Len,
    Allocate,
    SyncData,
    DropCache,
}

impl CallKind {
    /// Every kind, for sweeps.
    pub const ALL: [Self; 16] = [
        Self::CreateNew,
        Self::OpenRead,
        Self::OpenWrite,
        Self::Rename,
        Self::Remove,
        Self::List,
        Self::CreateDir,
        Self::SyncDir,
        Self::Lock,
        Self::FreeBytes,
        Self::ReadAt,
        Self::WriteAt,
        Self::Len,
        Self::Allocate,
        Self::SyncData,
        Self::DropCache,
    ];

    /// Reports whether such a call can change what a crash leaves.
    pub fn is_mutating(self) -> bool {
        !matches!(
            self,
            Self::OpenRead
                | Self::OpenWrite
                | Self::List
                | Self::FreeBytes
                | Self::ReadAt
                | Self::Len
                | Self::DropCache
        )
    }
}

/// One call that was made, `Display`ed as one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// Counts from 1, as [`SimDisk::calls`](super::SimDisk::calls) does.
    pub number: u64,
    /// Which call it was.
    pub kind: CallKind,
    /// The path it was made on; of a rename the old one.
    pub path: String,
    /// The text of the error, when it failed.
    pub error: Option<String>,
    span: Span,
}

/// The bytes that a call named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span(Option<(u64, u64)>);

impl Span {
    pub(super) const NONE: Self = Self(None);

    pub(super) fn new(offset: u64, len: u64) -> Self {
        Self(Some((offset, len)))
    }
}

impl Call {
    pub(super) fn new(
        number: u64,
        kind: CallKind,
        path: &str,
        span: Span,
        error: Option<&io::Error>,
    ) -> Self {
        Self { number, kind, path: path.to_owned(), error: error.map(ToString::to_string), span }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:?}", self.number, self.kind, self.path)?;
        if let Some((offset, len)) = self.span.0 {
            write!(f, " {len} bytes at {offset}")?;
        }
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

/// The newest [`CALLS_MAX`] calls.
#[derive(Default)]
pub(super) struct Trace(VecDeque<Call>);

impl Trace {
    pub(super) fn push(&mut self, call: Call) {
        if self.0.len() == CALLS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(call);
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.0.iter().cloned().collect()
    }
}
