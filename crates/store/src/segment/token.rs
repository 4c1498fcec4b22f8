//! Which parts of a folded text are high-entropy tokens: ids, hashes, keys.
//!
//! A *run* is a maximal sequence of `[a-z0-9_-]`. It is a *token* when it has at least 16 characters
//! and letters and digits change places in it at least three times and once in ten characters, as in
//! random hex, base 32 or UUIDs, and rarely in words, slugs or dates. Tokens would fill any index of
//! trigrams, so they are kept out of it and indexed whole.
//!
//! Everything here sees folded text only, of values and of needles alike.

use std::ops::Range;

/// Least length of a token in bytes.
const TOKEN_BYTES_MIN: usize = 16;
const CHANGES_MIN: usize = 3;
const CHANGES_EACH: usize = 10;

fn is_run_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
}

/// Yields the runs of a folded text.
pub(super) fn runs(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && !is_run_byte(bytes[at]) {
            at += 1;
        }
        let start = at;
        while at < bytes.len() && is_run_byte(bytes[at]) {
            at += 1;
        }
        (start < at).then_some(start..at)
    })
}

/// Tells whether a run is a token.
pub(super) fn is_token(run: &[u8]) -> bool {
    if run.len() < TOKEN_BYTES_MIN {
        return false;
    }
    let changes = changes(run);
    changes >= CHANGES_MIN && changes * CHANGES_EACH >= run.len()
}

/// Tells whether a letter and a digit stand side by side in a run. What holds a mixed part is mixed.
pub(super) fn is_mixed(run: &[u8]) -> bool {
    changes(run) > 0
}

/// Counts how often letters and digits change places.
fn changes(run: &[u8]) -> usize {
    run.windows(2)
        .filter(|pair| {
            pair[0].is_ascii_digit() && pair[1].is_ascii_lowercase()
                || pair[0].is_ascii_lowercase() && pair[1].is_ascii_digit()
        })
        .count()
}

/// The ASCII characters that occur in some tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Characters(pub(super) u128);

impl Characters {
    pub(super) fn of(run: &[u8]) -> Self {
        Self(run.iter().fold(0, |set, byte| set | 1 << (byte & 0x7f)))
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Returns the length of the longest part without `_` and `-`.
pub(super) fn longest_plain(run: &[u8]) -> usize {
    run.split(|byte| matches!(byte, b'_' | b'-')).map(<[u8]>::len).max().unwrap_or(0)
}

/// Tokens of one length and make, which share what a needle inside them must satisfy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Length of each token in bytes; the greatest where `is_mixed`.
    pub(super) len: u32,
    /// Greatest length of a part without `_` and `-`.
    pub(super) plain: u32,
    /// Characters in any of them.
    pub(super) characters: Characters,
    /// Groups they stand in, as bits of a group set.
    pub(super) groups: u8,
    /// Whether shorter tokens were taken in as well.
    pub(super) is_mixed: bool,
}

/// Most shapes of a block; further tokens join a mixed one.
pub(super) const SHAPES_MAX: usize = 48;

/// The kind by which tokens are put together: how long, and whether a hex digit, another letter, a
/// dash or an underscore occurs.
fn kind(token: &[u8]) -> (u32, u8) {
    let bits = token.iter().fold(0, |bits, byte| {
        bits | match byte {
            b'a'..=b'f' | b'0'..=b'9' => 1,
            b'-' => 4,
            b'_' => 8,
            _ => 2,
        }
    });
    (token.len() as u32, bits)
}

/// Collects the shapes of a block's tokens.
#[derive(Default)]
pub(super) struct Shapes {
    list: Vec<((u32, u8), Shape)>,
}

impl Shapes {
    pub(super) fn add(&mut self, token: &[u8], groups: u8) {
        let shape = Shape {
            len: token.len() as u32,
            plain: longest_plain(token) as u32,
            characters: Characters::of(token),
            groups,
            is_mixed: false,
        };
        self.put(kind(token), &shape);
    }

    /// Takes in what other shapes hold.
    pub(super) fn take_in(&mut self, other: &Self) {
        for (kind, shape) in &other.list {
            self.put(*kind, shape);
        }
    }

    /// Returns the shapes and forgets them.
    pub(super) fn end(&mut self) -> Vec<Shape> {
        self.list.drain(..).map(|(_, shape)| shape).collect()
    }

    fn put(&mut self, kind: (u32, u8), shape: &Shape) {
        if let Some((_, known)) = self.list.iter_mut().find(|(known, _)| *known == kind) {
            known.take_in(shape);
            return;
        }
        if self.list.len() < SHAPES_MAX {
            self.list.push((kind, *shape));
        } else if let Some((_, last)) = self.list.last_mut() {
            last.take_in(shape);
            last.is_mixed = true;
        }
    }
}

impl Shape {
    fn take_in(&mut self, other: &Self) {
        self.len = self.len.max(other.len);
        self.plain = self.plain.max(other.plain);
        self.characters.0 |= other.characters.0;
        self.groups |= other.groups;
        self.is_mixed |= other.is_mixed;
    }

    /// Tells whether `part` may stand inside a token of this shape, itself included.
    pub(super) fn may_hold(&self, part: &[u8]) -> bool {
        self.len as usize >= part.len()
            && self.plain as usize >= longest_plain(part)
            && self.characters.contains(Characters::of(part))
    }
}
