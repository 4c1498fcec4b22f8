//! One simulated file: what is durable, what readers see, and the changes in between.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::coins::Coins;
use super::crash::CrashMode;

/// Identifies a file whatever its name is (an inode number).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct FileId(pub(super) u64);

/// The longest simulated file, so that a wild offset is an error and not the end of the machine.
pub(super) const FILE_BYTES_MAX: usize = 1 << 30;

/// The bytes of one file. Both images are shared between disks until one of them changes.
#[derive(Clone)]
pub(super) struct FileImage {
    durable: Arc<Vec<u8>>,
    visible: Arc<Vec<u8>>,
    /// Changes since the last sync, oldest first.
    pending: Vec<Change>,
    has_name: bool,
    open_handles: u64,
}

/// One unsynced change. `len_after` is the length that readers see from then on.
#[derive(Clone)]
struct Change {
    offset: usize,
    bytes: Arc<[u8]>,
    len_after: usize,
}

impl Default for FileImage {
    fn default() -> Self {
        Self::settled(Arc::default())
    }
}

impl FileImage {
    /// A named file whose bytes are durable and visible.
    pub(super) fn settled(bytes: Arc<Vec<u8>>) -> Self {
        Self {
            durable: Arc::clone(&bytes),
            visible: bytes,
            pending: Vec::new(),
            has_name: true,
            open_handles: 0,
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.visible.len() as u64
    }

    pub(super) fn durable(&self) -> &Arc<Vec<u8>> {
        &self.durable
    }

    pub(super) fn visible(&self) -> &Arc<Vec<u8>> {
        &self.visible
    }

    pub(super) fn is_synced(&self) -> bool {
        self.pending.is_empty()
    }

    pub(super) fn opened(&mut self) {
        self.open_handles += 1;
    }

    pub(super) fn closed(&mut self) {
        self.open_handles -= 1;
    }

    pub(super) fn unlinked(&mut self) {
        self.has_name = false;
    }

    /// Whether the file counts against the capacity.
    pub(super) fn takes_space(&self) -> bool {
        self.has_name || self.open_handles > 0
    }

    pub(super) fn read_at(&self, buf: &mut [u8], offset: u64) -> usize {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.visible.len());
        let count = buf.len().min(self.visible.len() - start);
        buf[..count].copy_from_slice(&self.visible[start..start + count]);
        count
    }

    /// Writes all of `bytes`, visible at once and durable after a sync.
    pub(super) fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let offset = length(offset)?;
        let end = length((offset + bytes.len()) as u64)?;
        let len_after = self.visible.len().max(end);
        self.change(Change { offset, bytes: bytes.into(), len_after });
        Ok(())
    }

    /// Grows the file with zeros.
    pub(super) fn allocate(&mut self, len: u64) -> io::Result<()> {
        let len_after = length(len)?;
        if len_after > self.visible.len() {
            self.change(Change { offset: 0, bytes: Arc::default(), len_after });
        }
        Ok(())
    }

    pub(super) fn sync(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let durable = Arc::make_mut(&mut self.durable);
        for change in self.pending.drain(..) {
            change.apply(durable);
        }
    }

    /// A sync that failed and marked the pages clean: readers still see them, no later sync writes
    /// them, and only the length can still become durable.
    pub(super) fn lose_pending(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        self.pending =
            vec![Change { offset: 0, bytes: Arc::default(), len_after: self.visible.len() }];
    }

    /// A sync that failed and threw the pages away: readers see what is durable, zeros behind it.
    pub(super) fn revert_pending(&mut self) {
        self.lose_pending();
        self.drop_cache();
    }

    /// A sync that succeeded, though one of the writes never reached the platter.
    pub(super) fn sync_losing_one_write(&mut self, coins: &mut Coins) {
        if !self.pending.is_empty() {
            let lost = coins.index(self.pending.len());
            self.pending[lost].bytes = Arc::default();
        }
        self.sync();
    }

    /// A sync that succeeded, though one bit of what was written changed on the way.
    pub(super) fn sync_flipping_a_bit(&mut self, coins: &mut Coins) {
        let mut written: Vec<(usize, usize)> =
            self.pending.iter().map(|change| (change.offset, change.bytes.len())).collect();
        written.retain(|(_, len)| *len > 0);
        self.sync();
        if !written.is_empty() {
            let (offset, len) = written[coins.index(written.len())];
            let at = offset + coins.index(len);
            Arc::make_mut(&mut self.durable)[at] ^= 1 << coins.below(8);
        }
    }

    /// Makes readers see the device again: the durable bytes and what is still waiting for a sync.
    pub(super) fn drop_cache(&mut self) {
        self.visible = self.with_pending();
    }

    /// Flips one bit for good; `seen` says whether the cached copy shows it at once.
    pub(super) fn flip_bit(&mut self, offset: usize, bit: u8, seen: bool) -> io::Result<()> {
        if bit > 7 || offset >= self.durable.len() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("no bit {bit} of durable byte {offset}"),
            ));
        }
        Arc::make_mut(&mut self.durable)[offset] ^= 1 << bit;
        if seen && let Some(byte) = Arc::make_mut(&mut self.visible).get_mut(offset) {
            *byte ^= 1 << bit;
        }
        Ok(())
    }

    /// Replaces the contents, durable at once.
    pub(super) fn replace(&mut self, bytes: Vec<u8>) {
        self.durable = Arc::new(bytes);
        self.visible = Arc::clone(&self.durable);
        self.pending.clear();
    }

    /// Returns the file as a reboot finds it.
    pub(super) fn after_crash(&self, mode: CrashMode, coins: &mut Coins) -> Self {
        Self::settled(match mode {
            CrashMode::ProcessOnly => {
                return Self { open_handles: 0, ..self.clone() };
            }
            CrashMode::LoseUnsynced => Arc::clone(&self.durable),
            CrashMode::KeepAll => self.with_pending(),
            CrashMode::RandomSubset => self.random_subset(coins),
            CrashMode::Torn512 => self.torn(512, coins),
            CrashMode::Torn4096 => self.torn(4096, coins),
        })
    }

    fn change(&mut self, change: Change) {
        change.apply(Arc::make_mut(&mut self.visible));
        self.pending.push(change);
    }

    /// The durable bytes with every pending change on top.
    fn with_pending(&self) -> Arc<Vec<u8>> {
        if self.pending.is_empty() {
            return Arc::clone(&self.durable);
        }
        let mut image = Vec::clone(&self.durable);
        for change in &self.pending {
            change.apply(&mut image);
        }
        Arc::new(image)
    }

    /// Each write survives or not on its own; so does the length, in the order it grew.
    fn random_subset(&self, coins: &mut Coins) -> Arc<Vec<u8>> {
        if self.pending.is_empty() {
            return Arc::clone(&self.durable);
        }
        let bias = coins.bias();
        let mut image = Vec::clone(&self.durable);
        for change in &self.pending {
            if coins.survives(bias) {
                change.apply(&mut image);
            }
        }
        image.resize(self.random_len(coins), 0);
        Arc::new(image)
    }

    /// Each sector holds what it held after some number of the writes that touched it, as if the
    /// cache had written it back then; so does the length, on its own.
    fn torn(&self, sector_bytes: usize, coins: &mut Coins) -> Arc<Vec<u8>> {
        if self.pending.is_empty() {
            return Arc::clone(&self.durable);
        }
        let mut writes_by_sector: BTreeMap<usize, Vec<&Change>> = BTreeMap::new();
        for change in self.pending.iter().filter(|change| !change.bytes.is_empty()) {
            let last_byte = change.offset + change.bytes.len() - 1;
            for sector in change.offset / sector_bytes..=last_byte / sector_bytes {
                writes_by_sector.entry(sector).or_default().push(change);
            }
        }
        let bias = coins.bias();
        let mut image = Vec::clone(&self.durable);
        image.resize(self.visible.len().max(self.durable.len()), 0);
        for (sector, writes) in writes_by_sector {
            let survivors =
                if coins.survives(bias) { writes.len() } else { coins.index(writes.len()) };
            let start = sector * sector_bytes;
            for change in &writes[..survivors] {
                change.apply_within(start, start + sector_bytes, &mut image);
            }
        }
        image.resize(self.random_len(coins), 0);
        Arc::new(image)
    }

    /// One of the lengths the file had since the last sync; half the time the last.
    fn random_len(&self, coins: &mut Coins) -> usize {
        let grown = match coins.below(2) {
            0 => self.pending.len(),
            _ => coins.index(self.pending.len() + 1),
        };
        // A length is never below the durable one: growing is all a file can do.
        self.pending[..grown]
            .last()
            .map_or(self.durable.len(), |change| change.len_after.max(self.durable.len()))
    }
}

impl Change {
    fn apply(&self, image: &mut Vec<u8>) {
        let len = image.len().max(self.len_after);
        image.resize(len, 0);
        image[self.offset..self.offset + self.bytes.len()].copy_from_slice(&self.bytes);
    }

    /// Applies the part that lies in `start..end` to an image that is long enough.
    fn apply_within(&self, start: usize, end: usize, image: &mut [u8]) {
        let from = start.max(self.offset);
        let to = end.min(self.offset + self.bytes.len());
        if from < to {
            image[from..to].copy_from_slice(&self.bytes[from - self.offset..to - self.offset]);
        }
    }
}

/// Checks a length or offset against [`FILE_BYTES_MAX`].
fn length(bytes: u64) -> io::Result<usize> {
    match usize::try_from(bytes) {
        Ok(length) if length <= FILE_BYTES_MAX => Ok(length),
        _ => Err(io::ErrorKind::FileTooLarge.into()),
    }
}
