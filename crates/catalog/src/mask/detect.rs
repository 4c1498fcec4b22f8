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

/// Finds the first key at or after `from`.
pub(super) fn next_secret(text: &str, from: usize) -> Option<Range<usize>> {
    let rest = &text[from..];
    if rest.len() < DETECT_BYTES_MIN {
        return None;
    }
    let found = [
        run_secret(rest),
        pem_block(rest),
        rest.contains("://").then(|| url_secret(rest)).flatten(),
        spaced_card(rest),
    ];
    let first = found.into_iter().flatten().min_by_key(|span| span.start)?;
    Some(first.start + from..first.end + from)
}

fn is_run_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Finds the first key that shows by its run.
fn run_secret(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    // No run that begins before `at` is still to be looked at.
    let mut at = 0;
    loop {
        let probe = at + DETECT_BYTES_MIN - 1;
        if !is_run_byte(*bytes.get(probe)?) {
            at = probe + 1;
            continue;
        }
        let back = bytes[at..probe].iter().rev().take_while(|byte| is_run_byte(**byte)).count();
        let ahead = bytes[probe..].iter().take_while(|byte| is_run_byte(**byte)).count();
        let run = probe - back..probe + ahead;
        if run.len() >= DETECT_BYTES_MIN
            && let Some(span) = judge_run(bytes, run.clone())
        {
            return Some(span);
        }
        at = run.end + 1;
    }
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
    if key.len() == 24 && contains(before, b"hooks.slack.com/services/") {
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

/// A private key in PEM (RFC 7468), with its two lines.
fn pem_block(text: &str) -> Option<Range<usize>> {
    if text.len() < PEM_BYTES_MIN || !text.contains("-----BEGIN ") {
        return None;
    }
    let mut from = 0;
    loop {
        let begin = from + text[from..].find("-----BEGIN ")?;
        let label = &text[begin + 11..];
        let label = &label[..label.find("-----")?];
        if label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK") {
            let end = text[begin..].find("-----END ").map_or(text.len(), |at| {
                let last = begin + at + 9;
                text[last..].find("-----").map_or(text.len(), |dashes| last + dashes + 5)
            });
            return Some(begin..end);
        }
        from = begin + 11;
    }
}

/// A password in an address: `scheme://user:password@host`, or a tell-tale name in its query.
fn url_secret(text: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(found) = text[from..].find("://") {
        let begin = from + found + 3;
        let rest = &text[begin..];
        let ends = |char: char| char.is_whitespace() || matches!(char, '"' | '<' | '>');
        let url = &rest[..rest.find(ends).unwrap_or(rest.len())];
        if let Some(span) = user_password(url).or_else(|| query_secret(url)) {
            return Some(span.start + begin..span.end + begin);
        }
        from = begin;
    }
    None
}

/// The password of `user:password@host/…`.
fn user_password(url: &str) -> Option<Range<usize>> {
    let authority = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
    let (user, _) = authority.rsplit_once('@')?;
    let (name, password) = user.split_once(':')?;
    let hit = !password.is_empty() && !super::is_placeholder(password);
    hit.then(|| name.len() + 1..user.len())
}

/// The value of the first tell-tale name behind `?` or `#`.
fn query_secret(url: &str) -> Option<Range<usize>> {
    let mut at = url.find(['?', '#'])? + 1;
    for pair in url[at..].split(['&', '#', ';']) {
        if let Some((name, value)) = pair.split_once('=') {
            let signature = || {
                name.eq_ignore_ascii_case("sig") || name.to_ascii_lowercase().ends_with("signature")
            };
            let hit = match names::class_of(name) {
                NameClass::Always => !value.is_empty() && !super::is_placeholder(value),
                NameClass::Tell => names::looks_random(value),
                _ => signature() && names::looks_random(value),
            };
            if hit {
                return Some(at + name.len() + 1..at + pair.len());
            }
        }
        at += pair.len() + 1;
    }
    None
}

/// A card's number in groups divided by blanks: 4-4-4-4, or 4-6-5.
fn spaced_card(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    // Such a number has at least 17 bytes, so of every fifth byte three in a row lie within it.
    let mut in_row = 0;
    let may_hold = bytes.iter().skip(4).step_by(5).any(|byte| {
        in_row = if matches!(byte, b'0'..=b'9' | b' ') { in_row + 1 } else { 0 };
        in_row == 3
    });
    if !may_hold {
        return None;
    }
    let mut from = 0;
    while let Some(found) = text[from..].find(' ') {
        let blank = from + found;
        from = blank + 1;
        let Some(begin) = blank.checked_sub(4) else { continue };
        if begin > 0 && bytes[begin - 1].is_ascii_alphanumeric() {
            continue;
        }
        for length in [19, 17] {
            let Some(part) = bytes.get(begin..begin + length) else { continue };
            let ends = bytes.get(begin + length).is_none_or(|byte| !byte.is_ascii_alphanumeric());
            if ends
                && is_grouped(part, b' ')
                && std::str::from_utf8(part).is_ok_and(names::is_card_number)
            {
                return Some(begin..begin + length);
            }
        }
    }
    None
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
