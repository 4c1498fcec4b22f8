//! The records in a vendor's text: lines, arrays, or documents that wrap an array.
//!
//! The text is cut at its brackets and each record is parsed by itself, so that one damaged record
//! costs only itself and memory holds one record's values at a time.

use proofbook_event::json::{Object, unescape_token};
use proofbook_event::{Value, limits};

use super::expression::Pointer;
use super::lenient::{self, skip_space, skip_value, string_end};

/// Bytes of one foreign record; larger ones are errors. Kubernetes objects reach 3 MiB in two copies.
pub const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;

const _: () = assert!(RECORD_BYTES_MAX >= limits::EVENT_BYTES_MAX);

/// One foreign record, parsed.
///
/// Invariant: the value is an object.
#[derive(Clone, Debug)]
pub struct Record<'t> {
    offset: usize,
    value: Value<'t>,
}

/// A part of the text that holds no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {offset}")]
pub struct RecordError {
    /// Byte offset in the text that was given.
    pub offset: usize,
    /// What is wrong, in plain words.
    pub reason: String,
}

impl<'t> Record<'t> {
    /// Returns the byte offset at which the record begins.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the record's value, an object.
    pub fn value(&self) -> &Value<'t> {
        &self.value
    }
}

/// Yields the records of a text; see [`super::Mapping::records`].
#[derive(Clone, Debug)]
pub struct Records<'m, 't> {
    text: &'t [u8],
    at: usize,
    /// How many brackets are open around the array whose items are being yielded; 0 outside one.
    inside: usize,
    /// How many bytes may still be searched in vain before the rest is given up.
    patience_bytes: usize,
    wrappers: &'m [Pointer],
    merge: &'m [Pointer],
}

impl<'m, 't> Records<'m, 't> {
    pub(super) fn new(text: &'t [u8], wrappers: &'m [Pointer], merge: &'m [Pointer]) -> Self {
        let at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let patience_bytes = text.len().saturating_mul(16);
        Self { text, at, inside: 0, patience_bytes, wrappers, merge }
    }

    /// Goes on at the next line.
    fn fail(&mut self, offset: usize, reason: impl Into<String>) -> RecordError {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |line| line + 1);
        self.inside = 0;
        RecordError { offset, reason: reason.into() }
    }

    fn parse(&self, from: usize, to: usize) -> Result<Record<'t>, RecordError> {
        let text = &self.text[from..to];
        if text.len() > RECORD_BYTES_MAX {
            let reason =
                format!("a record of {} bytes; at most {RECORD_BYTES_MAX} are read", text.len());
            return Err(RecordError { offset: from, reason });
        }
        // The strict reader first: it is the faster one, and what it takes needs no patience.
        let value = match Value::parse(text) {
            Ok(value) => value,
            Err(_) => lenient::parse(text).map_err(|fault| RecordError {
                offset: from + fault.offset,
                reason: fault.reason.to_owned(),
            })?,
        };
        let Value::Object(mut members) = value else {
            let reason = format!("a record is an object, not {}", value.type_word());
            return Err(RecordError { offset: from, reason });
        };
        for pointer in self.merge {
            merge_up(&mut members, pointer);
        }
        Ok(Record { offset: from, value: Value::Object(members) })
    }

    fn next_in_array(&mut self) -> Option<Result<Record<'t>, RecordError>> {
        self.at = skip_space(self.text, self.at);
        match self.text.get(self.at)? {
            b']' => {
                self.leave_array();
                None
            }
            b',' => {
                self.at += 1;
                None
            }
            _ => {
                let from = self.at;
                match skip_value(self.text, from) {
                    Ok(to) => {
                        self.at = to;
                        Some(self.parse(from, to))
                    }
                    Err(fault) => {
                        // The item was searched for its end up to the end of the text. A text made
                        // of such beginnings would cost the square of its length.
                        let searched = self.text.len() - from;
                        let error = self.fail(fault.offset, fault.reason);
                        match self.patience_bytes.checked_sub(searched) {
                            Some(left) => self.patience_bytes = left,
                            None => self.at = self.text.len(),
                        }
                        Some(Err(error))
                    }
                }
            }
        }
    }

    /// Steps behind the array's end and behind whatever follows it in the wrapping document.
    fn leave_array(&mut self) {
        while self.inside > 0 {
            match self.text.get(self.at) {
                None => self.inside = 0,
                Some(b'"') => {
                    self.at = string_end(self.text, self.at).unwrap_or(self.text.len());
                }
                Some(byte) => {
                    match byte {
                        b'{' | b'[' => self.inside += 1,
                        b'}' | b']' => self.inside -= 1,
                        _ => {}
                    }
                    self.at += 1;
                }
            }
        }
    }

    fn next_at_top(&mut self) -> Option<Result<Record<'t>, RecordError>> {
        let from = self.at;
        match self.text[from] {
            // Between the items of an array whose damaged part was left.
            b',' => {
                self.at += 1;
                None
            }
            b'[' => {
                self.at += 1;
                self.inside = 1;
                None
            }
            b'{' => {
                // Inside an object no line begins with a brace, however it is laid out; one that
                // does is the next record, and the one before it was cut off.
                let end = next_record_line(self.text, from);
                let text = &self.text[..end];
                for wrapper in self.wrappers {
                    if let Some((array_at, depth)) = find_array(text, from, wrapper) {
                        self.at = array_at + 1;
                        self.inside = depth + 1;
                        return None;
                    }
                }
                match skip_value(text, from) {
                    Ok(to) => {
                        self.at = to;
                        Some(self.parse(from, to))
                    }
                    Err(fault) => Some(Err(self.fail(fault.offset, fault.reason))),
                }
            }
            _ => Some(Err(self.fail(from, "a record is a JSON object"))),
        }
    }
}

/// Returns the offset of the next line that begins with a brace, or the text's end.
fn next_record_line(text: &[u8], from: usize) -> usize {
    let rest = &text[from..];
    rest.windows(2).position(|pair| pair == b"\n{").map_or(text.len(), |at| from + at + 1)
}

impl<'t> Iterator for Records<'_, 't> {
    type Item = Result<Record<'t>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.at = skip_space(self.text, self.at);
            if self.at >= self.text.len() {
                if self.inside > 0 {
                    self.inside = 0;
                    let reason = "the text ends inside an array of records".to_owned();
                    return Some(Err(RecordError { offset: self.text.len(), reason }));
                }
                return None;
            }
            let found = if self.inside > 0 { self.next_in_array() } else { self.next_at_top() };
            if found.is_some() {
                return found;
            }
        }
    }
}

/// Finds the array at a pointer without parsing what is around it; the document may be cut off
/// behind the array's beginning.
///
/// Returns the offset of its `[` and the number of objects open around it.
fn find_array(text: &[u8], object_at: usize, pointer: &Pointer) -> Option<(usize, usize)> {
    let mut at = object_at;
    let mut depth = 0;
    for token in pointer.text().split('/').skip(1) {
        at = member_at(text, at, &unescape_token(token))?;
        depth += 1;
    }
    (text.get(at) == Some(&b'[')).then_some((at, depth))
}

/// Returns where the value of a member begins, in the object that begins at `at`.
fn member_at(text: &[u8], at: usize, name: &str) -> Option<usize> {
    if text.get(at) != Some(&b'{') {
        return None;
    }
    let mut at = skip_space(text, at + 1);
    while text.get(at) == Some(&b'"') {
        let key_end = string_end(text, at).ok()?;
        let key = &text[at + 1..key_end - 1];
        at = skip_space(text, key_end);
        if text.get(at) != Some(&b':') {
            return None;
        }
        at = skip_space(text, at + 1);
        if key == name.as_bytes() {
            return Some(at);
        }
        at = skip_space(text, skip_value(text, at).ok()?);
        if text.get(at) != Some(&b',') {
            return None;
        }
        at = skip_space(text, at + 1);
    }
    None
}

/// Moves the members of an inner object up into the record; a name that is taken stays inside.
fn merge_up(members: &mut Object<'_>, pointer: &Pointer) {
    let key = unescape_token(pointer.text().trim_start_matches('/')).into_owned();
    let Some(place) = members.iter().position(|(name, _)| *name == key) else { return };
    if members[place].1.as_object().is_none() {
        return;
    }
    let (name, inner) = members.remove(place);
    let Value::Object(inner) = inner else { return };
    let mut left = Vec::new();
    let taken: std::collections::HashSet<String> =
        members.iter().map(|(name, _)| name.clone().into_owned()).collect();
    for member in inner {
        if taken.contains(member.0.as_ref()) || member.0 == name {
            left.push(member);
        } else {
            members.push(member);
        }
    }
    if !left.is_empty() {
        members.push((name, Value::Object(left)));
    }
}

#[cfg(test)]
mod tests;
