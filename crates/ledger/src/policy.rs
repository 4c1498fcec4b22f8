//! Trust policies (C2SP tlog-policy): which logs are known, and whose cosignatures a head needs.
//!
//! ```text
//! log <vkey> [<url>]
//! witness <name> <vkey> [<url>]
//! group <name> <k|any|all> <member>…
//! quorum <name|none>
//! ```
//!
//! Items are separated by spaces and tabs; empty lines and lines that begin with `#` are ignored.
//! Names are byte strings, defined before they are used, and members of at most one group.
//!
//! What stays out: fetching anything from a URL.

use alloc::vec::Vec;

use crate::note::{KeyError, KeyKind, Note, NoteError, VerifierKey};

/// Longest policy that is read, in bytes.
pub const BYTES_MAX: usize = 256 << 10;
/// Most logs, most witnesses and most groups; the specification asks for 32 of each.
pub const DEFINITIONS_MAX: usize = 256;

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Log>,
    /// The witnesses' keys; [`Node::Witness`] points here.
    witnesses: Vec<VerifierKey>,
    witness_urls: Vec<Option<Vec<u8>>>,
    quorum: Node,
}

/// A log that a policy knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its key.
    pub key: VerifierKey,
    /// Where it is, as bytes.
    pub url: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    /// Nobody need cosign.
    None,
    Witness(usize),
    Group {
        needed: usize,
        members: Vec<Node>,
    },
}

/// How a checkpoint fares under a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the quorum is reached.
    pub is_met: bool,
    /// The witnesses whose cosignatures hold, with their times in POSIX seconds.
    pub cosigned: Vec<(usize, u64)>,
}

/// A text that is no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Too long, or a byte that a policy cannot hold.
    #[error("a policy has at most 262,144 bytes and no control character but tab and LF")]
    Bytes,
    /// A line that breaks the form.
    #[error("line {line_number}: {expected}")]
    Line {
        /// Which line, from 1.
        line_number: usize,
        /// What a policy has there.
        expected: &'static str,
    },
    /// A key that is none.
    #[error("line {line_number}: not a usable key")]
    Key {
        /// Which line, from 1.
        line_number: usize,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// No quorum line.
    #[error("a policy has one line `quorum`, this one has none")]
    NoQuorum,
}

/// A name that was defined.
struct Defined<'t> {
    name: &'t [u8],
    node: Node,
    is_member: bool,
}

/// The policy while it is read.
#[derive(Default)]
struct Draft<'t> {
    logs: Vec<Log>,
    witnesses: Vec<VerifierKey>,
    witness_urls: Vec<Option<Vec<u8>>>,
    group_count: usize,
    defined: Vec<Defined<'t>>,
    quorum: Option<Node>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// The text breaks a rule of the format, or one of the bounds above; the line is named.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        let is_allowed = |byte: &u8| matches!(byte, b'\t' | b'\n' | 0x20..=0x7e | 0x80..=0xff);
        if bytes.len() > BYTES_MAX || !bytes.iter().all(is_allowed) {
            return Err(PolicyError::Bytes);
        }
        let mut draft = Draft::default();
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let items: Vec<&[u8]> = line
                .split(|byte| matches!(byte, b' ' | b'\t'))
                .filter(|item| !item.is_empty())
                .collect();
            match items.first() {
                Some(first) if !first.starts_with(b"#") => draft.line(index + 1, &items)?,
                _ => {}
            }
        }
        let quorum = draft.quorum.ok_or(PolicyError::NoQuorum)?;
        Ok(Self {
            logs: draft.logs,
            witnesses: draft.witnesses,
            witness_urls: draft.witness_urls,
            quorum,
        })
    }

    /// Returns the logs.
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// Returns the witnesses' keys, in the order of their lines.
    pub fn witnesses(&self) -> &[VerifierKey] {
        &self.witnesses
    }

    /// Returns where a witness is, as bytes, when its line says so.
    pub fn witness_url(&self, witness_index: usize) -> Option<&[u8]> {
        self.witness_urls.get(witness_index)?.as_deref()
    }

    /// Looks at a note's cosignatures. The log's own signature is checked elsewhere.
    ///
    /// # Errors
    /// A line claims the key of a witness of this policy and does not verify.
    pub fn evaluate(&self, note: &Note<'_>) -> Result<Standing, NoteError> {
        let cosigned: Vec<(usize, u64)> = match note.verify(&self.witnesses) {
            Ok(verified) => verified
                .iter()
                .filter_map(|line| line.time_s.map(|time_s| (line.key_index, time_s)))
                .collect(),
            Err(NoteError::Unsigned { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let is_met = self.quorum.is_met(&cosigned);
        Ok(Standing { is_met, cosigned })
    }
}

impl Node {
    fn is_met(&self, cosigned: &[(usize, u64)]) -> bool {
        match self {
            Self::None => true,
            Self::Witness(index) => cosigned.iter().any(|(witness, _)| witness == index),
            Self::Group { needed, members } => {
                members.iter().filter(|member| member.is_met(cosigned)).count() >= *needed
            }
        }
    }
}

impl<'t> Draft<'t> {
    fn line(&mut self, line_number: usize, items: &[&'t [u8]]) -> Result<(), PolicyError> {
        let wrong = |expected| PolicyError::Line { line_number, expected };
        match items {
            [b"log", key, url @ ..] if url.len() <= 1 => {
                let key = self.key(line_number, key, KeyKind::Ed25519)?;
                let is_known = self.logs.iter().any(|log| log.key.public_key() == key.public_key());
                if is_known || self.logs.len() == DEFINITIONS_MAX {
                    return Err(wrong("each log has a key of its own, at most 256"));
                }
                self.logs.push(Log { key, url: url.first().map(|url| url.to_vec()) });
            }
            [b"witness", name, key, url @ ..] if url.len() <= 1 => {
                let key = self.key(line_number, key, KeyKind::CosignatureV1)?;
                let is_known =
                    self.witnesses.iter().any(|known| known.public_key() == key.public_key());
                if is_known || self.witnesses.len() == DEFINITIONS_MAX {
                    return Err(wrong("each witness has a key of its own, at most 256"));
                }
                let node = Node::Witness(self.witnesses.len());
                self.define(line_number, name, node)?;
                self.witnesses.push(key);
                self.witness_urls.push(url.first().map(|url| url.to_vec()));
            }
            [b"group", name, needed, members @ ..] if !members.is_empty() => {
                let needed = match *needed {
                    b"any" => Some(1),
                    b"all" => Some(members.len()),
                    digits => core::str::from_utf8(digits)
                        .ok()
                        .and_then(crate::checkpoint::parse_decimal)
                        .and_then(|needed| usize::try_from(needed).ok()),
                };
                let needed = needed
                    .filter(|needed| (1..=members.len()).contains(needed))
                    .ok_or_else(|| wrong("`any`, `all`, or a number up to that of the members"))?;
                self.group_count += 1;
                if self.group_count > DEFINITIONS_MAX {
                    return Err(wrong("at most 256 groups"));
                }
                let members: Option<Vec<Node>> =
                    members.iter().map(|member| self.take(member)).collect();
                let members = members
                    .ok_or_else(|| wrong("members are defined above and are in one group each"))?;
                self.define(line_number, name, Node::Group { needed, members })?;
            }
            [b"quorum", name] => {
                let node = match *name {
                    b"none" => Some(Node::None),
                    name => self.find(name),
                };
                let node = node.ok_or_else(|| wrong("the quorum is `none`, or a name above"))?;
                if self.quorum.replace(node).is_some() {
                    return Err(wrong("one quorum only"));
                }
            }
            _ => return Err(wrong("a line of log, witness, group or quorum")),
        }
        Ok(())
    }

    fn key(
        &self,
        line_number: usize,
        text: &[u8],
        kind: KeyKind,
    ) -> Result<VerifierKey, PolicyError> {
        let fail = |source| PolicyError::Key { line_number, source };
        let text = core::str::from_utf8(text).map_err(|_| fail(KeyError::Malformed))?;
        let key: VerifierKey = text.parse().map_err(fail)?;
        if key.kind() == kind {
            Ok(key)
        } else {
            Err(fail(KeyError::Kind { found: key.kind() as u8 }))
        }
    }

    fn define(
        &mut self,
        line_number: usize,
        name: &'t [u8],
        node: Node,
    ) -> Result<(), PolicyError> {
        if name == b"none" || self.defined.iter().any(|defined| defined.name == name) {
            return Err(PolicyError::Line {
                line_number,
                expected: "a name that is new, and not `none`",
            });
        }
        self.defined.push(Defined { name, node, is_member: false });
        Ok(())
    }

    /// Makes a name the member of a group; `None` when it is unknown or is one already.
    fn take(&mut self, name: &[u8]) -> Option<Node> {
        let defined = self.defined.iter_mut().find(|defined| defined.name == name)?;
        let is_free = !core::mem::replace(&mut defined.is_member, true);
        is_free.then(|| defined.node.clone())
    }

    fn find(&self, name: &[u8]) -> Option<Node> {
        self.defined.iter().find(|defined| defined.name == name).map(|found| found.node.clone())
    }
}

#[cfg(test)]
mod tests;
