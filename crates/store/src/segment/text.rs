//! Text filters: may a word or phrase stand anywhere in a block, and in which groups?
//!
//! Every string value of every group is folded and cut at its tokens ([`super::token`]). The trigrams
//! of what remains are bits in a hashed bitmap of its group. Tokens are in the block's filter of
//! values, whole, and their shapes are listed; an id that is one token as it was sent is not, since
//! the index of ids knows it. Values of columns with too many distinct entries are in the filter of
//! values too, whole. Actions are not here; they are few, and have a column.
//!
//! Short random texts, such as `ses_9f3a1c`, have every trigram there is. Of the runs in which letters
//! and digits meet, without being tokens, each group keeps the greatest length and the characters: what
//! is longer, or has others, stands in none of them.
//!
//! ```text
//! text     zstd of: for each group u8 log2 of the bitmap's bits, bitmap (0: none and no bitmap),
//!          for each group u32 length of its longest mixed run, u128 characters (0: none),
//!          uleb shapes, for each u32 length, u32 plain, u128 characters, u8 groups, u8 is mixed
//! span     as text, of [`SPAN_BLOCKS`] blocks together: what stands in none of them is found out at once
//! values   a binary fuse filter ([`super::fuse`]) of hashes of folded values and tokens, as it is
//! ```
//!
//! A needle may lie across several runs. A run inside it is a whole run of the text, so it is known
//! whether it is a token. A run at its edge may be part of a longer one, which may be a token or not,
//! and both have to be tried.

use std::hash::Hasher as _;

use proofbook_event::Group;
use proofbook_filter::fold_into;
use siphasher::sip::SipHasher13;

use crate::codec::{Decoder, Encode};

use super::error::SegmentError;
use super::fuse::Fuse;
use super::pack::Packer;
use super::rows::GroupSet;
use super::token::{Characters, Run, SHAPES_MAX, Shape, Shapes, runs};

/// Blocks of one span.
pub(super) const SPAN_BLOCKS: usize = 8;
/// Bits of the bitmap while it is filled, as a power of two; it is folded as far as `LOAD_MAX_PERCENT`
/// lets it.
const BITMAP_LOG2_MAX: u32 = 18;
const BITMAP_LOG2_MIN: u32 = 9;
/// Most set bits of a stored bitmap, in percent: a trigram that is not there is found with this
/// chance, and a word has several.
const LOAD_MAX_PERCENT: u64 = 20;

/// Returns what the characters of a trigram add to its place, each on its own.
const fn parts_of(a: u32, b: u32, c: u32) -> [u64; 3] {
    [
        (a as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        (b as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f).rotate_left(21),
        (c as u64).wrapping_mul(0x1656_67b1_9e37_79f9).rotate_left(42),
    ]
}

/// Returns the place of a trigram in the largest bitmap; smaller ones use the lower bits.
fn place_of([a, b, c]: [u64; 3]) -> u32 {
    ((a ^ b ^ c).wrapping_mul(0xff51_afd7_ed55_8ccd) >> (64 - BITMAP_LOG2_MAX)) as u32
}

/// What an ASCII character adds to a trigram's place where it is the first, second and third.
const ASCII_PARTS: [[u64; 3]; 128] = {
    let mut parts = [[0; 3]; 128];
    let mut character = 0;
    while character < 128 {
        parts[character] = parts_of(character as u32, character as u32, character as u32);
        character += 1;
    }
    parts
};

/// Calls `visit` with the place of each trigram of a folded text.
fn for_each_trigram(folded: &str, mut visit: impl FnMut(u32)) {
    if folded.is_ascii() {
        let part = |byte: u8, at: usize| ASCII_PARTS[usize::from(byte & 0x7f)][at];
        for three in folded.as_bytes().windows(3) {
            visit(place_of([part(three[0], 0), part(three[1], 1), part(three[2], 2)]));
        }
        return;
    }
    let mut characters = folded.chars().map(u32::from);
    let (Some(mut a), Some(mut b)) = (characters.next(), characters.next()) else { return };
    for c in characters {
        visit(place_of(parts_of(a, b, c)));
        (a, b) = (b, c);
    }
}

/// Returns the key of a folded value or token in a block's filter of values.
pub(super) fn value_key(folded: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0x7072_6f6f_6662_6f6f, 0x6b2f_7661_6c75_6573);
    hasher.write(folded.as_bytes());
    hasher.finish()
}

/// The runs of one group in which letters and digits meet, without being tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct MixedRuns {
    len: u32,
    characters: Characters,
}

impl MixedRuns {
    fn take_in(&mut self, run: &[u8]) {
        self.len = self.len.max(run.len() as u32);
        self.characters.0 |= Characters::of(run).0;
    }

    fn may_hold(&self, part: &[u8]) -> bool {
        self.len as usize >= part.len() && self.characters.contains(Characters::of(part))
    }
}

/// What a text filter is made of: of one block, or of all blocks of a span.
struct Collected {
    /// Of each group.
    bitmaps: Vec<Vec<u64>>,
    mixed: [MixedRuns; Group::COUNT],
    shapes: Shapes,
}

impl Default for Collected {
    fn default() -> Self {
        Self {
            bitmaps: vec![vec![0; (1 << BITMAP_LOG2_MAX) / 64]; Group::COUNT],
            mixed: Default::default(),
            shapes: Shapes::default(),
        }
    }
}

impl Collected {
    /// Takes in what a block holds.
    fn take_in(&mut self, block: &Self) {
        for (bitmap, other) in self.bitmaps.iter_mut().zip(&block.bitmaps) {
            bitmap.iter_mut().zip(other).for_each(|(word, other)| *word |= other);
        }
        for (mixed, other) in self.mixed.iter_mut().zip(&block.mixed) {
            mixed.len = mixed.len.max(other.len);
            mixed.characters.0 |= other.characters.0;
        }
        self.shapes.take_in(&block.shapes);
    }

    /// Encodes the filter and forgets everything.
    fn end(&mut self, packer: &mut Packer) -> Result<Vec<u8>, SegmentError> {
        let mut raw = Vec::new();
        for bitmap in &mut self.bitmaps {
            match shrink(bitmap) {
                Some((log2, shrunk)) => {
                    raw.put_u8(log2 as u8);
                    shrunk.iter().for_each(|word| raw.put_u64(*word));
                    bitmap.fill(0);
                }
                None => raw.put_u8(0),
            }
        }
        for mixed in std::mem::take(&mut self.mixed) {
            raw.put_raw(&mixed.len.to_le_bytes());
            if mixed.len > 0 {
                raw.put_raw(&mixed.characters.0.to_le_bytes());
            }
        }
        let shapes = self.shapes.end();
        raw.put_varint(shapes.len() as u64);
        for shape in shapes {
            raw.put_raw(&shape.len.to_le_bytes());
            raw.put_raw(&shape.plain.to_le_bytes());
            raw.put_raw(&shape.characters.0.to_le_bytes());
            raw.put_u8(shape.groups);
            raw.put_u8(u8::from(shape.is_mixed));
        }
        packer.pack(&raw)
    }
}

/// Collects a block's text, and a span's.
#[derive(Default)]
pub(super) struct TextBuilder {
    block: Collected,
    span: Collected,
    keys: Vec<u64>,
    folded: String,
}

impl TextBuilder {
    /// Adds a text that a word may be found in; `whole` adds it to the filter of values too.
    pub(super) fn add(&mut self, text: &str, group: Group, whole: bool) {
        let mut folded = std::mem::take(&mut self.folded);
        folded.clear();
        fold_into(text, &mut folded);
        let mut plain_from = 0;
        let mut is_known = false;
        for run in runs(&folded) {
            let token = &folded[run.range.clone()];
            if !run.is_token() {
                if run.is_mixed() {
                    self.block.mixed[group.index()].take_in(token.as_bytes());
                }
                continue;
            }
            self.add_plain(&folded[plain_from..run.range.start], group);
            plain_from = run.range.end;
            self.block.shapes.add(&folded, &run, GroupSet::NONE.with(group).bits());
            // The index of ids answers for an id that is a token as it was sent.
            let is_indexed_id = group == Group::Id && token == text;
            if !is_indexed_id {
                self.keys.push(value_key(token));
                is_known |= token.len() == folded.len();
            }
        }
        self.add_plain(&folded[plain_from..], group);
        if whole && !is_known {
            self.keys.push(value_key(&folded));
        }
        self.folded = folded;
    }

    /// Adds a whole value to the filter of values.
    pub(super) fn add_value(&mut self, text: &str) {
        self.folded.clear();
        fold_into(text, &mut self.folded);
        self.keys.push(value_key(&self.folded));
    }

    fn add_plain(&mut self, folded: &str, group: Group) {
        let bitmap = &mut self.block.bitmaps[group.index()];
        for_each_trigram(folded, |place| bitmap[place as usize / 64] |= 1 << (place % 64));
    }

    /// Encodes the block's two pieces (text, values) and begins the next block.
    pub(super) fn end_block(
        &mut self,
        packer: &mut Packer,
    ) -> Result<(Vec<u8>, Vec<u8>), SegmentError> {
        self.span.take_in(&self.block);
        let text = self.block.end(packer)?;
        let mut values = Vec::new();
        if !self.keys.is_empty() {
            let Some(fuse) = Fuse::build(&mut self.keys) else {
                let reason = "no seed fits these keys".to_owned();
                return Err(SegmentError::Encode { what: "a filter of values", reason });
            };
            fuse.encode(&mut values);
            self.keys.clear();
        }
        Ok((text, values))
    }

    /// Encodes the filter of the blocks since the last span, and begins the next span.
    pub(super) fn end_span(&mut self, packer: &mut Packer) -> Result<Vec<u8>, SegmentError> {
        self.span.end(packer)
    }
}

/// Folds a bitmap in half as often as [`LOAD_MAX_PERCENT`] lets it; `None` for an empty one.
fn shrink(bitmap: &[u64]) -> Option<(u32, Vec<u64>)> {
    let ones =
        |bitmap: &[u64]| -> u64 { bitmap.iter().map(|word| u64::from(word.count_ones())).sum() };
    if bitmap.iter().all(|word| *word == 0) {
        return None;
    }
    let mut bitmap = bitmap.to_vec();
    let mut log2 = BITMAP_LOG2_MAX;
    while log2 > BITMAP_LOG2_MIN {
        let (low, high) = bitmap.split_at(bitmap.len() / 2);
        let half: Vec<u64> = low.iter().zip(high).map(|(low, high)| low | high).collect();
        if ones(&half) * 100 > LOAD_MAX_PERCENT << (log2 - 1) {
            break;
        }
        bitmap = half;
        log2 -= 1;
    }
    Some((log2, bitmap))
}

/// What a block's text filter knows; the filter of values is loaded when it is needed.
#[derive(Debug)]
pub(super) struct TextFilter {
    /// Of each group; empty for a group without plain text.
    bitmaps: [Vec<u64>; Group::COUNT],
    mixed: [MixedRuns; Group::COUNT],
    shapes: Vec<Shape>,
}

/// Stands for the filters of values of many blocks, which are not asked: any token may be in one.
pub(super) struct AnyToken;

impl WholeTokens for AnyToken {
    fn may_hold(&mut self, _: &str, groups: GroupSet) -> Result<GroupSet, SegmentError> {
        Ok(groups)
    }
}

/// Tells whether a whole token stands in a block, by its filter of values or by the index of ids.
pub(super) trait WholeTokens {
    /// Returns the groups in which the token may stand, of those given.
    fn may_hold(&mut self, token: &str, groups: GroupSet) -> Result<GroupSet, SegmentError>;
}

impl TextFilter {
    /// Decodes a hash-checked and decompressed piece.
    pub(super) fn decode(raw: &[u8]) -> Option<Self> {
        let mut from = Decoder::new(raw);
        let mut bitmaps: [Vec<u64>; Group::COUNT] = Default::default();
        for bitmap in &mut bitmaps {
            let log2 = u32::from(from.u8("log2").ok()?);
            if log2 == 0 {
                continue;
            }
            if !(BITMAP_LOG2_MIN..=BITMAP_LOG2_MAX).contains(&log2) {
                return None;
            }
            let bytes = from.raw((1 << log2) / 8, "bitmap").ok()?;
            let words = bytes.as_chunks::<8>().0.iter();
            *bitmap = words.map(|word| u64::from_le_bytes(*word)).collect();
        }
        let mut mixed: [MixedRuns; Group::COUNT] = Default::default();
        for mixed in &mut mixed {
            mixed.len = u32::from_le_bytes(from.array("length").ok()?);
            if mixed.len > 0 {
                let characters = from.array("characters").ok()?;
                mixed.characters = Characters(u128::from_le_bytes(characters));
            }
        }
        let count = from.varint("shapes").ok()?;
        let mut shapes = Vec::new();
        for _ in 0..count.min(SHAPES_MAX as u64) {
            shapes.push(Shape {
                len: u32::from_le_bytes(from.array("length").ok()?),
                plain: u32::from_le_bytes(from.array("plain").ok()?),
                characters: Characters(u128::from_le_bytes(from.array("characters").ok()?)),
                groups: from.u8("groups").ok()?,
                is_mixed: from.u8("mixed").ok()? != 0,
            });
        }
        from.is_empty().then_some(Self { bitmaps, mixed, shapes })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let bitmaps: usize = self.bitmaps.iter().map(|bitmap| bitmap.len() * 8).sum();
        size_of::<Self>() + bitmaps + self.shapes.capacity() * size_of::<Shape>()
    }

    /// Returns the groups whose plain texts have every trigram of a text; all when it has none.
    fn trigram_groups(&self, folded: &str) -> GroupSet {
        let mut groups = GroupSet::ALL.bits();
        for_each_trigram(folded, |place| {
            for (index, bitmap) in self.bitmaps.iter().enumerate() {
                let place = place as usize & (bitmap.len() * 64).saturating_sub(1);
                let word = bitmap.get(place / 64).copied().unwrap_or(0);
                if word & 1 << (place % 64) == 0 {
                    groups &= !(1 << index);
                }
            }
        });
        GroupSet::from_bits(groups)
    }

    /// Returns the groups in which a run that is no token may be, or be a part of, one that is none.
    fn plain_run_groups(&self, run: &Run, needle: &str) -> GroupSet {
        if !run.is_mixed() {
            return GroupSet::ALL;
        }
        let run = &needle.as_bytes()[run.range.clone()];
        GroupSet::of(Group::ALL.into_iter().filter(|group| self.mixed[group.index()].may_hold(run)))
    }

    /// Returns the groups in which a folded needle may stand.
    ///
    /// Empty is certain: the needle stands nowhere in the block, except in an action.
    pub(super) fn groups(
        &self,
        needle: &str,
        whole: &mut dyn WholeTokens,
    ) -> Result<GroupSet, SegmentError> {
        let runs: Vec<_> = runs(needle).collect();
        // Runs at an edge may go on outside of the needle.
        let is_edge = |run: &Run| run.range.start == 0 || run.range.end == needle.len();
        let edges: Vec<usize> = (0..runs.len()).filter(|place| is_edge(&runs[*place])).collect();
        let mut found = GroupSet::NONE;
        // Each bit of `choice` says whether that edge run is taken as part of a token.
        for choice in 0..1_u32 << edges.len() {
            let mut groups = GroupSet::ALL;
            let mut plain_from = 0;
            for (place, run) in runs.iter().enumerate() {
                if groups.is_empty() {
                    break;
                }
                let edge = edges.iter().position(|edge| *edge == place);
                let in_token = match edge {
                    Some(edge) => choice & 1 << edge != 0,
                    None => run.is_token(),
                };
                if !in_token {
                    groups = groups.intersection(self.plain_run_groups(run, needle));
                    continue;
                }
                groups =
                    groups.intersection(self.trigram_groups(&needle[plain_from..run.range.start]));
                plain_from = run.range.end;
                if !groups.is_empty() {
                    groups = groups.intersection(self.token_groups(
                        run,
                        needle,
                        edge.is_some(),
                        whole,
                    )?);
                }
            }
            if !groups.is_empty() {
                groups = groups.intersection(self.trigram_groups(&needle[plain_from..]));
            }
            found = found.union(groups);
            if found == GroupSet::ALL {
                break;
            }
        }
        Ok(found)
    }

    /// Returns the groups that have a token which a run of the needle is, or is a part of when it may be
    /// one.
    fn token_groups(
        &self,
        run: &Run,
        needle: &str,
        may_be_part: bool,
        whole: &mut dyn WholeTokens,
    ) -> Result<GroupSet, SegmentError> {
        let part = &needle[run.range.clone()];
        let mut inside = GroupSet::NONE;
        let mut exact = GroupSet::NONE;
        for shape in self.shapes.iter().filter(|shape| shape.may_hold(part.as_bytes())) {
            let groups = GroupSet::from_bits(shape.groups);
            if shape.len as usize == part.len() || shape.is_mixed {
                exact = exact.union(groups);
            }
            if may_be_part && shape.len as usize > part.len() {
                inside = inside.union(groups);
            }
        }
        if !exact.is_empty() && run.is_token() {
            inside = inside.union(whole.may_hold(part, exact)?);
        }
        Ok(inside)
    }
}

#[cfg(test)]
mod tests;
