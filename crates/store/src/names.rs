//! Every file and directory name of a data directory, and how to read one back.
//!
//! ```text
//! LOCK                              held by the one process that has the directory open
//! store.id                          the store's own id, in hex
//! store.key                         the key that seals secrets in the log; readable by its owner alone
//! reserve                           space kept so that clean-up can run on a full disk
//! segments.json                     the live segments, for foreign readers; derived, never read by us
//! log/<first position>-<try>.log    the log's files
//! snapshots/<position>.root         a snapshot's root
//! snapshots/<hash>.run              an immutable run that roots point to
//! segments/<id>.parquet, <id>.idx   packed events and their index
//! aside/…                           bytes that recovery or a failed check set aside
//! ```
//! Numbers are 16 lower-case hex digits, so that names sort as the numbers do.

/// The file whose lock keeps a second process out.
pub const LOCK: &str = "LOCK";
/// The file that holds the store's own id.
pub const STORE_ID: &str = "store.id";
/// The file that holds the key with which secrets in the log are sealed.
pub const STORE_KEY: &str = "store.key";
/// The file that keeps space free for clean-up.
pub const RESERVE: &str = "reserve";
/// The list of live segments for foreign readers.
pub const SEGMENTS_JSON: &str = "segments.json";
/// Directory of the log's files.
pub const LOG_DIR: &str = "log";
/// Directory of snapshots and their runs.
pub const SNAPSHOT_DIR: &str = "snapshots";
/// Directory of segments.
pub const SEGMENT_DIR: &str = "segments";
/// Directory of what was set aside.
pub const ASIDE_DIR: &str = "aside";

/// Returns the name of the log file that begins at a position; `attempt` tells retries apart.
pub fn log_file(first_position: u64, attempt: u32) -> String {
    format!("{first_position:016x}-{attempt:04x}.log")
}

/// Reads the first position and the attempt from a log file's name.
pub fn parse_log_file(name: &str) -> Option<(u64, u32)> {
    let (position, attempt) = name.strip_suffix(".log")?.split_once('-')?;
    Some((parse_hex(position, 16)?, u32::try_from(parse_hex(attempt, 4)?).ok()?))
}

/// Returns the name of a snapshot's root.
pub fn snapshot_root(position: u64) -> String {
    format!("{position:016x}.root")
}

/// Reads the position from a snapshot root's name.
pub fn parse_snapshot_root(name: &str) -> Option<u64> {
    parse_hex(name.strip_suffix(".root")?, 16)
}

/// Returns the name of a snapshot's run.
pub fn snapshot_run(sha256: &[u8; 32]) -> String {
    let mut name: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    name.push_str(".run");
    name
}

/// Returns the name of a segment's Parquet file.
pub fn segment_parquet(id: u64) -> String {
    format!("{id:016x}.parquet")
}

/// Returns the name of a segment's index file.
pub fn segment_idx(id: u64) -> String {
    format!("{id:016x}.idx")
}

/// Reads the segment's id from the name of either of its files.
pub fn parse_segment(name: &str) -> Option<u64> {
    parse_hex(name.strip_suffix(".parquet").or_else(|| name.strip_suffix(".idx"))?, 16)
}

/// Reads exactly `digits` lower-case hex digits.
fn parse_hex(text: &str, digits: usize) -> Option<u64> {
    let lower = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (text.len() == digits && lower).then(|| u64::from_str_radix(text, 16).ok())?
}
