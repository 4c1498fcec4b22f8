//! What retention will end soon: the events of a workspace that are kept now and will not be at a later
//! moment, counted from a number on.
//!
//! Judged by the same rules as queries and purges ([`crate::rules`]). Proofbook's own events do not
//! count: no export has them unless it asks for them by name.

use std::ops::Range;

use proofbook_catalog::retention::Policy;
use proofbook_event::Timestamp;
use proofbook_event::name::RESERVED_ACTION_PREFIX;
use proofbook_ledger::WorkspaceUid;

use crate::purge::{clear_of_recent, held};
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
pub(crate) struct Aged<'c> {
    pub(crate) seq: u64,
    pub(crate) occurred_at: i64,
    pub(crate) counts_from: i64,
    pub(crate) action: &'c str,
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
        for event in generation.workspace(asked.workspace, view.position).iter() {
            let parts = event.parts();
            let candidate = Aged {
                seq: event.seq,
                occurred_at: event.occurred_at,
                counts_from: counts_from(parts.flags, event.occurred_at, event.recorded_at),
                action: parts.action,
            };
            if !asked.takes(&candidate) {
                continue;
            }
            if !asked.then.is_held(&clear_of_recent(&event, &parts), &parts.groups) {
                found.add(&candidate, asked.policy);
            }
        }
    }
    Ok(found)
}

impl Question<'_> {
    /// Tells whether an event's retention ends within the while; a hold may keep it all the same.
    fn takes(&self, event: &Aged<'_>) -> bool {
        event.seq >= self.from_seq
            && !event.action.starts_with(RESERVED_ACTION_PREFIX)
            && self.then.is_expired(event.action, event.counts_from)
            && !self.now.is_expired(event.action, event.counts_from)
    }

    fn of_segment(&self, segment: &Segment, found: &mut Expiring) -> Result<(), SegmentError> {
        let latest = self.then.cutoffs.latest();
        let numbers = self.from_seq..u64::MAX;
        let mut visit = |event: &Aged<'_>| self.takes(event);
        for_each_block_of_older(
            segment,
            self.workspace,
            latest,
            &numbers,
            &mut visit,
            &mut |taken| {
                for event in kept_by_no_hold(segment, self.then, taken)? {
                    found.add(&event, self.policy);
                }
                Ok(())
            },
        )
    }
}

/// Rows with what retention asks of them.
pub(crate) type AgedRows<'c> = Vec<(u32, Aged<'c>)>;

/// Leaves out the rows that a hold keeps.
pub(crate) fn kept_by_no_hold<'c>(
    segment: &Segment,
    rules: &Rules,
    rows: AgedRows<'c>,
) -> Result<impl Iterator<Item = Aged<'c>>, SegmentError> {
    let held = match rules.holds.is_empty() || rows.is_empty() {
        true => Vec::new(),
        false => {
            let numbers: Vec<(u32, i64)> = rows.iter().map(|(number, _)| (*number, 0)).collect();
            held(segment, rules, &numbers)?
        }
    };
    let is_held = move |number: &u32| held.binary_search(number).is_ok();
    Ok(rows.into_iter().filter(move |(number, _)| !is_held(number)).map(|(_, event)| event))
}

/// Visits the rows of a workspace that happened before a moment, and hands on those that `takes`
/// chooses, block by block; nothing is read of blocks without any.
pub(crate) fn for_each_block_of_older(
    segment: &Segment,
    workspace: WorkspaceUid,
    latest: Option<i64>,
    seqs: &Range<u64>,
    takes: &mut dyn FnMut(&Aged<'_>) -> bool,
    hand_on: &mut dyn FnMut(AgedRows<'_>) -> Result<(), SegmentError>,
) -> Result<(), SegmentError> {
    let Some(range) = segment.range(workspace) else { return Ok(()) };
    // Rows ascend by when they happened, and none counts from an earlier moment than that.
    let Some(latest) = latest.filter(|latest| range.t_min < *latest) else { return Ok(()) };
    if range.seqs.end <= seqs.start || range.seqs.start >= seqs.end {
        return Ok(());
    }
    let mut row = range.rows.start;
    while row < range.rows.end {
        let block = segment.block_of_row(row);
        let here = segment.rows_of_block(block);
        let times = segment.occurred_at(block)?;
        if times.get((row - here.start) as usize) >= latest {
            return Ok(());
        }
        let (recorded, flags) = (segment.recorded_at(block)?, segment.flags(block)?);
        let (actions, numbers) = (segment.actions(block)?, segment.seqs(block)?);
        let mut taken = Vec::new();
        for number in row..here.end.min(range.rows.end) {
            let at = (number - here.start) as usize;
            let (occurred_at, seq) = (times.get(at), numbers.get(at) as u64);
            if occurred_at >= latest {
                break;
            }
            let event = Aged {
                seq,
                occurred_at,
                counts_from: counts_from(flags.get(at) as u8, occurred_at, recorded.get(at)),
                action: actions.get(at).unwrap_or_default(),
            };
            if seqs.contains(&seq) && takes(&event) {
                taken.push((number, event));
            }
        }
        hand_on(taken)?;
        row = here.end;
    }
    Ok(())
}

impl Expiring {
    fn add(&mut self, event: &Aged<'_>, policy: &Policy) {
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
