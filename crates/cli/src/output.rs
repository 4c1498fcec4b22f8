//! What a person or a script sees: lines, tables, JSON, and failures.
//!
//! Results go to standard output, everything else to standard error. Text that comes from events is
//! shown with its control characters written out ([`visible`]), so that no stored byte steers a
//! terminal; JSON escapes them by itself.

use std::io::{self, IsTerminal as _, Write};

use serde_json::{Value, json};

use crate::failure::{ExitKind, Failure};

/// Where a verb prints.
pub struct Output {
    json: bool,
    terminal: bool,
    out: Box<dyn Write>,
    err: Box<dyn Write>,
}

impl Output {
    /// Prints to the process's own streams.
    pub fn of_process(json: bool) -> Self {
        Self {
            json,
            terminal: io::stderr().is_terminal(),
            out: Box::new(io::stdout().lock()),
            err: Box::new(io::stderr()),
        }
    }

    /// Tells whether JSON was asked for.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Tells whether a person watches standard error.
    pub fn is_terminal(&self) -> bool {
        self.terminal && !self.json
    }

    /// Prints one line of the result.
    ///
    /// # Errors
    /// The reader went away, or the file is full.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.out, "{text}").and_then(|()| self.out.flush()).map_err(lost)
    }

    /// Prints bytes of the result as they are.
    ///
    /// # Errors
    /// The reader went away, or the file is full.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(lost)
    }

    /// Prints a value as JSON on one line.
    ///
    /// # Errors
    /// The reader went away, or the file is full.
    pub fn value(&mut self, value: &Value) -> Result<(), Failure> {
        self.line(&value.to_string())
    }

    /// Prints rows under their titles, columns aligned. Cells are made visible here.
    ///
    /// # Errors
    /// The reader went away, or the file is full.
    pub fn table(&mut self, titles: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        for line in table(titles, rows) {
            self.line(&line)?;
        }
        Ok(())
    }

    /// Tells a person something beside the result; nothing in JSON mode.
    pub fn note(&mut self, text: &str) {
        if !self.json {
            // A lost note changes no result.
            let _ = writeln!(self.err, "{text}");
        }
    }

    /// Prints a warning beside the result, also in JSON mode.
    pub fn warning(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Prints why the verb failed.
    pub fn failure(&mut self, failure: &Failure) {
        if failure.kind == ExitKind::Closed {
            return;
        }
        let chain = failure.chain();
        // When standard error is gone too, the exit code still tells.
        let _ = if self.json {
            let error = json!({
                "code": failure.kind.code(), "message": chain, "hint": failure.hint,
            });
            writeln!(self.err, "{}", json!({ "error": error }))
        } else {
            let hint = failure.hint.as_ref().map(|hint| format!("\nhint: {hint}"));
            writeln!(self.err, "error: {}{}", visible(&chain), hint.unwrap_or_default())
        };
    }
}

fn lost(error: io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::BrokenPipe => ExitKind::Closed,
        _ => ExitKind::Failed,
    };
    Failure::new(kind, "cannot print the result").because(error)
}

/// Writes control characters, and marks that reverse the direction of text, as `\u{…}`.
///
/// C0, DEL and C1 steer terminals; the bidirectional marks (Unicode TR 9) make a line read as
/// something else than it says.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            letter if letter.is_control() || is_direction_mark(letter) => {
                shown.extend(letter.escape_unicode());
            }
            letter => shown.push(letter),
        }
    }
    shown
}

/// Returns a number with its noun, in the plural unless it is one.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn is_direction_mark(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn table(titles: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let shown: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| visible(cell)).collect()).collect();
    let width = |column: usize| {
        let cells = shown.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        widest.max(titles[column].chars().count())
    };
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (cell, width) in cells.zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
        }
        line.truncate(line.trim_end().len());
        line
    };
    let mut lines = vec![line(&mut titles.iter().copied())];
    lines.extend(shown.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines
}

#[cfg(test)]
mod tests;
