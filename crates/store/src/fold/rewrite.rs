//! How the fold takes a purge or an erasure: the first valid record wins (design decision 3).
//!
//! A decision falls when one of its segments is no longer live, or when what is kept of a workspace
//! in it changed behind the frame that it was decided at. A hold placed between planning and doing
//! wins therefore, whoever planned. A decision that falls changes nothing and records no event.

use std::sync::Arc;

use super::{Decision, EventCursor, Fold, FoldError, Folded, Outcome};
use crate::config::ConfigChange;
use crate::log::Position;
use crate::plant::{self, Plant};
use crate::recent::FrameBody;
use crate::record::{Punctured, RewriteKind, Rewritten};

impl Fold {
    /// Notes where the rules of a workspace, or of many, changed.
    pub(super) fn note_rules(
        &mut self,
        change: &ConfigChange,
        position: Position,
        folded: &mut Folded,
    ) {
        let workspace = match change {
            ConfigChange::PutWorkspace { name, settings } => {
                let index = self.workspace_by_name(name);
                let known = index.map(|index| &self.state.workspaces[index as usize].settings);
                match known.is_none_or(|known| known.keeps_as(settings)) {
                    true => return,
                    false => name,
                }
            }
            ConfigChange::PutHold { hold } => &hold.workspace,
            ConfigChange::LiftHold { workspace, .. } => workspace,
            ConfigChange::PutCatalog { .. } | ConfigChange::ClockObserved { .. } => {
                Arc::make_mut(&mut self.state.config).rules_changed = position.0;
                folded.rules_changed = true;
                return;
            }
            _ => return,
        };
        folded.rules_changed = true;
        if let Some(index) = self.workspace_by_name(workspace) {
            let workspace = &mut self.state.workspaces[index as usize];
            Arc::make_mut(workspace).rules_changed = position;
            folded.touched.push(index);
        }
    }

    /// Applies a purge or an erasure, if it still holds; the outcomes are those of its events, or
    /// none when it fell.
    pub(super) fn rewrite(
        &mut self,
        frame: &Arc<FrameBody>,
        rewritten: &Rewritten<'_>,
        cursor: &mut EventCursor<'_>,
        folded: &mut Folded,
    ) -> Result<Vec<Outcome>, FoldError> {
        if !self.still_holds(rewritten) {
            let dropped =
                |pair: &crate::record::Pair| Decision::Dropped { segment: pair.segment.id() };
            folded.decisions.extend(rewritten.segments.iter().map(dropped));
            let event_count = rewritten.events.as_ref().map_or(0, |events| events.event_count);
            cursor.next += event_count as usize;
            return Ok(Vec::new());
        }
        for pair in &rewritten.segments {
            let live = self.state.segments.iter_mut().find(|live| live.id() == pair.input.0);
            if let Some(live) = live {
                *live = pair.segment;
                folded.decisions.push(Decision::Compacted {
                    inputs: vec![pair.input.0],
                    segment: pair.segment,
                });
            }
        }
        folded.look_ups_old = true;
        match &rewritten.kind {
            RewriteKind::Purged => {
                for gone in &rewritten.gone {
                    if let Some(index) = self.workspace_by_uid(gone.workspace) {
                        self.ids.forget(index, &gone.seqs);
                    }
                }
            }
            RewriteKind::Erased { punctured, .. } => self.destroy_keys(punctured, folded),
        }
        let outcomes = match &rewritten.events {
            Some(events) => self.add_events(frame, events, cursor, folded)?,
            None => Vec::new(),
        };
        if let RewriteKind::Erased { by, .. } = &rewritten.kind {
            let leaf = outcomes.iter().find_map(|outcome| match outcome {
                Outcome::Created { seq, .. } => Some(*seq),
                _ => None,
            });
            Arc::make_mut(&mut self.state.config).step_erasure(*by, leaf);
            folded.config_changed = true;
        }
        Ok(outcomes)
    }

    /// Destroys the event keys that an erasure names; what they sealed is withheld in the segments.
    fn destroy_keys(&mut self, punctured: &[Punctured], folded: &mut Folded) {
        for Punctured { workspace, run, slots } in punctured {
            let Some(index) = self.workspace_by_uid(*workspace) else { continue };
            let workspace = Arc::make_mut(&mut self.state.workspaces[index as usize]);
            let run = Arc::make_mut(&mut workspace.runs).get_mut(*run as usize);
            if let Some(run) = run.filter(|_| !plant::is_on(Plant::ErasedKeysKept)) {
                run.secret.puncture(slots);
            }
            folded.touched.push(index);
        }
        // It would go on with what it knew of the run.
        self.sealer = crate::seal::Sealer::default();
    }

    fn still_holds(&self, rewritten: &Rewritten<'_>) -> bool {
        let is_live = |pair: &crate::record::Pair| {
            let (id, hash) = pair.input;
            let mut live = self.state.segments.iter();
            live.any(|live| live.id() == id && live.files.parquet.sha256.0 == hash)
        };
        let is_unchanged = |gone: &crate::record::Gone| {
            self.workspace_by_uid(gone.workspace).is_some_and(|index| {
                let workspace = &self.state.workspaces[index as usize];
                workspace.rules_changed <= rewritten.decided_at
            })
        };
        let is_next = match &rewritten.kind {
            RewriteKind::Purged => true,
            RewriteKind::Erased { by, .. } => self.state.config.is_next_step(*by),
        };
        let unchanged = self.state.config.rules_changed <= rewritten.decided_at.0
            && rewritten.gone.iter().all(is_unchanged);
        let unchanged = unchanged || plant::is_on(Plant::HeldPurged);
        is_next && unchanged && rewritten.segments.iter().all(is_live)
    }
}
