//! RFC 6962 section 2.1 word by word, with no code of the ledger.

use proofbook_ledger::Hash;
use sha2::{Digest, Sha256};

/// Returns the root of the tree over these leaf hashes.
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash(Sha256::digest([]).into()),
        [leaf] => *leaf,
        _ => {
            // The largest power of two smaller than the count.
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            let mut node = Sha256::new();
            node.update([1]);
            node.update(root(&leaves[..split]).0);
            node.update(root(&leaves[split..]).0);
            Hash(node.finalize().into())
        }
    }
}
