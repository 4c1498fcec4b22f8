//! The frame: the log's unit of writing and of damage.
//!
//! ```text
//! offset  bytes  field
//!      0      8  magic "PBframe1"
//!      8      8  position
//!     16      8  stamp, microseconds UTC of the guarded clock
//!     24      4  body length as stored (zstd)
//!     28      4  body length raw
//!     32      4  records in the body; 0 is a durable mark
//!     36      4  CRC-32C of the body as stored
//!     40      8  previous durable position
//!     48     32  hash of the previous frame
//!     80      8  position whose fold the digest is of
//!     88     32  fold digest
//!    120     32  SHA-256 of the body as stored
//!    152      4  CRC-32C of bytes 0..152
//!    156         body
//! ```
//! Numbers are little-endian. A frame's hash is SHA-256 of its 156 header bytes; the header holds the
//! body's hash, so the chain covers every byte. The body is decompressed only after its hash was
//! checked, and never beyond its bound.

use std::cell::RefCell;

use sha2::{Digest, Sha256};
use zstd::bulk::Compressor;

use proofbook_ledger::Hash;

use super::Position;
use crate::limits;

/// First bytes of every frame.
pub const MAGIC: [u8; 8] = *b"PBframe1";
/// Bytes before the body.
pub const HEADER_BYTES: usize = 156;

/// What the fold computed at a position: a replay that gets another digest must stop (I4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FoldDigest {
    /// The position that was folded.
    pub position: Position,
    /// Digest over the (workspace, size, root) results of that position's frame.
    pub hash: [u8; 32],
}

/// A frame to be appended.
#[derive(Clone, Copy, Debug)]
pub struct FrameDraft<'a> {
    /// Guarded clock, microseconds UTC.
    pub stamp: i64,
    /// Encoded records, not compressed; empty for a durable mark.
    pub body: &'a [u8],
    /// How many records the body holds.
    pub record_count: u32,
    /// Digest of the newest folded frame.
    pub digest: FoldDigest,
}

/// A frame that was read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its number.
    pub position: Position,
    /// Its guarded clock, microseconds UTC.
    pub stamp: i64,
    /// How many records the body holds.
    pub record_count: u32,
    /// The newest position known durable when it was written.
    pub durable_before: Position,
    /// Digest of the newest frame folded before it was written.
    pub digest: FoldDigest,
    /// Encoded records, decompressed.
    pub body: Vec<u8>,
    /// Its own hash.
    pub hash: Hash,
}

/// A frame's header, checked by its own checksum but not yet against its body.
#[derive(Clone, Debug)]
pub struct Header {
    /// Its number.
    pub position: Position,
    stamp: i64,
    /// Length of the body as stored, in bytes.
    pub body_bytes: u32,
    raw_bytes: u32,
    record_count: u32,
    body_crc: u32,
    durable_before: Position,
    /// Hash of the frame before it.
    pub previous: Hash,
    digest: FoldDigest,
    body_sha256: [u8; 32],
    /// SHA-256 of the header's bytes.
    pub hash: Hash,
}

/// Encodes a frame as the log writes it, and returns its bytes with its hash.
///
/// # Errors
/// The body is over [`limits::FRAME_RAW_BYTES_MAX`], or compression failed.
pub fn encode(
    draft: &FrameDraft<'_>,
    position: Position,
    durable_before: Position,
    previous: Hash,
) -> std::io::Result<(Vec<u8>, Hash)> {
    if draft.body.len() > limits::FRAME_RAW_BYTES_MAX {
        return Err(std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            format!("a frame of {} bytes is over the limit", draft.body.len()),
        ));
    }
    let body = compress(draft.body)?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&position.0.to_le_bytes());
    bytes.extend_from_slice(&draft.stamp.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(draft.body.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&draft.record_count.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
    bytes.extend_from_slice(&durable_before.0.to_le_bytes());
    bytes.extend_from_slice(&previous.0);
    bytes.extend_from_slice(&draft.digest.position.0.to_le_bytes());
    bytes.extend_from_slice(&draft.digest.hash);
    bytes.extend_from_slice(&Sha256::digest(&body));
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    let hash = Hash(Sha256::digest(&bytes).into());
    bytes.extend_from_slice(&body);
    Ok((bytes, hash))
}

thread_local! {
    /// Kept from frame to frame: making one costs as much as compressing a small frame.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

fn compress(raw: &[u8]) -> std::io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::new(limits::LOG_ZSTD_LEVEL)?),
        };
        compressor.compress(raw)
    })
}

/// Reads a header; `None` when these bytes are none.
pub fn parse_header(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
    let u32_at = |at: usize| bytes[at..at + 4].try_into().map(u32::from_le_bytes).ok();
    let u64_at = |at: usize| bytes[at..at + 8].try_into().map(u64::from_le_bytes).ok();
    let hash_at = |at: usize| <[u8; 32]>::try_from(&bytes[at..at + 32]).ok();
    if bytes[..8] != MAGIC || u32_at(152)? != crc32c::crc32c(&bytes[..152]) {
        return None;
    }
    let header = Header {
        position: Position(u64_at(8)?),
        stamp: u64_at(16)? as i64,
        body_bytes: u32_at(24)?,
        raw_bytes: u32_at(28)?,
        record_count: u32_at(32)?,
        body_crc: u32_at(36)?,
        durable_before: Position(u64_at(40)?),
        previous: Hash(hash_at(48)?),
        digest: FoldDigest { position: Position(u64_at(80)?), hash: hash_at(88)? },
        body_sha256: hash_at(120)?,
        hash: Hash(Sha256::digest(bytes).into()),
    };
    let bounded = header.raw_bytes as usize <= limits::FRAME_RAW_BYTES_MAX
        && header.body_bytes as usize <= limits::FRAME_STORED_BYTES_MAX;
    bounded.then_some(header)
}

impl Header {
    /// Checks the stored body against this header and decompresses it.
    ///
    /// Returns `None` when the body is not the one that was written.
    pub fn open(self, body: &[u8]) -> Option<Frame> {
        let intact = body.len() == self.body_bytes as usize
            && crc32c::crc32c(body) == self.body_crc
            && Sha256::digest(body)[..] == self.body_sha256;
        if !intact {
            return None;
        }
        let raw = zstd::bulk::decompress(body, self.raw_bytes as usize).ok()?;
        (raw.len() == self.raw_bytes as usize).then_some(Frame {
            position: self.position,
            stamp: self.stamp,
            record_count: self.record_count,
            durable_before: self.durable_before,
            digest: self.digest,
            body: raw,
            hash: self.hash,
        })
    }
}
