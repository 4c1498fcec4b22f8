use std::io;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::frame::{HEADER_BYTES, MAGIC, encode};
use super::*;
use crate::disk::sim::{CallKind, Calls, CrashMode, Fault, SimDisk};
use crate::names;
use proofbook_ledger::Hash;

const UID: [u8; 16] = [7; 16];
const FILE_HEADER: usize = 64;

fn options() -> LogOptions {
    LogOptions { file_bytes: 8 * 1024 }
}

type Recovered = (LocalLog, RecoveryReport, Vec<Frame>);

fn recover_from(disk: &SimDisk, floor: Floor) -> Result<Recovered, RecoverError> {
    let mut frames = Vec::new();
    let (log, report) =
        LocalLog::recover(Arc::new(disk.clone()), options(), UID, floor, &mut |frame| {
            frames.push(frame);
            Ok(())
        })?;
    Ok((log, report, frames))
}

fn recover(disk: &SimDisk) -> Result<Recovered, RecoverError> {
    recover_from(disk, Floor::default())
}

/// The body of the `n`th frame: different in content and length.
fn body(n: u64) -> Vec<u8> {
    (0..40 + n * 13).map(|at| (at * 7 + n * 31) as u8).collect()
}

fn append(log: &mut LocalLog, n: u64) -> Result<Position, AppendError> {
    let body = body(n);
    let digest = FoldDigest { position: Position(n - 1), hash: [n as u8; 32] };
    log.append(&FrameDraft { stamp: 1_000 + n as i64, body: &body, record_count: 1, digest })
}

fn mark(log: &mut LocalLog) -> Result<Position, AppendError> {
    let digest = FoldDigest::default();
    log.append(&FrameDraft { stamp: 9_000, body: &[], record_count: 0, digest })
}

/// A disk with one log file of `count` frames.
fn log_of(count: u64) -> SimDisk {
    let disk = SimDisk::new(1);
    let (mut log, _, _) = recover(&disk).expect("an empty directory is an empty log");
    for n in 1..=count {
        append(&mut log, n).expect("appends");
    }
    disk
}

fn only_file(disk: &SimDisk) -> (String, Vec<u8>) {
    let files: Vec<String> =
        disk.files().into_iter().filter(|path| path.starts_with("log/")).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    (files[0].clone(), disk.visible_bytes(&files[0]).expect("it is there"))
}

/// Where each frame ends, read off the bytes by the layout in `frame.rs` and nothing else.
fn frame_ends(bytes: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = FILE_HEADER;
    while bytes.get(at..at + 8) == Some(b"PBframe1") {
        let length = bytes[at + 24..at + 28].try_into().expect("four bytes");
        at += 156 + u32::from_le_bytes(length) as usize;
        ends.push(at);
    }
    ends
}

fn positions(frames: &[Frame]) -> Vec<u64> {
    frames.iter().map(|frame| frame.position.0).collect()
}

/// G7: a log cut at any byte gives the longest prefix of whole frames, and takes frames again.
#[test]
fn a_log_cut_at_any_byte_recovers_the_longest_prefix() {
    let disk = log_of(6);
    let (path, bytes) = only_file(&disk);
    let ends = frame_ends(&bytes);
    assert_eq!(ends.len(), 6);
    for cut in 0..=ends[5] + 3 {
        // Once the file ends there, once the space behind it is there and empty.
        for padded in [false, true] {
            let mut left = bytes[..cut].to_vec();
            if padded {
                left.resize(bytes.len(), 0);
            }
            disk.overwrite(&path, &left).expect("written");
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let (mut log, report, frames) =
                recover(&disk).unwrap_or_else(|error| panic!("cut at {cut}: {error:?}"));
            assert_eq!(positions(&frames), (1..=whole as u64).collect::<Vec<_>>(), "cut at {cut}");
            let bodies_fit = frames.iter().all(|frame| frame.body == body(frame.position.0));
            assert!(bodies_fit, "cut at {cut}");
            let end = [FILE_HEADER].iter().chain(&ends).rfind(|end| **end <= cut).copied();
            let torn = left[end.unwrap_or(0)..].iter().any(|byte| *byte != 0);
            let may_be_torn = end.is_some();
            assert_eq!(!report.torn.is_empty(), torn && may_be_torn, "cut at {cut}");
            assert_eq!(append(&mut log, whole as u64 + 1).expect("appends").0, whole as u64 + 1);
            drop(log);
            let (_, _, frames) = recover(&disk).expect("recovers again");
            assert_eq!(frames.len(), whole + 1, "cut at {cut}");
            for file in disk.files() {
                if file != path {
                    crate::disk::Disk::remove(&disk, &file).expect("removed");
                }
            }
        }
    }
}

/// G7, I9: damage with a valid frame behind it is named with file and offset, never cut off.
#[test]
fn a_flipped_byte_in_the_middle_is_refused_and_nothing_is_changed() {
    let disk = log_of(5);
    let (path, bytes) = only_file(&disk);
    let ends = frame_ends(&bytes);
    let name = path.strip_prefix("log/").expect("in log/").to_owned();
    for offset in 0..ends[3] {
        for bit in [0, 5] {
            let mut damaged = bytes.clone();
            damaged[offset] ^= 1 << bit;
            disk.overwrite(&path, &damaged).expect("written");
            let mut visited = 0;
            let recovered = LocalLog::recover(
                Arc::new(disk.clone()),
                options(),
                UID,
                Floor::default(),
                &mut |_| {
                    visited += 1;
                    Ok(())
                },
            );
            let whole = ends.iter().filter(|end| **end <= offset).count();
            match recovered.err() {
                Some(RecoverError::Damaged { file, offset: at, position, later }) => {
                    assert_eq!(file, name);
                    assert!(at as usize <= offset.max(FILE_HEADER), "byte {offset}");
                    assert!(later > position || at as usize <= FILE_HEADER, "byte {offset}");
                }
                Some(RecoverError::Missing { .. }) => assert!((24..32).contains(&offset)),
                other => panic!("byte {offset}: {other:?}"),
            }
            assert!(visited <= whole, "byte {offset}: a frame behind the damage was used");
            assert_eq!(disk.visible_bytes(&path), Some(damaged), "byte {offset}");
        }
    }
}

#[test]
fn a_damaged_last_frame_is_kept_aside_and_reported() {
    let disk = log_of(3);
    let (path, bytes) = only_file(&disk);
    let ends = frame_ends(&bytes);
    for offset in ends[1]..ends[2] {
        let disk = disk.after_crash(CrashMode::KeepAll, offset as u64);
        disk.flip_bit(&path, offset as u64, 3).expect("flipped");
        let tail = disk.visible_bytes(&path).expect("there")[ends[1]..ends[2]].to_vec();
        let (_, report, frames) = recover(&disk).expect("recovers");
        assert_eq!(positions(&frames), [1, 2]);
        let [torn] = report.torn.as_slice() else { panic!("byte {offset}: {report:?}") };
        assert_eq!((torn.offset as usize, torn.byte_count as usize), (ends[1], tail.len()));
        let kept = torn.kept_as.clone().expect("there is space");
        assert_eq!(disk.durable_bytes(&kept), Some(tail));
    }
}

#[test]
fn a_damaged_last_frame_with_a_mark_behind_it_is_refused() {
    let disk = log_of(3);
    let (path, bytes) = only_file(&disk);
    let ends = frame_ends(&bytes);
    let (mut log, ..) = recover(&disk).expect("recovers");
    mark(&mut log).expect("marks");
    drop(log);
    for offset in ends[1]..ends[2] {
        let disk = disk.after_crash(CrashMode::KeepAll, offset as u64);
        disk.flip_bit(&path, offset as u64, 6).expect("flipped");
        assert!(
            matches!(recover(&disk), Err(RecoverError::Damaged { later: Position(4), .. })),
            "byte {offset}"
        );
    }
}

/// A torn tail that begins with zeros, as when the first sectors of an append were lost.
#[test]
fn a_tail_that_begins_with_zeros_is_no_clean_end() {
    let disk = log_of(2);
    let (path, mut bytes) = only_file(&disk);
    let end = frame_ends(&bytes)[1];
    bytes.resize(end + 3 * 1024 * 1024, 0);
    bytes.push(9);
    disk.overwrite(&path, &bytes).expect("written");
    let (_, report, frames) = recover(&disk).expect("recovers");
    assert_eq!(frames.len(), 2);
    assert_eq!(report.torn[0].byte_count, 3 * 1024 * 1024 + 1);
}

#[test]
fn a_torn_tail_on_a_full_disk_is_reported_and_stays_in_the_log() {
    let disk = log_of(2);
    let (path, bytes) = only_file(&disk);
    disk.overwrite(&path, &bytes[..frame_ends(&bytes)[1] - 1]).expect("written");
    disk.set_capacity(Some(0));
    let (_, report, frames) = recover(&disk).expect("a full disk starts");
    assert_eq!(frames.len(), 1);
    assert_eq!(report.torn[0].kept_as, None);
    disk.set_capacity(None);
    let (_, report, _) = recover(&disk).expect("recovers");
    assert!(report.torn[0].kept_as.is_some());
}

#[test]
fn every_recovery_begins_a_new_file_and_never_writes_into_an_old_one() {
    let disk = SimDisk::new(2);
    let mut before: Vec<(String, Vec<u8>)> = Vec::new();
    for n in 1..=5 {
        let (mut log, _, frames) = recover(&disk).expect("recovers");
        assert_eq!(frames.len() as u64, n - 1);
        append(&mut log, n).expect("appends");
        for (path, bytes) in &before {
            assert_eq!(disk.visible_bytes(path).as_ref(), Some(bytes));
        }
        before = disk
            .files()
            .into_iter()
            .map(|path| (path.clone(), disk.visible_bytes(&path).expect("there")))
            .collect();
        assert_eq!(before.len() as u64, n);
    }
    // Damage in the last frame of an older file is proven by the file behind it.
    let (path, bytes) = before[2].clone();
    disk.flip_bit(&path, frame_ends(&bytes)[0] as u64 - 1, 0).expect("flipped");
    assert!(matches!(
        recover(&disk),
        Err(RecoverError::Damaged { position: Position(3), later: Position(4), .. })
    ));
}

#[test]
fn a_log_that_fails_to_sync_takes_nothing_more() {
    for fault in [Fault::SyncLosesPages, Fault::SyncRevertsPages, Fault::Eio, Fault::EioButDone] {
        let disk = log_of(0);
        let (mut log, ..) = recover(&disk).expect("recovers");
        append(&mut log, 1).expect("appends");
        disk.inject(fault, Calls::of(CallKind::SyncData).nth(1));
        assert!(matches!(append(&mut log, 2), Err(AppendError::Failed(_))), "{fault:?}");
        assert!(matches!(append(&mut log, 2), Err(AppendError::Poisoned)), "{fault:?}");
        assert_eq!(log.durable(), Position(1));
        drop(log);
        let (mut log, _, frames) = recover(&disk.crash(CrashMode::ProcessOnly)).expect("recovers");
        assert_eq!(frames[0].body, body(1), "{fault:?}");
        append(&mut log, frames.len() as u64 + 1).expect("a new process appends");
    }
}

#[test]
fn a_full_disk_refuses_a_new_file_and_takes_it_when_space_returns() {
    let disk = SimDisk::new(3);
    let (mut log, ..) = recover(&disk).expect("recovers");
    disk.set_capacity(Some(9 * 1024));
    let mut n = 1;
    let refused = loop {
        match append(&mut log, n) {
            Ok(_) => n += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::NoSpace(_)));
    assert!(n > 10, "the reserved file is used up first");
    assert!(matches!(append(&mut log, n), Err(AppendError::NoSpace(_))));
    disk.set_capacity(None);
    assert_eq!(append(&mut log, n).expect("space is back").0, n);
    let (_, _, frames) = recover(&disk.crash(CrashMode::LoseUnsynced)).expect("recovers");
    assert_eq!(frames.len() as u64, n);
}

#[test]
fn releasing_takes_whole_files_and_never_the_one_in_use() {
    let disk = SimDisk::new(4);
    let (mut log, ..) = recover(&disk).expect("recovers");
    for n in 1..=100 {
        append(&mut log, n).expect("appends");
    }
    let firsts: Vec<u64> = crate::disk::Disk::list(&disk, names::LOG_DIR)
        .expect("listed")
        .iter()
        .filter_map(|name| names::parse_log_file(name))
        .map(|(first, _)| first)
        .collect();
    assert!(firsts.len() >= 3, "{firsts:?}");
    assert_eq!(log.release(Position(firsts[1])).expect("releases"), 1);
    assert_eq!(log.release(Position(firsts[2] - 1)).expect("releases"), 0);
    assert_eq!(log.release(Position(u64::MAX)).expect("releases"), firsts.len() - 2);
    append(&mut log, 101).expect("appends");
    drop(log);
    let last = firsts[firsts.len() - 1];
    assert!(matches!(
        recover(&disk),
        Err(RecoverError::Missing { first, needed: Position(1) }) if first.0 == last
    ));
}

#[test]
fn recovery_continues_a_snapshot_and_refuses_another_history() {
    let disk = log_of(6);
    let (.., frames) = recover(&disk).expect("recovers");
    for floor in 0..6 {
        let hash = match floor {
            0 => [0; 32],
            _ => frames[floor - 1].hash.0,
        };
        let from = Floor { position: Position(floor as u64), hash };
        let (_, _, behind) = recover_from(&disk, from).expect("continues");
        assert_eq!(behind, frames[floor..]);
        if floor > 0 {
            let other = Floor { hash: [1; 32], ..from };
            assert!(matches!(recover_from(&disk, other), Err(RecoverError::OtherHistory { .. })));
        }
    }
    // A snapshot is written after the record of its pack, so a frame behind it was durable once.
    let all = Floor { position: Position(6), hash: frames[5].hash.0 };
    assert!(matches!(recover_from(&disk, all), Err(RecoverError::Gone { needed: Position(7) })));
}

#[test]
fn the_log_of_another_store_is_refused() {
    let disk = log_of(2);
    let recovered =
        LocalLog::recover(Arc::new(disk), options(), [8; 16], Floor::default(), &mut |_| Ok(()));
    assert!(matches!(recovered.err(), Some(RecoverError::Damaged { offset: 0, .. })));
}

#[test]
fn a_frame_that_cannot_be_folded_stops_the_recovery_at_its_position() {
    let disk = log_of(4);
    let mut visit = |frame: Frame| match frame.position.0 {
        3 => Err("no such record".to_owned()),
        _ => Ok(()),
    };
    let recovered = LocalLog::recover(Arc::new(disk), options(), UID, Floor::default(), &mut visit);
    assert!(matches!(
        recovered.err(),
        Some(RecoverError::Refused { position: Position(3), reason }) if reason == "no such record"
    ));
}

/// The layout in the frame's documentation, assembled here by hand.
#[test]
fn a_frame_has_the_layout_that_is_documented() {
    let raw = b"some records";
    let digest = FoldDigest { position: Position(41), hash: [3; 32] };
    let draft = FrameDraft { stamp: -5, body: raw, record_count: 2, digest };
    let (bytes, hash) = encode(&draft, Position(43), Position(42), Hash([9; 32])).expect("encodes");
    let stored = &bytes[156..];
    let mut expected = Vec::new();
    expected.extend_from_slice(b"PBframe1");
    expected.extend_from_slice(&43_u64.to_le_bytes());
    expected.extend_from_slice(&(-5_i64).to_le_bytes());
    expected.extend_from_slice(&(stored.len() as u32).to_le_bytes());
    expected.extend_from_slice(&12_u32.to_le_bytes());
    expected.extend_from_slice(&2_u32.to_le_bytes());
    expected.extend_from_slice(&crc32c::crc32c(stored).to_le_bytes());
    expected.extend_from_slice(&42_u64.to_le_bytes());
    expected.extend_from_slice(&[9; 32]);
    expected.extend_from_slice(&41_u64.to_le_bytes());
    expected.extend_from_slice(&[3; 32]);
    expected.extend_from_slice(&Sha256::digest(stored));
    let crc = crc32c::crc32c(&expected);
    expected.extend_from_slice(&crc.to_le_bytes());
    assert_eq!((expected.len(), MAGIC), (HEADER_BYTES, *b"PBframe1"));
    assert_eq!(bytes[..156], expected);
    assert_eq!(hash.0[..], Sha256::digest(&expected)[..]);
    assert_eq!(zstd::bulk::decompress(stored, 64).expect("zstd"), raw);
}

#[test]
fn a_body_over_the_limit_is_refused_before_anything_is_written() {
    let disk = log_of(1);
    let (mut log, ..) = recover(&disk).expect("recovers");
    let body = vec![0; limits::FRAME_RAW_BYTES_MAX + 1];
    let draft =
        FrameDraft { stamp: 0, body: &body, record_count: 1, digest: FoldDigest::default() };
    assert!(matches!(
        log.append(&draft),
        Err(AppendError::Encode(error)) if error.kind() == io::ErrorKind::InvalidInput
    ));
    append(&mut log, 2).expect("goes on");
}

/// Ninety starts left ninety files of 64 MiB of reserved space, and each start read through all of
/// them for a frame behind the last one.
#[test]
fn a_file_that_is_continued_is_read_to_its_last_frame_only() {
    let disk = SimDisk::new(6);
    for n in 1..=4 {
        let (mut log, ..) = recover(&disk).expect("recovers");
        append(&mut log, n).expect("appends");
    }
    let before = disk.calls();
    let (log, _, frames) = recover(&disk).expect("recovers");
    assert_eq!((frames.len(), log.file_count()), (4, 4));
    let trace = disk.trace();
    let reads = trace.iter().filter(|call| call.number > before && call.kind == CallKind::ReadAt);
    let files = disk.files();
    let reads_of = |path: &String| reads.clone().filter(|call| call.path == **path).count();
    // Its header, its frame's header and body, the place behind it; and its header once before.
    assert_eq!(reads_of(&files[0]), 4);
    assert_eq!(reads_of(&files[1]), 5);
    assert!(reads_of(&files[3]) > 5, "the last one is searched to its end");
}
