//! The forms of names: event ids, workspace names, action names.
//!
//! Each check is a predicate over bytes; the typed draft calls them once at the border.

use crate::limits;

/// Prefix of actions that only Proofbook itself records.
pub const RESERVED_ACTION_PREFIX: &str = "audit_log.";
/// The workspace that holds Proofbook's own administration events.
pub const SYSTEM_WORKSPACE: &str = "_system";

/// Tells whether the text is an event id: `[A-Za-z0-9_.:-]{1,128}`.
pub fn is_event_id(text: &str) -> bool {
    (1..=limits::ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_name_byte)
}

/// Tells whether the text is a workspace name: `[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}`.
///
/// Names beginning with `_` or `.` are Proofbook's own and fail here.
pub fn is_workspace_name(text: &str) -> bool {
    (1..=limits::WORKSPACE_BYTES_MAX).contains(&text.len())
        && text.as_bytes()[0].is_ascii_alphanumeric()
        && text.bytes().all(is_name_byte)
}

/// Tells whether the text is an action name: `[a-z0-9_]+(\.[a-z0-9_]+)*`, at most 128 bytes.
pub fn is_action_name(text: &str) -> bool {
    text.len() <= limits::ACTION_BYTES_MAX
        && text.split('.').all(|part| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        })
}

/// Finds the candidate that a mistyped word most likely meant.
///
/// Returns `None` when nothing is near: more than a third of the letters would have to change.
#[cfg(feature = "std")]
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-')
}

#[cfg(test)]
mod tests;
