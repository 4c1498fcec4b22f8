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
    (1..=limits::ID_BYTES_MAX).contains(&text.len()) && are_name_bytes(text)
}

/// Tells whether the text is a workspace name: `[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}`.
///
/// Names beginning with `_` or `.` are Proofbook's own and fail here.
pub fn is_workspace_name(text: &str) -> bool {
    (1..=limits::WORKSPACE_BYTES_MAX).contains(&text.len())
        && text.as_bytes()[0].is_ascii_alphanumeric()
        && are_name_bytes(text)
}

/// Tells whether the text is an action name: `[a-z0-9_]+(\.[a-z0-9_]+)*`, at most 128 bytes.
pub fn is_action_name(text: &str) -> bool {
    let mut after_dot = true;
    let mut is_name = text.len() <= limits::ACTION_BYTES_MAX;
    for byte in text.bytes() {
        let is_dot = byte == b'.';
        let is_letter = byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        is_name &= if is_dot { !after_dot } else { is_letter };
        after_dot = is_dot;
    }
    is_name && !after_dot
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

/// Tells whether all bytes may stand in a name. It looks at all of them whatever it finds, so that the
/// compiler can make it look at sixteen at once.
fn are_name_bytes(text: &str) -> bool {
    let is_name_byte =
        |byte: u8| byte.is_ascii_alphanumeric() | matches!(byte, b'_' | b'.' | b':' | b'-');
    text.bytes().fold(true, |all, byte| all & is_name_byte(byte))
}

#[cfg(test)]
mod tests;
