//! What must hold when nothing is under way: in every file, in everything that is there, and after a
//! start.

use proofbook_testkit::SteppedStore;

use super::{Flight, Life};
use crate::naive::DAY;
use crate::{files, shown};

impl Life {
    /// What was purged stands in no file, what is there stands in one, and what should have been purged
    /// is no longer there.
    pub(super) fn search(&mut self, store: &SteppedStore) -> Result<(), String> {
        self.tally.searches += 1;
        let found = files::markers(&self.disk);
        let (now, may_purge) = (store.clock.now_micros(), store.clock.purge_allowed());
        for (name, space) in &self.spaces {
            let ruled_at = self.ruled_at.get(name).copied().unwrap_or(i64::MIN);
            for (seq, event) in (0..).zip(&space.events) {
                let Some(sent) = &event.sent else { continue };
                let file = found.get(&sent.marker);
                // Its id may be sent again after a purge, with the same text.
                let again = space.ids.get(&sent.id).map(|known| &space.events[*known as usize]);
                let is_again = again.is_some_and(|again| {
                    again.sent.as_ref().is_some_and(|s| s.marker == sent.marker)
                });
                if event.is_gone
                    && !is_again
                    && !self.resent.contains(&sent.marker)
                    && let Some(file) = file
                {
                    return Err(format!("the value of purged event {seq} of {name} is in {file}"));
                }
                if !event.is_gone && file.is_none() {
                    return Err(format!("the value of event {seq} of {name} is in no file"));
                }
                // A year less some days is not always some days less than a year.
                let slack = if self.within > 0 { self.within + 2 * DAY } else { 0 };
                let long_ago = now - slack;
                let is_due = !event.is_gone
                    && space.is_expired(event, long_ago)
                    && !space.is_held(seq, event)
                    && (slack == 0 || (ruled_at <= long_ago && event.recorded_at <= long_ago));
                if may_purge && is_due {
                    return Err(format!(
                        "event {seq} of {name} should be purged by {now}: {event:?} {:?}",
                        space.settings
                    ));
                }
            }
        }
        Ok(())
    }

    /// Compares everything that is there with the model.
    pub(super) fn check_all(&self, store: &SteppedStore) -> Result<(), String> {
        for (name, space) in &self.spaces {
            let Some(workspace) = store.published.directory.by_name(name) else {
                match space.events.is_empty() {
                    true => continue,
                    false => return Err(format!("{name} vanished")),
                }
            };
            if *workspace.settings != space.settings {
                return Err(format!("the settings of {name} are not those that were put"));
            }
            let shown = shown::read(&store.published, workspace.uid)?;
            shown::check(name, &shown, space)?;
        }
        let config = store.published.view().config.clone();
        let held: Vec<&String> =
            self.spaces.values().flat_map(|space| space.holds.keys()).collect();
        if config.holds.len() != held.len() || !held.iter().all(|id| config.holds.contains_key(*id))
        {
            return Err("the holds are not those that were placed".to_owned());
        }
        Ok(())
    }

    /// Finds out after a start whether what was on its way is there, and takes it over if it is.
    pub(super) fn adopt(&mut self, store: &SteppedStore) -> Result<(), String> {
        let Some(flight) = self.flight.take() else { return Ok(()) };
        let size = |name: &str| {
            store.published.directory.by_name(name).map_or(0, |workspace| workspace.edge.size())
        };
        let known = |life: &Self, name: &str| life.spaces[name].events.len() as u64;
        match flight {
            Flight::Sent(name, sent) if size(&name) > known(self, &name) => {
                let before = known(self, &name) as usize;
                for sent in &sent {
                    let _ = self.apply(&name, sent);
                }
                let workspace = store.published.directory.by_name(&name);
                let workspace = workspace.ok_or("a workspace vanished")?;
                let shown = shown::read(&store.published, workspace.uid);
                let space = self.spaces.get_mut(&name).ok_or("an unknown workspace")?;
                match shown {
                    Ok(shown) => {
                        for (seq, known) in space.events.iter_mut().enumerate().skip(before) {
                            let row = shown.rows.get(&(seq as u64));
                            let row = row.ok_or("half of a request is there")?;
                            known.recorded_at = row.recorded_at;
                            known.leaf = row.leaf.ok_or("an event without a leaf")?;
                        }
                    }
                    Err(reason) => {
                        // The power went while it was read: the next process looks again.
                        for known in space.events.drain(before..) {
                            if let Some(sent) = known.sent {
                                space.ids.remove(&sent.id);
                            }
                        }
                        self.flight = Some(Flight::Sent(name, sent));
                        return Err(reason);
                    }
                }
            }
            Flight::Change(change) if size("_system") > self.system_events => {
                self.apply_change(change, store.clock.now_micros());
            }
            Flight::Purge(gone, now)
                if gone.first().is_some_and(|(name, _)| size(name) > known(self, name)) =>
            {
                self.take_purge(store, &gone, now)?;
            }
            Flight::Sent(name, sent) => {
                self.lost.extend(sent.into_iter().map(|sent| (name.clone(), sent)));
            }
            _ => {}
        }
        Ok(())
    }
}
