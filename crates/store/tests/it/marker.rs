//! Searching a data directory for a value: as bytes, and inside every zstd frame that stands anywhere
//! in a file, so that log frames, Parquet pages and pieces of indexes are looked into alike.

use std::io::Read;

use proofbook_store::disk::SimDisk;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// More than any frame of a test's store decompresses to.
const FRAME_BYTES_MAX: u64 = 64 << 20;

/// Returns the files in which the value stands.
pub(crate) fn files_with(disk: &SimDisk, value: impl AsRef<[u8]>) -> Vec<String> {
    let mut found = Vec::new();
    for path in disk.files() {
        let bytes = disk.visible_bytes(&path).unwrap_or_default();
        if stands_in(&bytes, value.as_ref()) {
            found.push(path);
        }
    }
    found
}

fn stands_in(bytes: &[u8], value: &[u8]) -> bool {
    if memchr::memmem::find(bytes, value).is_some() {
        return true;
    }
    memchr::memmem::find_iter(bytes, &ZSTD_MAGIC).any(|at| {
        let mut raw = Vec::new();
        let frame =
            zstd::stream::Decoder::new(&bytes[at..]).map(zstd::stream::Decoder::single_frame);
        let Ok(frame) = frame else { return false };
        // What is no frame, or ends early, gives what it gives until there.
        let _ = frame.take(FRAME_BYTES_MAX).read_to_end(&mut raw);
        memchr::memmem::find(&raw, value).is_some()
    })
}
