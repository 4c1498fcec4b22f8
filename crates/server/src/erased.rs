//! Erasures over the life of a copy: what was erased stays erased when older data is put back.
//!
//! Each erasure is remembered in the signing directory when it begins. A process that dies in between
//! leaves that to the next start, which compares the log with the memory: what is not remembered is now,
//! also when it is complete; what is remembered and unknown to the log is asked for again, since the data
//! is a copy from before it. Events that have another leaf than the remembered one are other events, and
//! are left alone.

use proofbook_event::EventDraft;
use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_query::{QueryError, Reader};
use proofbook_store::commit::CommitError;
use proofbook_store::config::{ConfigChange, Erasure, ErasureTarget};
use proofbook_store::erase::{name_of, taken_by};
use proofbook_store::prepare::Wanted;
use proofbook_store::segment::SegmentError;
use proofbook_store::signing::{Remembered, Signer, SigningError};
use proofbook_store::store::Store;
use serde_json::json;

use crate::admin::draft_of;

/// Why it cannot be seen to that what was erased stays erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseAgainError {
    /// The memory cannot be read or written.
    #[error("the memory of what was erased cannot be used")]
    Memory(#[from] SigningError),
    /// A segment is damaged.
    #[error("the events of an erasure cannot be read")]
    Query(#[from] QueryError),
    /// A segment is damaged.
    #[error("what an erasure took cannot be read")]
    Segment(#[from] SegmentError),
    /// The store could not record it.
    #[error("an erasure could not be recorded")]
    Commit(#[from] CommitError),
    /// The event that tells of it was refused.
    #[error("the event of an erasure was refused: {0}")]
    Refused(String),
}

/// Remembers an erasure that has begun, as it was when it began.
pub(crate) fn remember(
    store: &Store,
    signer: &Signer,
    erasure: &Erasure,
) -> Result<(), EraseAgainError> {
    let Some(reader) = Reader::open(store, &erasure.workspace) else { return Ok(()) };
    let workspace = reader.workspace().uid;
    let targets = match erasure.completed_at {
        None => erasure.targets.clone(),
        Some(_) => taken_by(&store.view(), workspace, erasure.id)?,
    };
    let leaves: Result<Vec<_>, QueryError> =
        targets.iter().map(|target| ends_of(&reader, target)).collect();
    let begun = Erasure {
        targets,
        leaves: Vec::new(),
        completed_at: None,
        aside: Vec::new(),
        ..erasure.clone()
    };
    signer.remember_erasure(&Remembered { workspace, erasure: begun, leaves: leaves? })?;
    Ok(())
}

/// Asks again for erasures that the data does not know, and remembers those that it alone knows; returns
/// how many were asked for again. Call it before the server starts.
///
/// # Errors
/// See [`EraseAgainError`].
pub fn erase_again(store: &Store, signer: &Signer) -> Result<usize, EraseAgainError> {
    let remembered = signer.erasures()?;
    let known = store.view().config.erasures.clone();
    for erasure in known.values().filter(|erasure| erasure.begun_at.is_some()) {
        if !remembered.iter().any(|one| one.erasure.id == erasure.id) {
            remember(store, signer, erasure)?;
        }
    }
    let mut again = 0;
    for one in remembered.iter().filter(|one| !known.contains_key(&one.erasure.id)) {
        let targets = still_there(store, one)?;
        if !targets.is_empty() {
            ask_again(store, &one.erasure, targets)?;
            again += 1;
        }
    }
    if again > 0 {
        tracing::warn!(
            erasures = again,
            "the data is a copy from before they were made; made again"
        );
        store.tend_soon();
    }
    Ok(again)
}

/// Returns the targets whose events are in this copy.
fn still_there(store: &Store, one: &Remembered) -> Result<Vec<ErasureTarget>, EraseAgainError> {
    let Some(workspace) = store.directory().by_uid(one.workspace) else { return Ok(Vec::new()) };
    let Some(reader) = Reader::open(store, &workspace.name) else { return Ok(Vec::new()) };
    let size = reader.head().size;
    let mut targets = Vec::new();
    for (target, (first, last)) in one.targets().filter(|(target, _)| target.seq < size) {
        let here = ErasureTarget { count: target.count.min(size - target.seq), ..*target };
        let (first_here, last_here) = ends_of(&reader, &here)?;
        // Of a run that this copy has in part, the last event is another one.
        if first_here == *first && (last_here == *last || here.count < target.count) {
            targets.push(here);
        }
    }
    Ok(targets)
}

fn ends_of(
    reader: &Reader,
    target: &ErasureTarget,
) -> Result<(proofbook_ledger::Hash, proofbook_ledger::Hash), QueryError> {
    let leaf = |seq: u64| {
        let hashes = reader.leaf_hashes(seq..seq + 1)?;
        Ok::<_, QueryError>(hashes.first().copied().unwrap_or_default())
    };
    Ok((leaf(target.seq)?, leaf(target.seq + target.count - 1)?))
}

fn ask_again(
    store: &Store,
    erasure: &Erasure,
    targets: Vec<ErasureTarget>,
) -> Result<(), EraseAgainError> {
    let event = json!({
        "action": "placeholder",
        "actor": {"type": "system", "name": "Proofbook"},
        "targets": [{"type": "erasure", "id": name_of(erasure.id), "name": erasure.ground}],
        "reason": "the data was put back from before this erasure",
    })
    .to_string();
    let draft: EventDraft<'_> = draft_of(event.as_bytes(), "audit_log.erasure_requested")
        .map_err(|problem| EraseAgainError::Refused(problem.detail))?;
    let begun_at = Some(store.now().micros());
    let erasure = Erasure { targets, begun_at, ..erasure.clone() };
    let change = ConfigChange::PutErasure { erasure: Box::new(erasure) };
    let prepared = store.prepare_change(change, Wanted { workspace: SYSTEM_WORKSPACE, draft });
    for receipt in store.commit(prepared)? {
        receipt.map_err(|rejected| EraseAgainError::Refused(rejected.reason))?;
    }
    Ok(())
}
