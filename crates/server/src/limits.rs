//! Every bound of the server that is not a setting. Who goes over one gets a problem document that
//! names the place and the number.

use proofbook_event::limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX};
use proofbook_store::limits::IN_FLIGHT_BYTES;

/// Bytes of the path and the query string: a filter of the greatest length, percent-encoded.
pub const URI_BYTES_MAX: usize = 28 * 1024;
/// Bytes of all headers' names and values.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Headers of one request. Beyond it the connection answers a bare 431.
pub const HEADERS_MAX: usize = 64;
/// Bytes of a request's head as it is read. Beyond it the connection answers a bare 431.
pub const HEAD_BUFFER_BYTES: usize = 64 * 1024;
/// Bytes of a request's body, compressed or not.
pub const BODY_BYTES_MAX: usize = BATCH_BYTES_MAX;
/// A compressed body beyond [`RATIO_FREE_BYTES`] may not grow by more than this factor.
pub const RATIO_MAX: usize = 256;
/// Decompressed bytes to which the ratio does not apply: small bodies compress by chance.
pub const RATIO_FREE_BYTES: usize = 1024 * 1024;
/// Base-2 logarithm of the largest window that a zstd body may ask for (8 MiB).
pub const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// Bytes of a JSON document sent for administration.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a catalog's text.
pub const CATALOG_BYTES_MAX: usize = 1024 * 1024;
/// Memory that a request holds for each byte of its decompressed body: the text, and its records.
pub const SHARE_PER_BYTE: usize = 2;
/// Memory that a request holds for each of its events: receipts, commitments, result.
pub const SHARE_PER_EVENT: usize = 1024;
/// Memory of the events judged in one step, estimated from their texts with [`VALUE_BYTES`]. It bounds
/// what a step holds beside its share: parsed values take many times their text.
pub const STEP_BYTES: usize = 4 * 1024 * 1024;
/// Memory of one parsed value beside its text.
pub const VALUE_BYTES: usize = 64;
/// Bytes of a body that is judged by the task that received it: to hand it to a thread of its own costs as
/// much as to judge it. It waits for nothing there but for a block of a segment, now and then.
pub const JUDGED_HERE_BYTES_MAX: usize = 4 * 1024;
/// Events handed to the log in one step.
pub const STEP_EVENTS: usize = 1000;
/// Events of a step that are parsed before they are judged: so few that what was parsed is still in the
/// processor's cache then.
pub const PARSED_EVENTS: usize = 25;

/// Rows of a list's page when none is asked for.
pub const LIST_ROWS: usize = 20;
/// Rows of a list's page.
pub const LIST_ROWS_MAX: usize = 1000;
/// Workspaces, keys or catalogs of one answer.
pub const ITEMS_MAX: usize = 1000;
/// Values of a facet when no number is asked for.
pub const FACET_VALUES: usize = 20;
/// Values of a facet, buckets of a histogram.
pub const VALUES_MAX: usize = 1000;
/// Erasures that are not complete; each names its events in the configuration until it is.
pub const ERASURES_RUNNING_MAX: usize = 64;
/// Bytes of a request to erase, which may name many events.
pub const ERASURE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Legal holds in force in a store; each is asked of every event whose retention ended.
pub const HOLDS_MAX: usize = 1_000;
/// Keys of a store, revoked ones included.
pub const KEYS_MAX: usize = 10_000;
/// Catalogs of a store.
pub const CATALOGS_MAX: usize = 1000;
/// Scopes and workspaces that one key may name.
pub const KEY_WORKSPACES_MAX: usize = 100;
/// Bytes of the filter that a viewer token carries.
pub const VIEWER_FILTER_BYTES_MAX: usize = 2048;
/// Columns or origins that a viewer token names.
pub const VIEWER_ITEMS_MAX: usize = 20;
/// Bytes of a name or title that administration sends.
pub const TITLE_BYTES_MAX: usize = 200;

const _: () = assert!(
    BODY_BYTES_MAX * SHARE_PER_BYTE + BATCH_EVENTS_MAX * SHARE_PER_EVENT <= IN_FLIGHT_BYTES,
    "the largest request fits into the memory for requests"
);
const _: () = assert!(URI_BYTES_MAX + HEADER_BYTES_MAX < HEAD_BUFFER_BYTES);
const _: () = assert!(
    // Base64 of the filter, the names and the lists, all at their greatest, fits into a header.
    (VIEWER_FILTER_BYTES_MAX + (5 + 2 * VIEWER_ITEMS_MAX) * TITLE_BYTES_MAX) * 4 / 3
        < HEADER_BYTES_MAX
);

/// Events whose proofs one answer to `?wait=head` has; about 1.2 kB each.
pub const PROOFS_MAX: usize = 1_000;
