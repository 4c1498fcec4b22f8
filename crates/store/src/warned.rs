//! What workspaces were warned of and is not over yet, and how far each of them was exported.
//!
//! Whoever watches raises a warning once, as a change of the configuration whose event tells of it, and
//! ends it the same way. Since the fold keeps both, no restart and no other node warns twice. What the
//! kinds mean is not known here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A warning that was raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// The workspace that it is about, and whose log tells of it.
    pub workspace: String,
    /// What kind of warning it is.
    pub kind: String,
    /// What in the workspace it is about, such as a destination; empty when there is only one thing.
    pub subject: String,
    /// When it was raised, microseconds UTC.
    pub raised_at: i64,
    /// What was known of it then.
    pub facts: serde_json::Value,
}

/// Warnings that are not over. Cheap to clone.
///
/// Workspaces are dealt to shelves by their names, so that one more warning copies one shelf and not
/// the warnings of a hundred thousand workspaces.
#[derive(Clone, Debug, Default)]
pub struct Warned(Arc<Vec<Arc<Known>>>);

/// By workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Known {
    warnings: BTreeMap<String, Vec<Warning>>,
    /// The number behind the last event that was exported with all before it.
    exported: BTreeMap<String, u64>,
}

/// How many shelves there are, once there is anything to keep.
const SHELVES: usize = 256;

/// Returns a workspace's shelf (FNV-1a of its name).
fn shelf_of(workspace: &str) -> usize {
    let hash = workspace.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash % SHELVES as u64) as usize
}

impl Warned {
    fn shelf(&self, workspace: &str) -> Option<&Known> {
        self.0.get(shelf_of(workspace)).map(|shelf| &**shelf)
    }

    fn shelf_mut(&mut self, workspace: &str) -> &mut Known {
        let shelves = Arc::make_mut(&mut self.0);
        shelves.resize_with(SHELVES, Arc::default);
        Arc::make_mut(&mut shelves[shelf_of(workspace)])
    }

    /// Tells whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|shelf| shelf.warnings.is_empty() && shelf.exported.is_empty())
    }

    /// Returns the warnings of a workspace, in the order in which they were raised.
    pub fn of(&self, workspace: &str) -> &[Warning] {
        let own = self.shelf(workspace).and_then(|shelf| shelf.warnings.get(workspace));
        own.map_or(&[], Vec::as_slice)
    }

    /// Finds one warning.
    pub fn find(&self, workspace: &str, kind: &str, subject: &str) -> Option<&Warning> {
        self.of(workspace).iter().find(|known| known.kind == kind && known.subject == subject)
    }

    /// Yields every warning; those of one workspace follow each other.
    pub fn all(&self) -> impl Iterator<Item = &Warning> {
        self.0.iter().flat_map(|shelf| shelf.warnings.values().flatten())
    }

    /// Returns the number behind the last event of a workspace that was exported with all before it.
    pub fn exported_below(&self, workspace: &str) -> u64 {
        let known = self.shelf(workspace).and_then(|shelf| shelf.exported.get(workspace));
        known.copied().unwrap_or(0)
    }

    pub(crate) fn raise(&mut self, warning: Warning) {
        let shelf = self.shelf_mut(&warning.workspace);
        let own = shelf.warnings.entry(warning.workspace.clone()).or_default();
        own.retain(|known| known.kind != warning.kind || known.subject != warning.subject);
        own.push(warning);
    }

    pub(crate) fn end(&mut self, workspace: &str, kind: &str, subject: &str) {
        if self.find(workspace, kind, subject).is_none() {
            return;
        }
        let shelf = self.shelf_mut(workspace);
        let Some(own) = shelf.warnings.get_mut(workspace) else { return };
        own.retain(|known| known.kind != kind || known.subject != subject);
        if own.is_empty() {
            shelf.warnings.remove(workspace);
        }
    }

    pub(crate) fn exported(&mut self, workspace: &str, below_seq: u64) {
        self.shelf_mut(workspace).exported.insert(workspace.to_owned(), below_seq);
    }
}

impl PartialEq for Warned {
    /// Empty shelves say nothing: whether there are any depends on what was there before.
    fn eq(&self, other: &Self) -> bool {
        let exported = |warned: &Self| -> Vec<(String, u64)> {
            let all = warned.0.iter().flat_map(|shelf| &shelf.exported);
            all.map(|(name, below)| (name.clone(), *below)).collect()
        };
        self.all().eq(other.all()) && exported(self) == exported(other)
    }
}

impl Eq for Warned {}

/// Written as one object, so that the shelves are nobody else's business.
#[derive(Serialize)]
struct Written<'w> {
    warnings: BTreeMap<&'w str, &'w Vec<Warning>>,
    exported: BTreeMap<&'w str, u64>,
}

impl Serialize for Warned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shelves = || self.0.iter();
        let warnings = shelves().flat_map(|shelf| &shelf.warnings);
        let exported = shelves().flat_map(|shelf| &shelf.exported);
        Written {
            warnings: warnings.map(|(name, own)| (name.as_str(), own)).collect(),
            exported: exported.map(|(name, below)| (name.as_str(), *below)).collect(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Warned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Known { warnings, exported } = Known::deserialize(deserializer)?;
        let mut warned = Self::default();
        for (workspace, own) in warnings {
            warned.shelf_mut(&workspace).warnings.insert(workspace, own);
        }
        for (workspace, below) in exported {
            warned.exported(&workspace, below);
        }
        Ok(warned)
    }
}

#[cfg(test)]
mod tests;
