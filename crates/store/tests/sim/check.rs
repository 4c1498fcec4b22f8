//! The oracle: reads everything that a store shows and compares it with what its clients know.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use proofbook_ledger::{Hash, Slot, WorkspaceUid};
use proofbook_store::commit::Published;
use proofbook_store::fold::{Outcome, RunSecret};
use proofbook_store::seal::Sealer;
use proofbook_store::segment::{GroupSet, SegmentError};
use proofbook_store::withheld::erased_of;

use crate::dice::Dice;
use crate::model::{Model, Stored};
use crate::process::{Process, Slot as AnswerSlot};
use crate::tree;

/// An event as the store shows it.
struct Found {
    /// None of one that was purged; then its time is not known either.
    stored: Option<Stored>,
    recorded_at: i64,
    leaf: Option<Hash>,
    /// What was erased of it.
    erased: GroupSet,
}

type Shown = BTreeMap<String, Vec<Found>>;

/// Finds the one of several worlds that the store shows, to the last byte.
///
/// `deep` derives every packed event's leaf from its stored values once more.
pub(crate) fn world_of(
    published: &Published,
    worlds: &[&Model],
    deep: bool,
) -> Result<usize, String> {
    let shown = read_all(published, deep)?;
    check_alone(&shown)?;
    let mut reasons = String::new();
    for (index, world) in worlds.iter().enumerate() {
        match compare(published, &shown, world) {
            Ok(()) => return Ok(index),
            Err(reason) => {
                let _ = write!(reasons, "\n  not world {index}: {reason}");
            }
        }
    }
    Err(format!("what is shown is none of the worlds it may be:{reasons}"))
}

/// Takes over the receipts that a crash kept from the clients.
pub(crate) fn fill_receipts(published: &Published, model: &mut Model) -> Result<(), String> {
    for (name, events) in read_all(published, true)? {
        let space = model.spaces.entry(name).or_default();
        for (known, found) in space.events.iter_mut().zip(events) {
            let leaf = found.leaf.ok_or("an event without a leaf")?;
            if found.stored.is_some() {
                known.receipt.get_or_insert((leaf, found.recorded_at));
            }
        }
    }
    Ok(())
}

/// Reads every event out of segments and recent: each seq from 0 on, exactly once (I1, I2).
fn read_all(published: &Published, deep: bool) -> Result<Shown, String> {
    // The head first, the View after it, as every reader does.
    let workspaces = published.directory.all();
    let view = published.view();
    let mut found: BTreeMap<WorkspaceUid, BTreeMap<u64, Found>> = BTreeMap::new();
    let mut twice = Vec::new();
    let mut put = |uid, seq, event| {
        if found.entry(uid).or_default().insert(seq, event).is_some() {
            twice.push(format!("event {seq} of {uid} is shown twice"));
        }
    };
    let mut sealer = Sealer::default();
    for segment in view.segments.iter() {
        segment
            .for_each_row(GroupSet::ALL, |row| {
                let workspace = workspaces.iter().find(|workspace| workspace.uid == row.workspace);
                let leaf = workspace
                    .filter(|_| deep)
                    .and_then(|workspace| sealer.leaf_of_row(workspace, row));
                let (stored, recorded_at) = (Some(Stored::of_row(row)), row.recorded_at);
                let erased = GroupSet::of(erased_of(row.withheld).iter().map(|(group, _)| *group));
                put(row.workspace, row.seq, Found { stored, recorded_at, leaf, erased });
                Ok::<_, SegmentError>(())
            })
            .map_err(|error| format!("a live segment cannot be read: {error:?}"))?;
        for cover in segment.purged_covers() {
            segment
                .for_each_purged(cover.workspace, 0..u64::MAX, |seq, leaf| {
                    let (leaf, erased) = (Some(leaf), GroupSet::NONE);
                    let found = Found { stored: None, recorded_at: 0, leaf, erased };
                    put(cover.workspace, seq, found);
                })
                .map_err(|error| format!("a live segment cannot be read: {error:?}"))?;
        }
    }
    for generation in &view.generations {
        for uid in generation.workspaces() {
            for event in generation.workspace(uid, view.position).iter() {
                let stored = Some(Stored::of_parts(&event.parts()));
                let (recorded_at, leaf) = (event.recorded_at, Some(event.leaf));
                let erased = GroupSet::NONE;
                put(uid, event.seq, Found { stored, recorded_at, leaf, erased });
            }
        }
    }
    if let Some(first) = twice.into_iter().next() {
        return Err(first);
    }
    let mut shown = Shown::new();
    for workspace in &workspaces {
        let events = found.remove(&workspace.uid).unwrap_or_default();
        let size = workspace.edge.size();
        let gap = events.keys().copied().zip(0..).find(|(seq, index)| seq != index);
        if let Some((seq, index)) = gap {
            return Err(format!("{} shows event {seq} where {index} is due", workspace.name));
        }
        if events.len() as u64 != size {
            return Err(format!("{} has {size} events and shows {}", workspace.name, events.len()));
        }
        shown.insert(workspace.name.to_string(), events.into_values().collect());
    }
    match found.keys().next() {
        Some(uid) => Err(format!("events of the unknown workspace {uid} are shown")),
        None => Ok(shown),
    }
}

/// Checks what holds in every world: recorded_at never decreases (I2), no key is used twice.
fn check_alone(shown: &Shown) -> Result<(), String> {
    for (name, events) in shown {
        let mut places = BTreeSet::new();
        for (seq, event) in events.iter().enumerate() {
            let Some(stored) = &event.stored else { continue };
            if !places.insert((stored.run, stored.k)) {
                return Err(format!("event {seq} of {name} shares its leaf key with another"));
            }
        }
        let there = (0..).zip(events).filter(|(_, event)| event.stored.is_some());
        let there: Vec<(u64, i64)> = there.map(|(seq, event)| (seq, event.recorded_at)).collect();
        if let Some(pair) = there.windows(2).find(|pair| pair[1].1 < pair[0].1) {
            let (later, earlier) = (pair[1].0, pair[0].0);
            return Err(format!("event {later} of {name} was recorded before event {earlier}"));
        }
    }
    Ok(())
}

fn compare(published: &Published, shown: &Shown, world: &Model) -> Result<(), String> {
    if let Some(name) = world.spaces.keys().find(|name| !shown.contains_key(*name)) {
        return Err(format!("workspace {name} is missing"));
    }
    let config = published.view().config.clone();
    for (name, events) in shown {
        let none = crate::model::Space::default();
        let space = world.spaces.get(name).unwrap_or(&none);
        if events.len() != space.events.len() {
            return Err(format!(
                "{name} shows {} events, its clients know {}",
                events.len(),
                space.events.len()
            ));
        }
        let mut leaves = Vec::with_capacity(events.len());
        for (seq, (found, known)) in events.iter().zip(&space.events).enumerate() {
            if found.stored.is_none() != known.is_gone {
                let gone = known.is_gone;
                return Err(format!("event {seq} of {name} was purged: {gone}, and is not so"));
            }
            if let Some(stored) = &found.stored {
                if found.erased != known.erased {
                    let (found, known) = (found.erased, known.erased);
                    return Err(format!("of event {seq} of {name} {known:?} is erased: {found:?}"));
                }
                let is_same = match known.erased.is_empty() {
                    true => *stored == *known.stored,
                    false => *stored == known.stored.without(known.erased),
                };
                if !is_same {
                    return Err(format!(
                        "event {seq} of {name} is not what was sent as {}",
                        known.id
                    ));
                }
                if !known.erased.is_empty() && has_key(published, name, stored) {
                    return Err(format!("the key of the erased event {seq} of {name} is there"));
                }
            }
            if let Some((leaf, recorded_at)) = known.receipt {
                if found.stored.is_some() && recorded_at != found.recorded_at {
                    return Err(format!("event {seq} of {name} has another recorded_at"));
                }
                if found.leaf.is_some_and(|found| found != leaf) {
                    return Err(format!("event {seq} of {name} has another leaf than its receipt"));
                }
            }
            let leaf = known.receipt.map(|(leaf, _)| leaf).or(found.leaf);
            leaves.push(leaf.ok_or_else(|| format!("no leaf of event {seq} of {name} is known"))?);
        }
        let workspace = published.directory.by_name(name).ok_or("a workspace vanished")?;
        if tree::root(&leaves) != workspace.edge.root() {
            return Err(format!("the tree of {name} is not the tree of its receipts"));
        }
        let signing = workspace.signing.as_deref();
        for head in signing.iter().flat_map(|signing| &signing.heads) {
            let covered = leaves.get(..head.size as usize);
            if covered.map(tree::root) != Some(head.root) {
                return Err(format!("head {} of {name} is not of its tree", head.size));
            }
        }
        if let Some((size, root)) = world.heads.get(name) {
            let newest = signing.and_then(|signing| signing.newest());
            if newest.is_none_or(|newest| newest.size < *size) {
                return Err(format!("{name} published a head of {size} and knows no such"));
            }
            if leaves.get(..*size as usize).map(tree::root) != Some(*root) {
                return Err(format!("the tree of {name} is not the one whose head was published"));
            }
        }
        let settings = world.settings.get(name).cloned().unwrap_or_default();
        if *workspace.settings != settings {
            return Err(format!("the settings of {name} are not those that were put"));
        }
    }
    let erasures = config.erasures.values();
    let erasures =
        erasures.map(|known| (known.id, known.leaves.len(), known.completed_at.is_some()));
    let asked = world.erasures.iter();
    if !erasures.eq(asked.map(|(id, known)| (*id, known.steps, known.is_complete))) {
        return Err("the erasures are not as far as they were".to_owned());
    }
    if !config.holds.keys().eq(world.holds.keys()) {
        return Err("the holds are not those that were placed".to_owned());
    }
    let keys: BTreeMap<String, String> =
        config.keys.values().map(|key| (key.id.clone(), key.name.clone())).collect();
    if keys != world.keys {
        return Err("the keys are not those that were put".to_owned());
    }
    Ok(())
}

/// Tells whether an event's key can still be derived.
fn has_key(published: &Published, workspace: &str, stored: &Stored) -> bool {
    let workspace = published.directory.by_name(workspace);
    let Some(workspace) = workspace else { return false };
    let Some(run) = workspace.runs.get(stored.run as usize) else { return false };
    match (&run.secret, Slot::new(stored.k)) {
        (RunSecret::Punctured(run), Some(slot)) => run.event_key(slot).is_some(),
        (RunSecret::Whole(_), _) => true,
        (_, None) => false,
    }
}

/// The whole state as text, to compare two recoveries (I4).
pub(crate) fn fingerprint(process: &Process) -> String {
    format!("{:?}", process.committer.fold().state)
}

/// Uses a recovered store: known ids are duplicates or conflicts, new events get the next seq (I5).
pub(crate) fn probe(process: &mut Process, world: &Model, seed: u64) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let mut model = world.clone();
    let mut requests: Vec<Vec<(String, String)>> = Vec::new();
    for (name, space) in &world.spaces {
        let mut events = Vec::new();
        if !space.events.is_empty() && !name.starts_with('_') {
            let known = &space.events[dice.below(space.events.len() as u64) as usize];
            if known.text.contains("\"id\"") {
                events.push((name.clone(), known.text.clone()));
                let other = format!(r#"{{"id":"{}","action":"probe.other"}}"#, known.id);
                events.push((name.clone(), other));
            }
        }
        let id = format!("probe-{}", dice.any());
        events.push((name.clone(), format!(r#"{{"id":"{id}","action":"probe.create"}}"#)));
        requests.push(events);
    }
    let mut sent = Vec::new();
    let mut group = Vec::new();
    for request in requests {
        let ready = process.prepare(None, &request)?;
        world.judge_answered(&ready.sent)?;
        let slot: AnswerSlot = Arc::new(Mutex::new(None));
        sent.push((ready.sent.clone(), slot.clone()));
        group.push(Process::batch(ready, &slot));
    }
    if group.is_empty() {
        return Ok(());
    }
    process.committer.commit(group).map_err(|fatal| format!("a commit failed: {fatal:?}"))?;
    for (batch, slot) in sent {
        let answer = slot.lock().expect("no holder panics").take();
        let outcomes: Vec<Outcome> =
            answer.ok_or("a batch got no answer")?.map_err(|error| format!("refused: {error}"))?;
        model.acknowledge(&batch, &outcomes)?;
    }
    world_of(&process.published, &[&model], false).map(drop)
}
