//! `doctor`: looks for what is wrong with a server, or with the data directory of a stopped one.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use proofbook_store::disk::Disk;
use proofbook_store::{limits, names};
use serde_json::{Value, json};

use crate::bench::baseline;
use crate::bench::place::bytes_by_kind;
use crate::client::{Client, Remote};
use crate::data_dir;
use crate::failure::{ExitKind, Failure};
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook doctor
  proofbook doctor --data ./proofbook-data

Asks the server, or looks at the data directory of a stopped one. It does not read every byte: that is
`proofbook verify`. Ends with code 1 when something is wrong.")]
pub(crate) struct Arguments {
    /// Look at this data directory of a stopped store instead of asking a server
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Good,
    Odd,
    Wrong,
}

impl Mark {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Odd => "look",
            Self::Wrong => "WRONG",
        }
    }
}

struct Finding {
    mark: Mark,
    what: &'static str,
    detail: String,
}

fn finding(mark: Mark, what: &'static str, detail: impl Into<String>) -> Finding {
    Finding { mark, what, detail: detail.into() }
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let findings = match &arguments.data {
        Some(data) => of_directory(data)?,
        None => of_server(&arguments.remote.client()?)?,
    };
    if output.is_json() {
        for Finding { mark, what, detail } in &findings {
            output.value(&json!({"state": mark.word(), "what": what, "detail": detail}))?;
        }
    } else {
        let row = |one: &Finding| {
            vec![one.mark.word().to_owned(), one.what.to_owned(), one.detail.clone()]
        };
        let rows: Vec<Vec<String>> = findings.iter().map(row).collect();
        output.table(&["", "WHAT", "FOUND"], &rows)?;
    }
    match findings.iter().filter(|finding| finding.mark == Mark::Wrong).count() {
        0 => Ok(()),
        1 => Err(Failure::failed("one thing is wrong")),
        count => Err(Failure::failed(format!("{count} things are wrong"))),
    }
}

fn of_server(client: &Client) -> Result<Vec<Finding>, Failure> {
    client.get("/healthz", &[])?;
    let mut findings = vec![finding(Mark::Good, "server", "answers")];
    findings.push(match client.get("/readyz", &[]) {
        Ok(_) => finding(Mark::Good, "ready", "takes events and answers queries"),
        Err(failure) => finding(Mark::Wrong, "ready", failure.chain()),
    });
    findings.push(match client.get("/v1/workspaces", &[("limit", "1")]) {
        Ok(_) => finding(Mark::Good, "key", "works"),
        Err(failure) if failure.kind == ExitKind::Forbidden => {
            finding(Mark::Wrong, "key", failure.chain())
        }
        Err(failure) => finding(Mark::Odd, "key", failure.chain()),
    });
    let mut text = String::new();
    let mut metrics = client.stream("/metrics", &[], &[])?;
    if std::io::Read::read_to_string(&mut metrics, &mut text).is_ok() {
        let failures = metric(&text, "proofbook_background_failures_total");
        findings.push(match failures {
            0 => finding(Mark::Good, "packing", "never failed"),
            count => {
                finding(Mark::Odd, "packing", format!("failed {count} times; the log says why"))
            }
        });
        let mut detail = format!(
            "{}, and {} KiB of recent events",
            metric(&text, "proofbook_segments"),
            metric(&text, "proofbook_recent_bytes") / 1024
        );
        let unreadable = metric(&text, "proofbook_segments_unreadable");
        if unreadable > 0 {
            detail.push_str(&format!("; {unreadable} cannot be read, the log names the files"));
        }
        let mark = if unreadable > 0 { Mark::Wrong } else { Mark::Good };
        findings.push(finding(mark, "segments", detail));
    }
    Ok(findings)
}

/// Reads a figure without labels from a text of metrics.
fn metric(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.trim().parse::<f64>().ok()).map_or(0, |value| value as u64)
}

fn of_directory(data: &Path) -> Result<Vec<Finding>, Failure> {
    let (disk, _lock) = data_dir::hold(data)?;
    let mut findings = vec![finding(Mark::Good, "lock", "no other process has it open")];
    findings.push(permissions(data));
    findings.push(space(&*disk));
    findings.push(match baseline::measure_disk(data) {
        Ok((p50, p99)) => {
            let mark = if p99 > 100_000.0 { Mark::Odd } else { Mark::Good };
            finding(mark, "fdatasync", format!("{p50:.0} µs p50, {p99:.0} µs p99"))
        }
        Err(error) => finding(Mark::Wrong, "fdatasync", error.to_string()),
    });
    for (what, dir) in [("log", names::LOG_DIR), ("snapshots", names::SNAPSHOT_DIR)] {
        findings.push(match disk.list(dir) {
            Ok(found) => finding(Mark::Good, what, format!("{} files", found.len())),
            Err(error) => finding(Mark::Wrong, what, error.to_string()),
        });
    }
    let aside = disk.list(names::ASIDE_DIR).unwrap_or_default();
    if !aside.is_empty() {
        let detail = format!("{} files that recovery put aside; docs/durability.md", aside.len());
        findings.push(finding(Mark::Odd, "aside", detail));
    }
    findings.push(segments(&*disk));
    let total: u64 = bytes_by_kind(data).values().sum();
    findings.push(finding(Mark::Good, "size", format!("{} MiB", total >> 20)));
    Ok(findings)
}

fn permissions(data: &Path) -> Finding {
    match std::fs::metadata(data) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 == 0 => {
            finding(Mark::Good, "permissions", "only its owner can read it")
        }
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o777;
            finding(Mark::Odd, "permissions", format!("others can read it (mode {mode:o})"))
        }
        Err(error) => finding(Mark::Wrong, "permissions", error.to_string()),
    }
}

fn space(disk: &dyn Disk) -> Finding {
    match disk.free_bytes() {
        Ok(free) => {
            let detail = format!("{} MiB free", free >> 20);
            let mark = match free {
                free if free < limits::RESERVE_BYTES => Mark::Wrong,
                free if free < 20 * limits::RESERVE_BYTES => Mark::Odd,
                _ => Mark::Good,
            };
            finding(mark, "space", detail)
        }
        Err(error) => finding(Mark::Wrong, "space", error.to_string()),
    }
}

/// Compares the list of segments with the files; their contents are `verify`'s business.
fn segments(disk: &dyn Disk) -> Finding {
    const LIST_BYTES_MAX: u64 = 64 * 1024 * 1024;
    let files = disk.list(names::SEGMENT_DIR).unwrap_or_default();
    let text = match proofbook_store::disk::read_file(disk, names::SEGMENTS_JSON, LIST_BYTES_MAX) {
        Ok(text) => text,
        Err(_) if files.is_empty() => return finding(Mark::Good, "segments", "none yet"),
        Err(error) => return finding(Mark::Odd, "segments", format!("no list of them: {error}")),
    };
    let list: Value = serde_json::from_slice(&text).unwrap_or(Value::Null);
    let text = list.to_string();
    let packed: Vec<&String> = files.iter().filter(|file| file.ends_with(".parquet")).collect();
    let count = packed.len();
    match packed.iter().filter(|file| !text.contains(file.as_str())).count() {
        0 => finding(Mark::Good, "segments", format!("{count}, all listed")),
        unlisted => {
            let detail = format!("{unlisted} of {count} are not listed; `serve` cleans up");
            finding(Mark::Odd, "segments", detail)
        }
    }
}

#[cfg(test)]
mod tests;
