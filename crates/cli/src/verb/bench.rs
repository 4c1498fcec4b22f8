//! `bench`: measures this machine with workload W.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::bench::audit;
use crate::bench::baseline::{self, Baseline};
use crate::bench::child::ChildServer;
use crate::bench::delivery;
use crate::bench::in_process;
use crate::bench::measure::{self, Measure};
use crate::bench::micro;
use crate::bench::place::Place;
use crate::bench::retention;
use crate::bench::run;
use crate::bench::workload::Workload;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::Progress;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook bench
  proofbook bench --quick
  proofbook bench --part ingest --part queries --events 10000000
  proofbook bench --part retention --events 1000000
  proofbook bench --part delivery --events 200000
  proofbook bench --in-process --events 1000000

Workload W is described in docs/performance.md. The server runs as a process of its own; this one makes
the load. Everything is written below --dir, into a directory that is removed in the end. A missed
gate is said and is no failure of the run.")]
pub(crate) struct Arguments {
    /// How many events are recorded
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    events: u64,
    /// Over how many workspaces they are spread
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    workspaces: usize,
    /// A small run, to see that it works: 50,000 events, without `many`
    #[arg(long)]
    quick: bool,
    /// Only these parts; `ingest` always runs, except for `retention` and `delivery` alone
    #[arg(long, value_name = "PART", value_enum)]
    part: Vec<Part>,
    /// Leave HTTP out: record from threads of this process
    #[arg(long, conflicts_with_all = ["part", "micro"])]
    in_process: bool,
    /// Time the single steps an event takes, on one core
    #[arg(long, conflicts_with = "part")]
    micro: bool,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Take in the workload and drain
    Ingest,
    /// Lists, counts, facets, words
    Queries,
    /// Acknowledgements at a steady rate, single-event requests
    Latency,
    /// Start after a kill
    Recovery,
    /// Re-hash and rebuild everything
    Verify,
    /// Bytes on disk by kind and column
    Space,
    /// 100,000 workspaces with 10 events each
    Many,
    /// Purge half of the events of four plans; only when it is named
    Retention,
    /// Send events to receivers, and take some in meanwhile; only when it is named
    Delivery,
}

const SEED: u64 = 1;
const QUICK_EVENTS: u64 = 50_000;
/// Workspaces of the part `many`, and events of each.
const MANY: (usize, u64) = (100_000, 10);

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let place = Place::below(&arguments.dir, arguments.keep).map_err(|error| {
        Failure::usage(format!("cannot write in {}", arguments.dir.display())).because(error)
    })?;
    let baseline = baseline::measure(&place.join(""))
        .map_err(|error| Failure::failed("cannot measure the disk").because(error))?;
    print_baseline(&baseline, output)?;
    let events = if arguments.quick { QUICK_EVENTS } else { arguments.events };
    let workload = Workload::new(SEED, arguments.workspaces, events);
    let data = place.join("data");
    if arguments.micro {
        let measures = micro::steps(&data, &workload)?;
        return measure::print("one core, each step alone", &measures, output);
    }
    if arguments.in_process {
        let progress = Progress::of_items(output, events);
        let tick = |done| progress.at(done, "events recorded");
        let ingest = in_process::ingest(&data, &workload, arguments.connections, &tick)?;
        progress.clear();
        measure::print("ingest in process", &ingest.measures(), output)?;
        return measure::print("space", &run::space(&data)?, output);
    }
    let has_own_server = |part: &Part| matches!(part, Part::Retention | Part::Delivery);
    if arguments.part.is_empty() || !arguments.part.iter().all(has_own_server) {
        over_http(&arguments, &baseline, &workload, &data, output)?;
    }
    if arguments.part.contains(&Part::Retention) {
        let progress = Progress::of_items(output, events);
        let tick = |done| progress.at(done, "events acknowledged");
        let below = |name: &str| place.join(name);
        let (workspaces, connections) = (arguments.workspaces, arguments.connections);
        let measures = retention::measure(&below, events, workspaces, connections, &tick)?;
        progress.clear();
        measure::print("retention", &measures, output)?;
    }
    if arguments.part.contains(&Part::Delivery) {
        let progress = Progress::of_items(output, events);
        let tick = |done| progress.at(done, "events acknowledged");
        let below = |name: &str| place.join(name);
        let measures = delivery::measure(&below, &workload, arguments.connections, &tick)?;
        progress.clear();
        measure::print("delivery", &measures, output)?;
    }
    if arguments.wants(Part::Many) {
        let (workspaces, each) = MANY;
        let workload = Workload::in_turn(SEED, workspaces, each);
        let server = ChildServer::start(&place.join("many"))?;
        let progress = Progress::of_items(output, workload.events());
        let tick = |done| progress.at(done, "events acknowledged");
        let measures = run::many(&server, &workload, arguments.connections, &tick)?;
        progress.clear();
        server.stop()?;
        measure::print("many workspaces", &measures, output)?;
    }
    Ok(())
}

impl Arguments {
    fn wants(&self, part: Part) -> bool {
        if self.part.is_empty() {
            part != Part::Many || !self.quick
        } else {
            self.part.contains(&part)
        }
    }
}

fn over_http(
    arguments: &Arguments,
    baseline: &Baseline,
    workload: &Workload,
    data: &Path,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut server = ChildServer::start(data)?;
    let progress = Progress::of_items(output, workload.events());
    let tick = |done| progress.at(done, "events acknowledged");
    let ingest = run::ingest(&server, workload, arguments.connections, &tick)?;
    progress.clear();
    print("ingest over HTTP", ingest, output)?;
    if arguments.wants(Part::Queries) {
        print("queries over HTTP", run::queries(&server, workload)?, output)?;
    }
    if arguments.wants(Part::Latency) {
        let other = Workload::new(SEED + 1, arguments.workspaces, 200_000);
        print("latency", run::latency(&server, &other, baseline)?, output)?;
    }
    if arguments.wants(Part::Recovery) {
        let (again, measures) = run::recovery(server, data)?;
        server = again;
        print("recovery", measures, output)?;
    }
    if arguments.wants(Part::Verify) {
        let bundle = data.with_file_name("bundle");
        print("audit of a bundle", audit::measure(&server, workload, &bundle)?, output)?;
    }
    server.stop()?;
    if arguments.wants(Part::Verify) {
        print("verify", run::verified(data)?, output)?;
    }
    if arguments.wants(Part::Space) {
        print("space", run::space(data)?, output)?;
    }
    Ok(())
}

fn print(title: &str, measures: Vec<Measure>, output: &mut Output) -> Result<(), Failure> {
    measure::print(title, &measures, output)
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
