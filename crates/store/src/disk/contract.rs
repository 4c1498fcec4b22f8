//! The contract of [`Disk`] as rows that every implementation passes, the real one and the simulated.

use std::io::ErrorKind;

use super::*;

/// Checks everything that holds without a crash. `disk` must be empty and writable.
pub(super) fn check_disk_contract(disk: &dyn Disk) {
    paths_that_lead_elsewhere_are_refused(disk);
    names_are_made_once_and_found_again(disk);
    bytes_are_read_where_they_were_written(disk);
    a_file_grows_by_zeros_and_never_shrinks(disk);
    a_rename_replaces_and_open_handles_follow_the_file(disk);
    directories_hold_files_and_keep_their_name(disk);
    a_lock_is_held_once(disk);
    a_durable_write_replaces_whole_files(disk);
    assert!(disk.free_bytes().unwrap() > 0);
}

fn kind_of<T>(result: io::Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

fn paths_that_lead_elsewhere_are_refused(disk: &dyn Disk) {
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    for path in ["", "/etc/passwd", "..", "a/../b", ".", "a//b", "a/", "a b", "a\0b", "ü", &long] {
        let refused = Some(ErrorKind::InvalidInput);
        assert_eq!(kind_of(disk.create_new(path)), refused, "{path:?}");
        assert_eq!(kind_of(disk.open_read(path)), refused, "{path:?}");
        assert_eq!(kind_of(disk.open_write(path)), refused, "{path:?}");
        assert_eq!(kind_of(disk.remove(path)), refused, "{path:?}");
        assert_eq!(kind_of(disk.rename(path, "b")), refused, "{path:?}");
        assert_eq!(kind_of(disk.rename("b", path)), refused, "{path:?}");
        assert_eq!(kind_of(disk.create_dir(path)), refused, "{path:?}");
        assert_eq!(kind_of(disk.lock(path)), refused, "{path:?}");
        if path != ROOT {
            assert_eq!(kind_of(disk.list(path)), refused, "{path:?}");
            assert_eq!(kind_of(disk.sync_dir(path)), refused, "{path:?}");
        }
    }
    assert_eq!(disk.list(ROOT).unwrap(), Vec::<String>::new(), "nothing was made on the way");
}

fn names_are_made_once_and_found_again(disk: &dyn Disk) {
    for path in ["b", "a", "..c", "d-1.x_Y"] {
        assert_eq!(kind_of(disk.open_read(path)), Some(ErrorKind::NotFound));
        assert_eq!(kind_of(disk.open_write(path)), Some(ErrorKind::NotFound));
        disk.create_new(path).unwrap();
        assert_eq!(kind_of(disk.create_new(path)), Some(ErrorKind::AlreadyExists));
        disk.open_read(path).unwrap();
    }
    disk.sync_dir(ROOT).unwrap();
    assert_eq!(disk.list(ROOT).unwrap(), ["..c", "a", "b", "d-1.x_Y"], "sorted by bytes");
    for path in ["b", "a", "..c", "d-1.x_Y"] {
        disk.remove(path).unwrap();
        assert_eq!(kind_of(disk.remove(path)), Some(ErrorKind::NotFound));
    }
    assert_eq!(disk.list(ROOT).unwrap(), Vec::<String>::new());
}

fn bytes_are_read_where_they_were_written(disk: &dyn Disk) {
    let file = disk.create_new("f").unwrap();
    assert!(file.is_empty().unwrap());
    write_all_at(file.as_ref(), b"hello", 3).unwrap();
    write_all_at(file.as_ref(), b"J", 3).unwrap();
    assert_eq!(file.write_at(b"", 100).unwrap(), 0, "nothing written, nothing grown");
    assert_eq!(file.len().unwrap(), 8);

    // (offset, length asked for, what is there)
    let rows: [(u64, usize, &[u8]); 6] = [
        (0, 8, b"\0\0\0Jello"),
        (3, 5, b"Jello"),
        (6, 100, b"lo"),
        (8, 4, b""),
        (1 << 40, 4, b""),
        (0, 0, b""),
    ];
    let reader = disk.open_read("f").unwrap();
    for (offset, asked, expected) in rows {
        let mut buf = vec![0xff; asked];
        let count = reader.read_at(&mut buf, offset).unwrap();
        assert_eq!(&buf[..count], expected, "{asked} bytes at {offset}");
    }

    file.sync_data().unwrap();
    file.drop_cache().unwrap();
    let mut buf = [0; 5];
    read_exact_at(reader.as_ref(), &mut buf, 3).unwrap();
    assert_eq!(&buf, b"Jello");
    assert_eq!(
        kind_of(read_exact_at(reader.as_ref(), &mut buf, 4)),
        Some(ErrorKind::UnexpectedEof)
    );
    assert_eq!(read_file(disk, "f", 8).unwrap(), b"\0\0\0Jello");
    assert_eq!(kind_of(read_file(disk, "f", 7)), Some(ErrorKind::InvalidData));
    assert!(reader.write_at(b"x", 0).is_err(), "opened for reading only");
    disk.open_write("f").unwrap().write_at(b"!", 7).unwrap();
    assert_eq!(read_file(disk, "f", 8).unwrap(), b"\0\0\0Jell!");
    disk.remove("f").unwrap();
}

fn a_file_grows_by_zeros_and_never_shrinks(disk: &dyn Disk) {
    let file = disk.create_new("f").unwrap();
    write_all_at(file.as_ref(), b"abc", 0).unwrap();
    // (allocate, length after)
    for (len, expected) in [(0, 3), (2, 3), (3, 3), (10_000, 10_000), (5, 10_000)] {
        file.allocate(len).unwrap();
        assert_eq!(file.len().unwrap(), expected, "allocate {len}");
    }
    let bytes = read_file(disk, "f", 10_000).unwrap();
    assert_eq!(&bytes[..3], b"abc");
    assert!(bytes[3..].iter().all(|byte| *byte == 0));
    assert!(disk.open_read("f").unwrap().allocate(20_000).is_err(), "opened for reading only");
    disk.remove("f").unwrap();
}

fn a_rename_replaces_and_open_handles_follow_the_file(disk: &dyn Disk) {
    let (one, two) = (disk.create_new("one").unwrap(), disk.create_new("two").unwrap());
    write_all_at(one.as_ref(), b"1", 0).unwrap();
    write_all_at(two.as_ref(), b"2", 0).unwrap();
    disk.rename("one", "one").unwrap();
    disk.rename("one", "two").unwrap();
    assert_eq!(disk.list(ROOT).unwrap(), ["two"]);
    assert_eq!(read_file(disk, "two", 1).unwrap(), b"1");
    assert_eq!(read_to_vec(two.as_ref(), 1).unwrap(), b"2", "replaced, still open");
    write_all_at(one.as_ref(), b"3", 0).unwrap();
    assert_eq!(read_file(disk, "two", 1).unwrap(), b"3", "the handle follows the file");
    assert_eq!(kind_of(disk.rename("one", "two")), Some(ErrorKind::NotFound));
    disk.remove("two").unwrap();
    assert_eq!(read_to_vec(one.as_ref(), 1).unwrap(), b"3", "removed, still open");
}

fn directories_hold_files_and_keep_their_name(disk: &dyn Disk) {
    assert_eq!(kind_of(disk.create_new("d/f")), Some(ErrorKind::NotFound));
    assert_eq!(kind_of(disk.list("d")), Some(ErrorKind::NotFound));
    assert_eq!(kind_of(disk.sync_dir("d")), Some(ErrorKind::NotFound));
    assert_eq!(kind_of(disk.create_dir("d/e")), Some(ErrorKind::NotFound), "one level at a time");
    disk.create_dir("d").unwrap();
    disk.create_dir("d").unwrap();
    disk.create_dir("d/e").unwrap();
    disk.create_new("d/e/f").unwrap();
    for dir in ["d/e", "d", ROOT] {
        disk.sync_dir(dir).unwrap();
    }
    assert_eq!(disk.list(ROOT).unwrap(), ["d"]);
    assert_eq!(disk.list("d").unwrap(), ["e"]);
    assert_eq!(disk.list("d/e").unwrap(), ["f"]);

    assert_eq!(kind_of(disk.open_read("d")), Some(ErrorKind::IsADirectory));
    assert_eq!(kind_of(disk.open_write("d")), Some(ErrorKind::IsADirectory));
    assert_eq!(kind_of(disk.remove("d")), Some(ErrorKind::IsADirectory));
    assert_eq!(kind_of(disk.create_new("d")), Some(ErrorKind::AlreadyExists));
    assert_eq!(kind_of(disk.create_dir("d/e/f")), Some(ErrorKind::AlreadyExists));
    assert_eq!(kind_of(disk.rename("d", "x")), Some(ErrorKind::InvalidInput));
    assert_eq!(kind_of(disk.rename("d/e/f", "f")), Some(ErrorKind::InvalidInput));
    disk.create_new("f").unwrap();
    assert_eq!(kind_of(disk.rename("f", "d")), Some(ErrorKind::IsADirectory));
    assert!(disk.list("f").is_err() && disk.sync_dir("f").is_err());
    disk.remove("f").unwrap();
    disk.remove("d/e/f").unwrap();
}

fn a_lock_is_held_once(disk: &dyn Disk) {
    let held = disk.lock("LOCK").unwrap();
    assert_eq!(kind_of(disk.lock("LOCK")), Some(ErrorKind::WouldBlock));
    drop(held);
    let again = disk.lock("LOCK").unwrap();
    drop(disk.lock("OTHER").unwrap());
    drop(again);
    disk.remove("LOCK").unwrap();
    disk.remove("OTHER").unwrap();
}

fn a_durable_write_replaces_whole_files(disk: &dyn Disk) {
    let left_over = disk.create_new("tmp").unwrap();
    write_all_at(left_over.as_ref(), b"a longer left-over", 0).unwrap();
    for bytes in [&b"first"[..], b"", b"second"] {
        durable_write(disk, ROOT, "tmp", "final", bytes).unwrap();
        assert_eq!(read_file(disk, "final", 100).unwrap(), bytes);
        assert_eq!(kind_of(disk.open_read("tmp")), Some(ErrorKind::NotFound));
    }
    durable_write(disk, "d", "tmp", "final", b"deep").unwrap();
    assert_eq!(read_file(disk, "d/final", 100).unwrap(), b"deep");
    let missing = durable_write(disk, "nowhere", "tmp", "final", b"");
    assert_eq!(kind_of(missing), Some(ErrorKind::NotFound));
}
