//! Erasing: values that somebody has a right to see gone leave every file, and their leaves stay.
//!
//! An erasure names events by number and groups of them ([`Erasure`]); whom it is about is not in the
//! log. It is done a segment at a time, by the protocol of a purge: a worker writes the segment again
//! with commitments in place of values ([`Packer::erase`]), and one record makes it live, destroys the
//! keys of these events, and tells of it by an event in the workspace's own log. What is recent is
//! packed first. When no segment has any of it, the store is settled (`purge.rs`); when no file is
//! older than the last step, the erasure is complete and its list of events is forgotten.
//!
//! Invariants: no leaf, number or id changes, which is checked for every row before anything is live;
//! what a legal hold keeps is not erased; an erasure that was cut off goes on with what is still there.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use proofbook_catalog::retention::outlives_retention;
use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_event::{EventDraft, Group, Timestamp, Value};
use proofbook_ledger::{Slot, WorkspaceUid};

use crate::commit::Published;
use crate::config::{ConfigChange, Erasure, ErasureTarget};
use crate::fold::Workspace;
use crate::log::Position;
use crate::names;
use crate::pack::{PackError, Packer, Proposal};
use crate::plant::{self, Plant};
use crate::prepare::{Prepared, Preparer, Wanted};
use crate::purge::{clear_of, clear_of_recent, pair_of};
use crate::record::{Gone, Punctured, RewriteKind, Rewritten, flag};
use crate::rules::Rules;
use crate::seal::Sealer;
use crate::segment::{GroupSet, Rewrite, Row, Segment, SegmentError};
use crate::view::View;
use crate::withheld::{ErasureStep, erased_of};

/// Most events of one erasure: they are named in the configuration until it is complete, and in the
/// events that tell of it.
pub const ERASURE_EVENTS_MAX: usize = 10_000;
/// Rows that are read at once to see what is left of them.
const LOOK_ROWS: usize = 256;

/// What is to be done next for an erasure.
pub enum Due {
    /// A segment has some of it.
    Step(Box<ErasePlan>),
    /// Some of it is recent.
    Pack,
    /// No segment has any of this erasure; what is older must go.
    Settle(u64),
    /// A hold keeps some of it, or it is in a damaged file.
    Wait,
}

/// A step of an erasure: one segment and what goes of it.
pub struct ErasePlan {
    segment: Arc<Segment>,
    workspace: Arc<Workspace>,
    erasure: Erasure,
    by: ErasureStep,
    decided_at: Position,
    /// What goes of each row.
    rows: BTreeMap<u32, GroupSet>,
}

/// A segment written again, and the batch that makes it live.
pub struct EraseProposal {
    /// The batch of the record; it has one list of outcomes, which is empty when the decision fell.
    pub prepared: Prepared,
    /// What [`Packer::accepted`] needs when it was taken.
    pub proposal: Proposal,
}

/// What is left of an erasure in segments, as of one list of them and one set of rules.
struct Looked {
    segments: Vec<u64>,
    rules_epoch: u64,
    is_gone: bool,
}

/// Finds what is to be done for erasures.
#[derive(Default)]
pub struct Eraser {
    looked: HashMap<u64, Looked>,
}

impl Eraser {
    /// Says what is to be done next; `None` when no erasure is running.
    ///
    /// # Errors
    /// A segment cannot be read.
    pub fn due(
        &mut self,
        published: &Published,
        preparer: &Preparer,
        now: i64,
    ) -> Result<Option<Due>, SegmentError> {
        let rules_epoch = published.rules_epoch.load(Ordering::SeqCst);
        let view = published.view();
        let (mut waits, mut settles) = (false, None);
        for erasure in view.config.erasures.values().filter(|erasure| erasure.is_running()) {
            let Some(workspace) = published.directory.by_name(&erasure.workspace) else { continue };
            if is_recent(&view, &workspace, &erasure.targets) {
                return Ok(Some(Due::Pack));
            }
            let segments: Vec<u64> = view.segments.iter().map(|s| s.files().name).collect();
            let known = self
                .looked
                .get(&erasure.id)
                .filter(|looked| looked.segments == segments && looked.rules_epoch == rules_epoch);
            let is_gone = match known {
                Some(looked) => looked.is_gone,
                None => {
                    let rules = rules_of(&view, preparer, &workspace, now);
                    let (plan, is_gone) = next_step(&view, &workspace, erasure, &rules)?;
                    if let Some(plan) = plan {
                        return Ok(Some(Due::Step(Box::new(plan))));
                    }
                    let looked = Looked { segments, rules_epoch, is_gone };
                    self.looked.insert(erasure.id, looked);
                    is_gone
                }
            };
            match is_gone {
                true => settles = settles.or(Some(Due::Settle(erasure.id))),
                false => waits = true,
            }
        }
        Ok(settles.or(waits.then_some(Due::Wait)))
    }
}

/// Returns an erasure's events that a legal hold keeps, at most `max` of them.
///
/// # Errors
/// A segment cannot be read.
pub fn held_of(
    published: &Published,
    preparer: &Preparer,
    now: i64,
    workspace: &Workspace,
    targets: &[ErasureTarget],
    max: usize,
) -> Result<Vec<u64>, SegmentError> {
    let view = published.view();
    let rules = rules_of(&view, preparer, workspace, now);
    let mut held = Vec::new();
    if rules.holds.is_empty() {
        return Ok(held);
    }
    for segment in view.segments.iter() {
        for_each_target(segment, workspace, targets, |_, row, _| {
            if held.len() < max && rules.is_held(&clear_of(row), &row.groups) {
                held.push(row.seq);
            }
        })?;
    }
    for generation in &view.generations {
        for event in generation.workspace(workspace.uid, view.position).iter() {
            let parts = event.parts();
            let is_target = groups_of(targets, event.seq).is_some() && held.len() < max;
            if is_target && rules.is_held(&clear_of_recent(&event, &parts), &parts.groups) {
                held.push(event.seq);
            }
        }
    }
    held.sort_unstable();
    Ok(held)
}

/// Returns what an erasure took of a workspace, as what is left of the events says: when it is complete,
/// its own list is forgotten. Events that were purged since are not among them.
///
/// # Errors
/// A segment cannot be read.
pub fn taken_by(
    view: &View,
    workspace: WorkspaceUid,
    erasure: u64,
) -> Result<Vec<ErasureTarget>, SegmentError> {
    let mut taken = Vec::new();
    for segment in view.segments.iter() {
        let Some(range) = segment.range(workspace) else { continue };
        let numbers: Vec<u32> = range.rows.collect();
        for chunk in numbers.chunks(LOOK_ROWS) {
            for row in segment.read_rows(chunk, GroupSet::NONE)?.iter() {
                let of =
                    |(group, by): (Group, ErasureStep)| (by.erasure == erasure).then_some(group);
                let groups = GroupSet::of(erased_of(row.withheld).into_iter().filter_map(of));
                taken.push((row.seq, groups));
            }
        }
    }
    Ok(targets_of(taken))
}

/// Puts events and their groups together as targets; an event of which nothing goes is left out.
pub fn targets_of(events: impl IntoIterator<Item = (u64, GroupSet)>) -> Vec<ErasureTarget> {
    let events: BTreeMap<u64, GroupSet> = events.into_iter().fold(
        BTreeMap::new(),
        |mut events: BTreeMap<u64, GroupSet>, (seq, groups)| {
            let known = events.entry(seq).or_default();
            *known = known.union(groups);
            events
        },
    );
    let mut targets: Vec<ErasureTarget> = Vec::new();
    for (seq, groups) in events.into_iter().filter(|(_, groups)| !groups.is_empty()) {
        match targets.last_mut() {
            Some(last) if last.seq + last.count == seq && last.groups == groups.bits() => {
                last.count += 1;
            }
            _ => targets.push(ErasureTarget { seq, count: 1, groups: groups.bits() }),
        }
    }
    targets
}

fn rules_of(view: &View, preparer: &Preparer, workspace: &Workspace, now: i64) -> Rules {
    let catalog = preparer.catalog_of(view, &workspace.settings);
    let now = Timestamp::from_micros(now);
    Rules::of(&view.config, &workspace.name, catalog.preset(), &workspace.settings, now)
}

fn groups_of(targets: &[ErasureTarget], seq: u64) -> Option<GroupSet> {
    let at = targets.partition_point(|target| target.seq + target.count <= seq);
    let target = targets.get(at).filter(|target| target.seq <= seq)?;
    Some(GroupSet::from_bits(target.groups))
}

fn is_recent(view: &View, workspace: &Workspace, targets: &[ErasureTarget]) -> bool {
    view.generations.iter().any(|generation| {
        let events = generation.workspace(workspace.uid, view.position);
        events.iter().any(|event| groups_of(targets, event.seq).is_some())
    })
}

/// Visits the rows of a segment that an erasure names, with their numbers and the groups it names.
fn for_each_target(
    segment: &Segment,
    workspace: &Workspace,
    targets: &[ErasureTarget],
    mut visit: impl FnMut(u32, &Row<'_>, GroupSet),
) -> Result<(), SegmentError> {
    let Some(range) = segment.range(workspace.uid) else { return Ok(()) };
    let within = |target: &ErasureTarget| -> Range<u64> {
        target.seq.max(range.seqs.start)..(target.seq + target.count).min(range.seqs.end)
    };
    let mut numbers = Vec::new();
    for seq in targets.iter().flat_map(within) {
        numbers.extend(segment.row_of_seq(workspace.uid, seq)?);
    }
    numbers.sort_unstable();
    for chunk in numbers.chunks(LOOK_ROWS) {
        let read = segment.read_rows(chunk, GroupSet::ALL)?;
        for (number, row) in chunk.iter().zip(read.iter()) {
            if let Some(groups) = groups_of(targets, row.seq) {
                visit(*number, &row, groups);
            }
        }
    }
    Ok(())
}

/// Finds a segment that still has some of what an erasure names; if there is none, tells whether all
/// of it is gone, or something has to wait.
fn next_step(
    view: &View,
    workspace: &Arc<Workspace>,
    erasure: &Erasure,
    rules: &Rules,
) -> Result<(Option<ErasePlan>, bool), SegmentError> {
    let mut is_gone = true;
    for segment in view.segments.iter() {
        if segment.damage().is_some() {
            is_gone &= segment.range(workspace.uid).is_none();
            continue;
        }
        let mut rows = BTreeMap::new();
        for_each_target(segment, workspace, &erasure.targets, |number, row, groups| {
            let there = GroupSet::of(row.groups.present().map(|(group, _)| group));
            let going = there.intersection(groups);
            if going.is_empty() {
                return;
            }
            // What tells of erasures and purges is itself never erased.
            if outlives_retention(row.action) {
                return;
            }
            let is_held = rules.is_held(&clear_of(row), &row.groups);
            if is_held && !plant::is_on(Plant::ErasedUnderHold) {
                is_gone = false;
                return;
            }
            rows.insert(number, going);
        })?;
        if !rows.is_empty() {
            let plan = ErasePlan {
                segment: segment.clone(),
                workspace: workspace.clone(),
                erasure: erasure.clone(),
                by: ErasureStep { erasure: erasure.id, step: erasure.leaves.len() as u16 },
                decided_at: view.position,
                rows,
            };
            return Ok((Some(plan), false));
        }
    }
    Ok((None, is_gone))
}

impl Packer {
    /// Writes a segment again without the values that go, checks that no leaf changes by it, and encodes
    /// the record that makes it live and destroys their keys.
    ///
    /// # Errors
    /// Nothing is live of it; the segment stays.
    pub fn erase(
        &mut self,
        plan: &ErasePlan,
        preparer: &Preparer,
        now: Timestamp,
    ) -> Result<EraseProposal, PackError> {
        let mut sealer = Sealer::default();
        let mut went: Vec<(u64, GroupSet)> = Vec::new();
        let mut slots: BTreeMap<u32, Vec<Slot>> = BTreeMap::new();
        let fate = |number: u32, row: &Row<'_>| -> Result<Rewrite, PackError> {
            let Some(groups) = plan.rows.get(&number) else { return Ok(Rewrite::Keep) };
            let fails = || PackError::Leaf { workspace: row.workspace, seq: row.seq };
            let withheld = sealer.withhold(&plan.workspace, row, *groups, plan.by);
            let withheld = withheld.ok_or_else(fails)?.encode();
            let before = sealer.leaf_of_row(&plan.workspace, row).ok_or_else(fails)?;
            let mut after = *row;
            after.groups = without(row, *groups);
            after.withheld = &withheld;
            if sealer.leaf_of_row(&plan.workspace, &after) != Some(before) {
                return Err(fails());
            }
            slots.entry(row.run).or_default().push(Slot::new(row.k).ok_or_else(fails)?);
            went.push((row.seq, *groups));
            // The name of an action that no catalog declares is in the group of the description.
            let hides_action =
                groups.contains(Group::Description) && row.flags & flag::ACTION_LISTED == 0;
            Ok(Rewrite::Erase { groups: *groups, withheld, hides_action })
        };
        let written = self.new_segment().write_again(&plan.segment, &|_| false, fate)?;
        went.sort_unstable_by_key(|(seq, _)| *seq);
        let uid = plan.workspace.uid;
        let punctured = slots.into_iter().map(|(run, mut slots)| {
            slots.sort_unstable();
            Punctured { workspace: uid, run, slots }
        });
        let rewritten = Rewritten {
            kind: RewriteKind::Erased { by: plan.by, punctured: punctured.collect() },
            decided_at: plan.decided_at,
            gone: vec![Gone::of(uid, went.iter().map(|(seq, _)| *seq))],
            segments: vec![pair_of(&plan.segment, &written)],
            events: None,
        };
        let draft = erased_event(&plan.erasure, plan.by, &went);
        let wanted = vec![Wanted { workspace: &plan.workspace.name, draft }];
        let prepared = preparer.prepare_rewritten(&self.published, now, rewritten, wanted);
        let proposal = self.propose_rewritten(&plan.segment, written);
        Ok(EraseProposal { prepared, proposal })
    }

    /// Tells whether no file is left that is older than a frame.
    ///
    /// # Errors
    /// The disk refuses to list its files.
    pub fn is_left_behind(&self, position: Position) -> Result<bool, PackError> {
        if plant::is_on(Plant::ErasedTooSoon) {
            return Ok(true);
        }
        let io_error = |source| PackError::Io { what: "looking what files are left", source };
        let files = self.disk.list(names::LOG_DIR).map_err(io_error)?;
        let mut firsts = files.iter().filter_map(|name| names::parse_log_file(name));
        let snapshots = self.snapshots();
        let is_left = firsts.all(|(first, _)| first > position.0)
            && snapshots.len() >= 2
            && snapshots.iter().all(|snapshot| snapshot.position >= position)
            && self.coming_runs.is_empty()
            && !self.keeps_retired(position);
        if is_left {
            // What was removed must not come back with a crash.
            for directory in [names::LOG_DIR, names::SEGMENT_DIR, names::SNAPSHOT_DIR] {
                self.disk.sync_dir(directory).map_err(io_error)?;
            }
        }
        Ok(is_left)
    }
}

/// Returns the groups of a row without some.
fn without<'a>(row: &Row<'a>, groups: GroupSet) -> proofbook_event::GroupBytes<'a> {
    let mut left = row.groups;
    for group in Group::ALL.into_iter().filter(|group| groups.contains(*group)) {
        left.set(group, None);
    }
    left
}

/// Encodes the record that an erasure is complete, with the event that tells of it.
pub fn completed(
    published: &Published,
    preparer: &Preparer,
    now: Timestamp,
    erasure: u64,
) -> Prepared {
    let target = Value::Object(vec![
        ("type".into(), Value::from("erasure")),
        ("id".into(), Value::from(name_of(erasure))),
    ]);
    let draft = EventDraft {
        actor: Some(Value::Object(vec![("type".into(), Value::from("system"))])),
        targets: Some(Value::Array(vec![target])),
        ..EventDraft::internal("audit_log.erasure_completed")
    };
    let change = ConfigChange::CompleteErasure { id: erasure, at: now.micros() };
    preparer.prepare_change(published, now, change, Wanted { workspace: SYSTEM_WORKSPACE, draft })
}

/// Returns how an erasure is called outside of the store.
pub fn name_of(erasure: u64) -> String {
    format!("erasure_{erasure:016x}")
}

/// The event by which a workspace's log says what was erased, and on which ground; not of whom.
fn erased_event(
    erasure: &Erasure,
    by: ErasureStep,
    went: &[(u64, GroupSet)],
) -> EventDraft<'static> {
    let number = |number: usize| Value::Int(number as i64);
    let mut by_groups: BTreeMap<u8, Vec<u64>> = BTreeMap::new();
    for (seq, groups) in went {
        by_groups.entry(groups.bits()).or_default().push(*seq);
    }
    let values = by_groups.iter().map(|(groups, seqs)| {
        let groups = GroupSet::from_bits(*groups);
        let named = Group::ALL.into_iter().filter(|group| groups.contains(*group));
        Value::Object(vec![
            ("groups".into(), Value::Array(named.map(|g| Value::from(g.pointer())).collect())),
            ("seqs".into(), Value::from(ranges_text(seqs))),
        ])
    });
    let values = Value::Array(values.collect());
    let value_count = went.iter().map(|(_, groups)| groups.bits().count_ones() as usize).sum();
    let mut metadata = vec![
        ("erasure".into(), Value::from(name_of(erasure.id))),
        ("step".into(), number(usize::from(by.step))),
        ("ground".into(), Value::from(erasure.ground.clone())),
        ("count".into(), number(went.len())),
        ("value_count".into(), number(value_count)),
        ("values".into(), values),
        ("requested_by".into(), Value::from(erasure.requested_by.clone())),
    ];
    if let Some(approved_by) = &erasure.approved_by {
        metadata.push(("approved_by".into(), Value::from(approved_by.clone())));
    }
    EventDraft {
        actor: Some(Value::Object(vec![("type".into(), Value::from("system"))])),
        metadata: Some(Value::Object(metadata)),
        ..EventDraft::internal("audit_log.erased")
    }
}

/// Writes ascending numbers as `5,7-9`.
fn ranges_text(seqs: &[u64]) -> String {
    let gone = Gone::of(WorkspaceUid([0; 16]), seqs.iter().copied());
    let ranges = gone.seqs.iter().map(|range| match range.end - range.start {
        1 => range.start.to_string(),
        _ => format!("{}-{}", range.start, range.end - 1),
    });
    ranges.collect::<Vec<_>>().join(",")
}
