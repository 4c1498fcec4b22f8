//! One event's line in a bundle: what opens its leaf, and why the rest stays shut.
//!
//! ```text
//! {"seq":17,"openings":[{"pointer":"/actor","salt":"…","value":"…"},…],"withheld":["/context"],
//!  "erased":{"/metadata":901},"leaf":"{…}"}
//! ```
//!
//! Every group that the leaf commits to is in exactly one of the three. `erased` names the leaf that
//! recorded the erasure. `leaf` is there where the leaf is in no entry bundle.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proofbook_event::Group;
use serde::{Deserialize, Serialize};

use crate::commitment::Opening;
use crate::hash::{decode_base64, encode_base64};
use crate::leaf::ParsedLeaf;

mod plain;

/// What one line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventOpenings {
    /// The event's number.
    pub seq: u64,
    /// What is shown, in the order of [`Group::ALL`].
    pub openings: Vec<Opening>,
    /// What is kept back on purpose, in that order.
    pub withheld: Vec<Group>,
    /// What was erased, in that order, and the seq of the leaf that recorded it.
    pub erased: Vec<(Group, u64)>,
    /// The leaf's bytes, where no entry bundle has them.
    pub leaf: Option<String>,
}

/// A line that is none, or that does not belong to its leaf.
#[derive(Debug, thiserror::Error)]
pub enum OpeningsError {
    /// Not the JSON of a line.
    #[error("not the JSON of a line of openings")]
    Json(#[source] serde_json::Error),
    /// The same openings are written otherwise, or groups are unknown, out of order or twice.
    #[error("a line of openings is not in its one form")]
    NotCanonical,
    /// An opening does not open the leaf's commitment.
    #[error("the opening of {group} does not open the leaf's commitment")]
    Wrong {
        /// Which group.
        group: Group,
    },
    /// The line names a group that the leaf does not have.
    #[error("the leaf has no {group}")]
    Foreign {
        /// Which group.
        group: Group,
    },
    /// The leaf has a group of which the line says nothing.
    #[error("nothing is said of {group}: neither opened, nor withheld, nor erased")]
    Silent {
        /// Which group.
        group: Group,
    },
}

/// The JSON form of a line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    seq: u64,
    openings: Vec<WireOpening>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    withheld: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    erased: BTreeMap<String, u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leaf: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireOpening {
    pointer: String,
    salt: String,
    value: String,
}

impl EventOpenings {
    /// Appends the line, with its LF.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        let opening = |opening: &Opening| {
            let salt: [u8; 24] = encode_base64(&opening.salt);
            WireOpening {
                pointer: opening.group.pointer().to_string(),
                salt: String::from_utf8_lossy(&salt).into_owned(),
                value: opening.value.clone(),
            }
        };
        let pointer = |group: Group| group.pointer().to_string();
        let wire = Wire {
            seq: self.seq,
            openings: self.openings.iter().map(opening).collect(),
            withheld: self.withheld.iter().map(|group| pointer(*group)).collect(),
            erased: self.erased.iter().map(|(group, by)| (pointer(*group), *by)).collect(),
            leaf: self.leaf.clone(),
        };
        let text = serde_json::to_vec(&wire).expect("numbers and strings have a JSON form");
        out.extend_from_slice(&text);
        out.push(b'\n');
    }

    /// Reads a line, without its LF.
    ///
    /// # Errors
    /// Not the JSON of a line, or not in the one form in which it is written.
    pub fn parse(line: &[u8]) -> Result<Self, OpeningsError> {
        match plain::read(line) {
            Some(read) => Ok(read),
            // Whoever wrote it otherwise is told what is wrong with it.
            None => Self::parse_any(line),
        }
    }

    /// Splits a file of lines; the last one may lack its LF.
    pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
        let mut rest = Some(text.strip_suffix(b"\n").unwrap_or(text));
        core::iter::from_fn(move || {
            let text = rest?;
            let (line, behind) = text.split_at(plain::line_in(text));
            rest = behind.get(1..);
            Some(line)
        })
    }

    /// Reads a line as any JSON, and says why it is not the one form.
    fn parse_any(line: &[u8]) -> Result<Self, OpeningsError> {
        let wire: Wire = serde_json::from_slice(line).map_err(OpeningsError::Json)?;
        let read = Self::of_wire(wire).ok_or(OpeningsError::NotCanonical)?;
        let mut again = Vec::with_capacity(line.len() + 1);
        read.write_line(&mut again);
        again.pop();
        if again == line { Ok(read) } else { Err(OpeningsError::NotCanonical) }
    }

    fn of_wire(wire: Wire) -> Option<Self> {
        let openings: Option<Vec<Opening>> = wire
            .openings
            .into_iter()
            .map(|opening| {
                Some(Opening {
                    group: Group::from_pointer(&opening.pointer)?,
                    salt: decode_base64(opening.salt.as_bytes())?,
                    value: opening.value,
                })
            })
            .collect();
        let withheld: Option<Vec<Group>> =
            wire.withheld.iter().map(|pointer| Group::from_pointer(pointer)).collect();
        let erased: Option<Vec<(Group, u64)>> = wire
            .erased
            .iter()
            .map(|(pointer, by)| Some((Group::from_pointer(pointer)?, *by)))
            .collect();
        let read = Self {
            seq: wire.seq,
            openings: openings?,
            withheld: withheld?,
            erased: erased?,
            leaf: wire.leaf,
        };
        let in_order = read.openings.is_sorted_by(|a, b| a.group < b.group)
            && read.withheld.is_sorted_by(|a, b| a < b);
        in_order.then_some(read)
    }

    /// Checks the line against its leaf: each opening opens, and each commitment is accounted for once.
    ///
    /// # Errors
    /// A wrong opening, a group that the leaf does not have or that is named twice, or one that the
    /// line passes over.
    pub fn check(&self, leaf: &ParsedLeaf<'_>) -> Result<(), OpeningsError> {
        let mut seen = [false; Group::COUNT];
        for opening in &self.openings {
            let group = opening.group;
            let commitment = leaf.commitment(group).ok_or(OpeningsError::Foreign { group })?;
            if !opening.verify(commitment) {
                return Err(OpeningsError::Wrong { group });
            }
            seen[group.index()] = true;
        }
        let shut = self.withheld.iter().copied().chain(self.erased.iter().map(|(group, _)| *group));
        for group in shut {
            let is_new = !core::mem::replace(&mut seen[group.index()], true);
            if leaf.commitment(group).is_none() || !is_new {
                return Err(OpeningsError::Foreign { group });
            }
        }
        match leaf.sealed.iter().find(|(group, _)| !seen[group.index()]) {
            Some((group, _)) => Err(OpeningsError::Silent { group: *group }),
            None => Ok(()),
        }
    }

    /// Returns the value of a group that is shown.
    pub fn value(&self, group: Group) -> Option<&str> {
        self.openings
            .iter()
            .find(|opening| opening.group == group)
            .map(|opening| opening.value.as_str())
    }
}
