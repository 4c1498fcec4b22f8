//! `verify` names what is damaged, in every kind of file.

use std::path::{Path, PathBuf};

use crate::support::Directory;

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("there").flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path => found.push(path),
        }
    }
    found.sort();
    found
}

/// A stopped store with packed and recent events.
fn stopped(directory: &Directory) -> PathBuf {
    let text = |from: usize, to: usize| -> String {
        let note = "x".repeat(4_000);
        (from..to)
            .map(|n| {
                format!("{{\"id\":\"e{n}\",\"action\":\"x.create\",\"metadata\":{{\"n\":{n},\"note\":\"{note}{n}\"}}}}\n")
            })
            .collect()
    };
    // More than one generation of recent events, so that something is packed.
    directory.write("events.ndjson", text(0, 9_000));
    let ran = directory.run(&["import", "events.ndjson", "-w", "acme", "--data", "data"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    directory.join("data")
}

#[test]
fn a_flipped_bit_is_named_with_its_file() {
    let directory = Directory::new();
    let data = stopped(&directory);
    let intact = directory.run(&["verify", "--json", "--data", "data"]);
    assert_eq!(intact.code, 0, "{intact:?}");
    let files = files(&data);
    let kinds = [".log", ".parquet", ".idx", ".run", ".root", "segments.json"];
    for kind in kinds {
        let path = files
            .iter()
            .find(|path| path.to_string_lossy().ends_with(kind))
            .unwrap_or_else(|| panic!("a file of kind {kind} in {files:?}"));
        let bytes = std::fs::read(path).expect("readable");
        let mut flipped = bytes.clone();
        // Early enough that a log file's reserved end is not met.
        let at = if kind == ".log" { 5_000 } else { bytes.len() / 2 };
        flipped[at] ^= 4;
        std::fs::write(path, &flipped).expect("writable");
        let ran = directory.run(&["verify", "--data", "data"]);
        let name = path.file_name().expect("a name").to_string_lossy();
        assert_eq!(ran.code, 4, "{name}: {ran:?}");
        assert!(format!("{}{}", ran.out, ran.err).contains(&*name), "{name}: {ran:?}");
        std::fs::write(path, &bytes).expect("writable");
    }
    assert_eq!(directory.run(&["verify", "--data", "data"]).code, 0, "whole again");
}
