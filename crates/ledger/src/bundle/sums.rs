//! `SHA256SUMS`: one line a file, `<64 hex digits>  <path>`, as `sha256sum` writes and checks them.
//!
//! It protects against accidents on the way, and makes sure that no byte of a bundle goes unread; who
//! makes a false bundle writes a fitting list, so no proof rests on it.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::fmt::Write as _;

use crate::sha256::{START, finish};

/// Appends the line of a file.
pub(crate) fn write_line(path: &str, bytes: &[u8], sums: &mut String) {
    for byte in finish(START, 0, bytes) {
        let _ = write!(sums, "{byte:02x}");
    }
    sums.push_str("  ");
    sums.push_str(path);
    sums.push('\n');
}

/// Returns the hash of bytes.
pub(crate) fn hash(bytes: &[u8]) -> [u8; 32] {
    finish(START, 0, bytes)
}

/// Reads the list; `None` when a line has another form, or a path comes twice.
pub(crate) fn parse(text: &[u8]) -> Option<BTreeMap<String, [u8; 32]>> {
    let text = core::str::from_utf8(text).ok()?;
    let mut sums = BTreeMap::new();
    for line in text.strip_suffix('\n')?.split('\n') {
        let (hex, path) = line.split_once("  ")?;
        let is_plain = !path.is_empty() && !path.contains(char::is_control);
        if !is_plain || sums.insert(path.to_string(), parse_hex(hex)?).is_some() {
            return None;
        }
    }
    Some(sums)
}

fn parse_hex(hex: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if pairs.len() != 32 || !rest.is_empty() {
        return None;
    }
    let mut hash = [0; 32];
    for (slot, [high, low]) in hash.iter_mut().zip(pairs) {
        *slot = digit(*high)? << 4 | digit(*low)?;
    }
    Some(hash)
}
