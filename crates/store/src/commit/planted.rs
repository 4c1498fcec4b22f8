//! The commit path in the wrong order, for the simulation to notice.

use bytes::Bytes;

use super::{Batch, Committer, Fatal, answer_all, answer_each};
use crate::commit::CommitError;
use crate::log::{FrameDraft, Log};
use crate::plant::{self, Plant};

impl Committer {
    /// Folds and publishes a group, and only then appends it.
    pub(super) fn commit_in_wrong_order(&mut self, mut group: Vec<Batch>) -> Result<(), Fatal> {
        self.refresh_look_ups(&mut group);
        let (mut body, mut hits, mut sealed, mut record_count) =
            (Vec::new(), Vec::new(), Vec::new(), 0);
        for batch in &mut group {
            batch.write(&mut body);
            record_count += batch.record_count;
            hits.append(&mut batch.hits);
            sealed.append(&mut batch.sealed);
        }
        let body = Bytes::from(body);
        let stamp = self.clock.now_micros();
        let digest = self.fold.state.digest;
        let position = self.log.durable().next();
        let folded =
            self.fold.apply(position, stamp, &body, &hits, &sealed).map_err(Fatal::Fold)?;
        let outcomes = self.publish(position, folded)?;
        let mut waiting = Some((group, outcomes));
        if plant::is_on(Plant::AckBeforeSync)
            && let Some((group, outcomes)) = waiting.take()
        {
            answer_each(group, outcomes);
        }
        let appended = self.log.append(&FrameDraft { stamp, body: &body, record_count, digest });
        match (appended, waiting) {
            (Ok(_), Some((group, outcomes))) => answer_each(group, outcomes),
            (Ok(_), None) => {}
            (Err(error), waiting) => {
                if let Some((group, _)) = waiting {
                    answer_all(group, &CommitError::Unknown);
                }
                return Err(Fatal::Log(error));
            }
        }
        Ok(())
    }
}
