//! The ledger: sealed leaves, commitments, the Merkle tree of one workspace, and its proofs.
//!
//! What lives here: [`mod@hash`] (leaf and node hashes, RFC 6962), [`prf`] (a run's key tree, salts
//! and nonces), [`mod@commitment`] (commitments and openings), [`leaf`] (a sealed event's canonical
//! bytes), [`tree`] (the right edge that grows), [`proof`] (inclusion, consistency and range),
//! [`tile`] (C2SP tile coordinates), [`upper`] (the tiles above the leaves), [`note`] (signed notes
//! and their keys), [`mod@checkpoint`] (signed heads), [`tlog_proof`] and [`consistency`] (proofs as
//! texts), [`entries`] (entry bundles), [`policy`] (whose cosignatures a head needs), [`mod@bundle`] and
//! [`tar`] (what an auditor is given), [`witness`] (what a witness decides), [`submission`] (what it is
//! asked, and what its answer is worth). `docs/spec` has the normative descriptions.
//!
//! What stays out: files, network, threads, clocks, randomness, and every tenant's configuration.
//! Bytes and values in, bytes and values out, so that an auditor can build this crate alone.
//!
//! Invariant: nothing here guesses. A function that reads foreign bytes accepts exactly the one
//! encoding that the matching writer produces.
//!
//! The crate needs `core` and `alloc` and nothing else; it has no features to switch off.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod bundle;
pub mod checkpoint;
pub mod commitment;
pub mod consistency;
pub mod entries;
pub mod hash;
mod hmac;
pub mod leaf;
pub mod note;
pub mod policy;
pub mod prf;
pub mod proof;
mod sha256;
pub mod submission;
pub mod tar;
pub mod tile;
pub mod tlog_proof;
pub mod tree;
pub mod upper;
pub mod witness;

pub use checkpoint::Checkpoint;
pub use commitment::{Commitments, Opening, commitment};
pub use hash::{EMPTY_ROOT, Hash, leaf_hash, node_hash};
pub use leaf::{LeafFields, WorkspaceUid, write_leaf};
pub use note::{Note, SigningKey, VerifierKey};
pub use prf::{EventKey, KeyRange, NonceKey, RunSeed, Slot};
pub use tile::Tile;
pub use tree::Edge;
pub use upper::UpperTiles;
