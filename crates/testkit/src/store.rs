//! A store whose disk, clock and randomness belong to the test.

use std::sync::Arc;
use std::time::Duration;

use proofbook_catalog::Rejected;
use proofbook_event::EventDraft;
use proofbook_store::clock::SimClock;
use proofbook_store::disk::{Disk, SimDisk};
use proofbook_store::fold::Outcome;
use proofbook_store::log::LogOptions;
use proofbook_store::open::{Machine, Options};
use proofbook_store::prepare::Wanted;
use proofbook_store::random::SimRandom;
use proofbook_store::store::{Receipt, Store};

use crate::{START_MICROS, World};

/// Events of one request to [`TestStore::send_world`].
const BATCH_EVENTS: usize = 100;
/// How long a pack may take on a slow machine before the test is given up.
const PACK_TRIES: usize = 6_000;

/// A running store in a test's hands. Dropping it stops it.
pub struct TestStore {
    /// The store.
    pub store: Arc<Store>,
    /// Its clocks, which stand still unless moved.
    pub clock: SimClock,
    machine: Machine,
    options: Options,
}

impl TestStore {
    /// Starts a store on a simulated disk, with options that suit small tests.
    ///
    /// Keep a clone of the disk to look at it or to damage it.
    pub fn in_memory(seed: u64, disk: &SimDisk) -> Self {
        Self::start(seed, Arc::new(disk.clone()), Self::options())
    }

    /// Starts a store on a disk, at [`START_MICROS`]; the seed fixes its keys, ids and salts.
    ///
    /// # Panics
    /// The store does not start; later, when it must stop for an error.
    pub fn start(seed: u64, disk: Arc<dyn Disk>, options: Options) -> Self {
        let clock = SimClock::new(START_MICROS);
        let random = Arc::new(SimRandom::new(seed));
        let machine = Machine { disk, clock: Arc::new(clock.clone()), random };
        let store = begin(&machine, options);
        Self { store, clock, machine, options }
    }

    /// Returns options with small files: no reserve, log files of 1 MiB.
    pub fn options() -> Options {
        Options { log: LogOptions { file_bytes: 1 << 20 }, reserve_bytes: 0, ..Options::default() }
    }

    /// Sends JSON events to a workspace as one request, with the right to import old ones.
    ///
    /// # Panics
    /// The store does not take the request. Events that are not admitted are in the answer.
    pub fn send<T: AsRef<str>>(
        &self,
        workspace: &str,
        events: &[T],
    ) -> Vec<Result<Receipt, Rejected>> {
        let wanted = events
            .iter()
            .map(|text| {
                let draft = EventDraft::parse(text.as_ref().as_bytes()).map_err(Rejected::from)?;
                Ok(Wanted { workspace, draft })
            })
            .collect();
        let receipts = self.store.commit(self.store.prepare(true, wanted));
        receipts.unwrap_or_else(|error| panic!("a request to {workspace}: {error}"))
    }

    /// Sends a world's events in its order.
    ///
    /// # Panics
    /// An event does not get the seq that the world states.
    pub fn send_world(&self, world: &World) {
        for run in world.facts.chunk_by(|a, b| a.workspace == b.workspace) {
            for batch in run.chunks(BATCH_EVENTS) {
                let events: Vec<String> = batch.iter().map(|fact| fact.event().json()).collect();
                for (fact, receipt) in batch.iter().zip(self.send(&batch[0].workspace, &events)) {
                    let taken = matches!(
                        &receipt,
                        Ok(Receipt { outcome: Outcome::Created { seq, .. }, .. }) if *seq == fact.seq
                    );
                    assert!(taken, "{fact:?}: {receipt:?}");
                }
            }
        }
    }

    /// Makes everything recent a segment, and waits until it is one.
    ///
    /// # Panics
    /// It takes longer than a minute.
    pub fn pack(&self) {
        for _ in 0..PACK_TRIES {
            if self.store.view().generations.iter().all(|recent| recent.event_count() == 0) {
                return;
            }
            self.store.pack_soon();
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("nothing was packed for a minute");
    }

    /// Stops the store and starts it again on the same disk; the clock goes on.
    ///
    /// # Panics
    /// Somebody else still holds the store, or it does not start.
    #[must_use]
    pub fn restart(self) -> Self {
        let Self { store, clock, machine, options } = self;
        store.stop();
        assert_eq!(
            Arc::strong_count(&store),
            1,
            "the store's lock is given back when it is dropped"
        );
        drop(store);
        let store = begin(&machine, options);
        Self { store, clock, machine, options }
    }
}

fn begin(machine: &Machine, options: Options) -> Arc<Store> {
    let fatal = Box::new(|fatal: &_| panic!("the store cannot go on: {fatal}"));
    let store = Store::start(machine, options, fatal);
    Arc::new(store.unwrap_or_else(|error| panic!("the store does not start: {error}")))
}

#[cfg(test)]
mod tests;
