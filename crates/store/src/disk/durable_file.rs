//! Whole transfers over [`DiskFile`], and the durable replacement of a small file.
//!
//! `read_at` and `write_at` may do less than asked; these loop. Group commit and segments have their
//! own protocols and use only the loops.

use std::io;

use super::{Disk, DiskFile, join};

/// Fills `buf` from `offset`.
///
/// Errors: `UnexpectedEof` when the file ends before; the contents of `buf` are then unspecified.
/// Interrupted reads are repeated, which loses nothing.
pub fn read_exact_at(file: &dyn DiskFile, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        match file.read_at(buf, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                buf = &mut buf[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all of `buf` at `offset`, going on after short and interrupted writes.
///
/// On an error any part of `buf` may have been written. Errors: `WriteZero` when the disk takes
/// nothing, so that a full disk that does not say so cannot hang the writer.
pub fn write_all_at(file: &dyn DiskFile, mut buf: &[u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        match file.write_at(buf, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                buf = &buf[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads a whole file of at most `cap_bytes`.
///
/// Errors: `InvalidData` for a longer file, before anything is allocated for it.
pub fn read_to_vec(file: &dyn DiskFile, cap_bytes: u64) -> io::Result<Vec<u8>> {
    let len = file.len()?;
    let fits = usize::try_from(len).ok().filter(|_| len <= cap_bytes);
    let Some(len_bytes) = fits else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the file has {len} bytes, more than the {cap_bytes} expected at most"),
        ));
    };
    let mut bytes = vec![0; len_bytes];
    read_exact_at(file, &mut bytes, 0)?;
    Ok(bytes)
}

/// Opens `path` and reads it whole; see [`read_to_vec`].
pub fn read_file(disk: &dyn Disk, path: &str, cap_bytes: u64) -> io::Result<Vec<u8>> {
    read_to_vec(disk.open_read(path)?.as_ref(), cap_bytes)
}

/// Replaces `dir/final_name` by `bytes` so that a crash leaves the old file or the new one, whole.
///
/// | step | system calls | what holds if the power goes after it |
/// |---|---|---|
/// | 1 | `unlink` of a temporary left by an earlier crash | the old file |
/// | 2 | `open(O_CREAT, O_EXCL)` | the old file, perhaps an empty temporary |
/// | 3 | `pwrite` until done | the old file, perhaps a temporary with any part of the bytes |
/// | 4 | `fdatasync` | the old file, perhaps a whole temporary |
/// | 5 | `rename` | the old file or the new one, each whole |
/// | 6 | `fsync` of the directory | the new file |
///
/// On an error before step 5 the old file stands; on one in step 5 or 6 either may stand, and the
/// caller must not go on as if it knew. The temporary is then removed if it can be, so that a full
/// disk does not stay full of it.
pub fn durable_write(
    disk: &dyn Disk,
    dir: &str,
    tmp_name: &str,
    final_name: &str,
    bytes: &[u8],
) -> io::Result<()> {
    let tmp = join(dir, tmp_name);
    match disk.remove(&tmp) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let replaced = write_and_rename(disk, &tmp, &join(dir, final_name), bytes);
    if replaced.is_err() {
        // The first error is the one to report; a temporary that stays is removed by the next try.
        let _ = disk.remove(&tmp);
        return replaced;
    }
    disk.sync_dir(dir)
}

fn write_and_rename(disk: &dyn Disk, tmp: &str, path: &str, bytes: &[u8]) -> io::Result<()> {
    let file = disk.create_new(tmp)?;
    write_all_at(file.as_ref(), bytes, 0)?;
    file.sync_data()?;
    disk.rename(tmp, path)
}
