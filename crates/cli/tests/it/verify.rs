//! `verify` names what is damaged, in every kind of file, and tells a good bundle from the others.

use std::path::{Path, PathBuf};

use proofbook_ledger::bundle::Kind;
use proofbook_ledger::{SigningKey, tar};

use crate::ledger_world::{Files, World};
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

/// Writes a bundle's files below a directory.
fn put(directory: &Directory, name: &str, files: &Files) {
    for (path, bytes) in &files.0 {
        let path = directory.join(name).join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        std::fs::write(path, bytes).expect("writable");
    }
}

/// Puts a bundle's files into an archive.
fn archive(files: &Files) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (path, content) in &files.0 {
        bytes.extend(tar::header(path, content.len() as u64).expect("a short path"));
        bytes.extend(content);
        bytes.resize(bytes.len() + tar::padding_bytes(content.len() as u64), 0);
    }
    bytes.extend(tar::END);
    bytes
}

#[test]
fn b4_each_verdict_on_a_bundle_has_its_exit_code() {
    let directory = Directory::new();
    let world = World::new(300);
    let vkey = format!("# from the contract\n{}\n", world.key().verifier());
    directory.write("vkey", vkey);
    directory.write("since", world.signed(100));
    directory.write("policy", format!("witness w {}\nquorum w\n", witness().verifier()));
    put(&directory, "bundle", &world.bundle(world.claims(Kind::Full, 0, 300), &[100], &[]));
    let verify = |bundle: &str, more: &[&str]| {
        directory.run(&[&["verify", bundle, "--vkey", "vkey"], more].concat())
    };

    let good = verify("bundle", &["--since", "since"]);
    assert_eq!(good.code, 0, "{good:?}");
    assert!(good.out.contains("the log continues the kept head of size 100"), "{good:?}");
    assert!(good.out.ends_with("\nverified\n"), "{good:?}");
    let json = verify("bundle", &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!((&json["verdict"], &json["events"]), (&"ok".into(), &300.into()));
    assert_eq!(json["head"]["size"], 300);

    assert_eq!(verify("bundle", &["--policy", "policy"]).code, 4);
    assert_eq!(verify("bundle", &["--max-age", "1s"]).code, 4, "its times are long gone");
    assert_eq!(verify("nowhere", &[]).code, 2);
    assert_eq!(verify("bundle", &["--max-age", "soon"]).code, 2);
    assert_eq!(verify("bundle", &["--since", "vkey"]).code, 2);
    assert_eq!(directory.run(&["verify", "bundle"]).code, 2, "no key is not a key");
    assert_eq!(directory.run(&["verify", "bundle", "--vkey", "since"]).code, 2);

    let forked = World { seed: world.seed, ..World::new(301) };
    directory.write("later", forked.signed(301));
    let rolled_back = verify("bundle", &["--since", "later"]);
    assert_eq!(rolled_back.code, 1, "{rolled_back:?}");
    assert!(rolled_back.out.contains("cut or rolled back"), "{rolled_back:?}");
    std::fs::remove_file(directory.join("bundle/tile/entries/001.p/44")).expect("there");
    assert_eq!(verify("bundle", &[]).code, 3);
}

#[test]
fn b3_an_archive_is_verified_as_a_directory_is() {
    let directory = Directory::new();
    let world = World::new(300);
    directory.write("vkey", world.key().verifier().to_string());
    let bytes = archive(&world.full());
    directory.write("bundle.tar", &bytes);
    directory.write("bundle.tar.zst", zstd::encode_all(bytes.as_slice(), 3).expect("in memory"));
    directory.write("short.tar", &bytes[..bytes.len() - 1024]);
    let verify = |bundle: &str| directory.run(&["verify", bundle, "--vkey", "vkey"]).code;
    assert_eq!(verify("bundle.tar"), 0);
    assert_eq!(verify("bundle.tar.zst"), 0);
    assert_eq!(verify("short.tar"), 1);
    // Other programs read it too.
    let listed = std::process::Command::new("tar")
        .args(["--list", "--file", "bundle.tar"])
        .current_dir(&directory.0)
        .output()
        .expect("tar runs");
    assert!(listed.status.success(), "{listed:?}");
    let listed = String::from_utf8(listed.stdout).expect("text");
    assert_eq!(listed.lines().count(), world.full().0.len());
}

fn witness() -> SigningKey {
    SigningKey::cosigner_from_seed("w.example", &[8; 32]).expect("a name")
}
