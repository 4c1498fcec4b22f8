//! A2: both disks pass one contract; what only the real one can show is tested beside it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::contract::check_disk_contract;
use super::sim::{Calls, Fault};
use super::*;

/// A directory of the machine that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("proofbook-disk-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A directory that stays behind is the machine's to clean, not a failed test.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_real_disk_keeps_the_contract() {
    let dir = Scratch::new();
    assert_eq!(RealDisk::open(&dir.0).unwrap_err().kind(), io::ErrorKind::NotFound);
    check_disk_contract(&RealDisk::create(&dir.0).unwrap());
    RealDisk::create(&dir.0).unwrap();
}

#[test]
fn the_simulated_disk_keeps_the_contract() {
    check_disk_contract(&SimDisk::new(1));
}

#[test]
fn the_simulated_disk_keeps_the_contract_with_short_and_interrupted_calls() {
    for first in 1..4 {
        let disk = SimDisk::new(1);
        // `bytes_are_read_where_they_were_written` also asks `read_at` alone, so reads stay whole.
        disk.inject(Fault::Short, Calls::of(sim::CallKind::WriteAt).from(first));
        check_disk_contract(&disk);
    }
}

#[test]
fn what_one_real_disk_wrote_another_reads() {
    let dir = Scratch::new();
    let disk = RealDisk::create(&dir.0).unwrap();
    durable_write(&disk, ROOT, "tmp", "final", b"bytes").unwrap();
    let again = RealDisk::open(&dir.0).unwrap();
    assert_eq!(read_file(&again, "final", 5).unwrap(), b"bytes");
}

#[test]
fn a_lock_keeps_a_second_opener_of_the_same_directory_out() {
    let dir = Scratch::new();
    let (one, two) = (RealDisk::create(&dir.0).unwrap(), RealDisk::create(&dir.0).unwrap());
    let held = one.lock("LOCK").unwrap();
    assert_eq!(two.lock("LOCK").unwrap_err().kind(), io::ErrorKind::WouldBlock);
    drop(held);
    let _held = two.lock("LOCK").unwrap();
}

#[test]
fn a_symbolic_link_leads_nowhere() {
    let dir = Scratch::new();
    let disk = RealDisk::create(&dir.0).unwrap();
    std::os::unix::fs::symlink("/etc", dir.0.join("dir")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.0.join("file")).unwrap();
    assert!(disk.open_read("file").is_err());
    assert!(disk.open_write("file").is_err());
    assert!(disk.lock("file").is_err());
    assert!(disk.list("dir").is_err());
    assert!(disk.create_dir("dir").is_err(), "a link is no directory of ours");
}

#[test]
fn files_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Scratch::new();
    let disk = RealDisk::create(&dir.0).unwrap();
    disk.create_dir("d").unwrap();
    disk.create_new("d/f").unwrap();
    let _lock = disk.lock("LOCK").unwrap();
    for path in ["", "d", "d/f", "LOCK"] {
        let mode = std::fs::metadata(dir.0.join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path:?} has mode {mode:o}");
    }
}

#[test]
fn foreign_names_are_listed_and_not_opened() {
    let dir = Scratch::new();
    let disk = RealDisk::create(&dir.0).unwrap();
    disk.create_new("ours").unwrap();
    std::os::unix::fs::symlink("ours", dir.0.join("not ours")).unwrap();
    assert_eq!(disk.list(ROOT).unwrap(), ["not ours", "ours"]);
    assert_eq!(disk.open_read("not ours").unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn paths_come_apart_and_together() {
    for (dir, last, full) in [(ROOT, "f", "f"), ("d", "f", "d/f"), ("d/e", "f", "d/e/f")] {
        assert_eq!(join(dir, last), full);
        assert_eq!(parent(full), dir);
        assert_eq!(path::name(full), last);
    }
}
