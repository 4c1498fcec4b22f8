//! Detectors: the forms of known keys, wherever they stand in a text.
//!
//! Nearly every text holds none, so the search is made to leave early. A key holds a run of at least
//! 16 of the characters A-Z a-z 0-9 _ -; looking at every 16th byte meets each such run, and a text
//! of short words is passed in strides. Only a run is then compared with the forms.

use std::ops::Range;

use super::names::{self, NameClass};
use crate::limits::DETECT_BYTES_MIN;

/// Shortest text in which a PEM block is looked for, in bytes.
const PEM_BYTES_MIN: usize = 64;
/// How far before its password a Slack webhook's address names its host, in bytes.
const SLACK_BYTES: usize = 64;

/// Finds every key of a text: ranges in order, none over another.
///
/// The time is linear in the text, whatever it holds; a text without keys allocates nothing.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if text.len() < DETECT_BYTES_MIN {
        return found;
    }
    find_runs(text, &mut found);
    find_pem_blocks(text, &mut found);
    if text.as_bytes().contains(&b':') {
        find_url_secrets(text, &mut found);
    }
    find_spaced_cards(text, &mut found);
    if found.len() > 1 {
        // Of two that overlap the one that begins first is kept, and made to reach as far as both.
        found.sort_unstable_by_key(|span| (span.start, span.end));
        found.dedup_by(|next, kept| {
            let overlap = next.start < kept.end;
            if overlap {
                kept.end = kept.end.max(next.end);
            }
            overlap
        });
    }
    found
}

/// The characters of a run.
const RUN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let char = byte as u8;
        table[byte] = char.is_ascii_alphanumeric() || char == b'_' || char == b'-';
        byte += 1;
    }
    table
};

fn is_run_byte(byte: u8) -> bool {
    RUN_BYTES[usize::from(byte)]
}

/// Finds the keys that show by their run.
fn find_runs(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    // No run that begins before `at` is still to be looked at.
    let mut at = 0;
    while let Some(byte) = bytes.get(at + DETECT_BYTES_MIN - 1) {
        let probe = at + DETECT_BYTES_MIN - 1;
        if !is_run_byte(*byte) {
            at = probe + 1;
            continue;
        }
        let mut begin = probe;
        while begin > at && is_run_byte(bytes[begin - 1]) {
            begin -= 1;
        }
        let begins_before = begin > 0 && is_run_byte(bytes[begin - 1]);
        if begins_before || !may_begin(bytes, begin) {
            at = probe + 1;
            continue;
        }
        let ahead = bytes[probe..].iter().take_while(|byte| is_run_byte(**byte)).count();
        let run = begin..probe + ahead;
        at = run.end + 1;
        if run.len() >= DETECT_BYTES_MIN
            && let Some(span) = judge_run(bytes, run)
        {
            at = at.max(span.end);
            found.push(span);
        }
    }
}

/// Tells whether a key may begin where a run does, by its first byte and the one before it.
fn may_begin(text: &[u8], begin: usize) -> bool {
    match text[begin] {
        b'A' | b'g' | b's' | b'r' | b'w' | b'x' | b'n' | b'p' | b'e' => return true,
        b'0'..=b'9' if text.get(begin + 4) == Some(&b'-') => return true,
        _ => {}
    }
    begin > 0 && matches!(text[begin - 1], b'.' | b' ' | b'/')
}

/// Compares one run with the forms of keys; returns the key, which may reach beyond the run.
fn judge_run(text: &[u8], run: Range<usize>) -> Option<Range<usize>> {
    let key = &text[run.clone()];
    let before = &text[..run.start];
    let hit = match key[0] {
        b'A' => {
            // AWS access key ids; Google API keys.
            (key.starts_with(b"AKIA") && key.len() == 20 && is_upper_or_digit(key))
                || (key.starts_with(b"AIza") && key.len() >= 39)
        }
        b'g' => {
            let github = [b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"];
            (github.iter().any(|prefix| key.starts_with(*prefix)) && key.len() >= 36)
                || (key.starts_with(b"github_pat_") && key.len() >= 40)
                || (key.starts_with(b"glpat-") && key.len() >= 26)
        }
        b's' => {
            ((key.starts_with(b"sk_live_") || key.starts_with(b"sk_test_")) && key.len() >= 24)
                || (key.starts_with(b"sk-") && key.len() >= 35 && is_mixed(key))
        }
        b'r' => (key.starts_with(b"rk_live_") || key.starts_with(b"rk_test_")) && key.len() >= 24,
        b'w' => key.starts_with(b"whsec_") && key.len() >= 22,
        b'x' => {
            let slack = [b"xoxb-", b"xoxp-", b"xoxa-", b"xoxr-", b"xoxs-", b"xoxe-", b"xapp-"];
            slack.iter().any(|prefix| key.starts_with(*prefix))
        }
        b'n' => key.starts_with(b"npm_") && key.len() >= 40,
        b'p' => key.starts_with(b"pb_") && is_own_key(key),
        b'e' if key.starts_with(b"eyJ") => return json_web_token(text, run),
        b'0'..=b'9' if is_grouped(key, b'-') => {
            std::str::from_utf8(key).is_ok_and(names::is_card_number)
        }
        _ => false,
    };
    if hit {
        return Some(run);
    }
    if before.ends_with(b"SG.") && key.len() == 22 && text.get(run.end) == Some(&b'.') {
        let tail = text[run.end + 1..].iter().take_while(|byte| is_run_byte(**byte)).count();
        return (tail >= 32).then_some(run.start - 3..run.end + 1 + tail);
    }
    // HashiCorp Vault service tokens.
    if before.ends_with(b"hvs.") && key.len() >= 24 {
        return Some(run.start - 4..run.end);
    }
    let bearer = before.len() >= 7 && before[before.len() - 7..].eq_ignore_ascii_case(b"bearer ");
    if bearer && key.iter().any(u8::is_ascii_digit) {
        let more =
            |byte: &&u8| is_run_byte(**byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=');
        let length = text[run.start..].iter().take_while(more).count();
        return Some(run.start..run.start + length);
    }
    // The last part of a Slack webhook's address is its password.
    let near = &before[before.len().saturating_sub(SLACK_BYTES)..];
    if key.len() == 24 && contains(near, b"hooks.slack.com/services/") {
        return Some(run);
    }
    None
}

/// Our own keys: `pb_`, then parts divided by `_` of which the last is long.
fn is_own_key(key: &[u8]) -> bool {
    let last = key.rsplit(|byte| *byte == b'_').next().unwrap_or_default();
    last.len() >= 16 && last.iter().any(u8::is_ascii_digit)
}

/// A JSON Web Token (RFC 7519): three parts divided by dots, of which the last may be empty.
fn json_web_token(text: &[u8], header: Range<usize>) -> Option<Range<usize>> {
    let part = |from: usize| {
        let length = text.get(from..)?.iter().take_while(|byte| is_run_byte(**byte)).count();
        Some(from + length)
    };
    if text.get(header.end) != Some(&b'.') {
        return None;
    }
    let payload_end = part(header.end + 1)?;
    if payload_end < header.end + 9 || text.get(payload_end) != Some(&b'.') {
        return None;
    }
    Some(header.start..part(payload_end + 1)?)
}

/// Finds private keys in PEM (RFC 7468), each with its two lines.
fn find_pem_blocks(text: &str, found: &mut Vec<Range<usize>>) {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    if text.len() < PEM_BYTES_MIN || !text.contains(BEGIN) {
        return;
    }
    let after = |from: usize, part: &str| text[from..].find(part).map(|at| from + at + part.len());
    let mut from = 0;
    while let Some(label) = after(from, BEGIN) {
        let Some(label_end) = after(label, "-----") else { return };
        let name = &text[label..label_end - 5];
        from = label;
        if name.ends_with("PRIVATE KEY") || name.ends_with("PRIVATE KEY BLOCK") {
            let end = after(label_end, END).and_then(|last| after(last, "-----"));
            from = end.unwrap_or(text.len());
            found.push(label - BEGIN.len()..from);
        }
    }
}

/// Finds passwords in addresses: `scheme://user:password@host`, or tell-tale names in their query.
fn find_url_secrets(text: &str, found: &mut Vec<Range<usize>>) {
    let mut parts = text.split("://");
    let Some(scheme) = parts.next() else { return };
    let mut begin = scheme.len() + 3;
    // An address ends at the latest where the next one begins, so no byte is looked at twice.
    for part in parts {
        let ends = |char: char| char.is_whitespace() || matches!(char, '"' | '<' | '>');
        let url = &part[..part.find(ends).unwrap_or(part.len())];
        let password = user_password(url);
        found.extend(password.map(|span| span.start + begin..span.end + begin));
        find_query_secrets(url, begin, found);
        begin += part.len() + 3;
    }
}

/// The password of `user:password@host/…`.
fn user_password(url: &str) -> Option<Range<usize>> {
    let authority = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
    let (user, _) = authority.rsplit_once('@')?;
    let (name, password) = user.split_once(':')?;
    let hit = !password.is_empty() && !super::is_placeholder(password);
    hit.then(|| name.len() + 1..user.len())
}

/// Finds the values of tell-tale names behind `?` or `#`; the address stands at `begin`.
fn find_query_secrets(url: &str, begin: usize, found: &mut Vec<Range<usize>>) {
    let Some(query) = url.find(['?', '#']) else { return };
    let mut at = query + 1;
    for pair in url[at..].split(['&', '#', ';']) {
        if let Some((name, value)) = pair.split_once('=') {
            let hit = match names::class_of(name) {
                NameClass::Always => !value.is_empty() && !super::is_placeholder(value),
                NameClass::Tell => names::looks_random(value),
                _ => is_signature(name) && names::looks_random(value),
            };
            if hit {
                found.push(begin + at + name.len() + 1..begin + at + pair.len());
            }
        }
        at += pair.len() + 1;
    }
}

/// Tells whether a name in a query is that of a signed address's signature.
fn is_signature(name: &str) -> bool {
    name.eq_ignore_ascii_case("sig") || name.to_ascii_lowercase().ends_with("signature")
}

/// Finds card numbers in groups divided by blanks: 4-4-4-4, or 4-6-5.
fn find_spaced_cards(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    // Such a number has at least 17 bytes, so of every fifth byte three in a row lie within it.
    let (mut at, mut in_row) = (4, 0);
    while in_row < 3 {
        let Some(byte) = bytes.get(at) else { return };
        in_row = if matches!(byte, b'0'..=b'9' | b' ') { in_row + 1 } else { 0 };
        at += 5;
    }
    let is_word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    for (blank, _) in text.match_indices(' ') {
        let Some(begin) = blank.checked_sub(4) else { continue };
        if begin > 0 && is_word(begin - 1) {
            continue;
        }
        let number = [19, 17].into_iter().map(|length| begin..begin + length).find(|span| {
            let part = bytes.get(span.clone()).unwrap_or_default();
            !is_word(span.end)
                && is_grouped(part, b' ')
                && std::str::from_utf8(part).is_ok_and(names::is_card_number)
        });
        found.extend(number);
    }
}

/// Tells whether digits stand in the groups of a card: 4-4-4-4, or 4-6-5.
fn is_grouped(part: &[u8], divider: u8) -> bool {
    let dividers: &[usize] = match part.len() {
        19 => &[4, 9, 14],
        17 => &[4, 11],
        _ => return false,
    };
    part.iter().enumerate().all(|(at, byte)| {
        if dividers.contains(&at) { *byte == divider } else { byte.is_ascii_digit() }
    })
}

fn is_upper_or_digit(key: &[u8]) -> bool {
    key.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_mixed(key: &[u8]) -> bool {
    key.iter().any(u8::is_ascii_digit)
        && key.iter().any(u8::is_ascii_uppercase)
        && key.iter().any(u8::is_ascii_lowercase)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests;
