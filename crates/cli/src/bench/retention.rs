//! What retention leaves: events over four plans, half of them outside; they are purged while queries
//! are asked, and the directory is compared with one that never held anything but the survivors.
//!
//! The four plans are dealt to the workspaces by rank, so that the largest one and the one that is asked
//! of in the middle keep everything and the answers stay those of the workload.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_event::{EventDraft, Timestamp};
use proofbook_store::clock::{Clock as _, RealClock};
use proofbook_store::config::{ConfigChange, WorkspaceSettings};
use proofbook_store::open::Options;
use proofbook_store::prepare::Wanted;
use proofbook_store::store::Store;

use super::child::ChildServer;
use super::in_process::{self, kept_bytes};
use super::measure::{Bound, Measure};
use super::over_http;
use super::place::bytes_by_kind;
use super::run;
use super::workload::Workload;
use crate::data_dir;
use crate::failure::Failure;

/// How long each plan keeps events, in days of the workload's thirty; `None` for ever.
const PLANS_DAYS: [Option<i64>; 4] = [None, Some(2), Some(8), Some(15)];
const DAY_MICROS: i64 = 86_400_000_000;
/// How soon the measured server leaves nothing of what ended. What is purged here ended days ago, so it is
/// due at once; but some events end in every second of the measurement, and each such handful must not
/// have its segment written anew before the next one comes.
const PURGE_WITHIN: &str = "10m";
/// How long nothing may change on disk until a purge counts as done.
const QUIET: Duration = Duration::from_secs(4);
/// Bytes that stay of a purged event: its leaf's hash, and its share of the tiles above.
const TILES_BYTES: f64 = 32.0 + 32.0 / 256.0;
/// A time in which nothing is purged, for a store that is only looked at, in microseconds.
const NEVER_MICROS: i64 = 36_500 * DAY_MICROS;

/// What is kept of a workload at one moment.
struct Kept<'w> {
    /// By workspace: the oldest moment.
    since: HashMap<&'w str, Timestamp>,
}

impl<'w> Kept<'w> {
    fn at(now: Timestamp, workload: &'w Workload) -> Self {
        let plans = PLANS_DAYS.into_iter().cycle();
        let since = workload.workspaces().iter().zip(plans).filter_map(|(name, days)| {
            let since = Timestamp::from_micros(now.micros() - days? * DAY_MICROS);
            Some((name.as_str(), since))
        });
        Self { since: since.collect() }
    }

    /// Tells whether the event on a line of the workload survives.
    fn keeps(&self, line: &[u8]) -> bool {
        let workspace = value_of(line, b"\"workspace\":\"");
        let Some(since) = self.since.get(workspace) else { return true };
        Timestamp::parse(value_of(line, b"\"occurred_at\":\"")).is_ok_and(|at| at >= *since)
    }
}

/// Returns a member's text; lines of the workload hold it early and without escapes.
fn value_of<'l>(line: &'l [u8], key: &[u8]) -> &'l str {
    let at = line.windows(key.len()).position(|window| window == key);
    let rest = at.and_then(|at| line.get(at + key.len()..)).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == b'"').unwrap_or(0);
    std::str::from_utf8(&rest[..end]).unwrap_or_default()
}

/// Fills a directory, purges half of it under queries, and compares it with a fresh one.
pub(crate) fn measure(
    place: &dyn Fn(&str) -> std::path::PathBuf,
    events: u64,
    workspaces: usize,
    connections: usize,
    tick: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Measure>, Failure> {
    let now = Timestamp::from_micros(RealClock.wall_micros());
    let start = Timestamp::from_micros(now.micros() - 30 * DAY_MICROS);
    let workload = Workload::new(1, workspaces, events).starting_at(start);
    let (data, fresh) = (place("retention"), place("survivors"));
    let server = ChildServer::start(&data)?;
    over_http::ingest(&server, &workload, connections, tick)?;
    server.stop()?;
    let before = settled(&data, |store| put_plans(store, &workload))?;

    let kept = Kept::at(Timestamp::from_micros(RealClock.wall_micros()), &workload);
    let begin = Instant::now();
    let server = ChildServer::start_with(&data, &["--purge-within", PURGE_WITHIN])?;
    let mut measures: Vec<Measure> = run::queries(&server, &workload)?
        .into_iter()
        .map(|measure| Measure { name: format!("while purging: {}", measure.name), ..measure })
        .collect();
    let asked_seconds = begin.elapsed().as_secs_f64();
    let purged_seconds = until_quiet(&server, &data, begin);
    let resident = server.usage().resident_bytes_max as f64;
    server.stop()?;
    let after = settled(&data, |_| Ok(()))?;

    let server = ChildServer::start(&fresh)?;
    let keeps = |line: &[u8]| kept.keeps(line);
    let survivors = over_http::ingest_some(&server, &workload, connections, &keeps, tick)?;
    server.drain();
    server.stop()?;
    let alone = settled(&fresh, |_| Ok(()))?;

    let expired = events - survivors;
    // Some more ended while the survivors were counted.
    let off = after.purged.abs_diff(expired);
    if off > 10 + events / 1_000 {
        let purged = after.purged;
        let message = format!("{purged} events were purged and not {expired}; this is our fault");
        return Err(Failure::failed(message));
    }
    let must_stay = alone.bytes as f64 + after.purged as f64 * TILES_BYTES;
    let mib = |bytes: f64| bytes / (1024.0 * 1024.0);
    measures.extend([
        Measure::new("events purged", after.purged as f64, ""),
        Measure::new("  of all", after.purged as f64 * 100.0 / events.max(1) as f64, "%"),
        Measure::new("queries were asked for", asked_seconds, "s"),
        Measure::new("until nothing of it was left", purged_seconds, "s"),
        Measure::new("directory before", mib(before.bytes as f64), "MiB"),
        Measure::new("directory after", mib(after.bytes as f64), "MiB"),
        Measure::new("survivors alone", mib(alone.bytes as f64), "MiB"),
        Measure::new("  with the same proof tiles", mib(must_stay), "MiB"),
        Measure::new("directory, of survivors with tiles", after.bytes as f64 / must_stay, "")
            .bounds(Bound::AtMost(1.1), Bound::AtMost(1.05)),
        Measure::new("resident memory, most", mib(resident), "MiB")
            .bounds(Bound::AtMost(256.0), Bound::AtMost(256.0)),
    ]);
    Ok(measures)
}

/// What a directory holds when nothing is left to do.
struct Settled {
    bytes: u64,
    purged: u64,
}

/// Opens a stopped directory, does something in it, packs all of it, and counts.
fn settled(
    data: &Path,
    act: impl FnOnce(&Store) -> Result<(), Failure>,
) -> Result<Settled, Failure> {
    let options = Options { purge_within_micros: NEVER_MICROS, ..Options::default() };
    let store = data_dir::start_store(data, options, data_dir::on_fatal())?;
    act(&store)?;
    in_process::drain(&store);
    let purged = store.view().segments.iter().map(|segment| segment.purged_count()).sum();
    store.stop();
    drop(store);
    Ok(Settled { bytes: kept_bytes(&bytes_by_kind(data)), purged })
}

/// Gives each workspace its plan, as a retention of its own.
fn put_plans(store: &Store, workload: &Workload) -> Result<(), Failure> {
    let failed = || Failure::failed("a plan could not be put");
    for (name, days) in workload.workspaces().iter().zip(PLANS_DAYS.into_iter().cycle()) {
        let Some(days) = days else { continue };
        let settings = WorkspaceSettings {
            retention: Some(format!("{days}d")),
            ..WorkspaceSettings::default()
        };
        let change = ConfigChange::PutWorkspace { name: name.clone(), settings };
        let draft = EventDraft::internal("audit_log.retention_changed");
        let event = Wanted { workspace: SYSTEM_WORKSPACE, draft };
        store
            .commit(store.prepare_change(change, event))
            .map_err(|error| failed().because(error))?;
    }
    Ok(())
}

/// Waits until the directory does not change any more; returns when it last did, in seconds.
fn until_quiet(server: &ChildServer, data: &Path, begin: Instant) -> f64 {
    let mut changed = (begin.elapsed(), bytes_by_kind(data));
    loop {
        server.drain();
        let now = (begin.elapsed(), bytes_by_kind(data));
        if now.1 != changed.1 {
            changed = now;
        } else if now.0.saturating_sub(changed.0) >= QUIET {
            return changed.0.as_secs_f64();
        }
    }
}
