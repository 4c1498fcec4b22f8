//! Bounded JSON values: what a client sent, and what is read back from canonical bytes.
//!
//! Parsing refuses what two readers could understand differently (RFC 8785 section 3.1): duplicate
//! keys, lone surrogates, NUL, non-finite numbers, integers beyond 2^53 − 1. Each refusal carries
//! the byte offset and the JSON pointer of its place. Strings borrow from the input wherever they
//! hold no escape.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};

use crate::limits;

mod read;

/// An object's members in the order of the text; keys are unique.
pub type Object<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// A JSON value whose numbers every reader understands alike.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number of at most 2^53 − 1 in magnitude, however it was written.
    Int(i64),
    /// Any other finite number.
    Float(f64),
    /// A text without NUL.
    String(Cow<'a, str>),
    /// A list.
    Array(Vec<Value<'a>>),
    /// Members in the order of the text.
    Object(Object<'a>),
}

/// Why a text is not an acceptable JSON value, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {offset}{}", at_pointer(pointer))]
pub struct JsonError {
    /// Byte offset in the text that was given: how far it had been read when the fault was found.
    pub offset: usize,
    /// JSON pointer (RFC 6901) of the value that was being read; empty for the whole text.
    pub pointer: String,
    /// What is wrong, in plain words.
    pub reason: String,
}

fn at_pointer(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!(" ({pointer})") }
}

impl<'a> Value<'a> {
    /// Parses one JSON text, nested at most [`limits::JSON_DEPTH_MAX`] levels.
    ///
    /// # Errors
    /// The text is not JSON, or holds something that is refused; see the module's page.
    pub fn parse(text: &'a [u8]) -> Result<Self, JsonError> {
        // One look at the whole text is much cheaper than one at each string in it.
        let common = std::str::from_utf8(text).ok().and_then(read::read);
        common.map_or_else(|| strict(text), Ok)
    }

    /// Returns the member of an object, or `None`.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.as_object()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Follows a JSON pointer (RFC 6901); the empty pointer is the value itself.
    pub fn pointer(&self, pointer: &str) -> Option<&Value<'a>> {
        let mut value = self;
        if pointer.is_empty() {
            return Some(value);
        }
        for token in pointer.strip_prefix('/')?.split('/') {
            let token = unescape_token(token);
            value = match value {
                Value::Object(_) => value.get(&token)?,
                Value::Array(items) => items.get(token.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// Returns the text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = self { Some(text) } else { None }
    }

    /// Returns the members of an object.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        if let Value::Object(members) = self { Some(members) } else { None }
    }

    /// Returns the items of an array.
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        if let Value::Array(items) = self { Some(items) } else { None }
    }

    /// Returns a whole number.
    pub fn as_int(&self) -> Option<i64> {
        if let Value::Int(number) = self { Some(*number) } else { None }
    }

    /// Returns the value's type as a word for messages.
    pub fn type_word(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        }
    }

    /// Returns how deeply the value is nested; a scalar is 0, `[]` and `{}` are 1.
    pub fn depth(&self) -> usize {
        match self {
            Value::Array(items) => 1 + items.iter().map(Value::depth).max().unwrap_or(0),
            Value::Object(members) => {
                1 + members.iter().map(|(_, value)| value.depth()).max().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// Copies every borrowed text, so that the value outlives its input.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(flag) => Value::Bool(flag),
            Value::Int(number) => Value::Int(number),
            Value::Float(number) => Value::Float(number),
            Value::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Value::Array(items) => Value::Array(items.into_iter().map(Value::into_owned).collect()),
            Value::Object(members) => Value::Object(
                members
                    .into_iter()
                    .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                    .collect(),
            ),
        }
    }

    /// Visits every string value (not the keys), depth first, in the order of the text.
    pub fn for_each_text<'s>(&'s self, visit: &mut dyn FnMut(&'s str)) {
        match self {
            Value::String(text) => visit(text),
            Value::Array(items) => items.iter().for_each(|item| item.for_each_text(visit)),
            Value::Object(members) => {
                members.iter().for_each(|(_, value)| value.for_each_text(visit));
            }
            _ => {}
        }
    }
}

/// Escapes a key as one reference token of a JSON pointer (`~` → `~0`, `/` → `~1`).
pub fn escape_token(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) {
        Cow::Owned(key.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(key)
    }
}

/// Reverses [`escape_token`].
pub fn unescape_token(token: &str) -> Cow<'_, str> {
    if token.contains('~') {
        Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(token)
    }
}

/// Finds the byte offset at which the value of a pointer begins in a JSON text.
///
/// Used on the error path only; returns 0 when the text has no such value.
pub fn offset_of(text: &[u8], pointer: &str) -> usize {
    let base = text.as_ptr() as usize;
    let mut part: &[u8] = text;
    for token in pointer.split('/').skip(1) {
        let token = unescape_token(token);
        let found = match part.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => serde_json::from_slice::<Members<'_>>(part)
                .ok()
                .and_then(|members| members.0.into_iter().find(|(key, _)| *key == *token))
                .map(|(_, raw)| raw),
            Some(b'[') => serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(part)
                .ok()
                .and_then(|items| items.get(token.parse::<usize>().ok()?).copied()),
            _ => None,
        };
        match found {
            Some(raw) => part = raw.get().as_bytes(),
            None => break,
        }
    }
    part.as_ptr() as usize - base
}

/// An object's members as raw texts, duplicates included.
struct Members<'a>(Vec<(Cow<'a, str>, &'a serde_json::value::RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        reader.deserialize_map(MembersVisitor)
    }
}

/// Turns serde_json's line and column (1-based; column counts bytes) into a byte offset.
fn byte_offset(text: &[u8], line: usize, column: usize) -> usize {
    let line_start = match line {
        0 | 1 => 0,
        _ => text
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .nth(line - 2)
            .map_or(0, |(at, _)| at + 1),
    };
    (line_start + column.saturating_sub(1)).min(text.len())
}

/// Returns serde_json's message without its position, which we give as an offset.
fn plain_reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.contains("hex escape") || text.contains("surrogate") {
        return "a lone surrogate in a \\u escape".to_owned();
    }
    match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// Reads a text that is one value, or says why it is none.
fn strict(text: &[u8]) -> Result<Value<'_>, JsonError> {
    let path = RefCell::new(Vec::new());
    let parsed = match std::str::from_utf8(text) {
        Ok(text) => read_whole(serde_json::Deserializer::from_str(text), &path),
        Err(_) => read_whole(serde_json::Deserializer::from_slice(text), &path),
    };
    parsed.map_err(|error| JsonError {
        offset: byte_offset(text, error.line(), error.column()),
        pointer: path.borrow().concat(),
        reason: plain_reason(&error),
    })
}

fn read_whole<'de, R: serde_json::de::Read<'de>>(
    mut reader: serde_json::Deserializer<R>,
    path: &RefCell<Vec<String>>,
) -> serde_json::Result<Value<'de>> {
    let seed = ValueSeed { path, depth_left: limits::JSON_DEPTH_MAX };
    let value = seed.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads one value, keeping the path to it so that an error can name its place.
struct ValueSeed<'p> {
    path: &'p RefCell<Vec<String>>,
    depth_left: usize,
}

impl ValueSeed<'_> {
    fn deeper(&self) -> Option<ValueSeed<'_>> {
        Some(ValueSeed { path: self.path, depth_left: self.depth_left.checked_sub(1)? })
    }
}

const TOO_DEEP: &str = "nested deeper than 32 levels";
const NUL: &str = "a string holds the character NUL";
const BIG_INTEGER: &str = "an integer beyond 9007199254740991; send it as a string";

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value<'de>, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, flag: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Value<'de>, E> {
        if number.unsigned_abs() <= limits::INTEGER_MAX.unsigned_abs() {
            Ok(Value::Int(number))
        } else {
            Err(E::custom(BIG_INTEGER))
        }
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value<'de>, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(E::custom(BIG_INTEGER)),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value<'de>, E> {
        if !number.is_finite() {
            return Err(E::custom("a number too large for a double"));
        }
        if number.fract() != 0.0 {
            return Ok(Value::Float(number));
        }
        // `1.0`, `1e3` and `-0` are whole numbers to RFC 8785, which writes them without a point.
        if number.abs() <= limits::INTEGER_MAX as f64 {
            Ok(Value::Int(number as i64))
        } else {
            Err(E::custom(BIG_INTEGER))
        }
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Value<'de>, E> {
        if text.as_bytes().contains(&0) {
            return Err(E::custom(NUL));
        }
        Ok(Value::String(Cow::Borrowed(text)))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value<'de>, E> {
        if text.as_bytes().contains(&0) {
            return Err(E::custom(NUL));
        }
        Ok(Value::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value<'de>, A::Error> {
        let Some(inner) = self.deeper() else { return Err(A::Error::custom(TOO_DEEP)) };
        let mut items = Vec::new();
        loop {
            let seed = ValueSeed { path: inner.path, depth_left: inner.depth_left };
            // The index is put on the path only when something fails: the happy path allocates nothing.
            match list.next_element_seed(seed) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => return Ok(Value::Array(items)),
                Err(error) => {
                    inner.path.borrow_mut().insert(0, format!("/{}", items.len()));
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let Some(inner) = self.deeper() else { return Err(A::Error::custom(TOO_DEEP)) };
        let mut members: Object<'de> = Vec::new();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            if key.as_bytes().contains(&0) {
                return Err(A::Error::custom("a key holds the character NUL"));
            }
            if is_duplicate(&members, &key) {
                let token = escape_token(&key);
                inner.path.borrow_mut().insert(0, format!("/{token}"));
                return Err(A::Error::custom("a duplicate key"));
            }
            let seed = ValueSeed { path: inner.path, depth_left: inner.depth_left };
            match map.next_value_seed(seed) {
                Ok(value) => members.push((key, value)),
                Err(error) => {
                    let token = escape_token(&key);
                    inner.path.borrow_mut().insert(0, format!("/{token}"));
                    return Err(error);
                }
            }
            if members.len() == WIDE_OBJECT {
                return wide_object(members, map, &inner);
            }
        }
        Ok(Value::Object(members))
    }
}

/// From this many members on, keys are looked up in a set instead of one after the other.
const WIDE_OBJECT: usize = 64;

fn is_duplicate(members: &[(Cow<'_, str>, Value<'_>)], key: &str) -> bool {
    members.iter().any(|(name, _)| name == key)
}

/// Reads the rest of an object with many members, so that hostile width costs linear time.
fn wide_object<'de, A: MapAccess<'de>>(
    mut members: Object<'de>,
    mut map: A,
    inner: &ValueSeed<'_>,
) -> Result<Value<'de>, A::Error> {
    let mut seen: std::collections::HashSet<Cow<'de, str>> =
        members.iter().map(|(key, _)| key.clone()).collect();
    while let Some(key) = map.next_key_seed(KeySeed)? {
        let place = format!("/{}", escape_token(&key));
        if key.as_bytes().contains(&0) || !seen.insert(key.clone()) {
            inner.path.borrow_mut().insert(0, place);
            return Err(A::Error::custom("a duplicate key, or one that holds the character NUL"));
        }
        let seed = ValueSeed { path: inner.path, depth_left: inner.depth_left };
        match map.next_value_seed(seed) {
            Ok(value) => members.push((key, value)),
            Err(error) => {
                inner.path.borrow_mut().insert(0, place);
                return Err(error);
            }
        }
    }
    Ok(Value::Object(members))
}

/// Reads an object's key, borrowing it where it holds no escape.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;
    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

impl serde::Serialize for Value<'_> {
    fn serialize<S: serde::Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => writer.serialize_unit(),
            Value::Bool(flag) => writer.serialize_bool(*flag),
            Value::Int(number) => writer.serialize_i64(*number),
            Value::Float(number) => writer.serialize_f64(*number),
            Value::String(text) => writer.serialize_str(text),
            Value::Array(items) => {
                let mut list = writer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Value::Object(members) => {
                let mut map = writer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::String(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Value::String(Cow::Owned(text))
    }
}

#[cfg(test)]
mod tests;
