//! A segment that is yet to be written.

use std::sync::Arc;

use proofbook_ledger::WorkspaceUid;

use super::{OpenSegments, PackError};
use crate::commit::Published;
use crate::disk::{Disk, join};
use crate::names;
use crate::segment::{self, BlockCache, MergeDigest, Segment, SegmentWriter};
use crate::segment_entry::SegmentEntry;

/// A segment that is to be written, and all that this takes: nothing that the background thread needs
/// meanwhile, so that another thread may do it.
pub(crate) struct NewSegment {
    pub(super) id: u64,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) published: Arc<Published>,
    pub(super) open: OpenSegments,
    pub(super) cache: Arc<BlockCache>,
}

/// A segment whose files are durable and verified, and what was made along with it.
pub(crate) struct WrittenSegment<T> {
    pub(crate) segment: Arc<Segment>,
    pub(crate) entry: SegmentEntry,
    pub(crate) made: T,
}

impl NewSegment {
    /// Writes what `fill` puts into the segment, opens it, and lets `check` compare what it holds.
    ///
    /// # Errors
    /// Nothing is left of it. Attempts have ids of their own and a full disk fails many, so that each
    /// would take more of what little space is left.
    pub(crate) fn write<T>(
        &self,
        fill: impl FnOnce(&mut SegmentWriter<'_>) -> Result<T, PackError>,
        check: impl FnOnce(&Arc<Segment>, &T) -> Result<(), PackError>,
    ) -> Result<WrittenSegment<T>, PackError> {
        self.try_write(fill, check).inspect_err(|_| self.discard())
    }

    fn try_write<T>(
        &self,
        fill: impl FnOnce(&mut SegmentWriter<'_>) -> Result<T, PackError>,
        check: impl FnOnce(&Arc<Segment>, &T) -> Result<(), PackError>,
    ) -> Result<WrittenSegment<T>, PackError> {
        let name_of = |uid| self.name_of(uid);
        let mut writer = SegmentWriter::create(&*self.disk, self.id, &name_of)?;
        let made = fill(&mut writer)?;
        let meta = writer.finish()?;
        let entry = SegmentEntry { files: meta.files, rows: meta.rows };
        let segment = self.open.open(&*self.disk, meta.files, &self.cache)?;
        check(&segment, &made)?;
        Ok(WrittenSegment { segment, entry, made })
    }

    /// Returns how a workspace is called in the segment's file.
    fn name_of(&self, uid: WorkspaceUid) -> String {
        let known = self.published.directory.by_uid(uid);
        known.map_or_else(|| uid.to_string(), |workspace| workspace.name.to_string())
    }

    fn discard(&self) {
        for name in [names::segment_parquet(self.id), names::segment_idx(self.id)] {
            let path = join(names::SEGMENT_DIR, &name);
            // What cannot be removed now is set aside at the next start.
            let _ = self.disk.remove(&format!("{path}.tmp"));
            let _ = self.disk.remove(&path);
        }
    }
}

/// Checks that a segment holds what went into it.
pub(crate) fn check_digest(
    segment: &Arc<Segment>,
    expected: &MergeDigest,
) -> Result<(), PackError> {
    if segment::digest_of(segment)? == *expected { Ok(()) } else { Err(PackError::Merge) }
}
