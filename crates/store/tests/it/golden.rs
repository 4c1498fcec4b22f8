//! G27: every released format is opened by each later version.
//!
//! `docs/spec/vectors` holds a log and a snapshot of version 1 that were written once. Today's code
//! must read them to the stated state, as must a reader of the pages that shares no code with ours. A
//! change that breaks these tests breaks the data of everybody who has some: the files stay, the
//! change goes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use proofbook_store::disk::{Disk, SimDisk, write_all_at};
use proofbook_store::fold::{Fold, RunSecret, State};
use proofbook_store::log::{Floor, Frame, LocalLog, LogOptions};
use proofbook_store::segment_entry::SegmentEntry;
use proofbook_store::{manifest, names};
use serde_json::{Value, json};

use crate::python;

mod write;

/// The log's files: the second was begun by a restart.
const LOGS: [&str; 2] = ["log-v1.log", "log-v1-restart.log"];
/// What they hold.
const STATED: &str = "log-v1.json";
const ROOT: &str = "snapshot-v1.root";
const RUN: &str = "snapshot-v1.run";

fn vector(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors").join(name)
}

#[expect(clippy::disallowed_methods, reason = "golden files lie in the checkout, not in a store")]
fn read(name: &str) -> Vec<u8> {
    std::fs::read(vector(name)).unwrap()
}

fn stated() -> Value {
    serde_json::from_slice(&read(STATED)).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &Value) -> [u8; N] {
    let text = text.as_str().unwrap();
    assert_eq!(text.len(), 2 * N);
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}

/// A state as `log-v1.json` writes it down.
fn state_json(state: &State) -> Value {
    let format = state.format.unwrap();
    let workspaces = state.workspaces.iter().map(|workspace| {
        let runs = workspace.runs.iter();
        json!({
            "uid": hex(&workspace.uid.0),
            "name": *workspace.name,
            "size": workspace.edge.size(),
            "root": hex(&workspace.edge.root().0),
            "recorded_at": workspace.recorded_at,
            "runs": runs
                .map(|run| {
                    let RunSecret::Whole(seed) = &run.secret else { panic!("nothing was erased") };
                    [hex(seed.as_bytes()), hex(run.nonce_key.as_bytes())]
                })
                .collect::<Vec<_>>(),
            "settings": *workspace.settings,
        })
    });
    json!({
        "format": {
            "version": format.version,
            "store_id": hex(&format.store_uid),
            "id_key": hex(&format.id_key),
            "mask_key": hex(&format.mask_key),
        },
        "position": state.position.0,
        "stamp": state.stamp,
        "digest_position": state.digest.position.0,
        "digest": hex(&state.digest.hash),
        "packed_through": state.packed_through.0,
        "config": *state.config,
        "segments": state.segments.iter().map(segment_json).collect::<Vec<_>>(),
        "workspaces": workspaces.collect::<Vec<_>>(),
    })
}

fn segment_json(segment: &SegmentEntry) -> Value {
    let files = &segment.files;
    json!({
        "id": format!("{:016x}", segment.id()),
        "rows": segment.rows,
        "parquet_bytes": files.parquet.len,
        "parquet_sha256": hex(&files.parquet.sha256.0),
        "idx_bytes": files.idx.len,
        "idx_sha256": hex(&files.idx.sha256.0),
        "directory_sha256": hex(&files.directory.0),
    })
}

/// A simulated disk with the golden files under the names that a data directory gives them.
fn golden_disk() -> Arc<dyn Disk> {
    let stated = stated();
    let disk = SimDisk::new(1);
    let put = |dir: &str, name: &str, bytes: &[u8]| {
        disk.create_dir(dir).unwrap();
        let file = disk.create_new(&format!("{dir}/{name}")).unwrap();
        write_all_at(&*file, bytes, 0).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir(dir).unwrap();
    };
    for (name, file) in LOGS.iter().zip(stated["files"].as_array().unwrap()) {
        let first = file["first"].as_u64().unwrap();
        put(names::LOG_DIR, &names::log_file(first, 0), &read(name));
    }
    let snapshot = &stated["snapshot"];
    let position = snapshot["state"]["position"].as_u64().unwrap();
    put(names::SNAPSHOT_DIR, &names::snapshot_root(position), &read(ROOT));
    put(names::SNAPSHOT_DIR, &names::snapshot_run(&unhex(&snapshot["runs"][0])), &read(RUN));
    Arc::new(disk)
}

/// Leaves out what says nothing, so that a setting that a later version adds does not count as one
/// that it reads otherwise.
fn said(value: &Value) -> Value {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    };
    match value {
        Value::Array(items) => items.iter().map(said).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), said(value)));
            members.filter(|(_, value)| says(value)).collect()
        }
        other => other.clone(),
    }
}

/// Recovers the golden log from a floor and folds it on top of a state.
fn fold_from(floor: Floor, state: State) -> (State, Vec<Frame>) {
    let store_uid = unhex(&stated()["files"][0]["store_id"]);
    let mut fold = Fold::new(state);
    let mut frames = Vec::new();
    let mut visit = |frame: Frame| {
        fold.check_digest(frame.digest).map_err(|error| error.to_string())?;
        let body = Bytes::from(frame.body.clone());
        fold.apply(frame.position, frame.stamp, &body, &[], &[])
            .map_err(|error| error.to_string())?;
        frames.push(frame);
        Ok(())
    };
    let options = LogOptions { file_bytes: 4096 };
    let recovered = LocalLog::recover(golden_disk(), options, store_uid, floor, &mut visit);
    let (_, report) = recovered.unwrap();
    assert_eq!(report.torn, []);
    (fold.state, frames)
}

#[test]
fn the_golden_log_opens_and_folds_to_the_stated_state() {
    let stated = stated();
    let (state, frames) = fold_from(Floor::default(), State::default());
    let files = stated["files"].as_array().unwrap();
    let named: Vec<&Value> = files.iter().flat_map(|f| f["frames"].as_array().unwrap()).collect();
    assert_eq!(frames.len(), named.len());
    for (frame, named) in frames.iter().zip(named) {
        let found = (frame.position.0, frame.stamp, frame.record_count, hex(&frame.hash.0));
        let expected = (
            named["position"].as_u64().unwrap(),
            named["stamp"].as_i64().unwrap(),
            named["records"].as_u64().unwrap() as u32,
            named["hash"].as_str().unwrap().to_owned(),
        );
        assert_eq!(found, expected);
    }
    assert_eq!(said(&state_json(&state)), said(&stated["state"]));
}

#[test]
fn the_golden_snapshot_opens_and_the_log_behind_it_gives_the_stated_state() {
    let stated = stated();
    let position = stated["snapshot"]["state"]["position"].as_u64().unwrap();
    let (snapshot, state) = manifest::read(&*golden_disk(), position).unwrap();
    assert_eq!(said(&state_json(&state)), said(&stated["snapshot"]["state"]));
    assert_eq!(snapshot.generation, stated["snapshot"]["generation"]);
    assert_eq!(hex(&snapshot.root_hash), stated["snapshot"]["root_sha256"]);
    let floor = Floor { position: snapshot.position, hash: snapshot.frame_hash };
    let (state, frames) = fold_from(floor, state);
    assert!(!frames.is_empty() && frames[0].position.0 == position + 1);
    assert_eq!(said(&state_json(&state)), said(&stated["state"]));
}

/// Every root and digest derived anew, by the pages alone.
#[test]
fn a_reader_of_the_pages_alone_agrees_on_the_log() {
    let script = "../../docs/spec/vectors/read_log.py";
    let [first, second] = LOGS.map(vector);
    let Some(found) = python::run(script, &[&first, &second], "zstandard") else { return };
    let stated = stated();
    assert_eq!(found["files"], stated["files"]);
    assert_eq!(found["state"], stated["state"]);
}

#[test]
fn a_reader_of_the_pages_alone_agrees_on_the_snapshot() {
    let script = "../../docs/spec/vectors/read_snapshot.py";
    let Some(found) = python::run(script, &[&vector(ROOT), &vector(RUN)], "Python 3") else {
        return;
    };
    assert_eq!(found, stated()["snapshot"]);
}

/// The tables of the page and the layout in the module docs are the same rows.
#[test]
fn page_and_module_docs_have_one_layout() {
    const PAGE: &str = include_str!("../../../../docs/spec/log.md");
    const MODULE: &str = include_str!("../../src/log/frame.rs");
    let section = PAGE.split_once("## 3. ").unwrap().1.split_once("## 4. ").unwrap().0;
    let page: Vec<(usize, Option<usize>)> = section
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
            Some((cells.next()?.parse().ok()?, cells.next()?.parse().ok()))
        })
        .collect();
    let block = MODULE.split_once("```text").unwrap().1.split_once("```").unwrap().0;
    let module: Vec<(usize, Option<usize>)> = block
        .lines()
        .filter_map(|line| {
            let mut words = line.trim_start_matches("//!").split_whitespace();
            Some((words.next()?.parse().ok()?, words.next()?.parse().ok()))
        })
        .collect();
    assert!(page.len() > 10);
    assert_eq!(page, module);
    let ends = page.iter().map(|(offset, bytes)| offset + bytes.unwrap_or(0));
    let starts = page.iter().skip(1).map(|(offset, _)| *offset);
    assert!(ends.zip(starts).all(|(end, start)| end == start), "rows follow without gap");
}

/// The worked example shows the first golden file's own bytes.
#[test]
fn the_worked_example_is_the_golden_file() {
    const PAGE: &str = include_str!("../../../../docs/spec/log.md");
    let example = PAGE.split_once("## 8. ").unwrap().1;
    let stored = stated()["files"][0]["frames"][0]["stored_bytes"].as_u64().unwrap() as usize;
    let shown: String = example
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.split('`').nth(1).map(str::to_owned))
        .collect();
    assert_eq!(shown, hex(&read(LOGS[0])[..64 + 156 + stored]));
    assert!(example.contains(stated()["files"][0]["frames"][0]["hash"].as_str().unwrap()));
}
