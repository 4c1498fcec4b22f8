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
use proofbook_store::limits::RECENT_BYTES;
use proofbook_store::open::Options;
use proofbook_store::prepare::Wanted;
use proofbook_store::store::Store;

use super::baseline::percentile;
use super::measure::{Bound, Measure};
use super::place::bytes_by_kind;
use super::process::{Usage, usage};
use super::workload::{Batch, Workload};
use crate::data_dir;
use crate::failure::Failure;

/// What ingest came to.
#[derive(Clone, Debug)]
pub(crate) struct Ingest {
    events: u64,
    /// From the first batch to the last acknowledgement.
    seconds: f64,
    /// From the last acknowledgement until nothing is left to pack or compact.
    drain_seconds: f64,
    cpu_us: u64,
    cpu_us_by_thread: BTreeMap<String, u64>,
    acks_ms: Vec<f64>,
    frames: u64,
    busy: u64,
    segments: usize,
    compacted_rows: u64,
    written_bytes: u64,
    kept_bytes: u64,
}

impl Ingest {
    /// Returns the figures.
    pub(crate) fn measures(&self) -> Vec<Measure> {
        let each = |count: u64| count as f64 / self.events.max(1) as f64;
        let (gate, goal) = (Bound::AtMost(20.0), Bound::AtMost(14.0));
        let mut measures = vec![
            Measure::new("events acknowledged", self.events as f64 / self.seconds, "/s")
                .bounds(Bound::AtLeast(100_000.0), Bound::AtLeast(130_000.0)),
            Measure::new("CPU an event, drained", each(self.cpu_us), "µs").bounds(gate, goal),
        ];
        for (name, cpu_us) in &self.cpu_us_by_thread {
            measures.push(Measure::new(format!("  of it in {name}"), each(*cpu_us), "µs"));
        }
        let amplification = self.written_bytes as f64 / self.kept_bytes.max(1) as f64;
        measures.extend([
            Measure::new("drained after the last acknowledgement", self.drain_seconds, "s"),
            Measure::new("batch acknowledged, p50", percentile(&self.acks_ms, 50.0), "ms"),
            Measure::new("batch acknowledged, p99", percentile(&self.acks_ms, 99.0), "ms"),
            Measure::new("frames", self.frames as f64, ""),
            Measure::new("busy answers", self.busy as f64, ""),
            Measure::new("segments", self.segments as f64, ""),
            Measure::new("rewrites an event", each(self.compacted_rows), "")
                .bounds(Bound::AtMost(1.5), Bound::AtMost(1.5)),
            Measure::new("bytes written for each that stays", amplification, ""),
        ]);
        measures
    }
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
    let segments = store.view().segments.len();
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (frames, compacted_rows) = (load(&counters.frames), load(&counters.compacted_rows));
    store.stop();
    Ok(Ingest {
        events: workload.events(),
        seconds,
        drain_seconds,
        cpu_us: after.cpu_us - before.cpu_us,
        cpu_us_by_thread: by_thread(&before, &after),
        acks_ms: acks,
        frames,
        busy: load(&busy),
        segments,
        compacted_rows,
        written_bytes: after.written_bytes - before.written_bytes,
        kept_bytes: kept_bytes(&bytes_by_kind(data)),
    })
}

/// Bytes that hold events: all but the reserve and the log, whose last file is reserved space too.
pub(crate) fn kept_bytes(kinds: &BTreeMap<String, u64>) -> u64 {
    let fixed = |kind: &str| kind == "reserve" || kind.starts_with("log/");
    kinds.iter().filter(|(kind, _)| !fixed(kind)).map(|(_, bytes)| bytes).sum()
}

/// Processor time by thread; the senders have ended, so theirs is what nobody else used.
fn by_thread(before: &Usage, after: &Usage) -> BTreeMap<String, u64> {
    let spent =
        |name: &str, cpu: u64| cpu - before.threads.get(name).copied().unwrap_or(0).min(cpu);
    let mut shares: BTreeMap<String, u64> =
        after.threads.iter().map(|(name, cpu)| (name.clone(), spent(name, *cpu))).collect();
    let known: u64 = shares.values().sum();
    let senders = (after.cpu_us - before.cpu_us).saturating_sub(known);
    shares.insert("senders (parse, admit, seal)".to_owned(), senders);
    shares
}

/// How long a sender leaves a busy store alone.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

fn record(store: &Store, batch: &Batch, busy: &AtomicU64) -> Result<(), Failure> {
    loop {
        // A batch is not prepared for nothing while recent is full.
        if store.recent_bytes() >= RECENT_BYTES as u64 {
            busy.fetch_add(1, Ordering::Relaxed);
            sleep(BUSY_PAUSE);
            continue;
        }
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
                sleep(BUSY_PAUSE);
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
pub(crate) fn drain(store: &Store) {
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
