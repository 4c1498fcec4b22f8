//! Acts of administration: one configuration record each, together with the `_system` event that
//! tells who did what. The fold derives both from the one record, so neither is ever without the other.

use std::sync::Arc;

use proofbook_event::EventDraft;
use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_store::commit::CommitError;
use proofbook_store::config::{ConfigChange, Key, Scope};
use proofbook_store::fold::Outcome;
use proofbook_store::prepare::Wanted;
use proofbook_store::random::Random;
use proofbook_store::store::Store;
use serde_json::{Value, json};

use crate::access::Grant;
use crate::app::App;
use crate::keys::SecretKey;
use crate::problem::{Code, Problem};
use crate::receipts::whole;

/// One act, as its event tells it.
pub(crate) struct Act {
    /// Such as `audit_log.key_created`.
    pub(crate) action: &'static str,
    /// What was acted on: type, id and name.
    pub(crate) target: (&'static str, String, String),
    /// What was before, when there was something.
    pub(crate) before: Option<Value>,
    /// What is now.
    pub(crate) after: Option<Value>,
}

/// Records a change and waits until it is durable and in force.
pub(crate) async fn record(
    app: &App,
    grant: &Grant,
    change: ConfigChange,
    act: Act,
) -> Result<(), Problem> {
    record_as(app, &grant.actor(), change, act).await
}

/// Records a change whose event belongs to a workspace, as a leaf of its tree.
pub(crate) async fn record_in(
    app: &App,
    grant: &Grant,
    workspace: String,
    change: ConfigChange,
    act: Act,
) -> Result<(), Problem> {
    record_to(app, grant.actor(), workspace, change, act).await
}

/// Records a change that somebody made who has no grant yet: the first operator.
pub(crate) async fn record_as(
    app: &App,
    actor: &Value,
    change: ConfigChange,
    act: Act,
) -> Result<(), Problem> {
    record_to(app, actor.clone(), SYSTEM_WORKSPACE.to_owned(), change, act).await
}

async fn record_to(
    app: &App,
    actor: Value,
    workspace: String,
    change: ConfigChange,
    act: Act,
) -> Result<(), Problem> {
    let place = app.ingest.enter(app.config.queue_timeout).await?;
    let store = app.store.clone();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    app.blocking(place, move || {
        let event = event_of(&actor, &act);
        let draft = draft_of(event.as_bytes(), act.action)?;
        let prepared = store.prepare_change(change, Wanted { workspace: &workspace, draft });
        store
            .submit(prepared, move |receipts| {
                // A client that went away does not need its answer.
                let _ = sender.send(receipts);
            })
            .map_err(|error| whole(&error))
    })
    .await?;
    match tokio::time::timeout(app.config.receipt_timeout, receiver).await {
        Ok(Ok(Ok(receipts))) => match receipts.into_iter().find_map(Result::err) {
            None => Ok(()),
            Some(rejected) => Err(Problem::new(Code::Internal, rejected.reason)),
        },
        Ok(Ok(Err(error))) => Err(whole(&error)),
        Ok(Err(_)) | Err(_) => Err(whole(&CommitError::Unknown)),
    }
}

/// Records one event of our own and waits until it is durable; answers what became of it.
///
/// `event` may have an `id`: the log then takes it once, whoever else sends the same.
pub(crate) async fn record_event(
    app: &App,
    workspace: &'static str,
    action: &'static str,
    mut event: Value,
) -> Result<Outcome, Problem> {
    event["action"] = json!(PLACEHOLDER);
    let event = event.to_string();
    let place = app.ingest.enter(app.config.queue_timeout).await?;
    let store = app.store.clone();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    app.blocking(place, move || {
        let draft = draft_of(event.as_bytes(), action)?;
        let prepared = store.prepare(false, vec![Ok(Wanted { workspace, draft })]);
        store
            .submit(prepared, move |receipts| {
                // A client that went away does not need its answer.
                let _ = sender.send(receipts);
            })
            .map_err(|error| whole(&error))
    })
    .await?;
    match tokio::time::timeout(app.config.receipt_timeout, receiver).await {
        Ok(Ok(Ok(receipts))) => match receipts.into_iter().next() {
            Some(Ok(receipt)) => Ok(receipt.outcome),
            _ => Err(Problem::new(Code::Internal, "the event of this act was refused")),
        },
        Ok(Ok(Err(error))) => Err(whole(&error)),
        Ok(Err(_)) | Err(_) => Err(whole(&CommitError::Unknown)),
    }
}

fn event_of(actor: &Value, act: &Act) -> String {
    let (kind, id, name) = &act.target;
    let mut event = json!({
        "action": PLACEHOLDER,
        "actor": actor,
        "via": {"channel": "api"},
        "targets": [{"type": kind, "id": id, "name": name}],
    });
    for (key, value) in [("before", &act.before), ("after", &act.after)] {
        if let Some(value) = value {
            event[key] = value.clone();
        }
    }
    event.to_string()
}

/// Stands for the action while the contract is checked, since it refuses Proofbook's own names.
const PLACEHOLDER: &str = "placeholder";

/// Reads an event of our own making and gives it its reserved action.
pub(crate) fn draft_of<'a>(
    text: &'a [u8],
    action: &'static str,
) -> Result<EventDraft<'a>, Problem> {
    let mut draft = EventDraft::parse(text).map_err(|error| {
        tracing::error!(action, pointer = error.pointer, "our own event breaks the contract");
        Problem::new(Code::Internal, "the event of this act could not be written")
    })?;
    draft.action = action.into();
    Ok(draft)
}

/// What became of the first admin key.
#[derive(Debug)]
pub enum FirstKey {
    /// There are admin keys already, and none was given.
    Existing,
    /// The given key is in force.
    Given,
    /// The given key was revoked before and stays so.
    GivenButRevoked,
    /// A key was made: show it once.
    Generated(SecretKey),
}

/// Why the first admin key is not there.
#[derive(Debug, thiserror::Error)]
pub enum FirstKeyError {
    /// The store could not record it.
    #[error("the first admin key could not be recorded")]
    Commit(#[from] CommitError),
    /// The event that tells of it was refused.
    #[error("the event of the first admin key was refused: {0}")]
    Refused(String),
}

/// Makes sure that there is an admin key: the given one, or a new one when there is none yet.
///
/// Blocks until it is durable. Call it before the server starts.
///
/// # Errors
/// See [`FirstKeyError`].
pub fn ensure_admin_key(
    store: &Arc<Store>,
    given: Option<&SecretKey>,
    random: &dyn Random,
) -> Result<FirstKey, FirstKeyError> {
    let view = store.view();
    let (secret, name) = match given {
        Some(given) => match given.find(&view.config) {
            Some(key) if key.revoked_at.is_some() => return Ok(FirstKey::GivenButRevoked),
            Some(_) => return Ok(FirstKey::Given),
            None => (given.clone(), "given at the start"),
        },
        None => {
            let is_admin = |key: &Key| key.scopes.contains(&Scope::Admin);
            if view.config.keys.values().any(is_admin) {
                return Ok(FirstKey::Existing);
            }
            (SecretKey::generate(random), "first admin key")
        }
    };
    let key = Key {
        id: secret.public_id(),
        name: name.to_owned(),
        secret_sha256: secret.sha256_hex(),
        scopes: vec![Scope::Admin],
        workspaces: vec!["*".to_owned()],
        created_at: store.now().micros(),
        expires_at: None,
        revoked_at: None,
    };
    let act = Act {
        action: "audit_log.key_created",
        target: ("api_key", key.id.clone(), key.name.clone()),
        before: None,
        after: Some(shown(&key)),
    };
    let event = event_of(&json!({"type": "system", "name": "Proofbook"}), &act);
    let draft = draft_of(event.as_bytes(), act.action)
        .map_err(|problem| FirstKeyError::Refused(problem.detail))?;
    let change = ConfigChange::PutKey { key };
    let prepared = store.prepare_change(change, Wanted { workspace: SYSTEM_WORKSPACE, draft });
    for receipt in store.commit(prepared)? {
        receipt.map_err(|rejected| FirstKeyError::Refused(rejected.reason))?;
    }
    Ok(if given.is_some() { FirstKey::Given } else { FirstKey::Generated(secret) })
}

/// Returns a key as people may see it: everything but its hash.
pub(crate) fn shown(key: &Key) -> Value {
    let time = |micros: i64| proofbook_event::Timestamp::from_micros(micros).to_string();
    json!({
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "workspaces": key.workspaces,
        "created_at": time(key.created_at),
        "expires_at": key.expires_at.map(time),
        "revoked_at": key.revoked_at.map(time),
    })
}
