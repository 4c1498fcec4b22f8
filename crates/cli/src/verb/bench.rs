//! `bench`: measures this machine with workload W.

use std::path::PathBuf;

use serde_json::json;

use crate::bench::baseline::{self, Baseline};
use crate::bench::in_process::{self, Ingest};
use crate::bench::place::Place;
use crate::bench::workload::Workload;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::Progress;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  proofbook bench --events 1000000

The workload and the gates are in docs/performance.md. Everything is written below --dir, into a
directory that is removed in the end.")]
pub(crate) struct Arguments {
    /// How many events are recorded
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    events: u64,
    /// Over how many workspaces they are spread
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    workspaces: usize,
    /// A small run, to see that it works: 50,000 events
    #[arg(long)]
    quick: bool,
    /// Leave HTTP out: record from threads of this process
    #[arg(long)]
    in_process: bool,
    /// Threads or connections that send
    #[arg(long, value_name = "N", default_value_t = 4)]
    connections: usize,
    /// Where to write; choose a directory on the disk that is to be measured
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Leave the data directory in place
    #[arg(long)]
    keep: bool,
}

const SEED: u64 = 1;
const QUICK_EVENTS: u64 = 50_000;

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let place = Place::below(&arguments.dir, arguments.keep).map_err(|error| {
        Failure::usage(format!("cannot write in {}", arguments.dir.display())).because(error)
    })?;
    let baseline = baseline::measure(&place.join(""))
        .map_err(|error| Failure::failed("cannot measure the disk").because(error))?;
    print_baseline(&baseline, output)?;
    let events = if arguments.quick { QUICK_EVENTS } else { arguments.events };
    let workload = Workload::new(SEED, arguments.workspaces, events);
    let progress = Progress::of_items(output, events);
    let ingest =
        in_process::ingest(&place.join("data"), &workload, arguments.connections, &|done| {
            progress.at(done, "events in process");
        })?;
    progress.clear();
    print_ingest(&ingest, output)
}

fn print_baseline(baseline: &Baseline, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&json!({ "baseline": baseline }));
    }
    let Baseline { cores, fdatasync_p50_us, fdatasync_p99_us, .. } = baseline;
    output.line(&format!(
        "machine: {cores} cores, SHA-256 {:.2} GB/s and {:.1} M short/s a core, memcpy {:.1} GB/s, \
         fdatasync {fdatasync_p50_us:.0} µs p50, {fdatasync_p99_us:.0} µs p99",
        baseline.sha256_bytes_per_second / 1e9,
        baseline.sha256_short_per_second / 1e6,
        baseline.memcpy_bytes_per_second / 1e9,
    ))
}

fn print_ingest(ingest: &Ingest, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&json!({ "ingest_in_process": ingest }));
    }
    let row = |what: &str, value: String| vec![what.to_owned(), value];
    let mut rows = vec![
        row("events/s until acknowledged", format!("{:.0}", ingest.events_per_second)),
        row("drained after", format!("{:.1} s", ingest.drain_seconds)),
        row("CPU an event, drained", format!("{:.2} µs", ingest.cpu_us_per_event)),
    ];
    for (name, cpu) in &ingest.cpu_us_per_event_by_thread {
        rows.push(row(&format!("  {name}"), format!("{cpu:.2} µs")));
    }
    rows.extend([
        row("batch acknowledged p50", format!("{:.1} ms", ingest.ack_p50_ms)),
        row("batch acknowledged p99", format!("{:.1} ms", ingest.ack_p99_ms)),
        row("frames", ingest.frames.to_string()),
        row("busy answers", ingest.busy.to_string()),
        row("segments", ingest.segments.to_string()),
        row("rewrites an event", format!("{:.2}", ingest.rewrites_per_event)),
        row("write amplification", format!("{:.2}", ingest.write_amplification)),
        row("bytes on disk an event", format!("{:.1}", ingest.disk_bytes_per_event)),
        row("most memory", format!("{:.0} MiB", ingest.resident_bytes_max as f64 / 1048576.0)),
    ]);
    for (kind, bytes) in &ingest.disk_bytes {
        rows.push(row(&format!("  {kind}"), format!("{bytes} bytes")));
    }
    output.table(&["ingest in process", ""], &rows)
}
