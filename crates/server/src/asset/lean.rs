//! The viewer as it goes over the wire: its modules in one file, without what only people need.
//!
//! `/viewer.js` is the modules that `viewer/viewer.js` names, one behind the other in its order, without
//! comments, indentation and the spaces beside signs; nothing is renamed and no expression is touched.
//! So the address that customers embed is one request, and what runs is what can be read: every module
//! is also served as it stands, and nothing but the server's own start makes the joined one.
//!
//! What it asks of the modules, which a test holds them to: each import and export stands at the
//! beginning of a line, nothing is imported under another name or as a namespace, and no two modules
//! declare the same name. `vendor/lit-html.js`, which is packed already, is kept in a function of its
//! own.

use std::fmt::Write as _;

/// What lies around an import's or an export's file name.
const NEAR: &str = "\"./viewer/";

/// Returns a file as it goes over the wire, where that is not as it stands; `module` answers a module's
/// text by its path below `viewer/`.
pub(super) fn wire(
    path: &str,
    text: &str,
    module: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    match path {
        "viewer/viewer.js" => Some(join(text, module)),
        "viewer/viewer.css" => Some(squeeze_style(text)),
        _ => None,
    }
}

/// Joins the modules that `entry` names; `read` answers a module's text by its path below `viewer/`.
pub(super) fn join(entry: &str, read: impl Fn(&str) -> Option<String>) -> String {
    let mut joined = String::new();
    let mut exports = String::new();
    for line in entry.lines() {
        let Some((before, rest)) = line.split_once(NEAR) else { continue };
        let Some((name, _)) = rest.split_once('"') else { continue };
        let Some(text) = read(name) else { continue };
        if name.starts_with("vendor/") {
            joined.push_str(&fenced(&text));
        } else {
            joined.push_str(&squeeze(&without_modules(&text)));
        }
        joined.push('\n');
        if let Some(names) =
            before.strip_prefix("export ").and_then(|text| text.strip_suffix(" from "))
        {
            let _ = write!(exports, "export {names};");
        }
    }
    joined + &exports
}

/// Puts a packed module into a function, so that its short names stay its own.
fn fenced(text: &str) -> String {
    let Some((code, rest)) = text.rsplit_once("export{") else { return text.to_owned() };
    let list = rest.split('}').next().unwrap_or_default();
    let pairs: Vec<(&str, &str)> =
        list.split(',').filter_map(|one| one.split_once(" as ")).collect();
    let names: Vec<&str> = pairs.iter().map(|(_, name)| *name).collect();
    let values: Vec<String> = pairs.iter().map(|(own, name)| format!("{name}:{own}")).collect();
    format!("const {{{}}}=(()=>{{{code}\nreturn{{{}}}}})();", names.join(","), values.join(","))
}

/// Leaves out imports, and the word `export`.
fn without_modules(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut in_import = false;
    for line in text.lines() {
        in_import = in_import || line.starts_with("import ");
        if in_import {
            in_import = !line.ends_with(';');
            continue;
        }
        kept.push_str(line.strip_prefix("export ").unwrap_or(line));
        kept.push('\n');
    }
    kept
}

/// Leaves out comments, indentation, and spaces beside signs, outside of strings and expressions.
pub(super) fn squeeze(text: &str) -> String {
    let mut writer = Writer { out: String::with_capacity(text.len()), gap: Gap::None };
    let bytes = text.as_bytes();
    let mut templates: Vec<Template> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if let Some(Template { is_markup, depth: 0 }) = templates.last().copied() {
            let end = template_end(text, at);
            writer.template(&text[at..end], is_markup);
            at = end;
            if text[at..].starts_with("${") {
                writer.raw("${");
                at += 2;
                if let Some(template) = templates.last_mut() {
                    template.depth = 1;
                }
            } else if at < bytes.len() {
                writer.raw("`");
                at += 1;
                templates.pop();
            }
            continue;
        }
        let rest = &text[at..];
        let byte = bytes[at];
        if byte.is_ascii_whitespace() {
            writer.space(byte == b'\n');
            at += 1;
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
            writer.space(false);
        } else if byte == b'"' || byte == b'\'' || (byte == b'/' && writer.expects_value()) {
            let end = at + literal_len(rest, byte);
            writer.word(&text[at..end]);
            at = end;
        } else if byte == b'`' {
            let is_markup = writer.out.ends_with("html") || writer.out.ends_with("svg");
            writer.word("`");
            templates.push(Template { is_markup, depth: 0 });
            at += 1;
        } else {
            if let Some(template) = templates.last_mut() {
                match byte {
                    b'{' => template.depth += 1,
                    b'}' => template.depth -= 1,
                    _ => {}
                }
            }
            let len = rest.chars().next().map_or(1, char::len_utf8);
            writer.word(&rest[..len]);
            at += len;
        }
    }
    writer.out
}

/// Leaves out a style sheet's comments, indentation and line ends.
pub(super) fn squeeze_style(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/*") {
        push_style(&mut out, before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    push_style(&mut out, rest);
    out
}

fn push_style(out: &mut String, text: &str) {
    for word in text.split_whitespace() {
        // No selector ends in a colon, so what follows one with a space is a value.
        let beside = |c: char| matches!(c, '{' | '}' | ';' | ',' | ':');
        let joins = out.is_empty() || out.ends_with(beside) || word.starts_with(['{', '}']);
        if !joins {
            out.push(' ');
        } else if word.starts_with('}') && out.ends_with(';') {
            out.pop();
        }
        out.push_str(word);
    }
}

#[derive(Clone, Copy)]
struct Template {
    /// Whether white space in it is markup's, of which one is as good as many.
    is_markup: bool,
    /// Braces open in the expression that is being read; 0 in the template's own text.
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    Space,
    Line,
}

struct Writer {
    out: String,
    gap: Gap,
}

impl Writer {
    fn space(&mut self, is_line: bool) {
        if is_line {
            self.gap = Gap::Line;
        } else if self.gap == Gap::None {
            self.gap = Gap::Space;
        }
    }

    /// Writes a piece of code, with the space before it where leaving it out would join two words or
    /// two statements.
    fn word(&mut self, piece: &str) {
        let is_sign = |c: char| "{}()[];,=<>?:&|!".contains(c);
        let before = self.out.chars().next_back();
        let after = piece.chars().next();
        match self.gap {
            // A line's end can end a statement, except where one has just begun or plainly goes on.
            Gap::Line if before.is_none_or(|c| "{([;,".contains(c)) => {}
            Gap::Line if after.is_some_and(|c| ")}],;.:?".contains(c)) => {}
            Gap::Line => self.out.push('\n'),
            Gap::Space if !before.is_some_and(is_sign) && !after.is_some_and(is_sign) => {
                self.out.push(' ')
            }
            _ => {}
        }
        self.gap = Gap::None;
        self.out.push_str(piece);
    }

    fn raw(&mut self, piece: &str) {
        self.gap = Gap::None;
        self.out.push_str(piece);
    }

    fn template(&mut self, piece: &str, is_markup: bool) {
        if !is_markup {
            return self.raw(piece);
        }
        let mut is_blank = false;
        for c in piece.chars() {
            if c == '\n' || (is_blank && c == ' ') {
                if !is_blank {
                    self.out.push(' ');
                }
                is_blank = true;
            } else {
                self.out.push(c);
                is_blank = c == ' ';
            }
        }
    }

    /// Tells whether a slash begins a regular expression: where a value may stand, not after one.
    fn expects_value(&self) -> bool {
        let before = self.out.trim_end().chars().next_back();
        before.is_none_or(|c| "(,=:[!&|?{};+-*%~^<>".contains(c)) || self.out.ends_with("return")
    }
}

/// Returns where a template's own text ends: before `${` or the last backtick.
fn template_end(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'`' => return at,
            b'$' if bytes.get(at + 1) == Some(&b'{') => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Returns the length of a string or regular expression that begins here.
fn literal_len(text: &str, quote: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    let mut in_class = false;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'[' if quote == b'/' => in_class = true,
            b']' if quote == b'/' => in_class = false,
            byte if byte == quote && !in_class => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests;
