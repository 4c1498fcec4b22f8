//! Searching a whole disk for the markers of events: in the bytes of every file, and inside every zstd
//! frame that stands anywhere in one, so that log frames, Parquet pages and pieces of indexes are all
//! looked into.

use std::collections::BTreeMap;
use std::io::Read;

use proofbook_store::disk::SimDisk;

/// What every marker begins with; letters and digits follow.
pub(crate) const PREFIX: &str = "mkr";
/// Bytes of a marker.
pub(crate) const MARKER_BYTES: usize = 15;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// More than any frame of a life's store decompresses to.
const FRAME_BYTES_MAX: u64 = 16 << 20;

/// Returns the markers that stand in any file, each with one of the files.
pub(crate) fn markers(disk: &SimDisk) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for path in disk.files() {
        let bytes = disk.visible_bytes(&path).unwrap_or_default();
        collect(&bytes, &path, &mut found);
        for at in memchr::memmem::find_iter(&bytes, &ZSTD_MAGIC) {
            let mut raw = Vec::new();
            let frame =
                zstd::stream::Decoder::new(&bytes[at..]).map(zstd::stream::Decoder::single_frame);
            let Ok(frame) = frame else { continue };
            // What is no frame, or ends early, gives what it gives until there.
            let _ = frame.take(FRAME_BYTES_MAX).read_to_end(&mut raw);
            collect(&raw, &path, &mut found);
        }
    }
    found
}

fn collect(bytes: &[u8], path: &str, found: &mut BTreeMap<String, String>) {
    for at in memchr::memmem::find_iter(bytes, PREFIX.as_bytes()) {
        let Some(marker) = bytes.get(at..at + MARKER_BYTES) else { continue };
        let Ok(marker) = std::str::from_utf8(marker) else { continue };
        if !found.contains_key(marker) {
            found.insert(marker.to_owned(), path.to_owned());
        }
    }
}
