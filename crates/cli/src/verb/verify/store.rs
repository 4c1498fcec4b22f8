//! A stopped store: every file is hashed again, every tree rebuilt.

use std::path::Path;
use std::time::Instant;

use proofbook_store::verify::{VerifyReport, verify};
use serde_json::json;

use crate::data_dir;
use crate::failure::{ExitKind, Failure};
use crate::output::{Output, counted};

/// Checks the store in a data directory.
pub(super) fn run(data: &Path, threads: Option<usize>, output: &mut Output) -> Result<(), Failure> {
    let (disk, _lock) = data_dir::hold(data)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let begin = Instant::now();
    let report = verify(&disk, threads.unwrap_or(cores)).map_err(|error| {
        let message = format!("cannot read {}", data.display());
        Failure::new(ExitKind::Damage, message).because(error)
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    print(&report, seconds, output)?;
    match report.damage.len() {
        0 => Ok(()),
        count => {
            let message = format!("{count} damaged or missing, listed above");
            Err(Failure::new(ExitKind::Damage, message).hint(
                "restore the named files from a backup; docs/durability.md says what each means",
            ))
        }
    }
}

fn print(report: &VerifyReport, seconds: f64, output: &mut Output) -> Result<(), Failure> {
    let rate = report.event_count as f64 / seconds.max(1e-6);
    if output.is_json() {
        return output.value(&json!({
            "ok": report.damage.is_empty(),
            "events": report.event_count,
            "workspaces": report.workspace_count,
            "files": report.file_count,
            "bytes": report.bytes,
            "damage": report.damage,
            "notices": report.notices,
            "seconds": seconds,
            "events_per_second": rate.round(),
        }));
    }
    for notice in &report.notices {
        output.line(&format!("note: {notice}"))?;
    }
    for damage in &report.damage {
        output.line(&format!("DAMAGED: {damage}"))?;
    }
    let VerifyReport { event_count, workspace_count, .. } = report;
    let verdict = if report.damage.is_empty() { "intact" } else { "damaged" };
    let events = counted(*event_count, "event");
    let workspaces = counted(*workspace_count, "workspace");
    output.line(&format!("{verdict}: {events} in {workspaces}"))?;
    output.note(&format!("{seconds:.1} s, {rate:.0} events/s"));
    Ok(())
}
