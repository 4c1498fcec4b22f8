//! A2: planned faults strike the calls they were planned for, and damage shows where it would.

use super::*;
use crate::disk::sim::{CrashMode, SimDisk};
use crate::disk::{Disk, DiskFile, ROOT, durable_write, read_file, read_to_vec, write_all_at};

/// A disk with a durable file "f" that holds `old`.
fn disk_with(old: &[u8]) -> (SimDisk, Box<dyn DiskFile>) {
    let disk = SimDisk::new(5);
    disk.overwrite("f", old).unwrap();
    let file = disk.open_write("f").unwrap();
    (disk, file)
}

fn after_power_cut(disk: &SimDisk) -> Vec<u8> {
    disk.after_crash(CrashMode::LoseUnsynced, 0).durable_bytes("f").unwrap()
}

/// Makes one call of a kind on a disk that has a directory "d" and a file "f".
fn one_call(disk: &SimDisk, kind: CallKind) -> io::Result<()> {
    let file = disk.open_write("f").unwrap();
    let before = disk.calls();
    let result = match kind {
        CallKind::CreateNew => disk.create_new("new").map(drop),
        CallKind::OpenRead => disk.open_read("f").map(drop),
        CallKind::OpenWrite => disk.open_write("f").map(drop),
        CallKind::Rename => disk.rename("f", "g"),
        CallKind::Remove => disk.remove("f"),
        CallKind::List => disk.list(ROOT).map(drop),
        CallKind::CreateDir => disk.create_dir("e"),
        CallKind::SyncDir => disk.sync_dir(ROOT),
        CallKind::Lock => disk.lock("LOCK").map(drop),
        CallKind::FreeBytes => disk.free_bytes().map(drop),
        CallKind::ReadAt => file.read_at(&mut [0; 4], 0).map(drop),
        CallKind::WriteAt => file.write_at(b"new!", 0).map(drop),
        CallKind::Len => file.len().map(drop),
        CallKind::Allocate => file.allocate(100),
        CallKind::SyncData => file.sync_data(),
        CallKind::DropCache => file.drop_cache(),
    };
    assert_eq!(disk.calls(), before + 1, "{kind:?} is one call");
    assert_eq!(disk.trace().last().unwrap().kind, kind);
    result
}

#[test]
fn every_kind_of_call_fails_with_every_error_it_can_have() {
    let errors = [
        (Fault::Eio, Errno::IO),
        (Fault::EioButDone, Errno::IO),
        (Fault::Enospc, Errno::NOSPC),
        (Fault::Emfile, Errno::MFILE),
        (Fault::Eintr, Errno::INTR),
        (Fault::SyncLosesPages, Errno::IO),
        (Fault::SyncRevertsPages, Errno::IO),
    ];
    for kind in CallKind::ALL {
        for (fault, errno) in errors {
            let (disk, file) = disk_with(b"old");
            drop(file);
            disk.inject(fault, Calls::of(kind));
            let visible = || (disk.files(), disk.visible_bytes("f"), disk.unsynced());
            let before = visible();
            let result = if kind == CallKind::OpenWrite && fault.can_strike(kind) {
                // `one_call` opens the file for itself.
                disk.open_write("f").map(drop)
            } else {
                one_call(&disk, kind)
            };
            let expected = fault.can_strike(kind).then(|| errno.raw_os_error());
            assert_eq!(
                result.err().and_then(|error| error.raw_os_error()),
                expected,
                "{kind:?} {fault:?}"
            );
            if expected.is_some() && fault != Fault::EioButDone {
                assert_eq!(visible(), before, "{kind:?} {fault:?} did nothing");
            }
            assert_eq!(disk.faults_struck(), u64::from(expected.is_some()), "{kind:?} {fault:?}");
        }
    }
}

#[test]
fn a_call_that_failed_may_have_been_done() {
    let (disk, file) = disk_with(b"old");
    disk.inject(Fault::EioButDone, Calls::any());
    file.write_at(b"new", 0).unwrap_err();
    file.sync_data().unwrap_err();
    assert_eq!(after_power_cut(&disk), b"new");
    disk.rename("f", "g").unwrap_err();
    disk.sync_dir(ROOT).unwrap_err();
    disk.create_new("h").unwrap_err();
    disk.lock("LOCK").unwrap_err();
    assert_eq!(disk.durable_image().into_keys().collect::<Vec<_>>(), ["g"]);
    assert_eq!(disk.files(), ["LOCK", "g", "h"]);
    disk.clear_faults();
    drop(disk.lock("LOCK").expect("nobody got the lock"));
}

#[test]
fn faults_strike_the_calls_that_were_planned() {
    // plan, then which of six writes fail, alternating between "f" and "g"
    let rows = [
        (Calls::any(), "xxxxxx"),
        (Calls::any().nth(1), "x....."),
        (Calls::any().nth(6), ".....x"),
        (Calls::any().nth(7), "......"),
        (Calls::any().from(5), "....xx"),
        (Calls::of(CallKind::ReadAt), "......"),
        (Calls::of(CallKind::WriteAt).on("g"), ".x.x.x"),
        (Calls::of(CallKind::WriteAt).on("g").nth(2), "...x.."),
        (Calls::any().on("f").from(2), "..x.x."),
        (Calls::any().on("nowhere"), "......"),
    ];
    for (calls, expected) in rows {
        let (disk, f) = disk_with(b"");
        let g = disk.create_new("g").unwrap();
        disk.inject(Fault::Eio, calls.clone());
        let struck: String = (0..6)
            .map(|index| if index % 2 == 0 { &f } else { &g })
            .map(|file| if file.write_at(b"x", 0).is_err() { 'x' } else { '.' })
            .collect();
        assert_eq!(struck, expected, "{calls:?}");
        assert_eq!(disk.faults_struck() as usize, expected.matches('x').count());
    }
}

#[test]
fn a_fault_counts_only_calls_that_it_can_strike() {
    let (disk, file) = disk_with(b"1234");
    disk.inject(Fault::Short, Calls::any().nth(2));
    disk.list(ROOT).unwrap();
    assert_eq!(file.write_at(b"abcd", 0).unwrap(), 4);
    file.sync_data().unwrap();
    assert_eq!(file.write_at(b"ABCDE", 0).unwrap(), 3);
    assert_eq!(disk.visible_bytes("f").unwrap(), b"ABCd");
}

#[test]
fn short_and_interrupted_transfers_are_finished_by_the_loops() {
    let bytes: Vec<u8> = (0..=255).collect();
    let (disk, file) = disk_with(b"");
    disk.inject(Fault::Eintr, Calls::of(CallKind::WriteAt).nth(2));
    disk.inject(Fault::Eintr, Calls::of(CallKind::ReadAt).nth(3));
    disk.inject(Fault::Short, Calls::any());
    write_all_at(file.as_ref(), &bytes, 0).unwrap();
    assert_eq!(read_to_vec(file.as_ref(), 256).unwrap(), bytes);
}

#[test]
fn a_failed_sync_that_loses_pages_is_never_made_good() {
    // what the failed sync did → what reads show, what they show behind the cache
    let rows: [(Fault, &[u8], &[u8]); 2] =
        [(Fault::SyncLosesPages, b"new+", b"old\0"), (Fault::SyncRevertsPages, b"old\0", b"old\0")];
    for (fault, shown, behind) in rows {
        let (disk, file) = disk_with(b"old");
        disk.inject(fault, Calls::of(CallKind::SyncData).nth(1));
        write_all_at(file.as_ref(), b"new+", 0).unwrap();
        file.sync_data().unwrap_err();
        assert_eq!(read_file(&disk, "f", 9).unwrap(), shown, "{fault:?}");
        file.sync_data().unwrap();
        assert_eq!(read_file(&disk, "f", 9).unwrap(), shown, "{fault:?}: the retry looks fine");
        assert_eq!(after_power_cut(&disk), behind, "{fault:?}: and kept nothing but the length");
        let killed = disk.after_crash(CrashMode::ProcessOnly, 0);
        assert_eq!(
            read_file(&killed, "f", 9).unwrap(),
            shown,
            "{fault:?}: a new process is fooled"
        );
        killed.open_read("f").unwrap().drop_cache().unwrap();
        assert_eq!(
            read_file(&killed, "f", 9).unwrap(),
            behind,
            "{fault:?}: unless it looks behind"
        );

        file.write_at(b"N", 0).unwrap();
        file.sync_data().unwrap();
        assert_eq!(after_power_cut(&disk)[0], b'N', "{fault:?}: later writes are kept");
    }
}

#[test]
fn a_plain_failed_sync_leaves_everything_undecided() {
    let (disk, file) = disk_with(b"old");
    disk.inject(Fault::Eio, Calls::of(CallKind::SyncData).nth(1));
    file.write_at(b"new", 0).unwrap();
    file.sync_data().unwrap_err();
    assert_eq!(after_power_cut(&disk), b"old");
    let kept = disk.after_crash(CrashMode::KeepAll, 0);
    assert_eq!(kept.durable_bytes("f").unwrap(), b"new");
}

#[test]
fn a_failed_directory_sync_loses_entries_for_good() {
    let (disk, _file) = disk_with(b"old");
    disk.inject(Fault::SyncLosesPages, Calls::of(CallKind::SyncDir).nth(1));
    disk.create_new("g").unwrap();
    disk.remove("f").unwrap();
    disk.sync_dir(ROOT).unwrap_err();
    disk.sync_dir(ROOT).unwrap();
    assert_eq!(disk.files(), ["g"]);
    for mode in CrashMode::POWER_CUTS {
        assert_eq!(disk.after_crash(mode, 0).files(), ["f"], "{mode:?}");
    }
}

#[test]
fn each_ignored_sync_of_a_durable_write_is_a_loss_that_shows() {
    let lost_with = |plant: fn(&SimDisk)| {
        let (disk, _file) = disk_with(b"old");
        plant(&disk);
        durable_write(&disk, ROOT, "tmp", "f", b"new").unwrap();
        (0..50).any(|seed| {
            let after = disk.after_crash(CrashMode::RandomSubset, seed);
            after.durable_bytes("f").unwrap() != b"new"
        })
    };
    assert!(!lost_with(|_| {}));
    assert!(lost_with(|disk| disk.ignore_sync_data(Calls::any())));
    assert!(lost_with(|disk| disk.ignore_sync_dir(Calls::any())));
    assert!(!lost_with(|disk| disk.ignore_sync_data(Calls::any().on("elsewhere"))));
    assert!(!lost_with(|disk| disk.ignore_sync_dir(Calls::any().from(2))));
}

#[test]
fn a_bit_that_flips_on_the_way_shows_only_behind_the_cache() {
    let (disk, file) = disk_with(&[0; 1000]);
    disk.inject(Fault::FlipBitOnSync, Calls::any());
    write_all_at(file.as_ref(), &[0xff; 100], 300).unwrap();
    file.sync_data().unwrap();
    let written = disk.visible_bytes("f").unwrap();
    assert!(written[300..400].iter().all(|byte| *byte == 0xff));
    file.drop_cache().unwrap();
    let stored = read_file(&disk, "f", 1000).unwrap();
    let flipped: Vec<(usize, u32)> = (0..1000)
        .map(|at| (at, (stored[at] ^ written[at]).count_ones()))
        .filter(|(_, bits)| *bits > 0)
        .collect();
    assert!(matches!(flipped[..], [(300..400, 1)]), "{flipped:?}");
}

#[test]
fn a_write_that_never_arrived_shows_only_behind_the_cache() {
    let (disk, file) = disk_with(b"....");
    disk.inject(Fault::LoseWriteOnSync, Calls::any());
    for (offset, byte) in (0..).zip([b"a", b"b", b"c", b"d"]) {
        file.write_at(byte, offset).unwrap();
    }
    file.sync_data().unwrap();
    assert_eq!(read_file(&disk, "f", 4).unwrap(), b"abcd");
    file.drop_cache().unwrap();
    let stored = read_file(&disk, "f", 4).unwrap();
    assert_eq!(stored.iter().filter(|byte| **byte == b'.').count(), 1, "{stored:?}");
}

#[test]
fn a_full_disk_takes_what_fits_and_then_nothing() {
    let (disk, file) = disk_with(b"12345");
    disk.set_capacity(Some(10));
    assert_eq!(disk.free_bytes().unwrap(), 5);
    let reserve = disk.create_new("reserve").unwrap();
    reserve.allocate(3).unwrap();
    assert_eq!(disk.free_bytes().unwrap(), 2);
    assert_eq!(file.write_at(b"abcdef", 4).unwrap(), 3, "one byte has its place, two fit");
    let full = Some(Errno::NOSPC.raw_os_error());
    assert_eq!(file.write_at(b"x", 7).unwrap_err().raw_os_error(), full);
    assert_eq!(write_all_at(file.as_ref(), b"xy", 7).unwrap_err().raw_os_error(), full);
    assert_eq!(reserve.allocate(4).unwrap_err().raw_os_error(), full);
    assert_eq!(file.write_at(b"1234567", 0).unwrap(), 7, "what has its place can be written");
    reserve.write_at(b"abc", 0).unwrap();

    disk.remove("reserve").unwrap();
    assert_eq!(disk.free_bytes().unwrap(), 0, "still open");
    drop(reserve);
    assert_eq!(disk.free_bytes().unwrap(), 3);
    disk.set_capacity(None);
    assert_eq!(disk.free_bytes().unwrap(), u64::MAX);
}

#[test]
fn replacing_a_file_frees_its_space() {
    let disk = SimDisk::new(1);
    disk.set_capacity(Some(10));
    for _ in 0..20 {
        durable_write(&disk, ROOT, "tmp", "f", b"12345").unwrap();
    }
    assert_eq!(disk.free_bytes().unwrap(), 5);
    let full = durable_write(&disk, ROOT, "tmp", "f", b"123456").unwrap_err();
    assert_eq!(full.raw_os_error(), Some(Errno::NOSPC.raw_os_error()));
    assert_eq!(disk.files(), ["f"], "the temporary does not keep the disk full");
    assert_eq!(disk.durable_bytes("f").unwrap(), b"12345");
}

#[test]
fn damage_changes_what_it_names() {
    let (disk, file) = disk_with(&[0, 0, 0]);
    disk.flip_bit("f", 1, 7).unwrap();
    assert_eq!(read_file(&disk, "f", 3).unwrap(), [0, 128, 0]);
    disk.flip_bit_behind_cache("f", 2, 0).unwrap();
    assert_eq!(read_file(&disk, "f", 3).unwrap(), [0, 128, 0]);
    file.drop_cache().unwrap();
    assert_eq!(read_file(&disk, "f", 3).unwrap(), [0, 128, 1]);
    disk.flip_bit("f", 3, 0).unwrap_err();
    disk.flip_bit("f", 0, 8).unwrap_err();
    disk.flip_bit("g", 0, 0).unwrap_err();

    let yesterday = disk.after_crash(CrashMode::KeepAll, 0);
    durable_write(&disk, ROOT, "tmp", "f", b"today").unwrap();
    assert_eq!(yesterday.durable_bytes("f").unwrap(), [0, 128, 1], "copies are apart");
    disk.roll_back("f", &yesterday).unwrap();
    assert_eq!(disk.crash(CrashMode::LoseUnsynced).durable_bytes("f").unwrap(), [0, 128, 1]);
}

#[test]
fn the_trace_tells_the_newest_calls() {
    let (disk, file) = disk_with(b"old");
    disk.inject(Fault::Eio, Calls::of(CallKind::SyncData));
    file.write_at(b"new", 2).unwrap();
    file.sync_data().unwrap_err();
    disk.sync_dir(ROOT).unwrap();
    let lines: Vec<String> = disk.trace().iter().map(ToString::to_string).collect();
    let eio = eio();
    assert_eq!(
        lines,
        [
            "1 OpenWrite \"f\"".to_owned(),
            "2 WriteAt \"f\" 3 bytes at 2".to_owned(),
            format!("3 SyncData \"f\": {eio}"),
            "4 SyncDir \"\"".to_owned(),
        ]
    );
    for _ in 0..2 * crate::disk::sim::CALLS_MAX {
        file.len().unwrap();
    }
    assert_eq!(disk.trace().len(), crate::disk::sim::CALLS_MAX);
    assert_eq!(disk.trace().last().unwrap().number, disk.calls());
}
