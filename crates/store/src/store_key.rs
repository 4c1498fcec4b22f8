//! The key that seals what the log must carry and nobody may read there, such as a webhook's secret.
//!
//! It stands outside the log, in `store.key` (64 hex digits, a space and the hex
//! of their CRC-32C; readable by its owner alone) or in the
//! operator's settings, so that a copied log or backup gives no secret away. Without it nothing is lost
//! but the sealed secrets: each can be set again.

use std::fmt;
use std::io;

use crate::disk::{Disk, ROOT, durable_write, read_file};
use crate::names;
use crate::random::Random;

/// 256 secret bits. Its `Debug` shows nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StoreKey([u8; 32]);

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(…)")
    }
}

impl StoreKey {
    /// Takes 64 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).ok()?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// Returns the bytes, for a cipher.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn file_text(&self) -> String {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex} {:08x}\n", crc32c::crc32c(hex.as_bytes()))
    }

    fn read(disk: &dyn Disk) -> io::Result<Self> {
        let bytes = read_file(disk, names::STORE_KEY, 128)?;
        let text = std::str::from_utf8(&bytes).ok();
        let key = text.and_then(|text| Self::parse(text.get(..64)?));
        key.filter(|key| key.file_text().as_bytes() == bytes)
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Checks the key of a data directory; a directory without one is in order.
    ///
    /// # Errors
    /// See [`StoreKey::load_or_make`].
    pub fn check(disk: &dyn Disk) -> io::Result<()> {
        match disk.open_read(names::STORE_KEY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            _ => Self::read(disk).map(drop),
        }
    }

    /// Reads the key of a data directory, or makes one. It is durable on return.
    ///
    /// # Errors
    /// The disk refused a call, or the file holds something else (`InvalidData`).
    pub fn load_or_make(disk: &dyn Disk, random: &dyn Random) -> io::Result<Self> {
        match Self::read(disk) {
            Ok(key) => Ok(key),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut key = Self([0; 32]);
                random.fill(&mut key.0);
                let text = key.file_text();
                let temporary = format!("{}.tmp", names::STORE_KEY);
                durable_write(disk, ROOT, &temporary, names::STORE_KEY, text.as_bytes())?;
                Ok(key)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimDisk;
    use crate::random::SimRandom;

    #[test]
    fn a_key_is_made_once_and_read_back() {
        let disk = SimDisk::new(1);
        let made = StoreKey::load_or_make(&disk, &SimRandom::new(1)).expect("made");
        let read = StoreKey::load_or_make(&disk, &SimRandom::new(2)).expect("read");
        assert_eq!(made, read);
        assert_eq!(format!("{made:?}"), "StoreKey(…)");
    }

    #[test]
    fn only_64_hex_digits_are_a_key() {
        let good = "0f".repeat(32);
        assert_eq!(StoreKey::parse(&good).map(|key| *key.as_bytes()), Some([15; 32]));
        for bad in ["", "0f", &good[1..], &good.replace('f', "g"), &format!("{good}0")] {
            assert_eq!(StoreKey::parse(bad), None, "{bad}");
        }
    }
}
