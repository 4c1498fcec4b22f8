//! Ingest without HTTP: threads that parse, prepare and commit batches of workload W in this process.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use proofbook_catalog::Rejected;
use proofbook_event::EventDraft;
use proofbook_store::commit::CommitError;
use proofbook_store::open::Options;
use proofbook_store::prepare::Wanted;
use proofbook_store::store::Store;
use serde::Serialize;

use super::baseline::percentile;
use super::place::bytes_by_kind;
use super::process::{Usage, usage};
use super::workload::{Batch, Workload};
use crate::data_dir;
use crate::failure::Failure;

/// What ingest came to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Ingest {
    /// Events recorded.
    pub(crate) events: u64,
    /// From the first batch to the last acknowledgement, seconds.
    pub(crate) seconds: f64,
    /// Events a second until the last acknowledgement.
    pub(crate) events_per_second: f64,
    /// From the last acknowledgement until nothing is left to pack or compact, seconds.
    pub(crate) drain_seconds: f64,
    /// Processor time an event, everything drained, microseconds.
    pub(crate) cpu_us_per_event: f64,
    /// The same by thread.
    pub(crate) cpu_us_per_event_by_thread: BTreeMap<String, f64>,
    /// Acknowledgement of a batch, milliseconds, median.
    pub(crate) ack_p50_ms: f64,
    /// The same, 99th of 100.
    pub(crate) ack_p99_ms: f64,
    /// Frames written.
    pub(crate) frames: u64,
    /// Times that the store was busy and a batch was sent again.
    pub(crate) busy: u64,
    /// Segments in the end.
    pub(crate) segments: usize,
    /// Rows written again by compaction for each event.
    pub(crate) rewrites_per_event: f64,
    /// Bytes written to devices for each byte that stayed.
    pub(crate) write_amplification: f64,
    /// Bytes on disk an event, drained, without the space that is only reserved.
    pub(crate) disk_bytes_per_event: f64,
    /// Bytes of the data directory by kind of file.
    pub(crate) disk_bytes: BTreeMap<String, u64>,
    /// Most memory held, bytes; in this process with the workload itself.
    pub(crate) resident_bytes_max: u64,
}

/// Records a workload with `threads` threads in a new store below `data`.
pub(crate) fn ingest(
    data: &Path,
    workload: &Workload,
    threads: usize,
    tick: &(dyn Fn(u64) + Sync),
) -> Result<Ingest, Failure> {
    let batches: Vec<Batch> = workload.batches().collect();
    let store = data_dir::start_store(data, Options::default(), data_dir::on_fatal())?;
    let before = usage(None);
    let begin = Instant::now();
    let (next, done, busy) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let acks: Mutex<Vec<f64>> = Mutex::default();
    let failed: Mutex<Option<Failure>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let sender = std::thread::Builder::new().name("sender".to_owned());
            let run = || {
                let mut own = Vec::new();
                while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    let begin = Instant::now();
                    if let Err(failure) = record(&store, batch, &busy) {
                        failed
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .get_or_insert(failure);
                        break;
                    }
                    own.push(begin.elapsed().as_secs_f64() * 1e3);
                    tick(done.fetch_add(batch.events as u64, Ordering::Relaxed));
                }
                acks.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
            };
            // Without a thread the others do its share.
            let _ = sender.spawn_scoped(scope, run);
        }
    });
    if let Some(failure) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(failure);
    }
    let seconds = begin.elapsed().as_secs_f64();
    drain(&store);
    let drain_seconds = begin.elapsed().as_secs_f64() - seconds;
    let after = usage(None);
    let mut acks = acks.into_inner().unwrap_or_else(PoisonError::into_inner);
    acks.sort_by(f64::total_cmp);
    let counters = store.counters();
    let events = workload.events();
    let each = |count: u64| count as f64 / events.max(1) as f64;
    let segments = store.view().segments.len();
    let (frames, compacted) =
        (counters.frames.load(Ordering::Relaxed), counters.compacted_rows.load(Ordering::Relaxed));
    store.stop();
    let disk_bytes = bytes_by_kind(data);
    let kept = kept_bytes(&disk_bytes);
    Ok(Ingest {
        events,
        seconds,
        events_per_second: events as f64 / seconds,
        drain_seconds,
        cpu_us_per_event: each(after.cpu_us - before.cpu_us),
        cpu_us_per_event_by_thread: by_thread(&before, &after, events),
        ack_p50_ms: percentile(&acks, 50.0),
        ack_p99_ms: percentile(&acks, 99.0),
        frames,
        busy: busy.load(Ordering::Relaxed),
        segments,
        rewrites_per_event: each(compacted),
        write_amplification: (after.written_bytes - before.written_bytes) as f64
            / kept.max(1) as f64,
        disk_bytes_per_event: each(kept),
        disk_bytes,
        resident_bytes_max: after.resident_bytes_max,
    })
}

/// Bytes that hold events: all but the reserve and the log, whose last file is reserved space too.
pub(crate) fn kept_bytes(kinds: &BTreeMap<String, u64>) -> u64 {
    let fixed = |kind: &str| kind == "reserve" || kind.starts_with("log/");
    kinds.iter().filter(|(kind, _)| !fixed(kind)).map(|(_, bytes)| bytes).sum()
}

fn by_thread(before: &Usage, after: &Usage, events: u64) -> BTreeMap<String, f64> {
    let spent =
        |name: &str, cpu: u64| cpu - before.threads.get(name).copied().unwrap_or(0).min(cpu);
    let named: Vec<(&String, u64)> =
        after.threads.iter().map(|(name, cpu)| (name, spent(name, *cpu))).collect();
    let total = after.cpu_us - before.cpu_us;
    let known: u64 = named.iter().map(|(_, cpu)| cpu).sum();
    let each = |cpu: u64| cpu as f64 / events.max(1) as f64;
    let mut shares: BTreeMap<String, f64> =
        named.into_iter().map(|(name, cpu)| (name.clone(), each(cpu))).collect();
    shares.insert("senders (parse, admit, seal)".to_owned(), each(total.saturating_sub(known)));
    shares
}

fn record(store: &Store, batch: &Batch, busy: &AtomicU64) -> Result<(), Failure> {
    loop {
        let wanted = parse(&batch.bytes);
        match store.commit(store.prepare(true, wanted)) {
            Ok(receipts) => {
                if let Some(rejected) = receipts.into_iter().find_map(Result::err) {
                    let message = "an event of the workload was refused; this is our fault";
                    return Err(Failure::failed(message).because(rejected));
                }
                return Ok(());
            }
            Err(CommitError::Busy) => {
                busy.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(Failure::failed("the store took no more").because(error)),
        }
    }
}

/// Parses the lines of a batch; each event of the workload names its workspace early and plainly.
pub(crate) fn parse(bytes: &[u8]) -> Vec<Result<Wanted<'_>, Rejected>> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            let draft = EventDraft::parse(line).map_err(Rejected::from)?;
            Ok(Wanted { workspace: workspace_of(line), draft })
        })
        .collect()
}

/// Returns the workspace that a line of the workload names.
fn workspace_of(line: &[u8]) -> &str {
    const KEY: &[u8] = b"\"workspace\":\"";
    let at = line.windows(KEY.len()).position(|window| window == KEY).unwrap_or(0);
    let rest = line.get(at + KEY.len()..).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == b'"').unwrap_or(0);
    std::str::from_utf8(&rest[..end]).unwrap_or_default()
}

/// Waits until everything is packed and compacted.
fn drain(store: &Store) {
    const STEP: Duration = Duration::from_millis(100);
    const QUIET_US: u64 = 20_000;
    loop {
        store.pack_soon();
        let before = usage(None).cpu_us;
        sleep(STEP * 3);
        let recent: usize = store.view().generations.iter().map(|g| g.event_count()).sum();
        if recent == 0 && usage(None).cpu_us - before <= QUIET_US {
            return;
        }
    }
}
