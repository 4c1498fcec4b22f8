//! The keys of the places that a batch has in a workspace.

use std::collections::VecDeque;
use std::sync::Arc;

use proofbook_catalog::EventKeys;
use proofbook_ledger::{KeyRange, Slot};

use crate::seats::{Places, SeatRun};

/// Yields the keys of places that were taken, run after run.
#[derive(Default)]
pub(super) struct PlaceKeys {
    /// Those that are left, in front the ones that come next.
    places: VecDeque<Places>,
    /// The run that the last places are of.
    last_run: Option<SeatRun>,
    /// The run of the keys at hand.
    run: u32,
    keys: Option<Arc<KeyRange>>,
    /// Whether they were derived here.
    is_new: bool,
}

impl PlaceKeys {
    /// Adds places; `ready` are keys that another batch left for the first of them.
    pub(super) fn add(&mut self, places: Vec<Places>, ready: Option<Arc<KeyRange>>) {
        if self.places.is_empty()
            && let Some((ready, next)) = ready.zip(places.first())
            && self.keys_of(next).is_none_or(|keys| !keys.has(next.first))
        {
            (self.run, self.keys, self.is_new) = (next.run.number, Some(ready), false);
        }
        self.last_run = places.last().map(|places| places.run.clone());
        self.places.extend(places);
    }

    /// Returns the number of the run that the last places are of.
    pub(super) fn last_run(&self) -> Option<u32> {
        self.last_run.as_ref().map(|run| run.number)
    }

    /// Adds places of the run that the last ones are of.
    pub(super) fn add_in_run(&mut self, first: Slot, count: usize) {
        let run = self.last_run.clone();
        let count = count as u16;
        self.places.extend(run.map(|run| Places { run, first, count }));
    }

    /// Returns the keys at hand, if they are of the run of some places.
    fn keys_of(&self, places: &Places) -> Option<&KeyRange> {
        self.keys.as_deref().filter(|_| self.run == places.run.number)
    }

    /// Returns the last keys that were derived here, if any were, and their run.
    pub(super) fn derived(self) -> Option<(u32, Arc<KeyRange>)> {
        self.keys.filter(|_| self.is_new).map(|keys| (self.run, keys))
    }
}

impl Iterator for PlaceKeys {
    type Item = EventKeys;

    fn next(&mut self) -> Option<EventKeys> {
        let Places { run, first, count } = self.places.front_mut()?;
        let slot = *first;
        let known = self.keys.as_ref().filter(|_| self.run == run.number);
        let (event_key, nonce) = match known.and_then(|keys| keys.get(slot)) {
            Some(keys) => keys,
            None => {
                let last = last_derived(slot, *count);
                let keys = KeyRange::new(&run.seed, &run.nonce_key, slot, last);
                (self.run, self.is_new) = (run.number, true);
                self.keys.insert(Arc::new(keys)).get(slot)?
            }
        };
        let run = run.number;
        *count -= 1;
        *first = slot.next().unwrap_or(Slot::LAST);
        if *count == 0 {
            self.places.pop_front();
        }
        Some(EventKeys { run, slot, event_key, nonce })
    }
}

/// Returns up to which slot keys are derived for the places from `first` on: a batch's own, and those
/// of other batches up to the next multiple of 32.
fn last_derived(first: Slot, count: u16) -> Slot {
    let own = first.get().saturating_add(count.saturating_sub(1));
    Slot::new(own.max(first.get() | 31)).unwrap_or(Slot::LAST)
}
