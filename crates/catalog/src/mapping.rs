//! Mapping files: from one record of a foreign audit log to one event in our contract.
//!
//! A mapping is data (TOML, `mappings/*.toml`; the language is described in
//! `docs/guide/import.md`): for each field of the contract an expression over the foreign record,
//! and a rule for what is left over. Six are shipped. This module reads such a file (`read`),
//! finds the records in a vendor's document (`records`), reads their JSON more patiently than
//! ingest does (`lenient`) and maps them (`build`, `expression`, `rest`).
//!
//! What stays out: files, decompression, HTTP, progress. The import verb of the CLI does these.
//!
//! Invariant: an event that [`Mapping::map`] returns has `id`, `occurred_at`, `actor` and `action`
//! and is accepted by `EventDraft::from_value`; a record that cannot give the last three is an
//! error that names the place. Nothing here panics or recurses without bound on foreign bytes.
//!
//! Invariant: mapping is a pure function of the record's value, so importing a file twice yields
//! the same ids and bodies, and the second time adds nothing.

mod build;
mod expression;
mod lenient;
mod read;
mod records;
mod rest;
mod shipped;
mod text;
mod times;

use std::sync::LazyLock;

use proofbook_event::Value;

use expression::Pointer;
pub use records::{RECORD_BYTES_MAX, Record, RecordError, Records};
pub use shipped::SHIPPED;

/// Bytes of one mapping file; the largest shipped one has 8 KiB.
pub const MAPPING_BYTES_MAX: usize = 256 * 1024;

/// A mapping file, read and checked.
#[derive(Clone, Debug)]
pub struct Mapping {
    name: String,
    title: String,
    description: String,
    link: String,
    wrappers: Vec<Pointer>,
    merge: Vec<Pointer>,
    signs: Vec<Pointer>,
    rules: build::Rules,
}

/// Why a mapping file cannot be used, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}{}", hint(suggestion.as_deref()))]
pub struct MappingError {
    /// 1-based line in the mapping file.
    pub line: usize,
    /// What is wrong, in plain words.
    pub message: String,
    /// The word that was most likely meant.
    pub suggestion: Option<String>,
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default()
}

/// Why a record cannot become an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}", place(pointer))]
pub struct MapError {
    /// JSON pointer in the foreign record, empty where no single place is at fault.
    pub pointer: String,
    /// What is wrong, in plain words.
    pub reason: String,
}

fn place(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!(" ({pointer})") }
}

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// The text is over [`MAPPING_BYTES_MAX`], is not TOML, holds a key that is not known, or an
    /// expression that cannot be. The error names the line and, for a mistyped word, the nearest.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        read::mapping(text)
    }

    /// Returns a mapping that comes with Proofbook, such as `cloudtrail`; see [`SHIPPED`].
    pub fn shipped(name: &str) -> Option<Self> {
        Self::parse(Self::shipped_text(name)?).ok()
    }

    /// Returns the file of a shipped mapping, as a start for one's own.
    pub fn shipped_text(name: &str) -> Option<&'static str> {
        shipped::FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// Finds the shipped mapping whose signs the record bears; `None` when not exactly one fits.
    pub fn recognise(record: &Record<'_>) -> Option<&'static str> {
        static ALL: LazyLock<Vec<(&str, Mapping)>> = LazyLock::new(|| {
            let read =
                |(name, text): &(&'static str, &str)| Some((*name, Mapping::parse(text).ok()?));
            shipped::FILES.iter().filter_map(read).collect()
        });
        let mut fitting = ALL.iter().filter(|(_, mapping)| mapping.fits(record));
        let (name, _) = fitting.next()?;
        fitting.next().is_none().then_some(*name)
    }

    /// Returns the name by which the command line knows the mapping.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the vendor's name for its log.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns what the mapping expects as input, in a sentence or two.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Returns the address of the vendor's page on the format; may be empty.
    pub fn link(&self) -> &str {
        &self.link
    }

    /// Tells whether the record has every field that marks this vendor's records.
    ///
    /// A mapping without signs fits nothing by itself.
    pub fn fits(&self, record: &Record<'_>) -> bool {
        !self.signs.is_empty()
            && self.signs.iter().all(|sign| sign.find_in(record.value()).is_some())
    }

    /// Finds the records in a text: one line, an NDJSON file, an array, or a wrapping document.
    ///
    /// Records are parsed one after the other as they are asked for. A damaged one is an error
    /// with its byte offset; reading goes on behind it.
    pub fn records<'m, 't>(&'m self, text: &'t [u8]) -> Records<'m, 't> {
        Records::new(text, &self.wrappers, &self.merge)
    }

    /// Turns a record into an event.
    ///
    /// # Errors
    /// The record yields no time, or no action, or an outcome that is none of the three words.
    pub fn map(&self, record: &Record<'_>) -> Result<Value<'static>, MapError> {
        build::event(&self.name, &self.rules, record.value())
    }

    /// Returns the workspace the record belongs to, where the mapping says which field names it.
    ///
    /// It is not part of the event: the importer decides whether to follow it.
    pub fn workspace(&self, record: &Record<'_>) -> Option<String> {
        build::workspace(&self.rules, record.value())
    }
}

#[cfg(test)]
mod tests;
