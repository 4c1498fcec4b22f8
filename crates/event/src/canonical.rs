//! RFC 8785 (JSON Canonicalization Scheme): one byte form for each value.
//!
//! Keys are sorted by their UTF-16 code units, numbers are written as ECMAScript writes them,
//! strings with the shortest escapes, no white space. The form is computed once, at ingest, and
//! from then on stored and hashed as bytes.

use crate::json::{Object, Value};

/// Appends the canonical form of a value.
pub fn write_value(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(number) => write_int(*number, out),
        Value::Float(number) => {
            out.extend_from_slice(ryu_js::Buffer::new().format_finite(*number).as_bytes());
        }
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut object = ObjectWriter::begin(out);
            in_order(members, |place| {
                let (key, value) = &members[place];
                write_value(value, object.key(key));
            });
            object.end();
        }
    }
}

/// Objects of up to this many members are sorted without allocating.
const ORDER_ON_STACK: usize = 16;

/// Visits the places of members in the order of their keys.
fn in_order(members: &Object<'_>, visit: impl FnMut(usize)) {
    let is_ascii = members.iter().all(|(key, _)| key.is_ascii());
    // Eight bytes decide almost always; where all keys are ASCII their order is that of the code units.
    let begin = |key: &str| if is_ascii { first_bytes(key.as_bytes()) } else { 0 };
    let keys = members.iter().enumerate().map(|(place, (key, _))| (begin(key), place));
    if members.len() <= ORDER_ON_STACK {
        let mut order = [(0, 0); ORDER_ON_STACK];
        let order = &mut order[..members.len()];
        order.iter_mut().zip(keys).for_each(|(slot, key)| *slot = key);
        sort(members, order);
        order.iter().map(|(_, place)| *place).for_each(visit);
    } else {
        let mut order: Vec<(u64, usize)> = keys.collect();
        sort(members, &mut order);
        order.into_iter().map(|(_, place)| place).for_each(visit);
    }
}

fn sort(members: &Object<'_>, order: &mut [(u64, usize)]) {
    let by_key = |a: &(u64, usize), b: &(u64, usize)| {
        a.0.cmp(&b.0).then_with(|| compare_keys(&members[a.1].0, &members[b.1].0))
    };
    order.sort_unstable_by(by_key);
}

/// Returns the first eight bytes of a key as a number that sorts as they do; no key holds NUL.
fn first_bytes(key: &[u8]) -> u64 {
    match key.first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            key.iter().fold(0, |begin, byte| begin << 8 | u64::from(*byte))
                << (64 - 8 * key.len().max(1))
        }
    }
}

/// Appends the canonical form of an object and tells where each member's value stands: the member's key,
/// then the value's first byte and the byte behind it.
pub fn write_members(
    members: &Object<'_>,
    out: &mut Vec<u8>,
    mut tell: impl FnMut(&str, (u32, u32)),
) {
    let mut object = ObjectWriter::begin(out);
    in_order(members, |place| {
        let (key, value) = &members[place];
        let out = object.key(key);
        let from = out.len();
        write_value(value, out);
        tell(key, (from as u32, out.len() as u32));
    });
    object.end();
}

/// Returns the canonical form of a value.
pub fn to_bytes(value: &Value<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    write_value(value, &mut out);
    out
}

/// Writes an object whose keys the caller gives in canonical order.
///
/// Invariant, checked in debug builds: keys come strictly ascending by UTF-16 code units.
pub struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
    #[cfg(debug_assertions)]
    last_key: String,
}

impl<'o> ObjectWriter<'o> {
    /// Opens the object.
    pub fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            empty: true,
            #[cfg(debug_assertions)]
            last_key: String::new(),
        }
    }

    /// Writes a key and its colon; the caller appends the value to what is returned.
    pub fn key(&mut self, key: &str) -> &mut Vec<u8> {
        #[cfg(debug_assertions)]
        {
            assert!(
                self.empty || compare_keys(&self.last_key, key).is_lt(),
                "key {key:?} after {:?} is out of canonical order",
                self.last_key
            );
            self.last_key = key.to_owned();
        }
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        write_string(key, self.out);
        self.out.push(b':');
        self.out
    }

    /// Tells whether no key was written yet.
    pub fn is_empty(&self) -> bool {
        self.empty
    }

    /// Closes the object.
    pub fn end(self) {
        self.out.push(b'}');
    }
}

/// Appends a string in quotes with the escapes of RFC 8785 section 3.2.2.2.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    // Almost no string needs an escape.
    if !needs_escape(bytes) {
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    let mut plain_from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if !is_escaped(*byte) {
            continue;
        }
        out.extend_from_slice(&bytes[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0a => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            0x0d => out.extend_from_slice(b"\\r"),
            control => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(control >> 4)]);
                out.push(HEX[usize::from(control & 15)]);
            }
        }
    }
    out.extend_from_slice(&bytes[plain_from..]);
    out.push(b'"');
}

fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Tells whether a string holds a byte that is escaped, eight bytes at a time.
fn needs_escape(bytes: &[u8]) -> bool {
    let (words, _) = bytes.as_chunks::<8>();
    match bytes.last_chunk::<8>() {
        // The last eight bytes may have been looked at in part already.
        Some(last) => words.iter().any(|word| escaped(word) != 0) || escaped(last) != 0,
        None => bytes.iter().any(|byte| is_escaped(*byte)),
    }
}

/// Finds the first byte that a string escapes, which in JSON's text is its end, a backslash or a fault.
pub(crate) fn first_escaped(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let found = escaped(word);
        if found != 0 {
            return Some(8 * index + found.trailing_zeros() as usize / 8);
        }
    }
    let begin = bytes.len() - rest.len();
    rest.iter().position(|byte| is_escaped(*byte)).map(|at| begin + at)
}

/// Marks the bytes of eight that [`is_escaped`]: the first of them has the lowest bit that is set. A
/// byte is below n where subtracting n borrows and it is below 0x80 itself (Mycroft 1987).
fn escaped(word: &[u8; 8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(*word);
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & (ONES * 0x80)
}

/// Appends a whole number in decimal.
pub fn write_int(number: i64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Compares keys as RFC 8785 section 3.2.3 does: by UTF-16 code units.
fn compare_keys(a: &str, b: &str) -> std::cmp::Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

#[cfg(test)]
mod tests;
