//! What a mapping can do to a text: a fixed set of small steps, no regular expressions.

use std::net::{IpAddr, SocketAddr};

use proofbook_event::{limits, name};

/// One step of `do = [...]`, in the order written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Lower,
    Upper,
    Trim,
    Snake,
    Dotted,
    Ip,
    StripPrefix(String),
    StripSuffix(String),
    Before(String),
    After(String),
    BeforeLast(String),
    AfterLast(String),
    Replace(String, String),
    Only(Glob),
}

/// Bytes of one step; bounds by how much `replace` can multiply a text.
const STEP_BYTES_MAX: usize = 128;

/// The words of steps, for error messages.
pub(super) const STEP_WORDS: &[&str] = &[
    "lower",
    "upper",
    "trim",
    "snake",
    "dotted",
    "ip",
    "strip_prefix",
    "strip_suffix",
    "before",
    "after",
    "before_last",
    "after_last",
    "replace",
    "only",
];

impl Step {
    /// Reads a step such as `lower` or `strip_suffix:.amazonaws.com`.
    ///
    /// Returns the reason when it is none.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > STEP_BYTES_MAX {
            return Err(format!("a step has at most {STEP_BYTES_MAX} bytes"));
        }
        let (word, argument) = match text.split_once(':') {
            Some((word, argument)) => (word, Some(argument)),
            None => (text, None),
        };
        let need = || {
            argument
                .filter(|argument| !argument.is_empty())
                .map(str::to_owned)
                .ok_or_else(|| format!("`{word}` needs a text behind a colon, such as `{word}:x`"))
        };
        Ok(match word {
            "lower" | "upper" | "trim" | "snake" | "dotted" | "ip" if argument.is_some() => {
                return Err(format!("`{word}` takes nothing behind a colon"));
            }
            "lower" => Self::Lower,
            "upper" => Self::Upper,
            "trim" => Self::Trim,
            "snake" => Self::Snake,
            "dotted" => Self::Dotted,
            "ip" => Self::Ip,
            "strip_prefix" => Self::StripPrefix(need()?),
            "strip_suffix" => Self::StripSuffix(need()?),
            "before" => Self::Before(need()?),
            "after" => Self::After(need()?),
            "before_last" => Self::BeforeLast(need()?),
            "after_last" => Self::AfterLast(need()?),
            "only" => Self::Only(Glob::new(&need()?)),
            "replace" => match need()?.split_once("=>") {
                Some((old, new)) if !old.is_empty() => Self::Replace(old.into(), new.into()),
                _ => return Err("`replace` is written `replace:old=>new`".to_owned()),
            },
            _ => return Err(format!("`{word}` is not a step")),
        })
    }

    /// Applies the step; `None` where the step lets the text not pass.
    ///
    /// `before`, `after` and their kin return the whole text when the mark is not in it.
    pub(super) fn apply(&self, text: &str) -> Option<String> {
        let part = |found: Option<&str>| found.unwrap_or(text).to_owned();
        Some(match self {
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
            Self::Trim => text.trim().to_owned(),
            Self::Snake => snake(text),
            Self::Dotted => dotted(text),
            Self::Ip => return ip(text).map(|address| address.to_string()),
            Self::StripPrefix(prefix) => part(text.strip_prefix(prefix.as_str())),
            Self::StripSuffix(suffix) => part(text.strip_suffix(suffix.as_str())),
            Self::Before(mark) => part(text.split_once(mark.as_str()).map(|(left, _)| left)),
            Self::After(mark) => part(text.split_once(mark.as_str()).map(|(_, right)| right)),
            Self::BeforeLast(mark) => part(text.rsplit_once(mark.as_str()).map(|(left, _)| left)),
            Self::AfterLast(mark) => part(text.rsplit_once(mark.as_str()).map(|(_, right)| right)),
            Self::Replace(old, new) => text.replace(old.as_str(), new),
            Self::Only(glob) => return glob.matches(text).then(|| text.to_owned()),
        })
    }
}

/// A pattern in which `*` stands for any run of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob(Vec<String>);

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        Self(pattern.split('*').map(str::to_owned).collect())
    }

    /// Returns how many bytes of the pattern are fixed; of several matching patterns the one with most wins.
    pub(super) fn fixed_bytes(&self) -> usize {
        self.0.iter().map(String::len).sum()
    }

    /// Matches in time linear in the text for each part: parts are taken at their first place.
    pub(super) fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.0.as_slice() else {
            return self.0.first().is_some_and(|only| only == text);
        };
        let Some(rest) = text.strip_prefix(first.as_str()) else { return false };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
        for part in middle {
            match rest.split_once(part.as_str()) {
                Some((_, right)) => rest = right,
                None => return false,
            }
        }
        true
    }
}

/// Returns the address in a text, with or without a port.
pub(super) fn ip(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

/// Writes a name in snake case: `GetMFADevice` → `get_mfa_device`.
///
/// Acronyms stay together, also in the plural (`ListACLs` → `list_acls`); a number of four digits
/// or more is a part of its own (`CreateFunction20150331v2` → `create_function_20150331v2`);
/// letters and digits outside ASCII are spelled `u` and their code, so that no two names fall
/// together; everything else becomes one `_`.
pub(super) fn snake(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 8);
    let gap = |out: &mut String| {
        if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    };
    for (at, letter) in chars.iter().copied().enumerate() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        let after = chars.get(at + 1).copied();
        match letter {
            'A'..='Z' => {
                let after_small =
                    before.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
                let ends_acronym = before.is_some_and(|b| b.is_ascii_uppercase())
                    && after.is_some_and(|a| a.is_ascii_lowercase())
                    && !is_plural_mark(&chars, at + 1);
                // `MFADevice`: the D ends the acronym and begins a word.
                if after_small || ends_acronym {
                    gap(&mut out);
                }
                out.push(letter.to_ascii_lowercase());
            }
            'a'..='z' => out.push(letter),
            '0'..='9' => {
                let four = chars[at..].iter().take(4).filter(|c| c.is_ascii_digit()).count();
                if four == 4 && before.is_some_and(|b| b.is_ascii_alphabetic()) {
                    gap(&mut out);
                }
                out.push(letter);
            }
            other if other.is_alphanumeric() => {
                gap(&mut out);
                out.push_str(&format!("u{:04x}", u32::from(other)));
                if after.is_some_and(|a| a.is_alphanumeric()) {
                    out.push('_');
                }
            }
            _ => gap(&mut out),
        }
    }
    while out.ends_with('_') {
        out.pop();
    }
    out
}

/// Tells whether the small letter at `at` is the plural mark of an acronym: `s` after two capitals
/// or more, at the end or before a capital.
fn is_plural_mark(chars: &[char], at: usize) -> bool {
    let capitals = chars[..at].iter().rev().take_while(|c| c.is_ascii_uppercase()).count();
    chars.get(at) == Some(&'s')
        && capitals >= 2
        && chars.get(at + 1).is_none_or(|next| !next.is_ascii_lowercase())
}

/// Writes a dotted name: each part in snake case, empty parts left out.
pub(super) fn dotted(text: &str) -> String {
    let parts: Vec<String> = text.split('.').map(snake).filter(|part| !part.is_empty()).collect();
    parts.join(".")
}

/// Bytes of a text that are looked at for an action's name; what is behind counts in its hash.
const ACTION_TEXT_BYTES_MAX: usize = 4 * 1024;

/// Makes a text an action name; `None` when nothing of it is left.
///
/// A name that is too long keeps its beginning and a hash of the whole, so that two stay two. A
/// name that Proofbook keeps for itself (`audit_log.*`) goes under `imported.`.
pub(super) fn action_name(text: &str) -> Option<String> {
    let (part, _) = cut(text, ACTION_TEXT_BYTES_MAX);
    let mut action = if name::is_action_name(text) { text.to_owned() } else { dotted(&part) };
    if action.is_empty() {
        return None;
    }
    if action.starts_with(name::RESERVED_ACTION_PREFIX) {
        action.insert_str(0, "imported.");
    }
    if action.len() > limits::ACTION_BYTES_MAX {
        let mark = super::expression::hex_digest(text.as_bytes(), 4);
        action.truncate(limits::ACTION_BYTES_MAX - mark.len() - 1);
        let kept = action.trim_end_matches(['.', '_']).len();
        action.truncate(kept);
        action = format!("{action}_{mark}");
    }
    Some(action)
}

/// Cuts a text to at most `bytes_max` bytes, marking the cut by `…`; tells whether it cut.
pub(super) fn cut(text: &str, bytes_max: usize) -> (String, bool) {
    if text.len() <= bytes_max {
        return (text.to_owned(), false);
    }
    let mut end = bytes_max.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (format!("{}…", &text[..end]), true)
}

#[cfg(test)]
mod tests;
