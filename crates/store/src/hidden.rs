//! Numbers of a workspace that nobody is shown any more: purged ones, and those whose retention ended
//! and whose purge is still to come.
//!
//! A follower asks here what it must not pass over unseen; no event is read for it.

use std::ops::Range;

use proofbook_ledger::WorkspaceUid;

use crate::expiring::{for_each_block_of_older, kept_by_no_hold};
use crate::purge::clear_of_recent;
use crate::rules::{Rules, counts_from};
use crate::segment::SegmentError;
use crate::view::View;

/// Returns the hidden numbers among some, as ranges, ascending and apart from each other.
///
/// # Errors
/// A segment is damaged.
pub fn hidden(
    view: &View,
    workspace: WorkspaceUid,
    rules: &Rules,
    seqs: Range<u64>,
) -> Result<Vec<Range<u64>>, SegmentError> {
    let mut numbers = Vec::new();
    for segment in view.segments.iter() {
        segment.for_each_purged(workspace, seqs.clone(), |seq, _| numbers.push(seq))?;
        let latest = rules.cutoffs.latest();
        for_each_block_of_older(
            segment,
            workspace,
            latest,
            &seqs,
            &mut |event| rules.is_expired(event.action, event.counts_from),
            &mut |rows| {
                numbers.extend(kept_by_no_hold(segment, rules, rows)?.map(|event| event.seq));
                Ok(())
            },
        )?;
    }
    if !rules.cutoffs.keeps_everything() {
        for generation in &view.generations {
            for event in generation.workspace(workspace, view.position).iter() {
                let parts = event.parts();
                let from = counts_from(parts.flags, event.occurred_at, event.recorded_at);
                if !seqs.contains(&event.seq) || !rules.is_expired(parts.action, from) {
                    continue;
                }
                if !rules.is_held(&clear_of_recent(&event, &parts), &parts.groups) {
                    numbers.push(event.seq);
                }
            }
        }
    }
    numbers.sort_unstable();
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for seq in numbers {
        match ranges.last_mut() {
            Some(last) if last.end >= seq => last.end = last.end.max(seq + 1),
            _ => ranges.push(seq..seq + 1),
        }
    }
    Ok(ranges)
}
