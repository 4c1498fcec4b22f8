//! A module's address in the product: a pattern with `{app_url}`, `{workspace}` and `{target.id}`.

use std::fmt::Write as _;

/// What a pattern may name.
const NAMES: [&str; 3] = ["app_url", "workspace", "target.id"];

/// The values of one row that a pattern may name.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkValues<'v> {
    /// The product's address, such as `https://app.acme.example`.
    pub app_url: Option<&'v str>,
    /// The workspace's name.
    pub workspace: Option<&'v str>,
    /// The first target's id.
    pub target_id: Option<&'v str>,
}

/// Fills a pattern; `None` when a value it needs is absent or the result is not an http address.
///
/// Everything but `app_url` is percent-encoded as one path segment (RFC 3986 section 2.3).
pub fn fill(pattern: &str, values: LinkValues<'_>) -> Option<String> {
    let mut out = String::with_capacity(pattern.len() + 64);
    let mut rest = pattern;
    while let Some((before, tail)) = rest.split_once('{') {
        let (name, tail) = tail.split_once('}')?;
        out.push_str(before);
        match name {
            "app_url" => out.push_str(values.app_url?.trim_end_matches('/')),
            "workspace" => encode(values.workspace?, &mut out),
            "target.id" => encode(values.target_id?, &mut out),
            _ => return None,
        }
        rest = tail;
    }
    out.push_str(rest);
    (out.starts_with("https://") || out.starts_with("http://")).then_some(out)
}

/// Checks a pattern; the error says what is wrong.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    let mut rest = pattern;
    while let Some((_, tail)) = rest.split_once('{') {
        let Some((name, tail)) = tail.split_once('}') else {
            return Err("a `{` in the address is never closed".to_owned());
        };
        if !NAMES.contains(&name) {
            let known = NAMES.map(|name| format!("`{{{name}}}`")).join(", ");
            return Err(format!("`{{{name}}}` is not known in an address; known are {known}"));
        }
        rest = tail;
    }
    let begins = ["{app_url}", "https://", "http://"];
    if begins.iter().any(|begin| pattern.starts_with(begin)) {
        Ok(())
    } else {
        Err("an address begins with `{app_url}`, `https://` or `http://`".to_owned())
    }
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests;
