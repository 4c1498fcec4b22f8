//! What the machine can do at all, so that figures of two machines can be compared.

use std::hint::black_box;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proofbook_store::disk::{Disk, RealDisk, write_all_at};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The machine's own rates.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Baseline {
    /// Cores this process may use.
    pub(crate) cores: usize,
    /// SHA-256 over long inputs on one core, bytes a second.
    pub(crate) sha256_bytes_per_second: f64,
    /// SHA-256 over 64-byte inputs on one core, hashes a second.
    pub(crate) sha256_short_per_second: f64,
    /// Copying between buffers larger than the caches, bytes a second.
    pub(crate) memcpy_bytes_per_second: f64,
    /// A 4 KiB append and `fdatasync` in the directory that is measured, microseconds, median.
    pub(crate) fdatasync_p50_us: f64,
    /// The same, 99th of 100.
    pub(crate) fdatasync_p99_us: f64,
}

/// Measures the machine; the disk by a file in `directory`.
pub(crate) fn measure(directory: &Path) -> io::Result<Baseline> {
    let syncs = fdatasync_times(directory, 300)?;
    Ok(Baseline {
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        sha256_bytes_per_second: sha256(1024 * 1024),
        sha256_short_per_second: sha256(64) / 64.0,
        memcpy_bytes_per_second: memcpy(),
        fdatasync_p50_us: percentile(&syncs, 50.0),
        fdatasync_p99_us: percentile(&syncs, 99.0),
    })
}

/// Measures appends that are synced in `directory`: median and 99th of 100, microseconds.
pub(crate) fn measure_disk(directory: &Path) -> io::Result<(f64, f64)> {
    let syncs = fdatasync_times(directory, 100)?;
    Ok((percentile(&syncs, 50.0), percentile(&syncs, 99.0)))
}

/// Returns the value below which `percent` of the sorted values lie.
pub(crate) fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).or(sorted.last()).copied().unwrap_or(0.0)
}

const AT_LEAST: Duration = Duration::from_millis(200);

fn sha256(block_bytes: usize) -> f64 {
    let block = vec![0x5a_u8; block_bytes];
    let begin = Instant::now();
    let mut bytes = 0_usize;
    while begin.elapsed() < AT_LEAST {
        for _ in 0..(65_536 / block_bytes).max(1) {
            black_box(Sha256::digest(black_box(&block)));
            bytes += block_bytes;
        }
    }
    bytes as f64 / begin.elapsed().as_secs_f64()
}

fn memcpy() -> f64 {
    let from = vec![1_u8; 64 * 1024 * 1024];
    let mut to = vec![0_u8; from.len()];
    let begin = Instant::now();
    let mut bytes = 0_usize;
    while begin.elapsed() < AT_LEAST {
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
        bytes += from.len();
    }
    bytes as f64 / begin.elapsed().as_secs_f64()
}

/// Times appends of 4 KiB, each synced, in a file with its space reserved as the log's is; sorted.
fn fdatasync_times(directory: &Path, count: usize) -> io::Result<Vec<f64>> {
    const NAME: &str = "fdatasync.probe";
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(directory)?);
    let file = disk.create_new(NAME)?;
    file.allocate((count * 4096) as u64)?;
    file.sync_data()?;
    let block = [0xa5_u8; 4096];
    let mut times = Vec::with_capacity(count);
    for index in 0..count {
        let begin = Instant::now();
        write_all_at(&*file, &block, (index * 4096) as u64)?;
        file.sync_data()?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    disk.remove(NAME)?;
    times.sort_by(f64::total_cmp);
    Ok(times)
}
