//! A2: what a crash leaves, mode by mode, and that one seed leaves the same twice.

use super::*;
use crate::disk::sim::fault;
use crate::disk::{Disk, DiskFile, durable_write, read_file, write_all_at};

const SEEDS: std::ops::Range<u64> = 0..200;

/// A disk with a file "f" of `len` bytes `old`, all durable.
fn disk_with_file(len: usize) -> (SimDisk, Box<dyn DiskFile>) {
    let disk = SimDisk::new(3);
    let file = disk.create_new("f").unwrap();
    write_all_at(file.as_ref(), &vec![b'o'; len], 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(ROOT).unwrap();
    (disk, file)
}

/// Everything that "f" can be after a crash in this mode.
fn outcomes(disk: &SimDisk, mode: CrashMode) -> BTreeSet<Option<Vec<u8>>> {
    SEEDS.map(|seed| disk.after_crash(mode, seed).durable_bytes("f")).collect()
}

fn outcome(disk: &SimDisk, mode: CrashMode) -> Option<Vec<u8>> {
    let all = outcomes(disk, mode);
    assert_eq!(all.len(), 1, "{mode:?} has one outcome");
    all.into_iter().next().unwrap()
}

#[test]
fn what_was_synced_survives_every_crash() {
    let (disk, _file) = disk_with_file(5000);
    for mode in CrashMode::POWER_CUTS.into_iter().chain([CrashMode::ProcessOnly]) {
        assert_eq!(outcome(&disk, mode), Some(vec![b'o'; 5000]), "{mode:?}");
    }
    assert_eq!(disk.unsynced(), Vec::<String>::new());
}

#[test]
fn bytes_without_a_name_and_a_name_without_bytes_do_not_survive() {
    // (data synced, directory synced) → what is left when everything unsynced is lost
    let rows = [
        (false, false, None),
        (true, false, None),
        (false, true, Some(Vec::new())),
        (true, true, Some(b"new".to_vec())),
    ];
    for (data, dir, expected) in rows {
        let disk = SimDisk::new(1);
        let file = disk.create_new("f").unwrap();
        write_all_at(file.as_ref(), b"new", 0).unwrap();
        if data {
            file.sync_data().unwrap();
        }
        if dir {
            disk.sync_dir(ROOT).unwrap();
        }
        drop(file);
        assert_eq!(outcome(&disk, CrashMode::LoseUnsynced), expected, "{data} {dir}");
        assert_eq!(outcome(&disk, CrashMode::KeepAll), Some(b"new".to_vec()), "{data} {dir}");
        if (data, dir) == (true, false) {
            let either = BTreeSet::from([None, Some(b"new".to_vec())]);
            assert_eq!(outcomes(&disk, CrashMode::RandomSubset), either);
        }
    }
}

#[test]
fn a_random_subset_reaches_every_combination_and_nothing_else() {
    let (disk, file) = disk_with_file(3);
    for (offset, byte) in [(0, b"a"), (1, b"b"), (3, b"d")] {
        file.write_at(byte, offset).unwrap();
    }
    let mut expected = BTreeSet::new();
    for first in *b"oa" {
        for second in *b"ob" {
            let start = [first, second, b'o'];
            expected.insert(Some(start.to_vec()));
            expected.extend([0, b'd'].map(|last| Some([&start[..], &[last]].concat())));
        }
    }
    assert_eq!(outcomes(&disk, CrashMode::RandomSubset), expected);
}

#[test]
fn of_many_writes_all_but_one_can_be_lost_or_kept() {
    let (disk, file) = disk_with_file(20);
    for offset in 0..20 {
        file.write_at(b"n", offset).unwrap();
    }
    let images = outcomes(&disk, CrashMode::RandomSubset).into_iter().map(Option::unwrap);
    let kept: BTreeSet<usize> =
        images.map(|image| image.iter().filter(|byte| **byte == b'n').count()).collect();
    assert!(kept.contains(&1) && kept.contains(&10) && kept.contains(&19), "{kept:?}");
}

#[test]
fn a_torn_write_breaks_at_sectors_and_only_there() {
    for (mode, sector) in [(CrashMode::Torn512, 512), (CrashMode::Torn4096, 4096)] {
        let (disk, file) = disk_with_file(3 * sector);
        // From inside the first sector to inside the third.
        write_all_at(file.as_ref(), &vec![b'n'; 2 * sector], sector as u64 / 2).unwrap();
        let parts = [sector / 2..sector, sector..2 * sector, 2 * sector..5 * sector / 2];
        let mut expected = BTreeSet::new();
        for kept in 0..8_u32 {
            let mut image = vec![b'o'; 3 * sector];
            for (index, part) in parts.iter().enumerate() {
                if kept >> index & 1 == 1 {
                    image[part.clone()].fill(b'n');
                }
            }
            expected.insert(Some(image));
        }
        assert_eq!(outcomes(&disk, mode), expected, "{mode:?}");
    }
}

#[test]
fn a_torn_sector_is_of_one_moment() {
    let (disk, file) = disk_with_file(512);
    file.write_at(b"1", 0).unwrap();
    file.write_at(b"2", 1).unwrap();
    let starts: BTreeSet<Vec<u8>> =
        outcomes(&disk, CrashMode::Torn512).into_iter().map(|f| f.unwrap()[..2].to_vec()).collect();
    let moments = BTreeSet::from([b"oo".to_vec(), b"1o".to_vec(), b"12".to_vec()]);
    assert_eq!(starts, moments, "never the second without the first");
}

#[test]
fn a_length_can_survive_without_its_bytes() {
    for mode in [CrashMode::RandomSubset, CrashMode::Torn512, CrashMode::Torn4096] {
        let (disk, file) = disk_with_file(0);
        file.write_at(b"new", 0).unwrap();
        let all = BTreeSet::from([Some(vec![]), Some(vec![0; 3]), Some(b"new".to_vec())]);
        assert_eq!(outcomes(&disk, mode), all, "{mode:?}");
    }
}

#[test]
fn an_allocated_length_is_durable_with_the_next_sync() {
    let (disk, file) = disk_with_file(1);
    file.allocate(4).unwrap();
    let either = BTreeSet::from([Some(b"o".to_vec()), Some(b"o\0\0\0".to_vec())]);
    assert_eq!(outcomes(&disk, CrashMode::RandomSubset), either);
    file.sync_data().unwrap();
    assert_eq!(outcome(&disk, CrashMode::Torn512), Some(b"o\0\0\0".to_vec()));
}

#[test]
fn a_rename_is_before_or_after_and_never_half() {
    let (disk, _) = disk_with_file(1);
    let new = disk.create_new("tmp").unwrap();
    write_all_at(new.as_ref(), b"new", 0).unwrap();
    new.sync_data().unwrap();
    disk.rename("tmp", "f").unwrap();
    let either = BTreeSet::from([Some(b"o".to_vec()), Some(b"new".to_vec())]);
    for mode in [CrashMode::RandomSubset, CrashMode::Torn512] {
        assert_eq!(outcomes(&disk, mode), either, "{mode:?}");
    }
    assert_eq!(outcome(&disk, CrashMode::LoseUnsynced), Some(b"o".to_vec()));
    for seed in SEEDS {
        let after = disk.after_crash(CrashMode::RandomSubset, seed).durable_image();
        assert!(after.contains_key("f"), "seed {seed}");
        assert!(after["f"] != b"new" || !after.contains_key("tmp"), "seed {seed}: two names");
    }
}

#[test]
fn a_renamed_file_without_synced_bytes_is_found_empty() {
    let (disk, _) = disk_with_file(1);
    let new = disk.create_new("tmp").unwrap();
    write_all_at(new.as_ref(), b"new", 0).unwrap();
    disk.rename("tmp", "f").unwrap();
    disk.sync_dir(ROOT).unwrap();
    assert_eq!(outcome(&disk, CrashMode::LoseUnsynced), Some(Vec::new()));
}

#[test]
fn a_removal_is_undone_until_the_directory_is_synced() {
    let (disk, file) = disk_with_file(2);
    drop(file);
    disk.remove("f").unwrap();
    assert_eq!(disk.files(), Vec::<String>::new());
    assert_eq!(outcome(&disk, CrashMode::LoseUnsynced), Some(b"oo".to_vec()));
    let either = BTreeSet::from([None, Some(b"oo".to_vec())]);
    assert_eq!(outcomes(&disk, CrashMode::RandomSubset), either);
    disk.sync_dir(ROOT).unwrap();
    for mode in CrashMode::POWER_CUTS {
        assert_eq!(outcome(&disk, mode), None, "{mode:?}");
    }
}

#[test]
fn a_lost_directory_takes_its_files_along() {
    let disk = SimDisk::new(1);
    disk.create_dir("d").unwrap();
    let file = disk.create_new("d/f").unwrap();
    file.sync_data().unwrap();
    disk.sync_dir("d").unwrap();
    let after = disk.after_crash(CrashMode::LoseUnsynced, 0);
    assert_eq!(after.list(ROOT).unwrap(), Vec::<String>::new());
    assert_eq!(after.list("d").unwrap_err().kind(), io::ErrorKind::NotFound);
    disk.sync_dir(ROOT).unwrap();
    assert_eq!(disk.crash(CrashMode::LoseUnsynced).list("d").unwrap(), ["f"]);
}

#[test]
fn closing_syncs_nothing() {
    let (disk, file) = disk_with_file(1);
    file.write_at(b"n", 0).unwrap();
    drop(file);
    assert_eq!(disk.unsynced(), ["f"]);
    assert_eq!(outcome(&disk, CrashMode::LoseUnsynced), Some(b"o".to_vec()));
}

#[test]
fn a_killed_process_leaves_what_it_wrote_visible_and_not_durable() {
    let (disk, file) = disk_with_file(1);
    file.write_at(b"n", 0).unwrap();
    disk.create_new("g").unwrap();
    let _lock = disk.lock("LOCK").unwrap();
    let next = disk.crash(CrashMode::ProcessOnly);
    assert_eq!(read_file(&next, "f", 1).unwrap(), b"n");
    assert_eq!(next.unsynced(), ["/", "f"]);
    drop(next.lock("LOCK").unwrap());
    let cut = next.after_crash(CrashMode::LoseUnsynced, 0);
    assert_eq!(cut.durable_image().into_iter().collect::<Vec<_>>(), [("f".into(), b"o".to_vec())]);

    next.open_write("f").unwrap().sync_data().unwrap();
    next.sync_dir(ROOT).unwrap();
    assert_eq!(next.crash(CrashMode::LoseUnsynced).durable_bytes("f"), Some(b"n".to_vec()));
}

#[test]
fn after_a_crash_the_old_disk_answers_nothing() {
    let (disk, file) = disk_with_file(1);
    let lock = disk.lock("LOCK").unwrap();
    let next = disk.crash(CrashMode::KeepAll);
    let eio = fault::eio().raw_os_error();
    assert_eq!(file.read_at(&mut [0], 0).unwrap_err().raw_os_error(), eio);
    assert_eq!(file.write_at(&[0], 0).unwrap_err().raw_os_error(), eio);
    assert_eq!(file.sync_data().unwrap_err().raw_os_error(), eio);
    assert_eq!(disk.open_read("f").unwrap_err().raw_os_error(), eio);
    assert_eq!(disk.sync_dir(ROOT).unwrap_err().raw_os_error(), eio);
    disk.clear_faults();
    assert!(disk.list(ROOT).is_err(), "gone for good");
    let held = next.lock("LOCK").unwrap();
    drop(lock);
    assert!(next.lock("LOCK").is_err(), "a lock of before the crash gives nothing back now");
    drop(held);
    assert_eq!(next.calls(), 2, "counted anew");
}

/// One small life with every kind of change; errors end it, as they would end a writer.
fn life(disk: &SimDisk) -> io::Result<()> {
    disk.create_dir("log")?;
    disk.sync_dir(ROOT)?;
    let log = disk.create_new("log/1")?;
    log.allocate(8192)?;
    disk.sync_dir("log")?;
    for round in 0..4_u8 {
        write_all_at(log.as_ref(), &[round + 1; 700], u64::from(round) * 700)?;
        if round % 2 == 1 {
            log.sync_data()?;
        }
        durable_write(disk, ROOT, "manifest.tmp", "manifest", &[round; 600])?;
    }
    disk.create_new("log/2")?;
    disk.remove("log/1")?;
    disk.sync_dir("log")
}

#[test]
fn one_seed_and_one_order_of_calls_leave_the_same_disk() {
    let run = |seed, calls, mode| {
        let disk = SimDisk::new(seed);
        disk.crash_after(calls);
        let error = life(&disk).unwrap_err();
        assert!(is_power_off(&error));
        assert_eq!(disk.trace().len() as u64, disk.calls());
        let mut crashed = disk.crash(mode);
        let first = crashed.durable_image();
        // A second crash draws from the same stream.
        crashed.create_new("again").unwrap().write_at(&[7; 3000], 0).unwrap();
        crashed = crashed.crash(mode);
        (first, crashed.durable_image(), disk.trace())
    };
    let calls = {
        let disk = SimDisk::new(0);
        life(&disk).unwrap();
        disk.calls()
    };
    let mut seen = BTreeSet::new();
    for mode in CrashMode::POWER_CUTS {
        for point in 0..calls {
            for seed in [1, 2] {
                let once = run(seed, point, mode);
                assert_eq!(once, run(seed, point, mode), "{mode:?} at {point}, seed {seed}");
                seen.insert(once.0);
            }
        }
    }
    assert!(seen.len() > calls as usize, "crashes differ: {} images", seen.len());
}

#[test]
fn a_durable_write_makes_the_calls_that_its_table_promises() {
    use crate::disk::sim::CallKind::*;
    let disk = SimDisk::new(0);
    disk.create_dir("d").unwrap();
    durable_write(&disk, "d", "tmp", "f", b"bytes").unwrap();
    let calls: Vec<_> =
        disk.trace().into_iter().skip(1).map(|call| (call.kind, call.path)).collect();
    let expected = [
        (Remove, "d/tmp"),
        (CreateNew, "d/tmp"),
        (WriteAt, "d/tmp"),
        (SyncData, "d/tmp"),
        (Rename, "d/tmp"),
        (SyncDir, "d"),
    ];
    assert_eq!(calls, expected.map(|(kind, path)| (kind, path.to_owned())));
}

#[test]
fn a_durable_write_is_whole_at_every_crash_point() {
    let calls = {
        let disk = SimDisk::new(0);
        durable_write(&disk, ROOT, "tmp", "f", &[1; 5000]).unwrap();
        disk.calls()
    };
    for mode in CrashMode::POWER_CUTS.into_iter().chain([CrashMode::ProcessOnly]) {
        for point in 0..=calls {
            for seed in 0..50 {
                let (old, new) = (vec![0; 3000], vec![1; 5000]);
                let disk = SimDisk::new(seed);
                durable_write(&disk, ROOT, "tmp", "f", &old).unwrap();
                disk.crash_after(disk.calls() + point);
                let done = durable_write(&disk, ROOT, "tmp", "f", &new);
                let found = disk.crash(mode).durable_bytes("f").unwrap();
                match done {
                    Ok(()) => assert!(found == new, "{mode:?} at {point}, seed {seed}"),
                    Err(_) => assert!(found == old || found == new, "{mode:?} at {point}"),
                }
            }
        }
    }
}

#[test]
fn a_cut_power_answers_nothing_and_loses_nothing_more() {
    let (disk, file) = disk_with_file(1);
    let calls = disk.calls();
    disk.crash_after(calls + 1);
    file.write_at(b"n", 0).unwrap();
    for _ in 0..3 {
        assert!(is_power_off(&file.sync_data().unwrap_err()));
    }
    assert!(is_power_off(&disk.create_new("g").unwrap_err()));
    assert_eq!(disk.calls(), calls + 5, "refused calls are counted");
    let left = disk.crash(CrashMode::KeepAll).durable_image();
    assert_eq!(left.into_iter().collect::<Vec<_>>(), [("f".into(), b"n".to_vec())]);
}
