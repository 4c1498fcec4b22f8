//! The log: the ordered, durable sequence of frames; the only source of truth (design decision 4).
//!
//! [`Log`] is the whole contract; [`LocalLog`] keeps it on a [`Disk`](crate::disk::Disk), and a
//! second implementation over a database is to come. A frame is one group commit: some records under
//! one position, one stamp and one sync. What records mean stays out.
//!
//! Invariants: a position is given once; `append` returns only when the frame is durable (I1); a
//! writer that failed never appends again (I6); a damaged frame is named, never skipped (I9).

pub mod frame;
mod local;
mod recover;

pub use frame::{FoldDigest, Frame, FrameDraft};
pub use local::{AppendError, LocalLog, LogOptions};
pub use recover::{Floor, RecoverError, RecoveryReport, TornTail};

use crate::limits;

/// The number of a frame: 1, 2, 3 … without gap; 0 stands before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Position {
    /// Returns the position behind this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An ordered, durable sequence of frames.
pub trait Log: Send {
    /// Appends one frame; on return it is durable under the position returned.
    ///
    /// # Errors
    /// [`AppendError::NoSpace`] when nothing was written and a later call may succeed; after any
    /// other error the outcome is unknown and every later call fails with [`AppendError::Poisoned`].
    fn append(&mut self, draft: &FrameDraft<'_>) -> Result<Position, AppendError>;

    /// Frees what lies wholly before `before`, and returns how many files went.
    ///
    /// # Errors
    /// A file could not be removed; nothing that is needed is lost.
    fn release(&mut self, before: Position) -> std::io::Result<usize>;

    /// Returns the newest durable position.
    fn durable(&self) -> Position;
}

const _: () = assert!(limits::FRAME_RAW_BYTES_MAX > limits::BATCH_RECORD_BYTES_MAX);

#[cfg(test)]
mod tests;
