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
            if members.is_sorted_by(|a, b| compare_keys(&a.0, &b.0).is_lt()) {
                for (key, value) in members {
                    write_value(value, object.key(key));
                }
            } else if members.len() <= ORDER_ON_STACK {
                let mut order = [0_u8; ORDER_ON_STACK];
                for (index, slot) in order.iter_mut().enumerate() {
                    *slot = index as u8;
                }
                write_in_order(members, &mut order[..members.len()], &mut object);
            } else {
                let mut order: Vec<usize> = (0..members.len()).collect();
                write_in_order(members, &mut order, &mut object);
            }
            object.end();
        }
    }
}

/// Objects of up to this many members are sorted without allocating.
const ORDER_ON_STACK: usize = 32;

/// Writes members sorted by key; `order` holds their indexes.
fn write_in_order<I: Copy + Into<usize>>(
    members: &Object<'_>,
    order: &mut [I],
    object: &mut ObjectWriter<'_>,
) {
    order.sort_unstable_by(|a, b| compare_keys(&members[(*a).into()].0, &members[(*b).into()].0));
    for index in order {
        let (key, value) = &members[(*index).into()];
        write_value(value, object.key(key));
    }
}

/// Appends the canonical form of an object and tells where each member's value stands: by the member's
/// place in `members`, its first byte and the byte behind it.
pub fn write_members(members: &Object<'_>, out: &mut Vec<u8>) -> Vec<(u32, u32)> {
    let mut spans = vec![(0, 0); members.len()];
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_unstable_by(|a, b| compare_keys(&members[*a].0, &members[*b].0));
    let mut object = ObjectWriter::begin(out);
    for place in order {
        let (key, value) = &members[place];
        let out = object.key(key);
        let from = out.len();
        write_value(value, out);
        spans[place] = (from as u32, out.len() as u32);
    }
    object.end();
    spans
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
    out.push(b'"');
    let bytes = text.as_bytes();
    // Almost no string needs an escape; a pass without branches finds out fastest.
    let escape = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
    if !bytes.iter().fold(false, |found, byte| found | escape(*byte)) {
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    let mut plain_from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if !escape(*byte) {
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
