//! Looking up what the segments of a View know of an event's id, before the fold (I5).

use std::sync::Arc;

use proofbook_event::Group;
use proofbook_ledger::WorkspaceUid;

use crate::fold::IdHit;
use crate::segment::{GroupSet, Segment, SegmentError, stored_part};
use crate::view::View;
use crate::withheld::erased_of;

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

/// The segments of a View that hold events of one workspace, newest first.
pub struct Home<'v> {
    parts: Vec<(&'v Segment, usize)>,
    workspace: WorkspaceUid,
    /// Whether anything was ever erased in the store.
    has_erasures: bool,
}

impl<'v> Home<'v> {
    /// Finds them.
    pub fn new(view: &'v View, workspace: WorkspaceUid) -> Self {
        let part = |segment: &'v Arc<Segment>| Some((&**segment, segment.place_of(workspace)?));
        let parts = view.segments.iter().rev().filter_map(part).collect();
        Self { parts, workspace, has_erasures: !view.config.erasures.is_empty() }
    }

    /// Tells whether something of an event was erased.
    ///
    /// # Errors
    /// A segment is damaged; the error names the file.
    pub fn is_erased(&self, seq: u64) -> Result<bool, SegmentError> {
        if !self.has_erasures {
            return Ok(false);
        }
        for (segment, _) in &self.parts {
            if let Some(row) = segment.row_of_seq(self.workspace, seq)? {
                return Ok(!segment.read_rows(&[row], GroupSet::NONE)?.get(0).withheld.is_empty());
            }
        }
        Ok(false)
    }

    /// Finds an event of the workspace with this id.
    ///
    /// An index keeps a part of hash and fingerprint only. The stored id decides whether it is the same
    /// id; the fingerprint, whether it is the same event (a duplicate) or another one (a conflict).
    ///
    /// # Errors
    /// A segment is damaged; the error names the file.
    pub fn find(&self, wanted: &WantedId) -> Result<Option<IdHit>, SegmentError> {
        if wanted.generated {
            return Ok(None);
        }
        for (segment, place) in &self.parts {
            let hit = find_at(segment, *place, wanted)?;
            if hit.is_some() {
                return Ok(hit);
            }
        }
        Ok(None)
    }
}

/// As [`Home::find`], in one segment.
pub(crate) fn find_in_segment(
    segment: &Segment,
    wanted: &WantedId,
) -> Result<Option<IdHit>, SegmentError> {
    match segment.place_of(wanted.workspace) {
        Some(place) => find_at(segment, place, wanted),
        None => Ok(None),
    }
}

fn find_at(
    segment: &Segment,
    place: usize,
    wanted: &WantedId,
) -> Result<Option<IdHit>, SegmentError> {
    for (seq, part) in segment.lookup_id_at(place, wanted.id_hash)? {
        let Some(row) = segment.row_of_seq(wanted.workspace, seq)? else { continue };
        let stored = segment.read_rows(&[row], GroupSet::NONE.with(Group::Id))?;
        let row = stored.get(0);
        // An id that was erased is known by its hash alone: what came with it must not come again.
        let is_erased = || erased_of(row.withheld).iter().any(|(group, _)| *group == Group::Id);
        let id = row.groups.get(Group::Id).unwrap_or_default();
        if crc32c::crc32c(id) != wanted.id_crc && !is_erased() {
            continue;
        }
        let same = part == stored_part(wanted.fingerprint);
        let fingerprint = if same { wanted.fingerprint } else { !wanted.fingerprint };
        return Ok(Some(IdHit { seq, fingerprint, id_crc: wanted.id_crc }));
    }
    Ok(None)
}
