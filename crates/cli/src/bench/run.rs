//! The whole measurement over HTTP, part by part, each figure with its gate and goal (design section
//! 10; docs/performance.md).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proofbook_store::disk::{Disk, RealDisk};
use proofbook_store::open::Options;
use proofbook_store::verify::verify;

use super::baseline::Baseline;
use super::child::ChildServer;
use super::in_process::kept_bytes;
use super::measure::{Bound, Measure};
use super::over_http::{self, p50_p99, path, query};
use super::place::bytes_by_kind;
use super::wire::Wire;
use super::workload::Workload;
use crate::data_dir;
use crate::failure::Failure;

/// How long each question is asked.
const ASK: Duration = Duration::from_secs(2);
/// Events a second at which acknowledgements are timed.
const PACED_EVENTS: u64 = 10_000;
/// Connections of the single-event requests.
const SINGLE_CONNECTIONS: usize = 64;
/// Single-event requests a second beyond which no more is asked of a gate.
const SINGLES_ASKED_MAX: f64 = 15_000.0;
/// The same of the goal.
const SINGLES_GOAL_MAX: f64 = 25_000.0;
/// How long a directory is given to be rid of what merging replaced.
const SETTLE_MAX: Duration = Duration::from_secs(60);
/// How often it is looked at meanwhile.
const SETTLE_STEP: Duration = Duration::from_millis(200);
/// Events of a workspace from which on the bounds of queries apply.
const LARGE_EVENTS: f64 = 100_000.0;
/// Events a second over HTTP that must be acknowledged.
pub(crate) const INGEST_GATE: f64 = 100_000.0;
/// How many we want.
pub(crate) const INGEST_GOAL: f64 = 130_000.0;
const MIB: f64 = 1024.0 * 1024.0;

fn at_most(gate: f64, goal: f64) -> (Bound, Bound) {
    (Bound::AtMost(gate), Bound::AtMost(goal))
}

fn at_least(gate: f64, goal: f64) -> (Bound, Bound) {
    (Bound::AtLeast(gate), Bound::AtLeast(goal))
}

fn bounded(name: &str, value: f64, unit: &'static str, bounds: (Bound, Bound)) -> Measure {
    Measure::new(name, value, unit).bounds(bounds.0, bounds.1)
}

/// Sends the workload, waits until all is drained.
pub(crate) fn ingest(
    server: &ChildServer,
    workload: &Workload,
    connections: usize,
    tick: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Measure>, Failure> {
    let sent = over_http::ingest(server, workload, connections, tick)?;
    let events = workload.events().max(1) as f64;
    let (before, after) = &sent.usage;
    let (p50, p99) = p50_p99(&sent.acknowledged.acks_ms);
    let rate = events / sent.acknowledged.seconds;
    let cpu = (after.cpu_us - before.cpu_us) as f64 / events;
    let mut measures = vec![
        bounded("events acknowledged", rate, "/s", at_least(INGEST_GATE, INGEST_GOAL)),
        bounded("CPU an event, drained", cpu, "µs", at_most(20.0, 14.0)),
    ];
    let grouped = |name: &str| match name {
        "commit" | "background" | "clock" | "proofbook" => name.to_owned(),
        _ => "requests".to_owned(),
    };
    let mut threads: BTreeMap<String, u64> = BTreeMap::new();
    for (name, cpu_us) in &after.threads {
        let spent = cpu_us.saturating_sub(before.threads.get(name).copied().unwrap_or(0));
        *threads.entry(grouped(name)).or_default() += spent;
    }
    for (name, cpu_us) in threads {
        measures.push(Measure::new(format!("  of it in {name}"), cpu_us as f64 / events, "µs"));
    }
    measures.extend([
        Measure::new("drained after the last acknowledgement", sent.drain_seconds, "s"),
        Measure::new("batch of 1,000 acknowledged, p50", p50, "ms"),
        Measure::new("batch of 1,000 acknowledged, p99", p99, "ms"),
        Measure::new("busy answers", sent.acknowledged.busy as f64, ""),
        bounded(
            "resident memory, most",
            after.resident_bytes_max as f64 / MIB,
            "MiB",
            at_most(256.0, 256.0),
        ),
    ]);
    Ok(measures)
}

/// Asks the questions of design section 10.
pub(crate) fn queries(server: &ChildServer, workload: &Workload) -> Result<Vec<Measure>, Failure> {
    let mut wire = server.connect()?;
    let asked = workload.queries();
    let largest = asked.largest_workspace.as_str();
    let newest = path(largest, "events", &[("limit", "20")]);
    let (times, answer) = query(&mut wire, &newest, ASK)?;
    let total = number(&answer, "total").max(1.0);
    let (p50, p99) = p50_p99(&times);
    // The bounds are for a workspace of at least this size; a smaller one's figures stand without.
    let large = total >= LARGE_EVENTS;
    let mut measures = vec![
        Measure::new("events of the largest workspace", total, ""),
        bounded("newest 20 with exact total, p50", p50, "ms", at_most(2.0, 1.0)),
        bounded("newest 20 with exact total, p99", p99, "ms", at_most(10.0, 5.0)),
    ];
    let filtered = [("q", asked.field_filter.as_str()), ("limit", "20")];
    measures.push(ask(
        &mut wire,
        "newest 20, filter on one field, p50",
        &path(largest, "events", &filtered),
        Some(at_most(3.0, 2.0)),
    )?);
    let counted = [("q", asked.field_filter.as_str()), ("limit", "1")];
    let count = ask(&mut wire, "", &path(largest, "events", &counted), None)?;
    measures.push(bounded(
        "exact count of a filter, p50, per 100 k",
        count.value * 100_000.0 / total,
        "ms",
        at_most(3.0, 1.5),
    ));
    let facet = ask(&mut wire, "", &path(largest, "facets", &[("field", "action")]), None)?;
    measures.push(bounded(
        "facet of action, p50, per 100 k",
        facet.value * 100_000.0 / total,
        "ms",
        at_most(4.0, 2.0),
    ));
    let histogram = path(largest, "histogram", &[("interval", "day")]);
    measures.push(ask(&mut wire, "histogram by day, p50", &histogram, None)?);
    let rare = path(largest, "events", &[("q", asked.rare_word.as_str()), ("limit", "20")]);
    let (times, answer) = query(&mut wire, &rare, ASK)?;
    check("hits of the rare word", number(&answer, "total"), asked.rare_hits as f64)?;
    measures.push(bounded(
        "rare word, p50, per 1 M",
        p50_p99(&times).0 * 1e6 / total,
        "ms",
        at_most(20.0, 10.0),
    ));
    let inside = path(largest, "events", &[("q", asked.id_substring.as_str()), ("limit", "20")]);
    let (times, answer) = query(&mut wire, &inside, ASK)?;
    check("hits of a part of an id", number(&answer, "total"), 1.0)?;
    measures.push(bounded(
        "substring inside ids, p50, per 1 M",
        p50_p99(&times).0 * 1e6 / total,
        "ms",
        at_most(300.0, 150.0),
    ));
    let by_id = format!("/v1/workspaces/{largest}/events/{}", asked.id_of_substring);
    measures.push(ask(&mut wire, "one event by its id, p50", &by_id, None)?);
    let middle = path(&asked.middle_workspace, "events", &[("limit", "20")]);
    measures.push(ask(&mut wire, "newest 20 of a workspace of middle size, p50", &middle, None)?);
    if !large {
        measures = measures.into_iter().map(Measure::unbounded).collect();
    }
    let resident = server.usage().resident_bytes_max as f64 / MIB;
    measures.push(bounded("resident memory, most", resident, "MiB", at_most(256.0, 256.0)));
    Ok(measures)
}

fn ask(
    wire: &mut Wire,
    name: &str,
    path: &str,
    bounds: Option<(Bound, Bound)>,
) -> Result<Measure, Failure> {
    let (times, _) = query(wire, path, ASK)?;
    let measure = Measure::new(name, p50_p99(&times).0, "ms");
    Ok(match bounds {
        Some((gate, goal)) => measure.bounds(gate, goal),
        None => measure,
    })
}

fn number(answer: &[u8], key: &str) -> f64 {
    let value: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    value[key].as_f64().unwrap_or(-1.0)
}

/// A fast answer that is wrong is no answer.
fn check(what: &str, found: f64, expected: f64) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    Err(Failure::failed(format!("{what}: {found} instead of {expected}; this is our fault")))
}

/// Times acknowledgements at a steady rate, then single-event requests.
pub(crate) fn latency(
    server: &ChildServer,
    workload: &Workload,
    baseline: &Baseline,
) -> Result<Vec<Measure>, Failure> {
    const PACED_FOR: Duration = Duration::from_secs(10);
    const SINGLES_FOR: Duration = Duration::from_secs(5);
    let acks = over_http::ack_latency(server, workload, PACED_EVENTS, PACED_FOR)?;
    let (p50, p99) = p50_p99(&acks);
    let bound = 3.0 * baseline.fdatasync_p99_us / 1e3 + 10.0;
    server.drain();
    // Another seed: these events must not be there yet.
    let other = Workload::new(77, workload.workspaces().len(), 200_000);
    let singles = over_http::single_events(server, &other, SINGLE_CONNECTIONS, SINGLES_FOR)?;
    let possible = SINGLE_CONNECTIONS as f64 / (baseline.fdatasync_p50_us / 1e6);
    let gate = (0.5 * possible).min(SINGLES_ASKED_MAX);
    let goal = (0.5 * possible).min(SINGLES_GOAL_MAX);
    Ok(vec![
        Measure::new("acknowledged at 10,000 events/s, p50", p50, "ms"),
        bounded("acknowledged at 10,000 events/s, p99", p99, "ms", at_most(bound, bound)),
        bounded("single-event requests, 64 connections", singles, "/s", at_least(gate, goal)),
    ])
}

/// Ends the server as a power cut does and starts it again.
pub(crate) fn recovery(
    server: ChildServer,
    data: &Path,
) -> Result<(ChildServer, Vec<Measure>), Failure> {
    server.kill();
    let server = ChildServer::start(data)?;
    let seconds = server.start_seconds;
    let measure = bounded("start after a kill, until it answers", seconds, "s", at_most(2.0, 1.0));
    Ok((server, vec![measure]))
}

/// Re-hashes and rebuilds everything in a stopped directory.
pub(crate) fn verified(data: &Path) -> Result<Vec<Measure>, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let disk: Arc<dyn Disk> = Arc::new(
        RealDisk::open(data)
            .map_err(|error| Failure::failed("cannot open the data").because(error))?,
    );
    let begin = Instant::now();
    let before = super::process::usage(None).cpu_us;
    let report = verify(&disk, cores)
        .map_err(|error| Failure::failed("cannot verify the data").because(error))?;
    let seconds = begin.elapsed().as_secs_f64();
    let cpu_seconds = (super::process::usage(None).cpu_us - before) as f64 / 1e6;
    if let Some(damage) = report.damage.first() {
        return Err(Failure::failed(format!("verify found damage: {damage}")));
    }
    let events = report.event_count as f64;
    Ok(vec![
        bounded(
            "events verified, per core",
            events / cpu_seconds.max(0.01),
            "/s",
            at_least(200_000.0, 300_000.0),
        ),
        Measure::new("events verified, all cores", events / seconds, "/s"),
    ])
}

/// Says where the bytes are: by kind of file and by column.
pub(crate) fn space(data: &Path) -> Result<Vec<Measure>, Failure> {
    let store = data_dir::start_store(data, Options::default(), data_dir::on_fatal())?;
    // What was being merged when the server was killed is finished now; what it replaced takes room until
    // it is gone.
    let begin = Instant::now();
    let is_merging = || {
        let view = store.view();
        let files = view.segments.iter().map(|segment| segment.files());
        let live: u64 = files.map(|files| files.parquet.len + files.idx.len).sum();
        let kinds = bytes_by_kind(data).into_iter();
        let there: u64 =
            kinds.filter(|(kind, _)| kind.starts_with("segments/")).map(|(_, bytes)| bytes).sum();
        there > live
    };
    while is_merging() && begin.elapsed() < SETTLE_MAX {
        std::thread::sleep(SETTLE_STEP);
    }
    let view = store.view();
    let rows: u64 = view.segments.iter().map(|segment| u64::from(segment.rows())).sum();
    let each = |bytes: u64| bytes as f64 / rows.max(1) as f64;
    let kinds = bytes_by_kind(data);
    let mut measures = vec![
        bounded(
            "bytes on disk an event, packed",
            each(kept_bytes(&kinds)),
            "B",
            at_most(80.0, 66.0),
        ),
        Measure::new("segments", view.segments.len() as f64, ""),
        Measure::new("events in segments", rows as f64, ""),
    ];
    for (kind, bytes) in &kinds {
        let reserved = kind == "reserve" || kind.starts_with("log/");
        let (value, unit) =
            if reserved { (*bytes as f64 / MIB, "MiB") } else { (each(*bytes), "B/event") };
        measures.push(Measure::new(format!("  {kind}"), value, unit));
    }
    let mut parts: BTreeMap<String, u64> = BTreeMap::new();
    for line in view.segments.iter().flat_map(|segment| segment.byte_ledger()) {
        *parts.entry(line.part).or_default() += line.bytes;
    }
    for (part, bytes) in parts {
        measures.push(Measure::new(format!("  {part}"), each(bytes), "B/event"));
    }
    drop(view);
    store.stop();
    Ok(measures)
}

/// Gives each of very many workspaces a few events.
pub(crate) fn many(
    server: &ChildServer,
    workload: &Workload,
    connections: usize,
    tick: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Measure>, Failure> {
    let sent = over_http::ingest(server, workload, connections, tick)?;
    let mut wire = server.connect()?;
    let names = workload.workspaces();
    let middle = &names[names.len() / 2];
    let (times, answer) = query(&mut wire, &path(middle, "events", &[("limit", "20")]), ASK)?;
    let each = workload.events() / names.len().max(1) as u64;
    check("events of one of the workspaces", number(&answer, "total"), each as f64)?;
    let usage = server.usage();
    Ok(vec![
        Measure::new("workspaces", names.len() as f64, ""),
        Measure::new(
            "events acknowledged",
            workload.events() as f64 / sent.acknowledged.seconds,
            "/s",
        ),
        bounded(
            "resident memory, most",
            usage.resident_bytes_max as f64 / MIB,
            "MiB",
            at_most(256.0, 256.0),
        ),
        bounded("newest 20 of one of them, p50", p50_p99(&times).0, "ms", at_most(4.0, 2.0)),
    ])
}
