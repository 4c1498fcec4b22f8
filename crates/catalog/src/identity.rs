//! By what an event is known again when it is sent once more (design section 4, idempotency).
//!
//! An id says which event it is, the fingerprint of all that was sent whether it is the same. Both are
//! kept as keyed hashes, so that an index of them tells a stranger nothing.

use std::borrow::Cow;
use std::hash::Hasher as _;

use proofbook_event::EventDraft;
use siphasher::sip::{SipHasher13, SipHasher24};

/// An event's id and fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The id, as it was sent or made.
    pub id: Cow<'a, str>,
    /// Keyed SipHash-2-4 of the id.
    pub hash: u64,
    /// Keyed SipHash-1-3 of the event as it was sent.
    pub fingerprint: u64,
    /// Whether the id was made here, so that nobody can send it again.
    pub generated: bool,
}

impl<'a> Identity<'a> {
    /// Takes a draft's id, or makes one: `make_id` gives a UUIDv7 in lower case.
    pub fn take(
        draft: &mut EventDraft<'a>,
        key: &[u8; 16],
        make_id: impl FnOnce() -> String,
    ) -> Self {
        let (id, generated) = match draft.id.take() {
            Some(id) => (id, false),
            None => (Cow::Owned(make_id()), true),
        };
        let hash = keyed_hash(key, id.as_bytes());
        Self { hash, fingerprint: fingerprint(key, &draft.sent), id, generated }
    }
}

/// Returns the keyed hash under which ids are looked for.
pub fn keyed_hash(key: &[u8; 16], bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new_with_key(key);
    hasher.write(bytes);
    hasher.finish()
}

/// Returns the keyed hash by which an event that comes again is compared with what came first.
///
/// The shorter of the two SipHashes, since an event is long, and whoever sends two under one id cannot
/// see what they hash to.
fn fingerprint(key: &[u8; 16], sent: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_key(key);
    hasher.write(sent);
    hasher.finish()
}

#[cfg(test)]
mod tests;
