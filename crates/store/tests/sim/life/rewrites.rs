//! How a life takes values away: purges and steps of erasures go into the log like requests, are judged
//! by what clients know, and leave nothing behind.

use proofbook_store::commit::CommitError;
use proofbook_store::config::ConfigChange;
use proofbook_store::erase::EraseProposal;
use proofbook_store::fold::RunSecret;
use proofbook_store::pack::Proposal;
use proofbook_store::prepare::Prepared;
use proofbook_store::purge::PurgeProposal;

use super::{After, Life};
use crate::model::Known;
use crate::process::{Process, Step};
use crate::traces;

impl Life {
    /// Keeps a segment that was written again until its record goes into the log.
    pub(super) fn proposed(
        &mut self,
        process: &Process,
        prepared: Prepared,
        proposal: Proposal,
        now: i64,
    ) -> Result<(), String> {
        let planned = std::mem::take(&mut self.planned);
        self.rewrite = Some((process.prepare_rewrite(prepared, now, planned)?, proposal));
        Ok(())
    }

    /// Lets all background work come to its end; then no file holds what was purged or erased, and no
    /// erasure waits but for a hold.
    pub(super) fn settle(&mut self, process: &mut Process) -> Result<(), String> {
        self.clock.advance(2_000_000);
        // What was proposed and never decided would stay as a file that nobody waits for.
        let After::GoOn = self.decide_rewrite(process)? else { return Ok(()) };
        for _ in 0..1_000 {
            if self.side.violation().is_some() {
                return Ok(());
            }
            let after = match process.background_step(&mut self.dice) {
                Ok(Step::Idle) => break,
                Ok(Step::Planned) => {
                    self.planned = self.side.journal().model.rules.clone();
                    After::GoOn
                }
                Ok(Step::Proposed(proposal, now)) => {
                    let PurgeProposal { prepared, proposal, .. } = *proposal;
                    self.proposed(process, prepared, proposal, now)?;
                    self.decide_rewrite(process)?
                }
                Ok(Step::Erases(proposal, now)) => {
                    let EraseProposal { prepared, proposal } = *proposal;
                    self.proposed(process, prepared, proposal, now)?;
                    self.decide_rewrite(process)?
                }
                Ok(Step::RemovesAside(prepared, change)) => {
                    self.remove_aside(process, *prepared, *change)?
                }
                Ok(Step::Completes(prepared, id)) => self.complete(process, *prepared, id)?,
                Ok(_) => After::GoOn,
                Err(_) if self.is_off() || self.fault_struck() => return Ok(()),
                Err(error) => return Err(format!("background work failed: {error:?}")),
            };
            let After::GoOn = after else { return Ok(()) };
        }
        if self.is_off() || self.fault_struck() {
            return Ok(());
        }
        self.tally.searches += 1;
        let model = &self.side.journal().model;
        for (id, erasing) in model.erasures.iter().filter(|(_, erasing)| !erasing.is_complete) {
            let left = model.left_to_erase(*id);
            if !left.iter().any(|(_, is_held)| *is_held) {
                let (done, name) = (erasing.steps, &erasing.workspace);
                return Err(format!("an erasure of {name} stays after {done} steps: {left:?}"));
            }
        }
        traces::check(&self.disk, model)
    }

    /// Puts a purge or a step of an erasure into the log, judges it, and tells the background work what
    /// became of it.
    pub(super) fn decide_rewrite(&mut self, process: &mut Process) -> Result<After, String> {
        let Some((ready, proposal)) = self.rewrite.take() else { return Ok(After::GoOn) };
        let rewrite = ready.sent.rewrite.clone().ok_or("a rewrite without what it takes")?;
        let must_hold = {
            let model = &self.side.journal().model;
            if model.must_hold(&rewrite) {
                model.judge(&rewrite)?;
            }
            model.must_hold(&rewrite)
        };
        if rewrite.by.is_some() {
            self.note_seeds(process);
        }
        if self.dice.once_in(2) {
            // Clients send again what is about to go, and come late: what was purged is new then, and
            // what was erased must not come back.
            let again: Vec<(String, String)> = {
                let model = &self.side.journal().model;
                // What happened at a stated time is outside of retention when it is purged.
                let may_come = |known: &Known| {
                    let is_timed = known.text.contains("occurred");
                    known.text.contains("\"id\"") && (rewrite.by.is_some() || !is_timed)
                };
                let of = |(name, seqs): &(String, Vec<u64>)| {
                    let space = model.spaces.get(name)?;
                    let known = space.events.get(*seqs.first()? as usize)?;
                    may_come(known).then(|| (name.clone(), known.text.clone()))
                };
                rewrite.gone.iter().filter_map(of).collect()
            };
            if !again.is_empty() {
                self.held.push(self.prepare(process, None, &again)?);
            }
        }
        let before = self.tally.no_space;
        let after = self.commit(process, vec![ready])?;
        let After::GoOn = after else { return Ok(after) };
        let is_refused = self.tally.no_space > before;
        let answer = match is_refused {
            true => Err(CommitError::NoSpace),
            false => Ok(Vec::new()),
        };
        match process.rewrite_answered(&proposal, &answer) {
            Ok(is_taken) if is_taken == (must_hold && !is_refused) => {}
            Ok(is_taken) => {
                return Err(format!("a rewrite was taken: {is_taken}; it must be: {must_hold}"));
            }
            Err(_) if self.is_off() || self.fault_struck() => {}
            Err(error) => return Err(format!("after a rewrite: {error:?}")),
        }
        let is_taken = u64::from(must_hold && !is_refused);
        match rewrite.by {
            Some(_) => self.tally.erasure_steps += is_taken,
            None => self.tally.purges += is_taken,
        }
        self.tally.purges_dropped += u64::from(!must_hold);
        Ok(After::GoOn)
    }

    /// Records that what was set aside goes with an erasure.
    pub(super) fn remove_aside(
        &mut self,
        process: &mut Process,
        prepared: Prepared,
        change: ConfigChange,
    ) -> Result<After, String> {
        self.tally.asides_removed += 1;
        let ready = Process::prepare_change(prepared, change)?;
        self.commit(process, vec![ready])
    }

    /// Records that an erasure is complete, which must be true of what clients know and of every file.
    pub(super) fn complete(
        &mut self,
        process: &mut Process,
        prepared: Prepared,
        id: u64,
    ) -> Result<After, String> {
        {
            let model = &self.side.journal().model;
            model.judge_complete(id)?;
            let seeds = self.destroyed_seeds(process, id);
            traces::check_erased(&self.disk, model, id, &seeds)?;
            if let Some(path) = self.disk.files().iter().find(|path| path.starts_with("aside/")) {
                return Err(format!("an erasure is called complete and {path} is still there"));
            }
        }
        let change = ConfigChange::CompleteErasure { id, at: 0 };
        let ready = Process::prepare_change(prepared, change)?;
        let before = self.tally.no_space;
        let after = self.commit(process, vec![ready])?;
        let After::GoOn = after else { return Ok(after) };
        let is_refused = self.tally.no_space > before;
        process.completion_answered(&match is_refused {
            true => Err(CommitError::NoSpace),
            false => Ok(Vec::new()),
        });
        self.tally.erasures_complete += u64::from(!is_refused);
        Ok(After::GoOn)
    }

    /// Keeps the seeds that an erasure is about to destroy.
    fn note_seeds(&mut self, process: &Process) {
        for workspace in process.published.directory.all() {
            for (number, run) in workspace.runs.iter().enumerate() {
                if let RunSecret::Whole(seed) = &run.secret {
                    let of = (workspace.name.to_string(), number as u32);
                    self.seeds.insert(of, *seed.as_bytes());
                }
            }
        }
    }

    /// Returns the seeds that an erasure destroyed.
    fn destroyed_seeds(&self, process: &Process, id: u64) -> Vec<[u8; 32]> {
        let config = process.published.view().config.clone();
        let Some(erasure) = config.erasures.get(&id) else { return Vec::new() };
        let Some(workspace) = process.published.directory.by_name(&erasure.workspace) else {
            return Vec::new();
        };
        let runs = workspace.runs.iter().enumerate();
        let destroyed = runs.filter(|(_, run)| matches!(run.secret, RunSecret::Punctured(_)));
        let seed = |(number, _)| self.seeds.get(&(workspace.name.to_string(), number as u32));
        destroyed.filter_map(seed).copied().collect()
    }
}
