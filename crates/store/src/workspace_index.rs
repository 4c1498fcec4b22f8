//! Finds workspaces by name and by opaque id, without a copy of either.
//!
//! The tables hold the workspaces' places in a list, 5 bytes each; names and ids are compared where they
//! stand, in the list, which the owner keeps beside the index.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use proofbook_ledger::WorkspaceUid;

use crate::fold::Workspace;

/// Places of workspaces by name and by opaque id.
///
/// Invariant: it is asked with the list whose workspaces were added to it, each under its place there;
/// names and ids of a place never change.
#[derive(Debug, Default)]
pub(crate) struct WorkspaceIndex {
    by_name: HashTable<u32>,
    by_uid: HashTable<u32>,
    /// Keyed, since names come from outside.
    hasher: RandomState,
}

impl WorkspaceIndex {
    /// Finds a workspace by its name.
    pub(crate) fn by_name(&self, list: &[Arc<Workspace>], name: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(name);
        self.by_name.find(hash, |place| *list[*place as usize].name == *name).copied()
    }

    /// Finds a workspace by its opaque id.
    pub(crate) fn by_uid(&self, list: &[Arc<Workspace>], uid: WorkspaceUid) -> Option<u32> {
        let hash = self.hasher.hash_one(uid);
        self.by_uid.find(hash, |place| list[*place as usize].uid == uid).copied()
    }

    /// Adds the last workspace of the list, whose name and id no other has.
    pub(crate) fn add_last(&mut self, list: &[Arc<Workspace>]) {
        let Some(place) = list.len().checked_sub(1) else { return };
        let Self { by_name, by_uid, hasher } = self;
        let name_of = |place: &u32| hasher.hash_one(&*list[*place as usize].name);
        let uid_of = |place: &u32| hasher.hash_one(list[*place as usize].uid);
        let place = place as u32;
        by_name.insert_unique(name_of(&place), place, name_of);
        by_uid.insert_unique(uid_of(&place), place, uid_of);
    }
}

#[cfg(test)]
mod tests;
