//! What a verifier brings from elsewhere: keys, older heads, a policy, the greatest age of a log.
//!
//! Used by `verify`, `witness`, `watch` and `serve`. Whatever is wrong with these files is the caller's to mend,
//! so it is a failure of usage.

use std::path::Path;

use proofbook_ledger::note::{KeyKind, VerifierKey};
use proofbook_ledger::policy::{self, Policy};
use proofbook_ledger::{Checkpoint, Note};
use proofbook_server::Cosigners;

use crate::failure::Failure;
use crate::files;

/// Longest of these files, in bytes.
const BYTES_MAX: usize = 512 << 10;

/// Reads a file of logs' keys: one `vkey` a line; empty lines and those that begin with `#` are not
/// looked at.
pub(crate) fn keys(path: &Path) -> Result<Vec<VerifierKey>, Failure> {
    let text = text(path)?;
    let mut keys = Vec::new();
    for line in
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let key: VerifierKey = line.parse().map_err(|error| {
            Failure::usage(format!("{} holds no vkey", path.display())).because(error)
        })?;
        if key.kind() != KeyKind::Ed25519 {
            let message = format!("{} holds the key of a witness, not of a log", path.display());
            return Err(Failure::usage(message));
        }
        keys.push(key);
    }
    if keys.is_empty() {
        return Err(Failure::usage(format!("{} holds no vkey", path.display())));
    }
    Ok(keys)
}

/// Reads an older head and checks its signature with the keys.
pub(crate) fn head(path: &Path, keys: &[VerifierKey]) -> Result<Checkpoint, Failure> {
    let text = text(path)?;
    let wrong = || format!("{} is no head that the keys given signed", path.display());
    let note =
        Note::parse(text.as_bytes()).map_err(|error| Failure::usage(wrong()).because(error))?;
    let head =
        Checkpoint::parse(note.text()).map_err(|error| Failure::usage(wrong()).because(error))?;
    let keys: Vec<VerifierKey> =
        keys.iter().filter(|key| key.name() == head.origin).cloned().collect();
    note.verify(&keys).map_err(|error| Failure::usage(wrong()).because(error))?;
    Ok(head)
}

/// Reads a policy (C2SP tlog-policy).
pub(crate) fn policy(path: &Path) -> Result<Policy, Failure> {
    let text = text(path)?;
    Policy::parse(text.as_bytes()).map_err(|error: policy::PolicyError| {
        Failure::usage(format!("{} is no policy", path.display())).because(error)
    })
}

/// Reads the policy that a server carries its heads by.
pub(crate) fn cosigners(path: &Path) -> Result<Cosigners, Failure> {
    let text = text(path)?;
    Cosigners::new(text.as_bytes()).map_err(|error| {
        let message = format!("the witness policy {} cannot be used", path.display());
        Failure::usage(message).because(error).hint(
            "a witness is one line, `witness NAME VKEY https://…`, and the last line is `quorum NAME`; \
             see docs/guide/proof.md",
        )
    })
}

/// Reads a length of time such as `90s`, `15m`, `36h`, `2d`, into microseconds.
pub(crate) fn duration(text: &str) -> Result<i64, String> {
    let expected = || format!("`{text}` is no length of time such as 90s, 15m, 36h or 2d");
    let unit = text.chars().last().ok_or_else(expected)?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(expected()),
    };
    let number: i64 = text[..text.len() - 1].parse().map_err(|_| expected())?;
    number.checked_mul(seconds * 1_000_000).filter(|micros| *micros >= 0).ok_or_else(expected)
}

fn text(path: &Path) -> Result<String, Failure> {
    let cannot = || format!("cannot read {}", path.display());
    let text = files::read_text(path).map_err(|error| Failure::usage(cannot()).because(error))?;
    if text.len() > BYTES_MAX {
        return Err(Failure::usage(format!("{} is too long", path.display())));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
