//! Transports: from a message to a receiver. One file per way.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::message::Message;

pub mod mail;
pub mod webhook;

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The receiver has it.
    Taken,
    /// The receiver does not want this very message; another one may be welcome.
    Refused {
        /// What it said.
        why: String,
    },
    /// The receiver cannot be reached or does not work; no message would fare better.
    Failed {
        /// What went wrong.
        why: String,
        /// When it asks to be called again.
        retry_after: Option<Duration>,
    },
}

/// A message under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// Sends messages to one receiver.
pub trait Transport: Send + Sync {
    /// Sends one message; ends within a bounded time. `now` is seconds since 1970.
    fn send<'a>(&'a self, message: &'a Message, now: i64) -> Sending<'a>;
}
