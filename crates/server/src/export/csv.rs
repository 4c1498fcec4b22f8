//! Rows of CSV (RFC 4180), with cells defused that a spreadsheet would run as formulas (CWE-1236).
//!
//! A cell is defused with a leading apostrophe when its first visible character is one of `= + - @`,
//! also in full-width form, or when it begins with a tab, a carriage return or a line feed. Every cell
//! is quoted, so that no separator that a spreadsheet guesses can split one.

/// Appends a row that ends with CR LF.
pub(crate) fn write_row<'c>(cells: impl Iterator<Item = &'c str>, defuse: bool, out: &mut Vec<u8>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if cell.is_empty() {
            continue;
        }
        out.push(b'"');
        if defuse && is_dangerous(cell) {
            out.push(b'\'');
        }
        for byte in cell.bytes() {
            if byte == b'"' {
                out.push(b'"');
            }
            out.push(byte);
        }
        out.push(b'"');
    }
    out.extend_from_slice(b"\r\n");
}

/// Tells whether a spreadsheet could run the cell as a formula.
fn is_dangerous(cell: &str) -> bool {
    if cell.starts_with(['\t', '\r', '\n']) {
        return true;
    }
    // What a spreadsheet may trim before it looks: spaces of any kind, controls, invisible marks.
    let visible = cell.trim_start_matches(|c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}' | '\u{180e}')
    });
    let first = visible.chars().next();
    matches!(
        first,
        Some(
            '=' | '+'
                | '-'
                | '@'
                | '＝'
                | '＋'
                | '－'
                | '＠'
                | '﹦'
                | '﹢'
                | '﹣'
                | '﹫'
                | '−'
                | '|'
                | '%'
        )
    )
}

#[cfg(test)]
mod tests;
