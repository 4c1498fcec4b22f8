//! What a process has used: processor time by thread, memory, bytes written. Linux only (`/proc`,
//! see proc(5)); elsewhere everything reads as zero.

use std::collections::BTreeMap;
use std::path::Path;

use crate::files;

/// A process's figures at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Processor time of user and kernel, microseconds.
    pub(crate) cpu_us: u64,
    /// The same by the name of the thread; threads of one name are added.
    pub(crate) threads: BTreeMap<String, u64>,
    /// Memory it holds now, bytes.
    pub(crate) resident_bytes: u64,
    /// Most memory it ever held, bytes.
    pub(crate) resident_bytes_max: u64,
    /// Bytes it caused to be written to devices.
    pub(crate) written_bytes: u64,
}

/// Microseconds of one tick in `/proc`; USER_HZ is 100 on every Linux that Rust runs on.
const TICK_US: u64 = 10_000;

/// Reads a process's figures; `None` for this process.
pub(crate) fn usage(pid: Option<u32>) -> Usage {
    let root = match pid {
        Some(pid) => format!("/proc/{pid}"),
        None => "/proc/self".to_owned(),
    };
    let read =
        |name: &str| files::read_text(Path::new(&format!("{root}/{name}"))).unwrap_or_default();
    let mut usage = Usage { cpu_us: stat(&read("stat")).1, ..Usage::default() };
    let status = read("status");
    usage.resident_bytes = field(&status, "VmRSS:") * 1024;
    usage.resident_bytes_max = field(&status, "VmHWM:") * 1024;
    usage.written_bytes = field(&read("io"), "write_bytes:");
    let tasks = std::fs::read_dir(format!("{root}/task")).into_iter().flatten().flatten();
    for task in tasks {
        let (name, cpu_us) = stat(&files::read_text(&task.path().join("stat")).unwrap_or_default());
        *usage.threads.entry(name).or_default() += cpu_us;
    }
    usage
}

/// Name and processor time of a line of `stat`; the name stands in parentheses and may hold any byte.
fn stat(line: &str) -> (String, u64) {
    let Some((head, tail)) = line.rsplit_once(')') else { return Default::default() };
    let name = head.split_once('(').map_or("", |(_, name)| name).to_owned();
    let number = |index| tail.split_whitespace().nth(index).and_then(|text| text.parse().ok());
    let ticks: u64 = number(11).unwrap_or(0) + number(12).unwrap_or(0);
    (name, ticks * TICK_US)
}

fn field(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
