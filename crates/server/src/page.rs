//! Writing HTML: text goes in as text nodes and attribute values only, escaped, with characters that
//! would be invisible or turn the reading direction shown by their numbers.

use std::fmt::Write as _;

/// An HTML document that grows.
#[derive(Debug, Default)]
pub(crate) struct Html(String);

impl Html {
    /// Appends markup of our own; never anything that came from outside.
    pub(crate) fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Appends a text, which may be anything.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(c),
                c if is_hidden(c) => {
                    // Writing to a String does not fail.
                    let _ = write!(self.0, "⟨U+{:04X}⟩", u32::from(c));
                }
                c => self.0.push(c),
            }
        }
        self
    }

    /// Appends a value of a query string, percent-encoded.
    pub(crate) fn query_value(&mut self, value: &str) -> &mut Self {
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                self.0.push(char::from(byte));
            } else {
                // Writing to a String does not fail.
                let _ = write!(self.0, "%{byte:02X}");
            }
        }
        self
    }

    /// Returns the document.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// Returns a text with its hidden characters shown by their numbers, to be escaped by a template.
pub(crate) fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) && !matches!(c, '\n' | '\t') {
            // Writing to a String does not fail.
            let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Tells whether a character would not be seen, or changes how its neighbours are seen.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests;
