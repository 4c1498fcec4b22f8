//! Archives in the POSIX ustar format, as far as bundles need it: plain files, short paths, no times.
//!
//! ```text
//! header   512 bytes: path[100] mode[8] uid[8] gid[8] size[12] mtime[12] checksum[8] '0' … "ustar\0" "00" …
//!          numbers in octal; everything but path, size and checksum is always the same
//! content  the bytes, filled up with zeros to a multiple of 512
//! end      two blocks of zeros
//! ```
//!
//! The same files give the same archive, so two exports of one range can be compared with `cmp`.
//!
//! A reader takes what other programs write of plain files, too.
//!
//! What stays out: compression, directories, links, long names; a reader refuses them.

use alloc::string::{String, ToString};

/// Bytes of a block.
pub const BLOCK_BYTES: usize = 512;
/// Longest path, in bytes.
pub const PATH_BYTES_MAX: usize = 100;
/// What ends an archive.
pub const END: [u8; 2 * BLOCK_BYTES] = [0; 2 * BLOCK_BYTES];

/// Bytes that are no archive of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TarError {
    /// The archive ends inside a header or a file, or without its two last blocks.
    #[error("the archive is cut off at byte {at}")]
    Short {
        /// Where it ends.
        at: usize,
    },
    /// A header that is none, or of something that is not a plain file.
    #[error("the archive has no plain file at byte {at}")]
    Header {
        /// Where the header is.
        at: usize,
    },
    /// Bytes behind the end.
    #[error("the archive has bytes behind its end, at byte {at}")]
    Rest {
        /// Where they are.
        at: usize,
    },
}

/// Makes the header of a file; `None` when the path is too long or the file has 8 GiB or more.
pub fn header(path: &str, size_bytes: u64) -> Option<[u8; BLOCK_BYTES]> {
    let fits = (1..=PATH_BYTES_MAX).contains(&path.len()) && size_bytes < 1 << 33;
    if !fits {
        return None;
    }
    let mut block = [0; BLOCK_BYTES];
    block[..path.len()].copy_from_slice(path.as_bytes());
    octal(&mut block[100..107], 0o644);
    octal(&mut block[108..115], 0);
    octal(&mut block[116..123], 0);
    octal(&mut block[124..135], size_bytes);
    octal(&mut block[136..147], 0);
    block[148..156].fill(b' ');
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    octal(&mut block[148..154], sum);
    block[154] = 0;
    Some(block)
}

/// Returns how many zeros follow a file of this length.
pub fn padding_bytes(size_bytes: u64) -> usize {
    (size_bytes.wrapping_neg() % BLOCK_BYTES as u64) as usize
}

/// Yields the files of an archive, path and content, in their order; after an error nothing more.
pub fn files(archive: &[u8]) -> Files<'_> {
    Files { archive, at: 0, is_over: false }
}

/// The files of an archive; see [`files`].
#[derive(Clone, Debug)]
pub struct Files<'a> {
    archive: &'a [u8],
    at: usize,
    is_over: bool,
}

impl<'a> Iterator for Files<'a> {
    type Item = Result<(String, &'a [u8]), TarError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let file = self.read().transpose();
        self.is_over = !matches!(file, Some(Ok(_)));
        file
    }
}

impl<'a> Files<'a> {
    fn read(&mut self) -> Result<Option<(String, &'a [u8])>, TarError> {
        let rest = &self.archive[self.at..];
        let short = TarError::Short { at: self.archive.len() };
        let (block, behind) = rest.split_first_chunk::<BLOCK_BYTES>().ok_or(short.clone())?;
        if block.iter().all(|byte| *byte == 0) {
            let (end, behind) = behind.split_first_chunk::<BLOCK_BYTES>().ok_or(short)?;
            if end.iter().chain(behind).any(|byte| *byte != 0) {
                return Err(TarError::Rest { at: self.at + BLOCK_BYTES });
            }
            return Ok(None);
        }
        let (path, size) = parse(block).ok_or(TarError::Header { at: self.at })?;
        let content = usize::try_from(size).ok().and_then(|size| behind.get(..size));
        let content = content.ok_or(short.clone())?;
        let padding = padding_bytes(size);
        let zeros = behind[content.len()..].get(..padding).ok_or(short)?;
        self.at += BLOCK_BYTES + content.len();
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(TarError::Rest { at: self.at });
        }
        self.at += padding;
        Ok(Some((path, content)))
    }
}

/// Reads the header of a plain file, also one that another program wrote: its checksum must hold, and
/// its path stand in the header itself.
fn parse(block: &[u8; BLOCK_BYTES]) -> Option<(String, u64)> {
    let bytes = block.iter().enumerate();
    // The checksum is over the header with spaces in the checksum's place.
    let sum: u64 = bytes
        .map(|(at, byte)| u64::from(if (148..156).contains(&at) { b' ' } else { *byte }))
        .sum();
    let is_plain_file = matches!(block[156], b'0' | 0);
    let has_prefix = block.starts_with(b"\0") || block[345] != 0;
    if number(&block[148..156])? != sum || !is_plain_file || has_prefix {
        return None;
    }
    let path = block[..PATH_BYTES_MAX].split(|byte| *byte == 0).next()?;
    let path = core::str::from_utf8(path).ok()?;
    Some((path.trim_start_matches("./").to_string(), number(&block[124..136])?))
}

/// Reads octal digits, with what programs put around them.
fn number(field: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
}

/// Fills a field with octal digits.
fn octal(field: &mut [u8], mut number: u64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (number % 8) as u8;
        number /= 8;
    }
}

#[cfg(test)]
mod tests;
