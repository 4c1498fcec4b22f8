//! The steps of an event's way, each alone and on one core: where the microseconds go.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use proofbook_event::{EventDraft, Value};
use proofbook_store::open::Options;
use proofbook_store::prepare::Prepared;
use proofbook_store::segment::{GroupSet, SegmentError};
use rustix::time::{ClockId, clock_gettime};

use super::in_process::{drain, parse};
use super::measure::Measure;
use super::process::usage;
use super::workload::{Batch, Workload};
use crate::data_dir;
use crate::failure::Failure;

/// Batches of each measurement.
const BATCHES: usize = 60;

/// Times the steps in a new store below `data`.
pub(crate) fn steps(data: &Path, workload: &Workload) -> Result<Vec<Measure>, Failure> {
    let batches: Vec<Batch> = workload.batches().take(BATCHES).collect();
    let events: usize = batches.iter().map(|batch| batch.events).sum();
    let lines: Vec<&[u8]> = batches
        .iter()
        .flat_map(|batch| batch.bytes.split(|byte| *byte == b'\n'))
        .filter(|line| !line.is_empty())
        .collect();
    let each = |name: &str, seconds: f64| Measure::new(name, seconds * 1e6 / events as f64, "µs");
    let mut measures = Vec::new();

    measures.push(each(
        "parse: JSON to values",
        timed(|| {
            lines.iter().for_each(|line| drop(black_box(Value::parse(line))));
        }),
    ));
    measures.push(each(
        "parse: JSON to a checked draft, with its canonical form",
        timed(|| {
            lines.iter().for_each(|line| drop(black_box(EventDraft::parse(line))));
        }),
    ));

    let store = data_dir::start_store(data, Options::default(), data_dir::on_fatal())?;
    // Workspaces and runs are made by the first batches; what is measured comes after.
    let warm_up = workload.batches().skip(BATCHES).take(10);
    for batch in warm_up {
        commit(&store, store.prepare(true, parse(&batch.bytes)))?;
    }
    let drafts: Vec<_> = batches.iter().map(|batch| parse(&batch.bytes)).collect();
    let mut prepared: Vec<Prepared> = Vec::new();
    measures.push(each(
        "admit: catalog, secrets, changes, sealing, id look-up, encoding",
        timed(|| {
            prepared.extend(drafts.into_iter().map(|drafts| store.prepare(true, drafts)));
        }),
    ));

    let before = usage(None);
    let begin = Instant::now();
    prepared.into_iter().try_for_each(|one| commit(&store, one))?;
    let seconds = begin.elapsed().as_secs_f64();
    let commit_cpu = thread(&usage(None), "commit") - thread(&before, "commit");
    measures.push(each("commit, one batch a frame: wall time with fdatasync", seconds));
    measures.push(each("commit: CPU of log and fold", commit_cpu as f64 / 1e6));

    let before = usage(None);
    drain(&store);
    let pack_cpu = thread(&usage(None), "background") - thread(&before, "background");
    measures.push(each("pack: CPU with read-back and sealing again", pack_cpu as f64 / 1e6));

    let view = store.view();
    let mut rows = 0;
    let seconds = timed_result(|| {
        view.segments.iter().try_for_each(|segment| {
            segment.for_each_row(GroupSet::ALL, |row| {
                rows += 1;
                black_box(row);
                Ok::<(), SegmentError>(())
            })
        })
    });
    let seconds =
        seconds.map_err(|error| Failure::failed("cannot read a segment").because(error))?;
    let per_row = seconds * 1e6 / f64::from(rows.max(1));
    measures.push(Measure::new("scan: every column of a segment, hashes checked", per_row, "µs"));
    drop(view);
    store.stop();
    Ok(measures)
}

fn commit(store: &proofbook_store::store::Store, prepared: Prepared) -> Result<(), Failure> {
    store
        .commit(prepared)
        .map(drop)
        .map_err(|error| Failure::failed("the store took no more").because(error))
}

fn thread(usage: &super::process::Usage, name: &str) -> u64 {
    usage.threads.get(name).copied().unwrap_or(0)
}

/// Runs a step and returns the processor time that this thread spent in it, seconds: other load of the
/// machine takes no part in it, but for what it takes of the caches.
fn timed(run: impl FnOnce()) -> f64 {
    let begin = thread_cpu_seconds();
    run();
    thread_cpu_seconds() - begin
}

fn timed_result<E>(run: impl FnOnce() -> Result<(), E>) -> Result<f64, E> {
    let begin = thread_cpu_seconds();
    run()?;
    Ok(thread_cpu_seconds() - begin)
}

fn thread_cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
