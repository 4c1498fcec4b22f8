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

/// In [`KINDS`]: `a` to `f` or a digit.
const HEX: u8 = 1;
/// Another letter.
const OTHER: u8 = 2;
const DASH: u8 = 4;
const UNDERSCORE: u8 = 8;
const LETTER: u8 = 0x10;
const DIGIT: u8 = 0x20;
/// The bits of a kind, without those that only tell letters and digits apart.
const KIND: u8 = 0x0f;

/// What each byte is; 0 for one that is in no run.
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'a'..=b'f' => HEX | LETTER,
            b'g'..=b'z' => OTHER | LETTER,
            b'0'..=b'9' => HEX | DIGIT,
            b'-' => DASH,
            b'_' => UNDERSCORE,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

/// A maximal sequence of `[a-z0-9_-]`, and what was seen on the way through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Where it stands.
    pub(super) range: Range<usize>,
    /// How often letters and digits change places.
    changes: usize,
    /// Bits of [`KINDS`] of its bytes.
    kinds: u8,
}

impl Run {
    /// Tells whether the run is a token.
    pub(super) fn is_token(&self) -> bool {
        let len = self.range.len();
        len >= TOKEN_BYTES_MIN && self.changes >= CHANGES_MIN && self.changes * CHANGES_EACH >= len
    }

    /// Tells whether a letter and a digit stand side by side in it. What holds a mixed part is mixed.
    pub(super) fn is_mixed(&self) -> bool {
        self.changes > 0
    }
}

/// Yields the runs of a folded text.
pub(super) fn runs(text: &str) -> impl Iterator<Item = Run> + '_ {
    let bytes = text.as_bytes();
    let kind = |byte: &u8| KINDS[usize::from(*byte)];
    let mut at = 0;
    std::iter::from_fn(move || {
        at += bytes.get(at..)?.iter().position(|byte| kind(byte) != 0)?;
        let start = at;
        let (mut kinds, mut changes, mut before) = (0, 0, 0);
        for kind in bytes[start..].iter().map(kind) {
            if kind == 0 {
                break;
            }
            // Of letters and digits both bits differ; what is neither has none of them.
            changes += usize::from((kind ^ before) & (LETTER | DIGIT) == LETTER | DIGIT);
            kinds |= kind;
            before = kind;
            at += 1;
        }
        Some(Run { range: start..at, changes, kinds })
    })
}

/// The ASCII characters that occur in some tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Characters(pub(super) u128);

impl Characters {
    pub(super) fn of(run: &[u8]) -> Self {
        Self(run.iter().fold(0, |set, byte| set | 1 << (byte & 0x7f)))
    }

    /// Returns every character of the kinds in some bits of [`KINDS`].
    fn all_of(kinds: u8) -> Self {
        const OF: [u128; KIND as usize + 1] = {
            let mut of = [0; KIND as usize + 1];
            let mut kinds = 0;
            while kinds < of.len() {
                let mut byte = 0;
                while byte < 128 {
                    if KINDS[byte] as usize & kinds != 0 {
                        of[kinds] |= 1 << byte;
                    }
                    byte += 1;
                }
                kinds += 1;
            }
            of
        };
        Self(OF[usize::from(kinds & KIND)])
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
type Kind = (u32, u8);

/// Collects the shapes of a block's tokens.
#[derive(Default)]
pub(super) struct Shapes {
    list: Vec<(Kind, Shape)>,
}

impl Shapes {
    /// Adds a token of the text that its run was found in.
    pub(super) fn add(&mut self, text: &str, run: &Run, groups: u8) {
        let token = &text.as_bytes()[run.range.clone()];
        let kind = (token.len() as u32, run.kinds & KIND);
        // Most tokens are like one before; then no byte of it is looked at.
        let known = self.list.iter().find(|(known, _)| *known == kind);
        if known.is_some_and(|(_, shape)| shape.has_all_of(kind, groups)) {
            return;
        }
        let shape = Shape {
            len: token.len() as u32,
            plain: longest_plain(token) as u32,
            characters: Characters::of(token),
            groups,
            is_mixed: false,
        };
        self.put(kind, &shape);
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

    fn put(&mut self, kind: Kind, shape: &Shape) {
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

    /// Tells whether no token of a kind and of some groups could add anything.
    fn has_all_of(&self, kind: Kind, groups: u8) -> bool {
        self.plain >= kind.0
            && self.len >= kind.0
            && self.groups & groups == groups
            && self.characters.contains(Characters::all_of(kind.1))
    }

    /// Tells whether `part` may stand inside a token of this shape, itself included.
    pub(super) fn may_hold(&self, part: &[u8]) -> bool {
        self.len as usize >= part.len()
            && self.plain as usize >= longest_plain(part)
            && self.characters.contains(Characters::of(part))
    }
}
