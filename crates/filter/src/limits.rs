//! Every bound of the filter language; reaching one is a [`crate::FilterError`] that names it.
//!
//! They bound what one query can cost before it reads anything: parsing and printing are linear in
//! the text, and matching one event is linear in (text of the event × terms of the filter).

/// Bytes of a filter's text; far above what a person or a saved view writes.
pub const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Terms, values and operators of one filter.
pub const NODES_MAX: usize = 256;
/// Nesting of parentheses and negations; parsing and matching recurse this deep.
pub const DEPTH_MAX: usize = 32;
/// Wildcards `*` in one filter.
pub const WILDCARDS_MAX: usize = 64;
/// Digits of the number in a relative time such as `now-7d`.
pub const RELATIVE_DIGITS_MAX: usize = 6;
/// The largest whole number that a JSON reader keeps exactly (2^53 − 1); bound of `seq:`.
pub const WHOLE_MAX: f64 = 9_007_199_254_740_991.0;

const _: () = assert!(DEPTH_MAX < NODES_MAX);
