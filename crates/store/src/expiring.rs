//! What retention will end soon: the events of a workspace that are kept now and will not be at a later
//! moment, counted from a number on.
//!
//! Judged by the same rules as queries and purges ([`crate::rules`]). Proofbook's own events do not
//! count: no export has them unless it asks for them by name.

use proofbook_catalog::retention::Policy;
use proofbook_event::Timestamp;
use proofbook_event::event::Clear;
use proofbook_event::name::RESERVED_ACTION_PREFIX;
use proofbook_ledger::WorkspaceUid;

use crate::purge::held;
use crate::rules::{Rules, counts_from};
use crate::segment::{Segment, SegmentError};
use crate::view::View;

/// Events whose retention ends within a while.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expiring {
    /// How many they are.
    pub count: u64,
    /// The first and the last of their numbers.
    pub seqs: Option<(u64, u64)>,
    /// The first and the last moment at which one of them happened, microseconds UTC.
    pub occurred: Option<(i64, i64)>,
    /// When the retention of the first of them ends, microseconds UTC.
    pub first_ends_at: Option<i64>,
}

/// What is asked.
pub(crate) struct Question<'q> {
    /// The workspace.
    pub(crate) workspace: WorkspaceUid,
    /// How long it keeps its events.
    pub(crate) policy: &'q Policy,
    /// What is kept now.
    pub(crate) now: &'q Rules,
    /// What is kept at the end of the while.
    pub(crate) then: &'q Rules,
    /// Only events with this number or a greater one.
    pub(crate) from_seq: u64,
}

/// One event, as far as retention asks.
struct Candidate<'c> {
    seq: u64,
    occurred_at: i64,
    counts_from: i64,
    action: &'c str,
}

/// Finds the events of a workspace whose retention ends within a while.
///
/// # Errors
/// A segment is damaged.
pub(crate) fn expiring(view: &View, asked: &Question<'_>) -> Result<Expiring, SegmentError> {
    let mut found = Expiring::default();
    if asked.then.cutoffs.keeps_everything() {
        return Ok(found);
    }
    for segment in view.segments.iter().filter(|segment| segment.damage().is_none()) {
        asked.of_segment(segment, &mut found)?;
    }
    for generation in &view.generations {
        for event in generation.workspace(asked.workspace, view.position) {
            let parts = event.parts();
            let candidate = Candidate {
                seq: event.seq,
                occurred_at: event.occurred_at,
                counts_from: counts_from(parts.flags, event.occurred_at, event.recorded_at),
                action: parts.action,
            };
            if !asked.takes(&candidate) {
                continue;
            }
            let clear = Clear {
                workspace: "".into(),
                seq: event.seq,
                recorded_at: Timestamp::from_micros(event.recorded_at),
                occurred_at: Timestamp::from_micros(event.occurred_at),
                action: Some(parts.action.into()),
                outcome: parts.outcome,
            };
            if !asked.then.is_held(&clear, &parts.groups) {
                found.add(&candidate, asked.policy);
            }
        }
    }
    Ok(found)
}

impl Question<'_> {
    /// Tells whether an event's retention ends within the while; a hold may keep it all the same.
    fn takes(&self, event: &Candidate<'_>) -> bool {
        event.seq >= self.from_seq
            && !event.action.starts_with(RESERVED_ACTION_PREFIX)
            && self.then.is_expired(event.action, event.counts_from)
            && !self.now.is_expired(event.action, event.counts_from)
    }

    fn of_segment(&self, segment: &Segment, found: &mut Expiring) -> Result<(), SegmentError> {
        let Some(range) = segment.range(self.workspace) else { return Ok(()) };
        // Rows ascend by when they happened, and none counts from an earlier moment than that.
        let latest = self.then.cutoffs.latest();
        let Some(latest) = latest.filter(|latest| range.t_min < *latest) else { return Ok(()) };
        if range.seqs.end <= self.from_seq {
            return Ok(());
        }
        let mut row = range.rows.start;
        while row < range.rows.end {
            let block = segment.block_of_row(row);
            let here = segment.rows_of_block(block);
            let (times, recorded) = (segment.occurred_at(block)?, segment.recorded_at(block)?);
            let (flags, actions) = (segment.flags(block)?, segment.actions(block)?);
            let seqs = segment.seqs(block)?;
            let mut taken = Vec::new();
            for number in row..here.end.min(range.rows.end) {
                let at = (number - here.start) as usize;
                let occurred_at = times.get(at);
                if occurred_at >= latest {
                    break;
                }
                let candidate = Candidate {
                    seq: seqs.get(at) as u64,
                    occurred_at,
                    counts_from: counts_from(flags.get(at) as u8, occurred_at, recorded.get(at)),
                    action: actions.word(actions.codes()[at] as usize).unwrap_or_default(),
                };
                if self.takes(&candidate) {
                    taken.push((number, candidate));
                }
            }
            if !self.then.holds.is_empty() {
                let rows: Vec<(u32, i64)> = taken.iter().map(|(number, _)| (*number, 0)).collect();
                let held = held(segment, self.then, &rows)?;
                taken.retain(|(number, _)| held.binary_search(number).is_err());
            }
            for (_, candidate) in &taken {
                found.add(candidate, self.policy);
            }
            let first = (row - here.start) as usize;
            if times.get(first) >= latest {
                break;
            }
            row = here.end;
        }
        Ok(())
    }
}

impl Expiring {
    fn add(&mut self, event: &Candidate<'_>, policy: &Policy) {
        self.count += 1;
        let (first, last) = self.seqs.unwrap_or((event.seq, event.seq));
        self.seqs = Some((first.min(event.seq), last.max(event.seq)));
        let (first, last) = self.occurred.unwrap_or((event.occurred_at, event.occurred_at));
        self.occurred = Some((first.min(event.occurred_at), last.max(event.occurred_at)));
        let from = Timestamp::from_micros(event.counts_from);
        if let Some(end) = policy.keep_of(event.action).end(from) {
            let end = end.micros();
            self.first_ends_at = Some(self.first_ends_at.map_or(end, |known| known.min(end)));
        }
    }
}
