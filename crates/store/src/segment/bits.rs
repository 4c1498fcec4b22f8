//! Bit streams, least significant bit first, with Rice codes.

/// Appends bits to bytes.
pub(super) struct BitWriter<'o> {
    out: &'o mut Vec<u8>,
    pending: u128,
    filled: u32,
}

impl<'o> BitWriter<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, pending: 0, filled: 0 }
    }

    /// Appends the lowest `count` (at most 64) bits of `value`, which has no others.
    pub(super) fn put(&mut self, value: u64, count: u32) {
        self.pending |= u128::from(value) << self.filled;
        self.filled += count;
        while self.filled >= 8 {
            self.out.push(self.pending as u8);
            self.pending >>= 8;
            self.filled -= 8;
        }
    }

    /// Appends a number as a Rice code: the quotient by 2^rice in unary, then the rest.
    pub(super) fn put_rice(&mut self, value: u32, rice: u32) {
        let mut ones = u64::from(value) >> rice;
        while ones >= 32 {
            self.put(0xffff_ffff, 32);
            ones -= 32;
        }
        self.put((1 << ones) - 1, ones as u32 + 1);
        self.put(u64::from(value) & ((1 << rice) - 1), rice);
    }

    /// Fills the last byte with zeros.
    pub(super) fn end(mut self) {
        if self.filled > 0 {
            self.filled = self.filled.next_multiple_of(8);
            self.put(0, 0);
        }
    }
}

/// Takes bits from bytes.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
    pending: u64,
    filled: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, pending: 0, filled: 0 }
    }

    /// Takes `count` (at most 56) bits; `None` when fewer are left.
    pub(super) fn take(&mut self, count: u32) -> Option<u64> {
        while self.filled < count {
            self.pending |= u64::from(*self.bytes.get(self.at)?) << self.filled;
            self.at += 1;
            self.filled += 8;
        }
        let value = self.pending & ((1 << count) - 1);
        self.pending >>= count;
        self.filled -= count;
        Some(value)
    }

    /// Takes a Rice code below 2^32; `None` when the bits end or the number is larger.
    pub(super) fn rice(&mut self, rice: u32) -> Option<u32> {
        let mut quotient = 0_u64;
        loop {
            if self.filled == 0 {
                self.pending = u64::from(*self.bytes.get(self.at)?);
                self.at += 1;
                self.filled = 8;
            }
            let ones = self.pending.trailing_ones().min(self.filled);
            quotient += u64::from(ones);
            self.filled -= ones;
            self.pending = self.pending.checked_shr(ones).unwrap_or(0);
            if self.filled > 0 {
                self.pending >>= 1;
                self.filled -= 1;
                break;
            }
        }
        let rest = self.take(rice)?;
        u32::try_from(quotient.checked_mul(1 << rice)?.checked_add(rest)?).ok()
    }

    /// Returns how many whole or begun bytes were taken.
    pub(super) fn bytes_used(&self) -> usize {
        self.at - (self.filled / 8) as usize
    }
}
