//! What a purge says that it takes, and whether it may.

use std::collections::BTreeMap;

use proofbook_store::codec::Decoder;
use proofbook_store::commit::Published;
use proofbook_store::purge::PurgeProposal;
use proofbook_store::record::Record;

use crate::naive::{HOUR, Space};

/// The rules that were in force at a moment, by their counts: those of all workspaces, then of each.
pub(crate) type RulesAt = (u64, BTreeMap<String, u64>);

/// A purge that was written and is not in the log yet.
pub(crate) struct Pending {
    pub(crate) proposal: PurgeProposal,
    /// When it was planned, by the store's clock.
    pub(crate) now: i64,
    /// What goes, by workspace.
    pub(crate) gone: Vec<(String, Vec<u64>)>,
    /// The rules when it was planned.
    pub(crate) rules: RulesAt,
}

/// Reads out of a proposal's record what goes.
pub(crate) fn gone_of(
    proposal: &PurgeProposal,
    published: &Published,
) -> Result<Vec<(String, Vec<u64>)>, String> {
    let mut gone = Vec::new();
    let mut records = Decoder::new(&proposal.prepared.records);
    while !records.is_empty() {
        let record = Record::decode(&mut records).map_err(|error| error.to_string())?;
        let Record::Rewritten(rewritten) = record else { continue };
        for taken in &rewritten.gone {
            let workspace = published.directory.by_uid(taken.workspace);
            let workspace = workspace.ok_or("a purge of an unknown workspace")?;
            gone.push((workspace.name.to_string(), taken.seqs.iter().cloned().flatten().collect()));
        }
    }
    Ok(gone)
}

impl Pending {
    /// Tells whether the fold must take it: nothing of what is kept changed since it was planned.
    pub(crate) fn must_hold(&self, rules: &RulesAt) -> bool {
        let of = |rules: &RulesAt, name: &String| rules.1.get(name).copied();
        self.rules.0 == rules.0
            && self.gone.iter().all(|(name, _)| of(&self.rules, name) == of(rules, name))
    }
}

/// Takes events out of the model, if they may go: their retention ended when the purge was planned, by
/// the store's clock and by the true one, and no hold keeps them.
pub(crate) fn take(
    spaces: &mut BTreeMap<String, Space>,
    gone: &[(String, Vec<u64>)],
    now: i64,
    true_now: i64,
) -> Result<u64, String> {
    let mut count = 0;
    for (name, seqs) in gone {
        let space = spaces.get_mut(name).ok_or("a purge of an unknown workspace")?;
        for seq in seqs {
            let event = space.events.get(*seq as usize);
            let event = event.ok_or_else(|| format!("{name} has no event {seq} to purge"))?;
            let early = if event.is_gone {
                "was purged before"
            } else if !space.is_expired(event, now) {
                "is purged early"
            } else if space.is_held(*seq, event) {
                "is purged under hold"
            } else if !space.is_expired(event, true_now + HOUR) {
                "is purged early, by a clock that is wrong"
            } else {
                count += 1;
                let sent = event.sent.clone();
                space.events[*seq as usize].is_gone = true;
                if let Some(sent) = sent
                    && space.ids.get(&sent.id) == Some(seq)
                {
                    space.ids.remove(&sent.id);
                }
                continue;
            };
            return Err(format!("event {seq} of {name} {early} at {now}: {event:?}"));
        }
    }
    Ok(count)
}
