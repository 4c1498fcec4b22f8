//! Compression of pieces, with the contexts kept for the next piece.
//!
//! Every zstd frame that we write states its content size, so a reader allocates once, after the
//! piece's hash was checked and the size was found to be within [`RAW_BYTES_MAX`].

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

use super::error::SegmentError;

/// Greatest size of one decompressed piece: a page holds at most one value beyond its target, and a
/// value is at most the canonical form of one event with its derived changes.
pub(super) const RAW_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Compresses pieces at one level.
pub(super) struct Packer {
    context: Compressor<'static>,
}

impl Packer {
    /// Makes a context for a zstd level.
    pub(super) fn new(level: i32) -> Result<Self, SegmentError> {
        Ok(Self { context: Compressor::new(level).map_err(failed)? })
    }

    /// Compresses one piece.
    pub(super) fn pack(&mut self, raw: &[u8]) -> Result<Vec<u8>, SegmentError> {
        if raw.len() > RAW_BYTES_MAX {
            return Err(SegmentError::refused(format!(
                "a piece of {} bytes is above {RAW_BYTES_MAX}",
                raw.len()
            )));
        }
        self.context.compress(raw).map_err(failed)
    }
}

fn failed(source: std::io::Error) -> SegmentError {
    SegmentError::Encode { what: "a zstd frame", reason: source.to_string() }
}

thread_local! {
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Decompresses a hash-checked piece; `None` when it is no whole frame of ours.
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let size = zstd::zstd_safe::get_frame_content_size(packed).ok()??;
    let size = usize::try_from(size).ok().filter(|size| *size <= RAW_BYTES_MAX)?;
    DECOMPRESSOR.with_borrow_mut(|context| {
        if context.is_none() {
            *context = Decompressor::new().ok();
        }
        let raw = context.as_mut()?.decompress(packed, size).ok()?;
        (raw.len() == size).then_some(raw)
    })
}
