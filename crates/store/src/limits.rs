//! Every bound of the store with its unit, and the ledger of memory (design section 10).

/// One mebibyte.
pub const MIB: usize = 1024 * 1024;

/// Bytes of one request's events, encoded, after which the rest of the request is refused. Above what a
/// request of ordinary events comes to; before and after come back as changes, so it can be met.
pub const BATCH_RECORD_BYTES_MAX: usize = 24 * MIB;
/// Bytes of one frame's body before compression: the largest batch and the group it joins.
pub const FRAME_RAW_BYTES_MAX: usize = 32 * MIB;
/// Bytes of one frame's body as stored; zstd never grows its input by more than this margin.
pub const FRAME_STORED_BYTES_MAX: usize = FRAME_RAW_BYTES_MAX + FRAME_RAW_BYTES_MAX / 128 + 1024;
/// A group takes no further batch once its records reach this many bytes: larger frames compress no
/// better and make the first batch of the group wait.
pub const GROUP_BYTES_SOFT: usize = 4 * MIB;
/// zstd level of frames: the log is read once, at recovery, so speed matters more than size.
pub const LOG_ZSTD_LEVEL: i32 = 1;
/// Space reserved for a log file when it is made. A frame that does not fit begins a new file.
pub const LOG_FILE_BYTES: u64 = 64 * MIB as u64;
/// With more log files than this, what is recent is packed however little it is, so that files can
/// go: every start begins a file of its own, and a store that is often started and seldom written to
/// would else fill the disk with reserved space and read all of it at each start.
pub const LOG_FILES_MAX: usize = 8;
/// After this much idle time a durable mark is written behind the last frame, in microseconds.
pub const MARK_AFTER_MICROS: u64 = 50_000;
/// Space kept in the reserve file.
pub const RESERVE_BYTES: u64 = 32 * MIB as u64;
/// How long after the end of its retention an event's values may still be in a file, in microseconds
/// (7 days), when nothing else is set.
pub const PURGE_WITHIN_MICROS: i64 = 7 * 86_400_000_000;
/// Most rows that one purge takes, which bounds its memory: 48 bytes each.
pub const PURGE_ROWS_MAX: usize = 1 << 19;
/// Most workspaces that one purge touches: each gets an event that tells of it.
pub const PURGE_WORKSPACES_MAX: usize = 1024;
/// Batches waiting for the commit thread; more are answered 503.
pub const COMMIT_QUEUE_MAX: usize = 256;

/// Recent events with their indexes, over all generations; at this many bytes ingest is refused (429).
pub const RECENT_BYTES: usize = 64 * MIB;
/// From this many bytes on packing lags, and requests are judged one after the other until it does not.
pub const RECENT_LAG_BYTES: usize = 48 * MIB;
/// Bytes of one generation of recent events at which it is frozen and packed.
pub const RECENT_PACK_BYTES: usize = 28 * MIB;
/// In-flight requests after decompression.
pub const IN_FLIGHT_BYTES: usize = 48 * MIB;
/// Pack and compact, working memory.
pub const PACK_BYTES: usize = 48 * MIB;
/// Filters over ids, resident.
pub const ID_FILTER_BYTES: usize = 16 * MIB;
/// Workspaces, resident.
pub const WORKSPACE_BYTES: usize = 32 * MIB;
/// Segment directories and the read cache.
pub const SEGMENT_BYTES: usize = 32 * MIB;
/// Everything else.
pub const REST_BYTES: usize = 16 * MIB;

const _: () = assert!(
    RECENT_BYTES
        + IN_FLIGHT_BYTES
        + PACK_BYTES
        + ID_FILTER_BYTES
        + WORKSPACE_BYTES
        + SEGMENT_BYTES
        + REST_BYTES
        <= 256 * MIB
);

/// The last event of a batch may go over the batch's bound by its own size.
const _: () = assert!(
    BATCH_RECORD_BYTES_MAX + GROUP_BYTES_SOFT + 2 * proofbook_event::limits::EVENT_BYTES_MAX
        <= FRAME_RAW_BYTES_MAX
);
