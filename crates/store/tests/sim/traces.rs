//! What a purge or an erasure leaves: no file holds the marker of a value that is gone, neither as bytes
//! nor inside any zstd frame that stands anywhere in it.

use std::collections::BTreeSet;
use std::io::Read;

use proofbook_event::Group;
use proofbook_store::disk::SimDisk;

use crate::model::{Known, Model};

const PREFIX: &[u8] = b"mark-";
const MARKER_BYTES: usize = 14;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// More than any frame of a life's store decompresses to.
const FRAME_BYTES_MAX: u64 = 16 << 20;

/// Returns a text that stands in this group of every event of this number, and nowhere else.
pub(crate) fn marker(group: Group, number: u64) -> String {
    format!("mark-{}{number:08x}", group.index())
}

/// Searches all files for what was purged and what complete erasures took; the store has nothing left to
/// do.
pub(crate) fn check(disk: &SimDisk, model: &Model) -> Result<(), String> {
    let gone = model.spaces.values().flat_map(|space| &space.events).filter(|known| known.is_gone);
    let mut gone: BTreeSet<String> = gone.flat_map(|known| markers_of(known, true)).collect();
    for (id, erasing) in &model.erasures {
        if erasing.is_complete {
            gone.append(&mut erased_markers(model, *id));
        }
    }
    search(disk, model, gone, &[])
}

/// Searches all files for what an erasure took, which is about to be called complete, and for the seeds of
/// the keys that it destroyed.
pub(crate) fn check_erased(
    disk: &SimDisk,
    model: &Model,
    id: u64,
    seeds: &[[u8; 32]],
) -> Result<(), String> {
    search(disk, model, erased_markers(model, id), seeds)
}

fn erased_markers(model: &Model, id: u64) -> BTreeSet<String> {
    let Some(erasing) = model.erasures.get(&id) else { return BTreeSet::new() };
    let Some(space) = model.spaces.get(&erasing.workspace) else { return BTreeSet::new() };
    let events = erasing.targets.keys().filter_map(|seq| space.events.get(*seq as usize));
    events.filter(|known| !known.is_gone).flat_map(|known| markers_of(known, true)).collect()
}

fn search(
    disk: &SimDisk,
    model: &Model,
    mut gone: BTreeSet<String>,
    seeds: &[[u8; 32]],
) -> Result<(), String> {
    // The same event may have been sent again, and to another workspace, and be there rightly.
    let events = model.spaces.values().flat_map(|space| &space.events);
    for there in events.flat_map(|known| markers_of(known, false)) {
        gone.remove(&there);
    }
    if gone.is_empty() && seeds.is_empty() {
        return Ok(());
    }
    let find = |bytes: &[u8]| find(bytes, &gone).or_else(|| find_seed(bytes, seeds));
    for path in disk.files() {
        let bytes = disk.visible_bytes(&path).unwrap_or_default();
        if let Some(found) = find(&bytes) {
            return Err(format!("{path} holds {found}, which is gone"));
        }
        for at in memchr::memmem::find_iter(&bytes, &ZSTD_MAGIC) {
            let mut raw = Vec::new();
            let frame =
                zstd::stream::Decoder::new(&bytes[at..]).map(zstd::stream::Decoder::single_frame);
            let Ok(frame) = frame else { continue };
            // What is no frame, or ends early, gives what it gives until there.
            let _ = frame.take(FRAME_BYTES_MAX).read_to_end(&mut raw);
            if let Some(found) = find(&raw) {
                return Err(format!("a frame of {path} holds {found}, which is gone"));
            }
        }
    }
    Ok(())
}

/// Returns the markers of an event that are gone, or those that are still there.
fn markers_of(known: &Known, gone: bool) -> impl Iterator<Item = String> {
    let groups = known.stored.groups.iter();
    groups
        .filter(move |(group, _)| (known.is_gone || known.erased.contains(*group)) == gone)
        .filter_map(|(_, bytes)| {
            let at = memchr::memmem::find(bytes, PREFIX)?;
            Some(String::from_utf8_lossy(bytes.get(at..at + MARKER_BYTES)?).into_owned())
        })
}

fn find_seed(bytes: &[u8], seeds: &[[u8; 32]]) -> Option<String> {
    let stands = |seed: &&[u8; 32]| memchr::memmem::find(bytes, *seed).is_some();
    seeds.iter().find(stands).map(|_| "the seed of erased keys".to_owned())
}

fn find(bytes: &[u8], markers: &BTreeSet<String>) -> Option<String> {
    memchr::memmem::find_iter(bytes, PREFIX).find_map(|at| {
        let found = std::str::from_utf8(bytes.get(at..at + MARKER_BYTES)?).ok()?;
        markers.get(found).cloned()
    })
}
