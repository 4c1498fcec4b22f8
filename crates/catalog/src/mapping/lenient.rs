//! A patient JSON reader for foreign logs.
//!
//! Ingest refuses what two readers could understand differently; an import must not lose a line
//! for it. What the strict reader refuses becomes a text that says the same: integers beyond
//! 2^53 − 1 and numbers out of a double's range keep their digits as a string, values nested too
//! deep keep their JSON text, NUL, lone surrogates and bytes that are not UTF-8 become U+FFFD, and
//! of several members with one key the last keeps the key (as JSON readers commonly have it) while
//! the earlier ones are called `key#1`, `key#2` …. Text that is cut off or not JSON stays an error.

use std::borrow::Cow;
use std::collections::HashMap;

use proofbook_event::json::Object;
use proofbook_event::{Value, limits};

/// Text that is not JSON, however patiently read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotJson {
    /// Byte offset of the fault.
    pub(super) offset: usize,
    /// What was expected there.
    pub(super) reason: &'static str,
}

/// Reads one JSON value that fills the text.
pub(super) fn parse(text: &[u8]) -> Result<Value<'_>, NotJson> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(limits::JSON_DEPTH_MAX)?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(NotJson { offset: reader.at, reason: "text after the end of the value" });
    }
    Ok(value)
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Reader<'t> {
    fn skip_space(&mut self) {
        self.at = skip_space(self.text, self.at);
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn fail<T>(&self, reason: &'static str) -> Result<T, NotJson> {
        Err(NotJson { offset: self.at, reason })
    }

    /// Reads a value; recursion ends with `depth_left`, from where on the text itself is kept.
    fn value(&mut self, depth_left: usize) -> Result<Value<'t>, NotJson> {
        self.skip_space();
        match self.peek() {
            None => self.fail("the text ends where a value was expected"),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'{' | b'[') if depth_left == 0 => {
                let start = self.at;
                self.at = skip_value(self.text, self.at)?;
                Ok(Value::String(clean(&self.text[start..self.at])))
            }
            Some(b'{') => self.object(depth_left - 1),
            Some(b'[') => self.array(depth_left - 1),
            Some(_) => self.bare_word(),
        }
    }

    fn array(&mut self, depth_left: usize) -> Result<Value<'t>, NotJson> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                Some(b']') => break,
                None => return self.fail("the text ends inside an array"),
                _ => items.push(self.value(depth_left)?),
            }
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return self.fail("expected `,` or `]`"),
            }
        }
        self.at += 1;
        Ok(Value::Array(items))
    }

    fn object(&mut self, depth_left: usize) -> Result<Value<'t>, NotJson> {
        self.at += 1;
        let mut members = Members::default();
        loop {
            self.skip_space();
            match self.peek() {
                Some(b'}') => break,
                Some(b'"') => {
                    let key = self.string()?;
                    self.skip_space();
                    if self.peek() != Some(b':') {
                        return self.fail("expected `:`");
                    }
                    self.at += 1;
                    let value = self.value(depth_left)?;
                    members.push(key, value);
                }
                None => return self.fail("the text ends inside an object"),
                _ => return self.fail("expected a key in quotes"),
            }
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return self.fail("expected `,` or `}`"),
            }
        }
        self.at += 1;
        Ok(Value::Object(members.list))
    }

    /// Reads `true`, `false`, `null`, a number, or a word that stands for one (`NaN`).
    fn bare_word(&mut self) -> Result<Value<'t>, NotJson> {
        let start = self.at;
        let rest = &self.text[start..];
        let length = rest
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || b"+-.".contains(byte)))
            .unwrap_or(rest.len());
        // Only ASCII was let through.
        let word = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        let value = match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            "NaN" | "Infinity" | "-Infinity" => Value::String(Cow::Borrowed(word)),
            _ if word.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
                number(word)
            }
            _ => return self.fail("expected a JSON value"),
        };
        self.at += length;
        Ok(value)
    }

    /// Reads a string; it borrows from the text where it holds nothing to undo.
    fn string(&mut self) -> Result<Cow<'t, str>, NotJson> {
        let start = self.at + 1;
        let end = string_end(self.text, self.at)?;
        self.at = end;
        let inside = &self.text[start..end - 1];
        if !inside.contains(&b'\\') {
            return Ok(clean(inside));
        }
        let mut bytes = Vec::with_capacity(inside.len());
        let mut at = 0;
        while let Some(byte) = inside.get(at) {
            at += 1;
            if *byte != b'\\' {
                bytes.push(*byte);
                continue;
            }
            let escape = inside.get(at).copied().unwrap_or(b'\\');
            at += 1;
            match escape {
                b'n' => bytes.push(b'\n'),
                b't' => bytes.push(b'\t'),
                b'r' => bytes.push(b'\r'),
                b'b' => bytes.push(8),
                b'f' => bytes.push(12),
                b'u' => {
                    let (character, used) = unicode_escape(&inside[at..]);
                    at += used;
                    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                // `\"`, `\\`, `\/`, and what is no escape at all: the character itself.
                other => bytes.push(other),
            }
        }
        Ok(Cow::Owned(clean(&bytes).into_owned()))
    }
}

/// Reads what follows `\u`: the character, U+FFFD where it is none, and how many bytes it took.
fn unicode_escape(rest: &[u8]) -> (char, usize) {
    let hex = |from: usize| -> Option<u32> {
        let digits = std::str::from_utf8(rest.get(from..from + 4)?).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(first) = hex(0) else { return (char::REPLACEMENT_CHARACTER, 0) };
    if (0xd800..0xdc00).contains(&first)
        && rest.get(4..6) == Some(b"\\u")
        && let Some(second) = hex(6).filter(|second| (0xdc00..0xe000).contains(second))
    {
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 10);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 4)
}

/// Returns the bytes as text without NUL.
fn clean(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { text }
}

fn number(word: &str) -> Value<'_> {
    let in_range = limits::INTEGER_MAX as f64;
    if let Ok(whole) = word.parse::<i64>() {
        if whole.unsigned_abs() <= limits::INTEGER_MAX as u64 {
            return Value::Int(whole);
        }
        return Value::String(Cow::Borrowed(word));
    }
    match word.parse::<f64>() {
        Ok(number) if number.is_finite() && number.fract() != 0.0 => Value::Float(number),
        Ok(number) if number.abs() <= in_range => Value::Int(number as i64),
        _ => Value::String(Cow::Borrowed(word)),
    }
}

/// Collects an object's members, giving earlier duplicates another name.
#[derive(Default)]
struct Members<'t> {
    list: Object<'t>,
    places: HashMap<Cow<'t, str>, usize>,
    renamed: HashMap<Cow<'t, str>, usize>,
}

impl<'t> Members<'t> {
    fn push(&mut self, key: Cow<'t, str>, value: Value<'t>) {
        let place = self.list.len();
        if let Some(earlier) = self.places.insert(key.clone(), place) {
            // The count of a key only grows, so that many duplicates cost linear time.
            let count = self.renamed.entry(key.clone()).or_default();
            let name = loop {
                *count += 1;
                let name = format!("{key}#{count}");
                if !self.places.contains_key(name.as_str()) {
                    break name;
                }
            };
            self.places.insert(Cow::Owned(name.clone()), earlier);
            self.list[earlier].0 = Cow::Owned(name);
        }
        self.list.push((key, value));
    }
}

/// Returns the offset of the first byte at or after `at` that is no white space.
pub(super) fn skip_space(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len())
}

/// Returns the offset behind the string whose opening quote is at `at`.
pub(super) fn string_end(text: &[u8], at: usize) -> Result<usize, NotJson> {
    let mut next = at + 1;
    while let Some(byte) = text.get(next) {
        match byte {
            b'"' => return Ok(next + 1),
            b'\\' => next += 2,
            _ => next += 1,
        }
    }
    Err(NotJson { offset: at, reason: "the text ends inside a string" })
}

/// Returns the offset behind the value that begins at `at`, without recursion.
///
/// Only brackets and quotes are looked at; whether the inside is JSON shows when it is parsed.
pub(super) fn skip_value(text: &[u8], at: usize) -> Result<usize, NotJson> {
    let start = skip_space(text, at);
    let mut at = start;
    let mut depth = 0_usize;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at = string_end(text, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            b'}' | b']' | b',' | b':' if depth == 0 => break,
            byte if depth == 0 && byte.is_ascii_whitespace() => break,
            _ => at += 1,
        }
        let ends_here = matches!(text[at - 1], b'"' | b'}' | b']');
        if depth == 0 && ends_here {
            return Ok(at);
        }
    }
    if depth > 0 {
        return Err(NotJson { offset: start, reason: "the text ends inside a value" });
    }
    if at == start {
        return Err(NotJson { offset: start, reason: "expected a JSON value" });
    }
    Ok(at)
}

#[cfg(test)]
mod tests;
