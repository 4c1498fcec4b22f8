//! Import: from a file of foreign or own records to recorded events.
//!
//! [`source`] reads records and yields events with their line, [`sink`] records batches in a store or
//! at a server, [`resume`] remembers how far an interrupted import came. Events always have an id, so
//! nothing is recorded twice whatever is lost.

pub(crate) mod resume;
pub(crate) mod sink;
pub(crate) mod source;

/// One event on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// 1-based line of the decompressed input at which the record begins.
    pub(crate) line: u64,
    /// The workspace it goes to.
    pub(crate) workspace: String,
    /// The event in the JSON contract, with an id.
    pub(crate) event: Vec<u8>,
}

/// A record that was not imported.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct LineError {
    /// 1-based line of the decompressed input.
    pub(crate) line: u64,
    /// JSON pointer of the place, empty for the record as a whole.
    pub(crate) pointer: String,
    /// What is wrong.
    pub(crate) reason: String,
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was recorded.
    Created,
    /// It was there before.
    Duplicate,
    /// It was not recorded.
    Refused {
        /// JSON pointer in the event.
        pointer: String,
        /// Why.
        reason: String,
    },
}
