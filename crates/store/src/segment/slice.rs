//! Cutting canonical JSON into its parts without parsing values.
//!
//! Groups are stored as RFC 8785 bytes (no white space, keys sorted), so the members of an object can
//! be sliced out and put together again as bytes. On bytes of any other kind the functions end early;
//! they never panic.

/// Returns the end of the JSON value that begins at `at`, and whether it is a string without escapes.
fn value_end(json: &[u8], at: usize) -> Option<(usize, bool)> {
    match json.get(at)? {
        b'"' => string_end(json, at),
        b'{' | b'[' => {
            let mut depth = 0_usize;
            let mut at = at;
            loop {
                match json.get(at)? {
                    b'"' => {
                        at = string_end(json, at)?.0;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some((at + 1, false));
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        _ => {
            let rest = &json[at..];
            let end = rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']'));
            // A value has at least one byte, so that every step goes forward.
            let end = Some(at + end.unwrap_or(rest.len())).filter(|end| *end > at)?;
            Some((end, false))
        }
    }
}

/// Returns the end of the string whose opening quote is at `at`, and whether it has no escapes.
fn string_end(json: &[u8], at: usize) -> Option<(usize, bool)> {
    let mut at = at + 1;
    let mut is_plain = true;
    loop {
        at += quote_or_backslash(json.get(at..)?)?;
        if json[at] == b'"' {
            return Some((at + 1, is_plain));
        }
        is_plain = false;
        at += 2;
    }
}

/// Finds the first quote or backslash. Most strings of an event are shorter than what a search by
/// vectors takes to begin, so eight bytes are looked at at once, at first.
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    const SHORT_WORDS: usize = 4;
    // A byte that is zero gets its high bit; so may bytes behind the first such one.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (words, tail) = bytes.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        if place == SHORT_WORDS {
            let from = place * 8;
            return memchr::memchr2(b'"', b'\\', &bytes[from..]).map(|found| from + found);
        }
        let word = u64::from_le_bytes(*word);
        let found =
            zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Some(place * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let found = tail.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(words.len() * 8 + found)
}

/// The members of an object, or the items of an array, in order.
#[derive(Clone)]
pub(super) struct Members<'a> {
    json: &'a [u8],
    at: usize,
    open: u8,
    /// Where the member that was walked over begins.
    from: usize,
    is_plain_key: bool,
    is_plain_string: bool,
}

/// Opens an object; yields nothing for any other value.
pub(super) fn members(json: &[u8]) -> Members<'_> {
    Members { json, at: 1, open: b'{', from: 1, is_plain_key: true, is_plain_string: false }
}

/// Opens an array; yields nothing for any other value.
pub(super) fn items(json: &[u8]) -> Members<'_> {
    Members { open: b'[', ..members(json) }
}

impl<'a> Members<'a> {
    /// Returns the bytes behind what was walked over.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.json.get(self.at..).unwrap_or_default()
    }

    /// Tells whether the walk came to the end of an object that ends where its bytes do.
    pub(super) fn is_whole(&self) -> bool {
        self.rest() == b"}"
    }

    /// Tells whether the key of the member that was walked over is written without escapes.
    pub(super) fn is_plain_key(&self) -> bool {
        self.is_plain_key
    }

    /// Tells whether the value that was walked over is a string without escapes.
    pub(super) fn is_plain_string(&self) -> bool {
        self.is_plain_string
    }

    /// Returns the member that was walked over with its key.
    pub(super) fn whole(&self) -> &'a [u8] {
        self.json.get(self.from..self.at).unwrap_or_default()
    }
}

impl<'a> Iterator for Members<'a> {
    /// Key without its quotes (empty in an array), and the value's bytes.
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.json.first() != Some(&self.open) {
            return None;
        }
        let mut at = self.at;
        if at > 1 {
            if self.json.get(at) != Some(&b',') {
                return None;
            }
            at += 1;
        }
        let mut key: &[u8] = &[];
        let from = at;
        if self.open == b'{' {
            if self.json.get(at) != Some(&b'"') {
                return None;
            }
            let (end, is_plain) = string_end(self.json, at)?;
            self.is_plain_key = is_plain;
            key = &self.json[at + 1..end - 1];
            if self.json.get(end) != Some(&b':') {
                return None;
            }
            at = end + 1;
        }
        if self.json.get(at) == Some(&b']') {
            return None;
        }
        let (end, is_plain) = value_end(self.json, at)?;
        (self.from, self.at, self.is_plain_string) = (from, end, is_plain);
        Some((key, &self.json[at..end]))
    }
}

/// Returns one member of an object.
pub(super) fn member<'a>(json: &'a [u8], key: &str) -> Option<&'a [u8]> {
    members(json).find(|(name, _)| *name == key.as_bytes()).map(|(_, value)| value)
}

/// Visits the text of every string value in a JSON value; keys are not texts.
pub(super) fn for_each_text(json: &[u8], scratch: &mut String, visit: &mut dyn FnMut(&str)) {
    let mut at = 0;
    while let Some(found) = json.get(at..).and_then(|rest| memchr::memchr(b'"', rest)) {
        let start = at + found;
        let Some((end, is_plain)) = string_end(json, start) else { return };
        at = end;
        if json.get(end) == Some(&b':') {
            continue;
        }
        let raw = &json[start + 1..end - 1];
        if !is_plain {
            scratch.clear();
            if unescape(raw, scratch).is_some() {
                visit(scratch);
            }
        } else if let Ok(text) = std::str::from_utf8(raw) {
            visit(text);
        }
    }
}

/// Appends the text of a string's raw bytes. RFC 8785 writes surrogate pairs as characters, but
/// pairs of escapes are read too.
fn unescape(raw: &[u8], out: &mut String) -> Option<()> {
    let text = std::str::from_utf8(raw).ok()?;
    let mut characters = text.chars();
    let hex4 = |characters: &mut std::str::Chars<'_>| {
        let digits = characters.as_str().get(..4)?;
        let unit = u32::from_str_radix(digits, 16).ok()?;
        *characters = characters.as_str()[4..].chars();
        Some(unit)
    };
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        out.push(match characters.next()? {
            'b' => '\u{8}',
            't' => '\t',
            'n' => '\n',
            'f' => '\u{c}',
            'r' => '\r',
            'u' => {
                let mut unit = hex4(&mut characters)?;
                if (0xd800..0xdc00).contains(&unit) {
                    characters.next().filter(|c| *c == '\\')?;
                    characters.next().filter(|c| *c == 'u')?;
                    let low = hex4(&mut characters)?.checked_sub(0xdc00)?;
                    unit = 0x10000 + ((unit - 0xd800) << 10) + low;
                }
                char::from_u32(unit)?
            }
            plain @ ('"' | '\\' | '/') => plain,
            _ => return None,
        });
    }
    Some(())
}

#[cfg(test)]
mod tests;
