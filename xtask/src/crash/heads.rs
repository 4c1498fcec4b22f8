//! Signed heads that left the server, and what must hold of them whatever was killed in between: no two
//! of one size differ, none is smaller than one of an earlier life, and each is the tree of the receipts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The heads, by workspace and size.
#[derive(Default)]
pub(crate) struct Heads {
    roots: BTreeMap<(String, u64), String>,
    /// Per workspace: the greatest size of the lives before this one.
    floors: BTreeMap<String, u64>,
}

impl Heads {
    /// Returns how many left.
    pub(crate) fn count(&self) -> usize {
        self.roots.len()
    }

    /// Takes over the head of a `.tlog-proof`: behind its empty line come origin, size and root.
    pub(super) fn take(&mut self, workspace: &str, proof: &str) -> Result<(), String> {
        let note =
            proof.split_once("\n\n").map(|(_, note)| note).ok_or("a proof without a head")?;
        let mut lines = note.lines().skip(1);
        let size =
            lines.next().and_then(|line| line.parse().ok()).ok_or("a head without a size")?;
        let root = lines.next().ok_or("a head without a root")?.to_owned();
        let floor = self.floors.get(workspace).copied().unwrap_or(0);
        if size < floor {
            return Err(format!("{workspace} signed {size} after it had signed {floor}"));
        }
        match self.roots.insert((workspace.to_owned(), size), root.clone()) {
            Some(known) if known != root => {
                Err(format!("{workspace} signed {known} and {root}, both of size {size}"))
            }
            _ => Ok(()),
        }
    }

    /// Begins another life of the server.
    pub(crate) fn next_life(&mut self) {
        for (workspace, size) in self.roots.keys() {
            let floor = self.floors.entry(workspace.clone()).or_default();
            *floor = (*floor).max(*size);
        }
    }

    /// Checks every head against the tree of the receipts' leaves, by RFC 6962 section 2.1.
    pub(super) fn check(&self, workspace: &str, leaves: &[&str]) -> Result<(), String> {
        // Roots of full subtrees, the largest first, each with its height.
        let mut edge: Vec<(u32, Vec<u8>)> = Vec::new();
        for (leaf, size) in leaves.iter().zip(1_u64..) {
            let hash = STANDARD.decode(leaf).map_err(|error| format!("a leaf: {error}"))?;
            edge.push((0, hash));
            while let [.., (left, one), (right, other)] = edge.as_slice()
                && left == right
            {
                let joined = (left + 1, node(one, other));
                edge.truncate(edge.len() - 2);
                edge.push(joined);
            }
            let Some(signed) = self.roots.get(&(workspace.to_owned(), size)) else { continue };
            let smallest_first = edge.iter().rev().map(|(_, hash)| hash.clone());
            let root = smallest_first.reduce(|right, left| node(&left, &right)).unwrap_or_default();
            if STANDARD.encode(root) != *signed {
                return Err(format!("the head of size {size} of {workspace} is of another tree"));
            }
        }
        Ok(())
    }
}

fn node(left: &[u8], right: &[u8]) -> Vec<u8> {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().to_vec()
}
