//! Looking up what the segments of a View know of events' ids, before the fold (I5).

use std::cell::LazyCell;

use proofbook_event::Group;
use proofbook_ledger::WorkspaceUid;

use crate::fold::IdHit;
use crate::fresh_ids::{Filter, FreshIds};
use crate::segment::{GroupSet, IdKey, Segment, SegmentError, stored_part};
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

/// What is known of an id, or why that cannot be told.
pub(crate) type Found = Result<Option<IdHit>, SegmentError>;

/// Finds the events of a View that have these ids, each in its workspace.
///
/// An index keeps a part of hash and fingerprint only. The stored id decides whether it is the same
/// id; the fingerprint, whether it is the same event (a duplicate) or another one (a conflict). Segments
/// are asked one after the other, the newest first, each for all ids that no newer one knows: what a
/// segment keeps in memory to say no then stays in the processor's cache. Those that `fresh` covers are
/// asked only for the ids that it does not rule out.
pub(crate) fn find_all(view: &View, fresh: &FreshIds, wanted: &[WantedId]) -> Vec<Found> {
    let mut found: Vec<Found> = wanted.iter().map(|_| Ok(None)).collect();
    let sought = wanted.iter().enumerate().filter(|(_, wanted)| !wanted.generated);
    let asked: Vec<Asked<'_>> = sought.map(|(at, wanted)| Asked::new(wanted, at)).collect();
    let left_by = |filter: &Filter| {
        let left = asked.iter().filter(|asked| filter.may_contain(asked.key));
        by_workspace(left.copied().collect())
    };
    let left: Vec<Vec<Asked<'_>>> = fresh.filters().map(left_by).collect();
    let all = LazyCell::new(|| by_workspace(asked.clone()));
    for segment in view.segments.iter().rev() {
        let asked = fresh.covering(segment.files().name).map_or_else(|| &*all, |at| &left[at]);
        let mut from = 0;
        for asked in asked.chunk_by(|a, b| a.wanted.workspace == b.wanted.workspace) {
            let workspace = asked[0].wanted.workspace;
            let Some(place) = segment.place_after(workspace, &mut from) else { continue };
            for Asked { wanted, key, at } in asked {
                if segment.may_hold_id(place, *key) && matches!(found[*at], Ok(None)) {
                    found[*at] = find_at(segment, place, wanted);
                }
            }
        }
    }
    found
}

/// An id that segments are asked for.
#[derive(Clone, Copy)]
struct Asked<'w> {
    wanted: &'w WantedId,
    key: IdKey,
    /// Its place among all that are wanted.
    at: usize,
}

impl<'w> Asked<'w> {
    fn new(wanted: &'w WantedId, at: usize) -> Self {
        Self { wanted, key: IdKey::new(wanted.workspace, wanted.id_hash), at }
    }
}

/// Sorts ids as a segment's workspaces are sorted.
fn by_workspace(mut asked: Vec<Asked<'_>>) -> Vec<Asked<'_>> {
    asked.sort_unstable_by_key(|asked| (asked.wanted.workspace, asked.at));
    asked
}

/// Tells whether something of an event was erased.
///
/// # Errors
/// A segment is damaged; the error names the file.
pub(crate) fn is_erased(
    view: &View,
    workspace: WorkspaceUid,
    seq: u64,
) -> Result<bool, SegmentError> {
    if view.config.erasures.is_empty() {
        return Ok(false);
    }
    for segment in view.segments.iter().rev() {
        if let Some(row) = segment.row_of_seq(workspace, seq)? {
            return Ok(!segment.read_rows(&[row], GroupSet::NONE)?.get(0).withheld.is_empty());
        }
    }
    Ok(false)
}

/// As [`find_all`], of one id in one segment.
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
