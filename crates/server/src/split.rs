//! A body into the texts of its events: one object, an array, or one event a line (NDJSON).
//!
//! Only where each event begins and ends is looked at here; what stands between is parsed event by
//! event, so that a bad event costs itself and no other. A body whose frame is broken (an array that
//! does not end) is refused as a whole, before anything of it is recorded.

use std::io::BufRead as _;
use std::ops::Range;

use proofbook_event::limits::BATCH_EVENTS_MAX;

use crate::problem::{Code, Fault, Problem};

/// The events of a body, as ranges of its bytes: not empty, ascending, without overlap.
#[derive(Debug, PartialEq, Eq)]
pub enum Split {
    /// One event, sent alone.
    One(Range<usize>),
    /// Events in an array or in lines; perhaps none.
    Many(Vec<Range<usize>>),
}

/// What the media type says about the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON, or nothing in particular: the first byte tells.
    Any,
    /// One event a line.
    Lines,
}

/// Finds the events of a body.
///
/// # Errors
/// The body is empty, an array in it does not end, or it holds more than [`BATCH_EVENTS_MAX`] events;
/// the problem names the byte offset.
pub fn split(text: &[u8], form: Form) -> Result<Split, Problem> {
    let start = skip_space(text, 0);
    if form == Form::Lines {
        return lines(text, 0);
    }
    match text.get(start) {
        None => Err(broken(start, "the body is empty; send an event, an array, or NDJSON")),
        Some(b'[') => elements(text, start + 1),
        Some(_) => {
            let end = value_end(text, start).unwrap_or(text.len());
            let rest = skip_space(text, end);
            // Something behind the first value on a line of its own: lines.
            let is_lines = rest < text.len() && text[end..rest].contains(&b'\n');
            if is_lines { lines(text, start) } else { Ok(Split::One(start..trim_end(text, start))) }
        }
    }
}

fn elements(text: &[u8], from: usize) -> Result<Split, Problem> {
    let mut found = Vec::new();
    let mut at = skip_space(text, from);
    if text.get(at) != Some(&b']') {
        loop {
            let end = value_end(text, at)
                .filter(|end| *end > at)
                .ok_or_else(|| broken(at, "the array is not complete here"))?;
            push(&mut found, at..end)?;
            at = skip_space(text, end);
            match text.get(at) {
                Some(b',') => at = skip_space(text, at + 1),
                Some(b']') => break,
                _ => return Err(broken(at, "a comma or the end of the array is missing here")),
            }
        }
    }
    let rest = skip_space(text, at + 1);
    if rest < text.len() {
        return Err(broken(rest, "something stands behind the array"));
    }
    Ok(Split::Many(found))
}

fn lines(text: &[u8], from: usize) -> Result<Split, Problem> {
    let mut found = Vec::new();
    let mut start = from;
    while start < text.len() {
        // The reader's search looks at many bytes at once, an iterator's at one.
        let line = (&text[start..]).skip_until(b'\n').expect("a slice is read without a fault");
        let end = start + line;
        let first = skip_space(&text[..end], start);
        if first < end {
            push(&mut found, first..trim_end(&text[..end], first))?;
        }
        start = end;
    }
    if found.is_empty() {
        return Err(broken(0, "the body is empty; send one event a line"));
    }
    Ok(Split::Many(found))
}

fn push(found: &mut Vec<Range<usize>>, event: Range<usize>) -> Result<(), Problem> {
    if found.len() == BATCH_EVENTS_MAX {
        let detail = format!("more than {BATCH_EVENTS_MAX} events in one request");
        return Err(Problem::too_large(event.start as u64, BATCH_EVENTS_MAX as u64, detail));
    }
    found.push(event);
    Ok(())
}

fn broken(offset: usize, detail: &str) -> Problem {
    let fault =
        Fault { offset: Some(offset as u64), detail: detail.to_owned(), ..Fault::default() };
    Problem::at(Code::Malformed, fault)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn skip_space(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| !is_space(*byte)).unwrap_or(rest.len())
}

fn trim_end(text: &[u8], from: usize) -> usize {
    let last = text[from..].iter().rposition(|byte| !is_space(*byte));
    last.map_or(from, |last| from + last + 1)
}

/// Finds the end of the JSON value that begins at `from`; `None` when it does not end.
///
/// Brackets are counted without regard to their kind and scalars run to the next delimiter: whether
/// the value is JSON is for its parser to say.
fn value_end(text: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = from;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at = string_end(text, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                // A closing bracket that belongs to what is around ends a scalar.
                let Some(outer) = depth.checked_sub(1) else { return Some(at) };
                depth = outer;
                at += 1;
            }
            b',' if depth == 0 => return Some(at),
            byte if depth == 0 && is_space(*byte) => return Some(at),
            _ => {
                at += 1;
                continue;
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
    (depth == 0 && at > from).then_some(at)
}

fn string_end(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests;
