//! The store held against its promises from outside, through its public interface.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod a5_foreign_readers;
mod b6_erasure;
mod gate;
mod golden;
mod marker;
mod p1_beside;
mod p1_purge;
mod p2_between;
mod python;
