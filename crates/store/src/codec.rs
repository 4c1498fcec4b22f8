//! The byte codec of everything the store writes itself: records, snapshots.
//!
//! Whole numbers are LEB128 varints or little-endian of a fixed width; byte strings are a varint
//! length and the bytes. Decoding never allocates by a declared length: a length beyond the bytes
//! that are there is an error first.

use proofbook_ledger::Hash;

/// Why bytes could not be decoded. The bytes were hash-checked before, so this is a newer format or
/// a fault of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("the bytes end inside {0}")]
    Short(&'static str),
    /// A value is none that this version knows.
    #[error("{0} has an unknown value")]
    Unknown(&'static str),
    /// Bytes are left behind the last value.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
}

/// Appends values to a buffer.
pub trait Encode {
    /// Appends one byte.
    fn put_u8(&mut self, value: u8);
    /// Appends a number as LEB128.
    fn put_varint(&mut self, value: u64);
    /// Appends a signed number as zigzag LEB128.
    fn put_signed(&mut self, value: i64);
    /// Appends eight little-endian bytes.
    fn put_u64(&mut self, value: u64);
    /// Appends bytes as they are.
    fn put_raw(&mut self, bytes: &[u8]);
    /// Appends a length and the bytes.
    fn put_bytes(&mut self, bytes: &[u8]);
}

impl Encode for Vec<u8> {
    fn put_u8(&mut self, value: u8) {
        self.push(value);
    }

    fn put_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.push(value as u8);
    }

    fn put_signed(&mut self, value: i64) {
        self.put_varint(((value << 1) ^ (value >> 63)) as u64);
    }

    fn put_u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_raw(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        self.put_varint(bytes.len() as u64);
        self.extend_from_slice(bytes);
    }
}

/// Takes values off the front of a slice.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Starts at the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns the bytes not taken yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Tells whether every byte was taken.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes `count` bytes as they are.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn raw(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        if count > self.rest.len() {
            return Err(DecodeError::Short(what));
        }
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        Ok(taken)
    }

    /// Takes an array of a fixed width.
    ///
    /// # Errors
    /// Fewer bytes are left.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        self.raw(N, what)?.try_into().map_err(|_| DecodeError::Short(what))
    }

    /// Takes one byte.
    ///
    /// # Errors
    /// None is left.
    pub fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        Ok(self.array::<1>(what)?[0])
    }

    /// Takes eight little-endian bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// Takes a LEB128 number.
    ///
    /// # Errors
    /// The bytes end inside it, or it has more than 64 bits.
    pub fn varint(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8(what)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Unknown(what))
    }

    /// Takes a number that fits `u32`.
    ///
    /// # Errors
    /// The bytes end, or the number is larger.
    pub fn varint_u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        u32::try_from(self.varint(what)?).map_err(|_| DecodeError::Unknown(what))
    }

    /// Takes a zigzag number.
    ///
    /// # Errors
    /// As [`Decoder::varint`].
    pub fn signed(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        let value = self.varint(what)?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Takes a length and that many bytes.
    ///
    /// # Errors
    /// The bytes end inside them.
    pub fn bytes(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let length = self.varint(what)?;
        self.raw(usize::try_from(length).map_err(|_| DecodeError::Short(what))?, what)
    }

    /// Takes a length and that many bytes of UTF-8.
    ///
    /// # Errors
    /// The bytes end, or are not UTF-8.
    pub fn text(&mut self, what: &'static str) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes(what)?).map_err(|_| DecodeError::Unknown(what))
    }

    /// Takes a SHA-256 hash.
    ///
    /// # Errors
    /// Fewer than 32 bytes are left.
    pub fn hash(&mut self, what: &'static str) -> Result<Hash, DecodeError> {
        Ok(Hash(self.array(what)?))
    }

    /// Ends decoding.
    ///
    /// # Errors
    /// Bytes are left over.
    pub fn end(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::LeftOver(self.rest.len())) }
    }
}
