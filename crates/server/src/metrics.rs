//! Figures about the server for Prometheus, counted without locks.
//!
//! No label holds anything that a client chose: routes come from the table, statuses by class.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use proofbook_delivery::warnings::Kind;
use proofbook_store::config::Erasure;
use proofbook_store::store::Store;

use crate::app::App;
use crate::routes::ROUTES;
use crate::routes::erasures::{STATES, state_of};

/// Upper bounds of the buckets of durations, in microseconds.
const BOUNDS_MICROS: [u64; 10] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_500_000, 10_000_000];

/// Figures of one route.
#[derive(Debug, Default)]
struct RouteFigures {
    /// Answers by the first digit of their status, 2 to 5.
    by_class: [AtomicU64; 4],
    /// Answers by duration; the last holds what is slower than every bound.
    by_duration: [AtomicU64; BOUNDS_MICROS.len() + 1],
    micros: AtomicU64,
}

/// Every figure that the server itself counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// By route of the table; the last is for addresses that are not in it.
    routes: Vec<RouteFigures>,
    /// Events answered as created.
    pub(crate) created: AtomicU64,
    /// Events answered as duplicates.
    pub(crate) duplicates: AtomicU64,
    /// Events refused one by one.
    pub(crate) rejected: AtomicU64,
    /// Whether the newest answer of the log was that the disk is full.
    pub(crate) no_space: AtomicBool,
    /// Connections that are open.
    pub(crate) connections: AtomicU64,
    /// Connections turned away because too many were open.
    pub(crate) connections_refused: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            routes: (0..=ROUTES.len()).map(|_| RouteFigures::default()).collect(),
            created: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            no_space: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            connections_refused: AtomicU64::new(0),
        }
    }
}

impl Metrics {
    /// Counts an answer; for streams the duration is that until their head was sent.
    pub(crate) fn answered(&self, route: Option<usize>, status: u16, took: Duration) {
        let Some(figures) = self.routes.get(route.unwrap_or(ROUTES.len())) else { return };
        let class = usize::from(status / 100).clamp(2, 5) - 2;
        figures.by_class[class].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        figures.by_duration[bucket].fetch_add(1, Ordering::Relaxed);
        figures.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// Writes every figure in the text format of Prometheus, version 0.0.4.
pub(crate) fn write(app: &App) -> String {
    let mut out = String::with_capacity(16 * 1024);
    write_routes(&app.metrics, &mut out);
    write_store(&app.store, &mut out);
    write_deliveries(app, &mut out);
    write_warnings(app, &mut out);
    write_erasures(app, &mut out);
    write_cosignatures(app, &mut out);
    let metrics = &app.metrics;
    let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
    let name = "proofbook_ingested_events_total";
    family(&mut out, name, "counter", "Events by what became of them.");
    for (result, figure) in [
        ("created", &metrics.created),
        ("duplicate", &metrics.duplicates),
        ("rejected", &metrics.rejected),
    ] {
        line(&mut out, name, &format!("{{result=\"{result}\"}}"), load(figure));
    }
    single(
        &mut out,
        "proofbook_store_no_space",
        "gauge",
        "1 when the newest append found no space.",
        u64::from(metrics.no_space.load(Ordering::Relaxed)),
    );
    single(
        &mut out,
        "proofbook_http_connections",
        "gauge",
        "Open connections.",
        load(&metrics.connections),
    );
    single(
        &mut out,
        "proofbook_http_connections_refused_total",
        "counter",
        "Connections turned away because too many were open.",
        load(&metrics.connections_refused),
    );
    single(
        &mut out,
        "proofbook_http_body_memory_bytes",
        "gauge",
        "Memory held by requests in flight.",
        app.memory.held_bytes() as u64,
    );
    let name = "proofbook_http_places_taken";
    family(&mut out, name, "gauge", "Requests of each bounded kind that run now.");
    for (kind, places) in [
        ("ingest", &app.ingest),
        ("query", &app.queries),
        ("export", &app.exports),
        ("tail", &app.tails),
    ] {
        line(&mut out, name, &format!("{{kind=\"{kind}\"}}"), places.taken() as u64);
    }
    out
}

fn write_routes(metrics: &Metrics, out: &mut String) {
    let label = |index: usize| match ROUTES.get(index) {
        Some(route) => format!("method=\"{}\",route=\"{}\"", route.method, route.path),
        None => "method=\"-\",route=\"-\"".to_owned(),
    };
    let name = "proofbook_http_requests_total";
    family(out, name, "counter", "Answers by route and class of status.");
    for (index, figures) in metrics.routes.iter().enumerate() {
        for (class, count) in figures.by_class.iter().enumerate() {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                let labels = format!("{{{},status=\"{}xx\"}}", label(index), class + 2);
                line(out, name, &labels, count);
            }
        }
    }
    let name = "proofbook_http_request_duration_seconds";
    family(out, name, "histogram", "Time until an answer's head was ready.");
    for (index, figures) in metrics.routes.iter().enumerate() {
        let counts: Vec<u64> =
            figures.by_duration.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        if total == 0 {
            continue;
        }
        let mut below = 0;
        for (bound, count) in BOUNDS_MICROS.iter().zip(&counts) {
            below += count;
            let labels = format!("{{{},le=\"{}\"}}", label(index), *bound as f64 / 1e6);
            line(out, &format!("{name}_bucket"), &labels, below);
        }
        line(out, &format!("{name}_bucket"), &format!("{{{},le=\"+Inf\"}}", label(index)), total);
        let seconds = figures.micros.load(Ordering::Relaxed) as f64 / 1e6;
        // Writing to a String does not fail.
        let _ = writeln!(out, "{name}_sum{{{}}} {seconds}", label(index));
        line(out, &format!("{name}_count"), &format!("{{{}}}", label(index)), total);
    }
}

fn write_store(store: &Store, out: &mut String) {
    let counters = store.counters();
    let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
    let rows = [
        ("proofbook_log_frames_total", "Frames written to the log.", load(&counters.frames)),
        ("proofbook_log_events_total", "Events handed to the log.", load(&counters.events)),
        (
            "proofbook_packed_rows_total",
            "Events packed into segments.",
            load(&counters.packed_rows),
        ),
        (
            "proofbook_compacted_rows_total",
            "Events written again by compaction.",
            load(&counters.compacted_rows),
        ),
        (
            "proofbook_background_failures_total",
            "Times that background work failed and was put off.",
            load(&counters.background_failures),
        ),
    ];
    for (name, help, value) in rows {
        single(out, name, "counter", help, value);
    }
    let flag = |flag: bool| u64::from(flag);
    let view = store.view();
    let rows = [
        ("proofbook_recent_bytes", "Memory of events not yet packed.", store.recent_bytes()),
        ("proofbook_segments", "Live segments.", view.segments.len() as u64),
        (
            "proofbook_segments_unreadable",
            "Live segments whose index is damaged, so that their events cannot be answered.",
            view.segments.iter().filter(|segment| segment.damage().is_some()).count() as u64,
        ),
        ("proofbook_workspaces", "Workspaces.", store.directory().all().len() as u64),
        (
            "proofbook_store_failed",
            "1 when the store stopped because of an error.",
            flag(counters.failed.load(Ordering::Relaxed)),
        ),
    ];
    for (name, help, value) in rows {
        single(out, name, "gauge", help, value);
    }
}

/// Destinations that have lines of their own; of more the first by their ids.
const DESTINATIONS_SHOWN_MAX: usize = 100;

fn write_deliveries(app: &App, out: &mut String) {
    let config = app.store.view().config.clone();
    let board = app.delivery.board();
    let shown: Vec<_> = config
        .destinations
        .values()
        .take(DESTINATIONS_SHOWN_MAX)
        .map(|destination| (destination, board.health_of(&destination.id)))
        .collect();
    let label = |id: &str, kind: &str| format!("{{destination=\"{id}\",kind=\"{kind}\"}}");
    let name = "proofbook_delivery_behind";
    family(out, name, "gauge", "Numbers that a destination has not dealt with yet.");
    for (known, _) in &shown {
        line(out, name, &label(&known.id, &known.kind), app.delivery.lag(known));
    }
    let name = "proofbook_delivery_sent_total";
    family(out, name, "counter", "Messages that a destination took.");
    for (known, health) in &shown {
        line(out, name, &label(&known.id, &known.kind), health.sent);
    }
    let name = "proofbook_delivery_failed_total";
    family(out, name, "counter", "Times that a message did not arrive.");
    for (known, health) in &shown {
        line(out, name, &label(&known.id, &known.kind), health.failed);
    }
    let name = "proofbook_delivery_failing";
    family(out, name, "gauge", "1 while a destination fails or cannot be used.");
    for (known, health) in &shown {
        let fails = health.failing_since.is_some() || health.unusable.is_some();
        line(out, name, &label(&known.id, &known.kind), u64::from(fails));
    }
}

fn write_warnings(app: &App, out: &mut String) {
    let config = app.store.view().config.clone();
    let name = "proofbook_warnings";
    family(out, name, "gauge", "Warnings that are not over, by kind.");
    for (kind, _) in Kind::ALL {
        let count = config.warned.all().filter(|warning| warning.kind == kind).count();
        line(out, name, &format!("{{kind=\"{kind}\"}}"), count as u64);
    }
}

fn write_erasures(app: &App, out: &mut String) {
    let (config, now) = (app.store.view().config.clone(), app.store.now().micros());
    let name = "proofbook_erasures";
    family(out, name, "gauge", "Erasures by state; one that is overdue should alarm somebody.");
    for state in STATES {
        let is_so = |erasure: &&Erasure| state_of(erasure, now) == state;
        let count = config.erasures.values().filter(is_so).count();
        line(out, name, &format!("{{state=\"{state}\"}}"), count as u64);
    }
}

fn write_cosignatures(app: &App, out: &mut String) {
    let Some(cosigners) = &app.cosigners else { return };
    let name = "proofbook_witness_submissions_total";
    let help =
        "Heads carried to a witness by what came of it; ahead and forked should alarm somebody.";
    family(out, name, "counter", help);
    for (outcome, count) in cosigners.counts() {
        line(out, name, &format!("{{outcome=\"{outcome}\"}}"), count);
    }
}

fn single(out: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    family(out, name, kind, help);
    line(out, name, "", value);
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &str, value: u64) {
    // Writing to a String does not fail.
    let _ = writeln!(out, "{name}{labels} {value}");
}
