//! What a store holds, whatever retention says: every row and every leaf hash that a purge left,
//! compared with the model event by event.

use std::collections::BTreeMap;

use proofbook_event::Group;
use proofbook_ledger::{Hash, WorkspaceUid};
use proofbook_store::commit::Published;
use proofbook_store::seal::Sealer;
use proofbook_store::segment::{GroupSet, SegmentError};

use crate::naive::{Known, Space};

/// An event as a store holds it.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) action: String,
    pub(crate) occurred_at: i64,
    pub(crate) recorded_at: i64,
    /// None where the segment's values do not give one.
    pub(crate) leaf: Option<Hash>,
    pub(crate) metadata: String,
}

/// What is there of one workspace.
#[derive(Default)]
pub(crate) struct Shown {
    pub(crate) rows: BTreeMap<u64, Stored>,
    pub(crate) purged: BTreeMap<u64, Hash>,
}

/// Reads all of one workspace; a seq that is there twice is a violation.
pub(crate) fn read(published: &Published, uid: WorkspaceUid) -> Result<Shown, String> {
    let workspace = published.directory.by_uid(uid).ok_or("the workspace vanished")?;
    let view = published.view();
    let mut shown = Shown::default();
    let mut twice = None;
    let mut sealer = Sealer::default();
    for segment in view.segments.iter() {
        let Some(range) = segment.range(uid) else { continue };
        let numbers: Vec<u32> = range.rows.collect();
        let unread = |error: SegmentError| format!("cannot be read: {error:?}");
        let rows = segment.read_rows(&numbers, GroupSet::ALL).map_err(unread)?;
        for row in rows.iter() {
            let stored = Stored {
                action: row.action.to_owned(),
                occurred_at: row.occurred_at,
                recorded_at: row.recorded_at,
                leaf: sealer.leaf_of_row(&workspace, &row),
                metadata: text_of(row.groups.get(Group::Metadata)),
            };
            if shown.rows.insert(row.seq, stored).is_some() {
                twice = Some(row.seq);
            }
        }
    }
    for segment in view.segments.iter() {
        let put = |seq, leaf| {
            if shown.purged.insert(seq, leaf).is_some() {
                twice = Some(seq);
            }
        };
        segment
            .for_each_purged(uid, 0..u64::MAX, put)
            .map_err(|error| format!("cannot be read: {error:?}"))?;
    }
    for generation in &view.generations {
        for event in generation.workspace(uid, view.position).iter() {
            let parts = event.parts();
            let stored = Stored {
                action: parts.action.to_owned(),
                occurred_at: event.occurred_at,
                recorded_at: event.recorded_at,
                leaf: Some(event.leaf),
                metadata: text_of(parts.groups.get(Group::Metadata)),
            };
            if shown.rows.insert(event.seq, stored).is_some() {
                twice = Some(event.seq);
            }
        }
    }
    match twice {
        Some(seq) => Err(format!("event {seq} of {} is there twice", workspace.name)),
        None => Ok(shown),
    }
}

fn text_of(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

/// Compares a workspace with the model: each event is there with its value and leaf, or was purged and
/// left its leaf.
pub(crate) fn check(name: &str, shown: &Shown, space: &Space) -> Result<(), String> {
    for (seq, known) in space.events.iter().enumerate() {
        let seq = seq as u64;
        check_one(known, shown.rows.get(&seq), shown.purged.get(&seq))
            .map_err(|reason| format!("event {seq} of {name} {reason}: {known:?}"))?;
    }
    let count = shown.rows.len() + shown.purged.len();
    if count != space.events.len() {
        return Err(format!("{name} holds {count} events, sent were {}", space.events.len()));
    }
    Ok(())
}

fn check_one(known: &Known, row: Option<&Stored>, purged: Option<&Hash>) -> Result<(), String> {
    let row = match (known.is_gone, row, purged) {
        (true, None, Some(leaf)) if *leaf == known.leaf => return Ok(()),
        (true, None, _) => return Err("was purged and did not leave its leaf".to_owned()),
        (true, Some(_), _) => return Err("was purged and is there".to_owned()),
        (false, None, _) => return Err("is not there".to_owned()),
        (false, Some(_), Some(_)) => return Err("is there and purged".to_owned()),
        (false, Some(row), None) => row,
    };
    if row.leaf != Some(known.leaf) {
        return Err("has another leaf than its receipt".to_owned());
    }
    let same = (&*row.action, row.occurred_at, row.recorded_at)
        == (&*known.action, known.occurred_at, known.recorded_at);
    let marker = known.sent.as_ref().map_or("first_seq", |sent| &*sent.marker);
    if !same || !row.metadata.contains(marker) {
        return Err(format!("is there as {row:?}"));
    }
    Ok(())
}
