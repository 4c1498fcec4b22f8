//! Looking up what the segments of a View know of an event's id, before the fold (I5).

use proofbook_event::Group;
use proofbook_ledger::WorkspaceUid;

use crate::fold::IdHit;
use crate::segment::{GroupSet, Segment, SegmentError};
use crate::view::View;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedId {
    /// The workspace.
    pub workspace: WorkspaceUid,
    /// Keyed hash of the id.
    pub id_hash: u64,
    /// Keyed fingerprint of the event as sent.
    pub fingerprint: u64,
    /// CRC-32C of the id's canonical bytes.
    pub id_crc: u32,
    /// Whether the id was made by the server, so that no segment can know it.
    pub generated: bool,
}

/// Finds an event with this id in the segments of a View.
///
/// An index keeps a part of the hash only. Where the fingerprint differs too, the stored id decides
/// whether it is the same id (a conflict) or another one (no hit).
///
/// # Errors
/// A segment is damaged; the error names the file.
pub fn find_in_segments(view: &View, wanted: &WantedId) -> Result<Option<IdHit>, SegmentError> {
    if wanted.generated {
        return Ok(None);
    }
    for segment in view.segments.iter().rev() {
        let hit = find_in_segment(segment, wanted)?;
        if hit.is_some() {
            return Ok(hit);
        }
    }
    Ok(None)
}

/// As [`find_in_segments`], in one of them.
pub(crate) fn find_in_segment(
    segment: &Segment,
    wanted: &WantedId,
) -> Result<Option<IdHit>, SegmentError> {
    for (seq, fingerprint) in segment.lookup_id(wanted.workspace, wanted.id_hash)? {
        let hit = IdHit { seq, fingerprint, id_crc: wanted.id_crc };
        if fingerprint == wanted.fingerprint {
            return Ok(Some(hit));
        }
        let Some(row) = segment.row_of_seq(wanted.workspace, seq)? else { continue };
        let stored = segment.read_rows(&[row], GroupSet::NONE.with(Group::Id))?;
        let id = stored.get(0).groups.get(Group::Id).unwrap_or_default();
        if crc32c::crc32c(id) == wanted.id_crc {
            return Ok(Some(hit));
        }
    }
    Ok(None)
}
