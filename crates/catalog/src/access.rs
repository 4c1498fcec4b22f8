//! Who may read a workspace's log: the roles a preset lets in.

use crate::preset::Action;

/// The access rule of a preset.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Access {
    /// The roles that may read; empty means that the preset names none and every role may.
    pub view: Vec<String>,
    /// What a refused reader is told.
    pub refused: Option<String>,
}

/// What a refused reader is told when the preset has no sentence of its own.
const REFUSED: &str = "Your role may not see this audit log.";

impl Access {
    /// Tells whether a role may read the log.
    ///
    /// Roles are compared exactly: `Admin` is not `admin`, and being an administrator opens nothing
    /// by itself.
    pub fn may_view(&self, role: &str) -> bool {
        self.view.is_empty() || self.view.iter().any(|known| known == role)
    }

    /// Tells whether a role may read events of one action, which may narrow the rule and never widens it.
    pub fn may_view_action(&self, role: &str, action: Option<&Action>) -> bool {
        let narrowed = action.map_or(&[][..], |action| &action.view);
        self.may_view(role) && (narrowed.is_empty() || narrowed.iter().any(|known| known == role))
    }

    /// Returns the sentence for a reader who is refused.
    pub fn refused_sentence(&self) -> &str {
        self.refused.as_deref().unwrap_or(REFUSED)
    }
}

#[cfg(test)]
mod tests;
