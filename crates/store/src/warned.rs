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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warned(Arc<Known>);

/// By workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Known {
    warnings: BTreeMap<String, Vec<Warning>>,
    /// The number behind the last event that was exported with all before it.
    exported: BTreeMap<String, u64>,
}

impl Warned {
    /// Tells whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.warnings.is_empty() && self.0.exported.is_empty()
    }

    /// Returns the warnings of a workspace, in the order in which they were raised.
    pub fn of(&self, workspace: &str) -> &[Warning] {
        self.0.warnings.get(workspace).map_or(&[], Vec::as_slice)
    }

    /// Finds one warning.
    pub fn find(&self, workspace: &str, kind: &str, subject: &str) -> Option<&Warning> {
        self.of(workspace).iter().find(|known| known.kind == kind && known.subject == subject)
    }

    /// Yields every warning, by workspace.
    pub fn all(&self) -> impl Iterator<Item = &Warning> {
        self.0.warnings.values().flatten()
    }

    /// Returns the number behind the last event of a workspace that was exported with all before it.
    pub fn exported_below(&self, workspace: &str) -> u64 {
        self.0.exported.get(workspace).copied().unwrap_or(0)
    }

    pub(crate) fn raise(&mut self, warning: Warning) {
        let own = Arc::make_mut(&mut self.0).warnings.entry(warning.workspace.clone()).or_default();
        own.retain(|known| known.kind != warning.kind || known.subject != warning.subject);
        own.push(warning);
    }

    pub(crate) fn end(&mut self, workspace: &str, kind: &str, subject: &str) {
        let known = Arc::make_mut(&mut self.0);
        let Some(own) = known.warnings.get_mut(workspace) else { return };
        own.retain(|known| known.kind != kind || known.subject != subject);
        if own.is_empty() {
            known.warnings.remove(workspace);
        }
    }

    pub(crate) fn exported(&mut self, workspace: &str, below_seq: u64) {
        Arc::make_mut(&mut self.0).exported.insert(workspace.to_owned(), below_seq);
    }
}

impl Serialize for Warned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Warned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Arc::new(Known::deserialize(deserializer)?)))
    }
}

#[cfg(test)]
mod tests;
