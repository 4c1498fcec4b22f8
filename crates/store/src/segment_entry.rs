//! What the log and the snapshot say of a segment: its files, their hashes, how many events.

use proofbook_ledger::Hash;

use crate::codec::{DecodeError, Decoder, Encode};
use crate::segment::{FileHash, SegmentFiles};

/// A segment as records name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentEntry {
    /// Its number and the hashes by which its files are known to be the ones decided on.
    pub files: SegmentFiles,
    /// How many events it holds.
    pub rows: u32,
}

impl SegmentEntry {
    /// Returns the number in the files' names.
    pub fn id(&self) -> u64 {
        self.files.name
    }

    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_u64(self.files.name);
        out.put_varint(u64::from(self.rows));
        for file in [&self.files.parquet, &self.files.idx] {
            out.put_varint(file.len);
            out.put_raw(&file.sha256.0);
        }
        out.put_raw(&self.files.directory.0);
    }

    /// Takes an entry.
    ///
    /// # Errors
    /// The bytes end inside it.
    pub fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let name = from.u64("a segment's id")?;
        let rows = from.varint_u32("a segment's rows")?;
        let mut file = || -> Result<FileHash, DecodeError> {
            Ok(FileHash { len: from.varint("a file's length")?, sha256: from.hash("a hash")? })
        };
        let (parquet, idx) = (file()?, file()?);
        let directory: Hash = from.hash("a directory's hash")?;
        Ok(Self { files: SegmentFiles { name, parquet, idx, directory }, rows })
    }
}
