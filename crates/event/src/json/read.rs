//! The way of nearly every text: JSON that is well formed and of common form, read in one pass.
//!
//! This reader takes less than the strict one beside it and never more: where it meets a fault or a
//! rare form it returns `None`, and the strict reader reads the text again and names the place. Escaped
//! strings and unusual numbers are given to the strict reader one by one. A test compares the two.

use std::borrow::Cow;

use super::{Object, Value, WIDE_OBJECT, is_duplicate, strict};
use crate::canonical::first_escaped;
use crate::limits;

/// How many members an event mostly has at the most.
const EVENT_MEMBERS: usize = 16;

/// Reads a text that is one value.
pub(super) fn read(text: &str) -> Option<Value<'_>> {
    let mut reader = Reader { text, at: 0 };
    let mut value = Value::Null;
    reader.value(&mut value, limits::JSON_DEPTH_MAX)?;
    reader.peek().is_none().then_some(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// Passes white space and returns the byte behind it.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Passes white space and one byte, and returns it.
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Reads a value to where it stays: what was written in parts and is moved at once makes the
    /// processor wait until the parts are in the cache.
    fn value(&mut self, place: &mut Value<'a>, depth_left: usize) -> Option<()> {
        match self.peek()? {
            b'"' => match self.plain_string() {
                Some(text) => *place = Value::String(Cow::Borrowed(text)),
                None => *place = Value::String(self.escaped_string()?),
            },
            b'{' => self.object(place, depth_left.checked_sub(1)?)?,
            b'[' => self.array(place, depth_left.checked_sub(1)?)?,
            b't' => *place = self.word("true", Value::Bool(true))?,
            b'f' => *place = self.word("false", Value::Bool(false))?,
            b'n' => *place = self.word("null", Value::Null)?,
            _ => *place = self.number()?,
        }
        Some(())
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Option<Value<'a>> {
        let is_here = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        is_here.then_some(value)
    }

    fn number(&mut self) -> Option<Value<'a>> {
        let rest = &self.text.as_bytes()[self.at..];
        let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().take_while(is_part).count();
        let text = self.text.get(self.at..self.at + length)?;
        self.at += length;
        match text.as_bytes() {
            [digit @ b'0'..=b'9'] => Some(Value::Int(i64::from(digit - b'0'))),
            [b'1'..=b'9', rest @ ..] if rest.len() < 15 && rest.iter().all(u8::is_ascii_digit) => {
                text.parse().ok().map(Value::Int)
            }
            _ => strict(text.as_bytes()).ok(),
        }
    }

    /// Reads a string without escapes, or stays where it is.
    fn plain_string(&mut self) -> Option<&'a str> {
        let begin = self.at + 1;
        let end = begin + first_escaped(self.text.as_bytes().get(begin..)?)?;
        if self.text.as_bytes()[end] != b'"' {
            return None;
        }
        self.at = end + 1;
        self.text.get(begin..end)
    }

    fn escaped_string(&mut self) -> Option<Cow<'a, str>> {
        let mut is_escaped = true;
        let closes = |byte: u8| {
            let closes = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            closes
        };
        let begin = self.at;
        self.at += self.text.as_bytes()[begin..].iter().copied().position(closes)? + 1;
        match strict(self.text.as_bytes().get(begin..self.at)?).ok()? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    fn array(&mut self, place: &mut Value<'a>, depth_left: usize) -> Option<()> {
        self.at += 1;
        let mut items = Vec::new();
        if self.peek()? == b']' {
            self.at += 1;
        } else {
            loop {
                items.push(Value::Null);
                self.value(items.last_mut()?, depth_left)?;
                match self.next()? {
                    b',' => {}
                    b']' => break,
                    _ => return None,
                }
            }
        }
        *place = Value::Array(items);
        Some(())
    }

    fn object(&mut self, place: &mut Value<'a>, depth_left: usize) -> Option<()> {
        let is_whole = self.at == 0;
        self.at += 1;
        let mut members: Object<'a> = Vec::with_capacity(if is_whole { EVENT_MEMBERS } else { 0 });
        if self.peek()? == b'}' {
            self.at += 1;
        } else {
            loop {
                if self.peek()? != b'"' {
                    return None;
                }
                match self.plain_string() {
                    Some(key) => members.push((Cow::Borrowed(key), Value::Null)),
                    None => members.push((self.escaped_string()?, Value::Null)),
                }
                let ((key, value), others) = members.split_last_mut()?;
                if self.next()? != b':' || others.len() == WIDE_OBJECT || is_duplicate(others, key)
                {
                    return None;
                }
                self.value(value, depth_left)?;
                match self.next()? {
                    b',' => {}
                    b'}' => break,
                    _ => return None,
                }
            }
        }
        *place = Value::Object(members);
        Some(())
    }
}

#[cfg(test)]
mod tests;
