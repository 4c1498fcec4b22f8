//! What a purge leaves: no file holds the marker of a purged event, neither as bytes nor inside any zstd
//! frame that stands anywhere in it.

use std::collections::BTreeSet;
use std::io::Read;

use proofbook_event::Group;
use proofbook_store::disk::SimDisk;

use crate::model::{Known, Model};

const PREFIX: &[u8] = b"mark-";
const MARKER_BYTES: usize = 13;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// More than any frame of a life's store decompresses to.
const FRAME_BYTES_MAX: u64 = 16 << 20;

/// Returns a text that stands in every event of this number, and in no other.
pub(crate) fn marker(number: u64) -> String {
    format!("mark-{number:08x}")
}

/// Searches all files for what was purged; the store has nothing left to do.
pub(crate) fn check(disk: &SimDisk, model: &Model) -> Result<(), String> {
    let events = || model.spaces.values().flat_map(|space| &space.events);
    // The same event may have been sent again, and to another workspace, and be there rightly.
    let there: BTreeSet<String> =
        events().filter(|known| !known.is_gone).filter_map(marker_of).collect();
    let gone: BTreeSet<String> = events()
        .filter(|known| known.is_gone)
        .filter_map(marker_of)
        .filter(|marker| !there.contains(marker))
        .collect();
    if gone.is_empty() {
        return Ok(());
    }
    for path in disk.files() {
        let bytes = disk.visible_bytes(&path).unwrap_or_default();
        if let Some(marker) = find(&bytes, &gone) {
            return Err(format!("{path} holds {marker} of a purged event"));
        }
        for at in memchr::memmem::find_iter(&bytes, &ZSTD_MAGIC) {
            let mut raw = Vec::new();
            let frame =
                zstd::stream::Decoder::new(&bytes[at..]).map(zstd::stream::Decoder::single_frame);
            let Ok(frame) = frame else { continue };
            // What is no frame, or ends early, gives what it gives until there.
            let _ = frame.take(FRAME_BYTES_MAX).read_to_end(&mut raw);
            if let Some(marker) = find(&raw, &gone) {
                return Err(format!("a frame of {path} holds {marker} of a purged event"));
            }
        }
    }
    Ok(())
}

fn marker_of(known: &Known) -> Option<String> {
    let (_, bytes) = known.stored.groups.iter().find(|(group, bytes)| {
        let _: &Group = group;
        memchr::memmem::find(bytes, PREFIX).is_some()
    })?;
    let at = memchr::memmem::find(bytes, PREFIX)?;
    Some(String::from_utf8_lossy(bytes.get(at..at + MARKER_BYTES)?).into_owned())
}

fn find(bytes: &[u8], markers: &BTreeSet<String>) -> Option<String> {
    memchr::memmem::find_iter(bytes, PREFIX).find_map(|at| {
        let found = std::str::from_utf8(bytes.get(at..at + MARKER_BYTES)?).ok()?;
        markers.get(found).cloned()
    })
}
