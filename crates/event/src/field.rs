//! The fields of an event, as the contract names them (design section 5).

/// A field of an event; its number is its place in [`FIELDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `id`
    Id,
    /// `workspace`
    Workspace,
    /// `action`
    Action,
    /// `occurred_at`
    OccurredAt,
    /// `actor`
    Actor,
    /// `on_behalf_of`
    OnBehalfOf,
    /// `approval`
    Approval,
    /// `via`
    Via,
    /// `targets`
    Targets,
    /// `outcome`
    Outcome,
    /// `before`
    Before,
    /// `after`
    After,
    /// `changes`
    Changes,
    /// `context`
    Context,
    /// `description`
    Description,
    /// `reason`
    Reason,
    /// `severity`
    Severity,
    /// `metadata`
    Metadata,
    /// `source`
    Source,
}

/// The names of the fields, in the order of [`Field`].
pub const FIELDS: &[&str] = &[
    "id",
    "workspace",
    "action",
    "occurred_at",
    "actor",
    "on_behalf_of",
    "approval",
    "via",
    "targets",
    "outcome",
    "before",
    "after",
    "changes",
    "context",
    "description",
    "reason",
    "severity",
    "metadata",
    "source",
];

impl Field {
    /// Reads a field's name.
    pub fn parse(name: &str) -> Option<Self> {
        // Bytes, since a match of them is a tree of few comparisons, one of texts a row of many.
        Some(match name.as_bytes() {
            b"id" => Self::Id,
            b"workspace" => Self::Workspace,
            b"action" => Self::Action,
            b"occurred_at" => Self::OccurredAt,
            b"actor" => Self::Actor,
            b"on_behalf_of" => Self::OnBehalfOf,
            b"approval" => Self::Approval,
            b"via" => Self::Via,
            b"targets" => Self::Targets,
            b"outcome" => Self::Outcome,
            b"before" => Self::Before,
            b"after" => Self::After,
            b"changes" => Self::Changes,
            b"context" => Self::Context,
            b"description" => Self::Description,
            b"reason" => Self::Reason,
            b"severity" => Self::Severity,
            b"metadata" => Self::Metadata,
            b"source" => Self::Source,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
