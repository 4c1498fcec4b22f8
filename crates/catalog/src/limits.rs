//! Every bound of the catalog room.
//!
//! A preset over one of them is refused with its line; a sentence over its bound is cut and marked.

/// Bytes of one preset's text.
pub const PRESET_BYTES_MAX: usize = 1024 * 1024;
/// Actions of one preset, with those of the preset it extends.
pub const ACTIONS_MAX: usize = 5_000;
/// Bytes of one description template.
pub const TEMPLATE_BYTES_MAX: usize = 1_024;
/// Bytes of one value inside a rendered sentence; a longer one is cut and ends in "…".
pub const RENDERED_VALUE_BYTES_MAX: usize = 256;
/// Bytes of one rendered sentence without its suffix; a longer one is cut and ends in "…".
pub const RENDERED_BYTES_MAX: usize = 2_048;
/// Shortest text in which a key format is looked for, in bytes.
pub const DETECT_BYTES_MIN: usize = 16;

const _: () = assert!(RENDERED_VALUE_BYTES_MAX < RENDERED_BYTES_MAX);
