//! Reading what is due: the next events of one workspace for one destination, as messages.
//!
//! Runs on a thread of its own. Nothing that a filter lets through is skipped unseen: a damaged piece
//! is an error and the cursor stays. What retention took before it was told is a gap, and said so.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::tz::TimeZone;
use proofbook_event::Timestamp;
use proofbook_filter::{Filter, ResolveContext, ResolvedFilter};
use proofbook_query::{Budget, Found, QueryError, Reader};
use proofbook_store::config::StartAt;
use proofbook_store::delivered::Cursor;
use proofbook_store::store::Store;

use crate::limits;

/// What is due.
pub(crate) struct Due {
    /// The reader that found it; its workspace is as of the reading.
    pub(crate) reader: Reader,
    /// Numbers below `reached` whose events expired before they could be told, ascending.
    pub(crate) gaps: Vec<Range<u64>>,
    /// The events, by ascending number.
    pub(crate) events: Vec<Found>,
    /// Everything below this number was looked at.
    pub(crate) reached: u64,
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("a part of the log is damaged, and no event is skipped unseen")]
    Query(#[from] QueryError),
    #[error("our own filter is wrong")]
    Filter,
}

/// What is asked for.
pub(crate) struct Wanted {
    pub(crate) workspace: Arc<str>,
    /// The destination's filter; `None` takes everything.
    pub(crate) filter: Option<Filter>,
    pub(crate) cursor: Cursor,
    pub(crate) from: StartAt,
    /// Only what was recorded before this moment, microseconds UTC.
    pub(crate) before: Option<i64>,
}

/// Reads what is due; `None` when there is no such workspace.
pub(crate) fn read(store: &Store, wanted: &Wanted) -> Result<Option<Due>, ReadError> {
    let Some(reader) = Reader::open(store, &wanted.workspace) else { return Ok(None) };
    let context = ResolveContext { now: store.now(), zone: TimeZone::UTC };
    let never = AtomicBool::new(false);
    let no_time = || 0;
    let budget =
        Budget { micros: u64::MAX, bytes: u64::MAX, cancelled: &never, now_micros: &no_time };
    let head = reader.head().size;
    let start = match wanted.from {
        StartAt::Seq(seq) => wanted.cursor.next.max(seq),
        StartAt::RecordedAt(_) => wanted.cursor.next,
    };
    let (mut from, mut gaps, mut end) = (start, Vec::new(), head);
    // A cursor that has not begun has missed nothing that was before its start.
    if wanted.cursor.next > 0 || matches!(wanted.from, StartAt::Seq(_)) {
        let near = start..head.min(start.saturating_add(limits::READ_SEQS_MAX));
        gaps = reader.hidden(near.clone())?;
        end = near.end;
        if gaps.first() == Some(&near) && near.end < head {
            // What is gone as far as this is told in one, however far it goes.
            gaps = reader.hidden(start..head)?;
            end = head;
        }
        from = gaps.first().filter(|gap| gap.start == start).map_or(start, |gap| gap.end);
    }
    let end = end.min(from.saturating_add(limits::READ_SEQS_MAX));
    // Proofbook's own events are left out unless a filter names them; a follower gets every event.
    let mut filter =
        text(&format!("seq:<{end} (action:* OR action:audit_log.*)"))?.resolve(&context);
    if let StartAt::RecordedAt(at) = wanted.from {
        let at = Timestamp::from_micros(at).to_string();
        filter = filter.and(text(&format!("recorded:>={at}"))?.resolve(&context));
    }
    if let Some(before) = wanted.before {
        let before = Timestamp::from_micros(before).to_string();
        filter = filter.and(text(&format!("recorded:<{before}"))?.resolve(&context));
    }
    if let Some(own) = &wanted.filter {
        filter = filter.and(own.resolve(&context));
    }
    let (events, is_all) = first_of(&reader, &filter, from, &budget)?;
    let reached = events.last().filter(|_| !is_all).map_or(end, |last| last.seq() + 1);
    gaps.retain(|gap| gap.start < reached);
    if let Some(last) = gaps.last_mut() {
        last.end = last.end.min(reached.max(from));
    }
    Ok(Some(Due { reader, gaps, events, reached }))
}

/// Returns the first events that pass, at least one of them if there is any, and whether they are all.
///
/// A few show how large they are; where they are large, they are enough for once.
fn first_of(
    reader: &Reader,
    filter: &ResolvedFilter,
    from: u64,
    budget: &Budget<'_>,
) -> Result<(Vec<Found>, bool), QueryError> {
    let mut events = reader.after_seq(filter, from.checked_sub(1), limits::READ_FEW, budget)?;
    let Some(last) = events.last().filter(|_| events.len() == limits::READ_FEW) else {
        return Ok((events, true));
    };
    let (mut bytes, last) = (bytes_of(&events), last.seq());
    if bytes >= limits::READ_BYTES_AIM {
        return Ok((events, false));
    }
    let most = limits::READ_EVENTS_MAX - limits::READ_FEW;
    let more = reader.after_seq(filter, Some(last), most, budget)?;
    let is_all = more.len() < most;
    for found in more {
        if bytes >= limits::READ_BYTES_AIM {
            return Ok((events, false));
        }
        bytes += found.groups().bytes_total();
        events.push(found);
    }
    Ok((events, is_all))
}

fn bytes_of(events: &[Found]) -> usize {
    events.iter().map(|found| found.groups().bytes_total()).sum()
}

/// Returns the number of the first event that has an address; `None` when none has it or it cannot be
/// read.
pub(crate) fn first_at_address(store: &Store, workspace: &str, ip: &str) -> Option<u64> {
    let reader = Reader::open(store, workspace)?;
    let context = ResolveContext { now: store.now(), zone: TimeZone::UTC };
    let never = AtomicBool::new(false);
    let no_time = || 0;
    let budget =
        Budget { micros: u64::MAX, bytes: u64::MAX, cancelled: &never, now_micros: &no_time };
    let ip: std::net::IpAddr = ip.parse().ok()?;
    let filter = text(&format!("ip:{ip}")).ok()?.resolve(&context);
    let found = reader.after_seq(&filter, None, 1, &budget).ok()?;
    found.first().map(Found::seq)
}

fn text(text: &str) -> Result<Filter, ReadError> {
    Filter::parse(text).map_err(|_| ReadError::Filter)
}

#[cfg(test)]
mod tests {
    use proofbook_store::disk::SimDisk;
    use proofbook_testkit::TestStore;
    use serde_json::json;

    use super::*;

    fn wanted(next: u64) -> Wanted {
        Wanted {
            workspace: "acme".into(),
            filter: None,
            cursor: Cursor { generation: 0, next },
            from: StartAt::Seq(0),
            before: None,
        }
    }

    /// Reads to the end and returns the numbers of each reading.
    fn read_all(world: &TestStore) -> Vec<Vec<u64>> {
        let (mut readings, mut next) = (Vec::new(), 0);
        loop {
            let due = read(&world.store, &wanted(next)).expect("read").expect("a workspace");
            if due.events.is_empty() {
                assert_eq!(due.reached, due.reader.head().size);
                return readings;
            }
            readings.push(due.events.iter().map(Found::seq).collect());
            next = due.reached;
        }
    }

    #[test]
    fn p3_a_reading_holds_so_many_events_or_so_many_bytes_and_skips_none() {
        let world = TestStore::in_memory(3, &SimDisk::new(3));
        let text = "x".repeat(4_000);
        let large: serde_json::Map<_, _> =
            (0..50).map(|key| (format!("key_{key}"), json!(text))).collect();
        let large = json!({"action": "thing.update", "metadata": large}).to_string();
        let small = json!({"action": "thing.update"}).to_string();
        let events: Vec<&str> = [(&large, 70), (&small, 600), (&large, 20)]
            .into_iter()
            .flat_map(|(event, count)| std::iter::repeat_n(event.as_str(), count))
            .collect();
        for few in events.chunks(20) {
            world.send("acme", few).into_iter().for_each(|receipt| drop(receipt.expect("taken")));
        }
        for packed in [false, true] {
            if packed {
                world.pack();
            }
            let readings = read_all(&world);
            let all: Vec<u64> = readings.iter().flatten().copied().collect();
            assert_eq!(all, (0..690).collect::<Vec<u64>>(), "packed: {packed}");
            // A large one has two hundred kilobytes, and six of them are over the aim. So of the first 70
            // and what follows the first few are enough; then as many small ones as may be; then all up
            // to the sixth large one; and the rest.
            let counts: Vec<usize> = readings.iter().map(Vec::len).collect();
            assert_eq!(counts, [32, 32, 32, 256, 256, 68, 14], "packed: {packed}");
        }
    }

    #[test]
    fn our_own_filters_can_be_read_at_every_end() {
        for at in [0, 1, i64::MAX / 2_000, 1_795_339_800_000_001] {
            let at = Timestamp::from_micros(at).to_string();
            assert_eq!(Filter::parse(&format!("recorded:>={at}")).err(), None, "{at}");
        }
        for end in [0, 1, (1_u64 << 53) - 1] {
            let filter = format!("seq:<{end} (action:* OR action:audit_log.*)");
            let filter = Filter::parse(&filter).expect("a filter");
            assert!(filter.names_audit_log());
        }
    }
}
