//! Where a segment's bytes go.

use super::directory::Pieces;
use super::reader::Segment;
use super::schema::ParquetColumn;

/// One part of a segment's files and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    /// The part, such as `parquet/context` or `idx/ids`.
    pub part: String,
    /// Its bytes on disk.
    pub bytes: u64,
}

impl Segment {
    /// Returns the size of every part of both files; the sum is the sum of their lengths.
    ///
    /// `parquet/rest` is what only foreign readers use: the workspace's columns, page headers and the
    /// footer. `idx/directory` is with the index's footer.
    pub fn byte_ledger(&self) -> Vec<LedgerLine> {
        let directory = &self.directory;
        let mut lines = Vec::new();
        for column in ParquetColumn::ALL {
            let index = column.index();
            let dictionaries = directory.dictionaries[index].iter();
            let bytes = dictionaries.map(|of| u64::from(of.piece.len)).sum::<u64>()
                + directory.pages[index].bytes_total();
            lines.push(LedgerLine { part: format!("parquet/{}", column.name()), bytes });
        }
        lines.retain(|line| line.bytes > 0);
        let files = self.files();
        rest("parquet/rest", files.parquet.len, &mut lines, 0);

        let first = lines.len();
        for (part, pieces) in [
            ("idx/text", &directory.texts),
            ("idx/values", &directory.values),
            ("idx/spans", &directory.spans),
            ("idx/ids", &directory.id_blocks.pieces),
            ("idx/id filter", &directory.id_shards.pieces),
            ("idx/permutations", &directory.permutations),
        ] {
            lines.push(LedgerLine { part: part.to_owned(), bytes: Pieces::bytes_total(pieces) });
        }
        rest("idx/directory", files.idx.len, &mut lines, first);
        lines
    }
}

/// Adds the line of what the lines from `first` on leave of a file.
fn rest(part: &str, file_bytes: u64, lines: &mut Vec<LedgerLine>, first: usize) {
    let named: u64 = lines[first..].iter().map(|line| line.bytes).sum();
    lines.push(LedgerLine { part: part.to_owned(), bytes: file_bytes.saturating_sub(named) });
}
