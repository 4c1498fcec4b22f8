use super::*;
use crate::clock::SimClock;
use crate::disk::SimDisk;
use crate::open::{Machine, Options};
use crate::prepare::Wanted;
use crate::random::SimRandom;
use crate::store::Store;
use proofbook_event::EventDraft;

/// A store with packed and recent events, stopped.
fn stopped_store() -> SimDisk {
    let disk = SimDisk::new(7);
    let machine = Machine {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(SimClock::new(1_800_000_000_000_000)),
        random: Arc::new(SimRandom::new(7)),
    };
    let mut options = Options { reserve_bytes: 4096, ..Options::default() };
    options.log.file_bytes = 64 * 1024;
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("starts");
    for round in 0..2 {
        for n in 0..20 {
            let text = format!(r#"{{"id":"{round}-{n}","action":"x.create","after":{{"n":{n}}}}}"#);
            let draft = EventDraft::parse(text.as_bytes()).expect("valid");
            let workspace = if n % 3 == 0 { "a" } else { "b" };
            store.commit(store.prepare(false, vec![Ok(Wanted { workspace, draft })])).expect("ok");
        }
        if round == 0 {
            store.pack_soon();
            while store.view().segments.is_empty() {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    }
    drop(store);
    disk
}

fn verify_disk(disk: &SimDisk) -> Result<VerifyReport, OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    verify(&disk, 2)
}

#[test]
fn an_intact_directory_has_no_damage() {
    let report = verify_disk(&stopped_store()).expect("readable");
    assert_eq!(report.damage, Vec::<String>::new());
    assert_eq!(report.event_count, 40);
    assert_eq!(report.workspace_count, 3);
}

/// Every file that holds anything: one flipped bit in it is named. Flips behind the last frame of a log
/// file hit reserved zeros, which are reported as bytes that are no frame.
#[test]
fn a_flipped_bit_in_any_file_is_named() {
    let disk = stopped_store();
    for file in disk.files() {
        let Some(bytes) = disk.visible_bytes(&file).filter(|bytes| !bytes.is_empty()) else {
            continue;
        };
        let step = (bytes.len() / 40).max(1);
        for offset in (0..bytes.len()).step_by(step) {
            let mut flipped = bytes.clone();
            flipped[offset] ^= 1 << (offset % 8);
            disk.overwrite(&file, &flipped).expect("written");
            let name = file.rsplit('/').next().expect("a name");
            match verify_disk(&disk) {
                Ok(report) => {
                    let lines: Vec<String> =
                        report.damage.iter().chain(&report.notices).cloned().collect();
                    assert!(
                        lines.iter().any(|line| line.contains(name)),
                        "bit at {offset} of {file} ({} bytes): {lines:?}",
                        bytes.len()
                    );
                }
                Err(OpenError::StoreId) => assert_eq!(file, names::STORE_ID),
                Err(error) => panic!("bit at {offset} of {file}: {error:?}"),
            }
        }
        disk.overwrite(&file, &bytes).expect("written");
    }
    assert_eq!(verify_disk(&disk).expect("readable").damage, Vec::<String>::new());
}

#[test]
fn both_files_of_a_segment_are_named_when_both_are_damaged() {
    let disk = stopped_store();
    let files = disk.files();
    let in_segments = format!("{}/", names::SEGMENT_DIR);
    let files: Vec<&String> = files.iter().filter(|f| f.starts_with(&in_segments)).collect();
    assert_eq!(files.len(), 2);
    for file in &files {
        let length = disk.visible_bytes(file).expect("there").len() as u64;
        disk.flip_bit(file, length - 40, 1).expect("flips");
    }
    let damage = verify_disk(&disk).expect("readable").damage;
    for file in files {
        assert!(damage.iter().any(|line| line.contains(file.as_str())), "{file}: {damage:?}");
    }
}
