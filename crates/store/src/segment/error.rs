//! What can go wrong with a segment.

use std::io;

/// Bytes of a segment that are not the bytes that were written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file} is damaged: {what}, {len} bytes at {offset}")]
pub struct Damaged {
    /// Path of the file inside the data directory.
    pub file: String,
    /// Offset of the damaged piece in bytes.
    pub offset: u64,
    /// Length of the damaged piece in bytes.
    pub len: u64,
    /// Which piece it is and what does not fit.
    pub what: &'static str,
}

/// Why a segment could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// A piece is damaged; nothing of it was used.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The disk refused.
    #[error("cannot {operation} {file}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// Path of the file inside the data directory.
        file: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The index was written by a version that this one does not know.
    #[error("{file} has segment format {found}; this version reads {known}")]
    Format {
        /// Path of the index.
        file: String,
        /// Format number found.
        found: u32,
        /// Format number that is known.
        known: u32,
    },
    /// The rows given break the order or a bound of a segment; nothing was published.
    #[error("a segment cannot take these rows: {reason}")]
    Refused {
        /// Which rule is broken.
        reason: String,
    },
    /// A library could not encode what it was given; nothing was published.
    #[error("cannot encode {what}: {reason}")]
    Encode {
        /// What was encoded.
        what: &'static str,
        /// What the library said.
        reason: String,
    },
    /// What was read back from the disk is not what was written; the files were not published.
    #[error("{file} reads back differently than it was written")]
    ReadBack {
        /// Path of the file.
        file: String,
    },
    /// The store stops; nothing was published.
    #[error("the store stops")]
    Stopped,
}

impl SegmentError {
    /// Adds the operation and the file to an error of the disk.
    pub(crate) fn io(operation: &'static str, file: &str) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::Io { operation, file, source }
    }

    /// Makes a refusal.
    pub(crate) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }
}
