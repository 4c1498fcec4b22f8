//! What a row keeps in place of the groups that were erased of it.
//!
//! With the first erasure an event's key is destroyed, since its run is punctured. Its leaf can still be
//! derived from the commitments of what went and from the salts of what stays, which stand here instead.
//!
//! ```text
//! withheld  for each group that the event was sealed with, by index: u8 index, bit 7 set when erased;
//!           erased: u64 id of the erasure, u16 step of it (both little-endian), commitment (32);
//!           kept: salt (16)
//! ```
//! A row of which nothing was erased has none of this.

use proofbook_event::Group;
use proofbook_ledger::Hash;
use proofbook_ledger::prf::Salt;

const ERASED: u8 = 0x80;

/// The step of an erasure that took a group: each step has an event of its own in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErasureStep {
    /// The erasure's id.
    pub erasure: u64,
    /// 0, 1, 2 …
    pub step: u16,
}

/// What is left of one group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Its value is in the row; this is the salt of its commitment.
    Salt(Salt),
    /// Its value is gone; this is its commitment.
    Commitment(Hash, ErasureStep),
}

/// What is left of the groups of an event, by ascending group.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Withheld {
    /// Each group once.
    pub groups: Vec<(Group, Left)>,
}

impl std::fmt::Debug for Withheld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.erased()).finish()
    }
}

impl Withheld {
    /// Reads what a row holds; `None` when it is of another form.
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut groups: Vec<(Group, Left)> = Vec::new();
        while let Some((mark, rest)) = bytes.split_first() {
            let group = *Group::ALL.get(usize::from(mark & !ERASED))?;
            if groups.last().is_some_and(|(last, _)| *last >= group) {
                return None;
            }
            let left = if mark & ERASED == 0 {
                let (salt, rest) = rest.split_first_chunk::<16>()?;
                bytes = rest;
                Left::Salt(*salt)
            } else {
                let (erasure, rest) = rest.split_first_chunk::<8>()?;
                let (step, rest) = rest.split_first_chunk::<2>()?;
                let (commitment, rest) = rest.split_first_chunk::<32>()?;
                bytes = rest;
                let (erasure, step) = (u64::from_le_bytes(*erasure), u16::from_le_bytes(*step));
                Left::Commitment(Hash(*commitment), ErasureStep { erasure, step })
            };
            groups.push((group, left));
        }
        Some(Self { groups })
    }

    /// Returns the bytes that a row holds.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.groups.len() * 43);
        for (group, left) in &self.groups {
            let index = group.index() as u8;
            match left {
                Left::Salt(salt) => {
                    out.push(index);
                    out.extend_from_slice(salt);
                }
                Left::Commitment(commitment, by) => {
                    out.push(index | ERASED);
                    out.extend_from_slice(&by.erasure.to_le_bytes());
                    out.extend_from_slice(&by.step.to_le_bytes());
                    out.extend_from_slice(&commitment.0);
                }
            }
        }
        out
    }

    /// Yields the groups that are gone, and what took them.
    pub fn erased(&self) -> impl Iterator<Item = (Group, ErasureStep)> + '_ {
        self.groups.iter().filter_map(|(group, left)| match left {
            Left::Commitment(_, by) => Some((*group, *by)),
            Left::Salt(_) => None,
        })
    }

    /// Returns the salt of a group whose value is still in the row.
    pub fn salt(&self, group: Group) -> Option<Salt> {
        self.groups.iter().find_map(|(of, left)| match left {
            Left::Salt(salt) if *of == group => Some(*salt),
            _ => None,
        })
    }
}

/// Returns the groups that a row's bytes say are gone, without the rest.
pub fn erased_of(withheld: &[u8]) -> Vec<(Group, ErasureStep)> {
    if withheld.is_empty() {
        return Vec::new();
    }
    Withheld::decode(withheld).map(|withheld| withheld.erased().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
