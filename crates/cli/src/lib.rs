//! The binary: one file per verb, and the remote client.
#![forbid(unsafe_code)]

pub mod demo;
mod dice;
