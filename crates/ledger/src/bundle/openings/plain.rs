//! A line of openings in the one form in which it is written, read in one pass.
//!
//! An audit reads a line an event, a kilobyte each, and nearly every one has this form; reading it as any
//! JSON and writing it again to compare took as long as all its hashes. What is read here is written again
//! to the same bytes: nothing is skipped, no key may be elsewhere, and each text is escaped as `serde_json`
//! escapes it (`\"`, `\\`, `\b \t \n \f \r`, other controls as `\u00xx` in lower case, nothing else).

use alloc::string::String;
use alloc::vec::Vec;

use proofbook_event::Group;

use super::EventOpenings;
use crate::commitment::Opening;
use crate::hash::decode_base64;

/// Reads a line without its LF; `None` when it has another form, which is not judged here.
pub(super) fn read(line: &[u8]) -> Option<EventOpenings> {
    let text = core::str::from_utf8(line).ok()?;
    let mut rest = Rest { text, at: 0, value: String::with_capacity(line.len()) };
    rest.literal(b"{\"seq\":")?;
    let mut read = EventOpenings { seq: rest.number()?, ..EventOpenings::default() };
    rest.literal(b",\"openings\":[")?;
    if !rest.takes(b"]") {
        read.openings.reserve_exact(Group::COUNT);
        loop {
            rest.literal(b"{\"pointer\":\"")?;
            let group = rest.group(read.openings.last().map(|last| last.group))?;
            rest.literal(b",\"salt\":\"")?;
            let salt = decode_base64(rest.plain()?.as_bytes())?;
            rest.literal(b",\"value\":\"")?;
            let value = rest.escaped()?;
            read.openings.push(Opening { group, salt, value });
            rest.literal(b"}")?;
            if !rest.takes(b",") {
                break;
            }
        }
        rest.literal(b"]")?;
    }
    if rest.takes(b",\"withheld\":[\"") {
        read.withheld = rest.list(|rest, last| rest.group(last), b"]", |group| *group)?;
    }
    if rest.takes(b",\"erased\":{\"") {
        let one = |rest: &mut Rest<'_>, last| {
            let group = rest.group(last)?;
            rest.literal(b":")?;
            Some((group, rest.number()?))
        };
        read.erased = rest.list(one, b"}", |(group, _)| *group)?;
    }
    if rest.takes(b",\"leaf\":\"") {
        read.leaf = Some(rest.escaped()?);
    }
    rest.literal(b"}")?;
    (rest.at == line.len()).then_some(read)
}

/// What is left of a line.
struct Rest<'l> {
    text: &'l str,
    at: usize,
    /// The value that is being read.
    value: String,
}

impl<'l> Rest<'l> {
    fn bytes(&self) -> &'l [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Steps over these bytes if they are next.
    fn takes(&mut self, bytes: &[u8]) -> bool {
        let is_next = self.bytes().starts_with(bytes);
        self.at += if is_next { bytes.len() } else { 0 };
        is_next
    }

    fn literal(&mut self, bytes: &[u8]) -> Option<()> {
        self.takes(bytes).then_some(())
    }

    /// Reads a number as it is written: no sign, no zero in front.
    fn number(&mut self) -> Option<u64> {
        let bytes = self.bytes();
        let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length > 1 && bytes.first() == Some(&b'0') {
            return None;
        }
        let number = self.text.get(self.at..self.at + length)?.parse().ok()?;
        self.at += length;
        Some(number)
    }

    /// Reads a text in which nothing is escaped, and the quotation mark behind it.
    fn plain(&mut self) -> Option<&'l str> {
        let length = special_in(self.bytes())?;
        let text = self.text.get(self.at..self.at + length)?;
        self.at += length;
        self.literal(b"\"")?;
        Some(text)
    }

    /// Reads a group behind the last one.
    fn group(&mut self, last: Option<Group>) -> Option<Group> {
        Group::from_pointer(self.plain()?).filter(|group| Some(*group) > last)
    }

    /// Reads the ascending elements of a list that is not empty; the quotation mark of the first was read.
    fn list<T>(
        &mut self,
        one: impl Fn(&mut Self, Option<Group>) -> Option<T>,
        end: &[u8],
        group_of: impl Fn(&T) -> Group,
    ) -> Option<Vec<T>> {
        let mut elements: Vec<T> = Vec::new();
        loop {
            let last = elements.last().map(&group_of);
            elements.push(one(self, last)?);
            if self.takes(end) {
                return Some(elements);
            }
            self.literal(b",\"")?;
        }
    }

    /// Reads an escaped text and the quotation mark behind it.
    fn escaped(&mut self) -> Option<String> {
        let bytes = self.bytes();
        self.value.clear();
        let mut at = 0;
        loop {
            let plain = special_in(bytes.get(at..)?)?;
            // Special bytes are ASCII, so both ends lie between characters.
            self.value.push_str(self.text.get(self.at + at..self.at + at + plain)?);
            at += plain;
            if bytes[at] == b'"' {
                self.at += at + 1;
                return Some(String::from(self.value.as_str()));
            }
            let (character, length) = unescaped(bytes.get(at..)?)?;
            self.value.push(character);
            at += length;
        }
    }
}

/// Returns where the first line ends, without its LF.
pub(super) fn line_in(bytes: &[u8]) -> usize {
    first_of(bytes, |word| zeros(word ^ each(b'\n')), |byte| byte == b'\n').unwrap_or(bytes.len())
}

/// Returns where the first byte is that is not written as it is, or ends a text.
fn special_in(bytes: &[u8]) -> Option<usize> {
    let specials = |word: u64| {
        let controls = word.wrapping_sub(each(0x20)) & !word & each(0x80);
        controls | zeros(word ^ each(b'"')) | zeros(word ^ each(b'\\'))
    };
    first_of(bytes, specials, |byte| byte < 0x20 || byte == b'"' || byte == b'\\')
}

/// Finds the first byte that is looked for, eight at once: a loop over single bytes took a tenth of an audit.
/// `in_word` marks bytes by their highest bit, and the lowest mark is right.
fn first_of(
    bytes: &[u8],
    in_word: impl Fn(u64) -> u64,
    is_it: impl Fn(u8) -> bool,
) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let marks = in_word(u64::from_le_bytes(*word));
        if marks != 0 {
            return Some(number * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|byte| is_it(*byte)).map(|at| words.len() * 8 + at)
}

/// Marks the bytes of a word that are zero; above the lowest of them a mark may be wrong.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(each(0x01)) & !word & each(0x80)
}

const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Reads one escape in its one form: the character, and how many bytes it takes.
fn unescaped(bytes: &[u8]) -> Option<(char, usize)> {
    let character = match bytes {
        [b'\\', b'"', ..] => '"',
        [b'\\', b'\\', ..] => '\\',
        [b'\\', b'b', ..] => '\u{8}',
        [b'\\', b't', ..] => '\t',
        [b'\\', b'n', ..] => '\n',
        [b'\\', b'f', ..] => '\u{c}',
        [b'\\', b'r', ..] => '\r',
        [b'\\', b'u', b'0', b'0', high @ b'0'..=b'1', low, ..] => {
            let low = match low {
                b'0'..=b'9' => low - b'0',
                b'a'..=b'f' => low - b'a' + 10,
                _ => return None,
            };
            let code = (high - b'0') << 4 | low;
            // These five have a shorter form.
            if matches!(code, 8 | 9 | 10 | 12 | 13) {
                return None;
            }
            return Some((char::from(code), 6));
        }
        _ => return None,
    };
    Some((character, 2))
}

#[cfg(test)]
mod tests;
