//! Every bound of deliveries with its unit and its reason.

use std::time::Duration;

/// Events read at once for one workspace of one destination.
pub const READ_EVENTS_MAX: usize = 256;
/// Events that are read first, to know how large they are; eight megabytes when they are as large as can be.
pub const READ_FEW: usize = 32;
/// Bytes of events after which a reading ends, but for the first few. Each lane may hold so much.
pub const READ_BYTES_AIM: usize = 1024 * 1024;
/// Numbers looked at in one reading, so that a filter that lets nothing through yields to others.
pub const READ_SEQS_MAX: u64 = 100_000;
/// Readings at once over all destinations: they share two processors with ingest.
pub const READS_MAX: usize = 2;
/// Workspaces of one destination that are served at once. Within a workspace it is one after the other.
pub const LANES: usize = 8;
/// Time for one message: name look-up, connection, sending, and the answer's head.
pub const MESSAGE_DEADLINE: Duration = Duration::from_secs(10);
/// Time for the rest of an answer; what it says is not needed, its end keeps the connection.
pub const ANSWER_REST: Duration = Duration::from_secs(1);
/// Bytes of an answer's body that are read.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an answer's head.
pub const ANSWER_HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long a message under way may take when its destination is stopped.
pub const LAST_MESSAGE: Duration = Duration::from_secs(3);
/// Connections that are kept open for one destination.
pub const IDLE_CONNECTIONS_MAX: usize = LANES;
/// How long a connection is kept open without use; below what receivers allow themselves.
pub const IDLE_TIME: Duration = Duration::from_secs(20);
/// The first pause after a failure.
pub const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// The longest pause after failures, also when the receiver asks for more.
pub const BACKOFF_MAX: Duration = Duration::from_secs(15 * 60);
/// How often a message is tried that the receiver itself refuses; then it is a dead letter.
pub const REFUSALS_MAX: u32 = 8;
/// How often it is looked whether the machine has time for deliveries.
pub const LOOK_ROUND_EVERY: Duration = Duration::from_millis(10);
/// How long no event is sent when it has none.
pub const REST: Duration = Duration::from_millis(50);
/// How often progress goes into the log.
pub const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How often progress goes into the log of destinations that passed over events and sent none.
pub const FLUSH_IDLE_EVERY: Duration = Duration::from_secs(30);
/// How often destinations look for something new.
pub const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often it is looked for what is to be warned of.
pub const WATCH_EVERY: Duration = Duration::from_secs(1);
/// Bytes of a webhook's address.
pub const URL_BYTES_MAX: usize = 2048;
/// Bytes of a destination's last error as it is shown.
pub const ERROR_BYTES_MAX: usize = 256;
/// Destinations in all, rules among them.
pub const DESTINATIONS_MAX: usize = 1_000;
/// Recipients of one rule.
pub const RECIPIENTS_MAX: usize = 20;
/// Mails of one rule and workspace in an hour, unless it says otherwise; what is more comes in one mail.
pub const MAILS_PER_HOUR: u32 = 60;

const _: () = assert!(READ_EVENTS_MAX > READ_FEW && READ_FEW > 0 && LANES > 0 && READS_MAX > 0);
