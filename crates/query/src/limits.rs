//! Every bound of a query; what a caller sees when one is reached stands beside it.

/// Events of one page; a greater limit is cut to this.
pub const PAGE_EVENTS_MAX: usize = 1_000;
/// Rows that page numbers reach; a later page is [`crate::QueryError::PageTooFar`], a cursor goes on.
pub const PAGE_ROWS_MAX: u64 = 10_000;
/// Values of a facet and buckets of a histogram; what is beyond is counted as `other`.
pub const VALUES_MAX: usize = 1_000;
/// Distinct values that a facet keeps apart while it counts; more is
/// [`crate::QueryError::OverBudget`]. Bounds its memory together with [`VALUE_BYTES_MAX`].
pub const DISTINCT_VALUES_MAX: usize = 200_000;
/// Bytes of a value that a facet tells apart; longer values are cut at a character before it.
pub const VALUE_BYTES_MAX: usize = 512;
/// Values into which a histogram's buckets are split; the rest of a bucket is its `other`.
pub const SPLIT_VALUES_MAX: usize = 12;
/// Blocks named as unread; more are counted in one line.
pub const UNREAD_NAMES_MAX: usize = 16;
/// Dictionary entries of which a condition remembers whether they pass, from block to block.
pub(crate) const VERDICTS_MAX: usize = 65_536;
