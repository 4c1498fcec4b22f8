//! Heads on their way out: published in the log, checked against what left before, signed.
//!
//! A head is published when somebody asks for it, at most every 10 seconds while the tree grows and
//! once a day while it does not, so that the log knows who is read from outside. Signing follows the
//! log's records and nothing else; the signer's own memory and the tree decide whether this store may
//! still sign, or is older than what the world has seen.
//!
//! [`signed`] is the one way by which a note gets to whoever asks: it adds the cosignatures of the
//! witnesses that the settings name, see [`crate::cosigners`].

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use proofbook_event::EventDraft;
use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_ledger::WorkspaceUid;
use proofbook_query::Reader;
use proofbook_store::commit::CommitError;
use proofbook_store::config::ConfigChange;
use proofbook_store::fold::{PublishedHead, Signing};
use proofbook_store::prepare::Wanted;
use proofbook_store::signing::{Outside, RefusedToSign, Signer};
use proofbook_store::store::Store;
use serde_json::json;
use tokio::time::Instant;

use crate::admin::draft_of;
use crate::app::App;
use crate::notes;
use crate::problem::{Code, Problem};
use crate::receipts::whole;

/// Least time between two heads of a workspace that nobody waits for, in microseconds (10 s).
const PUBLISH_EVERY_MICROS: i64 = 10 * 1_000_000;
/// A head that did not grow is published again after this time, in microseconds (24 h).
const RENEW_AFTER_MICROS: i64 = 24 * 3600 * 1_000_000;
/// How often a head is signed anew after somebody else signed a greater one meanwhile.
const TRIES: u32 = 20;
/// Heads that were asked for in this time get a heartbeat, in microseconds (30 days).
const READ_LATELY_MICROS: i64 = 30 * 24 * 3600 * 1_000_000;

/// The signer, and what was found out about it.
pub(crate) struct Heads {
    pub(crate) signer: Arc<Signer>,
    /// Trees that were found to continue what left the house, by workspace and origin.
    continued: Mutex<HashSet<(WorkspaceUid, u32)>>,
}

/// How new a head must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// A few seconds old at most, unless nothing happened.
    Recent,
    /// It covers everything that is recorded now.
    Everything,
}

/// A signed head and the reader that has its tree. A copy is cheap.
#[derive(Clone)]
pub(crate) struct SignedHead {
    pub(crate) reader: Arc<Reader>,
    pub(crate) signing: Arc<Signing>,
    pub(crate) head: PublishedHead,
    /// The signed note: the log's own lines, and behind [`signed`] the cosignatures that there are.
    pub(crate) note: String,
}

/// Publishes a workspace's head if it is due, signs the newest one, and adds the cosignatures that a
/// policy asks for; waits for witnesses until `deadline` at most, and holds no place meanwhile.
pub(crate) async fn signed(
    app: &App,
    workspace: &str,
    need: Freshness,
    deadline: Instant,
) -> Result<SignedHead, Problem> {
    let known = app.store.directory().by_name(workspace);
    let (Some(cosigners), Some(known)) = (&app.cosigners, known) else {
        return newest(app, workspace, need).await;
    };
    // Signed in the same turn: a head that grew while somebody waited is carried once for all of them.
    let turn = cosigners.turn(known.uid, deadline).await;
    let mut signed = newest(app, workspace, need).await?;
    cosigners.cosign(app, &mut signed, turn).await;
    Ok(signed)
}

/// Does the same for who needs the head and not its note: no witness is asked.
pub(crate) async fn newest(
    app: &App,
    workspace: &str,
    need: Freshness,
) -> Result<SignedHead, Problem> {
    let place = app.queries.enter(app.config.queue_timeout).await?;
    let (shared, workspace) = (app.clone(), workspace.to_owned());
    app.blocking(place, move || shared.heads.sign(&shared, &workspace, need)).await
}

impl Heads {
    pub(crate) fn new(signer: Arc<Signer>) -> Self {
        Self { signer, continued: Mutex::default() }
    }

    /// Publishes a workspace's head if it is due, and signs the newest one. Blocks.
    fn sign(&self, app: &App, workspace: &str, need: Freshness) -> Result<SignedHead, Problem> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_to_sign(app, workspace, need)? {
                Ok(signed) => return Ok(signed),
                // Somebody else signed a greater head between our look and our signature.
                Err(RefusedToSign::Behind { .. }) if tries < TRIES => {}
                Err(error) => return Err(refused(&error)),
            }
        }
    }

    fn try_to_sign(
        &self,
        app: &App,
        workspace: &str,
        need: Freshness,
    ) -> Result<Result<SignedHead, RefusedToSign>, Problem> {
        let missing = || Problem::not_found(format!("there is no workspace {workspace} yet"));
        // What left the house first, and the tree after it: then the tree has it, if it ever had.
        let known = app.store.directory().by_name(workspace).ok_or_else(missing)?;
        let last = known.signing.as_ref().and_then(|signing| signing.eras.last());
        let origin = last.map_or(0, |era| era.origin);
        let outside = self.signer.outside(known.uid, origin);
        let mut reader = Reader::open(&app.store, workspace).ok_or_else(missing)?;
        if let Some(outside) = outside {
            self.check_outside(&reader, origin, outside)?;
        }
        if is_due(&reader, app.store.now().micros(), need) {
            app.store.publish_heads(vec![known.uid]).map_err(|error| whole(&error))?;
            reader = Reader::open(&app.store, workspace).ok_or_else(missing)?;
        }
        let no_seed = || {
            let detail = "no signing key is in use: the master seed was not recorded at the start";
            Problem::new(Code::SigningRefused, detail)
        };
        let signing = reader.workspace().signing.clone().ok_or_else(no_seed)?;
        let head = *signing.newest().ok_or_else(no_seed)?;
        let note = self.signer.sign(known.uid, &signing, &head);
        Ok(note.map(|note| SignedHead { reader: Arc::new(reader), signing, head, note }))
    }

    /// Finds out whether this tree continues the greatest head that left the house, once a process.
    fn check_outside(&self, reader: &Reader, origin: u32, outside: Outside) -> Result<(), Problem> {
        let workspace = reader.workspace();
        let size = workspace.edge.size();
        if outside.size > size {
            let behind = RefusedToSign::Behind { published: outside.size, size };
            return Err(refused(&behind));
        }
        let place = (workspace.uid, origin);
        if self.continued.lock().unwrap_or_else(PoisonError::into_inner).contains(&place) {
            return Ok(());
        }
        if reader.root_at(outside.size)? != outside.root {
            return Err(refused(&RefusedToSign::Forked { published: outside.size }));
        }
        self.continued.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
        Ok(())
    }
}

fn is_due(reader: &Reader, now: i64, need: Freshness) -> bool {
    let Some(signing) = reader.workspace().signing.as_ref() else { return true };
    let Some(newest) = signing.newest() else { return true };
    let its_origin = signing.signers(newest).first().map(|era| era.origin);
    if its_origin != signing.eras.last().map(|era| era.origin) {
        // The log goes on under another origin, which has no head yet.
        return true;
    }
    let age = now.saturating_sub(newest.at);
    let has_grown = newest.size < reader.head().size;
    match need {
        Freshness::Everything if has_grown => true,
        _ => (has_grown && age >= PUBLISH_EVERY_MICROS) || age >= RENEW_AFTER_MICROS,
    }
}

/// Lets quiet trees grow by a leaf a day while somebody reads their heads, so that whoever reads can
/// tell a quiet log from one that was frozen or cut. Runs until the server stops.
pub(crate) async fn beat(app: App) {
    let mut ticks = tokio::time::interval(app.config.heartbeat_check);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = app.stopping.cancelled() => return,
        }
        let now = app.store.now().micros();
        for workspace in app.store.directory().all() {
            let newest = workspace.signing.as_ref().and_then(|signing| signing.newest().copied());
            let is_read = newest.is_some_and(|head| now - head.at < READ_LATELY_MICROS);
            if is_read && now - workspace.recorded_at >= RENEW_AFTER_MICROS {
                let event = json!({"actor": {"type": "system", "name": "Proofbook"}});
                notes::append(&app, &workspace.name, "audit_log.heartbeat", event);
            }
        }
    }
}

/// Says why nothing is signed, and what to do.
fn refused(error: &RefusedToSign) -> Problem {
    let what_to_do = match error {
        RefusedToSign::SeedMissing { .. } => {
            "Put master.seed back from its backup and start again. If it is lost for good, \
             POST /v1/signing-seed makes a new one and begins a new origin for every workspace \
             whose heads were published"
        }
        RefusedToSign::Behind { .. } | RefusedToSign::Forked { .. } => {
            "The data are older than, or other than, what was published. Restore the newer data; if \
             they are lost, POST {\"new_origin\": true} to this workspace's /log/keys goes on under \
             a new origin, which tells every verifier so"
        }
        RefusedToSign::Origin(_) | RefusedToSign::Memory(_) => "The server's log tells more",
    };
    tracing::error!(error = error as &dyn std::error::Error, "a head was not signed");
    Problem::new(Code::SigningRefused, format!("{error}. {what_to_do}"))
}

/// Why the signing key is not in use.
#[derive(Debug, thiserror::Error)]
pub enum SigningSeedError {
    /// The store could not record it.
    #[error("the signing key could not be recorded")]
    Commit(#[from] CommitError),
    /// The event that tells of it was refused.
    #[error("the event of the signing key was refused: {0}")]
    Refused(String),
}

/// Records the master seed of a new store, so that heads can be published. A store that uses another
/// seed already is left alone: it refuses to sign, and says why.
///
/// Blocks until it is durable. Call it before the server starts.
///
/// # Errors
/// See [`SigningSeedError`].
pub fn ensure_signing_seed(store: &Store, signer: &Signer) -> Result<(), SigningSeedError> {
    let (None, Some(seed)) = (store.view().config.signing_seed, signer.seed()) else {
        return Ok(());
    };
    const ACTION: &str = "audit_log.signing_key_created";
    let event = json!({
        "action": "placeholder",
        "actor": {"type": "system", "name": "Proofbook"},
        "targets": [{"type": "signing_seed", "id": seed.to_string()}],
    })
    .to_string();
    let draft: EventDraft<'_> = draft_of(event.as_bytes(), ACTION)
        .map_err(|problem| SigningSeedError::Refused(problem.detail))?;
    let change = ConfigChange::SigningSeed { seed };
    let prepared = store.prepare_change(change, Wanted { workspace: SYSTEM_WORKSPACE, draft });
    for receipt in store.commit(prepared)? {
        receipt.map_err(|rejected| SigningSeedError::Refused(rejected.reason))?;
    }
    Ok(())
}
