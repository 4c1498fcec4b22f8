//! Records of an input, one after the other, as events with their line.
//!
//! A text whose first line is a whole JSON value is read line by line, in memory for one line; any
//! other text (a pretty-printed array, a wrapping document) is read whole, up to [`DOCUMENT_BYTES_MAX`].
//!
//! Reading the same text again yields the same entries in the same order, which is what continuing an
//! interrupted import counts by.

use std::io::{self, BufRead, BufReader, Read};

use proofbook_catalog::mapping::{Mapping, Record};
use proofbook_event::{Value, canonical};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::{Item, LineError};

/// Bytes of an input that is not one record a line.
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Bytes of one line.
pub(crate) const LINE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How records become events.
pub(crate) struct Rules {
    /// Of foreign records; `None` for events in our own contract.
    pub(crate) mapping: Option<Mapping>,
    /// The workspace of events that name none.
    pub(crate) workspace: Option<String>,
    /// Whether a foreign record may say which workspace it belongs to.
    pub(crate) workspace_from_record: bool,
}

/// An event, or why there is none.
pub(crate) type Entry = Result<Item, LineError>;

/// Reads a whole input and gives each entry to `take` until it says to stop.
///
/// # Errors
/// The input cannot be read, or is larger than can be held.
pub(crate) fn read(
    input: impl Read,
    rules: &Rules,
    take: &mut dyn FnMut(Entry) -> bool,
) -> io::Result<()> {
    let mut input = BufReader::with_capacity(256 * 1024, input);
    let mut text = Vec::new();
    let mut line = 0;
    while read_line(&mut input, &mut text)? {
        line += 1;
        if is_blank(&text) {
            continue;
        }
        if serde_json::from_slice::<IgnoredAny>(&text).is_err() {
            (&mut input).take(DOCUMENT_BYTES_MAX).read_to_end(&mut text)?;
            if text.len() as u64 > DOCUMENT_BYTES_MAX {
                return Err(too_large(
                    "an input that is not one record a line",
                    DOCUMENT_BYTES_MAX,
                ));
            }
            rules.records(&text, line, take);
            return Ok(());
        }
        break;
    }
    loop {
        if !is_blank(&text) && !rules.records(&text, line, take) {
            return Ok(());
        }
        if !read_line(&mut input, &mut text)? {
            return Ok(());
        }
        line += 1;
    }
}

/// Reads the next line into `text`; `false` at the end.
fn read_line(input: &mut impl BufRead, text: &mut Vec<u8>) -> io::Result<bool> {
    text.clear();
    let count = input.take(LINE_BYTES_MAX).read_until(b'\n', text)?;
    if count as u64 == LINE_BYTES_MAX {
        return Err(too_large("a line", LINE_BYTES_MAX));
    }
    Ok(count > 0)
}

fn is_blank(text: &[u8]) -> bool {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).iter().all(u8::is_ascii_whitespace)
}

fn too_large(what: &str, limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("{what} may have {limit} bytes"))
}

impl Rules {
    /// Gives the entries of a text that begins at a line to `take`; `false` when it says to stop.
    fn records(&self, text: &[u8], line: u64, take: &mut dyn FnMut(Entry) -> bool) -> bool {
        let mut lines = Lines { text, at: 0, line };
        match &self.mapping {
            Some(mapping) => mapping.records(text).all(|record| match record {
                Ok(record) => {
                    let line = lines.of(record.offset());
                    take(self.map(mapping, &record, line))
                }
                Err(error) => {
                    let line = lines.of(error.offset);
                    take(Err(LineError { line, pointer: String::new(), reason: error.reason }))
                }
            }),
            None => own_events(text)
                .into_iter()
                .all(|(offset, event)| take(self.own(event, lines.of(offset)))),
        }
    }

    fn map(&self, mapping: &Mapping, record: &Record<'_>, line: u64) -> Entry {
        let event = mapping.map(record).map_err(|error| LineError {
            line,
            pointer: error.pointer,
            reason: error.reason,
        })?;
        let named = self.workspace_from_record.then(|| mapping.workspace(record)).flatten();
        let workspace =
            named.or_else(|| self.workspace.clone()).ok_or_else(|| no_workspace(line))?;
        Ok(Item { line, workspace, event: canonical::to_bytes(&event) })
    }

    /// Takes an event in our own contract; one without an id gets it from its own text, so that
    /// importing it again finds it.
    fn own(&self, text: &[u8], line: u64) -> Entry {
        let value = Value::parse(text).map_err(|error| LineError {
            line,
            pointer: error.pointer,
            reason: format!("{} at byte {}", error.reason, error.offset),
        })?;
        let named = value.get("workspace").and_then(Value::as_str);
        let workspace = named.or(self.workspace.as_deref()).ok_or_else(|| no_workspace(line))?;
        let workspace = workspace.to_owned();
        let event = match value {
            Value::Object(mut members) if !members.iter().any(|(key, _)| key == "id") => {
                let hash = Sha256::digest(canonical::to_bytes(&Value::Object(members.clone())));
                let hash: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
                members.insert(0, ("id".into(), format!("import:{hash}").into()));
                canonical::to_bytes(&Value::Object(members))
            }
            _ => text.to_vec(),
        };
        Ok(Item { line, workspace, event })
    }
}

fn no_workspace(line: u64) -> LineError {
    let reason = "the event names no workspace; give one with --workspace".to_owned();
    LineError { line, pointer: "/workspace".to_owned(), reason }
}

/// Splits a text into events with their offsets: one object, the items of an array, or lines.
fn own_events(text: &[u8]) -> Vec<(usize, &[u8])> {
    let from = text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let whole = text[from..].trim_ascii_end();
    if whole.starts_with(b"[")
        && let Ok(items) = serde_json::from_slice::<Vec<&RawValue>>(whole)
    {
        let offset = |item: &RawValue| item.get().as_ptr().addr() - text.as_ptr().addr();
        return items.iter().map(|item| (offset(item), item.get().as_bytes())).collect();
    }
    if serde_json::from_slice::<IgnoredAny>(whole).is_ok() {
        return vec![(from, whole)];
    }
    let mut at = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if !is_blank(line) {
            lines.push((at, line));
        }
        at += line.len();
    }
    lines
}

/// Counts lines as offsets ascend.
struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    fn of(&mut self, offset: usize) -> u64 {
        let offset = offset.min(self.text.len());
        if offset > self.at {
            let passed = self.text[self.at..offset].iter().filter(|byte| **byte == b'\n');
            self.line += passed.count() as u64;
            self.at = offset;
        }
        self.line
    }
}

#[cfg(test)]
mod tests;
