//! How deliveries keep out of the way when there is too little processor time for everybody.
//!
//! A low priority says who goes first, and not how much is done: whatever is left over is used up, and
//! every message costs ingest more than that, for it wakes others and empties caches. So before an event
//! is sent it is looked how the thread fared. When it waited for a processor longer than it had one,
//! others need the machine, and for a while no event is sent. It is a pause and no stop: a little is sent
//! however crowded the machine is. Mails do not rest, for they are few and somebody waits for them; nor
//! does looking for what is due, or a rare event would wait for every workspace that is looked through.

use std::sync::{Mutex, PoisonError};

use proofbook_store::priority::ProcessorTime;
use tokio::time::Instant;

use crate::limits;

/// The pace of everything that one thread delivers.
pub(crate) struct Pace {
    processor_time: fn() -> Option<ProcessorTime>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When it was looked last, and what the thread had spent until then.
    looked: Option<(Instant, ProcessorTime)>,
    rests_until: Option<Instant>,
}

impl Pace {
    /// Makes a pace for the thread whose time is told.
    pub(crate) fn new(processor_time: fn() -> Option<ProcessorTime>) -> Self {
        Self { processor_time, state: Mutex::default() }
    }

    /// Waits until an event may be sent.
    pub(crate) async fn turn(&self) {
        while let Some(until) = self.rests_until() {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Returns until when none is to be sent; `None` when it is our turn.
    fn rests_until(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.rests_until.is_some_and(|until| until > now) {
            return state.rests_until;
        }
        let is_rested = state.rests_until.take().is_some();
        let looked = state.looked.filter(|_| !is_rested);
        if looked.is_some_and(|(at, _)| now.duration_since(at) < limits::LOOK_ROUND_EVERY) {
            return None;
        }
        let spent = (self.processor_time)()?;
        state.looked = Some((now, spent));
        let (_, before) = looked?;
        let waited = spent.waited.saturating_sub(before.waited);
        let ran = spent.ran.saturating_sub(before.ran);
        state.rests_until = (waited > ran).then(|| now + limits::REST);
        state.rests_until
    }
}

#[cfg(test)]
mod tests;
