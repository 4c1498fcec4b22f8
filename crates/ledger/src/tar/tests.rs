//! Written and read back; that other programs read them is a test of `docs/spec`.

use super::*;

fn archive(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (path, content) in files {
        bytes.extend(header(path, content.len() as u64).unwrap());
        bytes.extend(content);
        bytes.resize(bytes.len() + padding_bytes(content.len() as u64), 0);
    }
    bytes.extend(END);
    bytes
}

#[test]
fn b3_files_come_back_in_their_order() {
    let written: Vec<(&str, Vec<u8>)> = vec![
        ("checkpoint", b"abc".to_vec()),
        ("tile/entries/x001/000.p/7", vec![7; 512]),
        ("empty", vec![]),
        ("tile/0/000", vec![0; 8192]),
    ];
    let bytes = archive(&written);
    let read: Vec<(String, &[u8])> = files(&bytes).map(Result::unwrap).collect();
    assert_eq!(read.len(), written.len());
    for ((path, content), (read_path, read_content)) in written.iter().zip(&read) {
        assert_eq!((*path, content.as_slice()), (read_path.as_str(), *read_content));
    }
}

#[test]
fn b3_no_cut_or_changed_archive_is_read_as_it_was() {
    let bytes = archive(&[("a", b"one".to_vec()), ("b", b"two".to_vec())]);
    let whole: Vec<_> = files(&bytes).collect();
    for at in 0..bytes.len() {
        assert!(files(&bytes[..at]).any(|file| file.is_err()), "cut at {at}");
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let in_header = (0..512).contains(&at) || (1024..1536).contains(&at);
        let read: Vec<_> = files(&changed).collect();
        // The checksum guards the header; how it is itself written has some play.
        assert!(read != whole || (in_header && (148..156).contains(&(at % 512))), "byte {at}");
        assert!(!in_header || read == whole || read.iter().any(Result::is_err), "byte {at}");
    }
    assert!(header(&"x".repeat(101), 0).is_none());
    assert!(header("", 0).is_none());
    assert!(header("x", 1 << 33).is_none());
}
