//! What readers hold: one immutable picture of the store, and the directory of workspaces.
//!
//! A [`View`] names live segments and generations of recent events that together hold every event up
//! to its position exactly once. Whoever holds one reads it to the end, whatever is packed, compacted
//! or purged meanwhile: files and events stay as long as a View names them.
//!
//! A reader takes a workspace's head from the [`Directory`] first and a View after it: the directory
//! is updated after the View is published, so the View holds every event below the head's size.

use std::sync::{Arc, PoisonError, RwLock};

use proofbook_ledger::WorkspaceUid;

use crate::config::Config;
use crate::delivered::Delivered;
use crate::fold::Workspace;
use crate::log::Position;
use crate::recent::Generation;
use crate::segment::Segment;
use crate::workspace_index::WorkspaceIndex;

/// An immutable picture of the store.
#[derive(Clone)]
pub struct View {
    /// The newest frame it shows.
    pub position: Position,
    /// Live segments, oldest first.
    pub segments: Arc<Vec<Arc<Segment>>>,
    /// Generations of recent events, oldest first; bounded by `position`.
    pub generations: Vec<Arc<Generation>>,
    /// Keys, catalogs and destinations.
    pub config: Arc<Config>,
    /// How far destinations were told.
    pub delivered: Arc<Delivered>,
    /// How many packs there were; tells whether an id look-up is still good.
    pub pack_epoch: u64,
}

/// The workspaces as of the newest published frame.
#[derive(Default)]
pub struct Directory {
    tables: RwLock<Tables>,
}

#[derive(Default)]
struct Tables {
    workspaces: Vec<Arc<Workspace>>,
    index: WorkspaceIndex,
}

impl Directory {
    /// Takes over the fold's newest state of some workspaces.
    pub(crate) fn update(&self, changed: impl IntoIterator<Item = (u32, Arc<Workspace>)>) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let tables = &mut *tables;
        for (index, workspace) in changed {
            if index as usize == tables.workspaces.len() {
                tables.workspaces.push(workspace);
                tables.index.add_last(&tables.workspaces);
            } else if let Some(slot) = tables.workspaces.get_mut(index as usize) {
                *slot = workspace;
            }
        }
    }

    /// Finds a workspace by its name.
    pub fn by_name(&self, name: &str) -> Option<Arc<Workspace>> {
        self.find(name).map(|(_, workspace)| workspace)
    }

    /// Finds a workspace and its place in the order of their making by its name.
    pub(crate) fn find(&self, name: &str) -> Option<(u32, Arc<Workspace>)> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let place = tables.index.by_name(&tables.workspaces, name)?;
        Some((place, tables.workspaces.get(place as usize)?.clone()))
    }

    /// Finds a workspace by its opaque id.
    pub fn by_uid(&self, uid: WorkspaceUid) -> Option<Arc<Workspace>> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let place = tables.index.by_uid(&tables.workspaces, uid)?;
        tables.workspaces.get(place as usize).cloned()
    }

    /// Returns how many workspaces there are.
    pub fn len(&self) -> usize {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).workspaces.len()
    }

    /// Tells whether there is no workspace.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns every workspace, in the order of their making.
    pub fn all(&self) -> Vec<Arc<Workspace>> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).workspaces.clone()
    }
}
