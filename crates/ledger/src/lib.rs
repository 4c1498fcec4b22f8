//! The ledger: sealed leaves, commitments, the Merkle tree of one workspace, and its proofs.
//!
//! What lives here: [`mod@hash`] (leaf and node hashes, RFC 6962), [`prf`] (a run's key tree, salts
//! and nonces), [`mod@commitment`] (commitments and openings), [`leaf`] (a sealed event's canonical
//! bytes), [`tree`] (the right edge that grows), [`proof`] (inclusion, consistency and range),
//! [`tile`] (C2SP tile coordinates), [`upper`] (the tiles above the leaves). `docs/spec/leaf.md` is the normative description.
//!
//! What stays out: files, network, threads, clocks, randomness, and every tenant's configuration.
//! Bytes and values in, bytes and values out, so that an auditor can build this crate alone.
//!
//! Invariant: nothing here guesses. A function that reads foreign bytes accepts exactly the one
//! encoding that the matching writer produces.
#![forbid(unsafe_code)]

extern crate alloc;

pub mod commitment;
pub mod hash;
mod hmac;
pub mod leaf;
pub mod prf;
pub mod proof;
mod sha256;
pub mod tile;
pub mod tree;
pub mod upper;

pub use commitment::{Opening, commitment};
pub use hash::{EMPTY_ROOT, Hash, leaf_hash, node_hash};
pub use leaf::{LeafFields, WorkspaceUid, write_leaf};
pub use prf::{EventKey, NonceKey, RunKeys, RunSeed, Slot};
pub use tile::Tile;
pub use tree::Edge;
pub use upper::UpperTiles;
