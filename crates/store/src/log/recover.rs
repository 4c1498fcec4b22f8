//! Reading the log back at a start: the longest valid prefix, and what lies behind it.
//!
//! A torn tail and a corrupt middle look alike at the place of damage; what tells them apart is
//! evidence behind it. Frames are numbered and chained by hash, every start begins a new file that
//! names the position and hash it continues, and a durable mark follows the last frame after 50 ms
//! of idleness. So:
//!
//! - only zeros behind the last valid frame: a clean end;
//! - other bytes, and no valid frame with a later number anywhere: a torn tail. Its frame was never
//!   acknowledged, unless the disk lost what it had reported as synced and no mark was written yet;
//!   the bytes are kept under `aside/` and reported (`docs/durability.md` states this window);
//! - a valid frame or file with a later number: acknowledged frames are damaged. Recovery refuses to
//!   go on, names file and offset, and changes nothing (I9).

use std::io;
use std::sync::Arc;

use proofbook_ledger::Hash;

use super::Position;
use super::frame::{self, Frame, HEADER_BYTES};
use super::local::{FILE_HEADER_BYTES, FILE_MAGIC, LocalLog, LogFile, LogOptions, is_no_space};
use crate::disk::{Disk, DiskFile, ROOT, durable_write, join, read_exact_at};
use crate::names;
use crate::plant::{self, Plant};

/// From where a recovery reads: the position and frame hash that a snapshot stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Floor {
    /// Everything up to here is in the snapshot.
    pub position: Position,
    /// Hash of the frame at that position; zeros for position 0.
    pub hash: [u8; 32],
}

/// What a recovery found at the end of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Files that were read.
    pub file_count: u64,
    /// Frames handed to the visitor.
    pub frame_count: u64,
    /// Bytes behind the last valid frame of a file that were no frame, set aside.
    pub torn: Vec<TornTail>,
}

/// Bytes of an append that did not complete, or whose only copy is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The log file.
    pub file: String,
    /// Where the bytes begin.
    pub offset: u64,
    /// How many there are up to the last one that is not zero.
    pub byte_count: u64,
    /// Where they were copied to, relative to the data directory; `None` when the disk was full, so
    /// that they are in the log file only.
    pub kept_as: Option<String>,
}

/// Why a log cannot be recovered.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The disk refused a call.
    #[error("cannot read the log file {file}")]
    Io {
        /// The log file, or the directory.
        file: String,
        /// The disk's answer.
        #[source]
        source: io::Error,
    },
    /// An acknowledged frame is damaged.
    #[error(
        "the log is damaged: frame {position} should begin at byte {offset} of {file}, and frame {later} lies behind it"
    )]
    Damaged {
        /// The log file.
        file: String,
        /// Where the frame should begin.
        offset: u64,
        /// The frame that is missing or damaged.
        position: Position,
        /// The later frame that proves it was there.
        later: Position,
    },
    /// The log begins after the place that recovery must read from.
    #[error(
        "the log begins at frame {first}, but frame {needed} is needed; restore the missing files"
    )]
    Missing {
        /// The first frame that is there.
        first: Position,
        /// The first frame that is needed.
        needed: Position,
    },
    /// The log ends before a frame that a snapshot proves was durable.
    #[error("frame {needed} is missing from the log; restore the missing files")]
    Gone {
        /// The frame that must be there.
        needed: Position,
    },
    /// The snapshot and the log are not of one history.
    #[error("frame {position} in {file} does not continue the history of the snapshot")]
    OtherHistory {
        /// The log file.
        file: String,
        /// The frame.
        position: Position,
    },
    /// The visitor refused a frame.
    #[error("frame {position} cannot be folded: {reason}")]
    Refused {
        /// The frame.
        position: Position,
        /// Why.
        reason: String,
    },
}

/// One file's header.
struct FileHead {
    first: Position,
    previous: Hash,
}

impl LocalLog {
    /// Reads every frame behind `floor`, in order, and returns the log ready to append.
    ///
    /// Each file is synced and dropped from the cache before it is read: after a kill its newest bytes
    /// may be in the cache only, and what is shown must be durable (I6). Running it again gives the
    /// same frames (I4).
    ///
    /// # Errors
    /// See [`RecoverError`]. Nothing was changed on disk, except that a torn tail was copied aside.
    pub fn recover(
        disk: Arc<dyn Disk>,
        options: LogOptions,
        store_uid: [u8; 16],
        floor: Floor,
        visit: &mut dyn FnMut(Frame) -> Result<(), String>,
    ) -> Result<(Self, RecoveryReport), RecoverError> {
        let dir_error = |source| RecoverError::Io { file: names::LOG_DIR.to_owned(), source };
        disk.create_dir(names::LOG_DIR).map_err(dir_error)?;
        disk.create_dir(names::ASIDE_DIR).map_err(dir_error)?;
        disk.sync_dir(ROOT).map_err(dir_error)?;
        let files = list_files(&*disk).map_err(dir_error)?;
        let mut reader = Reader {
            disk: &*disk,
            store_uid,
            floor,
            expected: floor.position.next(),
            last_hash: Hash(floor.hash),
            report: RecoveryReport::default(),
            keep_torn: true,
            visit,
        };
        // Files wholly before the floor are skipped: the next one begins at or before floor + 1.
        let start = files.iter().rposition(|file| file.first <= reader.expected).unwrap_or(0);
        if let Some(file) = files.first().filter(|file| file.first > reader.expected) {
            return Err(RecoverError::Missing { first: file.first, needed: reader.expected });
        }
        // Attempts with the same first position stand next to each other; all but one hold no frame.
        let start = files
            .iter()
            .position(|file| files.get(start).is_some_and(|at| at.first == file.first))
            .unwrap_or(start);
        for index in start..files.len() {
            reader.read_file(&files, index)?;
        }
        // A snapshot is written only after the record of its pack is durable, at a later position.
        if floor.position.0 > 0 && reader.report.frame_count == 0 {
            return Err(RecoverError::Gone { needed: reader.expected });
        }
        disk.sync_dir(names::LOG_DIR).map_err(dir_error)?;
        let durable = Position(reader.expected.0 - 1);
        let (last_hash, report) = (reader.last_hash, reader.report);
        Ok((Self::new(disk, options, store_uid, files, durable, last_hash), report))
    }

    /// Reads every frame of every file that is there, changing nothing.
    ///
    /// # Errors
    /// See [`RecoverError`].
    pub fn check(
        disk: &dyn Disk,
        store_uid: [u8; 16],
        visit: &mut dyn FnMut(Frame) -> Result<(), String>,
    ) -> Result<RecoveryReport, RecoverError> {
        let dir_error = |source| RecoverError::Io { file: names::LOG_DIR.to_owned(), source };
        let files = list_files(disk).map_err(dir_error)?;
        let mut reader = Reader {
            disk,
            store_uid,
            floor: Floor::default(),
            expected: files.first().map_or(Position(1), |file| file.first),
            last_hash: Hash::default(),
            report: RecoveryReport::default(),
            keep_torn: false,
            visit,
        };
        if let Some(file) = files.first() {
            // What the oldest file continues is known from its own header only.
            let path = join(names::LOG_DIR, &file.name);
            let io_error = |source| RecoverError::Io { file: file.name.clone(), source };
            let opened = disk.open_read(&path).map_err(io_error)?;
            let length = opened.len().map_err(io_error)?;
            if let Some(head) = reader.read_head(&*opened, length).map_err(io_error)? {
                reader.last_hash = head.previous;
            }
        }
        for index in 0..files.len() {
            reader.read_file(&files, index)?;
        }
        Ok(reader.report)
    }
}

fn list_files(disk: &dyn Disk) -> io::Result<Vec<LogFile>> {
    let names = disk.list(names::LOG_DIR)?;
    let files = names.into_iter().filter_map(|name| {
        let (first, _) = names::parse_log_file(&name)?;
        Some(LogFile { name, first: Position(first) })
    });
    Ok(files.collect())
}

struct Reader<'r> {
    disk: &'r dyn Disk,
    store_uid: [u8; 16],
    floor: Floor,
    /// The next position to read.
    expected: Position,
    last_hash: Hash,
    report: RecoveryReport,
    /// Whether torn tails are copied aside, or only reported.
    keep_torn: bool,
    visit: &'r mut dyn FnMut(Frame) -> Result<(), String>,
}

impl Reader<'_> {
    fn read_file(&mut self, files: &[LogFile], index: usize) -> Result<(), RecoverError> {
        let name = &files[index].name;
        let path = join(names::LOG_DIR, name);
        let io_error = |source| RecoverError::Io { file: name.clone(), source };
        let file = self.disk.open_write(&path).map_err(io_error)?;
        // An earlier process may have died of a failed sync whose pages the cache still shows as
        // written. Only what comes back from the device after a sync of our own is durable (I6).
        file.sync_data().and_then(|()| file.drop_cache()).map_err(io_error)?;
        let length = file.len().map_err(io_error)?;
        self.report.file_count += 1;
        let Some(head) = self.read_head(&*file, length).map_err(io_error)? else {
            // A file that died before its header was durable holds no frame. One with frames behind
            // a broken header is damage.
            return self.refuse_later_frame(name, &*file, 0, length, files, index);
        };
        if head.first > self.expected {
            return Err(RecoverError::Missing { first: head.first, needed: self.expected });
        }
        if head.first == self.expected && head.previous != self.last_hash && self.expected.0 > 1 {
            return Err(RecoverError::OtherHistory { file: name.clone(), position: head.first });
        }
        let mut at = head.first;
        let mut previous = head.previous;
        let mut offset = FILE_HEADER_BYTES;
        while let Some((frame, before, stored)) =
            read_frame(&*file, offset, length).map_err(io_error)?
        {
            if frame.position != at || before != previous {
                break;
            }
            offset += stored;
            at = at.next();
            previous = frame.hash;
            self.take(name, frame)?;
        }
        if self.is_continued(files.get(index + 1)) {
            return Ok(());
        }
        self.refuse_later_frame(name, &*file, offset, length, files, index)?;
        self.keep_torn_tail(name, &*file, offset, length).map_err(io_error)
    }

    /// Tells whether the next file begins exactly where reading has come to.
    ///
    /// Then a recovery has judged what lies behind the last frame before that file was begun, and a
    /// start need not read through the reserved space of every file again.
    fn is_continued(&self, next: Option<&LogFile>) -> bool {
        let head = next.and_then(|next| {
            let file = self.disk.open_read(&join(names::LOG_DIR, &next.name)).ok()?;
            self.read_head(&*file, file.len().ok()?).ok()?
        });
        head.is_some_and(|head| head.first == self.expected && head.previous == self.last_hash)
    }

    fn take(&mut self, file: &str, frame: Frame) -> Result<(), RecoverError> {
        if frame.position == self.floor.position && frame.hash.0 != self.floor.hash {
            return Err(RecoverError::OtherHistory {
                file: file.to_owned(),
                position: frame.position,
            });
        }
        if frame.position < self.expected {
            return Ok(());
        }
        self.expected = frame.position.next();
        self.last_hash = frame.hash;
        self.report.frame_count += 1;
        let position = frame.position;
        (self.visit)(frame).map_err(|reason| RecoverError::Refused { position, reason })
    }

    fn read_head(&self, file: &dyn DiskFile, length: u64) -> io::Result<Option<FileHead>> {
        let mut bytes = [0_u8; FILE_HEADER_BYTES as usize];
        if length < FILE_HEADER_BYTES {
            return Ok(None);
        }
        read_exact_at(file, &mut bytes, 0)?;
        if bytes[..8] != FILE_MAGIC || bytes[8..24] != self.store_uid {
            return Ok(None);
        }
        let mut first = [0_u8; 8];
        first.copy_from_slice(&bytes[24..32]);
        let mut previous = [0_u8; 32];
        previous.copy_from_slice(&bytes[32..64]);
        let first = Position(u64::from_le_bytes(first));
        Ok(Some(FileHead { first, previous: Hash(previous) }))
    }

    /// Looks for proof that the frame expected at `offset` was acknowledged: a later frame behind it,
    /// or a later file that continues from beyond it.
    fn refuse_later_frame(
        &self,
        name: &str,
        file: &dyn DiskFile,
        offset: u64,
        length: u64,
        files: &[LogFile],
        index: usize,
    ) -> Result<(), RecoverError> {
        if plant::is_on(Plant::TruncateOnBadChecksum) {
            return Ok(());
        }
        let damaged = |later| RecoverError::Damaged {
            file: name.to_owned(),
            offset,
            position: self.expected,
            later,
        };
        if let Some(next) = files.get(index + 1).filter(|next| next.first > self.expected) {
            return Err(damaged(next.first));
        }
        let found = find_later_frame(file, offset, length, self.expected)
            .map_err(|source| RecoverError::Io { file: name.to_owned(), source })?;
        found.map_or(Ok(()), |later| Err(damaged(later)))
    }

    fn keep_torn_tail(
        &mut self,
        name: &str,
        file: &dyn DiskFile,
        offset: u64,
        length: u64,
    ) -> io::Result<()> {
        let Some(end) = last_byte(file, offset, length)? else { return Ok(()) };
        let mut tail = vec![0; (end - offset) as usize];
        read_exact_at(file, &mut tail, offset)?;
        let kept = format!("{}-{offset:016x}.torn", name.trim_end_matches(".log"));
        let path = join(names::ASIDE_DIR, &kept);
        let mut kept_as = Some(path.clone());
        if self.keep_torn && self.disk.open_read(&path).is_err() {
            let temporary = format!("{kept}.tmp");
            match durable_write(self.disk, names::ASIDE_DIR, &temporary, &kept, &tail) {
                Ok(()) => {}
                // The bytes are still where they were found, and a full disk must not keep a store
                // from starting; the next start tries again.
                Err(error) if is_no_space(&error) => kept_as = None,
                Err(error) => return Err(error),
            }
        }
        self.report.torn.push(TornTail {
            file: name.to_owned(),
            offset,
            byte_count: tail.len() as u64,
            kept_as,
        });
        Ok(())
    }
}

/// Returns the end of the last byte from `offset` on that is not zero.
fn last_byte(file: &dyn DiskFile, offset: u64, length: u64) -> io::Result<Option<u64>> {
    let mut end = None;
    let mut chunk = vec![0_u8; SCAN_BYTES];
    let zeros = vec![0_u8; SCAN_BYTES];
    let mut at = offset;
    while at < length {
        let count = chunk.len().min((length - at) as usize);
        read_exact_at(file, &mut chunk[..count], at)?;
        // Comparing with zeros is many times faster than looking at each byte.
        if chunk[..count] != zeros[..count] {
            let last = chunk[..count].iter().rposition(|byte| *byte != 0);
            end = last.map_or(end, |last| Some(at + last as u64 + 1));
        }
        at += count as u64;
    }
    Ok(end)
}

/// Bytes read at once while looking behind the last frame.
const SCAN_BYTES: usize = 1024 * 1024;

/// Reads the frame at `offset`; returns it with the hash it names as its predecessor and its length.
fn read_frame(
    file: &dyn DiskFile,
    offset: u64,
    length: u64,
) -> io::Result<Option<(Frame, Hash, u64)>> {
    if length.saturating_sub(offset) < HEADER_BYTES as u64 {
        return Ok(None);
    }
    let mut bytes = [0_u8; HEADER_BYTES];
    read_exact_at(file, &mut bytes, offset)?;
    let Some(header) = frame::parse_header(&bytes) else { return Ok(None) };
    let stored = HEADER_BYTES as u64 + u64::from(header.body_bytes);
    if stored > length - offset {
        return Ok(None);
    }
    let mut body = vec![0_u8; header.body_bytes as usize];
    read_exact_at(file, &mut body, offset + HEADER_BYTES as u64)?;
    let previous = header.previous;
    Ok(header.open(&body).map(|frame| (frame, previous, stored)))
}

/// Finds a complete, valid frame numbered `beyond` or later anywhere from `offset` on.
///
/// The frame numbered `beyond` itself is only proof when it is not where it is expected.
fn find_later_frame(
    file: &dyn DiskFile,
    offset: u64,
    length: u64,
    beyond: Position,
) -> io::Result<Option<Position>> {
    let mut chunk = vec![0_u8; SCAN_BYTES];
    let mut at = offset;
    while at < length {
        let count = chunk.len().min((length - at) as usize);
        read_exact_at(file, &mut chunk[..count], at)?;
        for found in memchr::memmem::find_iter(&chunk[..count], &frame::MAGIC) {
            let candidate = read_frame(file, at + found as u64, length)?;
            if let Some((frame, _, _)) = candidate.filter(|(frame, _, _)| frame.position >= beyond)
            {
                return Ok(Some(frame.position));
            }
        }
        // A magic may lie across two chunks.
        at += (count - count.min(frame::MAGIC.len() - 1)).max(1) as u64;
        if count < chunk.len() {
            break;
        }
    }
    Ok(None)
}
