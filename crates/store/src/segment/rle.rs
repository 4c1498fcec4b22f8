//! Parquet's RLE / bit-packed hybrid: definition levels and dictionary codes.
//!
//! ```text
//! run        uleb (length << 1), the value in ceil(width / 8) little-endian bytes
//! literals   uleb (groups << 1 | 1), groups × 8 values of `width` bits, LSB first
//! ```
//! Source: Apache parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid".

use crate::codec::{Decoder, Encode};

/// A run shorter than this is packed with its neighbours.
const RUN_MIN: usize = 16;

/// Appends the encoding of `codes`, each of which fits `width` (0 to 32) bits.
pub(super) fn encode(codes: &[u32], width: u32, out: &mut Vec<u8>) {
    let mut packed_from = 0;
    let mut at = 0;
    while at < codes.len() {
        let run = codes[at..].iter().take_while(|code| **code == codes[at]).count();
        // Literals come in groups of eight, so a run may first have to complete one.
        let completes = (at - packed_from).next_multiple_of(8) - (at - packed_from);
        if run >= RUN_MIN + completes {
            pack(&codes[packed_from..at + completes], width, out);
            let length = run - completes;
            out.put_varint((length as u64) << 1);
            out.extend_from_slice(&codes[at].to_le_bytes()[..width.div_ceil(8) as usize]);
            at += run;
            packed_from = at;
        } else {
            at += run;
        }
    }
    pack(&codes[packed_from..], width, out);
}

fn pack(codes: &[u32], width: u32, out: &mut Vec<u8>) {
    if codes.is_empty() {
        return;
    }
    let groups = codes.len().div_ceil(8);
    out.put_varint((groups as u64) << 1 | 1);
    let end = out.len() + groups * width as usize;
    let mut pending = 0_u64;
    let mut filled = 0;
    for code in codes {
        pending |= u64::from(*code) << filled;
        filled += width;
        while filled >= 8 {
            out.push(pending as u8);
            pending >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        out.push(pending as u8);
    }
    out.resize(end, 0);
}

/// Decodes exactly `count` codes; `None` when the bytes are no such encoding.
pub(super) fn decode(bytes: &[u8], count: usize, width: u32) -> Option<Vec<u32>> {
    if width > 32 {
        return None;
    }
    let mask = if width == 32 { u32::MAX } else { (1 << width) - 1 };
    let mut from = Decoder::new(bytes);
    // A last group may be longer than what is asked for.
    let mut codes = Vec::with_capacity(count.next_multiple_of(8));
    while codes.len() < count {
        let header = from.varint("run").ok()?;
        let length = usize::try_from(header >> 1).ok()?;
        if length == 0 {
            return None;
        }
        if header & 1 == 0 {
            let mut value = [0_u8; 4];
            let stored = from.raw(width.div_ceil(8) as usize, "value").ok()?;
            value[..stored.len()].copy_from_slice(stored);
            let value = u32::from_le_bytes(value);
            if length > count - codes.len() || value & !mask != 0 {
                return None;
            }
            codes.resize(codes.len() + length, value);
            continue;
        }
        let packed = from.raw(length.checked_mul(width as usize)?, "literals").ok()?;
        let take = (count - codes.len()).min(length.checked_mul(8)?);
        unpack(packed, width as usize, take, &mut codes);
    }
    from.is_empty().then_some(codes)
}

/// Appends the first `take` codes of `width` bits each; of most widths by code that the compiler made for
/// it alone, since this is what reading a page mostly is.
fn unpack(packed: &[u8], width: usize, take: usize, codes: &mut Vec<u32>) {
    let packed = &packed[..take.div_ceil(8) * width];
    macro_rules! by_width {
        ($($known:literal)*) => {
            match width {
                $($known => unpack_groups::<$known>(packed, codes),)*
                _ => unpack_any(packed, width, take, codes),
            }
        };
    }
    let end = codes.len() + take;
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
    codes.truncate(end);
}

/// Appends the codes of whole groups, of at most 16 bits each.
fn unpack_groups<const WIDTH: usize>(packed: &[u8], codes: &mut Vec<u32>) {
    let mask = (1_u128 << WIDTH) - 1;
    for group in packed.chunks_exact(WIDTH) {
        let mut bytes = [0; 16];
        bytes[..WIDTH].copy_from_slice(group);
        let bits = u128::from_le_bytes(bytes);
        let code = |place: usize| ((bits >> (place * WIDTH)) & mask) as u32;
        codes.extend(std::array::from_fn::<u32, 8, _>(code));
    }
}

/// Appends codes of any width up to 32 bits.
fn unpack_any(packed: &[u8], width: usize, take: usize, codes: &mut Vec<u32>) {
    let mask = (1_u64 << width) - 1;
    codes.extend((0..take).map(|place| {
        let bit = place * width;
        // Eight bytes hold a code and the bits before it in its first byte; behind the last ones are none.
        let rest = packed.get(bit / 8..).unwrap_or_default();
        let window = rest.first_chunk().copied().unwrap_or_else(|| {
            let mut window = [0; 8];
            window[..rest.len()].copy_from_slice(rest);
            window
        });
        ((u64::from_le_bytes(window) >> (bit % 8)) & mask) as u32
    }));
}

#[cfg(test)]
mod tests;
