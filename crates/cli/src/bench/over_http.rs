//! Measurements over HTTP on loopback, against a server in its own process.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::baseline::percentile;
use super::child::ChildServer;
use super::process::Usage;
use super::wire::Wire;
use super::workload::Workload;
use crate::client::part;
use crate::failure::Failure;

/// What it came to until all was acknowledged.
pub(crate) struct Acknowledged {
    /// From the first batch to the last acknowledgement, seconds.
    pub(crate) seconds: f64,
    /// Acknowledgements of batches, milliseconds, sorted.
    pub(crate) acks_ms: Vec<f64>,
    /// Times that the server said it was busy and a batch was sent again.
    pub(crate) busy: u64,
}

/// What ingest came to.
pub(crate) struct Sent {
    /// What it came to until all was acknowledged.
    pub(crate) acknowledged: Acknowledged,
    /// From the last acknowledgement until nothing was left to pack, seconds.
    pub(crate) drain_seconds: f64,
    /// What the server had used before and when everything was drained.
    pub(crate) usage: (Usage, Usage),
}

/// How long a sender waits after a busy answer.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Sends a workload and waits until everything is drained.
pub(crate) fn ingest(
    server: &ChildServer,
    workload: &Workload,
    connections: usize,
    tick: &(dyn Fn(u64) + Sync),
) -> Result<Sent, Failure> {
    let before = server.usage();
    let acknowledged = send_all(server, workload, connections, tick)?;
    let begin = Instant::now();
    let after = server.drain();
    let drain_seconds = begin.elapsed().as_secs_f64();
    Ok(Sent { acknowledged, drain_seconds, usage: (before, after) })
}

/// Sends a workload's batches on some connections, each batch again while the server is busy.
pub(crate) fn send_all(
    server: &ChildServer,
    workload: &Workload,
    connections: usize,
    tick: &(dyn Fn(u64) + Sync),
) -> Result<Acknowledged, Failure> {
    let begin = Instant::now();
    let (next, done, busy) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let acks_ms = on_threads(connections, |acks| {
        let mut wire = server.connect()?;
        let (mut batch, mut answer) = (Vec::new(), Vec::new());
        loop {
            let events = workload.fill(next.fetch_add(1, Ordering::Relaxed), &mut batch) as u64;
            if events == 0 {
                return Ok(());
            }
            let begin = Instant::now();
            send(&mut wire, &batch, &mut answer, &busy)?;
            acks.push(begin.elapsed().as_secs_f64() * 1e3);
            tick(done.fetch_add(events, Ordering::Relaxed) + events);
        }
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    Ok(Acknowledged { seconds, acks_ms, busy: busy.load(Ordering::Relaxed) })
}

/// Sends those lines of a workload that pass and returns how many there are.
pub(crate) fn ingest_some(
    server: &ChildServer,
    workload: &Workload,
    connections: usize,
    passes: &(dyn Fn(&[u8]) -> bool + Sync),
    tick: &(dyn Fn(u64) + Sync),
) -> Result<u64, Failure> {
    let (next, done, busy) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    on_threads(connections, |_| {
        let mut wire = server.connect()?;
        let (mut batch, mut some, mut answer) = (Vec::new(), Vec::new(), Vec::new());
        while workload.fill(next.fetch_add(1, Ordering::Relaxed), &mut batch) > 0 {
            some.clear();
            let mut events = 0;
            for line in batch.split_inclusive(|byte| *byte == b'\n').filter(|line| passes(line)) {
                some.extend_from_slice(line);
                events += 1;
            }
            if events > 0 {
                send(&mut wire, &some, &mut answer, &busy)?;
            }
            tick(done.fetch_add(events, Ordering::Relaxed) + events);
        }
        Ok(())
    })?;
    Ok(done.load(Ordering::Relaxed))
}

/// Sends one request and fails when an event in it is refused.
fn send(
    wire: &mut Wire,
    ndjson: &[u8],
    answer: &mut Vec<u8>,
    busy: &AtomicU64,
) -> Result<(), Failure> {
    loop {
        match wire.post("/v1/events", ndjson, answer).map_err(lost)? {
            201 => return Ok(()),
            429 | 503 => {
                busy.fetch_add(1, Ordering::Relaxed);
                sleep(BUSY_PAUSE);
            }
            status => return Err(odd(status, answer)),
        }
    }
}

/// Sends batches of `batch_events` at a steady rate, whether or not earlier ones were answered, and
/// returns from when each was due until it was acknowledged, milliseconds, sorted.
pub(crate) fn ack_latency(
    server: &ChildServer,
    workload: &Workload,
    events_per_second: u64,
    lasting: Duration,
) -> Result<Vec<f64>, Failure> {
    const BATCH_EVENTS: usize = 100;
    const CONNECTIONS: usize = 8;
    let lines = lines(workload, (events_per_second * lasting.as_secs()) as usize);
    let batches: Vec<Vec<u8>> = lines.chunks(BATCH_EVENTS).map(|lines| lines.concat()).collect();
    let interval = Duration::from_secs_f64(BATCH_EVENTS as f64 / events_per_second as f64);
    let (begin, next, busy) = (Instant::now(), AtomicU64::new(0), AtomicU64::new(0));
    on_threads(CONNECTIONS, |times| {
        let mut wire = server.connect()?;
        let mut answer = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed) as usize;
            let Some(batch) = batches.get(index) else { return Ok(()) };
            let due = begin + interval * index as u32;
            sleep(due.saturating_duration_since(Instant::now()));
            send(&mut wire, batch, &mut answer, &busy)?;
            times.push(due.elapsed().as_secs_f64() * 1e3);
        }
    })
}

/// Sends one event a request on many connections and returns requests a second.
pub(crate) fn single_events(
    server: &ChildServer,
    workload: &Workload,
    connections: usize,
    lasting: Duration,
) -> Result<f64, Failure> {
    let lines = lines(workload, 200_000);
    let (next, busy) = (AtomicU64::new(0), AtomicU64::new(0));
    let over = AtomicBool::new(false);
    let begin = Instant::now();
    let times = on_threads(connections, |times| {
        let mut wire = server.connect()?;
        let mut answer = Vec::new();
        while !over.load(Ordering::Relaxed) && begin.elapsed() < lasting {
            let index = next.fetch_add(1, Ordering::Relaxed) as usize;
            let Some(line) = lines.get(index) else {
                over.store(true, Ordering::Relaxed);
                break;
            };
            send(&mut wire, line, &mut answer, &busy)?;
            times.push(0.0);
        }
        Ok(())
    })?;
    Ok(times.len() as f64 / begin.elapsed().as_secs_f64())
}

/// The first lines of a workload, each with its line feed.
fn lines(workload: &Workload, count: usize) -> Vec<Vec<u8>> {
    let mut lines = Vec::with_capacity(count);
    let mut batch = Vec::new();
    let mut index = 0;
    while lines.len() < count && workload.fill(index, &mut batch) > 0 {
        lines.extend(batch.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec));
        index += 1;
    }
    lines.truncate(count);
    lines
}

/// Asks the same question again and again and returns how long each took, milliseconds, sorted, with
/// the last answer.
pub(crate) fn query(
    wire: &mut Wire,
    path: &str,
    lasting: Duration,
) -> Result<(Vec<f64>, Vec<u8>), Failure> {
    const WARM_UP: usize = 3;
    const AT_LEAST: usize = 10;
    const AT_MOST: usize = 500;
    let mut times = Vec::new();
    let mut answer = Vec::new();
    let begin = Instant::now();
    for round in 0..WARM_UP + AT_MOST {
        let asked = Instant::now();
        let status = wire.get(path, &mut answer).map_err(lost)?;
        if status != 200 {
            return Err(odd(status, &answer));
        }
        if round >= WARM_UP {
            times.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        if times.len() >= AT_LEAST && begin.elapsed() >= lasting {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    Ok((times, answer))
}

/// Returns the path of a question to a workspace.
pub(crate) fn path(workspace: &str, what: &str, query: &[(&str, &str)]) -> String {
    let query: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", part(value))).collect();
    format!("/v1/workspaces/{}/{what}?{}", part(workspace), query.join("&"))
}

/// Returns median and 99th of 100 of sorted times.
pub(crate) fn p50_p99(sorted: &[f64]) -> (f64, f64) {
    (percentile(sorted, 50.0), percentile(sorted, 99.0))
}

/// Runs the same on some threads and returns what all of them noted, sorted.
fn on_threads(
    count: usize,
    run: impl Fn(&mut Vec<f64>) -> Result<(), Failure> + Sync,
) -> Result<Vec<f64>, Failure> {
    let all: Mutex<Vec<f64>> = Mutex::default();
    let failed: Mutex<Option<Failure>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| {
                let mut own = Vec::new();
                if let Err(failure) = run(&mut own) {
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
                }
                all.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
            });
        }
    });
    if let Some(failure) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(failure);
    }
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by(f64::total_cmp);
    Ok(all)
}

fn lost(error: io::Error) -> Failure {
    Failure::failed("the connection to the measured server broke").because(error)
}

fn odd(status: u16, answer: &[u8]) -> Failure {
    let text: String = String::from_utf8_lossy(answer).chars().take(500).collect();
    Failure::failed(format!("the measured server answered {status}: {text}"))
}
