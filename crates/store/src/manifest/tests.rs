use std::collections::BTreeMap;

use proofbook_ledger::prf::puncture;
use proofbook_ledger::{Hash, Slot};

use super::*;
use crate::config::{ConfigChange, Key, WorkspaceSettings};
use crate::delivered::{Cursor, Progress};
use crate::disk::SimDisk;
use crate::disk::sim::{CallKind, Calls, CrashMode, Fault};
use crate::segment::{FileHash, SegmentFiles};

fn disk() -> SimDisk {
    let disk = SimDisk::new(1);
    disk.create_dir(names::SNAPSHOT_DIR).expect("made");
    disk.sync_dir(crate::disk::ROOT).expect("synced");
    disk
}

fn workspace(number: u32) -> Arc<Workspace> {
    let mut edge = Edge::default();
    for leaf in 0..number % 9 {
        edge.append(Hash([leaf as u8; 32]));
    }
    let mut uid = [0; 16];
    uid[..4].copy_from_slice(&number.to_be_bytes());
    let settings = match number % 3 {
        0 => WorkspaceSettings::default(),
        _ => WorkspaceSettings { title: Some(format!("W {number}")), ..Default::default() },
    };
    let seed = RunSeed::from_bytes([number as u8; 32]);
    let run = Run {
        secret: match number % 5 {
            4 => RunSecret::Punctured(Arc::new(puncture(&seed, Slot::FIRST))),
            _ => RunSecret::Whole(seed),
        },
        nonce_key: NonceKey::from_bytes([!(number as u8); 32]),
    };
    Arc::new(Workspace {
        uid: WorkspaceUid(uid),
        name: format!("w{number}").into(),
        edge,
        upper: Arc::default(),
        recorded_at: i64::from(number) * 1_000,
        runs: vec![run; (number % 3) as usize].into(),
        settings: Arc::new(settings),
        rules_changed: Position::default(),
        signing: None,
    })
}

fn delivered() -> Arc<Delivered> {
    let mut delivered = Delivered::default();
    delivered.apply(&Progress {
        destination: "dst_a".to_owned(),
        cursors: vec![(WorkspaceUid([7; 16]), Cursor { generation: 1, next: 42 })],
        ..Progress::default()
    });
    Arc::new(delivered)
}

fn state(position: u64, workspaces: u32) -> State {
    let mut config = Arc::default();
    let key = Key {
        id: "k1".to_owned(),
        name: "a key".to_owned(),
        secret_sha256: "00".to_owned(),
        scopes: Vec::new(),
        workspaces: vec!["*".to_owned()],
        created_at: 3,
        expires_at: None,
        revoked_at: Some(4),
    };
    crate::config::Config::apply(&mut config, &ConfigChange::PutKey { key });
    let file = |n: u8| FileHash { len: u64::from(n), sha256: Hash([n; 32]) };
    let files = SegmentFiles { name: 77, parquet: file(1), idx: file(2), directory: Hash([3; 32]) };
    State {
        delivered: delivered(),
        format: Some(Format { version: 1, store_uid: [1; 16], id_key: [2; 16], mask_key: [3; 16] }),
        position: Position(position),
        stamp: 1_800_000_000_000_000,
        workspaces: (0..workspaces).map(workspace).collect(),
        config,
        segments: vec![SegmentEntry { files, rows: 12 }],
        packed_through: Position(position - 1),
        digest: FoldDigest { position: Position(position), hash: [9; 32] },
    }
}

fn files(disk: &SimDisk) -> BTreeMap<String, Vec<u8>> {
    let files = disk.durable_image();
    assert!(files.len() >= 2, "a root and a run at least");
    files
}

#[test]
fn a_snapshot_reads_back_as_the_state_it_stands_for() {
    let disk = disk();
    let written = write(&disk, &state(9, 2_500), [4; 32], None).expect("writes");
    assert_eq!(written.runs.len(), 3, "2,500 workspaces in runs of 1,024");
    let (read, found) = read(&disk.crash(CrashMode::LoseUnsynced), 9).expect("reads");
    assert_eq!(format!("{found:?}"), format!("{:?}", state(9, 2_500)));
    assert!(found.workspaces == state(9, 2_500).workspaces, "secrets included");
    assert_eq!(
        (read.position, read.stamp, &read.segments),
        (found.position, found.stamp, &found.segments)
    );
    assert_eq!((read.root_hash, read.generation), (written.root_hash, 1));
    assert_eq!((read.frame_hash, read.runs), ([4; 32], written.runs));
}

#[test]
fn a_run_that_did_not_change_is_not_written_again() {
    let disk = disk();
    let first = write(&disk, &state(9, 2_500), [4; 32], None).expect("writes");
    let before = files(&disk);
    let mut changed = state(9, 2_500);
    changed.position = Position(20);
    Arc::make_mut(&mut changed.workspaces[1_500]).recorded_at += 1;
    let second = write(&disk, &changed, [5; 32], Some(&first)).expect("writes");
    let new: Vec<String> = files(&disk).into_keys().filter(|f| !before.contains_key(f)).collect();
    assert_eq!(new.len(), 2, "one root and one run: {new:?}");
    assert_eq!(second.generation, 2);
    assert_eq!((second.runs[0], second.runs[2]), (first.runs[0], first.runs[2]));
    let (_, read) = read(&disk, 20).expect("reads");
    assert_eq!(read.workspaces[1_500].recorded_at, 1_500_001);
}

#[test]
fn removing_others_keeps_what_kept_snapshots_share() {
    let disk = disk();
    let first = write(&disk, &state(9, 1_100), [4; 32], None).expect("writes");
    let mut changed = state(9, 1_100);
    changed.position = Position(20);
    Arc::make_mut(&mut changed.workspaces[0]).recorded_at += 1;
    let second = write(&disk, &changed, [5; 32], Some(&first)).expect("writes");
    disk.overwrite("snapshots/half.tmp", b"left by a crash").expect("written");
    remove_others(&disk, &[first, second.clone()], &[]).expect("removes");
    assert_eq!(positions(&disk).expect("lists"), [20, 9]);
    remove_others(&disk, std::slice::from_ref(&second), &[]).expect("removes");
    assert_eq!(positions(&disk).expect("lists"), [20]);
    assert_eq!(files(&disk).len(), 3, "the root and its two runs");
    read(&disk, 20).expect("the run they shared is still there");
}

/// I9: whatever byte of a root or run is damaged, it is noticed before anything is taken from it.
#[test]
fn a_flipped_bit_anywhere_is_refused_with_the_file_named() {
    let disk = disk();
    write(&disk, &state(9, 5), [4; 32], None).expect("writes");
    for (path, bytes) in files(&disk) {
        let name = path.strip_prefix("snapshots/").expect("in snapshots/").to_owned();
        for offset in 0..bytes.len() {
            for bit in 0..8 {
                disk.flip_bit(&path, offset as u64, bit).expect("flipped");
                match read(&disk, 9) {
                    Err(SnapshotError::Damaged { file }) => assert_eq!(file, name),
                    other => panic!("bit {bit} of byte {offset} of {path}: {other:?}"),
                }
                disk.flip_bit(&path, offset as u64, bit).expect("flipped back");
            }
        }
    }
    read(&disk, 9).expect("whole again");
}

#[test]
fn a_cut_file_is_refused() {
    let disk = disk();
    write(&disk, &state(9, 5), [4; 32], None).expect("writes");
    for (path, bytes) in files(&disk) {
        for cut in 0..bytes.len() {
            disk.overwrite(&path, &bytes[..cut]).expect("cut");
            assert!(read(&disk, 9).is_err(), "{path} cut at {cut}");
        }
        disk.overwrite(&path, &bytes).expect("whole again");
    }
}

/// An older root under a newer one's name is valid in every byte and yet not what it is taken for.
#[test]
fn a_stale_root_is_refused_by_its_position() {
    let disk = disk();
    let first = write(&disk, &state(9, 5), [4; 32], None).expect("writes");
    let mut later = state(9, 5);
    later.position = Position(20);
    write(&disk, &later, [5; 32], Some(&first)).expect("writes");
    let stale = disk.durable_bytes("snapshots/0000000000000009.root").expect("there");
    disk.overwrite("snapshots/0000000000000014.root", &stale).expect("swapped");
    assert!(matches!(read(&disk, 20), Err(SnapshotError::Damaged { .. })));
    assert!(read(&disk, 9).is_ok());
}

#[test]
fn what_the_disk_did_not_keep_is_noticed_before_a_snapshot_is_relied_on() {
    for fault in [Fault::FlipBitOnSync, Fault::LoseWriteOnSync] {
        for nth in 1..=2 {
            let disk = disk();
            disk.inject(fault, Calls::of(CallKind::SyncData).nth(nth));
            let written = write(&disk, &state(9, 5), [4; 32], None);
            assert!(matches!(written, Err(SnapshotError::Damaged { .. })), "{fault:?} at {nth}");
        }
    }
}

/// A crash at every call of writing a snapshot leaves the one before it, or the new one whole.
#[test]
fn a_crash_while_writing_leaves_the_older_snapshot_or_the_new_one() {
    let calls = {
        let disk = disk();
        let first = write(&disk, &state(9, 5), [4; 32], None).expect("writes");
        let before = disk.calls();
        write(&disk, &state(20, 6), [5; 32], Some(&first)).expect("writes");
        disk.calls() - before
    };
    for call in 0..=calls {
        for mode in CrashMode::POWER_CUTS {
            let disk = disk();
            let first = write(&disk, &state(9, 5), [4; 32], None).expect("writes");
            disk.crash_after(disk.calls() + call);
            let done = write(&disk, &state(20, 6), [5; 32], Some(&first)).is_ok();
            let disk = disk.crash(mode);
            let newest = positions(&disk).expect("lists")[0];
            let (snapshot, _) = read(&disk, newest).expect("the newest root is whole");
            assert_eq!(snapshot.position.0, newest);
            assert!(newest == 20 || (newest == 9 && !done), "call {call}, {mode:?}");
        }
    }
}
