//! Parquet's DELTA_BINARY_PACKED: whole numbers as bit-packed differences.
//!
//! ```text
//! header   uleb 128 (block), uleb 4 (miniblocks), uleb count, zigzag first value
//! block    zigzag least difference, 4 widths (one byte each), 4 × 32 values of that width, LSB first
//! ```
//! A miniblock without values has width 0 and no bytes; the last one with values is padded to 32.
//! Source: Apache parquet-format, Encodings.md, "Delta Encoding". Arithmetic wraps, in 32 bits for
//! INT32 columns, so that foreign readers of either width agree.

use crate::codec::{Decoder, Encode};

const BLOCK: usize = 128;
const MINIBLOCKS: usize = 4;
const MINIBLOCK: usize = BLOCK / MINIBLOCKS;

/// Width of the physical type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// INT32; values are given as their bit pattern, sign-extended.
    W32,
    /// INT64.
    W64,
}

impl Width {
    fn wrap(self, value: i64) -> i64 {
        match self {
            Self::W32 => i64::from(value as i32),
            Self::W64 => value,
        }
    }

    /// Returns `delta - least` as the unsigned number that is packed.
    fn above(self, delta: i64, least: i64) -> u64 {
        let above = delta.wrapping_sub(least) as u64;
        match self {
            Self::W32 => above & 0xffff_ffff,
            Self::W64 => above,
        }
    }
}

/// Appends the encoding of `values`.
pub(super) fn encode(values: &[i64], width: Width, out: &mut Vec<u8>) {
    out.put_varint(BLOCK as u64);
    out.put_varint(MINIBLOCKS as u64);
    out.put_varint(values.len() as u64);
    let first = values.first().copied().unwrap_or(0);
    out.put_signed(first);
    let mut previous = first;
    for block in values.get(1..).unwrap_or_default().chunks(BLOCK) {
        let mut deltas = [0_i64; BLOCK];
        for (slot, value) in deltas.iter_mut().zip(block) {
            *slot = width.wrap(value.wrapping_sub(previous));
            previous = *value;
        }
        let deltas = &deltas[..block.len()];
        let least = deltas.iter().copied().min().unwrap_or(0);
        out.put_signed(least);
        let mut widths = [0_u8; MINIBLOCKS];
        for (slot, mini) in widths.iter_mut().zip(deltas.chunks(MINIBLOCK)) {
            let most = mini.iter().map(|delta| width.above(*delta, least)).max().unwrap_or(0);
            *slot = (64 - most.leading_zeros()) as u8;
        }
        out.extend_from_slice(&widths);
        for (bits, mini) in widths.iter().zip(deltas.chunks(MINIBLOCK)) {
            pack(mini.iter().map(|delta| width.above(*delta, least)), u32::from(*bits), out);
        }
    }
}

/// Packs up to 32 values and pads to 32.
fn pack(values: impl Iterator<Item = u64>, bits: u32, out: &mut Vec<u8>) {
    let from = out.len();
    let mut pending = 0_u128;
    let mut filled = 0;
    for value in values {
        pending |= u128::from(value) << filled;
        filled += bits;
        while filled >= 8 {
            out.push(pending as u8);
            pending >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        out.push(pending as u8);
    }
    out.resize(from + bits as usize * MINIBLOCK / 8, 0);
}

/// Decodes exactly `count` values; `None` when the bytes are no such encoding.
pub(super) fn decode(bytes: &[u8], count: usize, width: Width) -> Option<Vec<i64>> {
    let mut from = Decoder::new(bytes);
    let block = from.varint("block").ok()?;
    let miniblocks = from.varint("miniblocks").ok()?;
    let total = from.varint("count").ok()?;
    if block != BLOCK as u64 || miniblocks != MINIBLOCKS as u64 || total != count as u64 {
        return None;
    }
    let mut value = from.signed("first").ok()?;
    let mut values = Vec::with_capacity(count);
    if count > 0 {
        values.push(value);
    }
    while values.len() < count {
        let least = from.signed("least").ok()?;
        let widths: [u8; MINIBLOCKS] = from.array("widths").ok()?;
        for bits in widths {
            if values.len() == count {
                break;
            }
            if bits > 64 {
                return None;
            }
            let packed = from.raw(usize::from(bits) * MINIBLOCK / 8, "miniblock").ok()?;
            let take = MINIBLOCK.min(count - values.len());
            unpack(packed, u32::from(bits), take, |above| {
                value = width.wrap(value.wrapping_add(least).wrapping_add(above as i64));
                values.push(value);
            });
        }
    }
    from.is_empty().then_some(values)
}

/// Reads `count` values of `bits` each, least significant bit first; `packed` is long enough.
fn unpack(packed: &[u8], bits: u32, count: usize, mut each: impl FnMut(u64)) {
    if bits == 0 {
        (0..count).for_each(|_| each(0));
        return;
    }
    let mask = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
    let mut pending = 0_u128;
    let mut filled = 0;
    let mut bytes = packed.iter();
    for _ in 0..count {
        while filled < bits {
            // The caller gave 32 × bits, so a byte is always there.
            pending |= u128::from(bytes.next().copied().unwrap_or(0)) << filled;
            filled += 8;
        }
        each(pending as u64 & mask);
        pending >>= bits;
        filled -= bits;
    }
}

#[cfg(test)]
mod tests;
