//! Cursors: where a list goes on, as a text that only this store can make.
//!
//! ```text
//! version 1 · flags 1 (bit 0: backwards) · sort 1 · filter hash 8 · as-of seq 8
//! · occurred_at 8 · seq 8 · HMAC-SHA256 over all before, its first 16 bytes
//! ```
//! Numbers are big-endian; the 51 bytes are written as base64url without padding (RFC 4648 §5).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::order::Sort;

const VERSION: u8 = 1;
const BODY_BYTES: usize = 35;
const TAG_BYTES: usize = 16;

/// The place behind which, or before which, a list goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Hash of the filter, time range and zone it was made for.
    pub filter_hash: u64,
    /// The order it was made for.
    pub sort: Sort,
    /// The list holds events with a smaller seq only, so that it stays the same while events arrive.
    pub as_of_seq: u64,
    /// `occurred_at` of the event at the page's edge, microseconds UTC.
    pub occurred_at: i64,
    /// `seq` of the event at the page's edge.
    pub seq: u64,
    /// Whether the page before is wanted instead of the page behind.
    pub backwards: bool,
}

/// A text that is no cursor of this store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// It is not of the form of a cursor, or was changed.
    #[error("this is not a cursor of this server, or it was changed")]
    Forged,
    /// Another version made it.
    #[error("the cursor was made by another version; begin the list anew")]
    Version,
}

impl Cursor {
    /// Writes the cursor as a text that is safe in URLs.
    pub fn encode(&self, key: &[u8; 32]) -> String {
        let mut bytes = Vec::with_capacity(BODY_BYTES + TAG_BYTES);
        bytes.extend([VERSION, u8::from(self.backwards), self.sort as u8]);
        bytes.extend(self.filter_hash.to_be_bytes());
        bytes.extend(self.as_of_seq.to_be_bytes());
        bytes.extend(self.occurred_at.to_be_bytes());
        bytes.extend(self.seq.to_be_bytes());
        let tag = mac(key, &bytes).finalize().into_bytes();
        bytes.extend(&tag[..TAG_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that [`Cursor::encode`] wrote with the same key.
    ///
    /// # Errors
    /// The text was not made with this key, or by a version that this one does not know.
    pub fn decode(text: &str, key: &[u8; 32]) -> Result<Self, CursorError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError::Forged)?;
        let (body, tag) = bytes
            .split_at_checked(BODY_BYTES)
            .filter(|(_, tag)| tag.len() == TAG_BYTES)
            .ok_or(CursorError::Forged)?;
        mac(key, body).verify_truncated_left(tag).map_err(|_| CursorError::Forged)?;
        if body[0] != VERSION {
            return Err(CursorError::Version);
        }
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&body[at..at + 8]);
            u64::from_be_bytes(bytes)
        };
        Ok(Self {
            backwards: body[1] & 1 != 0,
            sort: Sort::from_u8(body[2]).ok_or(CursorError::Version)?,
            filter_hash: number(3),
            as_of_seq: number(11),
            occurred_at: number(19) as i64,
            seq: number(27),
        })
    }
}

fn mac(key: &[u8; 32], body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(b"proofbook/v1/cursor\0");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests;
